/* Stop rules and the best model on scripted sequences of validation figures: ties, figures that are not finite or have
 * no value, averages of none; whatever ends the run, and wherever it is interrupted and resumed.
 * [mission S1-S3, G13, G14]
 *
 * A network of one weight that counts updates: in training the cost is 1000 - w, whose gradient is -1, so that SGD at a
 * rate of 1 makes w the number of updates. Evaluated it answers script[w], so that validation_error is its size. */
#include <math.h>

#include "base/member.h"
#include "metric/metric.h"
#include "model/file.h"
#include "nn/layer.h"
#include "small.h"
#include "train/run.h"

enum { LONGEST = 24 };
static double script[LONGEST + 1], tally_script[LONGEST + 1]; /* by update, from 1 */

/* ---- the network ---- */

static gr_val scripted_build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    gr_graph *g = b->g;
    gr_shape one = GR_SHAPE(gr_shape_of(g, in[0]).dim[0], 1);
    gr_val w = gr__build_param(b, "weight", GR_SHAPE(1), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, 1, 1);
    if (b->mode == GR_MODE_TRAIN) return gr_broadcast(g, gr_sqrt(g, gr_sub(g, gr_const(g, 1000), w)), one);
    gr_val y = gr_const(g, 0);
    for (int i = 1; i <= LONGEST; i++) {
        gr_val here = gr_equal(g, w, gr_const(g, i)), value = gr_const(g, isfinite(script[i]) ? script[i] : 0);
        if (!isfinite(script[i])) value = gr_div(g, value, gr_sub(g, w, w)); /* 0 / 0 */
        y = gr_select(g, here, value, y);
    }
    return gr_broadcast(g, y, one);
}

static const gr_layer scripted = {
    .head = {.family = "layer", .name = "scripted", .title = "A script", .cite = "", .equations = ""},
    .min_inputs = 1,
    .max_inputs = 1,
    .build = scripted_build};

/* A metric with a script of its own, found by what the network answers: script's figures are all different then. */
static double told_value(const gr_settings *s, const gr_tally *t)
{
    (void)s;
    double error = gr__tally_error(t);
    for (int i = 1; i <= LONGEST; i++)
        if (fabs(error - script[i]) < 1e-6) return tally_script[i];
    return NAN;
}

static const gr_metric told = {
    .head = {.family = "metric", .name = "told", .title = "A script", .cite = "", .equations = ""},
    .forms = GR_METRIC_VALUES,
    .value = told_value};

/* ---- runs ---- */

typedef struct scripted_run {
    small s;
    gr_context *ctx;
    char more[400];
} scripted_run;

static void begin(scripted_run *r, const char *more)
{
    *r = (scripted_run){.ctx = test_context_with(1, 0)};
    snprintf(r->more, sizeof r->more, "%s", more);
    test_ok(r->ctx, gr__family_add(r->ctx, &gr__family_layer, &scripted.head));
    test_ok(r->ctx, gr__family_add(r->ctx, &gr__family_metric, &told.head));
    snprintf(r->s.folder, sizeof r->s.folder, "/tmp/gradus-train-XXXXXX");
    assert_non_null(mkdtemp(r->s.folder));
    snprintf(r->s.recipe, sizeof r->s.recipe, "%s/r.yaml", r->s.folder);
    snprintf(r->s.out, sizeof r->s.out, "%s/run", r->s.folder);
    char path[96];
    snprintf(path, sizeof path, "%s/x.csv", r->s.folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "x,y\n1,0\n2,0\n3,0\n4,0\n");
    fclose(f);
    f = fopen(r->s.recipe, "w");
    assert_non_null(f);
    fprintf(f,
            "gradus: 1\nname: script\nprecision: float64\n"
            "data: {train: {type: csv, file: x.csv, target: y}, validation: {type: csv, file: x.csv, target: y}, "
            "batch: 4}\n"
            "model: {input: [1], layers: [{type: scripted, name: s, init: {weights: zeros}}]}\n"
            "cost: mse\noptimizer: {type: sgd, lr: 1}\ncheckpoint: {every: 1000, keep: 1}\n%s",
            more);
    fclose(f);
}

