/* Trainings on small tables whose course theory knows: batches by hand, penalties against overfitting, where last_bias
 * and relu_bias lead, rates in the log. In float64 on ref, one thread. */
#include <math.h>

#include "base/rng.h"
#include "model/file.h"
#include "small.h"

enum { MOST_ROWS = 512, MOST_INPUTS = 8, MOST_LINES = 2048 };

typedef struct table {
    int rows, inputs;
    double x[MOST_ROWS][MOST_INPUTS], y[MOST_ROWS];
} table;

typedef struct course { /* what a run wrote */
    gr_train_result result;
    int n; /* lines of its log; NaN: not in the line */
    double lr[MOST_LINES], train[MOST_LINES], data[MOST_LINES], validation[MOST_LINES];
    char out[100];
} course;

static void write_table(const char *folder, const char *name, const table *t)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int k = 0; k < t->inputs; k++) fprintf(f, "x%d,", k);
    fprintf(f, "y\n");
    for (int i = 0; i < t->rows; i++) {
        for (int k = 0; k < t->inputs; k++) fprintf(f, "%.17g,", t->x[i][k]);
        fprintf(f, "%.17g\n", t->y[i]);
    }
    fclose(f);
}

static double number_after(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    return at ? strtod(at + strlen(key), NULL) : (double)NAN;
}

static void read_course(course *c)
{
    char path[160], line[1024];
    snprintf(path, sizeof path, "%s/metrics.jsonl", c->out);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (c->n = 0; fgets(line, sizeof line, f); c->n++) {
        assert_in_range(c->n, 0, MOST_LINES - 1);
        c->lr[c->n] = number_after(line, "\"lr\":");
        c->train[c->n] = number_after(line, "\"train_cost\":");
        c->data[c->n] = number_after(line, "\"data_cost\":");
        c->validation[c->n] = number_after(line, "\"validation_cost\":");
    }
    fclose(f);
}

/* Trains on t, validating on v (NULL: not at all), with more lines of a recipe; `read` looks at the run before it is
 * removed. */
static void train_on(const table *t, const table *v, const char *lines, course *c,
                     void (*read)(gr_context *ctx, const course *c, void *to), void *to)
{
    char folder[64] = "/tmp/gradus-tables-XXXXXX", path[160], command[120];
    gr_context *ctx = test_context_with(1, 0);
    gr_recipe *r;
    assert_non_null(mkdtemp(folder));
    write_table(folder, "t.csv", t);
    if (v) write_table(folder, "v.csv", v);
    snprintf(path, sizeof path, "%s/r.yaml", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "gradus: 1\nseed: 5\nprecision: float64\ndevice: ref\ncheckpoint: none\n%s", lines);
    fclose(f);
    test_ok(ctx, gr__recipe_open(ctx, path, NULL, 0, &r));
    snprintf(c->out, sizeof c->out, "%s/run", folder);
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = c->out}, &c->result));
    gr__recipe_close(ctx, r);
    read_course(c);
    if (read) read(ctx, c, to);
    test_context_end(ctx);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void read_tensor(gr_context *ctx, const course *c, const char *name, double *to, size_t n)
{
    char path[160];
    gr_st *st;
    snprintf(path, sizeof path, "%s/last.safetensors", c->out);
    test_ok(ctx, gr__st_whole(ctx, path, &st));
    const gr_st_tensor *t = gr__st_find(st, name);
    assert_non_null(t);
    assert_int_equal(t->bytes, n * sizeof *to);
    memcpy(to, t->data, t->bytes);
    gr__st_close(st);
}

/* Normal inputs; y is their first one with noise. */
static table noisy_line(int rows, int inputs, double noise, uint64_t seed)
{
    table t = {.rows = rows, .inputs = inputs};
    gr__rng rng = gr__rng_make(seed, "line", 0, 0);
    for (int i = 0; i < rows; i++) {
        for (int k = 0; k < inputs; k++) t.x[i][k] = gr__rng_normal(&rng);
        t.y[i] = t.x[i][0] + noise * gr__rng_normal(&rng);
    }
    return t;
}

/* ---- batches by hand  [mission O2, S4] ---- */

typedef struct line {
    double w[2], b[1];
} line;

static void read_line(gr_context *ctx, const course *c, void *to)
{
    line *l = to;
    read_tensor(ctx, c, "head.weight", l->w, 2);
    read_tensor(ctx, c, "head.bias", l->b, 1);
}

static void step_by_hand(const table *t, int from, int to, double lr, line *l)
{
    double slope[3] = {0};
    for (int i = from; i < to; i++) {
        double twice = 2 * (l->w[0] * t->x[i][0] + l->w[1] * t->x[i][1] + l->b[0] - t->y[i]);
        slope[0] += twice * t->x[i][0], slope[1] += twice * t->x[i][1], slope[2] += twice;
    }
    for (int k = 0; k < 2; k++) l->w[k] -= lr * slope[k] / (to - from);
    l->b[0] -= lr * slope[2] / (to - from);
}

