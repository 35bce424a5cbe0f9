/* Every step of preparation: the graph's bits on numbers, in model files, of training rows alone; and what each makes
 * of values worked out by hand. [mission D17, D18] */
#include "files.h"

#include <math.h>

#include "base/rng.h"
#include "graph/eval.h"

enum { ROWS = 41, TRAIN = 23 };

typedef struct step_case {
    const char *list;
    gr_shape sample, gives;
    bool categories; /* column 1 holds one of 4 */
    bool missing;
    bool positive;
} step_case;

static const step_case cases[] = {
    {"[{type: scale, by: 1/3}]", {1, {5}}, {1, {5}}, false, false, false},
    {"[{type: scale, by: 2, columns: [1, 3]}]", {1, {5}}, {1, {5}}, false, false, false},
    {"[standardize]", {1, {5}}, {1, {5}}, false, true, false},
    {"[{type: standardize, per: element}]", {3, {3, 2, 2}}, {3, {3, 2, 2}}, false, false, false},
    {"[min_max]", {1, {5}}, {1, {5}}, false, true, false},
    {"[{type: min_max, to: [-1, 1], columns: [0, 4]}]", {1, {5}}, {1, {5}}, false, false, false},
    {"[{type: min_max, per: element, to: [2, 3]}]", {3, {3, 2, 2}}, {3, {3, 2, 2}}, false, false, false},
    {"[{type: impute, with: median}]", {1, {5}}, {1, {5}}, false, true, false},
    {"[{type: impute, with: mode, columns: [2]}, {type: impute, with: -4.5}]", {1, {5}}, {1, {5}}, false, true, false},
    {"[{type: log, offset: 1}]", {1, {5}}, {1, {5}}, false, true, true},
    {"[{type: log, offset: 0.5, columns: [2]}, standardize]", {1, {5}}, {1, {5}}, false, false, true},
    {"[{type: clip, low: -1}]", {1, {5}}, {1, {5}}, false, false, false},
    {"[{type: clip, low: -0.5, high: 0.5, columns: [0]}]", {1, {5}}, {1, {5}}, false, false, false},
    {"[{type: clip, quantiles: [0.1, 0.8]}, standardize]", {1, {5}}, {1, {5}}, false, true, false},
    {"[one_hot]", {1, {5}}, {1, {8}}, true, false, false},
    {"[standardize]", {1, {5}}, {1, {8}}, true, true, false},
    {"[{type: impute, with: mode}, {type: one_hot, columns: [1]}, min_max]", {1, {5}}, {1, {8}}, true, true, false},
    {"[{type: resize, size: [3, 5]}]", {3, {7, 4, 2}}, {3, {3, 5, 2}}, false, false, false},
    {"[{type: scale, by: 0.1}, {type: resize, size: 9}, standardize]",
     {3, {4, 6, 3}},
     {3, {9, 9, 3}},
     false,
     false,
     false},
    {"[{type: resize, size: [2, 3]}]", {2, {300, 700}}, {3, {2, 3, 1}}, false, false, false},
    {"[{type: resize, size: [2, 1]}]", {2, {3, 4001}}, {3, {2, 1, 1}}, false, false, false},
    {"[to_grey]", {3, {9, 13, 3}}, {3, {9, 13, 1}}, false, false, false},
    {"[{type: resize, size: 4}, to_grey, {type: standardize, per: element}]",
     {3, {11, 5, 3}},
     {3, {4, 4, 1}},
     false,
     false,
     false},
};

static void fill(const step_case *c, int64_t width, double *x, uint64_t key)
{
    gr__rng r = gr__rng_make(key, "steps", 0, 0);
    for (int64_t i = 0; i < ROWS * width; i++) {
        double z = gr__rng_normal(&r);
        x[i] = c->positive ? z * z : z;
        if (c->categories && i % width == 1) x[i] = (double)gr__rng_below(&r, 4);
        if (c->missing && gr__rng_below(&r, 6) == 0) x[i] = (double)NAN;
    }
}

