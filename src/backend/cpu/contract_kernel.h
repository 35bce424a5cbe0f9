/* Shared by the makers of contraction kernels. */
#ifndef GR_CPU_CONTRACT_KERNEL_H
#define GR_CPU_CONTRACT_KERNEL_H

#include "backend/cpu/contract.h"
#include "backend/cpu/contract_winograd.h"

/* One maker an algorithm, and where there is a choice what it would cost: infinite if it does not take the shape. */
gr_status gr__gemm_make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out);
gr_status gr__conv_make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out); /* forward and data */
gr_status gr__conv_weights_make(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out);
gr_status gr__conv_scatter_make(gr_context *ctx, const gr__contraction *c, gr__isa isa,
                                gr_kernel **out); /* data, few channels */
double gr__conv_scatter_cost(const gr__contraction *c, gr__isa isa);
gr_status gr__winograd_make(gr_context *ctx, const gr__contraction *c, gr__winograd w, gr__isa isa,
                            gr_kernel **out); /* forward and data */
gr_status gr__winograd_weights_make(gr_context *ctx, const gr__contraction *c, gr__winograd w, gr__isa isa,
                                    gr_kernel **out);
double gr__winograd_cost(const gr__contraction *c, gr__winograd w, gr__isa isa);

/* Into how many shards work of so many nanoseconds is cut: a function of shape and instruction set alone. */
int gr__contract_shards(double cost_ns);
/* Time of so many multiply-adds (whole vectors counted) and bytes moved to or from memory, on one thread. */
double gr__contract_cost(const gr__tile_ops *ops, double madds, double bytes);

/* Steps of j that a tile takes, in multiply-adds of whole vectors: short tiles wait for the latency of the
 * multiply-add. */
static inline double gr__tile_cost(const gr__tile_ops *ops, int64_t rows, int64_t columns, bool whole)
{
    double vectors = 0;
    if (rows <= 0) return 0;
    for (int64_t left = columns, n = 0; left > 0; left -= n) {
        int v = gr__panel_kind(ops, left, whole, &n) == GR__TILE_WIDE ? 2 : 1;
        int64_t tiles = (rows + ops->rows - 1) / ops->rows;
        double per_tile = (double)rows / (double)tiles * v;
        vectors += (double)tiles * GR_MAX(per_tile, 5.0);
    }
    return vectors * ops->lane;
}

static inline size_t gr__align64(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

#endif
