/* The filters of a network's first convolution, as pictures, and how much they look like edges. */
#ifndef GR_TRAIN_FILTERS_H
#define GR_TRAIN_FILTERS_H

#include "result/raster.h"
#include "train/train.h"

/* [filters, height, width, channels] in memory, of the store's reals. */
typedef struct gr_filters {
    const char *name; /* of the tensor: "c1.weight" */
    const gr_param_info *param;
    int64_t n, height, width, channels;
} gr_filters;

/* The first convolution whose kernel is more than a pixel; false: there is none. */
bool gr__filters_find(const gr_network *network, gr_filters *out);

enum { GR_FILTERS_MOST = 256, GR_FILTER_PIXELS = 128 };
/* A tile a filter, at most GR_FILTERS_MOST: three channels as colours, of others the one with the most energy. Grey is
 * 0, white the filter's largest magnitude, black its negative. Each number is `times` pixels wide; kernels beyond
 * GR_FILTER_PIXELS a side are cut there. In b. */
gr_status gr__filters_draw(const gr_filters *f, const double *numbers, int times, gr__bump *b, gr_raster *out);
/* Bytes that this takes of b at most. */
size_t gr__filters_bytes(const gr_filters *f, int times);

/* How much of the filters is edges and bars, against chance:
 *
 *     share(w) = max over Gabor pairs of  sum_c <w_c, e1>^2 + <w_c, e2>^2  /  sum_c |w_c|^2
 *     score    = (mean over filters of share - r) / (1 - r)
 *
 * w_c is channel c without its mean; e1, e2 are orthonormal and span, without their means, the two phases of a Gabor
 * function exp(-(u^2 + v^2) / (2 s^2)) cos|sin(2 pi u / l) with u along its orientation; the pairs run over 8
 * orientations, 5 wave lengths l from 2 pixels to twice the kernel, widths s of 0.35, 0.56 and 0.8 l, 9 centres. r is
 * the mean share of 256 filters of the same shape with normal numbers (seeded): so a random filter scores 0 on the
 * mean, one that is a Gabor function in every channel 1.               [after Daugman 1985; Krizhevsky et al. 2012] */
typedef struct gr_edge_score {
    double share, chance, score; /* means over the filters; r; NaN: sides below 3, beyond 1024 numbers, or all 0 */
    double error;                /* of the score: standard error over the filters */
} gr_edge_score;
/* numbers as in memory. GR_E_MEMORY. */
gr_status gr__filters_edges(gr_context *ctx, const gr_filters *f, const double *numbers, gr_edge_score *out);

#endif
