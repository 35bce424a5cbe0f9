/* Products with the Hessian: plans that differentiate twice, run over the batches of the samples. */
#include <stdio.h>
#include <string.h>

#include "study/curvature/hessian.h"

/* ---- plans ---- */

typedef struct making {
    gr_hessian *h;
    int64_t batch;
} making;

static gr_status build(void *user, gr_graph *g)
{
    const making *m = user;
    const gr_hessian *h = m->h;
    size_t bytes = sizeof(gr_val) * (h->n_params + 1);
    gr_val *leaf = gr__bump_alloc(h->task.memory, bytes), *slope = gr__bump_alloc(h->task.memory, bytes),
           *product = gr__bump_alloc(h->task.memory, bytes), along = gr_const(g, 0);
    gr_network_values v;
    char name[32];
    gr_status st = GR_OK;
    if (!leaf || !slope || !product) return GR_E_MEMORY;
    GR_TRY(gr__network_build(h->task.network, g, GR_MODE_EVALUATE, m->batch, true, &v));
    for (size_t i = 0; i < h->n_params; i++) leaf[i] = gr_param(g, h->params[i].entry.name, h->params[i].entry.shape);
    GR_TRY(gr_gradients(g, v.cost_sum, leaf, (int)h->n_params, slope));
    for (size_t i = 0; i < h->n_params; i++) {
        snprintf(name, sizeof name, "v%zu", i);
        along =
            gr_add(g, along, gr_sum_all(g, gr_mul(g, slope[i], gr_feed(g, name, GR_REAL, h->params[i].entry.shape))));
    }
    GR_TRY(gr_gradients(g, along, leaf, (int)h->n_params, product));
    for (size_t i = 0; i < h->n_params; i++) {
        snprintf(name, sizeof name, "product%zu", i);
        gr_output(g, name, product[i]);
    }
    gr_output(g, "cost_sum", v.cost_sum);
    gr_output(g, "weight_sum", v.weight_sum);
    st = gr_graph_status(g);
done:
    return st;
}

static gr_status add_plan(gr_hessian *h, int64_t batch)
{
    making m = {h, batch};
    if (batch == 0) return GR_OK;
    gr_status st = gr__runner_add(&h->run, "curvature", build, &m, &h->of[h->n_plans].plan);
    if (st == GR_OK) h->of[h->n_plans++].batch = batch;
    return st;
}

gr_status gr__hessian_open(gr_context *ctx, const gr_recipe *r, const gr_model *m, gr_part part, int64_t samples,
                           gr_hessian *h)
{
    gr_status st = GR_OK;
    *h = (gr_hessian){.ctx = ctx, .recipe = r, .part = part};
    GR_TRY(gr__task_open(ctx, r, 1u << part, m, &h->task));
    h->samples = GR_MIN(samples, h->task.count[part]);
    if (h->samples < 1) GR_TRY(gr__fail(ctx, GR_E_DATA, "there are no %s samples", gr__part_name(part)));
    h->params = gr__network_params(h->task.network, &h->n_params);
    h->n = gr__network_parameter_count(h->task.network);
    if (h->n < 1) GR_TRY(gr__fail(ctx, GR_E_CONFLICT, "the model has no parameters"));
    int64_t batch = GR_MIN(gr__task_evaluation_batch(&h->task), h->samples);
    GR_TRY(gr__runner_open(&h->task, &h->run));
    GR_TRY(add_plan(h, batch));
    GR_TRY(add_plan(h, h->samples % batch));
    GR_TRY(gr__runner_fill(&h->run, m));
    GR_TRY(gr__runner_bind(&h->run));
    gr_loader_options o = gr__task_loader(&h->task, part, false);
    o.batch = batch;
    o.shuffle = GR_SHUFFLE_ONCE;
    o.drop_last = false;
    GR_TRY(gr__loader_create(ctx, &o, &h->loader));
done:
    if (st != GR_OK) gr__hessian_close(h);
    return st;
}

void gr__hessian_close(gr_hessian *h)
{
    if (!h->ctx) return;
    gr__loader_destroy(h->loader);
    gr__runner_close(&h->run);
    gr__task_close(&h->task);
    *h = (gr_hessian){0};
}

/* ---- a product ---- */

static bool is_double(const gr_hessian *h, size_t i)
{
    return h->params[i].entry.shape.rank == 0 || gr_backend_real_bytes(h->task.backend) == sizeof(double);
}

static void put_direction(const gr_hessian *h, gr_plan *p, const double *v)
{
    char name[32];
    for (size_t i = 0; i < h->n_params; i++) {
        int64_t n = gr_shape_count(h->params[i].entry.shape);
        snprintf(name, sizeof name, "v%zu", i);
        void *to = gr_plan_feed(p, name, NULL);
        for (int64_t k = 0; to && k < n; k++) {
            if (is_double(h, i))
                ((double *)to)[k] = v[k];
            else
                ((float *)to)[k] = (float)v[k];
        }
        v += n;
    }
}

static void add_product(const gr_hessian *h, const gr_plan *p, double *out)
{
    char name[32];
    for (size_t i = 0; i < h->n_params; i++) {
        int64_t n = gr_shape_count(h->params[i].entry.shape);
        snprintf(name, sizeof name, "product%zu", i);
        const void *from = gr_plan_output(p, name, NULL);
        for (int64_t k = 0; k < n; k++)
            out[k] += is_double(h, i) ? ((const double *)from)[k] : (double)((const float *)from)[k];
        out += n;
    }
}

gr_status gr__hessian_product(gr_hessian *h, const double *v, double *out)
{
    double cost = 0, weight = 0;
    gr_status st = GR_OK;
    memset(out, 0, sizeof *out * (size_t)h->n);
    gr__loader_seek(h->loader, 0, 0);
    for (int64_t left = h->samples; left > 0 && st == GR_OK;) {
        gr_batch b;
        int i = left < h->of[0].batch;
        st = gr__loader_next(h->loader, &b);
        if (st != GR_OK) break;
        put_direction(h, h->of[i].plan, v);
        st = gr__runner_run(&h->run, h->of[i].plan, &b); /* the last plan may take fewer than the batch has */
        if (st != GR_OK) break;
        add_product(h, h->of[i].plan, out);
        cost += *(const double *)gr_plan_output(h->of[i].plan, "cost_sum", NULL);
        weight += *(const double *)gr_plan_output(h->of[i].plan, "weight_sum", NULL);
        left -= h->of[i].batch;
    }
    double count = weight == 0 ? 1 : weight;
    for (int64_t k = 0; k < h->n; k++) out[k] /= count;
    h->cost = gr__cost_mean(cost, weight);
    return st;
}
