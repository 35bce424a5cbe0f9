/* Products that skip the zeros of their first operand: behind a ReLU about half of a gradient is zero.
 *
 * Zeros of single elements leave no tile of several rows whole, so a row of the result is computed by itself, many
 * columns at once: the terms that are not zero, in the order of the sum. A term that is left out would have added 0, so
 * results have the bits of the whole sum; only a zero may have the other sign. Where b is not finite nothing is left
 * out. */
#ifndef GR_CPU_CONTRACT_ZEROS_H
#define GR_CPU_CONTRACT_ZEROS_H

#include "base/base.h"
#include "backend/cpu/isa.h"

enum {
    GR__ZEROS_TERMS = 64,
    GR__ZEROS_VECTORS = 12
}; /* of a block: so that its panel of b stays in the first cache; of a panel, at most */

/* Some rows of one panel and one block of the sum: out[r][.] (+)= sum over the j that mask[r] has of a[r a_row + j
 * a_step] * b[j b_step + .] */
typedef struct gr__zeros {
    const float *a, *b;
    float *out;
    const uint64_t *mask;
    int64_t rows, a_row, a_step, b_step, out_row, mask_row;
    int64_t columns; /* in as many vectors as they need; b has whole ones */
    uint64_t all;    /* terms to take whatever the mask says */
    bool accumulate;
} gr__zeros;

typedef struct gr__zeros_ops {
    int vectors;                                             /* of a panel, at most */
    void (*rows[GR__ZEROS_VECTORS + 1])(const gr__zeros *t); /* by number of vectors */
    /* mask[r mask_row + j / 64], bit j % 64: whether a[r a_row + j a_step] != 0, for j < terms; a_row or a_step is 1.
     * Returns how many are not. */
    int64_t (*find)(const float *a, int64_t a_row, int64_t a_step, int64_t rows, int64_t terms, uint64_t *mask,
                    int64_t mask_row);
    /* dst[j width + c] = src[j ld + c], zero from `columns` to `width`. Is everything finite? */
    bool (*pack)(float *dst, int64_t width, const float *src, int64_t ld, int64_t columns, int64_t terms);
} gr__zeros_ops;

const gr__zeros_ops *gr__zeros_ops_get(gr__isa isa);

#endif
