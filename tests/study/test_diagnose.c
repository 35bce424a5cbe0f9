/* Verdicts of bias and variance: by the errors alone, on either side of every limit, with few samples, several seeds,
 * shares and squares. [mission G1-G3, T14] */
#include "study/diagnose/diagnose.h"
#include "study_case.h"

static gr_errors shares(double train, int64_t n_train, double validation, int64_t n_validation, double chance)
{
    return (gr_errors){.train = {true, train, NAN, n_train},
                       .validation = {n_validation > 0, n_validation > 0 ? validation : (double)NAN, NAN, n_validation},
                       .chance = chance};
}

/* Roots of mean squares, of squares that scatter as much as they are large. */
static gr_errors roots(double train, double validation, int64_t n, double chance)
{
    return (gr_errors){.train = {true, train, train * train / sqrt((double)n), n},
                       .validation = {true, validation, validation * validation / sqrt((double)n), n},
                       .chance = chance};
}

typedef struct verdict_case {
    gr_errors of;
    double reference;
    gr_fitness want;
} verdict_case;

static void verdicts_follow_the_limits(void **state)
{
    (void)state;
    const verdict_case cases[] = {
        {shares(0.5, 1000, 0.5, 1000, 0.5), 0, GR_UNDERFIT},
        {shares(0, 50, 0.4, 1000, 0.5), 0, GR_OVERFIT},
        {shares(0.02, 50, 0.4, 1000, 0.5), 0, GR_OVERFIT}, /* the samples that were trained on are known exactly */
        {shares(0.08, 50, 0.4, 1000, 0.5), 0, GR_UNRESOLVED},
        {shares(0.25, 1000, 0.45, 1000, 0.5), 0, GR_BOTH},
        {shares(0.01, 5000, 0.01, 5000, 0.5), 0, GR_GOOD},
        {shares(0, 1000, 0, 200, 0.9), 0, GR_GOOD},
        {shares(0, 1000, 0, 100, 0.9), 0, GR_UNRESOLVED}, /* up to 0.037, and 0.02 is the limit */
        {shares(0, 1000, 0, 5, 0.9), 0, GR_UNRESOLVED},
        {shares(0.5, 1000, 0, 0, 0.5), 0, GR_UNRESOLVED}, /* no validation */
        /* the reference moves the limit of bias: 0.1 + 0.1 (0.9 - 0.1) = 0.18 */
        {shares(0.15, 10000, 0.15, 10000, 0.9), 0, GR_UNDERFIT},
        {shares(0.15, 10000, 0.15, 10000, 0.9), 0.1, GR_GOOD},
        {shares(0.17, 10000, 0.21, 10000, 0.9), 0.1, GR_GOOD},
        {shares(0.17, 10000, 0.25, 10000, 0.9), 0.1, GR_OVERFIT}, /* 0.17 / 0.75 = 0.227 */
        {shares(0.3, 10000, 0.2, 10000, 0.9), 0, GR_UNDERFIT},    /* inverted */
        {shares(NAN, 100, NAN, 100, 0.5), 0, GR_UNRESOLVED},
        /* of values a tenth of the variance, whatever the unit */
        {roots(0.3, 0.3, 10000, 1), 0, GR_GOOD},
        {roots(0.35, 0.35, 10000, 1), 0, GR_UNDERFIT},
        {roots(350, 350, 10000, 1000), 0, GR_UNDERFIT},
        {roots(0, 1.1, 100, 1), 0, GR_OVERFIT},
        {roots(0.6, 0.9, 10000, 1), 0, GR_BOTH},
        {roots(0.35, 0.35, 10000, 1), 0.34, GR_GOOD},
        {roots(0.2, 0.25, 3, 1), 0, GR_UNRESOLVED},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_diagnosis d;
        gr__diagnose(&cases[i].of, 1, cases[i].reference, &d);
        if (d.verdict != cases[i].want)
            fail_msg("case %zu: %s, not %s: [%g, %g] %g, [%g, %g] %g", i, gr__fitness_name(d.verdict),
                     gr__fitness_name(cases[i].want), d.train.low, d.train.high, d.train.limit, d.validation.low,
                     d.validation.high, d.validation.limit);
    }
}

/* Wilson's bounds of 8 in 10 and of none in 10, as tables have them. */
static void intervals_are_wilsons(void **state)
{
    (void)state;
    gr_errors e = shares(0.8, 10, 0, 10, 0.9);
    gr_diagnosis d;
    gr__diagnose(&e, 1, 0, &d);
    assert_true(fabs(d.train.low - 0.4901625) < 1e-6 && fabs(d.train.high - 0.9433178) < 1e-6);
    assert_true(d.validation.low == 0 && fabs(d.validation.high - 0.2775328) < 1e-6);
    assert_true(d.bias == 0.8 && d.gap == -0.8);
    assert_true(fabs(d.train.limit - 0.09) < 1e-12 && fabs(d.validation.limit - 0.8 / 0.75) < 1e-12);
}

