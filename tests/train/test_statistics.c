/* Running statistics in whole trainings: when they move, when they stay, and those that averaged weights get of their
 * own. The layer that keeps them stands first, so that they depend on the data alone. In float64 on ref, to the bit.
 * [mission O24, F6] */
#include <math.h>
#include <signal.h>

#include "model/file.h"
#include "small.h"

enum { CHANNELS = 16 };
static const char
    first_layer[] = "model={input: [16, 16, 1], layers: [{type: flatten}, {type: dense, units: 16, name: d}, {type: "
                    "batch_norm, name: n1}, relu, "
                    "{type: dropout, rate: 0.5}, {type: dense, units: 12, name: e}, {type: batch_norm, name: n2}, "
                    "{type: dense, units: 10, name: head}]}",
    data_alone[] =
        "model={input: [16, 16, 1], layers: [{type: global_avg_pool}, {type: batch_norm, name: n1}, {type: dense, "
        "units: 10, name: head}]}";

typedef struct figures {
    int n;
    double mean[CHANNELS], var[CHANNELS];
} figures;

static int read_tensor(const gr_st *st, const char *name, double *v)
{
    const gr_st_tensor *t = gr__st_find(st, name);
    assert_non_null(t);
    assert_int_equal(t->type, GR_ST_F64);
    assert_true(t->bytes <= CHANNELS * sizeof *v);
    memcpy(v, t->data, t->bytes);
    return (int)(t->bytes / sizeof *v);
}

static figures read_figures(gr_context *ctx, const char *folder, const char *file, const char *layer)
{
    char path[200], name[64];
    gr_st *st;
    figures f;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    test_ok(ctx, gr__st_whole(ctx, path, &st));
    snprintf(name, sizeof name, "%s.running_mean", layer);
    f.n = read_tensor(st, name, f.mean);
    snprintf(name, sizeof name, "%s.running_var", layer);
    assert_int_equal(read_tensor(st, name, f.var), f.n);
    gr__st_close(st);
    return f;
}

static bool same_figures(const figures *a, const figures *b)
{
    size_t bytes = sizeof(double) * (size_t)a->n;
    return a->n == b->n && memcmp(a->mean, b->mean, bytes) == 0 && memcmp(a->var, b->var, bytes) == 0;
}

typedef struct run {
    small s;
    gr_context *ctx;
    gr_recipe *recipe;
} run;

static void open_run(run *r, const char *model, const char *more)
{
    char text[600];
    const char *const sets[] = {model};
    snprintf(text, sizeof text, "precision: float64\ncheckpoint: none\n%s", more);
    small_make(&r->s, text);
    r->ctx = test_context_with(2, 0);
    test_ok(r->ctx, gr__recipe_open(r->ctx, r->s.recipe, sets, 1, &r->recipe));
}

static void close_run(run *r)
{
    gr__recipe_close(r->ctx, r->recipe);
    test_context_end(r->ctx);
    small_remove(&r->s);
}

/* Trains and reads the figures of a layer from one of the run's models. */
static figures figures_of(const char *model, const char *more, const char *file, const char *layer)
{
    run r;
    gr_train_result result;
    open_run(&r, model, more);
    test_ok(r.ctx, gr__train(r.ctx, r.recipe, &(gr_train_options){.out = r.s.out}, &result));
    assert_int_equal(result.planned_bytes, result.peak_bytes);
    figures f = read_figures(r.ctx, r.s.out, file, layer);
    close_run(&r);
    return f;
}

#define LAST(more) figures_of(data_alone, more, "last.safetensors", "n1")

/* ---- when they move ---- */

static void they_move_once_a_micro_batch(void **state)
{
    (void)state;
    figures whole = LAST("optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 6}\n"),
            split = LAST("optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 3}\naccumulate: 2\n"),
            less = LAST("optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 5}\n");
    assert_true(same_figures(&whole, &split));
    assert_false(same_figures(&whole, &less));
}

static void nothing_but_the_data_moves_them(void **state)
{
    (void)state;
    figures plain = LAST("optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 8}\n"),
            other = LAST("optimizer: {type: ranger, lr: 0.01}\nstop: {steps: 8}\nvalidate: {every: 3}\naverage: {type: "
                         "swa, start: 2, cycle: 2}\n");
    assert_true(same_figures(&plain, &other));
}

