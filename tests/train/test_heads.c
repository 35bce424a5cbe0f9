/* Several inputs and heads, samples with weights: micro-batches, weights that are alike, samples that weigh nothing,
 * parts without weights, what is best, when a run ends. Against PyTorch: test_parity.c. */
#include <math.h>
#include <unistd.h>

#include "arrays.h"
#include "model/file.h"
#include "train/history.h"
#include "train/train.h"

enum { SAMPLES = 96, STEPS = 6, TENSORS = 12 };

typedef struct fixture {
    char folder[64];
} fixture;
static fixture f;

/* ---- data: of sample i, the same in every file ---- */

static double number(int array, int i, int k)
{
    return (double)((i * 31 + k * 17 + array * 7 + (i * k) % 11) % 64 - 32) / 16;
}

/* Rows of the arrays, `rows` of them, sample(i) each. */
static void write_arrays(const char *prefix, int rows, int (*sample)(int))
{
    static const struct {
        const char *name, *type;
        int rank, dim[3], classes;
    } arrays[] = {{"steps", "<f8", 3, {0, STEPS, 4}, 0},
                  {"table", "<f8", 2, {0, 5}, 0},
                  {"at", "<i8", 2, {0, STEPS}, 3},
                  {"of", "<i8", 1, {0}, 4},
                  {"price", "<f8", 2, {0, 2}, 0}};
    static double v[SAMPLES * STEPS * 4];
    for (size_t a = 0; a < GR_COUNT(arrays); a++) {
        int dim[3] = {rows, arrays[a].dim[1], arrays[a].dim[2]}, width = 1;
        char name[40];
        for (int k = 1; k < arrays[a].rank; k++) width *= dim[k];
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < width; k++) {
                double x = number((int)a, sample(i), k);
                v[i * width + k] = arrays[a].classes ? fmod(x * 16 + 32, arrays[a].classes) : x;
            }
        snprintf(name, sizeof name, "%s%s.npy", prefix, arrays[a].name);
        arrays_npy(f.folder, name, arrays[a].type, dim, arrays[a].rank, v);
    }
}

static void write_weights(const char *name, int rows, double (*weight)(int))
{
    double v[SAMPLES];
    for (int i = 0; i < rows; i++) v[i] = weight(i);
    arrays_npy(f.folder, name, "<f8", &rows, 1, v);
}

static int every(int i)
{
    return i;
}
static int odd(int i)
{
    return 2 * i + 1;
}
static int late(int i)
{
    return i < 32 ? i : i + 32;
}
static double one(int i)
{
    return 1 + 0 * i;
}
static double more(int i)
{
    return 2.75 + 0 * i;
}
static double mixed(int i)
{
    return (double)(i * 5 % 7) / 4;
}
static double of_odd(int i)
{
    return i % 2 ? mixed(i / 2) : 0;
}
static double of_late(int i)
{
    return i < 32 || i >= 64 ? mixed(i) : 0;
}
static double kept_late(int i)
{
    return mixed(late(i));
}

static int setup(void **state)
{
    (void)state;
    arrays_folder(f.folder);
    write_arrays("", SAMPLES, every);
    write_arrays("odd-", SAMPLES / 2, odd);
    write_arrays("late-", SAMPLES - 32, late);
    write_weights("one.npy", SAMPLES, one);
    write_weights("more.npy", SAMPLES, more);
    write_weights("mixed.npy", SAMPLES, mixed);
    write_weights("half.npy", SAMPLES / 2, mixed);
    write_weights("of-odd.npy", SAMPLES, of_odd);
    write_weights("of-late.npy", SAMPLES, of_late);
    write_weights("kept-late.npy", SAMPLES - 32, kept_late);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arrays_remove(f.folder);
    return 0;
}

/* ---- trainings ---- */

