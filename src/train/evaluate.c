/* Evaluation: cost, error, metrics and confusion of one part, with the store's present values. It reads and never
 * writes training state. */
#include <math.h>
#include <string.h>

#include "train/evaluate.h"

/* No figures; what was counted stays. */
static void take_back(gr_evaluation *ev)
{
    ev->finite = false;
    ev->cost_mean = ev->error = NAN;
    for (int h = 0; h < ev->n_heads; h++) {
        gr_head_evaluation *head = &ev->head[h];
        head->cost_sum = head->cost_mean = head->error = NAN;
        head->square_deviation = head->square_about = NAN;
        for (int i = 0; i < GR_MAX_METRICS; i++) head->metric[i] = NAN;
    }
}

gr_status gr__pass_begin(gr_pass *p, gr_engine *e, gr_part part, gr_evaluation *out)
{
    const gr_task *t = e->task;
    char *scores = e->scores, *counts = e->counts;
    gr_status st = GR_OK;
    *p = (gr_pass){.e = e, .out = out};
    *out = (gr_evaluation){.recipe = t->recipe, .metrics = e->metrics, .n_heads = t->recipe->n_heads};
    take_back(out);
    for (int h = 0; h < out->n_heads; h++) out->head[h].cost_sum = 0;
    for (int h = 0; h < p->out->n_heads && st == GR_OK; h++) {
        gr_tally_spec is = gr__engine_tally(p->e, h);
        is.samples = t->count[part] * gr__engine_steps(p->e, h);
        if (gr__engine_scores(p->e, h)) {
            is.scores = scores;
            scores += gr__tally_score_bytes(&is, is.samples);
        }
        is.room = counts;
        if (counts) counts += gr__tally_counts_bytes(&is);
        st = gr__tally_begin(t->ctx, &is, &p->tally[h]);
    }
    return st;
}

/* Of sequences the steps that count, each as a sample. */
static void tally_steps(gr_tally *t, const gr_batch *b, int64_t steps, const int32_t *length, int64_t rows,
                        const char *target, const char *prediction)
{
    size_t real = t->is.wide ? sizeof(double) : sizeof(float);
    int64_t numbers = rows * t->is.outputs;
    bool classes = t->is.form == GR_FORM_CLASS;
    size_t of_target = classes ? sizeof(int32_t) * (size_t)(numbers / t->is.classes) : real * (size_t)numbers;
    for (int64_t i = 0; i < b->n; i++) {
        size_t at = (size_t)(i * steps);
        gr__tally_add(t, (length ? length[i] : steps) * rows, target + at * of_target,
                      prediction + at * (size_t)numbers * real);
    }
}

void gr__pass_take(gr_pass *p, int h, const gr_engine_plan *plan, const gr_batch *b)
{
    const gr_recipe *r = p->e->task->recipe;
    gr_tally *t = &p->tally[h];
    int input = gr__network_lengths(p->e->task->network, h);
    int64_t steps = gr__engine_steps(p->e, h);
    int64_t rows = t->is.form == GR_FORM_DISTRIBUTION ? gr_shape_count(r->head[h].output) / steps / t->is.outputs : 1;
    p->out->head[h].cost_sum += *plan->head[h].cost_sum;
    p->weight_sum[h] += *plan->head[h].weight_sum;
    if (input < 0)
        gr__tally_add(t, b->n * rows, b->field[r->n_inputs + h], plan->head[h].prediction);
    else
        tally_steps(t, b, steps, b->field[gr__length_place(r->n_inputs, r->n_heads, input)], rows,
                    b->field[r->n_inputs + h], plan->head[h].prediction);
}

static gr_status conclude_head(gr_pass *p, int h)
{
    const gr_metrics *m = &p->e->metrics[h];
    gr_tally *t = &p->tally[h];
    gr_head_evaluation *ev = &p->out->head[h];
    gr__tally_finish(t);
    for (int i = 0; i < m->n; i++) ev->metric[i] = m->use[i].member->value(&m->use[i].settings, t);
    ev->confusion = t->confusion;
    t->confusion = NULL;
    if (p->e->choice[h])
        gr__tally_best_threshold(t, &p->e->choice[h]->by, &p->e->choice[h]->best, &p->e->choice[h]->figure);
    if (!p->e->confusion || t->n_hits == 0) return GR_OK;
    ev->hits = t->hits;
    ev->decisions = t->decisions;
    if (t->is.form != GR_FORM_CLASS) return GR_OK;
    ev->majority = gr__tally_majority(t);
    return gr__tally_baseline(t, m, ev->baseline);
}

