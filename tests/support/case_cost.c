/* Costs: values, weights, mean, gradient, prediction, and the reference of one sample. */
#include "support/case_cost.h"

static gr_shape ev_sample(gr_shape batch)
{
    gr_shape sample = {.rank = batch.rank - 1};
    for (int i = 1; i < batch.rank; i++) sample.dim[i - 1] = batch.dim[i];
    return sample;
}

/* The member's plain arithmetic of one sample agrees with the evidence too, and its weights. */
static bool ev_reference(const ev_bench *b, const gr_cost *m, const gr_settings *s, const ev_case *c, verdict *v)
{
    const ev_tensor *z = ev_find(c, "output"), *y = ev_find(c, "target"), *each = ev_find(c, "each_evaluate"),
                    *weight = ev_find(c, "weight");
    int64_t rows = z->shape.dim[0], n = z->n / rows;
    bool classes = m->reading(ev_sample(z->shape)).target == GR_FORM_CLASS;
    double *got = calloc((size_t)(rows + n), sizeof *got), *hot = got + rows;
    for (int64_t i = 0; i < rows; i++) {
        int64_t label = classes ? (int64_t)y->v[i] : 0;
        for (int64_t k = 0; k < n; k++) hot[k] = !classes ? y->v[i * n + k] : n == 1 ? y->v[i] : k == label;
        double w = m->weigh ? m->weigh(s, NULL, label) : 1;
        if (weight && w != weight->v[i]) got[i] = NAN;
        got[i] += w * m->reference(s, z->v + i * n, hot, n);
    }
    bool ok = ev_near(v, c, "reference", got, each->v, rows, b->tolerance);
    free(got);
    return ok;
}

static bool ev_cost_case(ev_bench *b, const void *member, const ev_case *c, verdict *v)
{
    const gr_cost *m = member;
    gr_settings s;
    ev_leaves l = {.backend = b->backend};
    gr_build build = {.ctx = b->ctx, .g = b->g, .mode = GR_MODE_TRAIN, .memory = b->memory, .layer = "cost"};
    const ev_tensor *z = ev_find(c, "output"), *y = ev_find(c, "target");
    if (!z || !y || gr__settings_make(b->ctx, b->memory, &m->head, b->tree, GR_PRESET_CHAPTER, NULL, &s) != GR_OK)
        return ev_failed(v, b->ctx, c, "settings");
    gr_val output = gr_feed(b->g, "output", GR_REAL, z->shape),
           target = gr_feed(b->g, "target", m->reading(ev_sample(z->shape)).target == GR_FORM_CLASS ? GR_I32 : GR_REAL,
                            y->shape);
    ev_leaf(&l, "output", z->v);
    ev_leaf(&l, "target", y->v);
    if (m->check && !m->check(&build, &s, ev_sample(z->shape), 0)) return ev_failed(v, b->ctx, c, "check");
    gr_cost_value cost = m->build(&build, &s, output, target, true),
                  evaluated = m->build(&build, &s, output, target, false);
    if (!ev_holds(v, b->ctx, c, b->g, cost.each, &l, "each", b->tolerance)) return false;
    if (!ev_holds(v, b->ctx, c, b->g, evaluated.each, &l, "each_evaluate", b->tolerance)) return false;
    if ((cost.weight != GR_NONE) != (ev_find(c, "weight") != NULL))
        return ev_bad(v, c, "weight", "given by one of member and evidence only");
    if (cost.weight && !ev_holds(v, b->ctx, c, b->g, cost.weight, &l, "weight", b->tolerance)) return false;
    gr_val count = cost.weight ? gr_sum_all(b->g, cost.weight) : gr_const(b->g, (double)z->shape.dim[0]), slope;
    gr_val mean = gr_div(b->g, gr_sum_all(b->g, cost.each), count);
    if (!ev_holds(v, b->ctx, c, b->g, mean, &l, "mean", b->tolerance)) return false;
    if (gr_gradients(b->g, mean, &output, 1, &slope) != GR_OK) return ev_failed(v, b->ctx, c, "gradient");
    if (m->reference && !b->backend && !ev_reference(b, m, &s, c, v)) return false;
    return ev_holds(v, b->ctx, c, b->g, slope, &l, "doutput", b->tolerance) &&
           ev_holds(v, b->ctx, c, b->g, m->predict(&build, &s, output), &l, "prediction", b->tolerance);
}

bool check_cost(const gr_cost *m, const evidence *e, verdict *v)
{
    return ev_check(ev_cost_case, m, e, NULL, 1e-10, v);
}

bool check_cost_on(const gr_cost *m, const evidence *e, const gr_backend *backend, double tolerance, verdict *v)
{
    return ev_check(ev_cost_case, m, e, backend, tolerance, v);
}
