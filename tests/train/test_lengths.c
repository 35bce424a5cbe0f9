/* Sequences of different lengths: filled up, in buckets or one by one, an update is the same to rounding; what fills
 * them up changes no bit; counts of an evaluation are those of a plain loop over the steps that are there. */
#include "arrays.h"
#include "model/model.h"
#include "support/trainings.h"

enum { N = 12, T = 5, F = 3, K = 3 };

static char folder[64];
static double x[N][T][F], y[N][T], v[N][T][2], c[N], n[N];

/* fill: what stands beyond the lengths. */
static void write_all(double fill)
{
    static const int of_x[] = {N, T, F}, of_v[] = {N, T, 2};
    for (int i = 0; i < N; i++) {
        n[i] = 1 + i * 3 % T;
        c[i] = i % 2;
        for (int t = 0; t < T; t++) {
            bool there = t < (int)n[i];
            for (int f = 0; f < F; f++) x[i][t][f] = there ? sin(1 + i * 7 + t * 3 + f) : fill;
            for (int k = 0; k < 2; k++) v[i][t][k] = there ? cos(i + t * 2 + k) : fill;
            y[i][t] = there ? (i + t * t) % K : fill != 0;
        }
    }
    arrays_npy(folder, "x.npy", "<f8", of_x, 3, &x[0][0][0]);
    arrays_npy(folder, "v.npy", "<f8", of_v, 3, &v[0][0][0]);
    arrays_npy(folder, "y.npy", "<i4", of_x, 2, &y[0][0]);
    arrays_npy(folder, "c.npy", "<i4", of_x, 1, c);
    arrays_npy(folder, "n.npy", "<i8", of_x, 1, n);
}

static int setup(void **state)
{
    (void)state;
    arrays_folder(folder);
    write_all(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arrays_remove(folder);
    return 0;
}

static const char *const networks[] = {
    "targets: y.npy",
    "{type: dense, units: 3, name: head}",
    "cross_entropy",
    "targets: v.npy",
    "{type: dense, units: 2, name: head}",
    "mse",
    "targets: c.npy",
    "global_avg_pool, {type: dense, units: 2, name: head}",
    "cross_entropy",
    "targets: c.npy",
    "{type: lstm, units: 4, name: m}, {type: dense, units: 2, name: head}",
    "cross_entropy",
    "targets: v.npy",
    "{type: gru, units: 3, layers: 2, bidirectional: true, return: sequence, name: m}, {type: dense, units: 2, name: "
    "head}",
    "huber",
    "targets: y.npy",
    "positional, {type: transformer_block, heads: 2, name: b}, {type: dense, units: 3, name: head}",
    "cross_entropy",
    "targets: c.npy",
    "{type: rnn, units: 3, bidirectional: true, return: sequence, name: m}, {type: attention, heads: 1, causal: true, "
    "name: a}, "
    "layer_norm, global_avg_pool, {type: dense, units: 2, name: head}",
    "cross_entropy",
};
enum { NETWORKS = 7 };

static gr_recipe *recipe(gr_context *ctx, int network, const char *source, const char *const *sets, int n_sets)
{
    char text[900];
    gr_recipe *r = NULL;
    const char *const *w = networks + (ptrdiff_t)3 * network;
    snprintf(
        text, sizeof text,
        "gradus: 1\nseed: 5\nprecision: float64\ncheckpoint: none\n"
        "data: {train: {type: npy, inputs: x.npy, %s%s}, batch: all, prepare: [standardize], shuffle: every_epoch}\n"
        "model: {input: [5, 3], layers: [{type: dense, units: 4, activation: tanh, name: c1}, %s]}\n"
        "cost: %s\noptimizer: {type: sgd, lr: 0.2, momentum: 0.9}\nschedule: constant\nstop: {epochs: 4}\n",
        w[0], source, w[1], w[2]);
    test_ok(ctx, gr__recipe_from_text(ctx, "r.yaml", folder, text, strlen(text), sets, n_sets, &r));
    return r;
}

static gr_train_result fit_lengths(int network, const char *const *sets, int n_sets, model *m)
{
    gr_context *ctx = test_context_with(1, 0);
    gr_recipe *r = recipe(ctx, network, ", lengths: n.npy", sets, n_sets);
    gr_train_result result;
    char out[96], command[128];
    snprintf(out, sizeof out, "%s/run", folder);
    snprintf(command, sizeof command, "rm -rf '%s'", out);
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = out}, &result));
    assert_int_equal(result.planned_bytes, result.peak_bytes);
    model_read(ctx, out, "last.safetensors", m);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    assert_int_equal(system(command), 0);
    return result;
}

