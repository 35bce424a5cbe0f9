/* Simplifying: identities and multiply-add contraction. After this the arithmetic is fixed: no later stage changes a
 * bit.
 *
 * The graph is rebuilt twice: first without what does nothing, then with a*b+c contracted where the product has no
 * other reader. In between it is lowered (lower.c), and what came of that simplified in its turn, so that an operation
 * that was expanded has the bits of one that was written out. */
#include "graph/op.h"
#include "plan/plan.h"
#include "plan/rebuild.h"

/* ---- identities ---- */

/* The rank-0 value that v repeats, or GR_NONE. */
static gr_val repeated(const gr_graph *to, gr_val v)
{
    const gr_node *n = gr__made_by(to, v, GR_OP_BROADCAST);
    return n && gr__value(to, n->in[0])->shape.rank == 0 ? n->in[0] : GR_NONE;
}

static gr_val reshape(gr_graph *to, gr_val v, gr_shape shape)
{
    if (repeated(to, v)) return gr_broadcast(to, repeated(to, v), shape);
    const gr_node *n = gr__made_by(to, v, GR_OP_RESHAPE);
    return gr_reshape(to, n ? n->in[0] : v, shape);
}

/* An iota that is repeated is an iota of the larger shape, as long as its own axis is not stretched. */
static gr_val broadcast_iota(gr_graph *to, gr_val v, gr_shape shape)
{
    const gr_node *n = gr__made_by(to, v, GR_OP_IOTA);
    if (!n) return GR_NONE;
    gr_shape from = gr__value(to, v)->shape;
    int axis = (int)n->attr.i[0] + shape.rank - from.rank;
    return from.dim[n->attr.i[0]] == shape.dim[axis] ? gr_iota(to, shape, axis) : GR_NONE;
}

static gr_shape without_leading_ones(gr_shape s)
{
    gr_shape t = {0};
    for (int i = 0; i < s.rank; i++)
        if (t.rank > 0 || s.dim[i] != 1) t.dim[t.rank++] = s.dim[i];
    return t;
}

static gr_val broadcast(gr_graph *to, gr_val v, gr_shape shape)
{
    const gr_node *n = gr__made_by(to, v, GR_OP_BROADCAST);
    if (n) v = n->in[0]; /* trailing axes are aligned both times */
    n = gr__made_by(to, v, GR_OP_RESHAPE);
    if (n) { /* leading axes of size 1 are there anyway */
        gr_shape inner = gr__value(to, n->in[0])->shape;
        if (inner.rank <= shape.rank &&
            gr__shape_equal(without_leading_ones(inner), without_leading_ones(gr__value(to, v)->shape)))
            v = n->in[0];
    }
    gr_shape from = gr__value(to, v)->shape;
    if (from.rank != 0 && gr_shape_count(from) == gr_shape_count(shape)) return reshape(to, v, shape);
    gr_val iota = broadcast_iota(to, v, shape);
    return iota ? iota : gr_broadcast(to, v, shape);
}

/* A permutation that moves only axes of size 1 moves nothing in memory. */
static gr_val permute(gr_graph *to, const gr_node *n, gr_val v)
{
    gr_shape from = gr__value(to, v)->shape, shape = {.rank = from.rank};
    int axes[GR_MAX_RANK];
    int64_t last = -1;
    bool moves = false;
    for (int i = 0; i < from.rank; i++) {
        axes[i] = (int)n->attr.i[i];
        shape.dim[i] = from.dim[axes[i]];
        if (shape.dim[i] == 1) continue;
        moves |= axes[i] < last;
        last = axes[i];
    }
    return moves ? gr_permute(to, v, axes) : reshape(to, v, shape);
}

/* Reducing axes of size 1 is a reshape, where the result is still a tensor. Repeated numbers are reduced before they
 * are repeated. */
static gr_val reduce(gr_graph *to, const gr_graph *from, const gr_node *n, gr_val v)
{
    gr_shape shape = gr__value(to, v)->shape, out = gr__value(from, n->out)->shape;
    int64_t all = gr_shape_count(shape), results = gr_shape_count(out);
    if (repeated(to, v) && all > 0 && results > 0) {
        bool sum = n->op->code == GR_OP_SUM;
        return gr_broadcast(
            to, sum ? gr_mul(to, repeated(to, v), gr_const(to, (double)(all / results))) : repeated(to, v), out);
    }
    if (out.rank != 0 && gr_shape_count(out) == gr_shape_count(shape)) {
        bool trivial = true;
        for (int i = 0; i < shape.rank; i++) trivial &= !(n->attr.i[0] >> i & 1) || shape.dim[i] == 1;
        if (trivial) return reshape(to, v, out);
    }
    return gr__node_add(to, n->op->code, &v, 1, &n->attr, NULL);
}