static void frozen_ones_stay_as_they_were(void **state)
{
    (void)state;
    static const char frozen[] =
        "optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 8}\naverage: {type: swa, start: 2, cycle: 2}\n"
        "groups: [{match: \"n1.*\", freeze: true}]\n";
    figures still = figures_of(first_layer, frozen, "last.safetensors", "n1"),
            mean = figures_of(first_layer, frozen, "swa.safetensors", "n1"),
            other = figures_of(first_layer, frozen, "last.safetensors", "n2");
    for (int i = 0; i < still.n; i++) {
        assert_true(still.mean[i] == 0 && still.var[i] == 1);
        assert_true(mean.mean[i] == 0 && mean.var[i] == 1);
        assert_true(other.mean[i % other.n] != 0 && other.var[i % other.n] != 1);
    }
}

/* ---- those of averaged weights ---- */

/* They are the averages over the whole training part, so neither the run's length nor its optimizer shows in them. */
static void an_average_has_its_own(void **state)
{
    (void)state;
    figures one = figures_of(
                data_alone,
                "optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 6}\naverage: {type: swa, start: 2, cycle: 2}\n",
                "swa.safetensors", "n1"),
            other = figures_of(
                data_alone,
                "optimizer: {type: adam, lr: 0.01}\nstop: {epochs: 3}\naverage: {type: swa, start: 3, cycle: 5}\n",
                "swa.safetensors", "n1"),
            running =
                LAST("optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 6}\naverage: {type: swa, start: 2, cycle: 2}\n");
    assert_true(same_figures(&one, &other));
    assert_false(same_figures(&one, &running));
}

/* Schedule-free SGD with gradients at its steps makes the mean of SGD's weights its parameters: the model has the
 * statistics that SWA's has, however often it was looked at. */
static void a_method_that_averages_has_those_of_its_average(void **state)
{
    (void)state;
    static const char *const layers[] = {"n1", "n2"};
    static const char *const looks[] = {"validate: none\n", "validate: {every: 2}\n"};
    for (size_t k = 0; k < GR_COUNT(layers); k++) {
        figures swa = figures_of(
                    first_layer,
                    "optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 7}\naverage: {type: swa, start: 1, cycle: 1}\n",
                    "swa.safetensors", layers[k]),
                running = figures_of(first_layer, "optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 7}\n",
                                     "last.safetensors", layers[k]);
        for (size_t i = 0; i < GR_COUNT(looks); i++) {
            char more[200];
            snprintf(more, sizeof more,
                     "optimizer: {type: schedule_free_sgd, lr: 0.1, momentum: 0}\nstop: {steps: 7}\n%s", looks[i]);
            figures free = figures_of(first_layer, more, "last.safetensors", layers[k]);
            assert_int_equal(free.n, swa.n);
            for (int c = 0; c < free.n; c++) {
                assert_true(fabs(free.mean[c] - swa.mean[c]) < 1e-9 && fabs(free.var[c] - swa.var[c]) < 1e-9);
                assert_true(fabs(free.var[c] - running.var[c]) > 1e-6);
            }
        }
    }
}

static const char averaged[] =
    "optimizer: {type: sgd, lr: 0.05, momentum: 0.9}\nstop: {steps: 17}\naverage: {type: swa, start: 4, cycle: 3}\n";

/* Dropout stands in the network: the numbers that it draws are those of the weights, not of the moment. */
static void looking_at_an_average_changes_nothing(void **state)
{
    (void)state;
    static const char *const looks[] = {"validate: none\n", "validate: {every: 4}\n", "validate: {every: 1}\n"};
    static const char *const files[] = {"last.safetensors", "swa.safetensors"};
    for (size_t k = 0; k < GR_COUNT(files); k++) {
        figures first;
        for (size_t i = 0; i < GR_COUNT(looks); i++) {
            char more[400];
            snprintf(more, sizeof more, "%s%s", averaged, looks[i]);
            figures f = figures_of(first_layer, more, files[k], "n2");
            if (i == 0) first = f;
            assert_true(same_figures(&first, &f));
        }
    }
}

/* ---- interruptions ---- */

typedef struct interrupter {
    volatile sig_atomic_t stop;
    int left; /* looks at the weights, batch by batch of statistics, until it strikes */
} interrupter;

static gr_status strike(void *user, const gr_progress *p, bool *stop)
{
    interrupter *i = user;
    (void)stop;
    if ((p->phase == GR_PHASE_VALIDATE || p->phase == GR_PHASE_STATISTICS) && i->left-- == 0) i->stop = 1;
    return GR_OK;
}

