/* Near duplicates: planted ones are found, all of them, and what is only alike by chance is not. [mission D2] */
#include "study/data/near.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "test.h"

static void groups_join(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_clusters g;
    test_ok(ctx, gr__clusters_open(ctx, 10, &g));
    gr__clusters_join(&g, 9, 5);
    gr__clusters_join(&g, 5, 7);
    gr__clusters_join(&g, 2, 3);
    gr__clusters_join(&g, 3, 9);
    for (int i = 0; i < 10; i++) {
        bool in = i == 2 || i == 3 || i == 5 || i == 7 || i == 9;
        assert_int_equal(gr__clusters_of(&g, i), in ? 2 : i);
    }
    gr__clusters_close(&g);
    test_context_end(ctx);
}

/* dHash of a picture that brightens to the right, and of one that darkens; the small form keeps means. */
static void looks(void **state)
{
    (void)state;
    double x[18 * 16], room[18 * 16];
    gr_near_look a, b;
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 18; j++) x[i * 18 + j] = j;
    gr__look(x, 16, 18, 1, 0, 17, room, &a);
    assert_true(a.hash == UINT64_MAX);
    assert_int_equal(a.small[0], 0);
    assert_true(a.small[GR_LOOK_BYTES - 1] == 255);
    for (int i = 0; i < 16 * 18; i++) x[i] = 17 - x[i];
    gr__look(x, 16, 18, 1, 0, 17, room, &b);
    assert_true(b.hash == 0);
    for (int i = 0; i < 3 * 16 * 6; i++) x[i] = i % 3 == 0 ? 255 : 0; /* red */
    gr__look(x, 16, 6, 3, 0, 255, room, &a);
    for (int i = 0; i < GR_LOOK_BYTES; i++) assert_int_equal(a.small[i], 76); /* 0.299 * 255 */
}

/* A few broad waves: pictures of their own, as photographs are. */
static void draw(uint32_t k, int side, double *x)
{
    gr__rng r = gr__rng_make(11, "pictures", k, 0);
    memset(x, 0, sizeof *x * (size_t)(side * side));
    for (int w = 0; w < 6; w++) {
        double fx = gr__rng_uniform(&r) * 0.8, fy = gr__rng_uniform(&r) * 0.8, at = gr__rng_uniform(&r) * 6.3;
        for (int i = 0; i < side * side; i++) x[i] += 20 + 20 * sin(fx * (i % side) + fy * (i / side) + at);
    }
}

static void near_pictures_are_found(void **state)
{
    (void)state;
    enum { N = 300, PLANTED = 40, SIDE = 28 };
    gr_context *ctx = test_context();
    gr_near_look *look = malloc(sizeof *look * (N + PLANTED));
    double x[SIDE * SIDE], room[SIDE * SIDE];
    gr_clusters g;
    assert_non_null(look);
    for (uint32_t k = 0; k < N; k++) {
        draw(k, SIDE, x);
        gr__look(x, SIDE, SIDE, 1, 0, 255, room, &look[k]);
    }
    for (uint32_t k = 0; k < PLANTED; k++) { /* a little brighter, with noise of a level or two */
        gr__rng r = gr__rng_make(12, "noise", k, 0);
        draw(7 * k, SIDE, x);
        for (int i = 0; i < SIDE * SIDE; i++) x[i] += 1 + gr__rng_normal(&r);
        gr__look(x, SIDE, SIDE, 1, 0, 255, room, &look[N + k]);
    }
    test_ok(ctx, gr__clusters_open(ctx, N + PLANTED, &g));
    test_ok(ctx, gr__near_pictures(ctx, look, NULL, N + PLANTED, &g));
    for (int k = 0; k < N; k++) assert_int_equal(gr__clusters_of(&g, k), k);
    for (int k = 0; k < PLANTED; k++) assert_int_equal(gr__clusters_of(&g, N + k), 7 * k);
    gr__clusters_close(&g);
    free(look);
    test_context_end(ctx);
}

/* The bands leave out no pair that all pairs would give. */
static void bands_miss_no_pair(void **state)
{
    (void)state;
    enum { N = 400 };
    gr_context *ctx = test_context();
    gr_near_look *look = calloc(N, sizeof *look);
    gr_clusters g, all;
    gr__rng r = gr__rng_make(5, "hashes", 0, 0);
    assert_non_null(look);
    for (int k = 0; k < N; k++) {
        look[k].hash = k % 4 ? look[k - k % 4].hash : (uint64_t)gr__rng_u32(&r) << 32 | gr__rng_u32(&r);
        for (int flips = k % 4 * 2; flips > 0; flips--) look[k].hash ^= UINT64_C(1) << gr__rng_below(&r, 64);
        look[k].small[0] = (uint8_t)k;
    }
    test_ok(ctx, gr__clusters_open(ctx, N, &g));
    test_ok(ctx, gr__clusters_open(ctx, N, &all));
    test_ok(ctx, gr__near_pictures(ctx, look, NULL, N, &g));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++)
            if (__builtin_popcountll(look[i].hash ^ look[j].hash) <= 4) gr__clusters_join(&all, i, j);
    for (int i = 0; i < N; i++) assert_int_equal(gr__clusters_of(&g, i), gr__clusters_of(&all, i));
    gr__clusters_close(&g);
    gr__clusters_close(&all);
    free(look);
    test_context_end(ctx);
}