static const char *source(const char *prefix, const char *weights, char text[400])
{
    snprintf(text, 400,
             "{type: npy, inputs: {steps: %ssteps.npy, table: %stable.npy}, targets: {at: %sat.npy, of: %sof.npy, "
             "price: %sprice.npy}%s%s}",
             prefix, prefix, prefix, prefix, prefix, weights ? ", weights: " : "", weights ? weights : "");
    return text;
}

#define MODEL                                                                                            \
    "model:\n"                                                                                           \
    "  inputs: {steps: [6, 4], table: [5]}\n"                                                            \
    "  layers:\n"                                                                                        \
    "    - {type: conv, filters: 7, kernel: 3, padding: same, activation: tanh, from: steps, name: c}\n" \
    "    - {type: dense, units: 3, name: spot}\n"                                                        \
    "    - {type: global_avg_pool, from: c, name: all}\n"                                                \
    "    - {type: dense, units: 7, from: table, name: g}\n"                                              \
    "    - {type: add, from: [all, g], name: both}\n"                                                    \
    "    - {type: dense, units: 6, activation: tanh, name: trunk}\n"                                     \
    "    - {type: dense, units: 4, name: kind}\n"                                                        \
    "    - {type: dense, units: 2, from: trunk, name: values}\n"
#define HEADS                                                                             \
    "heads:\n"                                                                            \
    "  at: {from: spot, cost: cross_entropy, weight: 0.75}\n"                             \
    "  of: {from: kind, cost: {type: cross_entropy, label_smoothing: 0.1}, weight: 1.5, " \
    "metrics: [accuracy, f1]}\n"                                                          \
    "  price: {from: values, cost: mse, weight: 0.25, metrics: [rmse, mae]}\n"

typedef struct run { /* what it left */
    gr_status status;
    gr_train_result result;
    int n;
    int64_t count[TENSORS];
    double *v[TENSORS];
    gr_history h;
    gr_context *ctx;
} run;

static void read_model(run *r, const char *out)
{
    char path[128];
    gr_st *st;
    snprintf(path, sizeof path, "%s/last.safetensors", out);
    test_ok(r->ctx, gr__st_whole(r->ctx, path, &st));
    r->n = gr__st_count(st);
    assert_in_range(r->n, 1, TENSORS);
    for (int i = 0; i < r->n; i++) {
        const gr_st_tensor *t = gr__st_at(st, i);
        r->count[i] = gr_shape_count(t->shape);
        r->v[i] = malloc(sizeof(double) * (size_t)r->count[i]);
        for (int64_t k = 0; k < r->count[i]; k++)
            r->v[i][k] = t->type == GR_ST_F64 ? ((const double *)t->data)[k] : ((const float *)t->data)[k];
    }
    gr__st_close(st);
}

/* train: a source. data: more keys of the data, a comma before each. rest: the lines of the recipe. */
static run train(const char *train, const char *data, const char *rest, const char *const *sets, int n_sets)
{
    static int number_of_run;
    char path[96], out[96];
    gr_recipe *r;
    run it = {.ctx = test_context_with(1, 0)};
    snprintf(path, sizeof path, "%s/r.yaml", f.folder);
    snprintf(out, sizeof out, "%s/run%d", f.folder, number_of_run++);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "seed: 3\ncheckpoint: none\ndata: {shuffle: none, train: %s%s}\n%s", train, data, rest);
    fclose(file);
    test_ok(it.ctx, gr__recipe_open(it.ctx, path, sets, n_sets, &r));
    it.status = gr_context_configure(it.ctx, 1, r->memory);
    if (it.status == GR_OK) it.status = gr__train(it.ctx, r, &(gr_train_options){.out = out}, &it.result);
    if (it.status == GR_OK) {
        assert_int_equal(it.result.planned_bytes, it.result.peak_bytes);
        read_model(&it, out);
        test_ok(it.ctx, gr__history_read(it.ctx, out, &it.h));
    }
    gr__recipe_close(it.ctx, r);
    return it;
}

static void end(run *r)
{
    for (int i = 0; i < r->n; i++) free(r->v[i]);
    gr__history_free(&r->h);
    test_context_end(r->ctx);
}

