/* The models one after the other, each counted by the tally that counts a network's answers. */
#include "study/baseline/baseline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "study/baseline/job.h"
#include "train/agree.h"

static const uint64_t MOST_HELD = (uint64_t)1 << 30; /* bytes of rows that are prepared once; more are each pass anew */

gr_status gr__baseline_pause(const gr_baseline_job *j, const char *what, double share)
{
    gr__watch(j->options->watch, what, share);
    if (j->options->stop && *j->options->stop) return gr__fail(j->ctx, GR_E_INTERRUPTED, "interrupted");
    return GR_OK;
}

/* ---- answers ---- */

enum { MOST_AT_ONCE = 1024 };

typedef struct answering {
    gr_baseline_job *j;
    const double *w;
    int64_t k;
    void (*give)(const gr_baseline_job *j, const double *z, double *answer);
    double *room; /* of each worker: GR_FEATURE_ROWS x k */
} answering;

static void answer_block(void *user, const gr_feature_block *b)
{
    const answering *a = user;
    const gr_baseline_job *j = a->j;
    double *z = a->room + b->worker * GR_FEATURE_ROWS * a->k;
    gr__rows_kernels_chosen()->products(b->x, b->n, j->validation.apart, a->w, a->k, z);
    for (int64_t i = 0; i < b->n; i++) {
        double *answer = j->answer + (b->first + i) * j->outputs;
        if (a->give)
            a->give(j, z + i * a->k, answer);
        else
            memcpy(answer, z + i * a->k, (size_t)a->k * sizeof *z);
    }
}

gr_status gr__baseline_answer(gr_baseline_job *j, const double *w, int64_t k,
                              void (*give)(const gr_baseline_job *j, const double *z, double *answer))
{
    size_t bytes = sizeof(double) * (size_t)(j->validation.workers * GR_FEATURE_ROWS * k);
    double *room = gr__tensor_alloc(j->ctx, bytes);
    if (!room) return gr__error_code(j->ctx);
    gr_status st = gr__features_walk(&j->validation, answer_block, &(answering){j, w, k, give, room});
    gr__tensor_free(j->ctx, room, bytes);
    return st;
}

/* ---- what looks at nothing ---- */

/* The class that weighs most in training, or the mean of the values. */
gr_status gr__baseline_constant(gr_baseline_job *j, gr_baseline *out)
{
    size_t bytes = sizeof(double) * (size_t)j->outputs;
    double *mean = gr__alloc(j->ctx, bytes), all = 0;
    int64_t most = 0;
    if (!mean) return GR_E_MEMORY;
    for (int64_t i = 0; i < j->train.n; i++) {
        double w = j->train.weight[i];
        all += w;
        if (j->classes) mean[j->class_of[j->kind[i]]] += w;
        for (int64_t k = 0; !j->classes && k < j->outputs; k++) mean[k] += w * j->value[i * j->outputs + k];
    }
    for (int64_t k = 0; k < j->outputs; k++) {
        if (mean[k] > mean[most]) most = k;
        mean[k] /= all;
    }
    for (int64_t i = 0; i < j->validation.n; i++) memcpy(j->answer + i * j->outputs, mean, bytes);
    if (j->classes)
        snprintf(out->settings, sizeof out->settings, "always class %lld, with each class's share as its probability",
                 (long long)most);
    else
        snprintf(out->settings, sizeof out->settings, "always the mean of the training values");
    gr__free(j->ctx, mean, bytes);
    return GR_OK;
}

/* ---- counting ---- */

static gr_tally_spec spec_of(const gr_baseline_job *j)
{
    const gr_task *t = j->task;
    return (gr_tally_spec){.form = t->recipe->head[0].metric_scope.form,
                           .outputs = j->outputs,
                           .classes = j->classes,
                           .wide = true,
                           .targets = &t->targets[0],
                           .samples = j->validation.n};
}

