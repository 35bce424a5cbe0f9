/* Simplifying: dead nodes, identities and multiply-add contraction. After this the arithmetic is fixed: no later stage
 * changes a bit.
 *
 * A graph is rebuilt node by node into a new one, twice: first without what does nothing, then with a*b+c contracted
 * where the product has no other reader. Common subexpressions fall together because nodes are hash-consed. */
#include <string.h>

#include "graph/op.h"
#include "plan/plan.h"

bool gr__plan_node_lives(const gr_node *n, const bool *live)
{
    bool any = false;
    for (int o = 0; o < n->n_out; o++) any |= live[n->out + (gr_val)o];
    return any;
}

void gr__plan_mark_live(const gr_graph *g, bool *live)
{
    gr_effects fx = gr__graph_effects(g);
    for (size_t i = 0; i < fx.n_assigns; i++) live[fx.assigns[i].target] = live[fx.assigns[i].value] = true;
    for (size_t i = 0; i < fx.n_outputs; i++) live[fx.outputs[i].value] = true;
    if (fx.guard) live[fx.guard] = true;
    for (uint32_t k = gr__graph_nodes(g); k-- > 0;) {
        const gr_node *n = gr__node(g, k);
        bool lives = gr__plan_node_lives(n, live);
        for (int i = 0; lives && i < n->n_in; i++) live[n->in[i]] = true;
    }
}

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

static gr_val tensor(gr_graph *to, const gr_graph *from, const gr_node *n)
{
    return gr_const_tensor(to, gr__value(from, n->out)->shape, gr__const_tensor(from, n->attr.i[0], NULL));
}

static gr_val plain(gr_graph *to, const gr_graph *from, const gr_node *n, const gr_val *in)
{
    if (n->op->code == GR_OP_TENSOR) return tensor(to, from, n);
    bool hint = n->op->class == GR_CLASS_LEAF || n->op->code == GR_OP_RESHAPE || n->op->code == GR_OP_BROADCAST;
    return gr__node_make(to, n->op, in, n->n_in, &n->attr, hint ? gr__value(from, n->out) : NULL);
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
        return gr__shape_equal(shape, gr__value(to, in[0])->shape) ? in[0] : plain(to, from, n, in);
    case GR_OP_PAD:
        return gr__shape_equal(shape, gr__value(to, in[0])->shape) ? in[0] : plain(to, from, n, in);
    case GR_OP_CONCAT:
        return n->n_in == 1 ? in[0] : plain(to, from, n, in);
    default:
        break;
    }
    /* the builders of elementwise operations fold constants and drop what adds 0 or multiplies by 1 */
    if (n->op->class == GR_CLASS_MAP) return gr__elementwise(to, n->op, in);
    return plain(to, from, n, in);
}

/* ---- multiply-add ---- */

typedef struct rebuild {
    const gr_graph *from;
    gr_graph *to;
    bool *live;     /* a value of `from` */
    uint32_t *uses; /* of a value of `from`, by live nodes and effects */
    gr_val *map;    /* value of `from` -> value of `to` */
    bool contract;
} rebuild;

/* The operands of the product that v is, if nobody else reads it. */
static const gr_node *product(const rebuild *r, gr_val v)
{
    const gr_node *n = gr__made_by(r->from, v, GR_OP_MUL);
    return n && r->uses[v] == 1 && gr__value(r->from, v)->shape.rank != 0 ? n : NULL;
}

static gr_val muladd(const rebuild *r, gr_val a, gr_val b, gr_val c)
{
    gr_val in[3] = {a, b, c};
    return gr__node_add(r->to, GR_OP_MULADD, in, 3, NULL, NULL);
}

static bool scalar(const rebuild *r, gr_val v)
{
    return gr__value(r->from, v)->shape.rank == 0;
}

/* a*b+c, a*b-c with a scalar c, and c-a*b with a scalar factor, whose sign is free to change. */
static gr_val contracted(const rebuild *r, const gr_node *n)
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

/* ---- rebuilding ---- */

