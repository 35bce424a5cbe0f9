/* How a convolution reads its picture: outputs of a grid, each a sum over taps at fixed distances from the output's own
 * place.
 *
 * Forward has one grid. The gradient of the data has one for each residue of the output position modulo the strides:
 * within such a class the taps are fixed and the picture that is read (dy) has stride 1. A block of rows of the grid is
 * first copied to scratch with its borders of zeros (never more than 1 % of the time for 3x3), unless no tap leaves the
 * picture: then there is no test for borders in any loop, taps of a kernel row that lie side by side merge into one
 * run, and a group's channels are contiguous. */
#ifndef GR_CPU_CONV_GATHER_H
#define GR_CPU_CONV_GATHER_H

#include "backend/cpu/contract_provider.h"

typedef struct gr__gather {
    /* the picture that is read: n images of h x w pixels of `pitch` floats, of which `channels` are read from `first
     * channel` on */
    int64_t n, h, w, pitch, channels;
    int64_t source_row, source_image; /* floats from a row and an image of it to the next; 0: they follow each other */
    const gr__tile_ops *ops;
    /* the grid: gh x gw outputs an image; output (i, j) stands at (i step_h, j step_w) of the picture, a tap at (+dh,
     * +dw) */
    int64_t gh, gw, step_h, step_w;
    int64_t lo_h, lo_w, hi_h, hi_w; /* of all taps' distances */
    bool copy;
    int64_t pixel, row,
        image;           /* floats from a pixel, a row, an image to the next where the grid reads: copy or picture */
    bool images;         /* shards cut whole images; else rows of the grid */
    int64_t block_units; /* at most so many units at a time, never across images when they are rows */
    size_t copy_bytes;   /* of scratch */
    int n_taps, n_segments, capacity;
    struct gr__tap {
        int64_t dh, dw, kernel;
    } * taps;              /* kernel: index of the tap, kh * KW + kw */
    gr__segment *segments; /* runs of channels; a from the output's place, b counts packed rows */
} gr__gather;

/* A block of the grid and where it is read. */
typedef struct gr__gather_block {
    int64_t image, images, row, rows; /* first image and row; rows an image */
    const float *origin;              /* place of its first output, tap (0, 0) */
} gr__gather_block;

/* Taps (room for n of them is made here) must be filled by the caller before gr__gather_finish, which plans copies,
 * runs and blocks. merge: taps that lie side by side become one run. block_floats: how much of the picture one block
 * may hold. */
gr_status gr__gather_alloc(gr_context *ctx, gr__gather *g, int n_taps);
void gr__gather_finish(gr__gather *g, bool merge, int64_t block_floats, int shards);
/* The two halves of that: copies and blocks, which follow from the number of taps and the bounds of their distances
 * alone, and the runs of the taps. */
void gr__gather_cut(gr__gather *g, int64_t block_floats, int shards);
void gr__gather_runs(gr__gather *g, bool merge);
void gr__gather_free(gr_context *ctx, gr__gather *g);

static inline int64_t gr__gather_units(const gr__gather *g)
{
    return g->images ? g->n : g->n * g->gh;
}

/* The block that starts at a unit, at most up to `end`; returns the first unit after it. Copies what it reads into
 * scratch if needed; picture: at the first channel that is read. */
int64_t gr__gather_open(const gr__gather *g, int64_t unit, int64_t end, const float *picture, float *scratch,
                        gr__gather_block *b);

/* Does the grid read every pixel of the picture once, in their order? Nothing tells the processor what it reads next
 * then, as tiles read several pixels side by side: who reads a picture beyond the caches fetches it ahead by hand. */
static inline bool gr__gather_streams(const gr__gather *g)
{
    return !g->copy && g->n_taps == 1 && g->step_h == 1 && g->step_w == 1 && g->gw * g->pixel == g->row;
}

/* What is to be fetched ahead. */
typedef struct gr__ahead {
    const char *at, *end;
} gr__ahead;

static inline gr__ahead gr__ahead_of(const float *from, int64_t floats)
{
    return (gr__ahead){(const char *)from, (const char *)(from + floats)};
}

/* So many lines of it, at most. */
static inline void gr__fetch(gr__ahead *a, int64_t lines)
{
    for (; lines > 0 && a->at < a->end; lines--, a->at += 64) __builtin_prefetch(a->at, 0, 2);
}

#endif