static const double *leaf(void *user, const gr_graph *g, const gr_node *node)
{
    (void)g, (void)node;
    return user;
}

static void run(const gr_prepared *p, int n, gr_shape sample, const double *x, double *y)
{
    gr_graph *g;
    gr_shape batch = {.rank = sample.rank + 1, .dim = {ROWS}};
    for (int i = 0; i < sample.rank; i++) batch.dim[i + 1] = sample.dim[i];
    test_ok(f.ctx, gr_graph_create(f.ctx, &g));
    gr_val out = gr__prepare_build(g, p, n, gr_feed(g, "x", GR_REAL, batch));
    test_ok(f.ctx, gr_graph_status(g));
    test_ok(f.ctx, gr__eval(g, &out, 1, leaf, (void *)(uintptr_t)x, &y));
    gr_graph_destroy(g);
}

static gr_field field_of(const step_case *c, double *x)
{
    static const int32_t category[] = {0, 4, 0, 0, 0};
    return (gr_field){.name = GR_LONE_INPUT,
                      .sample = c->sample,
                      .element = GR_EL_F64,
                      .data = x,
                      .missing = c->missing,
                      .category = c->categories ? category : NULL};
}

/* In pieces that begin anywhere. */
static void read_in_pieces(const gr_prepared *p, int n, const double *sample, int64_t width, double *out)
{
    gr__before in = gr__before_of(p, n, GR_EL_F64, sample);
    for (int64_t e = 0, k = 1; e < width; e += k, k = k * 3 % 17 + 1) {
        k = GR_MIN(k, width - e);
        gr__prepare_read(&in, e, out + e, k);
    }
}

static void check_case(const step_case *c)
{
    int64_t width = gr_shape_count(c->sample), given = gr_shape_count(c->gives);
    double *x = malloc(sizeof *x * (size_t)(ROWS * width)), *y = malloc(sizeof *y * (size_t)(ROWS * given)),
           *row = malloc(sizeof *row * (size_t)given);
    uint32_t train[TRAIN];
    gr_rows rows = {train, TRAIN};
    gr_prepared *p, *q;
    gr_field s = field_of(c, x);
    gr_shape shape;
    int n, m;
    for (uint32_t i = 0; i < TRAIN; i++) train[i] = i;
    fill(c, width, x, 7);
    test_ok(f.ctx, gr__prepare_fit(f.ctx, f.b, yaml(&f, c->list), &s, &rows, c->gives, &p, &n));
    test_ok(f.ctx, gr__prepare_check(f.ctx, GR_E_SHAPE, p, n, c->gives));
    test_ok(f.ctx, gr__prepare_shape(f.ctx, yaml(&f, c->list), &s, c->gives, &shape));
    assert_int_equal(gr_shape_count(shape), given);
    run(p, n, c->sample, x, y);
    for (int64_t i = 0; i < ROWS; i++) {
        read_in_pieces(p, n, x + i * width, given, row);
        for (int64_t k = 0; k < given; k++)
            if (memcmp(&row[k], &y[i * given + k], 8) != 0 && !(isnan(row[k]) && isnan(y[i * given + k])))
                fail_msg("%s: row %d, number %d: %.17g, as graph %.17g", c->list, (int)i, (int)k, row[k],
                         y[i * given + k]);
        for (int64_t k = 0; k < given; k++) assert_true(isfinite(row[k]));
    }
    test_ok(f.ctx, gr__prepare_parse(f.ctx, f.b, gr__prepare_tree(f.b, p, n), &q, &m)); /* a model file's */
    assert_int_equal(n, m);
    for (int64_t i = 0; i < ROWS; i++) {
        read_in_pieces(q, m, x + i * width, given, row);
        assert_memory_equal(row, y + i * given, sizeof *row * (size_t)given);
    }
    for (int64_t i = TRAIN * width; i < ROWS * width; i++) x[i] = 1e6; /* rows of other parts */
    test_ok(f.ctx, gr__prepare_fit(f.ctx, f.b, yaml(&f, c->list), &s, &rows, c->gives, &q, &m));
    for (int i = 0; i < n; i++)
        for (int k = 0; k < GR_MAX_STATE; k++)
            if (p[i].state[k]) assert_memory_equal(p[i].state[k], q[i].state[k], sizeof(double) * (size_t)p[i].n[k]);
    test_ok(f.ctx, gr__prepare_placeholder(f.ctx, f.b, yaml(&f, c->list), c->gives, &s, &q, &m));
    assert_int_equal(gr__prepared_numbers(p, n), gr__prepared_numbers(q, m));
    free(x);
    free(y);
    free(row);
}