#define LINE                                                                                                      \
    "data: {train: {type: csv, file: t.csv, target: y}, batch: 4, shuffle: none%s}\nmodel: {input: [2], layers: " \
    "[{type: dense, units: 1, "                                                                                   \
    "name: "                                                                                                      \
    "head, init: {weights: zeros}}]}\ncost: {type: mse%s}\noptimizer: {type: sgd, lr: %s}\nstop: {epochs: %d}\n"

/* 10 rows in batches of 4: three updates an epoch, the last by the mean over the 2 rows that are left; drop_last leaves
 * them out. */
static void the_last_batch_is_a_mean_over_its_own_rows(void **state) /* [mission O2] */
{
    (void)state;
    table t = noisy_line(10, 2, 0.3, 1);
    for (int drop = 0; drop < 2; drop++) {
        char text[512];
        course c;
        line is, want = {{0}, {0}};
        snprintf(text, sizeof text, LINE, drop ? ", drop_last: true" : "", "", "0.1", 3);
        train_on(&t, NULL, text, &c, read_line, &is);
        assert_int_equal(c.result.steps, drop ? 6 : 9);
        for (int epoch = 0; epoch < 3; epoch++) {
            step_by_hand(&t, 0, 4, 0.1, &want);
            step_by_hand(&t, 4, 8, 0.1, &want);
            if (!drop) step_by_hand(&t, 8, 10, 0.1, &want);
        }
        for (int k = 0; k < 2; k++) assert_true(fabs(is.w[k] - want.w[k]) < 1e-14);
        assert_true(fabs(is.b[0] - want.b[0]) < 1e-14);
    }
}

/* The sum over N samples is N means: at a rate of 1/N SGD makes the same updates. */
static void the_sum_at_a_small_rate_is_the_mean(void **state) /* [mission S4] */
{
    (void)state;
    table t = noisy_line(12, 2, 0.3, 2);
    char text[512];
    course c;
    line mean, sum, fast;
    snprintf(text, sizeof text, LINE, "", "", "0.1", 5);
    train_on(&t, NULL, text, &c, read_line, &mean);
    snprintf(text, sizeof text, LINE, "", ", reduction: sum", "0.025", 5);
    train_on(&t, NULL, text, &c, read_line, &sum);
    snprintf(text, sizeof text, LINE, "", ", reduction: sum", "0.1", 5);
    train_on(&t, NULL, text, &c, read_line, &fast);
    for (int k = 0; k < 2; k++) assert_true(fabs(mean.w[k] - sum.w[k]) < 1e-14);
    assert_true(fabs(mean.b[0] - sum.b[0]) < 1e-14 && fabs(mean.w[0] - fast.w[0]) > 1e-3);
}

/* ---- penalties against overfitting  [mission X12] ---- */

/* 24 noisy samples of 6 inputs and 40 units: without a penalty the noise is learnt. */
static void fit_noise(const char *more, double *train, double *test)
{
    static course c;
    table t = noisy_line(24, 6, 0.7, 3), v = noisy_line(400, 6, 0.7, 4);
    char text[640];
    snprintf(text, sizeof text,
             "data: {train: {type: csv, file: t.csv, target: y}, validation: {type: csv, file: v.csv, target: y}, "
             "batch: all}\n"
             "model: {input: [6], layers: [{type: dense, units: 40, activation: tanh, name: h}, {type: dense, units: "
             "1, name: head}]}\n"
             "cost: mse\nstop: {epochs: 800}\nvalidate: {every: 800 epochs}\nlog: {every: 800}\n%s\n",
             more);
    train_on(&t, &v, text, &c, NULL, NULL);
    *train = isnan(c.data[c.n - 1]) ? c.train[c.n - 1] : c.data[c.n - 1]; /* without the penalty itself */
    *test = c.result.final_cost;
}

