/* Formulas and their descent. Every run of the plan is an update: cost, gradient, optimizer and assignment are one
 * graph. */
#include "study/steps/descent.h"

#include <string.h>

#include "optim/optim.h"

static gr_status formula_graph(gr_graph *g, const gr_formula *f, int64_t n, bool slope, bool curvature)
{
    gr_val w = gr_feed(g, "w", GR_REAL, GR_SHAPE(n, f->dimensions)), cost = f->cost(g, w, f->user), d, d2;
    gr_output(g, "cost", cost);
    gr_status st = gr_graph_status(g);
    if (st != GR_OK || !slope) return st;
    st =
        gr_gradients(g, gr_sum_all(g, cost), &w, 1, &d); /* rows do not meet, so the sum's gradient is each row's own */
    if (st != GR_OK) return st;
    gr_output(g, "slope", d);
    if (curvature) {
        st = gr_gradients(g, gr_sum_all(g, d), &w, 1, &d2);
        if (st != GR_OK) return st;
        gr_output(g, "curvature", d2);
    }
    return gr_graph_status(g);
}

static void take(const gr_plan *p, const char *name, double *to, int64_t n)
{
    if (to) memcpy(to, gr_plan_output(p, name, NULL), sizeof *to * (size_t)n);
}

gr_status gr__formula_at(gr_context *ctx, const gr_formula *f, const double *w, int64_t n, double *cost, double *slope,
                         double *curvature)
{
    const gr_backend *backend = gr_backend_get("ref");
    gr_graph *g = NULL;
    gr_store *store = NULL;
    gr_plan *plan = NULL;
    gr_status st = GR_OK;
    size_t bytes;
    if (curvature && f->dimensions != 1)
        GR_TRY(gr__fail(ctx, GR_E_INTERNAL, "a curvature of %lld dimensions", (long long)f->dimensions));
    GR_TRY(gr_graph_create(ctx, &g));
    GR_TRY(gr_store_create(ctx, backend, &store));
    GR_TRY(formula_graph(g, f, n, slope || curvature, curvature));
    GR_TRY(gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = backend, .name = "formula"}, &plan));
    GR_TRY(gr_store_seal(store));
    GR_TRY(gr_plan_bind(plan, NULL));
    void *feed = gr_plan_feed(plan, "w", &bytes);
    if (feed) memcpy(feed, w, bytes);
    GR_TRY(gr_plan_run(plan));
    take(plan, "cost", cost, n);
    take(plan, "slope", slope, n * f->dimensions);
    take(plan, "curvature", curvature, n);
done:
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    return st;
}

/* A formula has no second method, no slow weights and no H z to offer. */
static gr_status check(gr_context *ctx, const gr_optim *o)
{
    const gr_method *m = &o->method[0];
    if (o->n_methods == 1 && m->lookahead.k == 0 && !m->member->curvature_every) return GR_OK;
    return gr__fail(ctx, GR_E_UNSUPPORTED, "%s cannot descend a formula: train a recipe with it", m->member->head.name);
}

static gr_status descent_graph(gr_descent *d, gr_graph *g, const gr_formula *f, const gr_optim *o)
{
    gr_param_info info = {
        .entry = {.name = "w", .shape = GR_SHAPE(1, f->dimensions)}, .fan_in = f->dimensions, .fan_out = 1};
    gr_status st = gr_store_add(d->store, &info.entry, NULL);
    if (st != GR_OK) return st;
    gr_val w = gr_param(g, "w", info.entry.shape), lr = gr_feed(g, "lr", GR_REAL, GR_SCALAR), slope;
    gr_val point = gr__optim_point(g, d->store, o, 0, NULL, &info, lr);
    gr_output(g, "cost", gr_sum_all(g, f->cost(g, w, f->user)));
    gr_val cost = gr_sum_all(g, f->cost(g, point, f->user));
    st = gr_graph_status(g);
    if (st == GR_OK) st = gr_gradients(g, cost, &point, 1, &slope);
    if (st != GR_OK) return st;
    gr_update_spec u = {
        .optim = o, .params = &info, .leaves = &w, .grads = &slope, .n = 1, .count = gr_const(g, 1), .lr = lr};
    gr_update_values v;
    return gr__optim_build(g, d->store, &u, &v);
}

gr_status gr__descent_open(gr_context *ctx, const gr_formula *f, const char *optimizer, gr_descent *d)
{
    const gr_backend *backend = gr_backend_get("ref");
    gr__bump *memory = gr__bump_create(ctx);
    gr_graph *g = NULL;
    gr_optim o;
    gr_status st = memory ? GR_OK : GR_E_MEMORY;
    *d = (gr_descent){.ctx = ctx, .dimensions = f->dimensions};
    gr_tree *tree = memory ? gr__tree_flow(memory, optimizer) : NULL;
    if (!tree) GR_TRY(GR_E_MEMORY);
    GR_TRY(gr__optim_make(ctx, memory, tree, GR_PRESET_CHAPTER, &o));
    GR_TRY(check(ctx, &o));
    GR_TRY(gr_graph_create(ctx, &g));
    GR_TRY(gr_store_create(ctx, backend, &d->store));
    GR_TRY(descent_graph(d, g, f, &o));
    GR_TRY(gr_plan_compile(ctx, g, d->store, &(gr_plan_options){.backend = backend, .name = "descent"}, &d->plan));
    GR_TRY(gr_store_seal(d->store));
    GR_TRY(gr_plan_bind(d->plan, NULL));
    d->w = gr_store_find(d->store, "w");
    d->cost = gr_plan_output(d->plan, "cost", NULL);
    d->lr = gr_plan_feed(d->plan, "lr", NULL);
done:
    gr_graph_destroy(g);
    gr__bump_destroy(memory);
    return st;
}

void gr__descent_close(gr_descent *d)
{
    if (!d->ctx) return;
    gr_plan_destroy(d->plan);
    gr_store_destroy(d->store);
    *d = (gr_descent){0};
}

void gr__descent_start(gr_descent *d, const double *w)
{
    for (int i = 0; i < gr_store_count(d->store); i++) {
        const gr_entry *e = gr_store_entry(d->store, i);
        for (int64_t k = 0; k < e->count && e->spec.slot; k++)
            ((double *)e->data)[k] = e->spec.initial; /* ref: all reals are double */
    }
    gr_store_write(d->store, d->w, w);
}

gr_status gr__descent_step(gr_descent *d, double lr, double *cost, double *w)
{
    if (d->lr) *d->lr = lr;
    gr_status st = gr_plan_run(d->plan);
    if (st != GR_OK) return st;
    if (cost) *cost = *d->cost;
    if (w) gr_store_read(d->store, d->w, w);
    return GR_OK;
}
