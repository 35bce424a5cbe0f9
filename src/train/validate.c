/* Validation: of the model and of averaged weights, statistics of their own first; which is best so far. */
#include <math.h>
#include <stdio.h>

#include "train/loop.h"

void gr__validate_states(gr_loop *l, gr_states *s)
{
    const gr_state_row rows[] = {
        {"stop/evaluated", GR_STATE_I64, &l->evaluated},
        {"stop/evaluations", GR_STATE_I64, &l->evaluations},
        {"stop/since_best", GR_STATE_I64, &l->since_best},
        {"best/step", GR_STATE_I64, &l->best_step},
        {"best/figure", GR_STATE_REAL, &l->best_figure},
        {"best/cost", GR_STATE_REAL, &l->best_cost},
        {"best/error", GR_STATE_REAL, &l->best_error},
        {"best/view", GR_STATE_I64, &l->best_view},
        {"validation/cost", GR_STATE_REAL, &l->validation_cost},
        {"validation/error", GR_STATE_REAL, &l->validation_error},
        {"training/error", GR_STATE_REAL, &l->train_error},
        {"average/cost", GR_STATE_REAL, &l->average_cost},
        {"average/error", GR_STATE_REAL, &l->average_error},
        {"average/held", GR_STATE_I64, &l->average_held},
        {"model/measured", GR_STATE_I64, &l->measured[0]},
        {"average/measured", GR_STATE_I64, &l->measured[1]},
        {"monitor/step", GR_STATE_I64, &l->watched.step},
        {"monitor/since", GR_STATE_I64, &l->watched.since},
        {"monitor/figure", GR_STATE_REAL, &l->watched.figure},
        {"monitor/cost", GR_STATE_REAL, &l->watched.cost},
        {"patience/step", GR_STATE_I64, &l->patience.step},
        {"patience/best_step", GR_STATE_I64, &l->patience.best_step},
        {"patience/cost", GR_STATE_REAL, &l->patience.cost},
        {"patience/error", GR_STATE_REAL, &l->patience.error},
        {"patience/best_cost", GR_STATE_REAL, &l->patience.best_cost},
        {"patience/best_error", GR_STATE_REAL, &l->patience.best_error},
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
    gr_engine_plan *p = gr__engine_find(l->engine, GR_RUN_STATISTICS, b->n, b->steps, view);
    if (!p) return gr__fail(l->ctx, GR_E_INTERNAL, "no plan for the statistics of a batch of %lld", (long long)b->n);
    gr__feeds_put(&p->feeds, b);
    gr__feeds_moment(&p->feeds, l->recipe->seed, 0, before); /* random numbers depend on no moment of looking */
    if (p->feeds.share)
        *p->feeds.share =
            l->recipe->average.by_batches ? 1.0 / (double)(b->index + 1) : (double)b->n / (double)(before + b->n);
    return gr_plan_run(p->plan);
}

/* A number that is another one whenever the view's weights are others; never 0. */
static int64_t version_of(const gr_loop *l, int view)
{
    return l->engine->view[view].counter ? gr__loop_held(l, view) : l->step + 1;
}

gr_status gr__loop_measure(gr_loop *l, int view)
{
    int64_t version = version_of(l, view), before = 0;
    gr_status st = GR_OK;
    if (!gr__engine_find(l->engine, GR_RUN_STATISTICS, gr__task_batch(l->task), 0, view) ||
        l->measured[view] == version)
        return GR_OK;
    gr__loader_seek(l->loader, 0, 0);
    for (gr_batch b = {0}; !b.last && st == GR_OK; before += b.n) {
        gr__loop_report(l, GR_PHASE_STATISTICS, false, NULL);
        st = l->options->stop && *l->options->stop ? GR_E_INTERRUPTED : gr__loader_next(l->loader, &b);
        if (st == GR_OK) st = measure_batch(l, view, &b, before);
    }
    gr__loader_seek(l->loader, l->epoch, l->index);
    if (st == GR_OK) l->measured[view] = version;
    return st;
}

/* What decides which model is better, turned so that lower is better; not finite: worse than any. */
static double figure_of(const gr_loop *l, const gr_best_by *by, const gr_evaluation *ev)
{
    double figure = gr__evaluation_figure(ev, by);
    return gr__figure_lower(l->recipe, by) ? figure : -figure;
}

/* Better than the best so far, of update `step` (0: there is none)? Ties are decided by the cost, among them those of
 * figures that have no value (auc of one class); of equal costs the earlier stays. */
static bool is_better(const gr_evaluation *ev, double figure, int64_t step, double best_figure, double best_cost)
{
    bool has = isfinite(figure), had = isfinite(best_figure);
    if (!ev->finite) return false;
    if (step == 0 || (has && !had)) return true;
    if (has != had) return false;
    return has && figure != best_figure ? figure < best_figure : ev->cost_mean < best_cost;
}

/* What `stop.monitor` watches. */
static void watch(gr_loop *l, const gr_evaluation *ev, bool *better)
{
    double figure = figure_of(l, &l->recipe->stop.monitor, ev);
    if (!is_better(ev, figure, l->watched.step, l->watched.figure, l->watched.cost)) return;
    *better = true;
    l->watched.step = l->step;
    l->watched.figure = figure;
    l->watched.cost = ev->cost_mean;
}

static gr_status consider(gr_loop *l, int view, const gr_evaluation *ev, bool *best)
{
    double figure = figure_of(l, &l->recipe->best_by, ev);
    if (!is_better(ev, figure, l->best_step, l->best_figure, l->best_cost)) return GR_OK;
    *best = true;
    l->best_step = l->step;
    l->best_figure = figure;
    l->best_cost = ev->cost_mean;
    l->best_error = ev->error;
    l->best_view = view;
    return gr__loop_save_model(l, "best.safetensors", view);
}

/* Keeps a view's figures. The first of several evaluations in a row that are not finite is warned of. */
static void keep_figures(gr_loop *l, int view, const gr_evaluation *ev)
{
    bool before =
        view ? l->average_held == 0 || isfinite(l->average_cost) : l->evaluations == 0 || isfinite(l->validation_cost);
    char of[64];
    snprintf(of, sizeof of, "step %lld%s", (long long)l->step, view ? ", the average" : "");
    if (before) gr__evaluation_warn(l->ctx, of, ev);
    if (view == 0) {
        l->validation_cost = ev->cost_mean, l->validation_error = ev->error;
    } else {
        l->average_cost = ev->cost_mean, l->average_error = ev->error;
        l->average_held = gr__loop_held(l, view);
    }
}

/* Would the weights of a view be infinite in a model file? `ref` computes in double whatever the precision, and a file
 * of float32 holds less. */
static bool fits_file(const gr_loop *l, int view)
{
    const gr_store *s = l->engine->store;
    if (l->recipe->float64 || gr_backend_real_bytes(l->task->backend) == sizeof(float)) return true;
    for (int i = 0; i < gr_store_count(s); i++) {
        const gr_entry *e = gr_store_entry(s, i), *held;
        char name[512];
        snprintf(name, sizeof name, "%s/%s", e->spec.name,
                 l->engine->view[view].slot ? l->engine->view[view].slot : "");
        if (e->spec.slot && !e->spec.saved) continue;
        held = l->engine->view[view].slot ? gr_store_find(s, name) : NULL;
        const double *x = (held ? held : e)->data;
        for (int64_t k = 0; k < e->count; k++)
            if (!isfinite((float)x[k])) return false;
    }
    return true;
}

/* The model that is evaluated is the one that a file would hold. */
static gr_status evaluate_view(gr_loop *l, int view, gr_evaluation *ev)
{
    gr_status st = gr__loop_measure(l, view);
    if (st == GR_OK) st = gr__evaluate(l->engine, view, l->validation, GR_PART_VALIDATION, l->options->stop, ev);
    if (st == GR_OK && ev->finite && !fits_file(l, view)) gr__evaluation_void(l->ctx, ev);
    return st;
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
    bool best = false, better = false;
    gr_status st = GR_OK;
    for (int view = 0; view < l->engine->n_views; view++) {
        if (!gr__loop_held(l, view)) continue;
        keep_figures(l, view, &ev[view]);
        GR_TRY(consider(l, view, &ev[view], &best));
        if (l->recipe->stop.monitored) watch(l, &ev[view], &better);
    }
    l->evaluated = l->step;
    l->evaluations++;
    l->since_best = best ? 0 : l->since_best + 1;
    l->watched.since = better ? 0 : l->watched.since + 1;
    gr__loop_report_evaluated(l, best, &ev[0]);
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

/* What the end leaves unevaluated, of every view, is evaluated and may be best as any evaluation may. */
gr_status gr__loop_validate_end(gr_loop *l)
{
    gr_status st = GR_OK;
    bool best;
    for (int view = 0; view < l->engine->n_views && st == GR_OK; view++) {
        gr_evaluation ev = {0};
        bool known = view ? l->average_held == gr__loop_held(l, view) : l->evaluations && l->evaluated == l->step;
        if (known || !gr__loop_held(l, view)) continue;
        st = evaluate_view(l, view, &ev);
        if (st == GR_OK) keep_figures(l, view, &ev);
        if (st == GR_OK) st = consider(l, view, &ev, &best);
        gr__evaluation_free(l->ctx, &ev);
    }
    return st;
}

/* ---- the training error ---- */

bool gr__loop_judges(const gr_recipe *r, const gr_train_options *o)
{
    return o->train_error || r->stop.train_error_below > 0;
}

/* The first of them, as many whole batches as SOME holds, or all where there are fewer. */
gr_status gr__loop_judge_open(gr_loop *l)
{
    enum { SOME = 4096 };
    if (!gr__loop_judges(l->recipe, l->options)) return GR_OK;
    int64_t batch = gr__task_evaluation_batch(l->task);
    l->some = l->task->rows[GR_PART_TRAIN];
    if (l->some.n > SOME && SOME >= batch) l->some.n = SOME / batch * batch;
    gr_loader_options o = gr__task_loader(l->task, GR_PART_TRAIN, false);
    o.batch = batch;
    o.rows = &l->some;
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    return gr__loader_create(l->ctx, &o, &l->training);
}

gr_status gr__loop_judge(gr_loop *l)
{
    gr_evaluation ev = {0};
    if (!l->training) return GR_OK;
    gr_status st = gr__evaluate(l->engine, 0, l->training, GR_PART_TRAIN, l->options->stop, &ev);
    if (st == GR_OK) l->train_error = ev.error;
    gr__evaluation_free(l->ctx, &ev);
    return st;
}