/* What would tell is said, and does. */
static void enough_samples_would_tell(void **state)
{
    (void)state;
    gr_errors e = shares(0, 1000, 0.01, 100, 0.9);
    gr_diagnosis d;
    gr__diagnose(&e, 1, 0, &d);
    assert_int_equal(d.verdict, GR_UNRESOLVED);
    int64_t n = gr__diagnose_samples(&d);
    assert_in_range(n, 101, 5000);
    e.validation.samples = n;
    gr__diagnose(&e, 1, 0, &d);
    assert_int_equal(d.verdict, GR_GOOD);
    assert_int_equal(gr__diagnose_samples(&d), 0);
}

/* Seeds that disagree leave open what one of them alone would have said. */
static void seeds_scatter(void **state)
{
    (void)state;
    gr_errors calm[3], wild[3];
    gr_diagnosis d;
    for (int i = 0; i < 3; i++) {
        calm[i] = shares(0.3 + 0.001 * i, 10000, 0.3, 10000, 0.9);
        wild[i] = shares(i == 0 ? 0.3 : 0.02, 10000, i == 0 ? 0.3 : 0.02, 10000, 0.9);
    }
    gr__diagnose(calm, 3, 0, &d);
    assert_true(d.verdict == GR_UNDERFIT && fabs(d.train.scatter - 0.001) < 1e-9 && d.n_runs == 3);
    gr__diagnose(wild, 1, 0, &d);
    assert_int_equal(d.verdict, GR_UNDERFIT);
    gr__diagnose(wild, 3, 0, &d);
    assert_int_equal(d.verdict, GR_UNRESOLVED);
}

/* Three samples of two values: mean squares 5/2, 0, 1/2, whose mean is 1 and variance 7/6. */
static void squares_have_a_deviation(void **state)
{
    (void)state;
    const float target[] = {0, 0, 1, 2, 2, 4}, prediction[] = {1, 2, 1, 2, 3, 4};
    gr_context *ctx = test_context();
    gr_tally t;
    const gr_tally_spec is = {.form = GR_FORM_VALUES, .outputs = 2, .samples = 3};
    test_ok(ctx, gr__tally_begin(ctx, &is, &t));
    gr__tally_add(&t, 2, target, prediction);
    gr__tally_add(&t, 1, target + 4, prediction + 4);
    assert_true(fabs(gr__tally_error(&t) - 1) < 1e-15);
    assert_true(fabs(gr__tally_square_deviation(&t) - sqrt(7.0 / 6 / 3)) < 1e-15);
    assert_true(fabs(gr__tally_square_about(&t) - (2.0 / 3 + 8.0 / 3) / 2) < 1e-15);
    gr__tally_end(&t);
    const gr_tally_spec classes = {.form = GR_FORM_CLASS, .outputs = 2, .classes = 2, .samples = 1};
    test_ok(ctx, gr__tally_begin(ctx, &classes, &t));
    assert_true(isnan(gr__tally_square_deviation(&t)) && isnan(gr__tally_square_about(&t)));
    gr__tally_end(&t);
    test_context_end(ctx);
}

static gr_history history(gr_context *ctx, int n, double (*cost)(int i), const double *validation)
{
    gr__text text;
    gr_history h;
    gr__text_init(&text, ctx);
    for (int i = 1; i <= n; i++) {
        gr__text_add(&text, "{\"step\": %d, \"train_cost\": %.17g", i, cost(i));
        if (i % 10 == 0) {
            double v = validation[i / 10 - 1];
            if (isnan(v))
                gr__text_add(&text, ", \"validation_error\": null");
            else
                gr__text_add(&text, ", \"validation_error\": %g", v);
        }
        gr__text_add(&text, "}\n");
    }
    test_ok(ctx, gr__history_parse(ctx, "metrics.jsonl", text.s, text.n, &h));
    gr__text_free(&text);
    return h;
}

static double falls(int i)
{
    return 2 - 0.01 * i + 0.01 * (i % 2);
}

static double flat(int i)
{
    return 1 + 0.1 * (i % 3);
}

