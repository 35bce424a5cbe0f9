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

/* Working memory: entries of nodes, and of values (numbered from 1) that exist when the sweep starts. */
typedef struct sweep {
    gr_graph *g;
    uint32_t *order;   /* the nodes, each behind what it reads and what it is said by */
    bool *placed;      /* a node: in the order, or about to be */
    uint8_t *needed;   /* a node: how deep the expansion is that needs it, the innermost; 0: none */
    bool *depends;     /* a value: on some x, differentiably */
    gr_val *said;      /* a value: what it is said by, if its operation has no rule but a decomposition */
    gr_val *cotangent; /* of a value, what has been collected; GR_NONE is zero */
    size_t n_order, n_cotangents;
    size_t room_order, room_placed, room_needed, room_depends, room_said;
    int depth;
} sweep;

/* Room for all nodes and values there are now. */
static bool room(sweep *s)
{
    gr_context *ctx = s->g->ctx;
    size_t nodes = s->g->n_nodes, values = s->g->n_values + 1;
    if (GR_ROOM(ctx, s->order, s->room_order, nodes) && GR_ROOM(ctx, s->placed, s->room_placed, nodes) &&
        GR_ROOM(ctx, s->needed, s->room_needed, nodes) && GR_ROOM(ctx, s->depends, s->room_depends, values) &&
        GR_ROOM(ctx, s->said, s->room_said, values))
        return true;
    s->g->status = GR_E_MEMORY;
    return false;
}

static void close_sweep(sweep *s)
{
    gr_context *ctx = s->g->ctx;
    gr__free(ctx, s->order, s->room_order * sizeof *s->order);
    gr__free(ctx, s->placed, s->room_placed * sizeof *s->placed);
    gr__free(ctx, s->needed, s->room_needed * sizeof *s->needed);
    gr__free(ctx, s->depends, s->room_depends * sizeof *s->depends);
    gr__free(ctx, s->said, s->room_said * sizeof *s->said);
    gr__free(ctx, s->cotangent, s->n_cotangents * sizeof *s->cotangent);
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

/* The value itself, or the one that it is said by: two names of one thing. */
static gr_val meant(const sweep *s, gr_val v)
{
    while (s->said[v] != GR_NONE) v = s->said[v];
    return v;
}

static void collect(sweep *s, gr_val v, gr_val contribution)
{
    if (contribution == GR_NONE) return;
    v = meant(s, v);
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

/* ---- the order ----
 *
 * An operation that has a decomposition and no rule is differentiated as what it is said by. That is built beside it,
 * on its own operands, and stands before it in the order, as if it had been written there; what the operation's results
 * collect is collected there. So gradients of every order have the bits of those of a graph that was written out,
 * and what operands are computed from is swept once, whether they are equal, depend on each other or stand inside the
 * decomposition as well. */

static bool is_said(const gr_op *op)
{
    return !op->gradient && op->decompose;
}

static bool passes(const sweep *s, const gr_node *n)
{
    bool any = false;
    for (int i = 0; i < n->n_in; i++) any |= s->depends[n->in[i]];
    return any && n->op->gradient != gr__no_gradient;
}

static void place(sweep *s, uint32_t k, uint32_t from);

/* Builds what the node is said by and places it; all nodes before `from` have their places. */
static void expand(sweep *s, const gr_node *n, uint32_t from)
{
    gr_graph *g = s->g;
    gr_val *said = &s->said[n->out];
    gr__scope_set(g, n->scope);
    if (s->depth++ >= GR__DEEPEST) gr_graph_fail(g, GR_E_INTERNAL, "%s: its decomposition has no end", n->op->name);
    if (g->status != GR_OK || !gr__decompose(g, n->op, &n->attr, n->in, n->n_in, gr__value(g, n->out), said)) return;
    uint32_t nodes = gr__graph_nodes(g);
    if (!room(s)) return;
    uint8_t depth = (uint8_t)s->depth;
    for (int o = 0; o < n->n_out; o++) s->needed[gr__value(g, s->said[n->out + (gr_val)o])->node] = depth;
    for (uint32_t j = nodes; j-- > from;)
        for (int i = 0; s->needed[j] == depth && !s->placed[j] && i < gr__node(g, j)->n_in; i++)
            s->needed[gr__value(g, gr__node(g, j)->in[i])->node] = depth;
    for (uint32_t j = from; j < nodes && g->status == GR_OK; j++)
        if (s->needed[j] == depth && !s->placed[j]) place(s, j, from);
    s->depth--;
}

/* Puts node k last in the order, and says what of it depends on an x. */
static void place(sweep *s, uint32_t k, uint32_t from)
{
    const gr_node *n = gr__node(s->g, k);
    bool any = passes(s, n), said = any && is_said(n->op);
    s->placed[k] = true;
    if (said) expand(s, n, from);
    if (s->g->status != GR_OK) return;
    for (gr_val v = n->out; any && v < n->out + (gr_val)n->n_out; v++) {
        bool *inside = said ? &s->depends[s->said[v]] : NULL;
        if (inside && s->depends[v]) *inside = true; /* it is an x by either name */
        if (gr__value(s->g, v)->dtype == GR_REAL && (!inside || *inside)) s->depends[v] = true;
    }
    s->order[s->n_order++] = k;
}

static void find_order(sweep *s, const gr_val *xs, int n)
{
    uint32_t nodes = gr__graph_nodes(s->g);
    if (!room(s)) return;
    for (int i = 0; i < n; i++) s->depends[xs[i]] = true;
    for (uint32_t k = 0; k < nodes && s->g->status == GR_OK; k++)
        if (!s->placed[k]) place(s, k, k);
    if (s->g->status != GR_OK) return;
    s->n_cotangents = s->g->n_values + 1;
    s->cotangent = gr__alloc(s->g->ctx, s->n_cotangents * sizeof *s->cotangent);
    if (!s->cotangent) s->g->status = GR_E_MEMORY;
}

/* ---- the sweep ---- */

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
    bool backward = g->backward;
    for (int i = 0; i < n_x; i++)
        if (!check(g, "x", xs[i])) break;
    if (g->status == GR_OK) find_order(&s, xs, n_x);
    gr__scope_set(g, scope);
    if (g->status != GR_OK) goto done;
    gr__backward_set(g, true);
    seed(&s, ys, dys, n_y);
    g->wanted = s.depends;
    for (size_t k = s.n_order; k-- > 0 && g->status == GR_OK;)
        if (reached(&s, gr__node(g, s.order[k]))) propagate(&s, gr__node(g, s.order[k]));
    g->wanted = NULL;
    gr__scope_set(g, scope);
    for (int i = 0; i < n_x && g->status == GR_OK; i++)
        if (!s.cotangent[meant(&s, xs[i])])
            s.cotangent[meant(&s, xs[i])] = gr_broadcast(g, gr_const(g, 0), gr_shape_of(g, xs[i]));
    for (int i = 0; i < n_x && g->status == GR_OK; i++) dxs[i] = s.cotangent[meant(&s, xs[i])];
done:
    gr__backward_set(g, backward);
    close_sweep(&s);
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