static void end(scripted_run *r)
{
    small_remove(&r->s);
    test_context_end(r->ctx);
}

/* Which update's weights a model file holds. */
static int64_t update_in(scripted_run *r, const char *file)
{
    char path[160];
    gr_st *st;
    double w;
    snprintf(path, sizeof path, "%s/%s", r->s.out, file);
    test_ok(r->ctx, gr__st_whole(r->ctx, path, &st));
    const gr_st_tensor *t = gr__st_find(st, "s.weight");
    assert_non_null(t);
    memcpy(&w, t->data, sizeof w);
    gr__st_close(st);
    assert_true(fabs(w - round(w)) < 1e-6);
    return (int64_t)round(w);
}

typedef struct stopper {
    volatile sig_atomic_t flag;
    int64_t at; /* 0: never */
} stopper;

static gr_status interrupt(void *user, const gr_progress *p, bool *stop)
{
    stopper *s = user;
    (void)stop;
    if (s->at && p->phase == GR_PHASE_TRAIN && p->step == s->at) s->flag = 1;
    return GR_OK;
}

/* Trains to the end, interrupted after update `at` and resumed where that is not 0. */
static gr_status go(scripted_run *r, int64_t at, gr_train_result *out)
{
    stopper s = {.at = at};
    const gr_watcher w = {.version = GR_WATCHER_VERSION, .user = &s, .tell = interrupt};
    gr_train_options o = {.watcher = &w, .n_watchers = 1, .stop = &s.flag};
    gr_status st = small_train(r->ctx, &r->s, &o, out);
    if (at == 0 || st != GR_E_INTERRUPTED) return st;
    gr_context_clear_error(r->ctx);
    return small_train(r->ctx, &r->s, &(gr_train_options){.resume = true}, out);
}

/* ---- the rules, written once more ---- */

typedef struct outcome {
    int64_t steps, best;
    gr_reason reason;
} outcome;

/* patience 0: none; below NaN: none. Every update is evaluated. */
static outcome expected(int n, int patience, double below, int limit)
{
    outcome o = {0};
    int since = 0;
    for (int i = 1; i <= n; i++) {
        bool finite = isfinite(script[i]), better = finite && (o.best == 0 || script[i] < script[o.best]);
        o.steps = i;
        since = better ? 0 : since + 1;
        if (better) o.best = i;
        o.reason = finite && script[i] < below        ? GR_REASON_TARGET
                   : patience > 0 && since > patience ? GR_REASON_PATIENCE
                   : i >= limit                       ? GR_REASON_STEPS
                                                      : GR_REASON_NONE;
        if (o.reason == GR_REASON_NONE) continue;
        if (!finite) o.reason = GR_REASON_DIVERGED; /* its last evaluation */
        return o;
    }
    return o;
}

static void set_script(const double *values, int n)
{
    for (int i = 1; i <= LONGEST; i++) script[i] = i <= n ? values[i - 1] : values[n - 1];
}

static void holds(const char *name, const char *more, outcome want, int64_t interrupted)
{
    scripted_run r;
    gr_train_result got;
    begin(&r, more);
    gr_status st = go(&r, interrupted, &got);
    if (st != (want.reason == GR_REASON_DIVERGED ? GR_E_DIVERGED : GR_OK)) fail_msg("%s: status %d", name, (int)st);
    gr_context_clear_error(r.ctx);
    if (got.reason != want.reason || got.steps != want.steps || got.best_step != want.best)
        fail_msg("%s (interrupted after %d): %s after %d, best %d; not %s after %d, best %d", name, (int)interrupted,
                 gr__reason_name(got.reason), (int)got.steps, (int)got.best_step, gr__reason_name(want.reason),
                 (int)want.steps, (int)want.best);
    if (want.best) assert_int_equal(update_in(&r, "best.safetensors"), want.best);
    assert_int_equal(update_in(&r, "last.safetensors"), want.steps);
    end(&r);
}