/* The largest difference of two numbers, of the largest in the tensor. */
static double apart(const run *a, const run *b)
{
    double most = 0;
    assert_int_equal(a->n, b->n);
    for (int i = 0; i < a->n; i++) {
        double largest = 0, difference = 0;
        assert_int_equal(a->count[i], b->count[i]);
        for (int64_t k = 0; k < a->count[i]; k++) {
            largest = fmax(largest, fabs(a->v[i][k]));
            difference = fmax(difference, fabs(a->v[i][k] - b->v[i][k]));
        }
        most = fmax(most, difference / largest);
    }
    return most;
}

/* Two runs of the heads, or of a lone cost, end within `limit` of each other. */
static void alike(run a, run b, double limit)
{
    assert_int_equal(a.status, GR_OK);
    assert_int_equal(b.status, GR_OK);
    double d = apart(&a, &b);
    if (!(d <= limit)) fail_msg("%.3g apart, limit %.0e", d, limit);
    end(&a), end(&b);
}

static const double *column(const run *r, const char *name)
{
    const double *c = gr__history_column(&r->h, name);
    if (!c) fail_msg("no line has %s", name);
    return c;
}

/* ---- micro-batches ---- */

#define STEP "optimizer: {type: sgd, lr: 0.05, momentum: 0.9}\nclip: {norm: 1}\nstop: {steps: 7}\n"
#define SPOTS                                                                                                       \
    "model: {input: [6, 4], layers: [{type: conv, filters: 7, kernel: 3, padding: same, activation: tanh}, {type: " \
    "dense, units: 3}]}\n"

static void check_micro_batches(const char *source, const char *rest)
{
    static const struct {
        const char *precision;
        double limit;
    } precisions[] = {{"precision=float64", 1e-12}, {"precision=float32", 2e-6}};
    for (size_t p = 0; p < GR_COUNT(precisions); p++) {
        const char *const whole[] = {"data.batch=32", precisions[p].precision};
        const char *const micro[] = {"data.batch=8", "accumulate=4", precisions[p].precision};
        alike(train(source, "", rest, whole, GR_COUNT(whole)), train(source, "", rest, micro, GR_COUNT(micro)),
              precisions[p].limit);
    }
}

static void micro_batches_add_up(void **state)
{
    (void)state;
    char text[400];
    check_micro_batches(source("", NULL, text), MODEL HEADS STEP);
    check_micro_batches(source("", "mixed.npy", text), MODEL HEADS STEP);
}

static void micro_batches_of_positions_add_up(void **state)
{
    (void)state;
    static const char *const costs[] = {"cost: cross_entropy\n",
                                        "cost: {type: cross_entropy, class_weights: [0.5, 2, 1.25]}\n",
                                        "cost: {type: focal, gamma: 2, reduction: sum}\nclip: {norm: 0.1}\n"};
    for (size_t i = 0; i < GR_COUNT(costs); i++) {
        char rest[1000];
        snprintf(rest, sizeof rest, SPOTS "%soptimizer: {type: sgd, lr: 0.05}\nstop: {steps: 7}\n", costs[i]);
        check_micro_batches("{type: npy, inputs: steps.npy, targets: at.npy, weights: mixed.npy}", rest);
        check_micro_batches("{type: npy, inputs: steps.npy, targets: at.npy}", rest);
    }
}

/* Only where classes of one of several heads weigh differently. */
static void what_cannot_be_added_is_refused(void **state)
{
    (void)state;
    char text[400], path[96];
    gr_context *ctx = test_context();
    gr_recipe *r;
    const char *const sets[] = {"accumulate=2", "heads.of.cost.class_weights=[1, 2, 3, 4]"};
    snprintf(path, sizeof path, "%s/r.yaml", f.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "data: {train: %s}\n%s", source("", NULL, text), MODEL HEADS);
    fclose(file);
    for (int i = 0; i < 2; i++) { /* one of the two */
        test_ok(ctx, gr__recipe_open(ctx, path, &sets[i], 1, &r));
        gr__recipe_close(ctx, r);
    }
    assert_int_equal(gr__recipe_open(ctx, path, sets, 2, &r), GR_E_CONFLICT);
    assert_non_null(strstr(gr_context_error(ctx)->message, "classes of the head \"of\""));
    test_context_end(ctx);
}

