/* Parts cut by groups, in an order, by the chapter's sizes, and rows that are in no part. [mission D11] */
#include <math.h>

#include "base/rng.h"
#include "files.h"

enum { N = 600 };

static void free_parts(gr_context *ctx, gr_rows *parts, int n)
{
    for (int p = 0; p < n; p++) gr__rows_free(ctx, &parts[p]);
}

/* Which part each row is in; -1: none. */
static void parts_of(const gr_rows *parts, int n_parts, int64_t n, int *of)
{
    for (int64_t i = 0; i < n; i++) of[i] = -1;
    for (int p = 0; p < n_parts; p++)
        for (int64_t i = 0; i < parts[p].n; i++) {
            assert_int_equal(of[parts[p].row[i]], -1);
            of[parts[p].row[i]] = p;
            if (i) assert_true(parts[p].row[i - 1] < parts[p].row[i]);
        }
}

static void the_chapters_sizes(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        double validation, test;
    } rows[] = {{10, 15, 5},
                {10000, 15, 5},
                {30000, 10.9433, 3.4058},
                {100000, 7.7460, 2.2361},
                {1000000, 4, 1},
                {10000000, 1.8974, .3162},
                {100000000, .9, .1},
                {INT64_C(2000000000), .9, .1}};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        double v, t;
        gr__split_auto(rows[i].n, &v, &t);
        assert_float_equal(100 * v, rows[i].validation, 5e-5);
        assert_float_equal(100 * t, rows[i].test, 5e-5);
    }
    double v, t;
    gr__split_auto(100000, &v, &t);
    assert_int_equal(llround(v * 1e5), 7746);
    assert_int_equal(llround(t * 1e5), 2236);
}

static void groups_stay_together(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double fractions[] = {0.7, 0.2, 0.1};
    static const int counts[] = {3, 4, 20, 200};
    for (uint64_t seed = 1; seed <= 8; seed++)
        for (size_t k = 0; k < GR_COUNT(counts); k++) {
            static double key[N];
            int of[N];
            gr_keys keys = {0};
            gr_rows parts[3];
            gr__rng r = gr__rng_make(seed, "groups", (uint32_t)k, 0);
            for (int i = 0; i < N; i++) key[i] = i < counts[k] ? i : (double)gr__rng_below(&r, (uint64_t)counts[k]);
            test_ok(ctx, gr__keys_of_numbers(ctx, key, N, &keys));
            assert_int_equal(keys.found, counts[k]);
            const gr_cut c = {.seed = seed, .fractions = fractions, .parts = 3, .group = &keys};
            test_ok(ctx, gr__split(ctx, &c, N, parts));
            parts_of(parts, 3, N, of);
            assert_int_equal(parts[0].n + parts[1].n + parts[2].n, N);
            for (int i = 0; i < N; i++) {
                assert_true(of[i] >= 0);
                for (int j = i % 7; j < i; j += 7)
                    if (key[i] == key[j]) assert_int_equal(of[i], of[j]);
            }
            for (int p = 0; p < 3; p++) assert_true(parts[p].n > 0);
            if (counts[k] == 200)
                for (int p = 0; p < 3; p++) assert_true(llabs(parts[p].n - (int64_t)(fractions[p] * N)) <= 4);
            free_parts(ctx, parts, 3);
            gr__keys_free(ctx, &keys);
        }
    test_context_end(ctx);
}

static void too_few_groups(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double key[] = {1, 1, 2, 2, 2, 1}, fractions[] = {0.4, 0.3, 0.3};
    gr_keys keys = {0};
    gr_rows parts[3];
    test_ok(ctx, gr__keys_of_numbers(ctx, key, 6, &keys));
    const gr_cut c = {.fractions = fractions, .parts = 3, .group = &keys};
    assert_int_equal(gr__split(ctx, &c, 6, parts), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(ctx)->message, "2 groups cannot be divided into 3 parts"));
    gr__keys_free(ctx, &keys);
    test_context_end(ctx);
}

static void an_order_cuts_by_time(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double fractions[] = {0.75, 0.15, 0.1};
    static double day[N];
    int of[N];
    gr_keys keys = {0};
    gr_rows parts[3];
    gr__rng r = gr__rng_make(4, "days", 0, 0);
    for (int i = 0; i < N; i++) day[i] = (double)gr__rng_below(&r, 90) - 40.5;
    test_ok(ctx, gr__keys_of_numbers(ctx, day, N, &keys));
    gr_cut c = {.fractions = fractions, .parts = 3, .order = &keys};
    test_ok(ctx, gr__split(ctx, &c, N, parts));
    parts_of(parts, 3, N, of);
    assert_int_equal(parts[1].n, 90);
    assert_int_equal(parts[2].n, 60);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            if (day[i] < day[j]) assert_true(of[i] <= of[j]);
    free_parts(ctx, parts, 3);
    c = (gr_cut){.fractions = fractions, .parts = 3, .in_file_order = true};
    test_ok(ctx, gr__split(ctx, &c, N, parts));
    parts_of(parts, 3, N, of);
    for (int i = 0; i < N; i++) assert_int_equal(of[i], i < 450 ? 0 : i < 540 ? 1 : 2);
    free_parts(ctx, parts, 3);
    gr__keys_free(ctx, &keys);
    test_context_end(ctx);
}

