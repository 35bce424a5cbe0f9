/* Inputs are prepared in float64 from the numbers of the file and rounded once, whatever the file and the backend: the
 * times of one hour, in seconds since 1970, are a few dozen numbers in float32. Planned bytes are those taken. */
#include <math.h>

#include "arrays.h"
#include "train/train.h"

enum { N = 382 };

static char folder[64];
static double seconds[N];

static int setup(void **state)
{
    (void)state;
    arrays_folder(folder);
    for (int i = 0; i < N; i++) seconds[i] = 1700000000 + (i * 197 % N) * 9 + i % 5; /* 382 different ones */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arrays_remove(folder);
    return 0;
}

static void write_all(void)
{
    static const char *const types[] = {"<i4", "<i8", "<u4", "<u8", "<f8", ">i8"};
    static const int dim[] = {N, 1};
    char name[16];
    for (size_t i = 0; i < GR_COUNT(types); i++) {
        snprintf(name, sizeof name, "x%zu.npy", i);
        arrays_npy(folder, name, types[i], dim, 2, seconds);
    }
    arrays_idx(folder, "x6.idx", 0x0C, ">i4", dim, 2, seconds);
    arrays_idx(folder, "x7.idx", 0x0E, ">f8", dim, 2, seconds);
    arrays_npy(folder, "x9.npy", "<f4", dim, 2, seconds);
    arrays_npy(folder, "y.npy", "<i4", dim, 2, seconds);
    arrays_idx(folder, "y.idx", 0x0C, ">i4", dim, 2, seconds);
    FILE *table = arrays_file(folder, "x8.csv");
    fprintf(table, "when,y\n");
    for (int i = 0; i < N; i++) fprintf(table, "%.0f,%.0f\n", seconds[i], seconds[i]);
    assert_int_equal(fclose(table), 0);
}

static const char *const sources[] = {
    "{type: npy, inputs: x0.npy, targets: y.npy}", "{type: npy, inputs: x1.npy, targets: y.npy}",
    "{type: npy, inputs: x2.npy, targets: y.npy}", "{type: npy, inputs: x3.npy, targets: y.npy}",
    "{type: npy, inputs: x4.npy, targets: y.npy}", "{type: npy, inputs: x5.npy, targets: y.npy}",
    "{type: idx, images: x6.idx, labels: y.idx}",  "{type: idx, images: x7.idx, labels: y.idx}",
    "{type: csv, file: x8.csv, target: y}",
};

static gr_recipe *recipe(gr_context *ctx, const char *source, const char *prepare, const char *device)
{
    char text[600];
    gr_recipe *r = NULL;
    snprintf(text, sizeof text,
             "gradus: 1\ndata: {train: %s, validation: {split: 0.25}, prepare: %s, batch: 32, shuffle: none}\n"
             "model: {input: [1], layers: [{type: dense, units: 1}]}\ncost: mse\noptimizer: sgd\ndevice: %s\n",
             source, prepare, device);
    test_ok(ctx, gr__recipe_from_text(ctx, "r.yaml", folder, text, strlen(text), NULL, 0, &r));
    return r;
}

/* Mean and deviation of the training rows, in long double. */
static void moments(const gr_task *t, long double by, long double *mean, long double *std)
{
    const gr_rows *rows = &t->rows[GR_PART_TRAIN];
    long double sum = 0, square = 0, n = (long double)rows->n;
    for (int64_t i = 0; i < rows->n; i++) sum += by * (long double)seconds[rows->row[i]];
    *mean = sum / n;
    for (int64_t i = 0; i < rows->n; i++) {
        long double d = by * (long double)seconds[rows->row[i]] - *mean;
        square += d * d;
    }
    *std = sqrtl(square / n);
}

/* What the network's layers take of every row of a part. */
static void look(gr_context *ctx, gr_task *t, gr_part part, long double by, int *different)
{
    gr_loader_options o = gr__task_loader(t, part, false);
    gr_loader *l = NULL;
    gr_batch b = {0};
    long double mean, std;
    static double all[N];
    int n = 0;
    moments(t, by, &mean, &std);
    test_ok(ctx, gr__loader_create(ctx, &o, &l));
    while (!b.last) {
        test_ok(ctx, gr__loader_next(l, &b));
        for (int64_t i = 0; i < b.n; i++) {
            double x = gr__element_at(t->delivery[0].as, b.field[0], i),
                   wanted = (double)((by * (long double)seconds[b.row[i]] - mean) / std);
            assert_true(fabs(x - wanted) <= 1e-7 * fabs(wanted) + 1e-9);
            *different += 1;
            for (int k = 0; k < n; k++)
                if (all[k] == x) {
                    *different -= 1;
                    break;
                }
            all[n++] = x;
        }
    }
    gr__loader_destroy(l);
}

