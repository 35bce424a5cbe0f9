/* Branches of a graph's operations, as outputs of its plan. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/node.h"
#include "study/branches.h"

/* Where the largest stands along the reduced axes: 1 there. */
static gr_val where_largest(gr_graph *g, gr_val a, int64_t mask)
{
    int axes[GR_MAX_RANK], n = 0;
    for (int i = 0; i < GR_MAX_RANK; i++)
        if (mask & 1 << i) axes[n++] = i;
    return gr_equal(g, a, gr_reduce_max(g, a, axes, n, true));
}

/* What tells one branch of an operation from another. */
typedef enum pieces {
    UNKNOWN,
    ONE,        /* it has no branches */
    SIGN,       /* the sign of its operand */
    DIFFERENCE, /* the sign of the difference of its operands */
    LARGEST,    /* where along the reduced axes the largest stands */
    INDEX,      /* its second result */
    RESULT,     /* its result, which is constant in between */
} pieces;

static const pieces pieces_of[GR_OP_COUNT] = {
    [GR_OP_FEED] = ONE,          [GR_OP_PARAM] = ONE,      [GR_OP_SLOT] = ONE,
    [GR_OP_CONST] = ONE,         [GR_OP_TENSOR] = ONE,     [GR_OP_IOTA] = ONE,
    [GR_OP_RANDOM] = ONE,        [GR_OP_NEG] = ONE,        [GR_OP_ABS] = SIGN,
    [GR_OP_SIGN] = SIGN,         [GR_OP_FLOOR] = RESULT,   [GR_OP_EXP] = ONE,
    [GR_OP_LOG] = ONE,           [GR_OP_LOG1P] = ONE,      [GR_OP_SQRT] = ONE,
    [GR_OP_SQUARE] = ONE,        [GR_OP_RECIP] = ONE,      [GR_OP_TANH] = ONE,
    [GR_OP_SIGMOID] = ONE,       [GR_OP_RELU] = SIGN,      [GR_OP_SIN] = ONE,
    [GR_OP_COS] = ONE,           [GR_OP_ERF] = ONE,        [GR_OP_REAL] = ONE,
    [GR_OP_STOP] = ONE,          [GR_OP_ADD] = ONE,        [GR_OP_SUB] = ONE,
    [GR_OP_MUL] = ONE,           [GR_OP_DIV] = ONE,        [GR_OP_MAX] = DIFFERENCE,
    [GR_OP_MIN] = DIFFERENCE,    [GR_OP_POW] = ONE,        [GR_OP_LESS] = RESULT,
    [GR_OP_LESS_EQUAL] = RESULT, [GR_OP_EQUAL] = RESULT,   [GR_OP_SELECT] = SIGN,
    [GR_OP_MULADD] = ONE,        [GR_OP_RESHAPE] = ONE,    [GR_OP_PERMUTE] = ONE,
    [GR_OP_BROADCAST] = ONE,     [GR_OP_SLICE] = ONE,      [GR_OP_CONCAT] = ONE,
    [GR_OP_PAD] = ONE,           [GR_OP_SUM] = ONE,        [GR_OP_REDUCE_MAX] = LARGEST,
    [GR_OP_ARGMAX] = RESULT,     [GR_OP_GATHER] = ONE,     [GR_OP_SCATTER_ADD] = ONE,
    [GR_OP_MATMUL] = ONE,        [GR_OP_CONV] = ONE,       [GR_OP_CONV_DATA] = ONE,
    [GR_OP_CONV_WEIGHTS] = ONE,  [GR_OP_MAX_POOL] = INDEX, [GR_OP_POOL_GATHER] = ONE,
    [GR_OP_POOL_SCATTER] = ONE,  [GR_OP_AVG_POOL] = ONE,   [GR_OP_AVG_POOL_ADJOINT] = ONE,
};

/* A value that is constant within each branch of the node and changes with it; GR_NONE: it has one alone. */
static gr_val branch_of(gr_graph *g, const gr_node *n)
{
    switch (pieces_of[n->op->code]) {
    case ONE:
        return GR_NONE;
    case SIGN:
        return gr_sign(g, gr_real(g, n->in[0]));
    case DIFFERENCE:
        return gr_sign(g, gr_sub(g, n->in[0], n->in[1]));
    case LARGEST:
        return where_largest(g, n->in[0], n->attr.i[0]);
    case INDEX:
        return n->out + 1;
    case RESULT:
        return n->out;
    case UNKNOWN:
        break;
    }
    return gr_graph_fail(g, GR_E_INTERNAL, "nothing is known of the branches of %s", n->op->name);
}

static void mark(gr_graph *g, gr_val branch, int *n)
{
    char name[32];
    if (branch == GR_NONE) return;
    snprintf(name, sizeof name, "branch%d", (*n)++);
    gr_output(g, name, gr_real(g, branch));
}

gr_status gr__branches_mark(gr_graph *g, gr_val v, int *n)
{
    gr_context *ctx = gr__graph_context(g);
    uint32_t nodes = gr__graph_nodes(g);
    bool *behind = gr__alloc(ctx, nodes);
    *n = 0;
    if (!behind) return GR_E_MEMORY;
    memset(behind, 0, nodes);
    behind[gr__value(g, v)->node] = true;
    for (uint32_t i = nodes; i-- > 0;) { /* inputs stand before what reads them */
        const gr_node *node = gr__node(g, i);
        if (!behind[i]) continue;
        for (int k = 0; k < node->n_in; k++) behind[gr__value(g, node->in[k])->node] = true;
        mark(g, branch_of(g, node), n);
    }
    gr__free(ctx, behind, nodes);
    return gr_graph_status(g);
}

static uint64_t mix(uint64_t h, double x)
{
    uint64_t bits;
    x = isnan(x) ? (double)NAN : x + 0.0; /* one NaN, one zero */
    memcpy(&bits, &x, sizeof bits);
    return (h ^ bits) * 1099511628211u ^ h >> 29;
}

uint64_t gr__branches_read(const gr_plan *p, int n)
{
    uint64_t h = 14695981039346656037u;
    char name[32];
    gr_shape shape;
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "branch%d", i);
        const double *x = gr_plan_output(p, name, &shape);
        for (int64_t k = 0, count = gr_shape_count(shape); k < count; k++) h = mix(h, x[k]);
    }
    return h;
}
