/* A recipe held against its data: target shapes for every cost and source, from headers and loaded; what is said of
 * classes, outputs and pictures. */
#include "arrays.h"
#include "train/train.h"

enum { N = 12 };

static char folder[64], said[4096];

static void hear(void *user, gr_log_level level, const char *text)
{
    (void)user;
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s%s\n", level == GR_LOG_WARNING ? "warning: " : "", text);
}

static gr_context *context(void)
{
    gr_context *ctx = NULL;
    gr_context_options o = {.threads = 1, .log = hear};
    assert_int_equal(gr_context_create(&o, &ctx), GR_OK);
    said[0] = 0;
    return ctx;
}

static int setup(void **state)
{
    (void)state;
    arrays_folder(folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arrays_remove(folder);
    return 0;
}

static gr_recipe *recipe(gr_context *ctx, const char *format, ...)
{
    char text[1200];
    gr_recipe *r = NULL;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    gr_status st = gr__recipe_from_text(ctx, "r.yaml", folder, text, strlen(text), NULL, 0, &r);
    if (st != GR_OK) fail_msg("%s\n%s", gr_context_error(ctx)->message, text);
    return r;
}

/* ---- target shapes ---- */

typedef struct shape {
    int rank, dim[4];
} shape;

static bool same(shape a, shape b)
{
    return a.rank == b.rank && memcmp(a.dim, b.dim, sizeof(int) * (size_t)a.rank) == 0;
}

static int count(shape s)
{
    int n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    return n;
}

static void shape_words(shape s, char *text)
{
    strcpy(text, "[N");
    for (int i = 0; i < s.rank; i++) sprintf(text + strlen(text), ",%d", s.dim[i]);
    strcat(text, "]");
}

/* What a person would say, in four lines. */
static bool allowed(bool classes, shape output, shape target)
{
    if (classes && output.rank > 1) { /* one a position */
        output.rank--;
        return same(target, output);
    }
    if (classes) return target.rank == 0 || same(target, (shape){1, {1}});
    return same(target, output) || (target.rank < 2 && count(target) == count(output));
}

static void write_targets(shape target, bool whole)
{
    double values[N * 24];
    int dim[5] = {N};
    for (int i = 0; i < target.rank; i++) dim[i + 1] = target.dim[i];
    for (int i = 0; i < N * count(target); i++) values[i] = i % 2;
    arrays_npy(folder, "y.npy", whole ? "<i8" : "<f4", dim, target.rank + 1, values);
    arrays_idx(folder, "y.idx", whole ? 0x0C : 0x0E, whole ? ">i4" : ">f8", dim, target.rank + 1, values);
}

static void try_one(const char *cost, const char *layers, const char *source, bool classes, shape output, shape target)
{
    gr_context *ctx = context();
    gr_recipe *r = recipe(ctx,
                          "gradus: 1\ndata:\n  train: %s\n  batch: 4\n"
                          "model: {input: [4, 2], layers: [%s]}\ncost: %s\noptimizer: sgd\n",
                          source, layers, cost);
    char given[64], wanted[64];
    shape_words(target, given);
    shape_words(output, wanted);
    for (int k = 0; k < 2; k++) { /* from the header, and loaded */
        gr_task t = {0};
        gr_status st = k ? gr__task_open(ctx, r, 1, NULL, &t) : gr__task_estimate(ctx, r, &t);
        const gr_error *e = gr_context_error(ctx);
        bool good = allowed(classes, output, target);
        if ((st == GR_OK) != good || (st != GR_OK && st != GR_E_DATA))
            fail_msg("%s, %s, targets %s, outputs %s: %s: %s", cost, source, given, wanted, gr_status_name(st),
                     e->message);
        if (st != GR_OK && (!strstr(e->message, given) || !strstr(e->message, wanted) || !e->hint[0] || e->line != 3))
            fail_msg("%s, targets %s, outputs %s: line %d: %s (%s)", cost, given, wanted, e->line, e->message, e->hint);
        gr_context_clear_error(ctx);
        gr__task_close(&t);
    }
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static void every_target_shape_is_held_against_the_outputs(void **state)
{
    (void)state;
    static const struct {
        const char *cost, *layers;
        bool classes;
        shape output;
    } networks[] = {
        {"cross_entropy", "flatten, {type: dense, units: 3}", true, {1, {3}}},
        {"focal", "flatten, {type: dense, units: 3}", true, {1, {3}}},
        {"focal", "flatten, {type: dense, units: 1}", true, {1, {1}}},
        {"binary_cross_entropy", "flatten, {type: dense, units: 1}", true, {1, {1}}},
        {"binary_cross_entropy", "flatten, {type: dense, units: 3}", false, {1, {3}}},
        {"kl", "flatten, {type: dense, units: 3}", false, {1, {3}}},
        {"cross_entropy", "{type: dense, units: 3}", true, {2, {4, 3}}}, /* flatten forgotten, or meant */
        {"focal", "{type: conv, filters: 4, kernel: 3}", true, {2, {2, 4}}},
        {"mse", "flatten, {type: dense, units: 1}", false, {1, {1}}},
        {"mae", "flatten, {type: dense, units: 6}", false, {1, {6}}},
        {"huber", "{type: conv, filters: 3, kernel: 3}", false, {2, {2, 3}}},
        {"mse", "{type: conv, filters: 1, kernel: 2}", false, {2, {3, 1}}},
    };
    static const shape targets[] = {
        {0, {0}},    {1, {1}},    {1, {2}},    {1, {3}},       {1, {4}},       {1, {6}},    {2, {1, 1}},    {2, {1, 3}},
        {2, {3, 1}}, {2, {2, 3}}, {2, {3, 2}}, {3, {1, 1, 3}}, {3, {2, 3, 1}}, {2, {1, 6}}, {3, {2, 1, 3}}, {2, {4, 3}},
    };
    static const double x[N * 8];
    static const char *const sources[] = {"{type: npy, inputs: x.npy, targets: y.npy}",
                                          "{type: idx, images: x.idx, labels: y.idx}"};
    arrays_npy(folder, "x.npy", "<f4", (int[]){N, 4, 2}, 3, x);
    arrays_idx(folder, "x.idx", 0x0E, ">f8", (int[]){N, 4, 2}, 3, x);
    for (size_t t = 0; t < GR_COUNT(targets); t++)
        for (int whole = 0; whole < 2; whole++) {
            write_targets(targets[t], whole);
            for (size_t n = 0; n < GR_COUNT(networks); n++)
                for (size_t s = 0; s < GR_COUNT(sources); s++)
                    try_one(networks[n].cost, networks[n].layers, sources[s], networks[n].classes, networks[n].output,
                            targets[t]);
        }
    /* A table has one target a row; made-up regression has one too. */
    FILE *table = arrays_file(folder, "t.csv");
    for (int i = 0; i < N; i++) fprintf(table, "1,2,3,4,5,6,7,%d,%d\n", i, i % 2);
    assert_int_equal(fclose(table), 0);
    for (size_t n = 0; n < GR_COUNT(networks); n++) {
        try_one(networks[n].cost, networks[n].layers, "{type: csv, file: t.csv, target: 8}", networks[n].classes,
                networks[n].output, (shape){0, {0}});
        if (!networks[n].classes && networks[n].cost[0] != 'b' && networks[n].cost[0] != 'k')
            try_one(networks[n].cost, networks[n].layers, "{type: synthetic, kind: regression, n: 20, features: 8}",
                    false, networks[n].output, (shape){0, {0}});
    }
}

/* Shares of a class are no labels: said by their shape before a value is looked at. */
static void distributions_are_refused_by_shape(void **state)
{
    (void)state;
    double x[N * 8] = {0}, soft[N * 3];
    for (int i = 0; i < N * 3; i++) soft[i] = i % 3 == 1 ? 0.8 : 0.1;
    arrays_npy(folder, "x.npy", "<f4", (int[]){N, 8}, 2, x);
    arrays_npy(folder, "y.npy", "<f8", (int[]){N, 3}, 2, soft);
    for (int kl = 0; kl < 2; kl++) {
        gr_context *ctx = context();
        gr_recipe *r = recipe(ctx,
                              "gradus: 1\ndata: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: 4}\n"
                              "model: {input: [8], layers: [{type: dense, units: 3}]}\ncost: %s\noptimizer: sgd\n",
                              kl ? "kl" : "cross_entropy");
        gr_task t = {0};
        assert_int_equal(gr__task_open(ctx, r, 1, NULL, &t), kl ? GR_OK : GR_E_DATA);
        if (!kl) assert_non_null(strstr(gr_context_error(ctx)->hint, "cost: kl"));
        gr_context_clear_error(ctx);
        gr__task_close(&t);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

/* ---- what is said ---- */

static void open_and_hear(const char *text, bool estimate)
{
    gr_context *ctx = context();
    gr_recipe *r = recipe(ctx, "%s", text);
    gr_task t = {0};
    test_ok(ctx, estimate ? gr__task_estimate(ctx, r, &t) : gr__task_open(ctx, r, 3, NULL, &t));
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static void expect(const char *words)
{
    if (!strstr(said, words)) fail_msg("not said: %s\nsaid: %s", words, said);
}

static void expect_not(const char *words)
{
    if (strstr(said, words)) fail_msg("said: %s", said);
}

static void outputs_without_a_class_are_warned_of(void **state)
{
    (void)state;
    for (int units = 3; units < 6; units++)
        for (int estimate = 0; estimate < 2; estimate++) {
            char text[400], words[100];
            snprintf(text, sizeof text,
                     "gradus: 1\ndata: {train: {type: synthetic, kind: blobs, n: 60, classes: 3, features: 2}}\n"
                     "model: {input: [2], layers: [{type: dense, units: %d}]}\ncost: cross_entropy\noptimizer: sgd\n",
                     units);
            open_and_hear(text, estimate);
            snprintf(words, sizeof words,
                     "warning: the network has outputs for %d classes, but the data has 3 (0 to 2)", units);
            if (units > 3)
                expect(words);
            else
                expect_not("outputs for");
        }
}

static void pictures_taken_for_sequences_are_said(void **state)
{
    (void)state;
    static const struct {
        const char *type, *input, *layers;
        int rank, dim[4];
        bool said;
    } cases[] = {
        {"<u1",
         "[28, 28]",
         "{type: conv, filters: 2, kernel: 3}, flatten, {type: dense, units: 2}",
         3,
         {N, 28, 28},
         true},
        {"<f4",
         "[28, 28]",
         "{type: conv, filters: 2, kernel: 3}, flatten, {type: dense, units: 2}",
         3,
         {N, 28, 28},
         true},
        {"<u1",
         "[28, 28]",
         "{type: dropout, rate: 0.5}, {type: max_pool, size: 2}, flatten, {type: dense, units: 2}",
         4,
         {N, 28, 28, 1},
         true},
        {"<u1", "[12, 16]", "relu, {type: batch_norm}, flatten, {type: dense, units: 2}", 3, {N, 12, 16}, true},
        {"<u1", "[28, 28]", "flatten, {type: dense, units: 2}", 3, {N, 28, 28}, false},
        {"<u1", "[28, 28]", "{type: dropout, rate: 0.5}, flatten, {type: dense, units: 2}", 3, {N, 28, 28}, false},
        {"<u1",
         "[28, 28, 1]",
         "{type: conv, filters: 2, kernel: 3}, flatten, {type: dense, units: 2}",
         3,
         {N, 28, 28},
         false},
        {"<f4",
         "[50, 6]",
         "{type: conv, filters: 2, kernel: 3}, flatten, {type: dense, units: 2}",
         3,
         {N, 50, 6},
         false},
        {"<u1",
         "[40, 4]",
         "{type: conv, filters: 2, kernel: 3}, flatten, {type: dense, units: 2}",
         3,
         {N, 40, 4},
         false},
    };
    static double x[N * 784], y[N];
    for (int i = 0; i < N; i++) y[i] = i % 2;
    arrays_npy(folder, "y.npy", "<i4", (int[]){N}, 1, y);
    for (size_t i = 0; i < GR_COUNT(cases); i++)
        for (int estimate = 0; estimate < 2; estimate++) {
            char text[500];
            arrays_npy(folder, "x.npy", cases[i].type, cases[i].dim, cases[i].rank, x);
            snprintf(text, sizeof text,
                     "gradus: 1\ndata: {train: {type: npy, inputs: x.npy, targets: y.npy}, batch: 4}\n"
                     "model: {input: %s, layers: [%s]}\ncost: cross_entropy\noptimizer: sgd\n",
                     cases[i].input, cases[i].layers);
            open_and_hear(text, estimate);
            if (cases[i].said)
                expect("is a sequence of");
            else
                expect_not("sequence");
        }
}

/* A class that training never sees, by name; a class too small for a share of a part. */
static void classes_without_a_sample_are_said(void **state)
{
    (void)state;
    static const char table[] = "gradus: 1\nseed: %d\n"
                                "data: {train: {type: csv, file: t.csv, target: kind}, validation: {split: %s}%s}\n"
                                "model: {input: [1], layers: [{type: dense, units: %d}]}\n"
                                "cost: cross_entropy\noptimizer: sgd\n";
    char text[600];
    FILE *out = arrays_file(folder, "t.csv");
    fprintf(out, "x,kind\n");
    for (int i = 0; i < 100; i++) fprintf(out, "%d,common\n", i);
    for (int i = 0; i < 10; i++) fprintf(out, "%d,rare%d\n", i, i);
    assert_int_equal(fclose(out), 0);
    snprintf(text, sizeof text, table, 1, "0.3", "", 11);
    open_and_hear(text, false);
    expect("warning: no training sample is of class \"rare"); /* 33 rows, 30 of them common: three are rare */
    expect("the validation part has no sample of class \"rare");
    expect(" and 2 more: too few");
    snprintf(text, sizeof text, table, 1, "0.01", "", 11);
    open_and_hear(text, false);
    expect_not("no training sample");
    snprintf(text, sizeof text, table, 1, "0.3", ", limit: {train: 5}", 11);
    open_and_hear(text, false);
    expect("warning: no training sample is of class \"rare0\"");
    out = arrays_file(folder, "t.csv"); /* class 1 has no sample anywhere */
    fprintf(out, "x,kind\n");
    for (int i = 0; i < 100; i++) fprintf(out, "%d,%d\n", i, i % 2 * 2);
    assert_int_equal(fclose(out), 0);
    snprintf(text, sizeof text, table, 1, "0.3", "", 3);
    open_and_hear(text, false);
    expect("warning: no training sample is of class 1: ");
    expect_not("part has no sample");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_target_shape_is_held_against_the_outputs, setup, teardown),
        cmocka_unit_test_setup_teardown(distributions_are_refused_by_shape, setup, teardown),
        cmocka_unit_test_setup_teardown(outputs_without_a_class_are_warned_of, setup, teardown),
        cmocka_unit_test_setup_teardown(pictures_taken_for_sequences_are_said, setup, teardown),
        cmocka_unit_test_setup_teardown(classes_without_a_sample_are_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