static void count_uses(rebuild *r)
{
    gr_effects fx = gr__graph_effects(r->from);
    for (size_t i = 0; i < fx.n_assigns; i++) r->uses[fx.assigns[i].value]++;
    for (size_t i = 0; i < fx.n_outputs; i++) r->uses[fx.outputs[i].value]++;
    if (fx.guard) r->uses[fx.guard]++;
    for (uint32_t k = 0; k < gr__graph_nodes(r->from); k++) {
        const gr_node *n = gr__node(r->from, k);
        bool lives = gr__plan_node_lives(n, r->live);
        for (int i = 0; lives && i < n->n_in; i++) r->uses[n->in[i]]++;
    }
}

static void rebuild_node(rebuild *r, const gr_node *n, gr_val *in)
{
    for (int i = 0; i < n->n_in; i++) in[i] = r->map[n->in[i]];
    const char *scope = gr__intern(r->to, n->scope);
    if (!scope) return;
    gr__scope_set(r->to, scope);
    gr_val v = r->contract ? contracted(r, n) : without_identities(r->to, r->from, n, in);
    if (!v && r->contract) v = plain(r->to, r->from, n, in);
    for (int o = 0; v && o < n->n_out; o++) r->map[n->out + (gr_val)o] = o ? gr__node_output(r->to, v, o) : v;
}

static void rebuild_effects(rebuild *r)
{
    gr_effects fx = gr__graph_effects(r->from);
    for (size_t i = 0; i < fx.n_assigns; i++) {
        gr_val target = r->map[fx.assigns[i].target], value = r->map[fx.assigns[i].value];
        if (target != value) gr_assign(r->to, target, value, fx.assigns[i].kind);
    }
    for (size_t i = 0; i < fx.n_outputs; i++) gr_output(r->to, fx.outputs[i].name, r->map[fx.outputs[i].value]);
    if (fx.guard) gr_guard(r->to, r->map[fx.guard]);
    for (size_t i = 0; i < fx.n_gradients; i++) {
        gr_val p = r->map[fx.gradients[i].param], v = r->map[fx.gradients[i].gradient];
        if (p && v) gr_mark_gradient(r->to, p, v);
    }
}

static gr_status rebuild_all(rebuild *r)
{
    uint32_t n_nodes = gr__graph_nodes(r->from);
    int widest = 1;
    for (uint32_t k = 0; k < n_nodes; k++) widest = GR_MAX(widest, gr__node(r->from, k)->n_in);
    gr_context *ctx = gr__graph_context(r->from);
    gr_val *in = gr__alloc(ctx, (size_t)widest * sizeof *in);
    if (!in) return gr__error_code(ctx);
    gr__plan_mark_live(r->from, r->live);
    count_uses(r);
    for (uint32_t k = 0; k < n_nodes && gr_graph_status(r->to) == GR_OK; k++)
        if (gr__plan_node_lives(gr__node(r->from, k), r->live)) rebuild_node(r, gr__node(r->from, k), in);
    if (gr_graph_status(r->to) == GR_OK) rebuild_effects(r);
    gr__free(ctx, in, (size_t)widest * sizeof *in);
    return gr_graph_status(r->to);
}

static gr_status pass(gr_context *ctx, const gr_graph *from, bool contract, gr_graph **out)
{
    gr_status st = GR_OK;
    rebuild r = {.from = from, .contract = contract};
    gr__bump *work = gr__bump_create(ctx);
    if (!work) return gr__error_code(ctx);
    size_t values = gr__graph_values(from) + 1;
    r.live = gr__bump_alloc(work, values * sizeof *r.live);
    r.uses = gr__bump_alloc(work, values * sizeof *r.uses);
    r.map = gr__bump_alloc(work, values * sizeof *r.map);
    GR_TRY(r.live && r.uses && r.map ? GR_OK : gr__error_code(ctx));
    GR_TRY(gr_graph_create(ctx, &r.to));
    GR_TRY(rebuild_all(&r));
    *out = r.to;
    r.to = NULL;
done:
    gr_graph_destroy(r.to);
    gr__bump_destroy(work);
    return st;
}

gr_status gr__plan_simplify(gr_context *ctx, const gr_graph *from, gr_graph **out)
{
    gr_status st = GR_OK;
    gr_graph *lean = NULL;
    GR_TRY(pass(ctx, from, false, &lean));
    GR_TRY(pass(ctx, lean, true, out));
done:
    gr_graph_destroy(lean);
    return st;
}
