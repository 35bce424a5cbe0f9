/* Inputs are prepared in float64 from the numbers of the file and rounded once, whatever the file and the backend: the
 * times of one hour, in seconds since 1970, are a few dozen numbers in float32. Planned bytes are those taken. */
#include <math.h>

#include "arrays.h"
#include "model/model.h"
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

static gr_recipe *of_parts(gr_context *ctx, const char *train, const char *validation, const char *prepare)
{
    static const char f4[] = "{type: npy, inputs: x9.npy, targets: y.npy}";
    char text[700];
    gr_recipe *r = NULL;
    snprintf(text, sizeof text,
             "gradus: 1\ndata: {train: %s, validation: %s, prepare: %s, batch: 32}\n"
             "model: {input: [1], layers: [{type: dense, units: 1}]}\ncost: mse\noptimizer: {type: sgd, lr: 0.01}\n"
             "stop: {epochs: 2}\ncheckpoint: none\n",
             train[0] == 'f' ? f4 : train, validation[0] == 'f' ? f4 : validation, prepare);
    test_ok(ctx, gr__recipe_from_text(ctx, "r.yaml", folder, text, strlen(text), NULL, 0, &r));
    return r;
}

/* One file of integers, one of reals, one of text: all parts are prepared in one way, and the model says so where their
 * types would ask for two. */
static void parts_may_differ(void **state)
{
    (void)state;
    const struct {
        const char *train, *validation, *prepare;
        bool wide, here; /* said in the model; prepared by whoever delivers */
    } cases[] = {
        {sources[0], sources[4], "[standardize]", false, true},
        {sources[8], sources[1], "[standardize]", false, true},
        {sources[0], sources[1], "none", false, false},
        {sources[4], sources[8], "none", false, false},
        {sources[0], "f4", "[standardize]", true, true},
        {sources[1], "f4", "[standardize]", true, true},
        {"f4", sources[3], "[standardize]", true, true},
        {"f4", sources[7], "[standardize]", true, true},
        {"f4", sources[8], "[standardize]", true, true},
        {"f4", "f4", "[standardize]", false, false},
        {"f4", sources[0], "none", false, false},
    };
    write_all();
    for (size_t i = 0; i < GR_COUNT(cases); i++)
        for (int loaded = 0; loaded < 2; loaded++) {
            gr_context *ctx = test_context();
            gr_recipe *r = of_parts(ctx, cases[i].train, cases[i].validation, cases[i].prepare);
            gr_task t = {0};
            test_ok(ctx, loaded ? gr__task_open(ctx, r, 3, NULL, &t) : gr__task_estimate(ctx, r, &t));
            if (t.meaning.wide[0] != cases[i].wide || (t.delivery[0].n_prepared > 0) != cases[i].here)
                fail_msg("case %zu, loaded %d", i, loaded);
            assert_int_equal(t.delivery[0].as, GR_EL_F32);
            gr__task_close(&t);
            gr__recipe_close(ctx, r);
            test_context_end(ctx);
        }
}

static double cost_alone(gr_context *ctx, const char *path, int part)
{
    gr_model m = {0};
    gr_task t;
    gr_engine e;
    gr_loader *l = NULL;
    gr_evaluation ev;
    test_ok(ctx, gr__model_open(ctx, path, &m));
    assert_true(m.meaning.wide[0]);
    test_ok(ctx, gr__task_open(ctx, m.recipe, 1u << part, &m, &t));
    assert_true(t.delivery[0].n_prepared > 0);
    test_ok(ctx, gr__engine_make(&t, false, 1u << part, &e));
    test_ok(ctx, gr_store_seal(e.store));
    test_ok(ctx, gr__model_load(ctx, m.file, m.path, e.store));
    test_ok(ctx, gr__engine_start(&e));
    gr_loader_options o = gr__task_loader(&t, part, false);
    test_ok(ctx, gr__loader_create(ctx, &o, &l));
    test_ok(ctx, gr__evaluate(&e, 0, l, part, NULL, &ev));
    double cost = ev.cost_mean;
    gr__evaluation_free(ctx, &ev);
    gr__loader_destroy(l);
    gr__engine_close(&e);
    gr__task_close(&t);
    gr__model_close(&m);
    return cost;
}

/* A part looked at alone is prepared as it was beside the others: the same bits. */
static void a_part_alone_is_what_it_was(void **state)
{
    (void)state;
    write_all();
    for (int way = 0; way < 2; way++) {
        gr_context *ctx = test_context();
        gr_recipe *r = of_parts(ctx, way ? "f4" : sources[1], way ? sources[1] : "f4", "[standardize]");
        gr_train_result result;
        char out[96], path[128];
        snprintf(out, sizeof out, "%s/mixed%d", folder, way);
        snprintf(path, sizeof path, "%s/last.safetensors", out);
        test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = out}, &result));
        assert_int_equal(result.planned_bytes, result.peak_bytes);
        assert_true(cost_alone(ctx, path, GR_PART_VALIDATION) == result.final_cost);
        assert_true(isfinite(cost_alone(ctx, path, GR_PART_TRAIN)));
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

/* Of several inputs each has a way of its own. */
static void inputs_differ_each_for_itself(void **state)
{
    (void)state;
    static const struct {
        const char *validation;
        bool when, what;
    } cases[] = {
        {"when: x0.npy, what: x0.npy", false, true},
        {"when: x9.npy, what: x9.npy", true, false},
        {"when: x3.npy, what: x9.npy", false, false},
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
        test_ok(ctx, gr__task_open(ctx, r, 3, NULL, &t));
        assert_true(t.meaning.wide[0] == cases[i].when && t.meaning.wide[1] == cases[i].what);
        gr__task_close(&t);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_source_keeps_its_digits, setup, teardown),
        cmocka_unit_test_setup_teardown(parts_may_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(a_part_alone_is_what_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(inputs_differ_each_for_itself, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
