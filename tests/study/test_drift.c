/* D13: drift is found where it was planted, and seldom where there is none, over seeds; whatever samples are made of.
 */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "study/data/served.h"
#include "study/data/energy.h"
#include "test.h"

enum { MOST_VALUES = 1 << 20 };
static double values[2][MOST_VALUES];
static int32_t indices[2][MOST_VALUES], lengths[2][4096];

/* A set of n samples whose numbers are those of a side. */
static gr_set set_of(int side, int64_t n, gr_shape sample)
{
    return (gr_set){
        .n = n,
        .n_inputs = 1,
        .file = "serving.csv",
        .field[0] = {
            .name = "input", .role = GR_FIELD_INPUT, .sample = sample, .element = GR_EL_F64, .data = values[side]}};
}

static gr_status compare(gr_context *ctx, gr__bump *b, gr_set set[2], double alpha, uint64_t seed, gr_drift *out)
{
    const gr_drift_side training = {.set = &set[0], .n = set[0].n}, serving = {.set = &set[1], .n = set[1].n};
    return gr__drift(ctx, b, &training, &serving, alpha, seed, out);
}

/* What is planted in the second side: x[0..width) of a sample, standard normal before. */
typedef void (*planted)(gr__rng *rng, double *x, int width);

static void nothing(gr__rng *rng, double *x, int width)
{
    (void)rng, (void)x, (void)width;
}

static void a_mean(gr__rng *rng, double *x, int width)
{
    (void)rng, (void)width;
    x[1] += 0.6;
}

static void a_spread(gr__rng *rng, double *x, int width)
{
    (void)rng, (void)width;
    x[1] *= 2;
}

static void what_is_missing(gr__rng *rng, double *x, int width)
{
    (void)width;
    if (gr__rng_uniform(rng) < 0.35) x[1] = NAN;
}

/* No feature changes by itself. */
static void how_they_go_together(gr__rng *rng, double *x, int width)
{
    (void)rng, (void)width;
    x[1] = 0.9 * x[0] + sqrt(1 - 0.81) * x[1];
}

/* Numbers of few values, as counts and classes are. */
static void few_values(gr__rng *rng, double *x, int width)
{
    (void)rng;
    for (int k = 0; k < width; k++) x[k] = round(x[k]);
}

typedef struct planted_drift {
    planted how[2]; /* of training, of serving */
    bool jointly;   /* it is all together that finds it */
    int least;      /* of 40 seeds that find it */
} planted_drift;

/* How many of the seeds find drift; *named: how many find it at feature 1 and nowhere else among the features. */
static int found_by(gr_context *ctx, const planted_drift *d, int64_t n, int64_t m, int width, double alpha, int seeds,
                    int *named, int *joint)
{
    int found = 0;
    *named = *joint = 0;
    for (int seed = 0; seed < seeds; seed++) {
        gr__bump *b = gr__bump_create(ctx);
        gr_set set[2] = {set_of(0, n, GR_SHAPE(width)), set_of(1, m, GR_SHAPE(width))};
        gr_drift out;
        for (int side = 0; side < 2; side++)
            for (int64_t i = 0; i < set[side].n; i++) {
                gr__rng rng = gr__rng_make((uint64_t)seed, "planted", (uint32_t)side, (uint32_t)i);
                double *x = values[side] + i * width;
                for (int k = 0; k < width; k++) x[k] = gr__rng_normal(&rng);
                d->how[side](&rng, x, width);
            }
        test_ok(ctx, compare(ctx, b, set, alpha, (uint64_t)seed, &out));
        assert_int_equal(out.n, width);
        assert_int_equal(out.tests, width + 1);
        int here = 0;
        for (int k = 0; k < width; k++) here += out.feature[k].drifts;
        found += out.found > 0;
        *named += here == 1 && out.feature[1].drifts;
        *joint += out.joint.drifts;
        gr__bump_destroy(b);
    }
    return found;
}

static void planted_drift_is_found_and_named(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const planted_drift all[] = {
        {{nothing, a_mean}, false, 38},
        {{nothing, a_spread}, false, 36},
        {{nothing, what_is_missing}, false, 38},
        {{nothing, how_they_go_together}, true, 36},
    };
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        int named, joint, found = found_by(ctx, &all[i], 300, 200, 4, 0.05, 40, &named, &joint);
        if (found < all[i].least || (all[i].jointly ? joint : named) < all[i].least - 3)
            fail_msg("planted %d: found by %d seeds of 40, named by %d, jointly by %d", (int)i, found, named, joint);
    }
    test_context_end(ctx);
}