/* ---- sums ---- */

#define TWO \
    MODEL "heads: {of: {from: kind, weight: 1.5}, price: {from: values, cost: mse, weight: 0.25}}\nstop: {steps: 3}\n"

/* With `reduction: sum` the heads' sums are made small: of heads whose rows are samples, so many times their means. */
static void sums_of_heads_are_their_sums(void **state)
{
    (void)state;
    static const char data[] = "{type: npy, inputs: {steps: steps.npy, table: table.npy}, targets: {of: of.npy, price: "
                               "price.npy}}";
    const char *const mean[] = {"precision=float64", "data.batch=all", "optimizer={type: sgd, lr: 0.96}"};
    const char *const sum[] = {"precision=float64", "data.batch=all", "optimizer={type: sgd, lr: 0.01}",
                               "heads.of.cost.reduction=sum", "heads.price.cost.reduction=sum"};
    alike(train(data, "", TWO, mean, GR_COUNT(mean)), train(data, "", TWO, sum, GR_COUNT(sum)), 1e-13);
}

/* What is told is the mean either way, of training as of evaluation; here of the same samples. */
static void the_cost_that_is_told_is_a_mean(void **state)
{
    (void)state;
    static const char *const weights[] = {NULL, "mixed.npy"};
    for (int k = 0; k < 8; k++) {
        char own[400], validation[450];
        const char *const sets[] = {"precision=float64",
                                    "optimizer={type: sgd, lr: 1e-300}",
                                    "stop.epochs=1",
                                    k & 2 ? "data.batch=16" : "data.batch=all",
                                    k & 2 ? "accumulate=6" : "accumulate=1",
                                    k & 4 ? "heads.at.cost.reduction=sum" : "seed=3",
                                    k & 4 ? "heads.of.cost={type: cross_entropy, reduction: sum}"
                                          : "heads.of.cost=cross_entropy", /* without smoothing */
                                    k & 4 ? "heads.price.cost.reduction=sum" : "seed=3"};
        snprintf(validation, sizeof validation, ", validation: %s", source("", weights[k & 1], own));
        run r = train(own, validation, MODEL HEADS, sets, GR_COUNT(sets));
        assert_int_equal(r.status, GR_OK);
        double a = column(&r, "train_cost")[0], b = column(&r, "validation_cost")[0];
        if (!(fabs(a - b) <= 1e-12 * fabs(b))) fail_msg("%d: told is %.17g, evaluated %.17g", k, a, b);
        end(&r);
    }
}

/* ---- weights ---- */

static run with_weights(const char *prefix, const char *weights, const char *batch)
{
    char text[400];
    const char *const sets[] = {batch, "precision=float64"};
    return train(source(prefix, weights, text), "", MODEL HEADS STEP, sets, 2);
}

static void weights_that_are_equal_change_nothing(void **state)
{
    (void)state;
    alike(with_weights("", NULL, "data.batch=20"), with_weights("", "one.npy", "data.batch=20"), 1e-14);
    alike(with_weights("", NULL, "data.batch=20"), with_weights("", "more.npy", "data.batch=20"), 1e-13);
    run a = with_weights("", NULL, "data.batch=20"), b = with_weights("", "mixed.npy", "data.batch=20");
    assert_true(apart(&a, &b) > 1e-3); /* others do */
    end(&a), end(&b);
}