static void every_step_is_its_graph(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(cases); i++) check_case(&cases[i]);
}

/* Rows x of W numbers through a list, all of them training rows. */
static void make(const char *list, double *x, int64_t rows, int64_t width, bool missing, double *y)
{
    gr_field s = {.name = "x", .sample = GR_SHAPE(width), .element = GR_EL_F64, .data = x, .missing = missing};
    uint32_t row[64];
    gr_rows all = {row, rows};
    gr_prepared *p;
    int n;
    for (uint32_t i = 0; i < rows; i++) row[i] = i;
    test_ok(f.ctx, gr__prepare_fit(f.ctx, f.b, yaml(&f, list), &s, &all, s.sample, &p, &n));
    for (int64_t i = 0; i < rows; i++) {
        gr__before in = gr__before_of(p, n, GR_EL_F64, x + i * width);
        gr__prepare_read(&in, 0, y + i * width, width);
    }
}

static void values_by_hand(void **state)
{
    (void)state;
    double x[] = {3, 1, -2, 7, 5}, y[5], gaps[] = {1, (double)NAN, 4, 10, 4}, even[] = {8, -1, 2, 3}, one[] = {5};
    make("[min_max]", x, 5, 1, false, y);
    assert_true(y[2] == 0 && fabs(y[3] - 1) < 1e-15 && fabs(y[0] - 5.0 / 9) < 1e-15);
    make("[{type: min_max, to: [-1, 1]}]", x, 5, 1, false, y);
    assert_true(y[2] == -1 && fabs(y[3] - 1) < 1e-15 && fabs(y[0] - 1.0 / 9) < 1e-15);
    make("[{type: impute, with: median}]", gaps, 5, 1, true, y);
    assert_true(y[1] == 4 && y[3] == 10);
    make("[{type: impute, with: mean}]", gaps, 5, 1, true, y);
    assert_true(y[1] == 4.75);
    make("[{type: impute, with: mode}]", gaps, 5, 1, true, y);
    assert_true(y[1] == 4);
    make("[{type: impute, with: 0.25}]", gaps, 5, 1, true, y);
    assert_true(y[1] == 0.25);
    make("[{type: log, offset: 3}]", x, 5, 1, false, y);
    assert_true(y[2] == 0 && y[3] == log(10));
    make("[{type: clip, quantiles: [0.25, 0.5]}]", even, 4, 1, false, y); /* NumPy: 1.25 and 2.5 */
    assert_true(y[0] == 2.5 && y[1] == 1.25 && y[2] == 2 && y[3] == 2.5);
    make("[{type: clip, quantiles: [0, 1]}]", even, 4, 1, false, y);
    assert_true(y[0] == 8 && y[1] == -1);
    static const char *const constant[] = {"[min_max]", "[standardize]", "[{type: min_max, to: [0, 7]}]"};
    for (size_t i = 0; i < GR_COUNT(constant); i++) {
        make(constant[i], one, 1, 1, false, y); /* one row, so a constant */
        assert_true(y[0] == 0);
    }
    double none[] = {(double)NAN, (double)NAN};
    static const char *const empty[] = {"[{type: impute, with: median}]",
                                        "[{type: impute, with: mode}]",
                                        "[impute]",
                                        "[{type: clip, quantiles: [0.1, 0.9]}]",
                                        "[log]",
                                        "[min_max]"};
    for (size_t i = 0; i < GR_COUNT(empty); i++) {
        make(empty[i], none, 2, 1, true, y); /* nothing was ever there */
        assert_true(y[0] == 0 && y[1] == 0);
    }
}

