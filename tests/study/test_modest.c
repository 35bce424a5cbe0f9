/* Recipes that are modest, not faulty: linear models from zeros, layers of one unit, columns that never change, a
 * sample a batch, a handful of samples. No check fails; where one warns it is said here. What cannot learn still
 * fails. */
#include <unistd.h>

#include "study_case.h"

typedef struct recipe_case {
    const char *name;
    void (*row)(FILE *f, int i);
    int rows, inputs;
    const char *layers, *cost;
    int batch;
    const char *set;    /* one more, or NULL */
    const char *warns;  /* the checks that warn, by id: "T3 I1"; "" for none */
    const char *failed; /* likewise */
    const char *may;    /* what says so or not, as the seed comes, or skips what it cannot judge; NULL for none */
} recipe_case;

static int scrambled(int i, int salt)
{
    return (int)((i * 7919u + (unsigned)salt * 104729u) * 2654435761u >> 16 & 0xff);
}

static void inputs(FILE *f, int i, int n)
{
    for (int k = 0; k < n; k++) fprintf(f, "%d,", scrambled(i, k + 1));
}

static void two_classes(FILE *f, int i)
{
    inputs(f, i, 2);
    fprintf(f, "%d\n", scrambled(i, 1) > scrambled(i, 2));
}

static void three_classes(FILE *f, int i)
{
    inputs(f, i, 2);
    fprintf(f, "%d\n", (scrambled(i, 1) > 100) + (scrambled(i, 2) > 150));
}

static void numbers(FILE *f, int i)
{
    inputs(f, i, 2);
    fprintf(f, "%g\n", 0.01 * scrambled(i, 1) - 0.02 * scrambled(i, 2) + 0.5);
}

static void with_a_constant(FILE *f, int i)
{
    fprintf(f, "7,");
    two_classes(f, i);
}

static void with_zeros(FILE *f, int i)
{
    fprintf(f, "0,");
    numbers(f, i);
}

static void one_class(FILE *f, int i)
{
    inputs(f, i, 2);
    fprintf(f, "1\n");
}

static void one_input(FILE *f, int i)
{
    fprintf(f, "3,4,%d\n", i % 2);
}

#define LINEAR(n) "{type: dense, units: " #n "}"
#define ZEROS "init={weights: zeros}"
#define HIDDEN(n, after, last) "{type: dense, units: " #n ", activation: " #after "}, {type: dense, units: " #last "}"
#define BCE "binary_cross_entropy"
#define CE "cross_entropy"

static const recipe_case cases[] = {
    {"logistic regression from zeros", two_classes, 60, 2, LINEAR(1), BCE, 16, ZEROS, "", "", NULL},
    {"softmax of two classes from zeros", two_classes, 60, 2, LINEAR(2), CE, 16, ZEROS, "", "", NULL},
    {"softmax from zeros", three_classes, 60, 2, LINEAR(3), CE, 16, ZEROS, "", "", NULL},
    {"focal from zeros", three_classes, 60, 2, LINEAR(3), "focal", 16, ZEROS, "", "", NULL},
    {"regression from zeros", numbers, 60, 2, LINEAR(1), "mse", 16, ZEROS, "", "", NULL},
    {"mae from zeros", numbers, 60, 2, LINEAR(1), "mae", 16, ZEROS, "", "", NULL},
    {"huber from a constant", numbers, 60, 2, LINEAR(1), "huber", 16, "init={weights: {type: constant, value: 0.3}}",
     "", "", NULL},
    {"a head of zeros", three_classes, 60, 2,
     "{type: dense, units: 8, activation: tanh}, {type: dense, units: 3, init: {weights: zeros}}", CE, 16, NULL, "", "",
     NULL},
    {"a head of one value", three_classes, 60, 2,
     "{type: dense, units: 8, activation: tanh}, {type: dense, units: 3, init: {weights: {type: constant}}}", CE, 16,
     NULL, "", "", NULL},
    {"one unit, tanh", two_classes, 60, 2, HIDDEN(1, tanh, 1), BCE, 16, NULL, "", "", NULL},
    {"one unit, relu", two_classes, 60, 2, HIDDEN(1, relu, 2), CE, 16, NULL, "", "", NULL},
    {"one unit of one value", two_classes, 60, 2, HIDDEN(1, tanh, 1), BCE, 16, "init={weights: {type: constant}}", "",
     "", NULL},
    {"one unit for numbers", numbers, 60, 2, HIDDEN(1, relu, 1), "mse", 16, NULL, "", "", "T6 X9 T7 X7"},
    {"a constant column", with_a_constant, 60, 3, HIDDEN(8, tanh, 2), CE, 16, NULL, "T3", "", NULL},
    {"a column of zeros", with_zeros, 60, 3, HIDDEN(8, tanh, 1), "mse", 16, NULL, "T3", "", NULL},
    {"a column of zeros, raw", with_zeros, 60, 3, LINEAR(1), "mae", 16, "data.prepare=none", "T3", "T5 X8 T6 X9",
     "X13"},
    {"a sample a batch", two_classes, 40, 2, HIDDEN(2, relu, 2), CE, 1, NULL, "", "", NULL},
    {"a number a batch", numbers, 40, 2, HIDDEN(8, tanh, 1), "mse", 1, NULL, "", "", NULL},
    {"five samples", two_classes, 5, 2, HIDDEN(8, relu, 2), CE, 16, NULL, "", "", "T6 X9 X6 X13"},
    {"three numbers", numbers, 3, 2, HIDDEN(8, relu, 1), "mse", 2, NULL, "", "", "T6 X9 X6 X13"},
    {"two numbers, a line", numbers, 2, 2, LINEAR(1), "mse", 2, NULL, "", "", "T6 X9 X6 X13"},
    {"three samples of one class", one_class, 3, 2, HIDDEN(8, tanh, 2), CE, 16, NULL, "T3", "", "T6 X9 X6 X13 T7 X7"},
    /* what cannot learn */
    {"sixty samples of one class", one_class, 60, 2, HIDDEN(8, tanh, 2), CE, 16, NULL, "", "T3", "T6 X9 T7 X7"},
    {"sixty times one input", one_input, 60, 2, HIDDEN(8, tanh, 2), CE, 16, NULL, "", "T3 T6 X9 X6", "T7 X7"},
    {"all from zeros", two_classes, 60, 2, HIDDEN(16, tanh, 2), CE, 16, ZEROS, "I1 X12", "T3 I2 T6 X9 T7 X7 X6", ""},
    {"zeros between", three_classes, 60, 2,
     "{type: dense, units: 16, activation: relu}, {type: dense, units: 16, activation: relu, init: {weights: zeros}}, "
     "{type: dense, units: 3}",
     CE, 16, NULL, "I1 X14 X12", "T3 I2 T6 X9 T7 X7 X6", "X13"},
    {"all of one value", two_classes, 60, 2, HIDDEN(16, tanh, 2), CE, 16,
     "init={weights: {type: constant, value: 0.5}}", "I1", "", NULL},
};

