/* The fast backend: what its files share. */
#ifndef GR_CPU_CPU_H
#define GR_CPU_CPU_H

#include "backend/cpu/isa.h"
#include "plan/backend.h"

/* Makes the kernel of an item for an instruction set of one's choice. */
gr_status gr__cpu_make_for(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);

gr_status gr__region_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);
bool gr__region_fuses(const gr_graph *g, const gr_node *n);
gr_status gr__scalars_make(gr_context *ctx, const gr_item *item, gr_kernel **out);
bool gr__scalars_take(const gr_graph *g, const gr_node *n); /* an operation of rank-0 values */

gr_status gr__contraction_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);
bool gr__contraction_epilogue(const gr_graph *g, const gr_node *contraction, bool bias, bool relu);

/* Kernels of single nodes, by family. */
gr_status gr__reduce_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);
gr_status gr__argmax_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);
gr_status gr__move_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out); /* all of GR_CLASS_SHAPE */
gr_status gr__leaf_make(gr_context *ctx, const gr_item *item, gr__isa isa,
                        gr_kernel **out); /* iota, tensor, random, const */
gr_status gr__index_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out); /* gather, scatter_add */
gr_status gr__pool_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out);

/* Where value v stands among the inputs of a one-segment item; -1: not read from memory (constants). */
int gr__cpu_input(const gr_item *item, gr_val v);
/* Into how many shards so many elements are cut: by number alone. */
int gr__cpu_shards(int64_t elements);
/* The part of 0..n-1 that belongs to a shard, in multiples of `step`. */
void gr__cpu_part(int64_t n, int64_t step, int shards, int shard, int64_t *begin, int64_t *end);
/* Nanoseconds to move so many bytes. */
double gr__cpu_move_ns(double bytes);
size_t gr__cpu_element_bytes(gr_dtype dtype);

#endif