/* What Pillow 13.0's Image.resize with BILINEAR makes of the float picture (37 i) mod 101 of 5 x 7 pixels. */
static void resizing_is_pillows(void **state)
{
    (void)state;
    static const struct {
        int64_t h, w;
        double y[72];
    } all[] = {
        {3,
         4,
         {41.7483, 50.6, 37.3029, 52.5306, 43.0688, 56.2933, 47.1644, 62.7831, 43.6259, 62.3714, 46.1886, 48.2245}},
        {8, 9, {0,       24.6667, 53.4444, 59.7778, 10,      38.7778, 67.5556, 62.6667, 20,      24.9375, 49.6042,
                58.7431, 50.3472, 34.9375, 29.3472, 48.3056, 58.1458, 44.9375, 54.25,   78.9167, 65.6111, 40.3819,
                64.25,   19.3819, 27.1181, 53.7917, 74.25,   26.75,   51.4167, 66.1667, 61.9792, 36.75,   40.9792,
                62.7431, 68.375,  46.75,   30.8125, 34.4375, 52.6944, 66.0417, 40.8125, 45.0417, 66.8056, 72.4375,
                50.8125, 66.4375, 27.9792, 25.1944, 52.5694, 76.4375, 31.5694, 39.3056, 65.9792, 86.4375, 45.25,
                40.4583, 54.5069, 70.6597, 55.25,   49.6597, 37.0556, 40.5833, 65.25,   26,      50.6667, 79.4444,
                85.7778, 36,      64.7778, 37.4444, 21.3333, 46}},
        {2,
         9,
         {29.4545, 51.0606, 59.9444, 53.5253, 39.4545, 32.5253, 51.101, 61.5152, 49.4545, 42.4545, 39.5758, 52.5404,
          66.5253, 52.4545, 45.5253, 46.2475, 53.0909, 62.4545}},
    };
    double x[35], y[72];
    for (int i = 0; i < 35; i++) x[i] = i * 37 % 101;
    gr_field s = {.name = "x", .sample = GR_SHAPE(5, 7, 1), .element = GR_EL_F64, .data = x};
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        char list[60];
        uint32_t row = 0;
        gr_prepared *p;
        int n;
        snprintf(list, sizeof list, "[{type: resize, size: [%d, %d]}]", (int)all[i].h, (int)all[i].w);
        test_ok(f.ctx, gr__prepare_fit(f.ctx, f.b, yaml(&f, list), &s, &(gr_rows){&row, 1},
                                       GR_SHAPE(all[i].h, all[i].w, 1), &p, &n));
        gr__before in = gr__before_of(p, n, GR_EL_F64, x);
        gr__prepare_read(&in, 0, y, all[i].h * all[i].w);
        for (int64_t k = 0; k < all[i].h * all[i].w; k++) assert_true(fabs(y[k] - all[i].y[k]) < 1e-3);
    }
}

