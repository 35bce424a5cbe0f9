/* Builders of the elementwise operations: broadcasting, constants, and the few identities that hide no NaN and no
 * infinity. */
#include <string.h>

#include "graph/map.h"

static bool usable(gr_graph *g, const gr_op *op, gr_val v)
{
    if (g->status != GR_OK) return false;
    if (v != GR_NONE && v <= g->n_values) return true;
    gr_graph_fail(g, GR_E_USAGE, "%s: an operand is not a value of this graph", op->name);
    return false;
}

bool gr__usable(gr_graph *g, gr_opcode code, gr_val v)
{
    return usable(g, gr__op(code), v);
}

const gr_node *gr__made_by(const gr_graph *g, gr_val v, gr_opcode code)
{
    const gr_node *n = gr__producer(g, v);
    return n->op->code == code ? n : NULL;
}

bool gr__is_const(const gr_graph *g, gr_val v, double *value)
{
    const gr_node *n = gr__made_by(g, v, GR_OP_CONST);
    if (n) *value = n->attr.f[0];
    return n != NULL;
}

static bool is(const gr_graph *g, gr_val v, double value)
{
    double c;
    return gr__is_const(g, v, &c) && c == value;
}

/* The result of an operation on rank-0 constants. */
static bool fold(const gr_graph *g, const gr_op *op, const gr_val *in, double *result)
{
    double c[3] = {0};
    for (int i = 0; i < op->n_in; i++)
        if (!gr__is_const(g, in[i], &c[i])) return false;
    if (op->code == GR_OP_REAL) return false;
    *result = op->element(c[0], c[1], c[2]);
    return true;
}

static gr_val negated(const gr_graph *g, gr_val v)
{
    const gr_node *n = gr__made_by(g, v, GR_OP_NEG);
    return n ? n->in[0] : GR_NONE;
}

/* The value that the operation equals, or GR_NONE. Operands are GR_REAL and already lifted; the result may still want
 * broadcasting. */
static gr_val identity(gr_graph *g, gr_opcode code, const gr_val *in)
{
    double c;
    switch (code) {
    case GR_OP_NEG:
        return negated(g, in[0]);
    case GR_OP_STOP:
        return gr__made_by(g, in[0], GR_OP_STOP) ? in[0] : GR_NONE;
    case GR_OP_ADD:
        if (is(g, in[1], 0)) return in[0];
        if (is(g, in[0], 0)) return in[1];
        if (negated(g, in[1])) return gr_sub(g, in[0], negated(g, in[1]));
        if (negated(g, in[0])) return gr_sub(g, in[1], negated(g, in[0]));
        return GR_NONE;
    case GR_OP_SUB:
        if (is(g, in[1], 0)) return in[0];
        if (negated(g, in[1])) return gr_add(g, in[0], negated(g, in[1]));
        return GR_NONE;
    case GR_OP_MUL:
        if (is(g, in[1], 1)) return in[0];
        if (is(g, in[0], 1)) return in[1];
        if (is(g, in[1], -1)) return gr_neg(g, in[0]);
        if (is(g, in[0], -1)) return gr_neg(g, in[1]);
        return GR_NONE;
    case GR_OP_DIV:
        return is(g, in[1], 1) ? in[0] : GR_NONE;
    case GR_OP_SELECT:
        return gr__is_const(g, in[0], &c) ? in[c != 0 ? 1 : 2] : GR_NONE;
    default:
        return GR_NONE;
    }
}

static bool join(gr_shape a, gr_shape b, gr_shape *out)
{
    gr_shape s = {.rank = GR_MAX(a.rank, b.rank)};
    for (int i = 1; i <= s.rank; i++) {
        int64_t x = i <= a.rank ? a.dim[a.rank - i] : 1, y = i <= b.rank ? b.dim[b.rank - i] : 1;
        if (x != y && x != 1 && y != 1) return false;
        s.dim[s.rank - i] = x == 1 ? y : x;
    }
    *out = s;
    return true;
}