/* Rows of numbers: planted ones and no others, in many dimensions and few, whatever the number of rows. */
static void near_rows_are_found(void **state)
{
    (void)state;
    enum { PLANTED = 20 };
    static const struct {
        int64_t n, d;
        int planted;
    } cases[] = {{2000, 8, PLANTED}, {500, 40, PLANTED}, {3000, 3, PLANTED}, {20000, 2, 0}, {5000, 1, 0}, {300, 2, 0}};
    gr_context *ctx = test_context();
    for (size_t c = 0; c < GR_COUNT(cases); c++)
        for (uint32_t seed = 0; seed < 5; seed++) {
            int64_t n = cases[c].n, d = cases[c].d, all = n + cases[c].planted;
            double *x = malloc(sizeof *x * (size_t)(all * d));
            gr_clusters g;
            gr__rng r = gr__rng_make(seed, "rows", (uint32_t)c, 0);
            assert_non_null(x);
            for (int64_t i = 0; i < n * d; i++) x[i] = gr__rng_normal(&r);
            for (int64_t i = 0; i < cases[c].planted; i++)
                for (int64_t k = 0; k < d; k++) x[(n + i) * d + k] = x[11 * i * d + k] + 1e-7 * gr__rng_normal(&r);
            double limit = gr__near_limit(x, all, d, 1);
            assert_true(limit > 0 && limit <= 1e-3 * sqrt((double)d));
            test_ok(ctx, gr__clusters_open(ctx, all, &g));
            test_ok(ctx, gr__near_rows(ctx, x, all, d, limit, &g));
            for (int64_t i = 0; i < n; i++) assert_int_equal(gr__clusters_of(&g, i), i);
            for (int64_t i = 0; i < cases[c].planted; i++) assert_int_equal(gr__clusters_of(&g, n + i), 11 * i);
            gr__clusters_close(&g);
            free(x);
        }
    test_context_end(ctx);
}

/* The grid leaves out no pair that all pairs would give. */
static void cells_miss_no_pair(void **state)
{
    (void)state;
    enum { N = 600, D = 4 };
    gr_context *ctx = test_context();
    static double x[N * D];
    gr_clusters g, all;
    gr__rng r = gr__rng_make(8, "cells", 0, 0);
    for (int i = 0; i < N * D; i++) x[i] = gr__rng_normal(&r);
    for (double limit = 0.05; limit < 0.5; limit *= 2) {
        test_ok(ctx, gr__clusters_open(ctx, N, &g));
        test_ok(ctx, gr__clusters_open(ctx, N, &all));
        test_ok(ctx, gr__near_rows(ctx, x, N, D, limit, &g));
        for (int i = 0; i < N; i++)
            for (int j = 0; j < i; j++) {
                double s = 0;
                for (int k = 0; k < D; k++) s += (x[i * D + k] - x[j * D + k]) * (x[i * D + k] - x[j * D + k]);
                if (s < limit * limit) gr__clusters_join(&all, i, j);
            }
        for (int i = 0; i < N; i++) assert_int_equal(gr__clusters_of(&g, i), gr__clusters_of(&all, i));
        gr__clusters_close(&g);
        gr__clusters_close(&all);
    }
    test_context_end(ctx);
}

static void near_texts_are_found(void **state)
{
    (void)state;
    enum { N = 200, WORDS = 60, PLANTED = 30 };
    gr_context *ctx = test_context();
    static uint32_t word[(N + PLANTED) * WORDS];
    int64_t begin[N + PLANTED + 2];
    gr_clusters g;
    gr__rng r = gr__rng_make(2, "words", 0, 0);
    for (int i = 0; i < N * WORDS; i++) word[i] = (uint32_t)gr__rng_below(&r, 500);
    for (int i = 0; i <= N + PLANTED; i++) begin[i] = (int64_t)i * WORDS;
    for (int i = 0; i < PLANTED; i++) { /* one word is another; of every third, every sixth */
        memcpy(word + (N + i) * WORDS, word + 3 * i * WORDS, sizeof *word * WORDS);
        for (int k = 30; k < WORDS; k += i % 3 == 0 ? 6 : WORDS) word[(N + i) * WORDS + k] = 1000;
    }
    begin[N + PLANTED + 1] = begin[N + PLANTED]; /* a text without words */
    test_ok(ctx, gr__clusters_open(ctx, N + PLANTED + 1, &g));
    test_ok(ctx, gr__near_words(ctx, word, begin, N + PLANTED + 1, &g));
    for (int i = 0; i < N; i++) assert_int_equal(gr__clusters_of(&g, i), i);
    for (int i = 0; i < PLANTED; i++) assert_int_equal(gr__clusters_of(&g, N + i), i % 3 == 0 ? N + i : 3 * i);
    assert_int_equal(gr__clusters_of(&g, N + PLANTED), N + PLANTED);
    gr__clusters_close(&g);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_join),
        cmocka_unit_test(looks),
        cmocka_unit_test(near_pictures_are_found),
        cmocka_unit_test(bands_miss_no_pair),
        cmocka_unit_test(near_rows_are_found),
        cmocka_unit_test(cells_miss_no_pair),
        cmocka_unit_test(near_texts_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
