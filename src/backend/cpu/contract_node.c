/* Contractions of the graph as requests to the kernels that know them. */
#include "backend/cpu/contract.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/work.h"
#include "graph/op.h"

/* ---- what kernels do while they store: contract.h says what, and in which order ---- */

/* The vector that n adds to every row of `before`, or GR_NONE. */
static gr_val bias_of(const gr_graph *g, const gr_node *n, gr_val before)
{
    gr_val other = n->in[0] == before ? n->in[1] : n->in[0];
    const gr_node *p = gr__made_by(g, other, GR_OP_BROADCAST);
    if (!p) return GR_NONE;
    gr_shape from = gr__value(g, p->in[0])->shape, to = gr__value(g, other)->shape;
    bool vector =
        from.rank > 0 && gr_shape_count(from) == to.dim[to.rank - 1] && from.dim[from.rank - 1] == to.dim[to.rank - 1];
    return vector ? p->in[0] : GR_NONE;
}

/* Adds node n, which reads `before`, to what c does; false if no kernel can do it there. */
static bool take(const gr_graph *g, const gr_node *n, gr_val before, gr__contraction *c, gr_val *bias)
{
    switch (n->op->code) {
    case GR_OP_ADD:
        if (c->bias || c->relu) return false;
        *bias = bias_of(g, n, before);
        return c->bias = *bias != GR_NONE;
    case GR_OP_RELU:
        return !c->relu && (c->relu = true);
    default:
        return false;
    }
}

int gr__contract_epilogue(const gr_graph *g, const gr_node *contraction, const uint32_t *nodes, int n)
{
    gr__contraction c = {.bias = false};
    gr_val before = contraction->out, bias;
    int taken = 0;
    if (contraction->op->code != GR_OP_MATMUL && contraction->op->code != GR_OP_CONV) return 0;
    for (; taken < n && take(g, gr__node(g, nodes[taken]), before, &c, &bias); taken++)
        before = gr__node(g, nodes[taken])->out;
    return taken;
}

/* ---- requests ---- */

static gr__contraction matmul(const gr_graph *g, const gr_node *n)
{
    gr_shape a = gr__value(g, n->in[0])->shape, b = gr__value(g, n->in[1])->shape, y = gr__value(g, n->out)->shape;
    gr__contraction c = {.kind = GR__MATMUL};
    c.mm.transpose_a = n->attr.i[0] != 0;
    c.mm.transpose_b = n->attr.i[1] != 0;
    c.mm.m = y.dim[y.rank - 2];
    c.mm.n = y.dim[y.rank - 1];
    c.mm.k = a.dim[a.rank - (c.mm.transpose_a ? 2 : 1)];
    c.mm.batch = 1;
    for (int i = 0; i < y.rank - 2; i++) c.mm.batch *= y.dim[i];
    c.mm.broadcast_a = a.rank == 2 && y.rank > 2;
    c.mm.broadcast_b = b.rank == 2 && y.rank > 2;
    return c;
}

static gr__contraction conv(const gr_graph *g, const gr_node *n)
{
    gr_shape a = gr__value(g, n->in[0])->shape, b = gr__value(g, n->in[1])->shape, out = gr__value(g, n->out)->shape;
    gr_opcode code = n->op->code;
    gr_shape x = code == GR_OP_CONV_DATA ? out : a;
    gr_shape w = code == GR_OP_CONV_WEIGHTS ? out : b;
    gr_shape y = code == GR_OP_CONV ? out : code == GR_OP_CONV_DATA ? a : b;
    const int64_t *i = n->attr.i;
    gr__contraction c = {.kind = code == GR_OP_CONV        ? GR__CONV_FORWARD
                                 : code == GR_OP_CONV_DATA ? GR__CONV_DATA
                                                           : GR__CONV_WEIGHTS};
    c.conv.n = x.dim[0], c.conv.h = x.dim[1], c.conv.w = x.dim[2], c.conv.c = x.dim[3];
    c.conv.o = w.dim[0], c.conv.kh = w.dim[1], c.conv.kw = w.dim[2];
    c.conv.oh = y.dim[1], c.conv.ow = y.dim[2];
    c.conv.stride_h = i[0], c.conv.stride_w = i[1], c.conv.dilation_h = i[2], c.conv.dilation_w = i[3];
    c.conv.pad_h = i[4], c.conv.pad_w = i[5], c.conv.groups = i[8];
    return c;
}