/* The rank-0 value that v repeats, or v. */
static gr_val lifted(const gr_graph *g, gr_val v)
{
    const gr_node *n = gr__made_by(g, v, GR_OP_BROADCAST);
    return n && gr__value(g, n->in[0])->shape.rank == 0 ? n->in[0] : v;
}

/* Operands that repeat one number become that number: elementwise operations take rank 0 next to tensors. */
static bool lift(const gr_graph *g, gr_val *in, int n)
{
    bool all = true, any = false;
    for (int i = 0; i < n; i++) {
        gr_val v = lifted(g, in[i]);
        any |= v != in[i];
        all &= gr__value(g, v)->shape.rank == 0;
        in[i] = v;
    }
    return any && all;
}

static bool all_real(const gr_graph *g, const gr_val *in, int n)
{
    for (int i = 0; i < n; i++)
        if (gr__value(g, in[i])->dtype != GR_REAL) return false;
    return true;
}

gr_val gr__elementwise(gr_graph *g, const gr_op *op, const gr_val *operands)
{
    gr_val in[3];
    gr_shape shape = GR_SCALAR;
    for (int i = 0; i < op->n_in; i++) {
        if (!usable(g, op, operands[i])) return GR_NONE;
        in[i] = operands[i];
        char a[96], b[96];
        if (!join(shape, gr_shape_of(g, in[i]), &shape))
            return gr_graph_fail(g, GR_E_SHAPE, "%s: shapes %s and %s do not fit", op->name, gr__shape_text(shape, a),
                                 gr__shape_text(gr_shape_of(g, in[i]), b));
    }
    if (lift(g, in, op->n_in)) return gr_broadcast(g, gr__elementwise(g, op, in), shape);
    double result;
    if (fold(g, op, in, &result)) return gr_const(g, result);
    gr_val same = all_real(g, in, op->n_in) ? identity(g, op->code, in) : GR_NONE;
    if (same || g->status != GR_OK) return gr_broadcast(g, same, shape);
    for (int i = 0; i < op->n_in; i++)
        if (gr_shape_of(g, in[i]).rank != 0) in[i] = gr_broadcast(g, in[i], shape);
    return gr__node_make(g, op, in, op->n_in, NULL, NULL);
}

#define BUILDER_1(name, code)                                           \
    gr_val gr_##name(gr_graph *g, gr_val a)                             \
    {                                                                   \
        return gr__elementwise(g, gr__op(GR_OP_##code), (gr_val[]){a}); \
    }
#define BUILDER_2(name, code)                                              \
    gr_val gr_##name(gr_graph *g, gr_val a, gr_val b)                      \
    {                                                                      \
        return gr__elementwise(g, gr__op(GR_OP_##code), (gr_val[]){a, b}); \
    }
#define BUILDER_3(name, code)                                                 \
    gr_val gr_##name(gr_graph *g, gr_val a, gr_val b, gr_val c)               \
    {                                                                         \
        return gr__elementwise(g, gr__op(GR_OP_##code), (gr_val[]){a, b, c}); \
    }
#define BUILDER(code, name, n, ...) BUILDER_##n(name, code)
GR__ELEMENTWISE_PLAIN(BUILDER)

/* Types without gradients and without conversion pass as they are. */
gr_val gr_real(gr_graph *g, gr_val a)
{
    if (!gr__usable(g, GR_OP_REAL, a)) return GR_NONE;
    return gr_dtype_of(g, a) == GR_REAL ? a : gr__elementwise(g, gr__op(GR_OP_REAL), &a);
}

gr_val gr_stop(gr_graph *g, gr_val a)
{
    if (!gr__usable(g, GR_OP_STOP, a)) return GR_NONE;
    return gr_dtype_of(g, a) == GR_REAL ? gr__elementwise(g, gr__op(GR_OP_STOP), &a) : a;
}
