/* Sums over the rows of a matrix in float64, compiled once an instruction set. Rows are `apart` numbers apart, a
 * multiple of GR__ROW_STEP, and zero beyond what they have, so that no loop has a rest. */
#ifndef GR_STUDY_BASELINE_ROWS_H
#define GR_STUDY_BASELINE_ROWS_H

#include <stdint.h>

enum { GR__ROW_STEP = 8 };

typedef struct gr__rows_kernels {
    /* out[i k + c] = x_i . w_c of n rows; w: k rows */
    void (*products)(const double *x, int64_t n, int64_t apart, const double *w, int64_t k, double *out);
    /* sum_c += sum over i of r[i k + c] x_i, of the numbers from `from` on, a multiple of GR__ROW_STEP */
    void (*sums)(const double *x, int64_t n, int64_t apart, int64_t from, const double *r, int64_t k, double *sum);
    /* g[a apart + b] += sum over i of weight[i] x_ia x_ib, for all b up to a at least. room: n x apart */
    void (*squares)(const double *x, int64_t n, int64_t apart, const double *weight, double *room, double *g);
    /* x_i -= v[i] w, of the same numbers */
    void (*reflect)(double *x, int64_t n, int64_t apart, int64_t from, const double *v, const double *w);
} gr__rows_kernels;

extern const gr__rows_kernels gr__rows_kernels_baseline, gr__rows_kernels_avx2, gr__rows_kernels_avx512;
const gr__rows_kernels *gr__rows_kernels_chosen(void);

#endif