/* What is left out is in no part, parts have their shares of the rest, and few of those change their part. */
static void rows_left_out(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double fractions[] = {0.7, 0.2, 0.1};
    static int32_t labels[N];
    static uint8_t out[N];
    static double key[N];
    gr_keys keys = {0};
    int before[N], after[N], moved = 0;
    gr_rows parts[3];
    for (int i = 0; i < N; i++) labels[i] = i % 3, key[i] = i % 50;
    for (int i = 7; i < N; i += 30) out[i] = 1;
    test_ok(ctx, gr__keys_of_numbers(ctx, key, N, &keys));
    for (int way = 0; way < 4; way++) {
        gr_cut c = {.seed = 5, .fractions = fractions, .parts = 3};
        if (way == 0) c.labels = labels, c.classes = 3;
        if (way == 1) c.group = &keys;
        if (way == 2) c.order = &keys;
        if (way == 3) c.in_file_order = true;
        test_ok(ctx, gr__split(ctx, &c, N, parts));
        parts_of(parts, 3, N, before);
        free_parts(ctx, parts, 3);
        c.out = out;
        test_ok(ctx, gr__split(ctx, &c, N, parts));
        parts_of(parts, 3, N, after);
        assert_int_equal(parts[0].n + parts[1].n + parts[2].n, N - 20);
        if (way != 1) assert_int_equal(parts[1].n, 116);
        for (int i = 0; i < N; i++) {
            assert_true((after[i] == -1) == out[i]);
            moved += way == 0 && !out[i] && before[i] != after[i];
        }
        free_parts(ctx, parts, 3);
    }
    assert_true(moved <= 20);
    gr__keys_free(ctx, &keys);
    test_context_end(ctx);
}

/* Numbers are ordered as such, all else as texts; equal numbers are one key however they are written. */
static void texts_have_an_order(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char *const numbers[] = {"10", "9", "-1e1", "9.0"}, *const texts[] = {"10", "9", "b", "a"};
    gr_keys k = {0};
    for (int way = 0; way < 2; way++) {
        test_ok(ctx, gr__keys_alloc(ctx, 4, &k));
        for (uint32_t i = 0; i < 4; i++) k.rank[i] = i;
        test_ok(ctx, gr__keys_order_texts(ctx, way ? texts : numbers, 4, &k));
        static const uint32_t as_numbers[] = {2, 1, 0, 1}, as_texts[] = {0, 1, 3, 2};
        assert_memory_equal(k.rank, way ? as_texts : as_numbers, sizeof as_texts);
        assert_int_equal(k.found, way ? 4 : 3);
        gr__keys_free(ctx, &k);
    }
    test_context_end(ctx);
}

static gr_status keys_of(files *in, const char *source, const char *name, int64_t n, gr_keys *out)
{
    gr_tree *tree = gr__tree_flow(in->b, source), *at = gr__tree_text(in->b, name);
    return gr__keys_load(in->ctx, tree, &(gr_source_options){.folder = in->folder}, name, at, n, out);
}

static void columns_and_files_are_keys(void **state)
{
    (void)state;
    files at;
    gr_keys k = {0};
    files_make(&at, NULL);
    static const char table[] = "a,who,kind\n1,\"x, y\",0\n2,z,1\n3,\"x, y\",1\n", hole[] = "a,b,who\n1,1,x\n2,1,\n";
    put_file(&at, "t.csv", table, sizeof table - 1);
    put_file(&at, "hole.csv", hole, sizeof hole - 1);
    static const unsigned char idx[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 5, 7};
    put_file(&at, "who.idx", idx, sizeof idx);
    test_ok(at.ctx, keys_of(&at, "{type: csv, file: t.csv, target: kind, columns: [a]}", "who", 3, &k));
    assert_memory_equal(k.rank, ((uint32_t[]){0, 1, 0}), 12);
    gr__keys_free(at.ctx, &k);
    test_ok(at.ctx, keys_of(&at, "{type: csv, file: t.csv, target: kind, columns: [a]}", "0", 3, &k));
    assert_memory_equal(k.rank, ((uint32_t[]){0, 1, 2}), 12);
    gr__keys_free(at.ctx, &k);
    test_ok(at.ctx, keys_of(&at, "{type: idx, images: x.idx, labels: y.idx}", "who.idx", 3, &k));
    assert_memory_equal(k.rank, ((uint32_t[]){1, 0, 1}), 12);
    gr__keys_free(at.ctx, &k);
    static const struct {
        const char *source, *name;
        int64_t n;
        gr_status st;
        const char *says;
    } wrong[] = {
        {"{type: csv, file: t.csv, target: kind, columns: [a]}", "whom", 3, GR_E_DATA, "has no column \"whom\""},
        {"{type: csv, file: hole.csv, target: a, columns: [b]}", "who", 2, GR_E_DATA, "line 3"},
        {"{type: idx, images: x.idx, labels: y.idx}", "who.idx", 4, GR_E_DATA, "holds 3 samples"},
        {"{type: idx, images: x.idx, labels: y.idx}", "t.csv", 3, GR_E_FORMAT, "neither an NPY array nor an IDX file"},
        {"{type: idx, images: x.idx, labels: y.idx}", "none.npy", 3, GR_E_FILE, "none.npy"},
    };
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        gr_status st = keys_of(&at, wrong[i].source, wrong[i].name, wrong[i].n, &k);
        assert_int_equal(st, wrong[i].st);
        assert_non_null(strstr(gr_context_error(at.ctx)->message, wrong[i].says));
        assert_null(k.rank);
        gr_context_clear_error(at.ctx);
    }
    files_end(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chapters_sizes),
        cmocka_unit_test(groups_stay_together),
        cmocka_unit_test(too_few_groups),
        cmocka_unit_test(an_order_cuts_by_time),
        cmocka_unit_test(rows_left_out),
        cmocka_unit_test(texts_have_an_order),
        cmocka_unit_test(columns_and_files_are_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