static gr_val sum_squares(gr_graph *to, const gr_node *n, gr_val v)
{
    gr_val one = repeated(to, v);
    if (!one) return gr__node_add(to, GR_OP_SUM_SQUARES, &v, 1, &n->attr, NULL);
    double all = (double)gr_shape_count(gr__value(to, v)->shape);
    return gr_mul(to, gr_square(to, one), gr_const(to, all * gr__sum_squares_factor(&n->attr)));
}

/* ---- sums of parts ---- */

enum { MOST_PARTS = 32 };

typedef struct parts {
    int n, axis;
    gr_val part[MOST_PARTS];
    int64_t start[MOST_PARTS];
} parts;

/* Adds what v is a sum of, in the order of its places; false: something in it is no padded part. */
static bool collect(const gr_graph *to, gr_val v, parts *p)
{
    const gr_node *n = gr__made_by(to, v, GR_OP_ADD);
    if (n) return collect(to, n->in[0], p) && collect(to, n->in[1], p);
    n = gr__made_by(to, v, GR_OP_PAD);
    if (!n || p->n == MOST_PARTS || (p->n > 0 && p->axis != n->attr.i[0])) return false;
    p->axis = (int)n->attr.i[0];
    int i = p->n++;
    for (; i > 0 && p->start[i - 1] > n->attr.i[1]; i--) {
        p->part[i] = p->part[i - 1];
        p->start[i] = p->start[i - 1];
    }
    p->part[i] = n->in[0];
    p->start[i] = n->attr.i[1];
    return true;
}

/* A sum of parts that lie side by side, each with zeros where the others are, is the parts one behind the other: the
 * gradient of what was cut into slices. GR_NONE: it is another sum. */
static gr_val concatenated(gr_graph *to, const gr_val *in)
{
    parts p = {0};
    if (!collect(to, in[0], &p) || !collect(to, in[1], &p)) return GR_NONE;
    int64_t at = 0;
    for (int i = 0; i < p.n; i++) {
        if (p.start[i] != at) return GR_NONE;
        at += gr__value(to, p.part[i])->shape.dim[p.axis];
    }
    return at == gr__value(to, in[0])->shape.dim[p.axis] ? gr_concat(to, p.part, p.n, p.axis) : GR_NONE;
}

static gr_val without_identities(gr_graph *to, const gr_graph *from, const gr_node *n, const gr_val *in)
{
    gr_shape shape = gr__value(from, n->out)->shape;
    switch (n->op->code) {
    case GR_OP_STOP:
        return in[0];
    case GR_OP_REAL:
        return gr_real(to, in[0]);
    case GR_OP_RESHAPE:
        return reshape(to, in[0], shape);
    case GR_OP_BROADCAST:
        return broadcast(to, in[0], shape);
    case GR_OP_PERMUTE:
        return permute(to, n, in[0]);
    case GR_OP_SUM:
    case GR_OP_REDUCE_MAX:
        return reduce(to, from, n, in[0]);
    case GR_OP_SUM_SQUARES:
        return sum_squares(to, n, in[0]);
    case GR_OP_SLICE:
        return gr__shape_equal(shape, gr__value(to, in[0])->shape) ? in[0] : gr__node_copy(to, from, n, in);
    case GR_OP_PAD:
        return gr__shape_equal(shape, gr__value(to, in[0])->shape) ? in[0] : gr__node_copy(to, from, n, in);
    case GR_OP_CONCAT:
        return n->n_in == 1 ? in[0] : gr__node_copy(to, from, n, in);
    case GR_OP_ADD: {
        gr_val v = concatenated(to, in);
        if (v) return v;
        break;
    }
    default:
        break;
    }
    /* the builders of elementwise operations fold constants and drop what adds 0 or multiplies by 1 */
    if (n->op->class == GR_CLASS_MAP) return gr__elementwise(to, n->op, in);
    return gr__node_copy(to, from, n, in);
}

static void leave_identities_out(gr__rebuild *r, const gr_node *n, const gr_val *in, gr_val *out)
{
    if (n->op->class == GR_CLASS_LOOP) {
        gr__plan_simplify_loop(r, r->user, n, in, out);
        return;
    }
    gr__rebuilt(r, n, without_identities(r->to, r->from, n, in), out);
}

/* ---- multiply-add ---- */

/* The operands of the product that v is, if nobody else reads it. */
static const gr_node *product(const gr__rebuild *r, gr_val v)
{
    const gr_node *n = gr__made_by(r->from, v, GR_OP_MUL);
    return n && r->uses[v] == 1 && gr__value(r->from, v)->shape.rank != 0 ? n : NULL;
}