/* Negative zero, infinities of both signs beyond, denormals: quantiles are exact whatever the numbers. */
static void ranks_are_exact(void **state)
{
    (void)state;
    double x[] = {-0.0, 5e-324, -5e-324, 1e308, -1e308, 0.0, 3, -3, 1e-310}, y[9],
           sorted[] = {-1e308, -3, -5e-324, 0, 0, 5e-324, 1e-310, 3, 1e308};
    char list[100];
    for (int k = 0; k < 8; k++) {
        snprintf(list, sizeof list, "[{type: clip, quantiles: [%.17g, 1]}]", k / 8.0);
        make(list, x, 9, 1, false, y);
        assert_true(y[4] == sorted[k]);
    }
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        gr_status code;
    } wrong[] = {
        {"[{type: log, offset: 0}]", GR_E_DATA},
        {"[{type: clip}]", GR_E_MISSING},
        {"[{type: clip, low: 2, high: 1}]", GR_E_RANGE},
        {"[{type: clip, low: 2, quantiles: [0, 1]}]", GR_E_CONFLICT},
        {"[{type: clip, quantiles: [0.5, 0.5]}]", GR_E_RANGE},
        {"[{type: clip, quantiles: 0.5}]", GR_E_TYPE},
        {"[{type: min_max, to: [1, 0]}]", GR_E_RANGE},
        {"[{type: min_max, to: 3}]", GR_E_TYPE},
        {"[{type: impute, with: medium}]", GR_E_NAME},
        {"[{type: impute, with: [1]}]", GR_E_TYPE},
        {"[{type: impute, with: 1, value: 2}]", GR_E_CONFLICT},
        {"[{type: standardize, columns: [9]}]", GR_E_DATA},
        {"[{type: standardize, columns: [[0]]}]", GR_E_TYPE},
        {"[{type: standardize, per: all, columns: [0]}]", GR_E_CONFLICT},
        {"[one_hot]", GR_E_CONFLICT},
        {"[{type: resize, size: 4}]", GR_E_DATA},
        {"[to_grey]", GR_E_DATA},
        {"[resize]", GR_E_MISSING},
        {"[{type: resize, size: 0}]", GR_E_RANGE},
    };
    double x[] = {0, 1, 2, 3, 4, 5};
    uint32_t row[] = {0, 1};
    gr_rows rows = {row, 2};
    gr_field s = {.name = "x", .sample = GR_SHAPE(3), .element = GR_EL_F64, .data = x};
    gr_prepared *p;
    int n;
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        gr_status st = gr__prepare_fit(f.ctx, f.b, yaml(&f, wrong[i].list), &s, &rows, GR_SHAPE(3), &p, &n);
        if (st != wrong[i].code) fail_msg("%s: %s", wrong[i].list, gr_status_name(st));
        gr_context_clear_error(f.ctx);
    }
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "[{type: one_hot}]",
        "[{type: one_hot, categories: [2]}]",
        "[{type: one_hot, categories: [2], seen: [1]}]",
        "[{type: one_hot, categories: [-1], seen: [1]}]",
        "[{type: one_hot, categories: [1.5], seen: [1]}]",
        "[{type: resize, from: [2, 2, 1]}]",
        "[{type: resize, from: [2, 2, 1], to: [0, 1]}]",
        "[{type: resize, from: [2, 2], to: [1, 1]}]",
        "[{type: resize, from: [1e9, 2, 1], to: [1, 1]}]",
        "[{type: to_grey, from: [2, 2, 4]}]",
        "[{type: to_grey}]",
        "[{type: log, offset: [1]}]",
        "[{type: log, offset: [1], least: [0]}]",
        "[{type: log, offset: [1, 2], least: [1]}]",
        "[{type: clip, for: [1]}]",
        "[{type: min_max, sub: [1], mul: [1, 2]}]",
    };
    gr_prepared *p;
    int n;
    for (size_t i = 0; i < GR_COUNT(damaged); i++) {
        gr_status st = gr__prepare_parse(f.ctx, f.b, yaml(&f, damaged[i]), &p, &n);
        if (st != GR_E_FORMAT) fail_msg("%s: %s", damaged[i], gr_status_name(st));
        gr_context_clear_error(f.ctx);
    }
    test_ok(f.ctx, gr__prepare_parse(f.ctx, f.b,
                                     yaml(&f, "[{type: to_grey, from: [2, 2, 3]}, {type: resize, from: [2, 3, "
                                              "1], to: [1, 1]}]"),
                                     &p, &n));
    assert_int_equal(gr__prepare_check(f.ctx, GR_E_FORMAT, p, n, GR_SHAPE(1)), GR_E_FORMAT); /* they do not follow */
    gr_context_clear_error(f.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_step_is_its_graph, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(values_by_hand, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(resizing_is_pillows, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(ranks_are_exact, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(damaged_files_are_refused, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