/* Wherever a pass is interrupted, the one at the end of the run included. */
static void resumed_runs_end_in_the_same_bits(void **state)
{
    (void)state;
    static const char *const looks[] = {"validate: {every: 4}\n", "validate: none\n"};
    for (size_t k = 0; k < GR_COUNT(looks); k++) {
        char more[400];
        snprintf(more, sizeof more, "%s%s", averaged, looks[k]);
        figures whole = figures_of(first_layer, more, "swa.safetensors", "n2"),
                best = figures_of(first_layer, more, "best.safetensors", "n2");
        int after = 0;
        for (bool struck = true; struck; after++) {
            run r;
            gr_train_result result;
            interrupter in = {.left = after};
            open_run(&r, first_layer, more);
            gr_train_options o = {.out = r.s.out,
                                  .resume = true,
                                  .stop = &in.stop,
                                  .watcher = &(gr_watcher){.version = GR_WATCHER_VERSION, .user = &in, .tell = strike},
                                  .n_watchers = 1};
            gr_status st = gr__train(r.ctx, r.recipe, &o, &result);
            struck = in.stop;
            if (struck) {
                assert_int_equal(st, GR_E_INTERRUPTED);
                assert_int_equal(result.reason, GR_REASON_INTERRUPTED);
                gr_context_clear_error(r.ctx);
                in.stop = 0;
                test_ok(r.ctx, gr__train(r.ctx, r.recipe, &o, &result));
            }
            figures f = read_figures(r.ctx, r.s.out, "swa.safetensors", "n2"),
                    b = read_figures(r.ctx, r.s.out, "best.safetensors", "n2");
            assert_true(same_figures(&whole, &f));
            assert_true(same_figures(&best, &b));
            close_run(&r);
        }
        assert_true(after > (k == 0 ? 20 : 5)); /* 6 batches a pass */
    }
}

/* ---- numbers that are too large ---- */

/* The cost and every gradient stay finite: the layer divides by an infinite deviation. Only the statistics tell. */
static void statistics_that_overflow_end_the_run(void **state)
{
    (void)state;
    run r;
    char path[128];
    gr_train_result result;
    static const char huge[] = "data={train: {type: csv, file: huge.csv, target: y}, batch: 4}";
    static const char *const sets[] = {
        "model={input: [2], layers: [{type: batch_norm, name: n1}, {type: dense, units: 2, name: head}]}", huge,
        "device=cpu", "precision=float32"};
    small_make(&r.s, "precision: float64\noptimizer: {type: sgd, lr: 0.1}\nstop: {steps: 3}\ncheckpoint: none\n");
    snprintf(path, sizeof path, "%s/huge.csv", r.s.folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("a,b,y\n1,2,p\n2,1e25,q\n3,1,p\n4,2,q\n", f);
    fclose(f);
    r.ctx = test_context_with(1, 0);
    test_ok(r.ctx, gr__recipe_open(r.ctx, r.s.recipe, sets, (int)GR_COUNT(sets), &r.recipe));
    assert_int_equal(gr__train(r.ctx, r.recipe, &(gr_train_options){.out = r.s.out}, &result), GR_E_DIVERGED);
    assert_non_null(strstr(result.diverged, "batch_norm \"n1\""));
    gr_context_clear_error(r.ctx);
    snprintf(path, sizeof path, "%s/last.safetensors", r.s.out);
    gr_st *st;
    test_ok(r.ctx, gr__st_whole(r.ctx, path, &st));
    const float *var = gr__st_find(st, "n1.running_var")->data;
    assert_true(var[0] == 1 && var[1] == 1); /* nothing was assigned */
    gr__st_close(st);
    close_run(&r);
}

/* ---- names ---- */

static void groups_may_name_statistics_alone(void **state)
{
    (void)state;
    static const char frozen[] =
        "optimizer: {type: sgd, lr: 0.1}\nstop: {steps: 4}\ngroups: [{match: \"n1.running_*\", freeze: true}]\n";
    figures still = figures_of(first_layer, frozen, "last.safetensors", "n1"),
            other = figures_of(first_layer, frozen, "last.safetensors", "n2");
    assert_true(still.mean[0] == 0 && still.var[0] == 1 && other.mean[0] != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_move_once_a_micro_batch),
        cmocka_unit_test(nothing_but_the_data_moves_them),
        cmocka_unit_test(frozen_ones_stay_as_they_were),
        cmocka_unit_test(an_average_has_its_own),
        cmocka_unit_test(a_method_that_averages_has_those_of_its_average),
        cmocka_unit_test(looking_at_an_average_changes_nothing),
        cmocka_unit_test(resumed_runs_end_in_the_same_bits),
        cmocka_unit_test(statistics_that_overflow_end_the_run),
        cmocka_unit_test(groups_may_name_statistics_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