static void endings_are_read(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const double v[] = {0.5, 0.4, NAN, 0.3, 0.3, 0.35, 0.4, 0.4, 0.45, NAN};
    gr_history h = history(ctx, 100, falls, v);
    gr_ending e = gr__ending_of(&h, "validation_error");
    assert_true(e.known && e.falling && e.steps == 100);
    assert_true(e.best_step == 40 && e.best == 0.3 && e.last == 0.45);
    gr__history_free(&h);
    h = history(ctx, 100, flat, v);
    e = gr__ending_of(&h, "validation_nothing");
    assert_true(e.known && !e.falling && e.best_step == 0 && isnan(e.best));
    gr__history_free(&h);
    test_context_end(ctx);
}

/* ---- advice ---- */

typedef struct advice_case {
    const char *set[4];
    gr_errors of;
    const char *want; /* remedies, in order; each with a blank behind it */
    const char *says;
} advice_case;

static void advice_has_the_chapters_order(void **state)
{
    (void)state;
    const gr_errors low = shares(0.5, 1000, 0.5, 1000, 0.66), high = shares(0, 1000, 0.4, 1000, 0.66),
                    both = shares(0.25, 1000, 0.5, 1000, 0.66), good = shares(0, 1000, 0, 1000, 0.66);
    const advice_case cases[] = {
        {{NULL}, low, "larger_model train_longer other_optimizer ", "units: 32 of layer \"h\""},
        {{"optimizer={type: adam, weight_decay: 0.01}"},
         low,
         "larger_model train_longer less_regularisation other_optimizer ",
         "lower or leave out"},
        {{NULL},
         high,
         "more_data augmentation weight_decay dropout early_stopping ensemble smaller_model label_smoothing "
         "normalisation pruning ",
         "penalty.l2=0.0001 (now 0)"},
        {{"penalty={l2: 1e-5}", "data.batch=128", "cost={type: cross_entropy, label_smoothing: 0.1}"},
         high,
         "more_data augmentation weight_decay dropout early_stopping ensemble smaller_model normalisation "
         "smaller_batch pruning ",
         "penalty.l2=0.0001 (now 1e-05)"},
        {{"model.layers=[{type: dense, units: 8}, batch_norm, relu, {type: dense, units: 3}]",
          "data.limit={train: 90}"},
         high,
         "more_data augmentation weight_decay early_stopping ensemble smaller_model label_smoothing pruning ",
         "data.limit.train=90"},
        {{"model.layers=[{type: dense, units: 8}, {type: dropout, rate: 0.1}, {type: dense, units: 3}]"},
         high,
         "more_data augmentation weight_decay dropout early_stopping ensemble smaller_model label_smoothing "
         "normalisation pruning ",
         "a higher rate of \"dropout1\""},
        {{NULL},
         both,
         "larger_model train_longer other_optimizer more_data augmentation weight_decay dropout early_stopping "
         "ensemble smaller_model label_smoothing normalisation pruning ",
         "stop.epochs=2"},
        {{NULL}, good, "", NULL},
        {{"model.layers=[{type: dense, units: 3}]"},
         low,
         "larger_model train_longer other_optimizer ",
         "a hidden layer before the last"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        const advice_case *k = &cases[i];
        gr_recipe *r = k->set[2]   ? RECIPE(ctx, TABLE, k->set[0], k->set[1], k->set[2])
                       : k->set[1] ? RECIPE(ctx, TABLE, k->set[0], k->set[1])
                       : k->set[0] ? RECIPE(ctx, TABLE, k->set[0])
                                   : RECIPE(ctx, TABLE);
        gr_result result;
        gr_diagnosis d;
        const gr_ending e = {0};
        const gr_advice *advice;
        size_t n;
        char said[400] = "";
        bool found = k->says == NULL;
        test_ok(ctx, gr__result_open(ctx, "diagnose", &result));
        gr__diagnose(&k->of, 1, 0, &d);
        test_ok(ctx, gr__diagnose_advice(&result, &d, r, &e, &advice, &n));
        for (size_t j = 0; j < n; j++) {
            strcat(strcat(said, advice[j].remedy), " ");
            found |= k->says && strstr(advice[j].text, k->says) != NULL;
        }
        if (strcmp(said, k->want) != 0) fail_msg("case %zu: %s", i, said);
        if (!found) fail_msg("case %zu: no advice says \"%s\"", i, k->says);
        gr__result_close(&result);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_the_limits),    cmocka_unit_test(intervals_are_wilsons),
        cmocka_unit_test(enough_samples_would_tell),     cmocka_unit_test(seeds_scatter),
        cmocka_unit_test(squares_have_a_deviation),      cmocka_unit_test(endings_are_read),
        cmocka_unit_test(advice_has_the_chapters_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
