/* Making and running one small plan on the toy backend. */
#include "support/rig.h"

#include <string.h>

#include "support/toy.h"

rig rig_begin_with(int threads)
{
    rig r = {.ctx = test_context_with(threads, 0)};
    assert_int_equal(gr_graph_create(r.ctx, &r.g), GR_OK);
    assert_int_equal(gr_store_create(r.ctx, &toy, &r.store), GR_OK);
    return r;
}

rig rig_begin(void)
{
    return rig_begin_with(1);
}

void rig_end(rig *r)
{
    gr_plan_destroy(r->plan);
    gr_graph_destroy(r->g);
    gr_store_destroy(r->store);
    test_context_end(r->ctx);
}

gr_val rig_entry(rig *r, const char *name, gr_shape shape, bool slot)
{
    test_ok(r->ctx, gr_store_add(r->store, &(gr_entry_spec){.name = name, .shape = shape, .slot = slot}, NULL));
    return slot ? gr_slot(r->g, name, shape) : gr_param(r->g, name, shape);
}

gr_status rig_compile(rig *r)
{
    return gr_plan_compile(r->ctx, r->g, r->store, &(gr_plan_options){.backend = &toy, .name = "test"}, &r->plan);
}

void rig_ready(rig *r)
{
    test_ok(r->ctx, rig_compile(r));
    test_ok(r->ctx, gr_store_seal(r->store));
    test_ok(r->ctx, gr_plan_bind(r->plan, NULL));
}

void rig_set(rig *r, const char *name, double first, double step)
{
    const gr_entry *e = gr_store_find(r->store, name);
    double v[64];
    for (int64_t i = 0; i < e->count; i++) v[i] = first + step * (double)i;
    gr_store_write(r->store, e, v);
}

double rig_at(rig *r, const char *name, int i)
{
    return ((const double *)gr_store_find(r->store, name)->data)[i];
}

double rig_out(rig *r, const char *name, int i)
{
    return ((const double *)gr_plan_output(r->plan, name, NULL))[i];
}

gr__spot rig_spot(const rig *r, gr_val v)
{
    const gr_plan *p = r->plan;
    int b = p->n_buffers - 1;
    for (const gr_node *n; (n = gr__made_by(p->graph, v, GR_OP_RESHAPE)) != NULL;) v = n->in[0];
    while (b > 0 && p->buffers[b].value != v) b--;
    return p->buffers[b].spot;
}

bool rig_has_kernel(const rig *r, const char *name)
{
    for (int i = 0; i < gr_plan_rows(r->plan); i++)
        if (strcmp(gr_plan_row_at(r->plan, i).kernel, name) == 0) return true;
    return false;
}

const char *const rig_tensors[RIG_TENSORS] = {"conv", "bias", "dense", "head", "square"};
const gr_shape rig_shapes[RIG_TENSORS] = {{4, {3, 2, 2, 1}}, {1, {3}}, {2, {4, 3}}, {2, {2, 4}}, {2, {3, 3}}};

void rig_adam(rig *r)
{
    gr_graph *g = r->g;
    gr_val w[5], m[5], v[5], d[5], x, norm = gr_const(g, 0), cost = gr_const(g, 0),
                                      t = rig_entry(r, "t", GR_SCALAR, true);
    for (int i = 0; i < 5; i++) {
        char name[32];
        w[i] = rig_entry(r, rig_tensors[i], rig_shapes[i], false);
        snprintf(name, sizeof name, "%s/m", rig_tensors[i]);
        m[i] = rig_entry(r, name, rig_shapes[i], true);
        snprintf(name, sizeof name, "%s/v", rig_tensors[i]);
        v[i] = rig_entry(r, name, rig_shapes[i], true);
        int64_t n = gr_shape_count(rig_shapes[i]);
        snprintf(name, sizeof name, "x%d", i);
        x = gr_feed(g, name, GR_REAL, GR_SHAPE(n, 2));
        cost = gr_add(g, cost,
                      gr_sum_all(g, gr_exp(g, gr_matmul(g, gr_reshape(g, w[i], GR_SHAPE(1, n)), x, false, false))));
    }
    assert_int_equal(gr_gradients(g, cost, w, 5, d), GR_OK);
    for (int i = 0; i < 5; i++) gr_mark_gradient(g, w[i], d[i]);
    for (int i = 0; i < 5; i++) norm = gr_add(g, norm, gr_sum_all(g, gr_square(g, d[i])));
    gr_val clip = gr_min(g, gr_const(g, 1), gr_recip(g, gr_sqrt(g, norm))), now = gr_add(g, t, gr_const(g, 1));
    gr_val rate = gr_div(g, gr_const(g, 0.1), gr_sub(g, gr_const(g, 1), gr_pow(g, gr_const(g, 0.9), now)));
    for (int i = 0; i < 5; i++) {
        gr_val c = gr_mul(g, d[i], clip);
        gr_val first = gr_add(g, gr_mul(g, gr_const(g, 0.9), m[i]), gr_mul(g, gr_const(g, 0.1), c));
        gr_val second = gr_add(g, gr_mul(g, gr_const(g, 0.99), v[i]), gr_mul(g, gr_const(g, 0.01), gr_square(g, c)));
        gr_assign(g, m[i], first, GR_ASSIGN_UPDATE);
        gr_assign(g, v[i], second, GR_ASSIGN_UPDATE);
        gr_assign(g, w[i],
                  gr_sub(g, w[i], gr_mul(g, rate, gr_div(g, first, gr_add(g, gr_sqrt(g, second), gr_const(g, 1e-3))))),
                  GR_ASSIGN_UPDATE);
    }
    gr_assign(g, t, now, GR_ASSIGN_UPDATE);
    gr_guard(g, cost);
    gr_output(g, "norm", norm);
    gr_output(g, "cost", cost);
}

void rig_feed_adam(rig *r)
{
    for (int i = 0; i < 5; i++) {
        char name[8];
        size_t bytes;
        snprintf(name, sizeof name, "x%d", i);
        double *to = gr_plan_feed(r->plan, name, &bytes);
        for (size_t e = 0; e < bytes / sizeof *to; e++) to[e] = 0.1;
    }
}
