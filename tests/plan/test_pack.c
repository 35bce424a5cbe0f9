/* Packing, dependencies and forms: properties over random cases. */
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"
#include "test.h"

static uint64_t seed = 1;

static uint32_t next(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static void blocks_that_live_together_never_overlap(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (int round = 0; round < 300; round++) {
        gr__block b[200];
        int n = (int)next(200), times = 1 + (int)next(60);
        size_t total = 1, end = 0, most[60] = {0}, sum = 0;
        memset(b, 0, sizeof b);
        for (int i = 0; i < n; i++) {
            b[i].bytes = gr__granules(next(next(2) ? 300 : 20000));
            b[i].first = (int)next((uint32_t)times);
            b[i].last = b[i].first + (int)next((uint32_t)(times - b[i].first));
            for (int t = b[i].first; t <= b[i].last; t++) most[t] += b[i].bytes;
            sum += b[i].bytes;
        }
        assert_true(gr__blocks_pack(ctx, b, n, &total));
        for (int i = 0; i < n; i++) {
            assert_int_equal(b[i].offset % GR__GRANULE, 0);
            end = GR_MAX(end, b[i].offset + b[i].bytes);
            for (int j = 0; j < i; j++) {
                bool together = b[i].first <= b[j].last && b[j].first <= b[i].last;
                bool apart = b[i].offset + b[i].bytes <= b[j].offset || b[j].offset + b[j].bytes <= b[i].offset;
                assert_true(apart || !together);
            }
        }
        assert_int_equal(end, total);
        assert_true(total <= sum);
        for (int t = 0; t < 60; t++) assert_true(total >= most[t]);
    }
    test_context_end(ctx);
}

static void packing_is_tight_where_life_times_nest(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__block b[] = {{.bytes = 640, .first = 0, .last = 3},
                     {.bytes = 640, .first = 4, .last = 5},
                     {.bytes = 128, .first = 1, .last = 4},
                     {.bytes = 64, .first = 0, .last = 0}};
    size_t total;
    assert_true(gr__blocks_pack(ctx, b, 4, &total));
    assert_int_equal(total, 768);
    gr__fail_acquisition(ctx, 1);
    assert_false(gr__blocks_pack(ctx, b, 4, &total));
    test_context_end(ctx);
}

enum { UNITS = 90 };

/* The oracle: a plain graph of edges, searched. */
static bool reaches(bool edge[UNITS][UNITS], int from, int to, bool *seen)
{
    if (from == to) return true;
    seen[from] = true;
    for (int x = 0; x < UNITS; x++)
        if (edge[from][x] && !seen[x] && reaches(edge, x, to, seen)) return true;
    return false;
}

static bool path(bool edge[UNITS][UNITS], int from, int to)
{
    bool seen[UNITS] = {false};
    return reaches(edge, from, to, seen);
}

static void dependencies_stay_complete_under_joining(void **state)
{
    (void)state;
    static bool edge[UNITS][UNITS]; /* edge[a][b]: a needs b */
    bool gone[UNITS] = {false};
    gr_context *ctx = test_context();
    gr__bump *memory = gr__bump_create(ctx);
    gr__deps d;
    assert_true(gr__deps_create(&d, memory, UNITS));
    for (int step = 0; step < 400; step++) {
        int a = (int)next(UNITS), b = (int)next(UNITS);
        if (a == b || gone[a] || gone[b]) continue;
        if (next(3)) {
            if (path(edge, b, a)) continue; /* would be a cycle */
            edge[a][b] = true;
            gr__deps_add(&d, a, b);
        } else if (gr__deps_joinable(&d, a, b)) {
            for (int x = 0; x < UNITS; x++) {
                edge[a][x] |= edge[b][x];
                edge[x][a] |= edge[x][b];
                edge[b][x] = edge[x][b] = false;
            }
            edge[a][a] = false;
            gone[b] = true;
            gr__deps_join(&d, a, b);
        }
    }
    for (int a = 0; a < UNITS; a++)
        for (int b = 0; b < UNITS; b++)
            if (a != b) assert_int_equal(gr__deps_has(&d, a, b), path(edge, a, b));
    for (int a = 0; a < UNITS; a++) assert_false(gr__deps_has(&d, a, a));
    gr__bump_destroy(memory);
    test_context_end(ctx);
}

static void shapes_have_the_forms_that_fit(void **state)
{
    (void)state;
    gr_shape picture = GR_SHAPE(2, 3, 3, 5);
    assert_int_equal(gr__form_broadcast_splits(GR_SHAPE(5), picture), 1u << 3);
    assert_int_equal(gr__form_broadcast_splits(GR_SHAPE(2, 1, 1, 1), picture), 1u << 1);
    assert_int_equal(gr__form_broadcast_splits(GR_SHAPE(2, 1, 1, 5), picture), 0); /* neither a row nor a column */
    assert_int_equal(gr__form_broadcast_splits(GR_SCALAR, picture), 31);
    assert_int_equal(gr__form_broadcast_splits(GR_SHAPE(4, 1), GR_SHAPE(4, 4)), 1u << 1);
    assert_int_equal(gr__form_broadcast_splits(GR_SHAPE(1), GR_SHAPE(4, 4)), 1u | 1u << 2);
    assert_int_equal(gr__form_reduce_splits(picture, 0xF, 0), 1); /* flat */
    assert_int_equal(gr__form_reduce_splits(picture, 0x7, 1), 1u << 3);
    assert_int_equal(gr__form_reduce_splits(picture, 0xE, 1), 1u << 1);
    assert_int_equal(gr__form_reduce_splits(picture, 0x6, 2), 0);
    assert_int_equal(gr__form_reduce_splits(GR_SHAPE(1, 7), 0x2, 1), 3); /* one row of 7, never 7 rows */
    assert_int_equal(gr__form_reduce_splits(GR_SHAPE(7), 0x1, 1), 1);
    assert_int_equal(gr__form_iota_splits(GR_SHAPE(4, 6), 1), 1u << 1);
    assert_int_equal(gr__form_iota_splits(GR_SHAPE(4, 6), 0), 1u << 1);
    assert_int_equal(gr__form_iota_splits(GR_SHAPE(4), 0), 3);
    gr_space s = gr__form_space(picture, 1u << 3);
    assert_int_equal(s.rows, 18);
    assert_int_equal(s.columns, 5);
    s = gr__form_space(GR_SHAPE(0, 4), 1);
    assert_int_equal(s.rows, 1);
    assert_int_equal(s.columns, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_that_live_together_never_overlap),
        cmocka_unit_test(packing_is_tight_where_life_times_nest),
        cmocka_unit_test(dependencies_stay_complete_under_joining),
        cmocka_unit_test(shapes_have_the_forms_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