/* One by one: each in a bucket of its own length, so that nothing fills it up. */
static void an_update_is_the_same_however_it_is_fed(void **state)
{
    (void)state;
    const char *const single[] = {"data.batch=1", "accumulate=12"};
    const char *const own[] = {"data.batch=1", "accumulate=12", "data.buckets=[1, 2, 3, 4, 5]"};
    const char *const pairs[] = {"data.batch=2", "accumulate=6", "data.buckets=3"};
    const char *const uneven[] = {"data.batch=5", "accumulate=3", "data.buckets=[2]"};
    for (int k = 0; k < NETWORKS; k++) {
        model whole, m[4];
        gr_train_result result = fit_lengths(k, NULL, 0, &whole);
        assert_int_equal(result.steps, 4);
        fit_lengths(k, single, GR_COUNT(single), &m[0]);
        fit_lengths(k, own, GR_COUNT(own), &m[1]);
        fit_lengths(k, pairs, GR_COUNT(pairs), &m[2]);
        fit_lengths(k, uneven, GR_COUNT(uneven), &m[3]);
        for (int i = 0; i < 4; i++) {
            assert_true(apart(&whole, &m[i]) < 1e-14);
            model_free(&m[i]);
        }
        model_free(&whole);
    }
}

static void what_fills_up_changes_no_bit(void **state)
{
    (void)state;
    for (int k = 0; k < NETWORKS; k++) {
        model zeros, other;
        write_all(0);
        fit_lengths(k, NULL, 0, &zeros);
        write_all(1e30);
        fit_lengths(k, NULL, 0, &other);
        assert_true(apart(&zeros, &other) == 0);
        model_free(&zeros), model_free(&other);
    }
}

/* Samples of one length, all of it: as without lengths. */
static void whole_lengths_are_as_none(void **state)
{
    (void)state;
    static const int dim[] = {N};
    double all[N];
    for (int i = 0; i < N; i++) all[i] = T;
    arrays_npy(folder, "n.npy", "<u1", dim, 1, all);
    for (int k = 0; k < NETWORKS; k++) {
        gr_context *ctx = test_context();
        gr_train_result a, b;
        gr_recipe *with = recipe(ctx, k, ", lengths: n.npy", NULL, 0), *without = recipe(ctx, k, "", NULL, 0);
        char out[96], other[96];
        snprintf(out, sizeof out, "%s/a%d", folder, k);
        snprintf(other, sizeof other, "%s/b%d", folder, k);
        model ma, mb;
        test_ok(ctx, gr__train(ctx, with, &(gr_train_options){.out = out}, &a));
        test_ok(ctx, gr__train(ctx, without, &(gr_train_options){.out = other}, &b));
        model_read(ctx, out, "last.safetensors", &ma);
        model_read(ctx, other, "last.safetensors", &mb);
        assert_true(apart(&ma, &mb) < 1e-14);
        assert_true(fabs(a.final_train_cost - b.final_train_cost) < 1e-14);
        model_free(&ma), model_free(&mb);
        gr__recipe_close(ctx, with);
        gr__recipe_close(ctx, without);
        test_context_end(ctx);
    }
}

/* ---- counts ---- */

typedef struct plain { /* of a plain loop */
    double steps, right, log_sum, squares, absolute, confusion[K][K];
} plain;

static void count(const gr_predictor *p, const gr_set *s, bool classes, plain *out)
{
    gr_context *ctx = NULL;
    const double *values[GR_MAX_TARGETS];
    *out = (plain){0};
    for (int i = 0; i < N; i++) {
        test_ok(ctx, gr__predictor_run((gr_predictor *)p, s, i, 1, values));
        for (int t = 0; t < (int)n[i]; t++, out->steps++) {
            const double *z = values[0] + (ptrdiff_t)t * (classes ? K : 2);
            int best = 0, label = (int)y[i][t];
            for (int k = 0; k < 2 && !classes; k++) {
                out->squares += (z[k] - v[i][t][k]) * (z[k] - v[i][t][k]);
                out->absolute += fabs(z[k] - v[i][t][k]);
            }
            if (!classes) continue;
            for (int k = 1; k < K; k++) best = z[k] > z[best] ? k : best;
            out->right += best == label;
            out->log_sum -= log(z[label]);
            out->confusion[label][best]++;
        }
    }
}

static double metric_of(const gr_engine *e, const gr_evaluation *ev, const char *name)
{
    int i = gr__metrics_find(&e->metrics[0], name);
    assert_true(i >= 0);
    return ev->head[0].metric[i];
}

static void near(double a, double b)
{
    assert_true(fabs(a - b) < 1e-12 * (1 + fabs(b)));
}

static void compare(const gr_engine *e, const gr_evaluation *ev, const plain *p, bool classes)
{
    assert_true(ev->finite);
    assert_int_equal(ev->samples, N);
    if (!classes) {
        near(ev->cost_mean, p->squares / p->steps / 2);
        near(ev->error, sqrt(p->squares / p->steps / 2));
        near(metric_of(e, ev, "mae"), p->absolute / p->steps / 2);
        return;
    }
    near(ev->cost_mean, p->log_sum / p->steps);
    near(ev->error, 1 - p->right / p->steps);
    near(metric_of(e, ev, "accuracy"), p->right / p->steps);
    near(metric_of(e, ev, "log_loss"), p->log_sum / p->steps);
    for (int i = 0; i < K * K; i++) assert_true(p->confusion[i / K][i % K] == (double)ev->head[0].confusion[i]);
}

