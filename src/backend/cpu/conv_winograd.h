/* Shared by the three passes of Winograd convolutions (contract_winograd.h): stride 1, no dilation, no groups. */
#ifndef GR_CPU_CONV_WINOGRAD_H
#define GR_CPU_CONV_WINOGRAD_H

#include "backend/cpu/contract_winograd.h"
#include "backend/cpu/conv_gather.h"

/* A grid of tiles over a picture: m x m results each, reading alpha x alpha pixels from (-pad, -pad) of them on. */
typedef struct gr__winograd_grid {
    gr__gather gather;
    gr__winograd winograd;
    int64_t m, r, alpha, positions; /* alpha * alpha */
    int64_t pad_h, pad_w;
    int64_t block; /* tiles at a time */
} gr__winograd_grid;

/* The makers and the cost of one transform, of which conv_winograd.c makes a provider each. */
gr_status gr__winograd_make(gr_context *ctx, const gr__contraction *c, gr__winograd w, gr__isa isa,
                            gr_kernel **out); /* forward and data */
gr_status gr__winograd_weights_make(gr_context *ctx, const gr__contraction *c, gr__winograd w, gr__isa isa,
                                    gr_kernel **out);
double gr__winograd_cost(const gr__contraction *c, gr__winograd w, gr__isa isa);

/* n images of h x w x channels are read; the results are out_h x out_w. */
gr_status gr__winograd_grid_make(gr_context *ctx, gr__winograd w, const int64_t picture[4], int64_t out_h,
                                 int64_t out_w, int64_t pad_h, int64_t pad_w, gr__winograd_grid *g);

static inline int64_t gr__winograd_tiles(const gr__winograd_grid *g)
{
    return g->gather.n * g->gather.gh * g->gather.gw;
}

/* How much of the picture a block may hold: small pictures go together until there are enough tiles. */
static inline int64_t gr__winograd_gather_floats(const gr__winograd_grid *g, int64_t floats, int64_t tiles)
{
    const gr__gather *p = &g->gather;
    int64_t image = ((p->gh - 1) * g->m + g->alpha) * ((p->gw - 1) * g->m + g->alpha) * p->channels;
    int64_t of_image = p->gh * p->gw;
    return of_image >= tiles ? floats : GR_MAX(floats, GR_MIN(image * ((tiles + of_image - 1) / of_image), 1 << 20));
}

typedef struct gr__winograd_place {
    int64_t image, i, j; /* of a tile: image and tile row within the block, tile column */
} gr__winograd_place;

static inline gr__winograd_place gr__winograd_at(const gr__winograd_grid *g, const gr__gather_block *b, int64_t tile)
{
    int64_t row = tile / g->gather.gw;
    return (gr__winograd_place){row / b->rows, row % b->rows, tile % g->gather.gw};
}

/* Transforms the pixels of `count` tiles of a block from `first` on: dst[position][tile][pitch], positions `stride`
 * floats apart. */
void gr__winograd_input(const gr__winograd_grid *g, const gr__winograd_ops *ops, const gr__gather_block *b,
                        int64_t first, int64_t count, int64_t channels, float *dst, int64_t pitch, int64_t stride);

/* Floats of a transformed tile's channels: whole vectors of any set and a shift against aliasing in the caches. */
static inline int64_t gr__winograd_pitch(int64_t channels)
{
    return (channels + 15) / 16 * 16 + 16;
}

/* Tiles a block, so that the transformed tiles stay in the second cache. */
static inline int64_t gr__winograd_block(int64_t positions, int64_t floats_a_tile, int64_t cache_floats)
{
    int64_t n = cache_floats / GR_MAX(positions * floats_a_tile, 1) / 12 * 12;
    return GR_MAX(24, GR_MIN(n, 96));
}

#endif
