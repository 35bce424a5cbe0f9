/* A model's errors on the parts that it was trained and chosen by. */
#include <math.h>

#include "study/diagnose/diagnose.h"

static bool has_validation(const gr_recipe *r)
{
    return r->data.validation || r->data.split_validation > 0;
}

/* In the order of the file, every sample once. */
static gr_status evaluate(gr_engine *e, gr_part part, const volatile sig_atomic_t *stop, gr_evaluation *ev)
{
    gr_loader *loader = NULL;
    gr_loader_options o = gr__task_loader(e->task, part, true);
    o.batch = gr__task_evaluation_batch(e->task);
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    gr_status st = gr__loader_create(e->task->ctx, &o, &loader);
    if (st == GR_OK) st = gr__evaluate(e, 0, loader, part, stop, ev);
    if (st == GR_OK) gr__evaluation_warn(e->task->ctx, gr__part_name(part), ev);
    gr__loader_destroy(loader);
    return st;
}

/* Where there are too many classes for an evaluation to keep counts of each. */
static double chance_of_counts(const gr_targets *t)
{
    int64_t most = 0;
    for (int64_t k = 0; k < t->classes; k++) most = GR_MAX(most, t->count[k]);
    return gr__targets_known(t) && t->classes ? 1 - (double)most / (double)t->n : (double)NAN;
}

/* Of classes and labels the share that the most frequent answer gets wrong. */
static double chance_of(const gr_head_evaluation *ev, gr_target_form form, const gr_targets *training)
{
    int64_t wrong = 0, most = 0;
    if (form != GR_FORM_CLASS && form != GR_FORM_LABELS) return sqrt(ev->square_about);
    if (!ev->hits || ev->decisions == 0) return chance_of_counts(training);
    int64_t each = ev->decisions / GR_MAX(ev->classes, 1);
    for (int k = 0; k < ev->classes; k++) {
        most = GR_MAX(most, ev->hits[k].truth);
        wrong += GR_MIN(ev->hits[k].truth, each - ev->hits[k].truth);
    }
    return (double)(form == GR_FORM_CLASS ? ev->decisions - most : wrong) / (double)ev->decisions;
}

static gr_status measure(gr_engine *e, int head, gr_part part, const volatile sig_atomic_t *stop, gr_measured *out,
                         double *chance)
{
    gr_evaluation ev = {0};
    gr_status st = evaluate(e, part, stop, &ev);
    if (st != GR_OK) return st;
    const gr_head_evaluation *of = &ev.head[head];
    *out = (gr_measured){true, of->error, of->square_deviation, ev.samples};
    if (chance) {
        gr_target_form form = e->task->recipe->head[head].metric_scope.form;
        *chance = chance_of(of, form, &e->task->targets[head]);
    }
    gr__evaluation_free(e->task->ctx, &ev);
    return GR_OK;
}

gr_status gr__errors_measure(gr_context *ctx, const gr_model *m, int head, const volatile sig_atomic_t *stop,
                             gr_errors *out)
{
    const gr_recipe *r = m->recipe;
    bool both = has_validation(r);
    unsigned parts = 1u << GR_PART_TRAIN | (both ? 1u << GR_PART_VALIDATION : 0);
    gr_task task = {0};
    gr_engine engine = {0};
    gr_status st = GR_OK;
    *out = (gr_errors){.train = {.error = NAN}, .validation = {.error = NAN, .square_deviation = NAN}, .chance = NAN};
    GR_TRY(gr__task_open(ctx, r, parts, m, &task));
    GR_TRY(gr__engine_make(&task, false, parts, &engine));
    GR_TRY(gr__engine_budget(&engine, r->memory));
    GR_TRY(gr__engine_start(&engine));
    GR_TRY(gr__model_load(ctx, m->file, m->path, engine.store));
    GR_TRY(measure(&engine, head, GR_PART_TRAIN, stop, &out->train, &out->chance));
    if (both) GR_TRY(measure(&engine, head, GR_PART_VALIDATION, stop, &out->validation, NULL));
done:
    gr__engine_close(&engine);
    gr__task_close(&task);
    return st;
}