/* ---- a contraction that reads one tensor twice: its kernel has an operand for each, the item has one ---- */

enum { MOST_OPERANDS = 4 };

typedef struct twice {
    gr_kernel base;
    gr_kernel *inner;
    int from[MOST_OPERANDS]; /* the item's operand for each of the inner kernel's */
} twice;

static void run_inner(const gr_kernel *kernel, const gr_call *call, int phase, int shard)
{
    const twice *k = (const twice *)kernel;
    void *operand[MOST_OPERANDS];
    for (int i = 0; i < k->inner->n_operands; i++) operand[i] = call->operand[k->from[i]];
    k->inner->phase[phase].run(k->inner, &(gr_call){operand, call->shared, call->scratch}, shard);
}

#define PHASE(n)                                                                   \
    static void phase_##n(const gr_kernel *kernel, const gr_call *call, int shard) \
    {                                                                              \
        run_inner(kernel, call, n, shard);                                         \
    }
PHASE(0)
PHASE(1)
PHASE(2)
PHASE(3)

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    twice *k = (twice *)kernel;
    if (k->inner) k->inner->destroy(ctx, k->inner);
    gr__free(ctx, k, sizeof *k);
}

static gr_status wrap(gr_context *ctx, gr_kernel *inner, const int *from, int n_operands, gr_kernel **out)
{
    static const gr_phase_fn phases[GR_MAX_PHASES] = {phase_0, phase_1, phase_2, phase_3};
    twice *k = gr__alloc(ctx, sizeof *k);
    if (!k) {
        inner->destroy(ctx, inner);
        return gr__error_code(ctx);
    }
    k->base = (gr_kernel){.name = inner->name,
                          .n_phases = inner->n_phases,
                          .n_operands = n_operands,
                          .destroy = destroy,
                          .n_lasting = inner->n_lasting,
                          .scratch_bytes = inner->scratch_bytes,
                          .shared_bytes = inner->shared_bytes};
    for (int p = 0; p < inner->n_phases; p++) {
        k->base.phase[p] = inner->phase[p];
        k->base.phase[p].run = phases[p];
    }
    k->inner = inner;
    for (int i = 0; i < inner->n_operands; i++) k->from[i] = from[i];
    *out = &k->base;
    return GR_OK;
}

/* ---- making ---- */

gr_status gr__contract_make_item(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_graph *g = item->graph;
    const gr_node *n = gr__node(g, item->nodes[0]);
    gr__contraction c = n->op->code == GR_OP_MATMUL ? matmul(g, n) : conv(g, n);
    int from[MOST_OPERANDS], operands = 0;
    gr_val before = n->out, bias = GR_NONE;
    for (int i = 0; i < 2; i++) from[operands++] = gr__cpu_input(item, n->in[i]);
    c.mm.lasting_b = from[1] >= 0 && (item->lasting >> from[1] & 1);
    for (int k = 1; k < item->n_nodes; k++) {
        const gr_node *e = gr__node(g, item->nodes[k]);
        if (e->op->code == GR_OP_BROADCAST) continue; /* read in place */
        if (!take(g, e, before, &c, &bias))
            return gr__fail(ctx, GR_E_INTERNAL, "%s: cannot be followed by %s", n->op->name, e->op->name);
        before = e->out;
    }
    if (c.bias) from[operands++] = gr__cpu_input(item, bias);
    from[operands++] = item->n_in;
    c.algorithm = item->algorithm;
    bool plain = operands == item->n_in + 1;
    for (int i = 0; i < operands; i++) {
        plain &= from[i] == i;
        if (from[i] < 0) return gr__fail(ctx, GR_E_INTERNAL, "%s: operand %d is not given", n->op->name, i + 1);
    }
    gr_status st = gr__contract_make_for(ctx, &c, isa, out);
    return st != GR_OK || plain ? st : wrap(ctx, *out, from, item->n_in + item->n_out, out);
}
