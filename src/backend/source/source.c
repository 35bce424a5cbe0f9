/* The backend of C source: which nodes it takes, and kernels that tell nothing but how many operands they have. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/region.h"
#include "backend/source/program.h"

/* What only training asks for is left out. */
static bool accepts(const gr_graph *g, const gr_node *n)
{
    (void)g;
    switch (n->op->code) {
    case GR_OP_RANDOM:
    case GR_OP_SCATTER_ADD:
    case GR_OP_CONV_WEIGHTS:
    case GR_OP_POOL_GATHER:
    case GR_OP_POOL_SCATTER:
    case GR_OP_AVG_POOL_ADJOINT:
    case GR_OP_ATTENTION_GRADIENT:
    case GR_OP_ATTENTION_PACKED_GRADIENT:
    case GR_OP_COUNT:
        return n->op->class == GR_CLASS_MAP;
    default:
        return n->op->class != GR_CLASS_COMPOSED;
    }
}

static void destroy(gr_context *ctx, gr_kernel *k)
{
    gr__free(ctx, k, sizeof *k);
}

static gr_status make(gr_context *ctx, const gr_item *item, gr_kernel **out)
{
    const gr_node *n = gr__node(item->graph, item->nodes[0]);
    if (n->op->code == GR_OP_RANDOM)
        return gr__fail(ctx, GR_E_UNSUPPORTED, "%s: a program has no random numbers", n->op->name);
    gr_kernel *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->name = n->op->name;
    k->n_operands = item->n_segments * (item->n_in + item->n_out);
    k->destroy = destroy;
    *out = k;
    return GR_OK;
}

/* The same with room for what a product reads as codes. */
static gr_status make_with_room(gr_context *ctx, const gr_item *item, gr_kernel **out)
{
    gr_status st = make(ctx, item, out);
    const gr_node *n = gr__node(item->graph, item->nodes[0]);
    if (st == GR_OK && gr__csource_takes_codes(item->graph, n))
        (*out)->shared_bytes = (size_t)gr_shape_count(gr__value(item->graph, n->in[0])->shape);
    return st;
}

#define BACKEND(name_, make_)                                                                                     \
    {                                                                                                             \
        .name = name_, .real = GR_EL_F32, .fuses = gr__region_fuses, .max_region_nodes = GR__REGION_NODES,        \
        .max_region_operands = GR__REGION_OPERANDS, .max_row = GR__REGION_ROW, .epilogue = gr__contract_epilogue, \
        .make = make_, .accepts = accepts                                                                         \
    }

const gr_backend gr__backend_source = BACKEND("source", make);
const gr_backend gr__backend_source_codes = BACKEND("source with codes", make_with_room);