/* More of it, as a penalty or as decay: the training error only rises, the test error falls before it rises. */
static void more_penalty_trains_worse_and_generalises_better(void **state)
{
    (void)state;
    static const char *const levels[][5] = {
        {"optimizer: {type: adam, lr: 0.01}", "optimizer: {type: adam, lr: 0.01}\npenalty: {l2: 1e-3}",
         "optimizer: {type: adam, lr: 0.01}\npenalty: {l2: 1e-2}",
         "optimizer: {type: adam, lr: 0.01}\npenalty: {l2: 1e-1}",
         "optimizer: {type: adam, lr: 0.01}\npenalty: {l2: 1}"},
        {"optimizer: {type: adamw, lr: 0.01, weight_decay: 0}", "optimizer: {type: adamw, lr: 0.01, weight_decay: 0.1}",
         "optimizer: {type: adamw, lr: 0.01, weight_decay: 1}", "optimizer: {type: adamw, lr: 0.01, weight_decay: 4}",
         "optimizer: {type: adamw, lr: 0.01, weight_decay: 20}"}};
    for (size_t way = 0; way < GR_COUNT(levels); way++) {
        double train[5], test[5];
        int best = 0;
        for (int i = 0; i < 5; i++) {
            fit_noise(levels[way][i], &train[i], &test[i]);
            if (test[i] < test[best]) best = i;
            if (i > 0 && !(train[i] >= train[i - 1]))
                fail_msg("%s: training error %g, below %g", levels[way][i], train[i], train[i - 1]);
        }
        if (best == 0 || best == 4 || test[best] > 0.8 * test[0])
            fail_msg("%s: test errors %g %g %g %g %g", levels[way][4], test[0], test[1], test[2], test[3], test[4]);
    }
}

/* ---- rates in the log  [mission O7, X13] ---- */

/* Constant, and cyclic, which starts high, is low half a cycle later and high again: with any optimizer the log has the
 * schedule's rates at every update, and both errors to draw against them. */
static void the_log_has_the_rates(void **state)
{
    (void)state;
    static const char *const optimizers[] = {"sgd", "adam", "lamb"};
    table t = noisy_line(64, 3, 0.2, 5), v = noisy_line(32, 3, 0.2, 6);
    for (size_t i = 0; i < GR_COUNT(optimizers); i++)
        for (int cyclic = 0; cyclic < 2; cyclic++) {
            char text[640];
            course c;
            snprintf(text, sizeof text,
                     "data: {train: {type: csv, file: t.csv, target: y}, validation: {type: csv, file: v.csv, target: "
                     "y}, batch: 16}\n"
                     "model: {input: [3], layers: [{type: dense, units: 1, name: head}]}\ncost: mse\noptimizer: {type: "
                     "%s, lr: 0.05}\n"
                     "schedule: %s\nstop: {epochs: 20}\nvalidate: {every: 1}\nlog: {every: 1}\n",
                     optimizers[i], cyclic ? "{type: cyclic, high: 0.08, low: 0.02, half_cycle: 6}" : "constant");
            train_on(&t, &v, text, &c, NULL, NULL);
            assert_int_equal(c.n, 80);
            for (int k = 0; k < c.n; k++) {
                double part = fabs(k % 12 - 6.0) / 6, want = cyclic ? 0.02 + 0.06 * part : 0.05;
                if (fabs(c.lr[k] - want) > 1e-9 * want)
                    fail_msg("%s, update %d: %.12g, not %.12g", optimizers[i], k, c.lr[k], want);
                assert_true(isfinite(c.train[k]) && isfinite(c.validation[k]));
            }
            if (!(c.validation[c.n - 1] < 0.5 * c.validation[0]))
                fail_msg("%s: from %g to %g", optimizers[i], c.validation[0], c.validation[c.n - 1]);
        }
}

/* ---- last_bias  [mission I9, I10] ---- */

/* One row of 20 is of class 1, and every batch has its share. From last_bias: auto the first cost is the entropy of
 * that, and through the first epoch it stays below the cost of a start from 0. */
static void the_first_epoch_is_spent_on_what_is_known(void **state) /* [mission I9] */
{
    (void)state;
    table t = noisy_line(400, 2, 0, 7);
    course c[2];
    for (int i = 0; i < t.rows; i++) t.y[i] = i % 20 == 3;
    for (int known = 0; known < 2; known++) {
        char text[512];
        snprintf(text, sizeof text,
                 "data: {train: {type: csv, file: t.csv, target: y}, batch: 20, shuffle: none}\nmodel: {input: [2], "
                 "layers: [{type: dense, "
                 "units: 8, activation: relu}, {type: dense, units: 1, init: {weights: {type: normal, std: 0}}}]}\n"
                 "cost: binary_cross_entropy\ninit: {last_bias: %s}\noptimizer: {type: sgd, lr: 0.1}\nstop: {epochs: "
                 "1}\nlog: {every: 1}\n",
                 known ? "auto" : "zeros");
        train_on(&t, NULL, text, &c[known], NULL, NULL);
        assert_int_equal(c[known].n, 20);
    }
    assert_true(fabs(c[1].train[0] + 0.05 * log(0.05) + 0.95 * log(0.95)) < 1e-9);
    assert_true(fabs(c[0].train[0] - log(2)) < 1e-9);
    for (int k = 0; k < 20; k++) assert_true(c[1].train[k] < c[0].train[k]);
}