static void an_evaluation_counts_the_steps_that_are_there(void **state)
{
    (void)state;
    for (int network = 0; network < 2; network++) {
        gr_context *ctx = test_context();
        gr_recipe *r = recipe(ctx, network, ", lengths: n.npy", NULL, 0);
        gr_train_result result;
        gr_model m = {0};
        gr_task t;
        gr_engine e;
        gr_loader *l = NULL;
        gr_evaluation ev;
        gr_predictor *p = NULL;
        plain by_hand;
        char out[96], path[128];
        snprintf(out, sizeof out, "%s/c%d", folder, network);
        snprintf(path, sizeof path, "%s/last.safetensors", out);
        test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = out}, &result));
        test_ok(ctx, gr__model_open(ctx, path, &m));
        test_ok(ctx, gr__task_open(ctx, m.recipe, 1u << GR_PART_TRAIN, &m, &t));
        test_ok(ctx, gr__engine_make(&t, false, 1u << GR_PART_TRAIN, &e));
        test_ok(ctx, gr_store_seal(e.store));
        test_ok(ctx, gr__model_load(ctx, m.file, m.path, e.store));
        test_ok(ctx, gr__engine_start(&e));
        gr_loader_options o = gr__task_loader(&t, GR_PART_TRAIN, false);
        test_ok(ctx, gr__loader_create(ctx, &o, &l));
        test_ok(ctx, gr__evaluate(&e, 0, l, GR_PART_TRAIN, NULL, &ev));
        test_ok(ctx, gr__predictor_make(ctx, &m, &t.set[GR_PART_TRAIN], 1, &p));
        count(p, &t.set[GR_PART_TRAIN], network == 0, &by_hand);
        compare(&e, &ev, &by_hand, network == 0);
        for (int i = 0; i < N; i++)
            assert_int_equal(gr__predictor_counts(p, 0, &t.set[GR_PART_TRAIN], i), (int)n[i] * (network ? 2 : K));
        gr__predictor_destroy(p);
        gr__evaluation_free(ctx, &ev);
        gr__loader_destroy(l);
        gr__engine_close(&e);
        gr__task_close(&t);
        gr__model_close(&m);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

/* Statistics of preparation and of targets: of the steps that are there. */
static void statistics_are_of_the_steps_that_are_there(void **state)
{
    (void)state;
    write_all(1000);
    gr_context *ctx = test_context();
    gr_recipe *r = recipe(ctx, 1, ", lengths: n.npy", NULL, 0);
    gr_task t;
    double sum[F] = {0}, target[2] = {0}, steps = 0;
    for (int i = 0; i < N; i++)
        for (int s = 0; s < (int)n[i]; s++, steps++) {
            for (int f = 0; f < F; f++) sum[f] += x[i][s][f];
            for (int k = 0; k < 2; k++) target[k] += v[i][s][k];
        }
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    for (int f = 0; f < F; f++) near(gr__prepared_list(&t.meaning.prepared[0][0], "mean", NULL)[f], sum[f] / steps);
    assert_int_equal(t.targets[0].n, (int)steps);
    assert_int_equal(t.targets[0].values, 2);
    for (int k = 0; k < 2; k++) near(t.targets[0].mean[k], target[k] / steps);
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* Plans are those of each bucket, compiled before any sample is read, and of the size of a whole batch. */
static void every_bucket_has_its_plan(void **state)
{
    (void)state;
    const char *const sets[] = {"data.batch=5", "data.buckets=[2, 3]"};
    gr_context *ctx = test_context();
    gr_recipe *r = recipe(ctx, 0, ", lengths: n.npy", sets, GR_COUNT(sets));
    static const int64_t steps[] = {0, 2, 3};
    for (int loaded = 0; loaded < 2; loaded++) {
        gr_task t;
        gr_engine e;
        test_ok(ctx, loaded ? gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t) : gr__task_estimate(ctx, r, &t));
        test_ok(ctx, gr__engine_make(&t, true, 0, &e));
        for (int i = 0; i < 3; i++) assert_non_null(gr__engine_find(&e, GR_RUN_STEP, 5, steps[i], 0));
        assert_non_null(gr__engine_find(&e, GR_RUN_STEP, 2, 0, 0));
        assert_null(gr__engine_find(&e, GR_RUN_STEP, 2, 2, 0));
        assert_int_equal(e.n_plans, 4);
        gr__engine_close(&e);
        gr__task_close(&t);
    }
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_update_is_the_same_however_it_is_fed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_fills_up_changes_no_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_lengths_are_as_none, setup, teardown),
        cmocka_unit_test_setup_teardown(an_evaluation_counts_the_steps_that_are_there, setup, teardown),
        cmocka_unit_test_setup_teardown(statistics_are_of_the_steps_that_are_there, setup, teardown),
        cmocka_unit_test_setup_teardown(every_bucket_has_its_plan, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
