/* Validation: of the model and of averaged weights, statistics of their own first; which is best so far. */
#include <math.h>

#include "train/loop.h"

void gr__validate_states(gr_loop *l, gr_states *s)
{
    const gr_state_row rows[] = {
        {"stop/evaluated", GR_STATE_I64, &l->evaluated},
        {"stop/evaluations", GR_STATE_I64, &l->evaluations},
        {"stop/since_best", GR_STATE_I64, &l->since_best},
        {"best/step", GR_STATE_I64, &l->best_step},
        {"best/cost", GR_STATE_REAL, &l->best_cost},
        {"best/error", GR_STATE_REAL, &l->best_error},
        {"best/view", GR_STATE_I64, &l->best_view},
        {"validation/cost", GR_STATE_REAL, &l->validation_cost},
        {"validation/error", GR_STATE_REAL, &l->validation_error},
        {"average/cost", GR_STATE_REAL, &l->average_cost},
        {"average/error", GR_STATE_REAL, &l->average_error},
        {"average/measured", GR_STATE_I64, &l->measured},
    };
    gr__states_add(s, rows, (int)GR_COUNT(rows));
}

int64_t gr__loop_held(const gr_loop *l, int view)
{
    const char *counter = l->engine->view[view].counter;
    const gr_entry *e = counter ? gr_store_find(l->engine->store, counter) : NULL;
    return !counter ? 1 : e ? (int64_t) * (const double *)e->data : 0;
}

/* One batch of a view's statistics; `before` samples were seen. */
static gr_status measure_batch(gr_loop *l, int view, const gr_batch *b, int64_t before)
{
    gr_engine_plan *p = gr__engine_find(l->engine, GR_RUN_STATISTICS, b->n, view);
    if (!p) return gr__fail(l->ctx, GR_E_INTERNAL, "no plan for the statistics of a batch of %lld", (long long)b->n);
    gr__loop_feed(l, p, b, before);
    if (p->update) *p->update = 0; /* random numbers must not depend on the moment when the weights are looked at */
    if (p->share)
        *p->share = l->recipe->swa.by_batches ? 1.0 / (double)(b->index + 1) : (double)b->n / (double)(before + b->n);
    return gr_plan_run(p->plan);
}

gr_status gr__loop_measure(gr_loop *l, int view)
{
    int64_t holds = gr__loop_held(l, view), before = 0;
    gr_status st = GR_OK;
    if (!gr__engine_find(l->engine, GR_RUN_STATISTICS, gr__task_batch(l->task), view) || l->measured == holds)
        return GR_OK;
    gr__loader_seek(l->loader, 0, 0);
    for (gr_batch b = {0}; !b.last && st == GR_OK; before += b.n) {
        gr__loop_report(l, GR_PHASE_STATISTICS, false, NULL);
        st = l->options->stop && *l->options->stop ? GR_E_INTERRUPTED : gr__loader_next(l->loader, &b);
        if (st == GR_OK) st = measure_batch(l, view, &b, before);
    }
    gr__loader_seek(l->loader, l->epoch, l->index);
    if (st == GR_OK) l->measured = holds;
    return st;
}

/* Better means a lower validation error; ties keep the earlier, a NaN is worse than anything. */
static gr_status consider(gr_loop *l, int view, const gr_evaluation *ev, bool *best)
{
    if (l->best_step == 0 ? isnan(ev->error) : !(ev->error < l->best_error)) return GR_OK;
    *best = true;
    l->best_step = l->step;
    l->best_cost = ev->cost_mean;
    l->best_error = ev->error;
    l->best_view = view;
    return gr__loop_save_model(l, "best.safetensors", view);
}

static gr_status evaluate_view(gr_loop *l, int view, gr_evaluation *ev)
{
    gr_status st = gr__loop_measure(l, view);
    return st == GR_OK ? gr__evaluate(l->engine, view, l->validation, GR_PART_VALIDATION, l->options->stop, ev) : st;
}

/* Everything is evaluated before anything is concluded from it: an interruption on the way leaves the whole to be done
 * again. */
static gr_status evaluate_all(gr_loop *l, gr_evaluation ev[GR_MAX_VIEWS])
{
    gr_status st = GR_OK;
    for (int view = 0; view < l->engine->n_views && st == GR_OK; view++)
        if (gr__loop_held(l, view)) st = evaluate_view(l, view, &ev[view]);
    return st;
}

static gr_status conclude(gr_loop *l, const gr_evaluation ev[GR_MAX_VIEWS])
{
    bool best = false;
    gr_status st = GR_OK;
    l->evaluated = l->step;
    l->evaluations++;
    l->validation_cost = ev[0].cost_mean;
    l->validation_error = ev[0].error;
    for (int view = 0; view < l->engine->n_views; view++) {
        if (!gr__loop_held(l, view)) continue;
        if (view > 0) l->average_cost = ev[view].cost_mean, l->average_error = ev[view].error;
        GR_TRY(consider(l, view, &ev[view], &best));
    }
    l->since_best = best ? 0 : l->since_best + 1;
    gr__loop_report(l, GR_PHASE_EVALUATED, best, NULL);
done:
    return st;
}

gr_status gr__loop_validate(gr_loop *l, gr_evaluation *ev)
{
    gr_evaluation all[GR_MAX_VIEWS] = {0};
    gr__loop_report(l, GR_PHASE_VALIDATE, false, NULL);
    gr_status st = evaluate_all(l, all);
    if (st == GR_OK) st = conclude(l, all);
    for (int view = 1; view < l->engine->n_views; view++) gr__evaluation_free(l->ctx, &all[view]);
    *ev = all[0];
    return st;
}