/* Every second sample of a batch weighs nothing; all of one batch do, which then only takes time. */
static void samples_that_weigh_nothing_are_absent(void **state)
{
    (void)state;
    alike(with_weights("", "of-odd.npy", "data.batch=32"), with_weights("odd-", "half.npy", "data.batch=16"), 1e-13);
    char text[400];
    const char *const sets[] = {"data.batch=32", "precision=float64"};
    static const char still[] = MODEL HEADS "optimizer: {type: sgd, lr: 0.05}\nstop: {epochs: 3}\n";
    run a = train(source("", "of-late.npy", text), "", still, sets, 2);
    run b = train(source("late-", "kept-late.npy", text), "", still, sets, 2);
    assert_int_equal(a.result.steps, 9);
    assert_int_equal(b.result.steps, 6);
    assert_true(column(&a, "train_cost")[1] == 0 && column(&a, "grad_norm")[1] == 0);
    alike(a, b, 1e-13);
}

/* Samples of a part without weights count alike, though the training's have some; and the other way round. */
static void a_part_without_weights_counts_alike(void **state)
{
    (void)state;
    static const char *const figures[] = {"validation_cost", "validation_at_cost", "validation_of_cost",
                                          "validation_price_cost", "validation_of_error"};
    const char *const sets[] = {"precision=float64", "stop.epochs=2"};
    for (int trained = 0; trained < 2; trained++) {
        char own[400], none[400], ones[400], validation[450];
        run it[2];
        source("", trained ? "mixed.npy" : NULL, own);
        snprintf(validation, sizeof validation, ", validation: %s", source("odd-", NULL, none));
        it[0] = train(own, validation, MODEL HEADS, sets, 2);
        snprintf(validation, sizeof validation, ", validation: %s", source("odd-", "half.npy", ones));
        if (trained) { /* weights of 1, of the first samples of `one` */
            write_weights("ones.npy", SAMPLES / 2, one);
            snprintf(validation, sizeof validation, ", validation: %s", source("odd-", "ones.npy", ones));
        }
        it[1] = train(own, validation, MODEL HEADS, sets, 2);
        assert_int_equal(it[0].status, GR_OK);
        assert_int_equal(it[1].status, GR_OK);
        size_t last = it[0].h.n - 1;
        for (size_t k = 0; k < GR_COUNT(figures); k++) {
            double a = column(&it[0], figures[k])[last], b = column(&it[1], figures[k])[last];
            bool same = fabs(a - b) <= 1e-12 * fabs(a), errors = k + 1 == GR_COUNT(figures);
            assert_int_equal(same, trained || errors); /* weights of its own change costs, and no error */
        }
        alike(it[0], it[1], 1e-14);
    }
}

/* ---- what is best, when to end ---- */

static size_t best_line(const run *r, const char *figure, bool lower)
{
    const double *c = column(r, figure), *cost = column(r, "validation_cost");
    size_t best = 0;
    bool any = false;
    for (size_t i = 0; i < r->h.n; i++) {
        if (!r->h.evaluated[i]) continue;
        double a = lower ? c[i] : -c[i], b = lower ? c[best] : -c[best];
        if (!any || a < b || (a == b && cost[i] < cost[best])) best = i;
        any = true;
    }
    return best;
}

static void best_is_what_best_by_says(void **state)
{
    (void)state;
    static const struct {
        const char *by, *figure;
        bool lower;
    } cases[] = {{"best_by=cost", "validation_cost", true},
                 {"seed=3", "validation_cost", true},
                 {"best_by=of_cost", "validation_of_cost", true},
                 {"best_by=validation_at_cost", "validation_at_cost", true},
                 {"best_by=of_error", "validation_of_error", true},
                 {"best_by=of_f1", "validation_of_f1", false},
                 {"best_by=validation_of_f1", "validation_of_f1", false},
                 {"best_by=price_rmse", "validation_price_rmse", true},
                 {"best_by=at_mcc", "validation_at_mcc", false}}; /* not among its metrics: added */
    char text[400];
    size_t seen[GR_COUNT(cases)], different = 0;
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        const char *const sets[] = {"precision=float64", "optimizer={type: sgd, lr: 0.4}", "stop.epochs=12",
                                    "data.validation={split: 0.3}", cases[i].by};
        run r = train(source("", "mixed.npy", text), "", MODEL HEADS, sets, GR_COUNT(sets));
        assert_int_equal(r.status, GR_OK);
        seen[i] = best_line(&r, cases[i].figure, cases[i].lower);
        assert_int_equal(r.result.best_step, (int64_t)column(&r, "step")[seen[i]]);
        different += seen[i] != seen[0];
        end(&r);
    }
    assert_true(different > 0); /* or nothing was told apart */
}

