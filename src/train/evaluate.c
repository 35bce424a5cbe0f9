/* Evaluation: cost, error, metrics and confusion of one part, with the store's present values. It reads and never
 * writes training state. */
#include <math.h>
#include <string.h>

#include "train/train.h"

/* Where a number of it is not finite, an evaluation has no figures at all: the largest of NaNs would be class 0. */
static void conclude(const gr_engine *e, gr_tally *t, double weight_sum, gr_evaluation *ev)
{
    double mean = gr__cost_mean(ev->cost_sum, weight_sum), error = gr__tally_error(t);
    ev->outputs = t->samples * t->is.outputs;
    ev->nonfinite = t->nonfinite;
    ev->classes = (int)t->n_hits;
    ev->finite = t->nonfinite == 0 && isfinite(ev->cost_sum) && isfinite(mean) && isfinite(error);
    if (!ev->finite) {
        ev->cost_sum = NAN;
        return;
    }
    ev->cost_mean = mean;
    ev->error = error;
    gr__tally_finish(t);
    for (int i = 0; i < e->metrics.n; i++)
        ev->metric[i] = e->metrics.use[i].member->value(&e->metrics.use[i].settings, t);
    ev->confusion = t->confusion;
    t->confusion = NULL;
}

gr_status gr__evaluate(gr_engine *e, int view, gr_loader *loader, gr_part part, const volatile sig_atomic_t *stop,
                       gr_evaluation *out)
{
    const gr_task *t = e->task;
    gr_tally tally = {0};
    gr_tally_spec is = gr__engine_tally(e);
    double weight_sum = 0;
    gr_status st = GR_OK;
    *out = (gr_evaluation){.cost_mean = NAN, .error = NAN};
    for (int i = 0; i < GR_MAX_METRICS; i++) out->metric[i] = NAN;
    is.samples = t->count[part];
    GR_TRY(gr__tally_begin(t->ctx, &is, &tally));
    gr__loader_seek(loader, 0, 0);
    for (gr_batch b = {0}; !b.last;) {
        if (stop && *stop) GR_TRY(GR_E_INTERRUPTED);
        GR_TRY(gr__loader_next(loader, &b));
        gr_engine_plan *p = gr__engine_find(e, GR_RUN_EVALUATE, b.n, view);
        if (!p)
            GR_TRY(gr__fail(t->ctx, GR_E_INTERNAL, "no plan to evaluate a %s batch of %lld", gr__part_name(part),
                            (long long)b.n));
        if (p->x) memcpy(p->x, b.inputs, p->x_bytes);
        if (p->y) memcpy(p->y, b.targets, p->y_bytes);
        GR_TRY(gr_plan_run(p->plan));
        out->samples += b.n;
        out->cost_sum += *p->cost_sum;
        weight_sum += *p->weight_sum;
        gr__tally_add(&tally, b.n, b.targets, p->prediction);
    }
    conclude(e, &tally, weight_sum, out);
done:
    gr__tally_end(&tally);
    if (st != GR_OK) gr__evaluation_free(t->ctx, out);
    return st;
}

void gr__evaluation_free(gr_context *ctx, gr_evaluation *ev)
{
    if (ev->confusion) gr__tensor_free(ctx, ev->confusion, (size_t)gr__tally_confusion_bytes(ev->classes));
    ev->confusion = NULL;
}

void gr__evaluation_void(gr_context *ctx, gr_evaluation *ev)
{
    gr__evaluation_free(ctx, ev);
    ev->finite = false;
    ev->beyond_file = true;
    ev->cost_sum = ev->cost_mean = ev->error = NAN;
    for (int i = 0; i < GR_MAX_METRICS; i++) ev->metric[i] = NAN;
}

void gr__evaluation_warn(gr_context *ctx, const char *of, const gr_evaluation *ev)
{
    if (ev->finite) return;
    if (ev->beyond_file)
        gr__log(ctx, GR_LOG_WARNING,
                "%s: weights are beyond float32, which a model file holds, so the evaluation has no figures", of);
    else if (ev->nonfinite)
        gr__log(ctx, GR_LOG_WARNING, "%s: %lld of %lld outputs are not finite, so the evaluation has no figures", of,
                (long long)ev->nonfinite, (long long)ev->outputs);
    else
        gr__log(ctx, GR_LOG_WARNING, "%s: the cost is not finite, so the evaluation has no figures", of);
}
