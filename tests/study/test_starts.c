/* Networks that start from last_bias: auto: the first prediction is the base rate or the mean, the first cost the
 * entropy or the variance, in float64, through recipe, data, preparation and cost. [mission I9, I10] */
#include <unistd.h>

#include "study_case.h"

enum { ROWS = 1000 };

/* A table of two inputs and a target; `target` writes row i's. */
static void table(char path[32], void (*target)(FILE *f, int i))
{
    strcpy(path, "/tmp/gradus-starts-XXXXXX");
    int descriptor = mkstemp(path);
    FILE *f = fdopen(descriptor, "w");
    assert_non_null(f);
    fprintf(f, "a,b,y\n");
    for (int i = 0; i < ROWS; i++) {
        fprintf(f, "%d,%d,", i * 7919 % 1009, i * 104729 % 997);
        target(f, i);
        fprintf(f, "\n");
    }
    fclose(f);
}

typedef struct start {
    double cost, mean[4]; /* of all rows at once */
    gr_finding judged;
} start;

static start first(const char *path, int outputs, const char *cost, const char *init)
{
    char text[1024];
    snprintf(text, sizeof text,
             "gradus: 1\nprecision: float64\ndata: {train: {type: csv, file: %s, target: y}, batch: all, prepare: "
             "[standardize]}\n"
             "model: {input: [2], layers: [{type: dense, units: 8, activation: relu, name: h}, {type: dense, units: "
             "%d, name: head, init: "
             "{weights: {type: normal, std: 0}}}]}\n"
             "cost: %s\ninit: %s\noptimizer: sgd\n",
             path, outputs, cost, init);
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, text);
    gr_probe p;
    gr_batch b;
    start s = {0};
    test_ok(ctx, gr__probe_open(ctx, r, &p));
    test_ok(ctx, gr__loader_next(p.loader, &b));
    assert_int_equal(b.n, ROWS);
    test_ok(ctx, gr__probe_run(&p, p.evaluate, &b));
    gr_shape shape;
    const double *y = gr__probe_head(&p, 0, "prediction", &shape);
    int64_t width = gr_shape_count(shape) / ROWS;
    for (int64_t i = 0; i < ROWS * width; i++) s.mean[i % width] += y[i] / ROWS;
    s.cost = *(const double *)gr__probe_head(&p, 0, "cost_sum", NULL) /
             *(const double *)gr__probe_head(&p, 0, "weight_sum", NULL);
    test_ok(ctx, gr__check_cost(&p, &s.judged));
    gr__probe_close(&p);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    return s;
}

static void one_in_twenty(FILE *f, int i)
{
    fprintf(f, "%d", i % 20 == 3);
}
static void three_classes(FILE *f, int i)
{
    fprintf(f, "%d", i % 20 == 3 ? 0 : i % 20 < 3 ? 1 : 2);
}
static double value_of(int i)
{
    return 100 + (i % 10 == 0 ? 50 : i % 7);
}
static void values(FILE *f, int i)
{
    fprintf(f, "%g", value_of(i));
}

static void a_binary_classifier_starts_at_the_base_rate(void **state)
{
    (void)state;
    char path[32];
    table(path, one_in_twenty);
    start with = first(path, 1, "binary_cross_entropy", "{last_bias: auto}"),
          without = first(path, 1, "binary_cross_entropy", "{}");
    double entropy = -0.05 * log(0.05) - 0.95 * log(0.95);
    assert_true(fabs(with.mean[1] - 0.05) < 1e-12 && fabs(with.mean[0] - 0.95) < 1e-12);
    assert_true(fabs(with.cost - entropy) < 1e-12 && with.judged.verdict == GR_VERDICT_OK &&
                fabs(with.judged.limit - entropy) < 1e-12);
    assert_true(fabs(without.mean[1] - 0.5) < 1e-12 && fabs(without.cost - log(2)) < 1e-12);
    unlink(path);
}

