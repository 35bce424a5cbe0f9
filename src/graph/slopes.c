/* Gradients with respect to values inside a graph, also of those that are passed by. */
#include "graph/slopes.h"

#include "graph/op.h"
#include "graph/shape.h"

static const gr_node *moves(const gr_graph *g, gr_val v)
{
    const gr_node *n = gr__made_by(g, v, GR_OP_RESHAPE);
    return n ? n : gr__made_by(g, v, GR_OP_PERMUTE);
}

/* Where the slope of x[i] is taken: where its numbers come from before they were moved, unless that is another of the
 * values, which others may read. */
static gr_val place_of(const gr_graph *g, const gr_val *x, int n, int i)
{
    gr_val v = x[i];
    for (const gr_node *m; (m = moves(g, v)) != NULL; v = m->in[0])
        for (int k = 0; k < n; k++)
            if (x[k] == m->in[0]) return v;
    return v;
}

/* A slope at `from`, moved as `to` was made from that. */
static gr_val moved(gr_graph *g, gr_val slope, gr_val from, gr_val to)
{
    int axes[GR_MAX_RANK];
    if (to == from || gr_graph_status(g) != GR_OK) return slope;
    slope = moved(g, slope, from, moves(g, to)->in[0]);
    const gr_node *m = moves(g, to);
    if (m->op->code == GR_OP_RESHAPE) return gr_reshape(g, slope, gr_shape_of(g, to));
    for (int k = 0; k < gr_shape_of(g, to).rank; k++) axes[k] = (int)m->attr.i[k];
    return gr_permute(g, slope, axes);
}

gr_status gr__slopes(gr_graph *g, gr_val y, const gr_val *x, int n, gr_val *out)
{
    gr_context *ctx = gr__graph_context(g);
    size_t bytes = sizeof(gr_val) * (size_t)n;
    gr_val *at = gr__alloc(ctx, bytes);
    if (!at) return GR_E_MEMORY;
    for (int i = 0; i < n; i++) at[i] = place_of(g, x, n, i);
    gr_status st = gr_gradients(g, y, at, n, out);
    for (int i = 0; i < n && st == GR_OK; i++) out[i] = moved(g, out[i], at[i], x[i]);
    gr__free(ctx, at, bytes);
    return st == GR_OK ? gr_graph_status(g) : st;
}
