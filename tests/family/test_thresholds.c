/* What follows from counts: the figures of 8.7 in shared/algorithms.md, of a model that always gives one answer, and
 * thresholds of two classes. */
#include "base/rng.h"
#include "support/case_metric.h"
#include "support/evidence.h"

/* text: "f1", or "f1 average macro". */
static gr_metric_use use_of(gr_context *ctx, gr__bump *b, gr_metrics *m, gr_target_form form, int64_t classes,
                            const char *text)
{
    char name[40] = "", key[40] = "", value[40] = "";
    const gr_metric_scope scope = {.form = form, .classes = classes, .cost = "any"};
    gr_tree *tree = gr__tree_map(b);
    assert_true(sscanf(text, "%39s %39s %39s", name, key, value) >= 1);
    gr__tree_put(b, tree, "type", gr__tree_scalar(b, name));
    if (*key) gr__tree_put(b, tree, gr__bump_strdup(b, key), gr__tree_scalar(b, value));
    test_ok(ctx, gr__metrics_add(ctx, b, &scope, tree, m));
    return m->use[m->n - 1];
}

static double figure(gr_context *ctx, const gr_tally *t, const char *text)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_metrics m = {0};
    const gr_metric_use u = use_of(ctx, b, &m, t->is.form, t->is.classes, text);
    double x = u.member->value(&u.settings, t);
    gr__bump_destroy(b);
    return x;
}

/* A tally of classes that are certain. */
static void certain(gr_context *ctx, const int *truth, const int *guess, int n, int classes, gr_tally *t)
{
    float p[8];
    const gr_tally_spec is = {
        .form = GR_FORM_CLASS, .outputs = classes, .classes = classes, .samples = n, .confusion = true};
    test_ok(ctx, gr__tally_begin(ctx, &is, t));
    for (int i = 0; i < n; i++) {
        const int32_t label = truth[i];
        for (int k = 0; k < classes; k++) p[k] = k == guess[i];
        gr__tally_add(t, 1, &label, p);
    }
    gr__tally_finish(t);
}

static void the_vectors_of_three_classes_hold(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const int truth[] = {0, 0, 0, 0, 0, 1, 1, 1, 2, 2}, guess[] = {0, 0, 0, 1, 0, 1, 1, 0, 2, 1};
    gr_tally t;
    certain(ctx, truth, guess, 10, 3, &t);
    const int64_t confusion[] = {4, 1, 0, 1, 2, 0, 0, 1, 1};
    assert_memory_equal(t.confusion, confusion, sizeof confusion);
    assert_true(fabs(figure(ctx, &t, "f1") - 0.679365079) < 1e-9);
    assert_true(fabs(figure(ctx, &t, "f1 average micro") - 0.7) < 1e-12);
    assert_true(fabs(figure(ctx, &t, "f1 average weighted") - 0.704761905) < 1e-9);
    assert_true(fabs(figure(ctx, &t, "mcc") - 0.516953944) < 1e-9);
    assert_true(fabs(figure(ctx, &t, "balanced_accuracy") - 0.655555556) < 1e-9);
    gr__tally_end(&t);
    test_context_end(ctx);
}

static void the_vectors_of_two_classes_hold(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    int truth[100], guess[100]; /* TP 6, FP 2, FN 3, TN 89 */
    for (int i = 0; i < 100; i++) truth[i] = i < 9, guess[i] = i < 6 || (i >= 9 && i < 11);
    gr_tally t;
    certain(ctx, truth, guess, 100, 2, &t);
    assert_true(fabs(figure(ctx, &t, "f1") - 0.705882353) < 1e-9);
    assert_true(fabs(figure(ctx, &t, "mcc") - 0.680069135) < 1e-9);
    gr__tally_end(&t);
    test_context_end(ctx);
}

