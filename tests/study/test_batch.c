/* Batches: the noise scale of gradients that are known, memory by plans, regimes and the fit of planted steps.
 * [mission H11, H12, O5] */
#include "base/rng.h"
#include "study/search/batch.h"
#include "study/search/fits.h"
#include "study_case.h"

/* ---- Gaussian gradients ---- */

enum { DRAWS = 400, NUMBERS = 10, MOST_GROUPS = 64 };

typedef struct planted {
    double mean, sd; /* of each number; |G|^2 = NUMBERS mean^2, tr S = NUMBERS sd^2 */
    int groups, group;
} planted;

static void draw(const planted *p, gr__rng *rng, gr_noise *out)
{
    double g[MOST_GROUPS][NUMBERS], sum[NUMBERS] = {0}, square[MOST_GROUPS] = {0}, along[MOST_GROUPS] = {0}, all = 0;
    for (int k = 0; k < p->groups; k++)
        for (int i = 0; i < NUMBERS; i++) {
            g[k][i] = p->mean + p->sd / sqrt(p->group) * gr__rng_normal(rng);
            sum[i] += g[k][i];
        }
    for (int k = 0; k < p->groups; k++)
        for (int i = 0; i < NUMBERS; i++) square[k] += g[k][i] * g[k][i], along[k] += g[k][i] * sum[i];
    for (int i = 0; i < NUMBERS; i++) all += sum[i] * sum[i];
    gr__noise_estimate(square, along, all, p->groups, p->group, out);
}

/* Without bias: the mean over many draws lies within four standard errors of what was planted, and the stated error is
 * what the draws scatter by, or somewhat more. */
static void the_estimate_is_unbiased_within_its_error(void **state)
{
    (void)state;
    const planted cases[] = {{0.5, 1, 64, 1}, {0.1, 1, 64, 1}, {0, 1, 32, 1}, {0.5, 3, 16, 8}, {2, 0.5, 8, 32}};
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        const planted *p = &cases[c];
        double norm2 = NUMBERS * p->mean * p->mean, trace = NUMBERS * p->sd * p->sd, mean[2] = {0}, square[2] = {0},
               stated[2] = {0};
        int near = 0, resolved = 0;
        gr__rng rng = gr__rng_make(7, "test/noise", c, 0);
        for (int k = 0; k < DRAWS; k++) {
            gr_noise n;
            draw(p, &rng, &n);
            const double is[2] = {n.is.gradient_norm2 - norm2, n.is.trace - trace},
                         error[2] = {n.error.gradient_norm2, n.error.trace};
            for (int i = 0; i < 2; i++)
                mean[i] += is[i] / DRAWS, square[i] += is[i] * is[i] / DRAWS, stated[i] += error[i] * error[i] / DRAWS;
            resolved += n.resolved;
            near += n.resolved && fabs(n.is.noise_scale - trace / norm2) < 2 * n.error.noise_scale;
            assert_true(n.resolved != isnan(n.is.noise_scale));
        }
        for (int i = 0; i < 2; i++) {
            if (fabs(mean[i]) > 4 * sqrt(square[i] / DRAWS)) fail_msg("case %zu, figure %d: bias %g", c, i, mean[i]);
            if (stated[i] < 0.8 * square[i] || stated[i] > 2.5 * square[i])
                fail_msg("case %zu, figure %d: the error is stated as %g, and is %g", c, i, sqrt(stated[i]),
                         sqrt(square[i]));
        }
        if (p->mean == 0 && resolved > DRAWS / 10)
            fail_msg("%d of %d draws without a gradient have one", resolved, DRAWS);
        if (norm2 > 4 * sqrt(square[0]) && (resolved < DRAWS * 95 / 100 || near < DRAWS * 85 / 100))
            fail_msg("case %zu: %d of %d are resolved, %d near", c, resolved, DRAWS, near);
    }
}

/* The vector of the specification: 8 samples of squared norm 7.25, 64 of 1.78125. */
static void two_batch_sizes(void **state)
{
    (void)state;
    double square[8], along[8];
    gr_noise n;
    for (int i = 0; i < 8; i++) square[i] = 7.25, along[i] = 8 * 1.78125;
    gr__noise_estimate(square, along, 64 * 1.78125, 8, 8, &n);
    assert_true(fabs(n.is.gradient_norm2 - 1) < 1e-12 && fabs(n.is.trace - 50) < 1e-12 &&
                fabs(n.is.noise_scale - 50) < 1e-9);
    gr__noise_estimate(square, along, 64 * 1.78125, 3, 8, &n);
    assert_true(!n.resolved && isnan(n.is.trace) && n.groups == 3);
}

