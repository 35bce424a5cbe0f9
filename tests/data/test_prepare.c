/* Preparation (D17, D18): statistics of training rows alone, the same numbers in graph and model file. */
#include "files.h"

#include <math.h>

#include "base/rng.h"
#include "graph/eval.h"

static const double *list_of(const gr_prepared *p, const char *name)
{
    return gr__prepared_list(p, name, NULL);
}

static int count_of(const gr_prepared *p, const char *name)
{
    int n = 0;
    gr__prepared_list(p, name, &n);
    return n;
}

static gr_field set_of(gr_element e, void *inputs, gr_shape sample)
{
    return (gr_field){.name = GR_LONE_INPUT, .sample = sample, .element = e, .data = inputs};
}

static uint32_t all_rows[2000];

static gr_rows rows_of(int64_t n)
{
    for (int64_t i = 0; i < n; i++) all_rows[i] = (uint32_t)i;
    return (gr_rows){all_rows, n};
}

static gr_prepared *fit(const char *list, const gr_field *s, const gr_rows *r, gr_shape input, int *n)
{
    gr_prepared *p = NULL;
    test_ok(f.ctx, gr__prepare_fit(f.ctx, f.b, yaml(&f, list), s, r, input, &p, n));
    return p;
}

/* Evaluates the prepared graph on the whole set, in float64. */
static const double *leaf(void *user, const gr_graph *g, const gr_node *node)
{
    (void)g, (void)node;
    return user;
}

static void build_and_run(const gr_prepared *p, int n, gr_element e, gr_shape batch, const double *x, double *y)
{
    gr_graph *g;
    test_ok(f.ctx, gr_graph_create(f.ctx, &g));
    gr_val in = gr_feed(g, "x",
                        e == GR_EL_U8    ? GR_U8
                        : e == GR_EL_I32 ? GR_I32
                                         : GR_REAL,
                        batch),
           out = gr__prepare_build(g, p, n, in);
    test_ok(f.ctx, gr_graph_status(g));
    assert_int_equal(gr_dtype_of(g, out), GR_REAL);
    test_ok(f.ctx, gr__eval(g, &out, 1, leaf, (void *)(uintptr_t)x, &y));
    gr_graph_destroy(g);
}

static void bytes_have_exact_statistics(void **state)
{
    (void)state;
    enum { N = 1000, H = 4, C = 3 };
    static uint8_t x[N * H * C];
    gr__rng r = gr__rng_make(1, "x", 0, 0);
    for (int i = 0; i < N * H * C; i++) x[i] = (uint8_t)(i % C == 2 ? 77 : gr__rng_below(&r, i % C ? 256 : 10));
    gr_field s = set_of(GR_EL_U8, x, GR_SHAPE(H, C));
    gr_rows rows = rows_of(N);
    int n;
    gr_prepared *p = fit("[standardize]", &s, &rows, GR_SHAPE(H, C), &n);
    assert_int_equal(n, 1);
    assert_int_equal(count_of(p, "mean"), C);
    for (int c = 0; c < C; c++) {
        int64_t sum = 0, square = 0, count = N * H;
        for (int i = c; i < N * H * C; i += C) sum += x[i], square += x[i] * x[i];
        double mean = (double)sum / (double)count,
               variance = (double)(count * square - sum * sum) / (double)(count * count);
        assert_true(fabs(list_of(p, "mean")[c] - mean) <= 1e-13 * 256);
        assert_true(fabs(list_of(p, "std")[c] - sqrt(variance)) <= 1e-12 * 256);
    }
    assert_true(list_of(p, "mean")[2] == 77 && list_of(p, "std")[2] == 0 && list_of(p, "mul")[2] == 1); /* a constant */
    static double in[N * H * C], out[N * H * C];
    for (int i = 0; i < N * H * C; i++) in[i] = x[i];
    build_and_run(p, n, GR_EL_U8, GR_SHAPE(N, H, C), in, out);
    double sum[C] = {0}, square[C] = {0};
    for (int i = 0; i < N * H * C; i++) sum[i % C] += out[i], square[i % C] += out[i] * out[i];
    for (int c = 0; c < C; c++) {
        assert_true(fabs(sum[c] / (N * H)) < 1e-12);
        assert_true(fabs(square[c] / (N * H) - (c < 2)) < 1e-12);
    }
}

