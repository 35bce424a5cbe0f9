/* Cost and products with the Hessian: plans of the cost, or that differentiate it twice, run over the batches of the
 * samples. */
#include <stdio.h>
#include <string.h>

#include "study/curvature/surface.h"

/* ---- plans ---- */

typedef struct making {
    gr_surface *s;
    int64_t batch;
} making;

/* Adds the products with the feeds v0, v1, .. as outputs. */
static gr_status differentiate(const gr_surface *s, gr_graph *g, gr_val cost)
{
    size_t bytes = sizeof(gr_val) * (s->n_params + 1);
    gr_val *leaf = gr__bump_alloc(s->task.memory, bytes), *slope = gr__bump_alloc(s->task.memory, bytes),
           *product = gr__bump_alloc(s->task.memory, bytes), along = gr_const(g, 0);
    char name[32];
    gr_status st = GR_OK;
    if (!leaf || !slope || !product) return GR_E_MEMORY;
    for (size_t i = 0; i < s->n_params; i++) leaf[i] = gr_param(g, s->params[i].entry.name, s->params[i].entry.shape);
    GR_TRY(gr_gradients(g, cost, leaf, (int)s->n_params, slope));
    for (size_t i = 0; i < s->n_params; i++) {
        snprintf(name, sizeof name, "v%zu", i);
        along =
            gr_add(g, along, gr_sum_all(g, gr_mul(g, slope[i], gr_feed(g, name, GR_REAL, s->params[i].entry.shape))));
    }
    GR_TRY(gr_gradients(g, along, leaf, (int)s->n_params, product));
    for (size_t i = 0; i < s->n_params; i++) {
        snprintf(name, sizeof name, "product%zu", i);
        gr_output(g, name, product[i]);
    }
done:
    return st;
}

static gr_status build(void *user, gr_graph *g)
{
    const making *m = user;
    gr_network_values v;
    gr_status st = gr__network_build(m->s->task.network, g, GR_MODE_EVALUATE, m->batch, true, &v);
    if (st == GR_OK && m->s->order == GR_SURFACE_HESSIAN) st = differentiate(m->s, g, v.cost_sum);
    if (st != GR_OK) return st;
    gr_output(g, "cost_sum", v.cost_sum);
    gr_output(g, "weight_sum", v.weight_sum);
    return gr_graph_status(g);
}

static gr_status add_plan(gr_surface *s, int64_t batch)
{
    making m = {s, batch};
    if (batch == 0) return GR_OK;
    gr_status st = gr__runner_add(&s->run, "curvature", build, &m, &s->of[s->n_plans].plan);
    if (st == GR_OK) s->of[s->n_plans++].batch = batch;
    return st;
}

gr_status gr__surface_open(gr_context *ctx, const gr_recipe *r, const gr_model *m, gr_part part, int64_t samples,
                           gr_surface_order order, gr_surface *s)
{
    gr_status st = GR_OK;
    *s = (gr_surface){.ctx = ctx, .recipe = r, .part = part, .order = order};
    GR_TRY(gr__task_open(ctx, r, 1u << part, m, &s->task));
    s->samples = GR_MIN(samples, s->task.count[part]);
    if (s->samples < 1) GR_TRY(gr__fail(ctx, GR_E_DATA, "there are no %s samples", gr__part_name(part)));
    s->params = gr__network_params(s->task.network, &s->n_params);
    s->n = gr__network_parameter_count(s->task.network);
    if (s->n < 1) GR_TRY(gr__fail(ctx, GR_E_CONFLICT, "the model has no parameters"));
    int64_t batch = GR_MIN(gr__task_evaluation_batch(&s->task), s->samples);
    GR_TRY(gr__runner_open(&s->task, &s->run));
    GR_TRY(add_plan(s, batch));
    GR_TRY(add_plan(s, s->samples % batch));
    GR_TRY(gr__runner_fill(&s->run, m));
    GR_TRY(gr__runner_bind(&s->run));
    gr_loader_options o = gr__task_loader(&s->task, part, false);
    o.batch = batch;
    o.shuffle = GR_SHUFFLE_ONCE;
    o.drop_last = false;
    GR_TRY(gr__loader_create(ctx, &o, &s->loader));
done:
    if (st != GR_OK) gr__surface_close(s);
    return st;
}

void gr__surface_close(gr_surface *s)
{
    if (!s->ctx) return;
    gr__loader_destroy(s->loader);
    gr__runner_close(&s->run);
    gr__task_close(&s->task);
    *s = (gr_surface){0};
}

/* ---- a pass over the samples ---- */

static bool is_double(const gr_surface *s, size_t i)
{
    return s->params[i].entry.shape.rank == 0 || gr_backend_real_bytes(s->task.backend) == sizeof(double);
}

static void put_direction(const gr_surface *s, gr_plan *p, const double *v)
{
    char name[32];
    for (size_t i = 0; i < s->n_params; i++) {
        int64_t n = gr_shape_count(s->params[i].entry.shape);
        snprintf(name, sizeof name, "v%zu", i);
        void *to = gr_plan_feed(p, name, NULL);
        for (int64_t k = 0; to && k < n; k++) {
            if (is_double(s, i))
                ((double *)to)[k] = v[k];
            else
                ((float *)to)[k] = (float)v[k];
        }
        v += n;
    }
}

static void add_product(const gr_surface *s, const gr_plan *p, double *out)
{
    char name[32];
    for (size_t i = 0; i < s->n_params; i++) {
        int64_t n = gr_shape_count(s->params[i].entry.shape);
        snprintf(name, sizeof name, "product%zu", i);
        const void *from = gr_plan_output(p, name, NULL);
        for (int64_t k = 0; k < n; k++)
            out[k] += is_double(s, i) ? ((const double *)from)[k] : (double)((const float *)from)[k];
        out += n;
    }
}

/* v, out: as of a product; NULL: the cost alone. */
static gr_status pass(gr_surface *s, const double *v, double *out)
{
    double cost = 0, weight = 0;
    gr_status st = GR_OK;
    gr__loader_seek(s->loader, 0, 0);
    for (int64_t left = s->samples; left > 0 && st == GR_OK;) {
        gr_batch b;
        int i = left < s->of[0].batch;
        st = gr__loader_next(s->loader, &b);
        if (st != GR_OK) break;
        if (v) put_direction(s, s->of[i].plan, v);
        st = gr__runner_run(&s->run, s->of[i].plan, &b); /* the last plan may take fewer than the batch has */
        if (st != GR_OK) break;
        if (v) add_product(s, s->of[i].plan, out);
        cost += *(const double *)gr_plan_output(s->of[i].plan, "cost_sum", NULL);
        weight += *(const double *)gr_plan_output(s->of[i].plan, "weight_sum", NULL);
        left -= s->of[i].batch;
    }
    double count = weight == 0 ? 1 : weight;
    for (int64_t k = 0; v && k < s->n; k++) out[k] /= count;
    s->cost = gr__cost_mean(cost, weight);
    return st;
}

gr_status gr__surface_pass(gr_surface *s)
{
    return pass(s, NULL, NULL);
}

gr_status gr__hessian_product(gr_surface *s, const double *v, double *out)
{
    memset(out, 0, sizeof *out * (size_t)s->n);
    return pass(s, v, out);
}