/* Three standard deviations above alpha, for each of the ways in which nothing has changed. */
static void where_there_is_none_it_is_seldom_found(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    enum { SEEDS = 200 };
    const double alpha = 0.1;
    const planted_drift none[] = {{{nothing, nothing}, false, 0},
                                  {{few_values, few_values}, false, 0},
                                  {{what_is_missing, what_is_missing}, false, 0},
                                  {{how_they_go_together, how_they_go_together}, false, 0}};
    int most = (int)(SEEDS * alpha + 3 * sqrt(SEEDS * alpha * (1 - alpha))), all = 0;
    for (size_t i = 0; i < GR_COUNT(none); i++) {
        int named, joint, found = found_by(ctx, &none[i], 50, 70, 3, alpha, SEEDS, &named, &joint);
        if (found > most) fail_msg("kind %d: false alarms by %d seeds of %d", (int)i, found, SEEDS);
        all += found;
    }
    assert_true(all > 0); /* a test that never finds anything would pass too */
    test_context_end(ctx);
}

static double plain_energy(const double *a, int n, const double *b, int m)
{
    double between = 0, one = 0, other = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++) between += fabs(a[i] - b[j]);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) one += fabs(a[i] - a[j]);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) other += fabs(b[i] - b[j]);
    return 2 * between / (n * m) - one / (n * n) - other / (m * m);
}

static void the_energy_is_that_of_the_ranks(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const double a[] = {3, -1, 7, 7}, b[] = {7, 100, 2, -50, 5, NAN};
    /* in order: NaN, -50, -1, 2, 3, 5, 7 7 7, 100: middles of ranks, of 10 */
    const double ra[] = {0.45, 0.25, 0.75, 0.75}, rb[] = {0.75, 0.95, 0.35, 0.15, 0.55, 0.05};
    gr_two_sample t, again;
    test_ok(ctx, gr__two_sample_energy(ctx, a, 4, b, 6, 1, 5, &t));
    assert_true(fabs(t.statistic - plain_energy(ra, 4, rb, 6)) < 1e-6);
    assert_true(t.p > 0 && t.p <= 1);
    test_ok(ctx, gr__two_sample_energy(ctx, a, 4, b, 6, 1, 5, &again));
    assert_true(t.p == again.p && t.statistic == again.statistic);
    test_ok(ctx, gr__two_sample_energy(ctx, a, 0, b, 6, 1, 5, &t));
    assert_true(t.p == 1 && t.statistic == 0);
    test_context_end(ctx);
}

static void draw(uint64_t seed, int side, int64_t n)
{
    gr__rng rng = gr__rng_make(seed, "numbers", (uint32_t)side, 0);
    for (int64_t i = 0; i < n; i++) values[side][i] = gr__rng_normal(&rng);
}