static gr_val muladd(const gr__rebuild *r, gr_val a, gr_val b, gr_val c)
{
    gr_val in[3] = {a, b, c};
    return gr__node_add(r->to, GR_OP_MULADD, in, 3, NULL, NULL);
}

static bool scalar(const gr__rebuild *r, gr_val v)
{
    return gr__value(r->from, v)->shape.rank == 0;
}

/* a*b+c, a*b-c with a scalar c, and c-a*b with a scalar factor, whose sign is free to change. */
static gr_val contracted(const gr__rebuild *r, const gr_node *n)
{
    const gr_val *map = r->map;
    if (n->op->code == GR_OP_ADD) {
        int i = product(r, n->in[0]) ? 0 : 1;
        const gr_node *p = product(r, n->in[i]);
        return p ? muladd(r, map[p->in[0]], map[p->in[1]], map[n->in[1 - i]]) : GR_NONE;
    }
    if (n->op->code != GR_OP_SUB) return GR_NONE;
    const gr_node *p = product(r, n->in[0]);
    if (p && scalar(r, n->in[1])) return muladd(r, map[p->in[0]], map[p->in[1]], gr_neg(r->to, map[n->in[1]]));
    p = product(r, n->in[1]);
    if (!p) return GR_NONE;
    int i = scalar(r, p->in[0]) ? 0 : 1;
    if (!scalar(r, p->in[i])) return GR_NONE;
    return muladd(r, gr_neg(r->to, map[p->in[i]]), map[p->in[1 - i]], map[n->in[0]]);
}

/* Where the backend has the one operation for it. */
static void contract(gr__rebuild *r, const gr_node *n, const gr_val *in, gr_val *out)
{
    if (n->op->class == GR_CLASS_LOOP) { /* once more: what nobody reads by now is left out */
        gr__plan_simplify_loop(r, r->user, n, in, out);
        return;
    }
    gr_val v = contracted(r, n);
    bool better = v && gr__backend_accepts(r->user, r->to, gr__producer(r->to, v));
    gr__rebuilt(r, n, better ? v : gr__node_copy(r->to, r->from, n, in), out);
}

/* ---- both, and lowering between them ---- */

/* Is a result of the loop read by nobody, or what is carried both as its states and as the last of them? */
static bool is_wide(const gr_node *n, const bool *live)
{
    const gr__body *b = n->attr.body;
    const bool *result = live + n->out;
    bool wide = false;
    for (int k = 0; k < gr__body_stacks(b); k++) wide |= !result[gr__body_stacked(b, k)];
    for (int c = 0; c < b->n_carries; c++) wide |= result[gr__body_final(b, c)] && result[gr__body_states(b, c)];
    return wide;
}

/* Loops are made as narrow as their readers were before these were simplified, or found to be one and the same. */
static gr_status find_wide(gr_context *ctx, const gr_graph *g, bool *any)
{
    size_t bytes = (gr__graph_values(g) + 1) * sizeof(bool);
    bool *live = gr__alloc(ctx, bytes);
    *any = false;
    if (!live) return gr__error_code(ctx);
    gr__plan_mark_live(g, live);
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++) {
        const gr_node *n = gr__node(g, k);
        if (n->op->class == GR_CLASS_LOOP && gr__plan_node_lives(n, live)) *any |= is_wide(n, live);
    }
    gr__free(ctx, live, bytes);
    return GR_OK;
}

gr_status gr__plan_simplify(gr_context *ctx, const gr_backend *backend, const gr_graph *from, gr_graph **out)
{
    gr_status st = GR_OK;
    gr_graph *lean = NULL, *low = NULL;
    GR_TRY(gr__rebuild_graph(ctx, from, leave_identities_out, backend, &lean));
    for (int round = 0; gr__plan_must_lower(backend, lean); round++) {
        GR_TRY(gr__plan_lower(ctx, backend, lean, round, &low));
        gr_graph_destroy(lean);
        lean = NULL;
        GR_TRY(gr__rebuild_graph(ctx, low, leave_identities_out, backend, &lean));
        gr_graph_destroy(low);
        low = NULL;
    }
    for (bool more = true; more;) {
        GR_TRY(gr__rebuild_graph(ctx, lean, contract, backend, &low));
        gr_graph_destroy(lean);
        lean = low;
        low = NULL;
        GR_TRY(find_wide(ctx, lean, &more));
    }
    *out = lean;
    lean = NULL;
done:
    gr_graph_destroy(low);
    gr_graph_destroy(lean);
    return st;
}
