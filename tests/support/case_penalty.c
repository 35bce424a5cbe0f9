/* Penalties: value, gradient and proximal step. */
#include "support/case_penalty.h"

static bool ev_penalty_case(ev_bench *b, const void *member, const ev_case *c, verdict *v)
{
    const gr_penalty *m = member;
    const ev_tensor *w = ev_find(c, "w"), *threshold = ev_find(c, "threshold");
    ev_leaves l = {.backend = b->backend};
    if (!w) return ev_bad(v, c, "evidence", "w is missing");
    gr_val leaf = gr_param(b->g, "w", w->shape), value = m->value(b->g, leaf), slope;
    ev_leaf(&l, "w", w->v);
    if (!ev_holds(v, b->ctx, c, b->g, value, &l, "value", b->tolerance)) return false;
    if (gr_gradients(b->g, value, &leaf, 1, &slope) != GR_OK) return ev_failed(v, b->ctx, c, "gradient");
    if (!ev_holds(v, b->ctx, c, b->g, slope, &l, "slope", b->tolerance)) return false;
    if ((m->proximal != NULL) != (threshold != NULL))
        return ev_bad(v, c, "proximal", "given by one of member and evidence only");
    if (!threshold) return true;
    ev_leaf(&l, "threshold", threshold->v);
    gr_val after = m->proximal(b->g, leaf, gr_feed(b->g, "threshold", GR_REAL, GR_SCALAR));
    return ev_holds(v, b->ctx, c, b->g, after, &l, "proximal", b->tolerance);
}

bool check_penalty(const gr_penalty *m, const evidence *e, verdict *v)
{
    return ev_check(ev_penalty_case, m, e, NULL, 1e-12, v);
}

bool check_penalty_on(const gr_penalty *m, const evidence *e, const gr_backend *backend, double tolerance, verdict *v)
{
    return ev_check(ev_penalty_case, m, e, backend, tolerance, v);
}
