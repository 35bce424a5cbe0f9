/* The fast backend: float32, tile programs for elementwise regions, own kernels for everything else. */
#include "backend/cpu/cpu.h"

#include "backend/cpu/region.h"

/* A node alone as a region of one row, with the bits that it has among others. */
static gr_status make_region(gr_context *ctx, const gr_item *item, gr_val elements, gr__isa isa, gr_kernel **out)
{
    gr_item region = *item;
    gr_space space = {1, gr_shape_count(gr__value(item->graph, elements)->shape)};
    region.kind = GR_ITEM_REGION;
    region.space = &space;
    return gr__region_make(ctx, &region, isa, out);
}

/* Every elementwise operation, and of the others those of the tables. */
static bool accepts(const gr_graph *g, const gr_node *n)
{
    (void)g;
    if (n->op->class == GR_CLASS_MAP) return true;
    return n->op->code != GR_OP_COUNT && n->op->class != GR_CLASS_COMPOSED;
}

static gr_status make_node(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_node *n = gr__node(item->graph, item->nodes[0]);
    switch (n->op->code) {
    case GR_OP_SUM:
    case GR_OP_REDUCE_MAX:
        return gr__reduce_make(ctx, item, isa, out);
    case GR_OP_SUM_SQUARES:
        return make_region(ctx, item, n->in[0], isa, out);
    case GR_OP_ARGMAX:
        return gr__argmax_make(ctx, item, isa, out);
    case GR_OP_GATHER:
    case GR_OP_SCATTER_ADD:
        return gr__index_make(ctx, item, isa, out);
    default:
        break;
    }
    switch (n->op->class) {
    case GR_CLASS_LEAF:
        return gr__leaf_make(ctx, item, isa, out);
    case GR_CLASS_SHAPE:
        return gr__move_make(ctx, item, isa, out);
    case GR_CLASS_CONTRACT:
        return gr__contract_make_item(ctx, item, isa, out);
    case GR_CLASS_POOL:
        return gr__pool_make(ctx, item, isa, out);
    case GR_CLASS_PACKED:
        return gr__packed_make(ctx, item, isa, out);
    case GR_CLASS_ATTENTION:
        return gr__attention_make(ctx, item, isa, out);
    default:
        break;
    }
    if (gr__scalars_take(item->graph, n)) return gr__scalars_make(ctx, item, out);
    if (n->op->class != GR_CLASS_MAP)
        return gr__fail(ctx, GR_E_INTERNAL, "%s: the cpu backend has no kernel", n->op->name);
    if (!gr__program_has(n->op)) return gr__elementwise_make(ctx, item, out);
    return make_region(ctx, item, n->out, isa, out);
}

gr_status gr__cpu_make_for(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    switch (item->kind) {
    case GR_ITEM_SCALARS:
        return gr__scalars_make(ctx, item, out);
    case GR_ITEM_REGION:
        return gr__region_make(ctx, item, isa, out);
    default:
        return make_node(ctx, item, isa, out);
    }
}

static gr_status make(gr_context *ctx, const gr_item *item, gr_kernel **out)
{
    return gr__cpu_make_for(ctx, item, gr__isa_chosen(), out);
}

const gr_backend gr__backend_cpu = {
    .name = "cpu",
    .real = GR_EL_F32,
    .fuses = gr__region_fuses,
    .max_region_nodes = GR__REGION_NODES,
    .max_region_operands = GR__REGION_OPERANDS,
    .max_row = GR__REGION_ROW,
    .epilogue = gr__contract_epilogue,
    .make = make,
    .accepts = accepts,
};