/* Each member that says so gives the same of a tally that really saw such a model. */
static void a_model_of_one_answer_has_the_figures_of_its_counts(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    for (int round = 0; round < 60; round++) {
        gr__rng rng = gr__rng_make((uint64_t)round, "baseline", 0, 0);
        int classes = 2 + round % 4, n = 1 + (int)(gr__rng_uniform(&rng) * 60), truth[64], guess[64];
        int64_t count[8];
        for (int k = 0; k < classes; k++) count[k] = 1 + (int64_t)(gr__rng_uniform(&rng) * 50);
        const gr_targets training = {.classes = classes, .count = count, .n = 100};
        for (int i = 0; i < n; i++)
            truth[i] = (int)(gr__rng_uniform(&rng) * classes), guess[i] = (int)(gr__rng_uniform(&rng) * classes);
        gr_tally t, always;
        gr_metrics m = {0};
        double got[GR_MAX_METRICS];
        certain(ctx, truth, guess, n, classes, &t);
        t.is.targets = round % 3 ? &training : NULL;
        int64_t k = gr__tally_majority(&t), most = 0;
        for (int i = 0; i < classes; i++) {
            int64_t here = round % 3 ? count[i] : t.hits[i].truth, of = round % 3 ? count[k] : t.hits[k].truth;
            assert_true(here < of || (here == of && i >= k));
            most += here;
        }
        assert_true(most > 0);
        const gr_metric_scope scope = {.form = GR_FORM_CLASS, .classes = classes, .cost = "any"};
        test_ok(ctx, gr__metrics_add_rest(ctx, b, &scope, &m));
        test_ok(ctx, gr__tally_baseline(&t, &m, got));
        for (int i = 0; i < n; i++) guess[i] = (int)k;
        certain(ctx, truth, guess, n, classes, &always);
        always.is.targets = t.is.targets;
        int counted = 0;
        for (int i = 0; i < m.n; i++) {
            double want = m.use[i].member->value(&m.use[i].settings, &always);
            counted += m.use[i].member->counted;
            assert_true(m.use[i].member->counted ? got[i] == want : isnan(got[i]));
        }
        assert_true(counted >= 6);
        gr__tally_end(&t);
        gr__tally_end(&always);
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

enum { MANY = 300 };

/* The figure that a pass with this threshold gives. */
static double with_threshold(gr_context *ctx, const gr_threshold *at, const int32_t *label, const void *p, int n,
                             bool wide, const gr_metric_use *by)
{
    gr_tally t;
    const gr_tally_spec is = {
        .form = GR_FORM_CLASS, .outputs = 2, .classes = 2, .wide = wide, .samples = n, .threshold = at};
    test_ok(ctx, gr__tally_begin(ctx, &is, &t));
    gr__tally_add(&t, n, label, p);
    gr__tally_finish(&t);
    double x = by->member->value(&by->settings, &t);
    gr__tally_end(&t);
    return x;
}

static double draw(gr__rng *rng, int kind, bool wide)
{
    double u = gr__rng_uniform(rng);
    double x = kind == 0 ? u : kind == 1 ? floor(5 * u) / 4 : kind == 2 ? 1e-9 * u : kind == 3 ? 1 - 1e-6 * u : u < 0.5;
    return wide ? fmin(x, 1) : (double)(float)fmin(x, 1);
}

/* No threshold that tells other samples apart is better, and a pass with the one chosen gives its figure to the bit. */
static void the_best_threshold_is_as_good_as_any(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    static double p[2 * MANY], score[MANY];
    static float narrow[2 * MANY];
    static int32_t label[MANY];
    static uint64_t room[MANY];
    static const char *const by[] = {"f1 positive 0", "f1 positive 1", "f1 average macro",
                                     "mcc",           "accuracy",      "balanced_accuracy"};
    int moved = 0;
    for (int round = 0; round < 120; round++) {
        gr__rng rng = gr__rng_make((uint64_t)round, "threshold", 0, 0);
        bool wide = round % 2;
        const gr_threshold start = {.at = 0.5, .positive = round / 2 % 2};
        int n = 2 + (int)(gr__rng_uniform(&rng) * (round < 40 ? 10 : MANY - 2)), one = start.positive;
        for (int i = 0; i < n; i++) {
            label[i] = i < 2 ? i : gr__rng_uniform(&rng) < 0.3;
            score[i] = draw(&rng, round / 4 % 5, wide); /* of the positive one */
            p[2 * i + one] = score[i], p[2 * i + 1 - one] = 1 - score[i];
            narrow[2 * i] = (float)p[2 * i], narrow[2 * i + 1] = (float)p[2 * i + 1];
        }
        const void *given = wide ? (const void *)p : narrow;
        gr_metrics m = {0};
        const gr_metric_use u = use_of(ctx, b, &m, GR_FORM_CLASS, 2, by[round % (int)GR_COUNT(by)]);
        gr_tally t;
        gr_tally_spec is = {.form = GR_FORM_CLASS,
                            .outputs = 2,
                            .classes = 2,
                            .wide = wide,
                            .samples = n,
                            .threshold = &start,
                            .scores = room};
        assert_true(gr__tally_score_bytes(&is, n) <= sizeof room);
        test_ok(ctx, gr__tally_begin(ctx, &is, &t));
        gr__tally_add(&t, n, label, given);
        gr__tally_finish(&t);
        gr_threshold best;
        double told, highest = -2;
        gr__tally_best_threshold(&t, &u, &best, &told);
        gr__tally_end(&t);
        assert_true(best.positive == one && best.at >= 0 && best.at <= 1);
        assert_true(with_threshold(ctx, &best, label, given, n, wide, &u) == told);
        for (int i = 0; i < n; i++) {
            const gr_threshold other = {.at = score[i], .positive = one};
            highest = fmax(highest, with_threshold(ctx, &other, label, given, n, wide, &u));
        }
        assert_true(told == highest);
        moved += best.at != 0.5;
    }
    assert_true(moved > 60);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

static void labels_have_a_side_each(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const float p[] = {0.25f, 0.5f, 0.75f, 0.1f}, y[] = {1, 1, 0, 0};
    const gr_threshold at = {.at = 0.25};
    gr_tally t;
    const gr_tally_spec is = {.form = GR_FORM_LABELS, .outputs = 2, .classes = 2, .samples = 2, .threshold = &at};
    test_ok(ctx, gr__tally_begin(ctx, &is, &t));
    gr__tally_add(&t, 2, y, p);
    assert_int_equal(t.hits[0].guessed, 2);
    assert_int_equal(t.hits[1].guessed, 1);
    assert_int_equal(t.right, 3);
    gr__tally_end(&t);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_three_classes_hold),
        cmocka_unit_test(the_vectors_of_two_classes_hold),
        cmocka_unit_test(a_model_of_one_answer_has_the_figures_of_its_counts),
        cmocka_unit_test(the_best_threshold_is_as_good_as_any),
        cmocka_unit_test(labels_have_a_side_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
