/* Confident learning against the vector that was worked out beside its equations. [mission D3] */
#include "study/data/confident.h"

#include <math.h>

#include "base/rng.h"
#include "test.h"

static void the_vector(void **state)
{
    (void)state;
    static const double first[] = {.9, .8, .6, .2, .3, .1, .55, .85};
    static const int32_t label[] = {0, 0, 0, 0, 1, 1, 1, 1};
    static const int64_t joint[] = {2, 1, 1, 2};
    static const double calibrated[] = {8 / 3.0, 4 / 3.0, 4 / 3.0, 8 / 3.0};
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    double p[16];
    for (int i = 0; i < 8; i++) p[2 * i] = first[i], p[2 * i + 1] = 1 - first[i];
    for (int by = GR_PRUNE_NOISE_RATE; by <= GR_PRUNE_LOW_CONFIDENCE; by++) {
        gr_confident c;
        test_ok(ctx, gr__confident_learn(ctx, b, p, label, 8, 2, (gr_prune)by, &c));
        assert_float_equal(c.threshold[0], 0.625, 1e-12);
        assert_float_equal(c.threshold[1], 0.55, 1e-12);
        assert_memory_equal(c.count, joint, sizeof joint);
        for (int i = 0; i < 4; i++) assert_float_equal(c.calibrated[i], calibrated[i], 1e-12);
        assert_int_equal(c.n_issues, 2);
        assert_int_equal(c.issue[0], 7);
        assert_int_equal(c.issue[1], 3);
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

/* Flipped labels of a model that is right are found, all of them and no others; a class without samples is none. */
static void flips_are_found(void **state)
{
    (void)state;
    enum { N = 900, K = 4 };
    static double p[N * K];
    static int32_t label[N];
    static bool flipped[N];
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_confident c;
    int flips = 0;
    gr__rng r = gr__rng_make(3, "flips", 0, 0);
    for (int i = 0; i < N; i++) {
        int truth = i % (K - 1); /* the last class has no sample */
        for (int j = 0; j < K; j++) p[i * K + j] = 0.05 + 0.01 * gr__rng_uniform(&r);
        p[i * K + truth] = 0;
        for (int j = 0; j < K; j++) p[i * K + truth] -= j == truth ? 0 : p[i * K + j];
        p[i * K + truth] += 1;
        flipped[i] = gr__rng_uniform(&r) < 0.05;
        label[i] = flipped[i] ? (truth + 1) % (K - 1) : truth;
        flips += flipped[i];
    }
    test_ok(ctx, gr__confident_learn(ctx, b, p, label, N, K, GR_PRUNE_CONFIDENT, &c));
    assert_int_equal(c.n_issues, flips);
    for (int64_t i = 0; i < c.n_issues; i++) assert_true(flipped[c.issue[i]]);
    test_ok(ctx, gr__confident_learn(ctx, b, p, label, N, K, GR_PRUNE_NOISE_RATE, &c));
    assert_in_range(c.n_issues, flips - 2, flips);
    for (int64_t i = 0; i < c.n_issues; i++) assert_true(flipped[c.issue[i]]);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_vector), cmocka_unit_test(flips_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