/* ---- gradients of a recipe ---- */

#define LINE                                                                                                   \
    "gradus: 1\nname: line\nprecision: float64\n"                                                              \
    "data: {train: {type: synthetic, kind: regression, n: 40, features: 3, noise: 0.5, seed: 6}, batch: 10}\n" \
    "model: {input: [3], layers: [{type: dense, units: 1, name: d}]}\ninit: {weights: {type: zeros}}\n"        \
    "cost: mse\noptimizer: sgd\nstop: {epochs: 1}\n"

/* At weights of 0 a sample's gradient is -2 y (x, 1): by plain sums. */
static void gradients_are_those_of_plain_arithmetic(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, LINE);
    gr_task task = {0};
    gr_noise_meter m = {0};
    gr_noise n;
    double sum[4] = {0}, squares = 0, q = 0;
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &task));
    test_ok(ctx, gr__noise_open(&task, 0, &m));
    test_ok(ctx, gr__noise_measure(&m, NULL, NULL, &n));
    gr__loader_seek(m.loader, 0, 0);
    for (int k = 0; k < 40; k++) {
        gr_batch b;
        test_ok(ctx, gr__loader_next(m.loader, &b));
        const double *x = b.field[0], *y = b.field[1], in[4] = {x[0], x[1], x[2], 1};
        for (int i = 0; i < 4; i++) {
            double g = -2 * y[0] * in[i];
            sum[i] += g;
            squares += g * g;
        }
    }
    for (int i = 0; i < 4; i++) q += sum[i] * sum[i];
    assert_true(n.group == 1 && n.groups == 40);
    assert_true(fabs(n.is.gradient_norm2 / ((q - squares) / (40 * 39)) - 1) < 1e-9);
    assert_true(fabs(n.is.trace / ((squares - q / 40) / 39) - 1) < 1e-9);
    gr__noise_close(&m);
    gr__task_close(&task);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* Norms of batches have no gradient of one sample; groups are then batches, and the trace is still that of a sample.
 * What is frozen has no part in it. */
static void groups_are_batches_where_norms_ask(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, TABLE,
                          "model.layers=[{type: dense, units: 4, name: h}, batch_norm, relu, {type: dense, "
                          "units: 3, name: head}]"),
              *frozen = RECIPE(ctx, TABLE, "groups=[{match: 'h.*', freeze: true}]");
    gr_task task = {0};
    gr_noise_meter m = {0};
    gr_noise n;
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &task));
    test_ok(ctx, gr__noise_open(&task, 0, &m));
    test_ok(ctx, gr__noise_measure(&m, NULL, NULL, &n));
    assert_true(n.group == 30 && n.groups == 10 && n.is.trace > 0);
    gr__noise_close(&m);
    gr__task_close(&task);
    test_ok(ctx, gr__task_open(ctx, frozen, 1u << GR_PART_TRAIN, NULL, &task));
    test_ok(ctx, gr__noise_open(&task, 20, &m));
    assert_true(m.group == 1 && m.groups == 20 && m.n == 16 * 3 + 3);
    gr__noise_close(&m);
    gr__task_close(&task);
    gr__recipe_close(ctx, frozen);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* ---- memory ---- */

static uint64_t bytes_of(gr_context *ctx, const gr_recipe *of, int64_t batch)
{
    gr_recipe r = *of;
    gr_task task = {0};
    gr_engine e = {0};
    r.data.batch = batch;
    test_ok(ctx, gr__task_estimate(ctx, &r, &task));
    test_ok(ctx, gr__engine_make(&task, true, 1u << GR_PART_VALIDATION, &e));
    uint64_t bytes = e.bytes.total;
    gr__engine_close(&e);
    gr__task_close(&task);
    return bytes;
}

