/* Biases by the training targets: base rates, means, and what is done about classes that have none; biases before a
 * ReLU. [mission I9, I10, I13] */
#include "cost/cost.h"
#include "init/init.h"
#include "nn/layer.h"
#include "support/evidence.h"

static int warned;

static void count_warning(void *user, gr_log_level level, const char *text)
{
    (void)user;
    warned += level == GR_LOG_WARNING && strstr(text, "last_bias") != NULL;
}

/* The bias of the last layer under last_bias: auto. */
static void bias_of(const gr_targets *t, gr_prediction_form prediction, int64_t n, double *values)
{
    gr_context_options options = {.log = count_warning};
    gr_context *ctx;
    assert_int_equal(gr_context_create(&options, &ctx), GR_OK);
    gr__bump *b = gr__bump_create(ctx);
    gr_init_from from = {.tree = gr__tree_flow(b, "{last_bias: auto}"), .targets = t, .prediction = prediction};
    gr_param_info p = {.entry = {.name = "head.bias", .shape = GR_SHAPE(n)}, .is_bias = true, .last = true};
    warned = 0;
    test_ok(ctx, gr__init_param(ctx, &from, &p, values));
    gr__bump_destroy(b);
    test_context_end(ctx);
}

static gr_targets counts(const int64_t *count, int64_t classes)
{
    gr_targets t = {.classes = classes, .count = count};
    for (int64_t k = 0; k < classes; k++) t.n += count[k];
    return t;
}

static double softmax(const double *b, int n, int k)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += exp(b[i]);
    return exp(b[k]) / sum;
}

static void two_classes(void **state)
{
    (void)state;
    static const int64_t count[] = {950, 50};
    gr_targets t = counts(count, 2);
    double b;
    bias_of(&t, GR_PREDICT_LABELS, 1, &b);
    assert_true(fabs(b - -2.944438979) < 1e-9 && fabs(1 / (1 + exp(-b)) - 0.05) < 1e-15);
    assert_int_equal(warned, 0);
}

static void many_classes(void **state)
{
    (void)state;
    static const int64_t count[] = {50, 150, 800};
    gr_targets t = counts(count, 3);
    double b[3];
    bias_of(&t, GR_PREDICT_SHARES, 3, b);
    for (int k = 0; k < 3; k++) {
        assert_true(fabs(b[k] - log((double)count[k] / 1000)) < 1e-15);
        assert_true(fabs(softmax(b, 3, k) - (double)count[k] / 1000) < 1e-15);
    }
    assert_int_equal(warned, 0);
}

/* (n + 1/2) / (N + 1), and a warning. */
static void absent_classes_count_as_half_a_target(void **state)
{
    (void)state;
    static const int64_t only[] = {7, 0}, other[] = {0, 1}, some[] = {6, 0, 3, 0}, one[] = {5};
    gr_targets t = counts(only, 2);
    double b[4];
    bias_of(&t, GR_PREDICT_LABELS, 1, b);
    assert_true(fabs(1 / (1 + exp(-b[0])) - 0.5 / 8) < 1e-15 && warned == 1);
    t = counts(other, 2);
    bias_of(&t, GR_PREDICT_LABELS, 1, b);
    assert_true(fabs(1 / (1 + exp(-b[0])) - 1.5 / 2) < 1e-15 && warned == 1);
    bias_of(&t, GR_PREDICT_SHARES, 2, b);
    assert_true(fabs(softmax(b, 2, 1) - 1.5 / 2) < 1e-15 && warned == 1);
    t = counts(some, 4);
    bias_of(&t, GR_PREDICT_SHARES, 4, b);
    for (int k = 0; k < 4; k++) assert_true(fabs(b[k] - log(((double)some[k] + 0.5) / 10)) < 1e-15);
    assert_int_equal(warned, 1); /* of all at once */
    t = counts(one, 1);
    bias_of(&t, GR_PREDICT_SHARES, 1, b);
    assert_true(b[0] == 0 && warned == 0);
}