/* Rates so small that nothing moves: no evaluation is better than the first. */
static void patience_watches_the_cost(void **state)
{
    (void)state;
    char text[400];
    const char *const sets[] = {"precision=float64", "optimizer={type: sgd, lr: 1e-300}",
                                "stop={epochs: 50, patience: 2}", "data.validation={split: 0.3}"};
    run r = train(source("", NULL, text), "", MODEL HEADS, sets, GR_COUNT(sets));
    assert_int_equal(r.status, GR_OK);
    assert_int_equal(r.result.reason, GR_REASON_PATIENCE);
    assert_true(r.result.epochs == 4 && r.result.best_step == r.result.steps / 4);
    end(&r);
}

static void a_plateau_is_one_of_the_cost(void **state)
{
    (void)state;
    char text[400];
    for (int moves = 0; moves < 2; moves++) {
        const char *const sets[] = {
            "precision=float64", moves ? "optimizer={type: sgd, lr: 0.01}" : "optimizer={type: sgd, lr: 1e-300}",
            "stop.epochs=8", "data.validation={split: 0.3}", "schedule={type: plateau, patience: 2}"};
        run r = train(source("", NULL, text), "", MODEL HEADS, sets, GR_COUNT(sets));
        assert_int_equal(r.status, GR_OK);
        const double *lr = column(&r, "lr"), *cost = column(&r, "validation_cost");
        bool falls = lr[r.h.n - 1] < lr[0];
        if (moves) assert_true(cost[r.h.n - 1] < cost[r.h.n / 2 - 1]);
        assert_int_equal(falls, !moves);
        end(&r);
    }
}

/* ---- memory ---- */

static void a_budget_holds_to_the_byte(void **state)
{
    (void)state;
    char text[400], least[40], less[40];
    const char *sets[] = {"stop.epochs=1", "data.validation={split: 0.3}", "remat=none", "seed=3"};
    run r = train(source("", "mixed.npy", text), "", MODEL HEADS, sets, 4);
    uint64_t bytes = r.result.planned_bytes;
    assert_int_equal(r.status, GR_OK);
    end(&r);
    snprintf(least, sizeof least, "memory=%llu", (unsigned long long)bytes);
    snprintf(less, sizeof less, "memory=%llu", (unsigned long long)bytes - 1);
    for (int i = 0; i < 2; i++) {
        sets[3] = i ? less : least;
        r = train(source("", "mixed.npy", text), "", MODEL HEADS, sets, 4);
        assert_int_equal(r.status, i ? GR_E_BUDGET : GR_OK);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(micro_batches_add_up),
                                       cmocka_unit_test(micro_batches_of_positions_add_up),
                                       cmocka_unit_test(what_cannot_be_added_is_refused),
                                       cmocka_unit_test(sums_of_heads_are_their_sums),
                                       cmocka_unit_test(the_cost_that_is_told_is_a_mean),
                                       cmocka_unit_test(weights_that_are_equal_change_nothing),
                                       cmocka_unit_test(samples_that_weigh_nothing_are_absent),
                                       cmocka_unit_test(a_part_without_weights_counts_alike),
                                       cmocka_unit_test(best_is_what_best_by_says),
                                       cmocka_unit_test(patience_watches_the_cost),
                                       cmocka_unit_test(a_plateau_is_one_of_the_cost),
                                       cmocka_unit_test(a_budget_holds_to_the_byte)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