static void the_chapters_sequences(void **state)
{
    (void)state;
    const struct {
        double values[12];
        int n, patience;
        outcome want;
    } cases[] = {
        {{5, 4, 3, 4, 5, 6, 1}, 7, 2, {6, 3, GR_REASON_PATIENCE}}, /* algorithms 10.1 */
        {{3, 3, 3, 3}, 4, 1, {3, 1, GR_REASON_PATIENCE}},          /* ties: the earlier stays */
        {{3, 2, 2, 2, 1}, 5, 2, {5, 5, GR_REASON_STEPS}},          /* two in a row are forgiven */
        {{3, NAN, 2, NAN, NAN, 1}, 6, 2, {6, 6, GR_REASON_STEPS}}, /* what is not finite is worse than any */
        {{NAN, NAN, 5, 6, 7}, 5, 1, {2, 0, GR_REASON_DIVERGED}},
        {{NAN, 5, 4, NAN, NAN}, 5, 1, {5, 3, GR_REASON_DIVERGED}},
        {{5, NAN, NAN, 4, 6, 6}, 6, 2, {6, 4, GR_REASON_STEPS}},
        {{1, 2, 3, 4, 5, 6}, 6, 5, {6, 1, GR_REASON_STEPS}},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char name[40], more[120];
        set_script(cases[i].values, cases[i].n);
        snprintf(name, sizeof name, "case %zu", i);
        snprintf(more, sizeof more, "stop: {steps: %d, patience: %d}\nvalidate: {every: 1}\n", cases[i].n,
                 cases[i].patience);
        for (int64_t at = 0; at <= 2; at += 2) holds(name, more, cases[i].want, at);
        const outcome own = expected(cases[i].n, cases[i].patience, NAN, cases[i].n);
        assert_true(own.steps == cases[i].want.steps && own.best == cases[i].want.best &&
                    own.reason == cases[i].want.reason);
    }
}

/* Few values, so that ties are frequent; some are not finite; interrupted anywhere. */
static void random_sequences(void **state)
{
    (void)state;
    uint32_t x = 12345;
    for (int run = 0; run < 60; run++) {
        double values[LONGEST];
        int n = 4 + run % (LONGEST - 3), patience = run % 5;
        char name[40], more[160];
        for (int i = 0; i < n; i++) {
            x = x * 1664525u + 1013904223u;
            values[i] = (x >> 24) % 9 == 0 ? (double)NAN : 1 + (double)((x >> 16) % 7);
        }
        double below = run % 3 == 0 ? 1.5 : (double)NAN;
        set_script(values, n);
        snprintf(name, sizeof name, "run %d", run);
        int used = snprintf(more, sizeof more, "validate: {every: 1}\nstop: {steps: %d", n);
        if (patience) used += snprintf(more + used, sizeof more - (size_t)used, ", patience: %d", patience);
        if (!isnan(below))
            used += snprintf(more + used, sizeof more - (size_t)used, ", validation_error_below: %g", below);
        snprintf(more + used, sizeof more - (size_t)used, "}\n");
        const outcome want = expected(n, patience, below, n);
        holds(name, more, want, run % 2 ? 1 + (x >> 20) % (uint32_t)n : 0);
    }
}

/* n updates between evaluations give floor(updates / n) of them, and only at these a rule of them may hold. */
static void rules_hold_at_evaluations_alone(void **state)
{
    (void)state;
    const double values[] = {9, 0.1, 8, 0.1, 7, 0.2, 6};
    set_script(values, 7);
    holds("every third", "validate: {every: 3}\nstop: {steps: 7, validation_error_below: 1}\n",
          (outcome){6, 6, GR_REASON_TARGET}, 0);
    holds("never below", "validate: {every: 3}\nstop: {steps: 7, validation_error_below: 0.2}\n",
          (outcome){7, 6, GR_REASON_STEPS}, 4);
    holds("the end is evaluated as well", "validate: {every: 5}\nstop: {steps: 6}\n", (outcome){6, 6, GR_REASON_STEPS},
          2);
}

/* ---- other figures ---- */