/* Distributions and several yes-or-no outputs as targets: shares are the means. */
static void shares_as_targets(void **state)
{
    (void)state;
    static const double mean[] = {0.2, 0.5, 0.3}, none[] = {0, 1, 0.5}, variance[3];
    gr_targets t = {.n = 10, .values = 3, .mean = mean, .variance = variance};
    double b[3];
    bias_of(&t, GR_PREDICT_SHARES, 3, b);
    for (int k = 0; k < 3; k++) assert_true(fabs(softmax(b, 3, k) - mean[k]) < 1e-15);
    bias_of(&t, GR_PREDICT_LABELS, 3, b);
    for (int k = 0; k < 3; k++) assert_true(fabs(1 / (1 + exp(-b[k])) - mean[k]) < 1e-15);
    assert_int_equal(warned, 0);
    t.mean = none;
    bias_of(&t, GR_PREDICT_LABELS, 3, b);
    assert_true(fabs(b[0] - log(0.5 / 10.5)) < 1e-14 && fabs(b[1] - log(10.5 / 0.5)) < 1e-14 && b[2] == 0 &&
                warned == 2);
}

static void values_start_at_their_mean(void **state)
{
    (void)state;
    static const double mean[] = {-3, 0, 1e9}, variance[3];
    gr_targets t = {.n = 4, .values = 3, .mean = mean, .variance = variance};
    double b[3];
    bias_of(&t, GR_PREDICT_VALUES, 3, b);
    assert_memory_equal(b, mean, sizeof b);
    bias_of(NULL, GR_PREDICT_VALUES, 3, b); /* nothing known: as good as zeros */
    assert_true(b[0] == 0 && b[2] == 0);
    bias_of(NULL, GR_PREDICT_LABELS, 1, b);
    assert_true(b[0] == 0);
    bias_of(NULL, GR_PREDICT_SHARES, 3, b);
    assert_true(fabs(softmax(b, 3, 1) - 1.0 / 3) < 1e-15 && warned == 0);
}

/* ---- which bias a layer gets ---- */

static double bias_under(const char *set, const char *own, bool last, gr_follow follow)
{
    static const double mean[] = {42}, variance[1];
    ev_bench b;
    assert_true(ev_begin(&b, set));
    gr_targets t = {.n = 1, .values = 1, .mean = mean, .variance = variance};
    gr_init_from from = {.tree = b.tree, .targets = &t, .prediction = GR_PREDICT_VALUES};
    gr_param_info p = {
        .entry = {.name = "l.bias", .shape = GR_SHAPE(1)}, .is_bias = true, .last = last, .follow = follow};
    double value = NAN;
    if (own) p.init = gr__tree_flow(b.memory, own);
    test_ok(b.ctx, gr__init_param(b.ctx, &from, &p, &value));
    ev_end(&b);
    return value;
}

static void the_nearest_word_wins(void **state)
{
    (void)state;
    static const char all[] = "{bias: {type: constant, value: 3}, last_bias: auto, relu_bias: 0.01}",
                      five[] = "{bias: {type: constant, value: 5}}";
    assert_true(bias_under(all, NULL, true, GR_FOLLOW_NOTHING) == 42);
    assert_true(bias_under(all, NULL, false, GR_FOLLOW_NOTHING) == 3);
    assert_true(bias_under(all, NULL, false, GR_FOLLOW_RELU) == 0.01);
    assert_true(bias_under(all, NULL, false, GR_FOLLOW_LEAKY) == 3); /* its units do not die */
    assert_true(bias_under(all, five, true, GR_FOLLOW_NOTHING) == 5);
    assert_true(bias_under(all, five, false, GR_FOLLOW_RELU) == 5);
    assert_true(bias_under(all, "{weights: zeros}", true, GR_FOLLOW_NOTHING) == 42); /* says nothing of biases */
    assert_true(bias_under("{bias: {type: constant, value: 3}, last_bias: zeros}", NULL, true, GR_FOLLOW_NOTHING) == 0);
    assert_true(bias_under("{bias: {type: constant, value: 3}}", NULL, true, GR_FOLLOW_NOTHING) == 3);
    assert_true(bias_under("{bias: {type: constant, value: 3}, relu_bias: 0}", NULL, false, GR_FOLLOW_RELU) == 3);
    assert_true(bias_under("{}", NULL, true, GR_FOLLOW_RELU) == 0);
}