/* Where a number of it is not finite, an evaluation has no figures at all: the largest of NaNs would be class 0. */
gr_status gr__pass_conclude(gr_pass *p)
{
    const gr_recipe *r = p->e->task->recipe;
    gr_evaluation *ev = p->out;
    double cost = 0;
    bool finite = true;
    for (int h = 0; h < ev->n_heads; h++) {
        gr_head_evaluation *head = &ev->head[h];
        const gr_tally *t = &p->tally[h];
        head->cost_mean = gr__cost_mean(head->cost_sum, p->weight_sum[h]);
        head->error = gr__tally_error(t);
        head->square_deviation = gr__tally_square_deviation(t);
        head->square_about = gr__tally_square_about(t);
        head->classes = (int)t->n_hits;
        ev->outputs += t->samples * t->is.outputs;
        ev->nonfinite += t->nonfinite;
        cost += r->head[h].weight * head->cost_mean;
        finite = finite && isfinite(head->cost_sum) && isfinite(head->cost_mean) && isfinite(head->error);
    }
    ev->finite = finite && ev->nonfinite == 0;
    if (!ev->finite) {
        take_back(ev);
        return GR_OK;
    }
    ev->cost_mean = cost;
    ev->error = ev->n_heads == 1 ? ev->head[0].error : (double)NAN;
    gr_status st = GR_OK;
    for (int h = 0; h < ev->n_heads && st == GR_OK; h++) st = conclude_head(p, h);
    return st;
}

void gr__pass_end(gr_pass *p)
{
    for (int h = 0; h < GR_MAX_TARGETS; h++) gr__tally_end(&p->tally[h]);
}

gr_status gr__evaluate(gr_engine *e, int view, gr_loader *loader, gr_part part, const volatile sig_atomic_t *stop,
                       gr_evaluation *out)
{
    const gr_task *t = e->task;
    gr_pass p;
    gr_status st = GR_OK;
    GR_TRY(gr__pass_begin(&p, e, part, out));
    gr__loader_seek(loader, 0, 0);
    for (gr_batch b = {0}; !b.last;) {
        if (stop && *stop) GR_TRY(GR_E_INTERRUPTED);
        GR_TRY(gr__loader_next(loader, &b));
        gr_engine_plan *plan = gr__engine_find(e, GR_RUN_EVALUATE, b.n, 0, view);
        if (!plan)
            GR_TRY(gr__fail(t->ctx, GR_E_INTERNAL, "no plan to evaluate a %s batch of %lld", gr__part_name(part),
                            (long long)b.n));
        gr__feeds_put(&plan->feeds, &b);
        GR_TRY(gr_plan_run(plan->plan));
        out->samples += b.n;
        if (plan->solves) out->solves += (int64_t)*plan->solves, out->unsolved += (int64_t)*plan->unsolved;
        for (int h = 0; h < out->n_heads; h++) gr__pass_take(&p, h, plan, &b);
    }
    GR_TRY(gr__pass_conclude(&p));
done:
    gr__pass_end(&p);
    if (st != GR_OK) gr__evaluation_free(t->ctx, out);
    return st;
}

void gr__evaluation_free(gr_context *ctx, gr_evaluation *ev)
{
    for (int h = 0; h < ev->n_heads; h++) {
        gr_head_evaluation *head = &ev->head[h];
        if (head->confusion) gr__tensor_free(ctx, head->confusion, (size_t)gr__tally_confusion_bytes(head->classes));
        head->confusion = NULL;
    }
}

void gr__evaluation_void(gr_context *ctx, gr_evaluation *ev)
{
    gr__evaluation_free(ctx, ev);
    ev->beyond_file = true;
    take_back(ev);
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

/* ---- what goes by a figure ---- */

double gr__evaluation_figure(const gr_evaluation *ev, const gr_best_by *by)
{
    if (!ev->finite) return NAN;
    if (by->head < 0) return ev->cost_mean;
    const gr_head_evaluation *head = &ev->head[by->head];
    if (by->what == GR_BEST_METRIC) return head->metric[by->metric];
    return by->what == GR_BEST_COST ? head->cost_mean : head->error;
}

bool gr__figure_lower(const gr_recipe *r, const gr_best_by *by)
{
    return by->what != GR_BEST_METRIC || r->head[by->head].metrics.use[by->metric].member->lower;
}
