/* Random numbers: the published vectors, and the distributions at a fixed seed (mission I3). Bounds are at about 4.5
 * sigma or p = 1e-5: a fixed seed makes each test pass always or never. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define N 200000

/* I3. Random123's kat_vectors, philox4x32 10. */
static void known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        uint32_t out[4];
        gr__philox(rows[i].counter, rows[i].key, out);
        assert_memory_equal(out, rows[i].out, sizeof out);
    }
}

/* FNV-1a's own test vectors. */
static void hashes(void **state)
{
    (void)state;
    assert_true(gr__hash("") == UINT64_C(0xcbf29ce484222325));
    assert_true(gr__hash("a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(gr__hash("foobar") == UINT64_C(0x85944171f73967e8));
    assert_true(gr__hash("\xff") != gr__hash("\x7f"));
}

static void streams(void **state)
{
    (void)state;
    /* The words of a stream are the blocks at counters 0, 1, ... in order. */
    gr__rng r = gr__rng_make(UINT64_C(0x123456789abcdef0), "shuffle", 3, 4);
    uint64_t key64 = UINT64_C(0x123456789abcdef0) ^ gr__hash("shuffle");
    uint32_t key[2] = {(uint32_t)key64, (uint32_t)(key64 >> 32)};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t counter[4] = {i, 0, 3, 4}, out[4];
        gr__philox(counter, key, out);
        for (int j = 0; j < 4; j++) assert_int_equal(gr__rng_u32(&r), out[j]);
    }
    /* The counter carries into its second word. */
    r.at = UINT64_C(0xffffffff);
    r.left = 0;
    for (int i = 0; i < 4; i++) gr__rng_u32(&r);
    uint32_t counter[4] = {0, 1, 3, 4}, out[4];
    gr__philox(counter, key, out);
    assert_int_equal(gr__rng_u32(&r), out[0]);

    /* A copy goes on the same way; another seed, name or coordinate does not. */
    gr__rng a = gr__rng_make(1, "init", 0, 0), same = gr__rng_make(1, "init", 0, 0);
    gr__rng others[] = {gr__rng_make(2, "init", 0, 0), gr__rng_make(UINT64_C(1) << 32 | 1, "init", 0, 0),
                        gr__rng_make(1, "inis", 0, 0), gr__rng_make(1, "init", 1, 0), gr__rng_make(1, "init", 0, 1)};
    gr__rng_normal(&a);
    gr__rng_normal(&same);
    gr__rng copy = a;
    assert_true(gr__rng_normal(&a) == gr__rng_normal(&same));
    assert_true(gr__rng_normal(&copy) == same.spare);
    uint32_t first = gr__rng_u32(&(gr__rng){0});
    for (size_t i = 0; i < GR_COUNT(others); i++) {
        uint32_t word = gr__rng_u32(&others[i]);
        assert_true(word != gr__rng_u32(&same));
        assert_true(word != first);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef double (*cdf)(double x, double cut);

/* Kolmogorov-Smirnov distance times the root of n: above 2.47 with p = 1e-5. Sorts x. */
static double kolmogorov(double *x, size_t n, cdf f, double cut)
{
    double worst = 0;
    qsort(x, n, sizeof *x, compare);
    for (size_t i = 0; i < n; i++) {
        double p = f(x[i], cut);
        worst = fmax(worst, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
    }
    return worst * sqrt((double)n);
}

/* The first four central moments, around the true mean m. */
static void moments(const double *x, size_t n, double m, double out[4])
{
    memset(out, 0, 4 * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        double d = x[i] - m, p = 1;
        for (int k = 0; k < 4; k++) out[k] += (p *= d) / (double)n;
    }
}

static double uniform_cdf(double x, double cut)
{
    (void)cut;
    return x;
}

static double normal_cdf(double x, double cut)
{
    (void)cut;
    return 0.5 * erfc(-x / sqrt(2));
}

static double truncated_cdf(double x, double cut)
{
    return erf(x / sqrt(2)) / erf(cut / sqrt(2)) * 0.5 + 0.5;
}

static double *numbers(void)
{
    double *x = malloc(N * sizeof *x);
    assert_non_null(x);
    return x;
}

static void within(double x, double expected, double sigma)
{
    if (!(fabs(x - expected) < 4.5 * sigma)) fail_msg("%g is not %g within 4.5 x %g", x, expected, sigma);
}

/* I3: moments and KS. */
static void uniform(void **state)
{
    (void)state;
    gr__rng r = gr__rng_make(7, "uniform", 0, 0);
    double *x = numbers(), m[4];
    for (int i = 0; i < N; i++) {
        x[i] = gr__rng_uniform(&r);
        assert_true(x[i] >= 0 && x[i] < 1);
        assert_true(x[i] * 0x1p53 == floor(x[i] * 0x1p53));
    }
    moments(x, N, 0.5, m);
    within(m[0], 0, sqrt(1.0 / 12 / N));
    within(m[1], 1.0 / 12, sqrt((1.0 / 80 - 1.0 / 144) / N));
    assert_true(kolmogorov(x, N, uniform_cdf, 0) < 2.47);
    free(x);
}

static void normal(void **state)
{
    (void)state;
    gr__rng r = gr__rng_make(7, "normal", 0, 0);
    double *x = numbers(), m[4], lag = 0;
    for (int i = 0; i < N; i++) x[i] = gr__rng_normal(&r);
    for (int i = 0; i + 1 < N; i++) lag += x[i] * x[i + 1] / N;
    moments(x, N, 0, m);
    within(m[0], 0, sqrt(1.0 / N));
    within(m[1], 1, sqrt(2.0 / N));
    within(m[2], 0, sqrt(15.0 / N));
    within(m[3], 3, sqrt(96.0 / N));
    within(lag, 0, sqrt(1.0 / N));
    assert_true(kolmogorov(x, N, normal_cdf, 0) < 2.47);
    free(x);
}

static void truncated(void **state)
{
    (void)state;
    static const double cuts[] = {0.1, 0.499, 0.5, 1, 2, 3};
    double *x = numbers();
    for (size_t c = 0; c < GR_COUNT(cuts); c++) {
        gr__rng r = gr__rng_make(7, "truncated", (uint32_t)c, 0);
        double m[4];
        for (int i = 0; i < N; i++) {
            x[i] = gr__rng_truncated_normal(&r, cuts[c]);
            assert_true(fabs(x[i]) <= cuts[c]);
        }
        moments(x, N, 0, m);
        within(m[0], 0, sqrt(m[1] / N));
        if (cuts[c] == 2) within(m[1], 0.8796256610342398 * 0.8796256610342398, sqrt((m[3] - m[1] * m[1]) / N));
        assert_true(kolmogorov(x, N, truncated_cdf, cuts[c]) < 2.47);
    }
    free(x);
    gr__rng r = gr__rng_make(7, "truncated", 0, 0);
    assert_true(gr__rng_truncated_normal(&r, 0) == 0);
    assert_true(gr__rng_truncated_normal(&r, -1) == 0);
    assert_true(fabs(gr__rng_truncated_normal(&r, 1e-300)) <= 1e-300);
    assert_true(isfinite(gr__rng_truncated_normal(&r, (double)INFINITY)));
}

/* Chi-square against equal counts; its mean is the degrees of freedom, its variance twice that. */
static void even(const uint32_t *counts, size_t n, double draws)
{
    double chi2 = 0, expected = draws / (double)n, dof = (double)n - 1;
    for (size_t i = 0; i < n; i++) chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
    if (chi2 > dof + 5 * sqrt(2 * dof) || chi2 < dof - 5 * sqrt(2 * dof))
        fail_msg("chi-square %g with %g degrees of freedom", chi2, dof);
}

static void below(void **state)
{
    (void)state;
    gr__rng r = gr__rng_make(7, "below", 0, 0);
    static const uint64_t ranges[] = {2, 3, 7, 10, 1000};
    for (size_t k = 0; k < GR_COUNT(ranges); k++) {
        uint32_t counts[1000] = {0};
        for (int i = 0; i < N; i++) {
            uint64_t x = gr__rng_below(&r, ranges[k]);
            assert_true(x < ranges[k]);
            counts[x]++;
        }
        even(counts, ranges[k], N);
    }
    for (int i = 0; i < 100; i++) assert_int_equal(gr__rng_below(&r, 1), 0);
    /* Three quarters of the words, and of the pairs of words: where taking the remainder would favour the lower third
     * twofold. */
    static const uint64_t large[] = {UINT64_C(3) << 30, UINT64_C(3) << 62, UINT64_C(1) << 32, UINT64_MAX,
                                     (UINT64_C(1) << 32) + 1};
    for (size_t k = 0; k < GR_COUNT(large); k++) {
        uint32_t thirds[3] = {0};
        for (int i = 0; i < N; i++) {
            uint64_t x = gr__rng_below(&r, large[k]);
            assert_true(x < large[k]);
            thirds[GR_MIN(x / (large[k] / 3), 2)]++;
        }
        even(thirds, 3, N);
    }
}

static void permutations(void **state)
{
    (void)state;
    gr__rng r = gr__rng_make(7, "permutation", 0, 0);
    static const size_t sizes[] = {0, 1, 2, 3, 100, 4099};
    uint32_t index[4100];
    for (size_t k = 0; k < GR_COUNT(sizes); k++) {
        bool seen[4100] = {false};
        index[sizes[k]] = 12345;
        gr__rng_permutation(&r, index, sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++) {
            assert_true(index[i] < sizes[k] && !seen[index[i]]);
            seen[index[i]] = true;
        }
        assert_int_equal(index[sizes[k]], 12345);
    }
    /* All 24 orders of four things come equally often. */
    uint32_t counts[256] = {0}, orders[24], n = 0;
    for (int i = 0; i < N; i++) {
        gr__rng_permutation(&r, index, 4);
        counts[index[0] << 6 | index[1] << 4 | index[2] << 2 | index[3]]++;
    }
    for (size_t i = 0; i < 256; i++) {
        if (counts[i] == 0) continue;
        assert_true(n < 24);
        orders[n++] = counts[i];
    }
    assert_int_equal(n, 24);
    even(orders, 24, N);
}

static void random_leaf(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(0x0123456789abcdef), stream = gr__hash("block1.dropout");
    double *x = numbers();
    for (uint64_t e = 0; e < N; e++) {
        x[e] = gr__random_leaf(seed, stream, 5, 9, e);
        assert_true(x[e] >= 0 && x[e] < 1 && (double)(float)x[e] == x[e]);
    }
    /* The documented layout: other backends compute it from this alone. */
    uint32_t counter[4] = {10, 9, 5, (uint32_t)stream}, key[2] = {0x89abcdef ^ (uint32_t)(stream >> 32), 0x01234567},
             out[4];
    gr__philox(counter, key, out);
    for (uint64_t i = 0; i < 4; i++) assert_true(x[40 + i] == (out[i] >> 8) * 0x1p-24);
    assert_true(gr__random_leaf(seed, stream, 6, 9, 0) != x[0]);
    assert_true(gr__random_leaf(seed, stream, 5, 8, 0) != x[0]);
    assert_true(gr__random_leaf(seed ^ UINT64_C(1) << 40, stream, 5, 9, 0) != x[0]);
    assert_true(gr__random_leaf(seed, gr__hash("block2.dropout"), 5, 9, 0) != x[0]);
    assert_true(kolmogorov(x, N, uniform_cdf, 0) < 2.47);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers), cmocka_unit_test(hashes),       cmocka_unit_test(streams),
        cmocka_unit_test(uniform),       cmocka_unit_test(normal),       cmocka_unit_test(truncated),
        cmocka_unit_test(below),         cmocka_unit_test(permutations), cmocka_unit_test(random_leaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
