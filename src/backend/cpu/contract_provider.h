/* What contractions are chosen from, and what those share. */
#ifndef GR_CPU_CONTRACT_PROVIDER_H
#define GR_CPU_CONTRACT_PROVIDER_H

#include "backend/cpu/contract.h"
#include "backend/cpu/contract_winograd.h"

/* An algorithm that does some contractions. A new one is a file with a GR_PROVIDER, which the build finds. */
typedef struct gr_provider {
    const char *name;
    /* Nanoseconds on one thread, of shape and instruction set alone. Infinite: it does not take this contraction. */
    double (*cost)(const gr__contraction *c, gr__isa isa);
    gr_status (*make)(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out);
    bool more; /* its kernels say more than that: what follows from how they are cut comes on top */
} gr_provider;
#define GR_PROVIDER(name) const gr_provider gr__provider_##name
const gr_provider *const *gr__providers(int *n); /* generated, sorted by name */

/* Is every channel of a convolution a group of its own, with one filter? */
static inline bool gr__is_depthwise(const gr__contraction *c)
{
    return c->conv.groups > 1 && c->conv.groups == c->conv.c && c->conv.groups == c->conv.o;
}

double gr__kernel_cost(const gr_kernel *k); /* of all phases, on one thread */
/* Into how many shards work of so many nanoseconds is cut: a function of shape and instruction set alone. */
int gr__contract_shards(double cost_ns);
/* Time of so many multiply-adds (whole vectors counted) and bytes moved to or from memory, on one thread. */
double gr__contract_cost(const gr__tile_ops *ops, double madds, double bytes);

/* Steps of j that a tile takes, in multiply-adds of whole vectors: short tiles wait for the latency of the
 * multiply-add. */
static inline double gr__tile_cost(const gr__tile_ops *ops, int64_t rows, int64_t columns, bool whole)
{
    enum { SUMMED = 4096 }; /* panels: what is stated of usual sizes is a sum, of more there is no end otherwise */
    int64_t tiles = (rows + ops->rows - 1) / ops->rows, many = GR_MAX(columns / ops->wide - SUMMED, 0);
    if (rows <= 0) return 0;
    double vectors = (double)many * (double)tiles * GR_MAX((double)rows / (double)tiles * 2, 5.0);
    for (int64_t left = columns - many * ops->wide, n = 0; left > 0; left -= n) {
        int v = gr__panel_kind(ops, left, whole, &n) == GR__TILE_WIDE ? 2 : 1;
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