static void steps_see_what_came_before(void **state)
{
    (void)state;
    static uint8_t bytes[] = {0, 255, 51, 102};
    static float floats[] = {0, 255, 51, 102};
    gr_rows rows = rows_of(4);
    for (int k = 0; k < 2; k++) {
        gr_field s = set_of(k ? GR_EL_F32 : GR_EL_U8, k ? (void *)floats : bytes, GR_SHAPE(1));
        int n;
        gr_prepared *p = fit("[{type: scale, by: 1/255}, standardize, {type: scale, by: -2}, standardize]", &s, &rows,
                             GR_SHAPE(1), &n);
        assert_int_equal(n, 4);
        assert_string_equal(p[0].step->head.name, "scale");
        assert_true(list_of(&p[0], "mul")[0] == 1.0 / 255);
        assert_true(fabs(list_of(&p[1], "mean")[0] - 0.4) < 1e-15);
        assert_true(fabs(list_of(&p[1], "std")[0] - sqrt((0.16 + 0.36 + 0.04) / 4)) < 1e-15);
        assert_true(fabs(list_of(&p[3], "mean")[0]) < 1e-15);
        assert_true(fabs(list_of(&p[3], "std")[0] - 2) < 1e-15);
    }
}

/* D17: other validation rows, the same bits. */
static void statistics_are_of_training_rows_only(void **state)
{
    (void)state;
    enum { N = 500, W = 7 };
    static float x[N * W];
    static uint8_t bytes[N * W];
    gr__rng r = gr__rng_make(2, "x", 0, 0);
    for (int i = 0; i < N * W; i++) {
        x[i] = (float)(1e4 + gr__rng_normal(&r));
        bytes[i] = (uint8_t)gr__rng_below(&r, 256);
    }
    static const double fractions[] = {0.7, 0.3};
    gr_rows parts[2];
    test_ok(f.ctx, split(f.ctx, 5, N, NULL, 0, fractions, 2, parts));
    static const char *const per[] = {"[{type: standardize, per: channel}]", "[{type: standardize, per: all}]",
                                      "[{type: standardize, per: element}]"};
    for (int k = 0; k < 6; k++) {
        gr_field s = set_of(k % 2 ? GR_EL_U8 : GR_EL_F32, k % 2 ? (void *)bytes : x, GR_SHAPE(W));
        int n;
        gr_prepared *a = fit(per[k / 2], &s, &parts[0], GR_SHAPE(W), &n);
        for (int64_t i = 0; i < parts[1].n; i++) {
            for (int c = 0; c < W; c++) {
                x[parts[1].row[i] * W + (uint32_t)c] = (float)(i * 100 + k);
                bytes[parts[1].row[i] * W + (uint32_t)c] = (uint8_t)(i + k);
            }
        }
        gr_prepared *b = fit(per[k / 2], &s, &parts[0], GR_SHAPE(W), &n);
        assert_int_equal(count_of(a, "mean"), k / 2 == 1 ? 1 : W);
        assert_memory_equal(list_of(a, "mean"), list_of(b, "mean"), (size_t)count_of(a, "mean") * 8);
        assert_memory_equal(list_of(a, "std"), list_of(b, "std"), (size_t)count_of(a, "mean") * 8);
    }
    for (int p = 0; p < 2; p++) gr__rows_free(f.ctx, &parts[p]);
}

/* A large mean, a constant that no binary fraction is, an outlier in front: where sums of squares fail. */
static void statistics_are_numerically_sound(void **state)
{
    (void)state;
    enum { N = 2000, W = 4 };
    static double x[N * W];
    gr__rng r = gr__rng_make(3, "x", 0, 0);
    double sum = 0, wanted = 0;
    for (int i = 0; i < N; i++) {
        double z = gr__rng_normal(&r);
        x[i * W] = 1e9 + z;
        x[i * W + 1] = 0.1;
        x[i * W + 2] = i ? z : 1e8;
        x[i * W + 3] = i % 2 ? 1e-200 : 3e-200;
        sum += z;
    }
    for (int i = 0; i < N; i++) wanted += (x[i * W] - 1e9 - sum / N) * (x[i * W] - 1e9 - sum / N);
    gr_field s = set_of(GR_EL_F64, x, GR_SHAPE(W));
    gr_rows rows = rows_of(N);
    int n;
    gr_prepared *p = fit("standardize", &s, &rows, GR_SHAPE(W), &n);
    assert_true(fabs(list_of(p, "mean")[0] - 1e9 - sum / N) < 1e-6);
    assert_true(fabs(list_of(p, "std")[0] / sqrt(wanted / N) - 1) < 1e-9);
    assert_true(list_of(p, "mean")[1] == 0.1 && list_of(p, "std")[1] == 0 && list_of(p, "mul")[1] == 1);
    double outlier_mean = 1e8 / N, outlier_std = 1e8 * sqrt((double)(N - 1)) / N;
    assert_true(fabs(list_of(p, "mean")[2] / outlier_mean - 1) < 1e-3);
    assert_true(fabs(list_of(p, "std")[2] / outlier_std - 1) < 1e-3);
    assert_true(list_of(p, "mul")[3] == 1); /* so small a spread has no float32 inverse */
    static double out[N * W];
    build_and_run(p, n, GR_EL_F64, GR_SHAPE(N, W), x, out);
    for (int i = 0; i < N; i++) assert_true(out[i * W + 1] == 0);
}