static void write_table(const recipe_case *c, char path[40])
{
    strcpy(path, "/tmp/gradus-modest-XXXXXX");
    FILE *f = fdopen(mkstemp(path), "w");
    assert_non_null(f);
    for (int k = 0; k < c->inputs; k++) fprintf(f, "x%d,", k);
    fprintf(f, "y\n");
    for (int i = 0; i < c->rows; i++) c->row(f, i);
    fclose(f);
}

static bool names(const char *list, const char *id)
{
    size_t n = strlen(id);
    for (const char *at = list; (at = strstr(at, id)) != NULL; at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) return true;
    return false;
}

/* How many verdicts are others than said. */
static int look_at(const recipe_case *c, int seed)
{
    int wrong = 0;
    char path[40], text[1024], set[24];
    gr_checked all;
    const gr_finding *f = all.finding;
    write_table(c, path);
    snprintf(text, sizeof text,
             "gradus: 1\nname: modest\ndata: {train: {type: csv, file: %s, target: y}, batch: %d, prepare: "
             "[standardize]}\nmodel: {input: [%d], layers: [%s]}\ncost: %s\noptimizer: sgd\nstop: {epochs: 1}\n",
             path, c->batch, c->inputs, c->layers, c->cost);
    snprintf(set, sizeof set, "seed=%d", seed);
    gr_context *ctx = test_context();
    gr_recipe *r = c->set ? RECIPE(ctx, text, set, c->set) : RECIPE(ctx, text, set);
    gr__bump *memory = gr__bump_create(ctx);
    test_ok(ctx, gr__check_all(ctx, r, NULL, memory, &all));
    for (int k = 0; k < GR_CHECKS; k++) {
        gr_verdict want = names(c->failed, f[k].id)  ? GR_VERDICT_FAILED
                          : names(c->warns, f[k].id) ? GR_VERDICT_WARNING
                                                     : GR_VERDICT_OK;
        if (strcmp(f[k].id, "X3") == 0) want = GR_VERDICT_SKIPPED; /* none has a validation part */
        if (f[k].verdict != want && !(c->may && names(c->may, f[k].id))) {
            print_error("%s, seed %d: %s %s: %s: %s\n", c->name, seed, f[k].id, f[k].name,
                        gr__verdict_name(f[k].verdict), f[k].message);
            wrong++;
        }
    }
    gr__bump_destroy(memory);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    unlink(path);
    return wrong;
}

static void modest_recipes_are_told_from_faulty_ones(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < GR_COUNT(cases); i++)
        for (int seed = 1; seed <= 4; seed++) wrong += look_at(&cases[i], seed);
    assert_int_equal(wrong, 0);
}

/* ---- what is said while weights are drawn ---- */

static void listen(void *user, gr_log_level level, const char *text)
{
    *(int *)user += level == GR_LOG_WARNING && strstr(text, "stay equal");
}

static void only_equal_units_are_warned_of(void **state)
{
    (void)state;
    static const struct {
        const char *layers, *set;
        int warnings;
    } rows[] = {
        {"{type: dense, units: 3}", ZEROS, 0},
        {"{type: dense, units: 3}", "init={weights: constant}", 0},
        {"{type: dense, units: 1, activation: tanh}, {type: dense, units: 3}", "init={weights: constant}", 0},
        {"{type: dense, units: 2, activation: tanh}, {type: dense, units: 3}", "init={weights: constant}", 1},
        {"{type: dense, units: 2, activation: tanh}, {type: dense, units: 3}", ZEROS, 1},
        {"{type: dense, units: 2, init: {weights: zeros}}, tanh, {type: dense, units: 3}", "seed=1", 1},
        {"{type: dense, units: 2, activation: tanh}, {type: dense, units: 3}", "seed=1", 0},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        int heard = 0;
        gr_context_options options = {.threads = 1, .log = listen, .user = &heard};
        gr_context *ctx;
        char layers[128];
        assert_int_equal(gr_context_create(&options, &ctx), GR_OK);
        snprintf(layers, sizeof layers, "model.layers=[%s]", rows[i].layers);
        gr_recipe *r = RECIPE(ctx, TABLE, layers, rows[i].set);
        gr_probe p;
        test_ok(ctx, gr__probe_open(ctx, r, &p));
        if (heard != rows[i].warnings) fail_msg("%s, %s: %d warnings", rows[i].layers, rows[i].set, heard);
        gr__probe_close(&p);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modest_recipes_are_told_from_faulty_ones),
        cmocka_unit_test(only_equal_units_are_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