static void what_fits_is_what_plans_say(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, DIGITS);
    const int64_t want[] = {1, 2, 7, 40, 63, 119};
    int64_t fit;
    for (size_t i = 0; i < GR_COUNT(want); i++) {
        uint64_t bytes = bytes_of(ctx, r, want[i]), more = bytes_of(ctx, r, want[i] + 1);
        assert_true(more > bytes);
        test_ok(ctx, gr__batch_fits(ctx, r, bytes, NULL, NULL, &fit));
        assert_int_equal(fit, want[i]);
        test_ok(ctx, gr__batch_fits(ctx, r, more - 1, NULL, NULL, &fit));
        assert_int_equal(fit, want[i]);
    }
    test_ok(ctx, gr__batch_fits(ctx, r, UINT64_MAX, NULL, NULL, &fit));
    assert_int_equal(fit, 120);
    test_ok(ctx, gr__batch_fits(ctx, r, 1000, NULL, NULL, &fit));
    assert_int_equal(fit, 0);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* ---- steps by batch ---- */

static void regimes_and_fit_of_planted_steps(void **state)
{
    (void)state;
    gr_scaling s = {.n = 9, .seeds = 3};
    for (int i = 0; i < s.n; i++) {
        int64_t batch = INT64_C(8) << i;
        s.row[i].batch = batch;
        for (int k = 0; k < 3; k++) s.row[i].of[k] = (50 + k) * (1 + (90 + 10.0 * k) / (double)batch);
    }
    gr__scaling_judge(&s);
    assert_true(s.critical > 95 && s.critical < 105 && fabs(s.least - 51) < 1);
    assert_true(fabs(s.critical_low - 90) < 1e-6 && fabs(s.critical_high - 110) < 1e-6);
    for (int i = 0; i + 1 < s.n; i++) {
        const gr_scaled *r = &s.row[i];
        double ratio = r->steps / r[1].steps;
        gr_regime want = ratio >= 1.8 ? GR_REGIME_PERFECT : ratio > 1.1 ? GR_REGIME_DIMINISHING : GR_REGIME_STAGNATION;
        assert_true(r->regime == want && r->ratio == ratio && r->ratio_low <= ratio && ratio <= r->ratio_high);
        assert_true(r->low < r->steps && r->steps < r->high);
    }
    /* (1 + 100 / B) / (1 + 50 / B) is 1.8 at 12.5 and 1.1 at 450 */
    assert_true(s.row[0].regime == GR_REGIME_PERFECT && s.row[1].regime == GR_REGIME_DIMINISHING);
    assert_true(s.perfect_until == 16 && s.stagnation_from == 512 && isnan(s.row[8].ratio));
    assert_int_equal(s.row[8].regime, GR_REGIME_STAGNATION);
}

/* A real one, small: larger batches take no more updates, to some scatter, and the same again has the same bits. */
static void a_study_of_blobs(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, TABLE, "data.train.n=600", "optimizer=sgd", "data.train.noise=2");
    gr_task task = {0};
    gr_scaling *first = malloc(sizeof *first), *again = malloc(sizeof *again);
    gr_scaling_options o = {.smallest = 4, .largest = 32, .updates = 40, .seeds = 2, .target = NAN};
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &task));
    test_ok(ctx, gr__scaling_study(&task, &o, first));
    test_ok(ctx, gr__scaling_study(&task, &o, again));
    assert_true(first->n >= 2 && !first->validated && first->target < first->start);
    assert_true(first->row[0].steps > first->row[first->n - 1].steps);
    for (int i = 0; i < first->n; i++) {
        assert_memory_equal(first->row[i].of, again->row[i].of, sizeof(double) * 2);
        if (i) assert_true(first->row[i].batch == 2 * first->row[i - 1].batch);
    }
    o.target = first->start + 1;
    assert_int_equal(gr__scaling_study(&task, &o, again), GR_E_CHECK);
    gr_context_clear_error(ctx);
    o.target = -1;
    assert_int_equal(gr__scaling_study(&task, &o, again), GR_E_CHECK);
    gr_context_clear_error(ctx);
    free(first);
    free(again);
    gr__task_close(&task);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estimate_is_unbiased_within_its_error),
        cmocka_unit_test(two_batch_sizes),
        cmocka_unit_test(gradients_are_those_of_plain_arithmetic),
        cmocka_unit_test(groups_are_batches_where_norms_ask),
        cmocka_unit_test(what_fits_is_what_plans_say),
        cmocka_unit_test(regimes_and_fit_of_planted_steps),
        cmocka_unit_test(a_study_of_blobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
