/* Lowering: what a backend has no kernel for becomes its decomposition. */
#include "graph/op.h"
#include "plan/backend.h"
#include "plan/plan.h"
#include "plan/rebuild.h"

bool gr__backend_accepts(const gr_backend *b, const gr_graph *g, const gr_node *n)
{
    if (n->op->class == GR_CLASS_LEAF || n->op->class == GR_CLASS_LOOP) return true; /* those are the plan's own */
    return b->accepts ? b->accepts(g, n) : n->op->ref != NULL;
}

bool gr__plan_must_lower(const gr_backend *b, const gr_graph *g)
{
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++)
        if (!gr__backend_accepts(b, g, gr__node(g, k))) return true;
    return false;
}

static void lower(gr__rebuild *r, const gr_node *n, const gr_val *in, gr_val *out)
{
    const gr_backend *b = r->user;
    if (gr__backend_accepts(b, r->from, n))
        gr__rebuilt(r, n, gr__node_copy(r->to, r->from, n, in), out);
    else if (n->op->decompose)
        gr__decompose(r->to, n->op, &n->attr, in, n->n_in, gr__value(r->from, n->out), out);
    else
        gr_graph_fail(r->to, GR_E_UNSUPPORTED, "%s: backend \"%s\" has no kernel, and it is not said by others",
                      n->op->name, b->name);
}

gr_status gr__plan_lower(gr_context *ctx, const gr_backend *b, const gr_graph *from, int round, gr_graph **out)
{
    if (round >= GR__DEEPEST)
        return gr__fail(ctx, GR_E_INTERNAL, "backend \"%s\": what is to be said by others has no end", b->name);
    return gr__rebuild_graph(ctx, from, lower, b, out);
}
