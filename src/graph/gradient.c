/* Differentiation: cotangents run backward through the sub-graph between xs and ys; every rule adds nodes of the same
 * operations. */
#include <string.h>

#include "graph/op.h"

void gr__no_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    (void)g, (void)n, (void)dout, (void)din;
}

bool gr__wanted(const gr_graph *g, const gr_node *n, int input)
{
    return !g->wanted || g->wanted[n->in[input]];
}

/* Working memory, one entry a value that exists when the sweep starts (values are numbered from 1). */
typedef struct sweep {
    gr_graph *g;
    uint32_t n;
    bool *depends;     /* on some x, differentiably */
    gr_val *cotangent; /* what has been collected; GR_NONE is zero */
} sweep;

static gr_status open_sweep(sweep *s)
{
    gr_context *ctx = s->g->ctx;
    s->n = gr__graph_values(s->g) + 1;
    s->depends = gr__alloc(ctx, s->n * sizeof *s->depends);
    s->cotangent = gr__alloc(ctx, s->n * sizeof *s->cotangent);
    if (!s->depends || !s->cotangent) s->g->status = GR_E_MEMORY;
    return s->g->status;
}

static void close_sweep(sweep *s)
{
    gr__free(s->g->ctx, s->depends, s->n * sizeof *s->depends);
    gr__free(s->g->ctx, s->cotangent, s->n * sizeof *s->cotangent);
}

static bool check(gr_graph *g, const char *what, gr_val v)
{
    if (g->status != GR_OK) return false;
    char text[96];
    if (v == GR_NONE || v > g->n_values)
        gr_graph_fail(g, GR_E_USAGE, "gradient: %s is not a value of this graph", what);
    else if (gr_dtype_of(g, v) != GR_REAL)
        gr_graph_fail(g, GR_E_TYPE, "gradient: %s is %s%s, wanted real", what, gr__dtype_text(gr_dtype_of(g, v)),
                      gr__shape_text(gr_shape_of(g, v), text));
    return g->status == GR_OK;
}

static void collect(sweep *s, gr_val v, gr_val contribution)
{
    if (contribution == GR_NONE) return;
    s->cotangent[v] = s->cotangent[v] ? gr_add(s->g, s->cotangent[v], contribution) : contribution;
}

static void seed(sweep *s, const gr_val *ys, const gr_val *dys, int n)
{
    gr_graph *g = s->g;
    for (int i = 0; i < n; i++) {
        char a[96], b[96];
        if (!check(g, "y", ys[i]) || !check(g, "the cotangent of y", dys[i])) return;
        gr_shape y = gr_shape_of(g, ys[i]), dy = gr_shape_of(g, dys[i]);
        if (!gr__shape_equal(y, dy)) {
            gr_graph_fail(g, GR_E_SHAPE, "gradient: y is %s, its cotangent %s", gr__shape_text(y, a),
                          gr__shape_text(dy, b));
            return;
        }
        collect(s, ys[i], dys[i]);
    }
}

/* Marks what depends on an x through operations that pass gradients. */
static void mark(sweep *s, const gr_val *xs, int n)
{
    const gr_graph *g = s->g;
    for (int i = 0; i < n; i++) s->depends[xs[i]] = true;
    uint32_t nodes = gr__graph_nodes(g);
    for (uint32_t k = 0; k < nodes; k++) {
        const gr_node *node = gr__node(g, k);
        if (node->op->gradient == gr__no_gradient) continue;
        bool any = false;
        for (int i = 0; i < node->n_in; i++) any |= s->depends[node->in[i]];
        for (int o = 0; any && o < node->n_out; o++)
            if (gr__value(g, node->out + (gr_val)o)->dtype == GR_REAL) s->depends[node->out + (gr_val)o] = true;
    }
}

/* Is there anything for this node to pass on, and anybody to pass it to? */
static bool reached(const sweep *s, const gr_node *n)
{
    bool dy = false, dx = false;
    for (int o = 0; o < n->n_out; o++) dy |= s->cotangent[n->out + (gr_val)o] != GR_NONE;
    for (int i = 0; i < n->n_in; i++) dx |= s->depends[n->in[i]];
    return dy && dx && n->op->gradient != gr__no_gradient;
}

static void propagate(sweep *s, const gr_node *n)
{
    gr_graph *g = s->g;
    gr__scope_set(g, n->scope);
    if (!n->op->gradient) {
        gr_graph_fail(g, GR_E_UNSUPPORTED, "%s: the operation has no gradient rule", n->op->name);
        return;
    }
    gr_val few[4] = {GR_NONE}, *din = few;
    if (n->n_in > (int)GR_COUNT(few)) din = gr__alloc(g->ctx, (size_t)n->n_in * sizeof *din);
    if (!din) {
        g->status = GR_E_MEMORY;
        return;
    }
    n->op->gradient(g, n, &s->cotangent[n->out], din);
    for (int i = 0; i < n->n_in; i++)
        if (s->depends[n->in[i]]) collect(s, n->in[i], din[i]);
    if (din != few) gr__free(g->ctx, din, (size_t)n->n_in * sizeof *din);
}

gr_status gr_pullback(gr_graph *g, const gr_val *ys, const gr_val *dys, int n_y, const gr_val *xs, int n_x, gr_val *dxs)
{
    sweep s = {.g = g};
    const char *scope = g->scope;
    uint32_t nodes = gr__graph_nodes(g);
    for (int i = 0; i < n_x; i++)
        if (!check(g, "x", xs[i])) break;
    if (g->status != GR_OK || open_sweep(&s) != GR_OK) goto done;
    mark(&s, xs, n_x);
    seed(&s, ys, dys, n_y);
    g->wanted = s.depends;
    for (uint32_t k = nodes; k-- > 0 && g->status == GR_OK;)
        if (reached(&s, gr__node(g, k))) propagate(&s, gr__node(g, k));
    g->wanted = NULL;
    gr__scope_set(g, scope);
    for (int i = 0; i < n_x && g->status == GR_OK; i++)
        if (!s.cotangent[xs[i]]) s.cotangent[xs[i]] = gr_broadcast(g, gr_const(g, 0), gr_shape_of(g, xs[i]));
    for (int i = 0; i < n_x && g->status == GR_OK; i++) dxs[i] = s.cotangent[xs[i]];
done:
    if (s.n) close_sweep(&s);
    return g->status;
}

gr_status gr_gradients(gr_graph *g, gr_val y, const gr_val *xs, int n, gr_val *dxs)
{
    if (!check(g, "y", y)) return g->status;
    char text[96];
    if (gr_shape_of(g, y).rank != 0) {
        gr_graph_fail(g, GR_E_SHAPE, "gradient: y is %s, wanted rank 0", gr__shape_text(gr_shape_of(g, y), text));
        return g->status;
    }
    gr_val one = gr_const(g, 1);
    return gr_pullback(g, &y, &one, 1, xs, n, dxs);
}