/* Pictures: a channel that is darker is named; one that is turned upside down is seen by all together. */
static void pictures_have_features_of_their_channels(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    enum { H = 12, W = 12, C = 3, N = 120 };
    gr_set set[2] = {set_of(0, N, GR_SHAPE(H, W, C)), set_of(1, N, GR_SHAPE(H, W, C))};
    gr_drift out;
    for (int side = 0; side < 2; side++) {
        draw(3, side, (int64_t)N * H * W * C);
        for (int64_t i = 0; i < (int64_t)N * H * W * C; i++) values[side][i] += side && i % C == 1 ? -0.3 : 0;
    }
    test_ok(ctx, compare(ctx, b, set, 0.05, 1, &out));
    assert_int_equal(out.n, 6);
    assert_string_equal(out.feature[2].name, "mean of channel 1");
    for (int k = 0; k < 6; k++) assert_int_equal(out.feature[k].drifts, k == 2);
    for (int side = 0; side < 2; side++) {
        draw(4, side, (int64_t)N * H * W * C);
        for (int64_t i = 0; i < (int64_t)N * H * W * C; i++) {
            int64_t row = i / (W * C) % H;
            values[side][i] += side ? row >= H / 2 : row < H / 2;
        }
    }
    test_ok(ctx, compare(ctx, b, set, 0.05, 1, &out));
    for (int k = 0; k < 6; k++) assert_false(out.feature[k].drifts);
    assert_true(out.joint.drifts);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

static void wide_samples_have_stretches(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    enum { WIDE = 2560, N = 80 };
    gr_set set[2] = {set_of(0, N, GR_SHAPE(WIDE)), set_of(1, N, GR_SHAPE(WIDE))};
    gr_drift out;
    for (int side = 0; side < 2; side++) draw(5, side, (int64_t)N * WIDE);
    for (int64_t i = 0; i < N; i++)
        for (int64_t k = 100; k < 110; k++) values[1][i * WIDE + k] += 1;
    test_ok(ctx, compare(ctx, b, set, 0.05, 1, &out));
    assert_int_equal(out.n, 256);
    assert_string_equal(out.feature[10].name, "mean of 100 to 109");
    for (int k = 0; k < 256; k++) assert_int_equal(out.feature[k].drifts, k == 10);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

/* Words in other shares are seen by all together; longer samples by their length. */
static void indices_and_lengths_are_looked_at(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    enum { STEPS = 20, N = 150 };
    for (int way = 0; way < 3; way++) {
        gr__bump *b = gr__bump_create(ctx);
        gr_set set[2] = {set_of(0, N, GR_SHAPE(STEPS)), set_of(1, N, GR_SHAPE(STEPS))};
        gr_drift out;
        for (int side = 0; side < 2; side++) {
            gr__rng rng = gr__rng_make((uint64_t)way, "words", (uint32_t)side, 0);
            for (int64_t i = 0; i < N * STEPS; i++) {
                indices[side][i] = (int32_t)gr__rng_below(&rng, 300);
                if (way == 1 && side && gr__rng_uniform(&rng) < 0.1) indices[side][i] = 7;
            }
            for (int64_t i = 0; i < N; i++)
                lengths[side][i] = 1 + (int32_t)gr__rng_below(&rng, way == 2 && side ? STEPS / 2 : STEPS);
            gr_field *f = &set[side].field[0];
            f->element = GR_EL_I32;
            f->vocabulary = 300;
            f->data = indices[side];
            f->length = lengths[side];
            f->steps = STEPS;
        }
        test_ok(ctx, compare(ctx, b, set, 0.01, 2, &out));
        assert_int_equal(out.n, 1);
        assert_string_equal(out.feature[0].name, "length");
        assert_int_equal(out.feature[0].drifts, way == 2);
        if (way < 2) assert_int_equal(out.joint.drifts, way == 1);
        assert_int_equal(out.found > 0, way > 0);
        gr__bump_destroy(b);
    }
    test_context_end(ctx);
}

/* What order a file is in says nothing, however large it is; rows of a part are those of the part. */
static void order_is_no_drift_and_rows_are_kept_to(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    enum { N = 20000, M = 400 };
    static uint32_t rows[N / 2];
    gr_set set[2] = {set_of(0, N, GR_SHAPE(2)), set_of(1, M, GR_SHAPE(2))};
    gr_drift out;
    draw(8, 1, 2 * M);
    draw(9, 0, 2 * N);
    for (int64_t i = 0; i < N; i++) values[0][2 * i] = i < N / 2 ? 50 : values[0][2 * i]; /* no part of the rows */
    for (int64_t i = 0; i < N / 2; i++) rows[i] = (uint32_t)(N / 2 + i);
    for (int64_t i = N / 2 + 1; i < N; i++) /* the first column rises */
        for (int64_t j = i; j > N / 2 && j > i - 40 && values[0][2 * j] < values[0][2 * j - 2]; j--) {
            double x = values[0][2 * j];
            values[0][2 * j] = values[0][2 * j - 2], values[0][2 * j - 2] = x;
        }
    const gr_drift_side training = {.set = &set[0], .row = rows, .n = N / 2}, serving = {.set = &set[1], .n = M};
    test_ok(ctx, gr__drift(ctx, b, &training, &serving, 0.01, 1, &out));
    assert_int_equal(out.found, 0);
    assert_true(out.used[0] == 5000 && out.used[1] == M);
    assert_true(out.feature[0].training.mean < 1);
    test_ok(ctx, compare(ctx, b, set, 0.01, 1, &out));
    assert_true(out.feature[0].drifts && !out.feature[1].drifts);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

static void few_samples_are_refused_and_one_feature_has_one_test(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_drift out;
    draw(1, 0, 40), draw(1, 1, 40);
    gr_set set[2] = {set_of(0, 40, GR_SHAPE(1)), set_of(1, 20, GR_SHAPE(1))};
    test_ok(ctx, compare(ctx, b, set, 0.05, 1, &out));
    assert_true(out.tests == 1 && !out.has_joint && out.feature[0].adjusted == out.feature[0].is.p);
    set[1].n = 19;
    assert_int_equal(compare(ctx, b, set, 0.05, 1, &out), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(ctx)->message, "serving.csv has 19 samples"));
    gr__bump_destroy(b);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_energy_is_that_of_the_ranks),
        cmocka_unit_test(planted_drift_is_found_and_named),
        cmocka_unit_test(where_there_is_none_it_is_seldom_found),
        cmocka_unit_test(pictures_have_features_of_their_channels),
        cmocka_unit_test(wide_samples_have_stretches),
        cmocka_unit_test(indices_and_lengths_are_looked_at),
        cmocka_unit_test(order_is_no_drift_and_rows_are_kept_to),
        cmocka_unit_test(few_samples_are_refused_and_one_feature_has_one_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