static void so_do_many_classes(void **state)
{
    (void)state;
    char path[32];
    table(path, three_classes);
    static const double share[] = {0.05, 0.15, 0.8};
    start with = first(path, 3, "cross_entropy", "{last_bias: auto}"),
          without = first(path, 3, "cross_entropy", "{last_bias: zeros}");
    double entropy = 0;
    for (int k = 0; k < 3; k++) {
        entropy -= share[k] * log(share[k]);
        assert_true(fabs(with.mean[k] - share[k]) < 1e-12 && fabs(without.mean[k] - 1.0 / 3) < 1e-12);
    }
    assert_true(fabs(with.cost - entropy) < 1e-12 && with.judged.verdict == GR_VERDICT_OK);
    assert_true(fabs(without.cost - log(3)) < 1e-12);
    unlink(path);
}

static void a_regression_starts_at_the_mean(void **state)
{
    (void)state;
    char path[32];
    double mean = 0, variance = 0;
    table(path, values);
    for (int i = 0; i < ROWS; i++) mean += value_of(i) / ROWS;
    for (int i = 0; i < ROWS; i++) variance += (value_of(i) - mean) * (value_of(i) - mean) / ROWS;
    start with = first(path, 1, "mse", "{last_bias: auto}"), without = first(path, 1, "mse", "{}");
    assert_true(fabs(with.mean[0] - mean) < 1e-9 && fabs(with.cost / variance - 1) < 1e-9);
    assert_true(with.judged.verdict == GR_VERDICT_OK && fabs(with.judged.limit / variance - 1) < 1e-9);
    assert_true(fabs(without.cost / (variance + mean * mean) - 1) < 1e-9);
    unlink(path);
}

/* ---- the scale of weights ---- */

typedef struct heard {
    int far, relu;
} heard;

static void listen(void *user, gr_log_level level, const char *text)
{
    heard *h = user;
    if (level != GR_LOG_WARNING) return;
    h->far += strstr(text, "keeps activations at its fan-in") != NULL;
    h->relu += strstr(text, "relu_bias") != NULL;
}

static heard warnings_of(const char *init)
{
    heard h = {0};
    gr_context_options options = {.threads = 1, .log = listen, .user = &h};
    gr_context *ctx;
    char set[128];
    assert_int_equal(gr_context_create(&options, &ctx), GR_OK);
    snprintf(set, sizeof set, "init=%s", init);
    gr_recipe *r = RECIPE(
        ctx, TABLE,
        "model.layers=[{type: dense, units: 64, activation: tanh, name: h}, {type: dense, units: 3, name: head}]", set);
    gr_probe p;
    test_ok(ctx, gr__probe_open(ctx, r, &p));
    gr__probe_close(&p);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    return h;
}

static void odd_scales_are_warned_of(void **state) /* [mission I2] */
{
    (void)state;
    static const struct {
        const char *init;
        heard want;
    } rows[] = {
        {"{}", {0, 0}},
        {"{weights: {type: normal, std: 0.1}}", {0, 0}},
        {"{weights: {type: normal, std: 1e-3}}", {1, 0}}, /* once, for both */
        {"{weights: {type: uniform, bound: 30}}", {1, 0}},
        {"{weights: {type: xavier, gain: 1e-4}}", {1, 0}},
        {"{weights: orthogonal}", {0, 0}},
        {"{weights: {type: hyperfan, fan_in: 100000}}", {0, 0}}, /* its scale is another's */
        {"{weights: zeros}", {0, 0}},                            /* warned of as equal */
        {"{relu_bias: 0.1}", {0, 1}},                            /* no ReLU here */
        {"{relu_bias: 0}", {0, 0}},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        heard h = warnings_of(rows[i].init);
        if (h.far != rows[i].want.far || h.relu != rows[i].want.relu)
            fail_msg("%s: %d and %d warnings", rows[i].init, h.far, h.relu);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_binary_classifier_starts_at_the_base_rate),
        cmocka_unit_test(so_do_many_classes),
        cmocka_unit_test(a_regression_starts_at_the_mean),
        cmocka_unit_test(odd_scales_are_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