static void add_all(const gr_baseline_job *j, gr_tally *t)
{
    const gr_field *y = gr__set_target(j->validation.set, 0);
    const uint32_t *row = j->validation.rows->row;
    double value[MOST_AT_ONCE];
    for (int64_t i = 0; i < j->validation.n; i++) {
        const double *answer = j->answer + i * j->outputs;
        if (j->classes) {
            gr__tally_add(t, 1, (const int32_t *)y->data + row[i], answer);
            continue;
        }
        for (int64_t k = 0; k < j->outputs; k++)
            value[k] = gr__element_at(y->element, y->data, row[i] * j->outputs + k);
        gr__tally_add(t, 1, value, answer);
    }
}

static gr_status count(const gr_baseline_job *j, gr_baseline *out)
{
    const gr_metrics *m = &j->task->metrics[0];
    gr_tally_spec is = spec_of(j);
    gr_tally tally;
    uint64_t bytes = gr__metrics_want_scores(m) ? gr__tally_score_bytes(&is, is.samples) : 0;
    if (bytes && !(is.scores = gr__tensor_alloc(j->ctx, (size_t)bytes))) return gr__error_code(j->ctx);
    gr_status st = gr__tally_begin(j->ctx, &is, &tally);
    if (st == GR_OK) {
        add_all(j, &tally);
        gr__tally_finish(&tally);
        bool finite = tally.nonfinite == 0;
        out->error = finite ? gr__tally_error(&tally) : (double)NAN;
        for (int i = 0; i < m->n; i++)
            out->metric[i] = finite ? m->use[i].member->value(&m->use[i].settings, &tally) : (double)NAN;
        gr__tally_end(&tally);
    }
    if (bytes) gr__tensor_free(j->ctx, is.scores, (size_t)bytes);
    return st;
}

/* ---- opening ---- */

static gr_status refuse(const gr_task *t)
{
    const gr_recipe *r = t->recipe;
    const gr_head *h = &r->head[0];
    bool class = h->reading.target == GR_FORM_CLASS && h->output.rank <= 1,
         value = h->reading.target == GR_FORM_VALUES && gr_shape_count(h->output) <= MOST_AT_ONCE;
    if (r->n_heads > 1)
        return gr__fail(t->ctx, GR_E_CONFLICT, "baseline takes one target, and the recipe has %d heads", r->n_heads);
    if (!class && !value) {
        gr__fail(t->ctx, GR_E_CONFLICT,
                 "baseline takes a class or values for each sample, and cost %s has other targets", h->cost->head.name);
        gr__error_place(t->ctx, r->path, 0, 0, "cost");
        return GR_E_CONFLICT;
    }
    if (t->count[GR_PART_VALIDATION] > 0 && t->set_of[GR_PART_VALIDATION]) return GR_OK;
    gr__fail(t->ctx, GR_E_CONFLICT, "baselines are judged on validation data, and the recipe has none");
    gr__error_hint(t->ctx, "--set data.split={validation: 0.1} cuts some from the training data");
    return GR_E_CONFLICT;
}

/* Kinds in the order of their classes. */
static gr_status take_classes(gr_baseline_job *j)
{
    const int32_t *label = gr__set_target(j->train.set, 0)->data;
    size_t n = (size_t)j->classes;
    j->class_of = gr__alloc(j->ctx, n * sizeof *j->class_of);
    int *kind_of = gr__alloc(j->ctx, n * sizeof *kind_of);
    j->kind = gr__tensor_alloc(j->ctx, (size_t)j->train.n * sizeof *j->kind);
    if (!j->class_of || !kind_of || !j->kind) {
        if (kind_of) gr__free(j->ctx, kind_of, n * sizeof *kind_of);
        return gr__error_code(j->ctx);
    }
    for (int64_t i = 0; i < j->train.n; i++) kind_of[label[j->train.rows->row[i]]] = 1;
    for (int k = 0; k < (int)n; k++) {
        if (!kind_of[k]) continue;
        j->class_of[j->kinds] = k;
        kind_of[k] = (int)j->kinds++;
    }
    for (int64_t i = 0; i < j->train.n; i++) j->kind[i] = kind_of[label[j->train.rows->row[i]]];
    gr__free(j->ctx, kind_of, n * sizeof *kind_of);
    return GR_OK;
}

