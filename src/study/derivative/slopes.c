/* The recipe's model in float64: gradients as compiled, and central differences. [mission P4] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/shape.h"
#include "model/cost_rows.h"
#include "study/derivative/branches.h"
#include "study/derivative/slopes.h"

static const double RESOLVED =
    1.5e-4; /* of the cost: what rounding leaves of a difference (difference.c), at a width of 1e-4, by 1e-6 */

gr_status gr__slopes_build(const gr_slopes *s, gr_graph *g, gr_network_values *v, gr_val *layers, gr_val *cost)
{
    gr_status st = gr__network_build_with(s->task.network, g, s->options.mode, gr__task_batch(&s->task), true,
                                          &(gr_network_options){.layers = layers, .exact = true}, v);
    if (st != GR_OK) return st;
    gr_val count = v->weighted ? gr__weights_divisor(g, v->weight_sum) : v->weight_sum;
    *cost = s->options.as_trained && !s->recipe.reduction_sum ? gr_div(g, v->cost_sum, count) : v->cost_sum;
    return gr_graph_status(g);
}

/* The cost with the recipe's penalties, which belong to the mean: once for each sample of a sum. */
static gr_val with_penalty(const gr_slopes *s, gr_graph *g, const gr_network_values *v, const gr_val *leaf, gr_val cost)
{
    gr_val penalty =
        s->options.as_trained ? GR_NONE : gr__penalty_value(g, &s->recipe.penalties, s->params, leaf, s->n, false);
    return penalty ? gr_add(g, cost, gr_mul(g, penalty, v->weight_sum)) : cost;
}

typedef gr_status add_outputs(gr_slopes *s, gr_graph *g, gr_val cost, const gr_val *leaf);

static gr_status add_gradients(gr_slopes *s, gr_graph *g, gr_val cost, const gr_val *leaf)
{
    gr_val *d = gr__bump_alloc(s->task.memory, sizeof *d * s->n);
    char name[32];
    if (!d) return GR_E_MEMORY;
    gr_status st = gr_gradients(g, cost, leaf, (int)s->n, d);
    for (size_t i = 0; i < s->n && st == GR_OK; i++) {
        gr_solved solved;
        snprintf(name, sizeof name, "gradient%zu", i);
        gr_output(g, name, d[i]);
        if (!gr__value_solved(g, d[i], &solved)) continue;
        snprintf(name, sizeof name, "unsolved%zu", i);
        gr_output(g, name, solved.unsolved);
        s->solves = true;
    }
    return st == GR_OK ? gr_graph_status(g) : st;
}

static gr_status add_branches(gr_slopes *s, gr_graph *g, gr_val cost, const gr_val *leaf)
{
    (void)leaf;
    return gr__branches_mark(g, cost, &s->n_branches);
}

/* The cost, and what `more` adds to it. */
typedef struct making {
    gr_slopes *s;
    add_outputs *more;
} making;

static gr_status make(void *user, gr_graph *g)
{
    const making *m = user;
    gr_slopes *s = m->s;
    gr_network_values v;
    gr_val cost, *leaf = gr__bump_alloc(s->task.memory, sizeof *leaf * s->n);
    if (!leaf) return GR_E_MEMORY;
    gr_status st = gr__slopes_build(s, g, &v, NULL, &cost);
    if (st != GR_OK) return st;
    for (size_t i = 0; i < s->n; i++) leaf[i] = gr_param(g, s->params[i].entry.name, s->params[i].entry.shape);
    cost = with_penalty(s, g, &v, leaf, cost);
    gr_output(g, "cost", cost);
    return m->more ? m->more(s, g, cost, leaf) : gr_graph_status(g);
}

static gr_status add_plan(gr_slopes *s, add_outputs *more, gr_plan **out)
{
    making m = {s, more};
    return gr__runner_add(&s->run, "check", make, &m, out);
}

