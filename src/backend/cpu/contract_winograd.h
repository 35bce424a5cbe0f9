/* Winograd's transforms: y = A^T ((G g G^T) . (B^T d B)) A for m x m outputs of an r x r filter, d being the alpha x
 * alpha pixels they see, alpha = m + r - 1. Points 0, 1, -1 (alpha 4) and 1/2, -2 (alpha 6): their errors are about
 * half of those of 2, -2. */
#ifndef GR_CPU_CONTRACT_WINOGRAD_H
#define GR_CPU_CONTRACT_WINOGRAD_H

#include "backend/cpu/contract_tile.h"

typedef enum gr__winograd { GR__F2X3, GR__F4X3, GR__F2X5, GR__WINOGRADS } gr__winograd; /* m x r */

/* dst = T src T^T for each channel. Rows and columns (in floats) of elements; only the valid ones are read (others are
 * zero) or written. */
typedef struct gr__transform {
    const float *src;
    float *dst;
    const float *bias;
    int64_t src_row, src_column, dst_row, dst_column;
    int64_t src_rows, src_columns, dst_rows, dst_columns; /* valid */
    int64_t channels; /* INPUT, SLOPES, FILTER: whole vectors are written, zeros beyond the channels; OUTPUT, SUM: whole
                         vectors are read */
    bool relu, accumulate;
} gr__transform;

typedef enum gr__transform_kind {
    GR__WINOGRAD_INPUT,  /* B^T d B: alpha x alpha from alpha x alpha, all valid */
    GR__WINOGRAD_OUTPUT, /* A^T p A, then bias and ReLU: m x m from alpha x alpha */
    GR__WINOGRAD_FILTER, /* G g G^T: alpha x alpha from r x r */
    GR__WINOGRAD_SLOPES, /* A dy A^T: alpha x alpha from m x m */
    GR__WINOGRAD_SUM,    /* G^T p G, added if accumulate: r x r from alpha x alpha */
    GR__WINOGRAD_KINDS
} gr__transform_kind;

typedef struct gr__winograd_ops {
    void (*transform[GR__WINOGRADS][GR__WINOGRAD_KINDS])(const gr__transform *t);
} gr__winograd_ops;

const gr__winograd_ops *gr__winograd_ops_get(gr__isa isa);

static inline int64_t gr__winograd_m(gr__winograd w)
{
    return w == GR__F4X3 ? 4 : 2;
}

static inline int64_t gr__winograd_r(gr__winograd w)
{
    return w == GR__F2X5 ? 5 : 3;
}

#endif