static gr_status take_values(gr_baseline_job *j)
{
    const gr_field *y = gr__set_target(j->train.set, 0);
    j->value = gr__tensor_alloc(j->ctx, sizeof *j->value * (size_t)(j->train.n * j->outputs));
    if (!j->value) return gr__error_code(j->ctx);
    for (int64_t i = 0; i < j->train.n; i++)
        for (int64_t k = 0; k < j->outputs; k++)
            j->value[i * j->outputs + k] = gr__element_at(y->element, y->data, j->train.rows->row[i] * j->outputs + k);
    return GR_OK;
}

static gr_status open_job(gr_baseline_job *j)
{
    const gr_task *t = j->task;
    const gr_head *h = &t->recipe->head[0];
    uint64_t most = t->recipe->memory ? GR_MIN(MOST_HELD, t->recipe->memory / 2) : MOST_HELD;
    gr_status st = GR_OK;
    j->classes = h->reading.target == GR_FORM_CLASS ? gr__agree_classes(t->recipe, 0) : 0;
    j->outputs = j->classes ? j->classes : gr_shape_count(h->output);
    GR_TRY(gr__features_open(t, GR_PART_TRAIN, most, &j->train));
    GR_TRY(gr__features_open(t, GR_PART_VALIDATION, most - GR_MIN(most, gr__features_bytes(t, GR_PART_TRAIN)),
                             &j->validation));
    j->answer = gr__tensor_alloc(j->ctx, sizeof *j->answer * (size_t)(j->validation.n * j->outputs));
    if (!j->answer) GR_TRY(gr__error_code(j->ctx));
    GR_TRY(j->classes ? take_classes(j) : take_values(j));
done:
    return st;
}

static void close_job(gr_baseline_job *j)
{
    size_t outputs = (size_t)j->outputs;
    if (j->answer) gr__tensor_free(j->ctx, j->answer, sizeof *j->answer * (size_t)j->validation.n * outputs);
    if (j->value) gr__tensor_free(j->ctx, j->value, sizeof *j->value * (size_t)j->train.n * outputs);
    if (j->kind) gr__tensor_free(j->ctx, j->kind, sizeof *j->kind * (size_t)j->train.n);
    if (j->class_of) gr__free(j->ctx, j->class_of, sizeof *j->class_of * (size_t)j->classes);
    gr__features_close(&j->train);
    gr__features_close(&j->validation);
}

/* ---- all ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Numbers are what all but the first take. */
static const char *no_numbers(const gr_recipe *r)
{
    for (int i = 0; i < r->n_inputs; i++)
        if (r->input[i].vocabulary) return r->input[i].name;
    return NULL;
}

static gr_status fit(gr_baseline_job *j, const char *name, gr_baseline_fit *of, gr_baseline *out)
{
    const char *indices = of == gr__baseline_constant ? NULL : no_numbers(j->task->recipe);
    double began = now();
    *out = (gr_baseline){.name = name, .error = NAN};
    if (indices) {
        snprintf(out->skipped, sizeof out->skipped, "the input \"%s\" holds indices, and it takes numbers", indices);
        return GR_OK;
    }
    gr_status st = gr__baseline_pause(j, name, 0);
    if (st == GR_OK) st = of(j, out);
    if (st == GR_OK && !out->skipped[0]) st = count(j, out);
    out->seconds = now() - began;
    return st;
}

gr_status gr__baselines_fit(const gr_task *t, const gr_baseline_options *o, gr_baselines *out)
{
    gr_baseline_job j = {.ctx = t->ctx, .task = t, .options = o};
    gr_status st = GR_OK;
    *out = (gr_baselines){.metrics = &t->metrics[0]};
    GR_TRY(refuse(t));
    GR_TRY(open_job(&j));
    out->classes = j.classes;
    out->shares = j.classes > 0;
    out->training = j.train.n;
    out->validation = j.validation.n;
    out->numbers = j.train.width;
    GR_TRY(fit(&j, j.classes ? "majority" : "mean", gr__baseline_constant, &out->model[out->n++]));
    GR_TRY(j.classes ? fit(&j, "logistic", gr__baseline_logistic, &out->model[out->n++])
                     : fit(&j, "linear", gr__baseline_linear, &out->model[out->n++]));
    GR_TRY(fit(&j, "boosted_trees", gr__baseline_boosted, &out->model[out->n++]));
done:
    close_job(&j);
    return st;
}