/* Which rows the loader reads, and the first batch of them. */
static gr_status take_samples(gr_slopes *s)
{
    gr_loader_options o = gr__task_loader(&s->task, GR_PART_TRAIN, false);
    s->rows = *gr__task_trained(&s->task);
    if (s->options.in_order) {
        s->rows.row += s->options.first, s->rows.n -= s->options.first;
        o.rows = &s->rows;
        o.shuffle = GR_SHUFFLE_NONE;
    }
    gr_status st = gr__loader_create(s->ctx, &o, &s->loader);
    return st == GR_OK ? gr__loader_next(s->loader, &s->batch) : st;
}

static gr_status check_range(const gr_slopes *s)
{
    int64_t n = s->task.count[GR_PART_TRAIN], first = s->options.first;
    if (!s->options.exact || (first < n && s->options.batch <= n - first)) return GR_OK;
    if (first >= n)
        return gr__fail(s->ctx, GR_E_RANGE, "there is no sample %lld: the training part has %lld, counted from 0",
                        (long long)first, (long long)n);
    return gr__fail(s->ctx, GR_E_RANGE, "a batch of %lld samples from sample %lld on: the training part has %lld",
                    (long long)s->options.batch, (long long)first, (long long)n);
}

gr_status gr__slopes_open(gr_context *ctx, const gr_recipe *r, const gr_slopes_options *o, gr_slopes *s)
{
    gr_status st = GR_OK;
    *s = (gr_slopes){.ctx = ctx, .options = *o, .recipe = *r};
    s->recipe.device = "ref";
    s->recipe.float64 = true;
    s->recipe.data.batch = s->recipe.data.batch && !o->exact ? GR_MIN(s->recipe.data.batch, o->batch) : o->batch;
    GR_TRY(gr__task_open(ctx, &s->recipe, 1u << GR_PART_TRAIN, o->model, &s->task));
    GR_TRY(check_range(s));
    s->params = gr__network_params(s->task.network, &s->n);
    GR_TRY(gr__runner_open(&s->task, &s->run));
    s->store = s->run.store;
    GR_TRY(add_plan(s, add_gradients, &s->slope));
    GR_TRY(add_plan(s, NULL, &s->cost));
    GR_TRY(add_plan(s, add_branches, &s->branch));
    GR_TRY(gr__runner_fill(&s->run, o->model));
    GR_TRY(gr__runner_bind(&s->run));
    GR_TRY(take_samples(s));
done:
    if (st != GR_OK) gr__slopes_close(s);
    return st;
}

void gr__slopes_close(gr_slopes *s)
{
    if (!s->ctx) return;
    gr__loader_destroy(s->loader);
    gr__runner_close(&s->run);
    gr__task_close(&s->task);
    *s = (gr_slopes){0};
}

gr_status gr__slopes_run(gr_slopes *s, gr_plan *p, double *cost)
{
    gr_status st = gr__runner_run(&s->run, p, &s->batch);
    s->work += gr__slopes_flops(p);
    if (st == GR_OK) *cost = *(const double *)gr_plan_output(p, "cost", NULL);
    return st;
}

gr_status gr__slopes_branches(gr_slopes *s, uint64_t *number)
{
    double cost;
    gr_status st = gr__slopes_run(s, s->branch, &cost);
    if (st == GR_OK) *number = gr__branches_read(s->branch, s->n_branches);
    return st;
}

double gr__slopes_flops(const gr_plan *p)
{
    double sum = 0;
    for (int i = 0; i < gr_plan_rows(p); i++) sum += gr_plan_row_at(p, i).flops;
    return sum;
}

const double *gr__slopes_gradient(const gr_slopes *s, size_t i)
{
    char name[32];
    snprintf(name, sizeof name, "gradient%zu", i);
    return gr_plan_output(s->slope, name, NULL);
}

bool gr__slopes_found(const gr_slopes *s, size_t i)
{
    char name[32];
    snprintf(name, sizeof name, "unsolved%zu", i);
    const double *unsolved = gr_plan_output(s->slope, name, NULL);
    return !unsolved || *unsolved == 0;
}

double gr__slopes_scale(const double *gradient, int64_t count, double cost)
{
    double scale = RESOLVED * fmax(fabs(cost), 1);
    for (int64_t k = 0; k < count; k++) scale = fmax(scale, fabs(gradient[k]));
    return scale;
}
