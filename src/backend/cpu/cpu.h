/* The fast backend: its makers of kernels, one a family of nodes. */
#ifndef GR_CPU_CPU_H
#define GR_CPU_CPU_H

#include "backend/cpu/isa.h"
#include "plan/backend.h"

/* Makes the kernel of an item for an instruction set of one's choice. */
gr_status gr__cpu_make_for(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);

gr_status gr__region_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);
bool gr__region_fuses(const gr_graph *g, const gr_node *n);
bool gr__program_has(const gr_op *op); /* an instruction for this elementwise operation */
gr_status gr__scalars_make(gr_context *ctx, const gr_item *item, gr_kernel **out);
bool gr__scalars_take(const gr_graph *g, const gr_node *n); /* an operation of rank-0 values */

gr_status gr__contract_make_item(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);
int gr__contract_epilogue(const gr_graph *g, const gr_node *contraction, const uint32_t *nodes, int n);

/* Kernels of single nodes, by family. */
gr_status gr__elementwise_make(gr_context *ctx, const gr_item *item, gr_kernel **out);
gr_status gr__reduce_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);
gr_status gr__argmax_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);
gr_status gr__move_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out); /* all of GR_CLASS_SHAPE */
gr_status gr__leaf_make(gr_context *ctx, const gr_item *item, gr__isa isa,
                        gr_kernel **out); /* iota, tensor, random, const */
gr_status gr__index_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);  /* gather, scatter_add */
gr_status gr__packed_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out); /* pack, unpack */
gr_status gr__pool_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);
gr_status gr__attention_make(gr_context *ctx, const gr_item *item, gr__isa isa,
                             gr_kernel **out); /* and its gradients */

#endif