static void missing_values_take_the_mean(void **state)
{
    (void)state;
    static float x[] = {1, 10, (float)NAN, 20, 3, (float)NAN, 8, (float)NAN};
    gr_field s = set_of(GR_EL_F32, x, GR_SHAPE(2));
    s.missing = true;
    gr_rows rows = rows_of(3);
    int n;
    gr_prepared *p = fit("[standardize]", &s, &rows, GR_SHAPE(2), &n);
    assert_int_equal(n, 2); /* put first by itself */
    assert_string_equal(p[0].step->head.name, "impute");
    assert_true(list_of(&p[0], "fill")[0] == 2 && list_of(&p[0], "fill")[1] == 15);
    assert_true(fabs(list_of(&p[1], "mean")[0] - 2) < 1e-15 && fabs(list_of(&p[1], "std")[0] - sqrt(2.0 / 3)) < 1e-15);
    double in[8], out[8];
    for (int i = 0; i < 8; i++) in[i] = (double)x[i];
    build_and_run(p, n, GR_EL_F32, GR_SHAPE(4, 2), in, out);
    assert_true(out[2] == 0 && out[5] == 0 && out[7] == 0);
    p = fit("[{type: impute, value: -1}]", &s, &rows, GR_SHAPE(2), &n);
    assert_int_equal(n, 1);
    build_and_run(p, n, GR_EL_F32, GR_SHAPE(4, 2), in, out);
    assert_true(out[0] == 1 && out[2] == -1 && out[7] == -1);

    gr_field info = {.name = "x", .sample = GR_SHAPE(2), .missing = true},
             plain = {.name = "x", .sample = GR_SHAPE(10)};
    gr_prepared *q;
    test_ok(f.ctx, gr__prepare_placeholder(f.ctx, f.b, yaml(&f, "[standardize]"), GR_SHAPE(2), &info, &q, &n));
    assert_int_equal(n, 2);
    assert_int_equal(q[0].n[0], 2);
    test_ok(f.ctx, gr__prepare_placeholder(f.ctx, f.b, yaml(&f, "[standardize, {type: standardize, per: all}]"),
                                           GR_SHAPE(5, 2), &plain, &q, &n));
    assert_int_equal(n, 2);
    assert_int_equal(q[0].n[0], 2);
    assert_int_equal(q[1].n[0], 1);
}

/* Numbers that float32 may not hold are prepared as they are delivered: the graph's arithmetic in float64, to the bit,
 * rounded once. */
static void delivering_is_the_graph_in_float64(void **state)
{
    (void)state;
    enum { N = 40, C = 3, W = 200 * C }; /* more than a piece */
    static double wide[N * W], out[N * W];
    static int32_t whole[N * W];
    static const char *const lists[] = {
        "[standardize]",
        "[{type: scale, by: 1/1000}, {type: standardize, per: element}]",
        "[{type: impute, value: 1700000007}, {type: standardize, per: all}, {type: scale, by: 3}]",
        "[impute, standardize]",
    };
    gr__rng r = gr__rng_make(5, "x", 0, 0);
    for (int i = 0; i < N * W; i++) {
        whole[i] = 1700000000 + (int32_t)gr__rng_below(&r, 3600);
        wide[i] = whole[i] + 1e-3 * (double)gr__rng_below(&r, 1000);
    }
    gr_shape sample = GR_SHAPE(200, C);
    for (size_t i = 0; i < GR_COUNT(lists); i++)
        for (int e = 0; e < 2; e++) {
            wide[77] = !e && strstr(lists[i], "impute") ? (double)NAN : 1700000001.5;
            gr_field s = set_of(e ? GR_EL_I32 : GR_EL_F64, e ? (void *)whole : (void *)wide, sample);
            gr_rows rows = rows_of(N);
            int n;
            gr_prepared *p = fit(lists[i], &s, &rows, sample, &n);
            gr_delivery narrow, full;
            test_ok(f.ctx, gr__delivery_of(f.ctx, s.element, GR_EL_F32, p, n, sample, &narrow));
            test_ok(f.ctx, gr__delivery_of(f.ctx, s.element, GR_EL_F64, p, n, sample, &full));
            assert_int_equal(gr__delivery_left(&narrow, n), 0);
            for (int k = 0; e && k < N * W; k++) wide[k] = whole[k];
            build_and_run(p, n, GR_EL_F64, GR_SHAPE(N, 200, C), wide, out);
            for (int row = 0; row < N; row++) {
                static float a[W];
                static double b[W];
                const char *at = (const char *)s.data + (size_t)(row * W) * gr__element_bytes(s.element);
                gr__deliver(&s, at, &narrow, W, a);
                gr__deliver(&s, at, &full, W, b);
                assert_memory_equal(b, out + row * W, sizeof b);
                for (int k = 0; k < W; k++) assert_true(a[k] == (float)out[row * W + k]);
            }
        }
}