static void every_source_keeps_its_digits(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        long double by;
    } steps[] = {{"[standardize]", 1}, {"[{type: scale, by: 1/3600}, standardize]", 1 / 3600.0L}};
    write_all();
    for (size_t i = 0; i < GR_COUNT(sources); i++)
        for (size_t k = 0; k < 2 * GR_COUNT(steps); k++) {
            gr_context *ctx = test_context();
            gr_recipe *r = recipe(ctx, sources[i], steps[k / 2].list, k % 2 ? "ref" : "cpu");
            gr_task t;
            gr_engine e;
            int train = 0, validation = 0;
            test_ok(ctx, gr__task_estimate(ctx, r, &t));
            test_ok(ctx, gr__engine_make(&t, true, 1u << GR_PART_VALIDATION, &e));
            uint64_t planned = e.bytes.total;
            gr__engine_close(&e);
            gr__task_close(&t);
            test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, NULL, &t));
            test_ok(ctx, gr__engine_make(&t, true, 1u << GR_PART_VALIDATION, &e));
            assert_int_equal(e.bytes.total, planned);
            assert_int_equal(gr_context_bytes(ctx), e.bytes.data);
            look(ctx, &t, GR_PART_TRAIN, steps[k / 2].by, &train);
            look(ctx, &t, GR_PART_VALIDATION, steps[k / 2].by, &validation);
            assert_int_equal(train + validation, N);
            gr__engine_close(&e);
            gr__task_close(&t);
            gr__recipe_close(ctx, r);
            test_context_end(ctx);
        }
}

/* One file of integers, one of reals, one of text: parts may differ in that, but not in how they are prepared. */
static void parts_may_differ_where_they_go_the_same_way(void **state)
{
    (void)state;
    const struct {
        const char *train, *validation, *prepare;
        gr_status wanted;
        const char *words;
    } cases[] = {
        {sources[0], sources[4], "[standardize]", GR_OK, NULL},
        {sources[8], sources[1], "[standardize]", GR_OK, NULL},
        {sources[0], sources[1], "none", GR_OK, NULL},
        {sources[4], sources[8], "none", GR_OK, NULL},
        {sources[0], "f4", "[standardize]", GR_E_DATA,
         "validation data (float32) has another element type than the training data (int32)"},
        {sources[1], "f4", "[standardize]", GR_E_DATA, "training data (int64)"},
        {"f4", sources[3], "[standardize]", GR_E_DATA, "validation data (uint64)"},
        {"f4", sources[7], "[standardize]", GR_E_DATA, "validation data (float64)"},
        {"f4", sources[8], "[standardize]", GR_E_DATA, "validation data (float64)"},
        {"f4", sources[0], "none", GR_OK, NULL},
    };
    static const char f4[] = "{type: npy, inputs: x9.npy, targets: y.npy}";
    write_all();
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char text[600];
        gr_context *ctx = test_context();
        gr_recipe *r = NULL;
        gr_task t = {0};
        snprintf(text, sizeof text,
                 "gradus: 1\ndata: {train: %s, validation: %s, prepare: %s, batch: 32}\n"
                 "model: {input: [1], layers: [{type: dense, units: 1}]}\ncost: mse\noptimizer: sgd\n",
                 cases[i].train[0] == 'f' ? f4 : cases[i].train,
                 cases[i].validation[0] == 'f' ? f4 : cases[i].validation, cases[i].prepare);
        test_ok(ctx, gr__recipe_from_text(ctx, "r.yaml", folder, text, strlen(text), NULL, 0, &r));
        gr_status st = gr__task_open(ctx, r, 3, NULL, &t);
        if (st != cases[i].wanted) fail_msg("case %zu: %s", i, gr_context_error(ctx)->message);
        if (st != GR_OK) { /* the file's own types, whatever they are held in */
            const gr_error *e = gr_context_error(ctx);
            if (!strstr(e->message, "another element type") || !strstr(e->message, cases[i].words))
                fail_msg("case %zu: %s", i, e->message);
            assert_non_null(strstr(e->hint, "astype"));
        }
        gr_context_clear_error(ctx);
        gr__task_close(&t);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

/* Of several inputs the one whose type is another is named, with its own types. */
static void the_input_that_differs_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *validation, *words;
    } cases[] = {
        {"when: x0.npy, what: x0.npy",
         "validation data of input what (int32) has another element type than the training data (float32)"},
        {"when: x9.npy, what: x9.npy",
         "validation data of input when (float32) has another element type than the training data (int64)"},
        {"when: x3.npy, what: x9.npy", NULL},
    };
    write_all();
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char text[800];
        gr_context *ctx = test_context();
        gr_recipe *r = NULL;
        gr_task t = {0};
        snprintf(
            text, sizeof text,
            "gradus: 1\ndata: {train: {type: npy, inputs: {when: x1.npy, what: x9.npy}, targets: y.npy}, "
            "validation: {type: npy, inputs: {%s}, targets: y.npy}, prepare: [standardize], batch: 32}\n"
            "model: {inputs: {when: [1], what: [1]}, layers: [{type: dense, units: 1, from: when, name: p}, "
            "{type: dense, units: 1, from: what, name: q}, {type: add, from: [p, q]}]}\ncost: mse\noptimizer: sgd\n",
            cases[i].validation);
        test_ok(ctx, gr__recipe_from_text(ctx, "r.yaml", folder, text, strlen(text), NULL, 0, &r));
        gr_status st = gr__task_open(ctx, r, 3, NULL, &t);
        const gr_error *e = gr_context_error(ctx);
        if (cases[i].words ? st != GR_E_DATA || !strstr(e->message, cases[i].words) || !strstr(e->hint, "astype")
                           : st != GR_OK)
            fail_msg("case %zu: %s (%s)", i, e->message, e->hint);
        gr_context_clear_error(ctx);
        gr__task_close(&t);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_source_keeps_its_digits, setup, teardown),
        cmocka_unit_test_setup_teardown(parts_may_differ_where_they_go_the_same_way, setup, teardown),
        cmocka_unit_test_setup_teardown(the_input_that_differs_is_named, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