/* error falls, told has a course of its own: without values at times, with ties that the cost decides. */
static void watched_figures_may_be_others(void **state)
{
    (void)state;
    const double errors[] = {8, 7, 6, 5, 4, 3, 2, 1.5}, course[] = {0.5, 0.7, 0.7, NAN, 0.6, 0.6, 0.9, 0.1};
    set_script(errors, 8);
    for (int i = 1; i <= 8; i++) tally_script[i] = course[i - 1];
    const char *best = "metrics: [told]\nbest_by: told\nvalidate: {every: 1}\n", *watch = "validate: {every: 1}\n";
    char more[300];
    snprintf(more, sizeof more, "%sstop: {steps: 8}\n", best);
    for (int64_t at = 0; at < 8; at += 3) holds("best_by", more, (outcome){8, 7, GR_REASON_STEPS}, at);
    /* 0.7 again, at a lower cost, is better; then no value, 0.6, 0.6: three in a row */
    snprintf(more, sizeof more, "%sstop: {steps: 8, patience: 2}\n", best);
    for (int64_t at = 0; at < 6; at += 2) holds("patience of best_by", more, (outcome){6, 3, GR_REASON_PATIENCE}, at);
    /* patience watches another figure than the one that makes a model best */
    snprintf(more, sizeof more, "%smetrics: [told]\nstop: {steps: 8, patience: 2, monitor: validation_told}\n", watch);
    for (int64_t at = 0; at < 6; at += 2) holds("monitor", more, (outcome){6, 6, GR_REASON_PATIENCE}, at);
    snprintf(more, sizeof more, "%sstop: {steps: 8, patience: 2, monitor: error}\n", best);
    holds("monitor error", more, (outcome){8, 7, GR_REASON_STEPS}, 5);
    snprintf(more, sizeof more, "%sstop: {steps: 8, patience: 1, monitor: told}\n", watch); /* joins the metrics */
    holds("monitor alone", more, (outcome){5, 5, GR_REASON_PATIENCE}, 0);
}

/* ---- on, where patience would end it ---- */

static void training_goes_on_where_it_is_asked_to(void **state)
{
    (void)state;
    const double values[] = {5, 4, 6, 6, 6, 3, 7, 7, 7, 7, 7, 7};
    const struct {
        const char *stop;
        outcome want;
        int64_t over;
    } cases[] = {
        {"{steps: 12, patience: 2}", {5, 2, GR_REASON_PATIENCE}, 0},
        {"{steps: 12, patience: 2, train_longer: 2x}", {10, 6, GR_REASON_PATIENCE}, 5},
        {"{steps: 12, patience: 2, train_longer: 1.5}", {8, 6, GR_REASON_PATIENCE}, 5}, /* 7.5 */
        {"{steps: 12, patience: 2, train_longer: 1.1}", {6, 6, GR_REASON_PATIENCE}, 5},
        {"{steps: 9, patience: 2, train_longer: 2}", {9, 6, GR_REASON_STEPS}, 5}, /* other rules hold as ever */
        {"{steps: 12, patience: 20, train_longer: 2x}", {12, 6, GR_REASON_STEPS}, 0},
        {"{steps: 12, patience: 2, train_longer: 3x, validation_error_below: 3.5}", {6, 6, GR_REASON_TARGET}, 5},
    };
    set_script(values, 12);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char more[200];
        snprintf(more, sizeof more, "validate: {every: 1}\nstop: %s\n", cases[i].stop);
        for (int64_t at = 0; at < 8; at += 5) {
            scripted_run r;
            gr_train_result got;
            holds(cases[i].stop, more, cases[i].want, at);
            begin(&r, more);
            test_ok(r.ctx, go(&r, at, &got));
            assert_int_equal(got.patience_step, cases[i].over);
            if (got.patience_step) assert_true(got.patience_best_step == 2 && fabs(got.patience_best_error - 4) < 1e-6);
            end(&r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chapters_sequences),
        cmocka_unit_test(random_sequences),
        cmocka_unit_test(rules_hold_at_evaluations_alone),
        cmocka_unit_test(watched_figures_may_be_others),
        cmocka_unit_test(training_goes_on_where_it_is_asked_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