static void choices_can_be_shown(void **state)
{
    (void)state;
    ev_bench b;
    gr_init_choice c;
    assert_true(ev_begin(&b, "{last_bias: auto, relu_bias: 0.1}"));
    gr_init_from from = {.tree = b.tree};
    gr_param_info last = {.entry = {.name = "l.bias", .shape = GR_SHAPE(1)}, .is_bias = true, .last = true},
                  weight = {.entry = {.name = "l.weight"}},
                  relu = {.entry = {.name = "h.bias"}, .is_bias = true, .follow = GR_FOLLOW_RELU};
    test_ok(b.ctx, gr__init_choose(b.ctx, b.memory, &from, &last, &c));
    assert_true(c.asked && gr__tree_equal(gr__init_choice_tree(b.memory, &c), gr__tree_text(b.memory, "auto")));
    test_ok(b.ctx, gr__init_choose(b.ctx, b.memory, &from, &relu, &c));
    assert_true(c.asked && gr__tree_equal(gr__init_choice_tree(b.memory, &c),
                                          gr__tree_flow(b.memory, "{type: constant, value: 0.1}")));
    test_ok(b.ctx, gr__init_choose(b.ctx, b.memory, &from, &weight, &c));
    assert_true(!c.asked && strcmp(c.member->head.name, "xavier") == 0);
    ev_end(&b);
}

/* ---- what a bias before a ReLU does ---- */

enum { UNITS = 4000, SAMPLES = 32 };

/* Share of units that no sample of a narrow cloud far from the origin activates. */
static double dead(const char *set)
{
    ev_bench b;
    assert_true(ev_begin(&b, set));
    static double w[UNITS * 2], bias[UNITS];
    gr_param_info weight = {.entry = {.name = "l.weight", .shape = GR_SHAPE(UNITS, 2)},
                            .fan_in = 2,
                            .fan_out = UNITS,
                            .follow = GR_FOLLOW_RELU},
                  p = {
                      .entry = {.name = "l.bias", .shape = GR_SHAPE(UNITS)}, .is_bias = true, .follow = GR_FOLLOW_RELU};
    gr_init_from from = {.tree = b.tree, .seed = 4};
    gr__rng rng = gr__rng_make(6, "cloud", 0, 0);
    int none = UNITS;
    double x[SAMPLES][2];
    for (int i = 0; i < SAMPLES; i++)
        x[i][0] = 1 + 0.1 * gr__rng_normal(&rng), x[i][1] = 1 + 0.1 * gr__rng_normal(&rng);
    test_ok(b.ctx, gr__init_param(b.ctx, &from, &weight, w));
    test_ok(b.ctx, gr__init_param(b.ctx, &from, &p, bias));
    for (int u = 0; u < UNITS; u++) {
        bool fires = false;
        for (int i = 0; i < SAMPLES; i++) fires |= w[2 * u] * x[i][0] + w[2 * u + 1] * x[i][1] + bias[u] > 0;
        none -= fires;
    }
    ev_end(&b);
    return (double)none / UNITS;
}

static void a_bias_keeps_units_alive(void **state) /* [mission I13] */
{
    (void)state;
    double without = dead("{}"), with = dead("{relu_bias: 0.5}"), much = dead("{relu_bias: 2}");
    assert_true(without > 0.35 && without < 0.5); /* half of the directions look away; the cloud's width saves some */
    assert_true(with < without - 0.08 && much < 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_classes),
        cmocka_unit_test(many_classes),
        cmocka_unit_test(absent_classes_count_as_half_a_target),
        cmocka_unit_test(shares_as_targets),
        cmocka_unit_test(values_start_at_their_mean),
        cmocka_unit_test(the_nearest_word_wins),
        cmocka_unit_test(choices_can_be_shown),
        cmocka_unit_test(a_bias_keeps_units_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