/* Values far from 0: from their mean the first cost is their variance, from 0 it is their mean square, and both ways
 * end in one place. */
static void both_starts_of_a_regression_end_alike(void **state) /* [mission I10] */
{
    (void)state;
    table t = noisy_line(100, 2, 2, 8);
    course c[2];
    double mean = 0, variance = 0;
    for (int i = 0; i < t.rows; i++) mean += (t.y[i] += 50) / t.rows;
    for (int i = 0; i < t.rows; i++) variance += (t.y[i] - mean) * (t.y[i] - mean) / t.rows;
    for (int known = 0; known < 2; known++) {
        char text[512];
        snprintf(
            text, sizeof text,
            "data: {train: {type: csv, file: t.csv, target: y}, batch: all}\nmodel: {input: [2], layers: [{type: "
            "dense, units: 1, init: "
            "{weights: {type: normal, std: 0}}}]}\n"
            "cost: mse\ninit: {last_bias: %s}\noptimizer: {type: gd, lr: 0.1}\nstop: {epochs: 400}\nlog: {every: 1}\n",
            known ? "auto" : "zeros");
        train_on(&t, NULL, text, &c[known], NULL, NULL);
    }
    assert_true(fabs(c[1].train[0] / variance - 1) < 1e-9);
    assert_true(fabs(c[0].train[0] / (variance + mean * mean) - 1) < 1e-9);
    assert_true(fabs(c[1].result.final_train_cost / c[0].result.final_train_cost - 1) < 1e-9);
    assert_true(c[1].result.final_train_cost < 0.9 * variance);
}

/* ---- relu_bias  [mission I13] ---- */

enum { UNITS = 400 };
typedef struct layer {
    double w[UNITS * 2], b[UNITS];
} layer;

static void read_layer(gr_context *ctx, const course *c, void *to)
{
    layer *l = to;
    read_tensor(ctx, c, "h.weight", l->w, GR_COUNT(l->w));
    read_tensor(ctx, c, "h.bias", l->b, UNITS);
}

/* Share of units that no row activates, after so many epochs (0: at the start). */
static double dead_units(const table *t, const char *relu_bias, int epochs)
{
    char text[640];
    course c;
    static layer l;
    int dead = UNITS;
    snprintf(text, sizeof text,
             "data: {train: {type: csv, file: t.csv, target: y}, batch: 16}\nmodel: {input: [2], layers: [{type: "
             "dense, units: %d, "
             "activation: relu, name: h}, {type: dense, units: 1, name: head}]}\ncost: mse\ninit: {relu_bias: %s}\n"
             "optimizer: {type: sgd, lr: %s}\nstop: {epochs: %d}\nlog: {every: 100}\n",
             UNITS, relu_bias, epochs ? "0.001" : "0", GR_MAX(epochs, 1));
    train_on(t, NULL, text, &c, read_layer, &l);
    for (int u = 0; u < UNITS; u++) {
        bool fires = false;
        for (int i = 0; i < t->rows; i++) fires |= l.w[2 * u] * t->x[i][0] + l.w[2 * u + 1] * t->x[i][1] + l.b[u] > 0;
        dead -= fires;
    }
    return (double)dead / UNITS;
}

/* Inputs in a narrow cloud far from the origin: half of the units look away. A bias wakes some of them at the start,
 * and as a dead unit never moves again, training does not make up for it. */
static void a_bias_keeps_units_alive_through_training(void **state)
{
    (void)state;
    table t = noisy_line(64, 2, 0, 9);
    for (int i = 0; i < t.rows; i++)
        for (int k = 0; k < 2; k++) t.x[i][k] = 1 + 0.1 * t.x[i][k];
    double before = dead_units(&t, "0", 0), after = dead_units(&t, "0", 40);
    double before_with = dead_units(&t, "0.5", 0), after_with = dead_units(&t, "0.5", 40);
    print_message("dead units: %.3f at the start, %.3f after training; with relu_bias 0.5: %.3f and %.3f\n", before,
                  after, before_with, after_with);
    assert_true(before > 0.3 && after >= before); /* what no row activates has no gradient */
    assert_true(before_with < before - 0.05 && after_with >= before_with);
    assert_true(after_with < after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_batch_is_a_mean_over_its_own_rows),
        cmocka_unit_test(the_sum_at_a_small_rate_is_the_mean),
        cmocka_unit_test(more_penalty_trains_worse_and_generalises_better),
        cmocka_unit_test(the_log_has_the_rates),
        cmocka_unit_test(the_first_epoch_is_spent_on_what_is_known),
        cmocka_unit_test(both_starts_of_a_regression_end_alike),
        cmocka_unit_test(a_bias_keeps_units_alive_through_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