/* Bytes and float32 stay as they are, and steps that do not fit are refused wherever they are done. */
static void what_the_graph_prepares_is_left_to_it(void **state)
{
    (void)state;
    static uint8_t bytes[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
    gr_field s = set_of(GR_EL_U8, bytes, GR_SHAPE(2, 3));
    gr_rows rows = rows_of(2);
    int n;
    gr_prepared *p = fit("[standardize]", &s, &rows, GR_SHAPE(2, 3), &n);
    gr_delivery d;
    test_ok(f.ctx, gr__delivery_of(f.ctx, GR_EL_U8, GR_EL_F32, p, n, GR_SHAPE(2, 3), &d));
    assert_int_equal(d.as, GR_EL_U8);
    assert_int_equal(gr__delivery_left(&d, n), n);
    test_ok(f.ctx, gr__delivery_of(f.ctx, GR_EL_F32, GR_EL_F32, p, n, GR_SHAPE(2, 3), &d));
    assert_int_equal(gr__delivery_left(&d, n), n);
    test_ok(f.ctx, gr__delivery_of(f.ctx, GR_EL_I32, GR_EL_F32, p, 0, GR_SHAPE(2, 3), &d));
    assert_int_equal(d.as, GR_EL_F32); /* nothing to prepare: rounded, once */
    assert_int_equal(gr__delivery_of(f.ctx, GR_EL_F64, GR_EL_F32, p, n, GR_SHAPE(3, 2), &d), GR_E_SHAPE);
    gr_context_clear_error(f.ctx);
    static const gr_element types[] = {GR_EL_U8, GR_EL_F32, GR_EL_I32, GR_EL_F64};
    for (int a = 0; a < 4; a++) /* bytes stay bytes among themselves; one wide type makes all wide */
        for (int b = 0; b < 4; b++)
            assert_int_equal(gr__elements_together(types[a], types[b]), a == b           ? types[a]
                                                                        : a > 1 || b > 1 ? GR_EL_F64
                                                                                         : GR_EL_F32);
}

/* D18: a model file carries it to the bit. */
static void files_keep_every_bit(void **state)
{
    (void)state;
    enum { N = 100, W = 6 };
    static double x[N * W];
    gr__rng r = gr__rng_make(4, "x", 0, 0);
    for (int i = 0; i < N * W; i++) x[i] = gr__rng_normal(&r) * pow(10, i % W - 3);
    gr_field s = set_of(GR_EL_F64, x, GR_SHAPE(2, 3));
    gr_rows rows = rows_of(N);
    int n, m;
    gr_prepared *p = fit("[{type: scale, by: 1/3}, {type: standardize, per: element}, {type: impute, value: 0.1}, "
                         "{type: standardize, per: channel}]",
                         &s, &rows, GR_SHAPE(2, 3), &n),
                *q;
    gr_tree *t = gr__prepare_tree(f.b, p, n);
    assert_non_null(t);
    test_ok(f.ctx, gr__prepare_parse(f.ctx, f.b, t, &q, &m));
    assert_int_equal(n, m);
    for (int i = 0; i < n; i++) {
        assert_ptr_equal(p[i].step, q[i].step);
        for (int k = 0; k < GR_MAX_STATE; k++) {
            assert_int_equal(p[i].n[k], q[i].n[k]);
            assert_int_equal(p[i].state[k] == NULL, q[i].state[k] == NULL);
            if (p[i].state[k]) assert_memory_equal(p[i].state[k], q[i].state[k], (size_t)p[i].n[k] * 8);
        }
    }
    static double out[N * W], again[N * W];
    build_and_run(p, n, GR_EL_F64, GR_SHAPE(N, 2, 3), x, out);
    build_and_run(q, m, GR_EL_F64, GR_SHAPE(N, 2, 3), x, again);
    assert_memory_equal(out, again, sizeof out);
    static const char *const damaged[] = {"{}",
                                          "[scale]",
                                          "[{mul: [1]}]",
                                          "[{type: scale}]",
                                          "[{type: nothing, mul: [1]}]",
                                          "[{type: scale, mul: []}]",
                                          "[{type: scale, mul: 1}]",
                                          "[{type: scale, mul: [x]}]",
                                          "[{type: scale, mul: [.inf]}]",
                                          "[{type: scale, mul: [1, 2], sub: [1]}]",
                                          "[{type: scale, mul: [1], more: [1]}]"};
    for (size_t i = 0; i < GR_COUNT(damaged); i++) {
        gr_status st = gr__prepare_parse(f.ctx, f.b, yaml(&f, damaged[i]), &q, &m);
        assert_true(st == GR_E_FORMAT || st == GR_E_NAME);
        gr_context_clear_error(f.ctx);
    }
}

static void recipes_are_checked(void **state)
{
    (void)state;
    static uint8_t x[6];
    gr_field s = set_of(GR_EL_U8, x, GR_SHAPE(3));
    gr_rows rows = rows_of(2);
    gr_prepared *p;
    int n;
    static const struct {
        const char *list;
        gr_status code;
    } cases[] = {
        {"[standardise]", GR_E_NAME},
        {"[{type: scale, by: x}]", GR_E_TYPE},
        {"[{type: scale, byy: 1}]", GR_E_KEY},
        {"[[scale]]", GR_E_TYPE},
        {"[{by: 1}]", GR_E_TYPE},
        {"[{type: standardize, per: pixel}]", GR_E_NAME},
        {"12", GR_E_TYPE},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_tree *resolved;
        assert_int_equal(gr__prepare_fit(f.ctx, f.b, yaml(&f, cases[i].list), &s, &rows, GR_SHAPE(3), &p, &n),
                         cases[i].code);
        gr_context_clear_error(f.ctx);
        assert_int_equal(gr__prepare_resolve(f.ctx, f.b, yaml(&f, cases[i].list), &resolved), cases[i].code);
        gr_context_clear_error(f.ctx);
    }
    assert_int_equal(gr__prepare_fit(f.ctx, f.b, yaml(&f, "standardize"), &s, &rows, GR_SHAPE(2, 2), &p, &n),
                     GR_E_DATA);
    gr_context_clear_error(f.ctx);
    test_ok(f.ctx, gr__prepare_fit(f.ctx, f.b, NULL, &s, &rows, GR_SHAPE(3), &p, &n));
    assert_int_equal(n, 0);
    gr_tree *resolved;
    test_ok(f.ctx, gr__prepare_resolve(f.ctx, f.b, yaml(&f, "[standardize]"), &resolved));
    assert_true(gr__tree_equal(resolved, gr__tree_flow(f.b, "[{type: standardize, per: channel, columns: none}]")));
    for (uint64_t k = 1;; k++) { /* every failing allocation */
        gr__bump *b = gr__bump_create(f.ctx);
        gr_tree *list = yaml(&f, "[{type: scale, by: 2}, standardize]");
        gr__fail_acquisition(f.ctx, k);
        gr_status st = gr__prepare_fit(f.ctx, b, list, &s, &rows, GR_SHAPE(3), &p, &n);
        gr__fail_acquisition(f.ctx, 0);
        gr__bump_destroy(b);
        if (st == GR_OK) break;
        assert_int_equal(st, GR_E_MEMORY);
        gr_context_clear_error(f.ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_have_exact_statistics, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(steps_see_what_came_before, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(statistics_are_of_training_rows_only, files_setup, files_teardown), /* D17 */
        cmocka_unit_test_setup_teardown(statistics_are_numerically_sound, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(missing_values_take_the_mean, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(delivering_is_the_graph_in_float64, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(what_the_graph_prepares_is_left_to_it, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(files_keep_every_bit, files_setup, files_teardown), /* D18 */
        cmocka_unit_test_setup_teardown(recipes_are_checked, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
