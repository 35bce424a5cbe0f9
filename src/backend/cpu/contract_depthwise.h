/* The inner loops of convolutions of each channel by itself, compiled once an instruction set: channels are lanes, some
 * outputs of a row (or all taps of a window) stay in registers, and nothing is copied. */
#ifndef GR_CPU_CONTRACT_DEPTHWISE_H
#define GR_CPU_CONTRACT_DEPTHWISE_H

#include "base/base.h"
#include "backend/cpu/isa.h"

/* Outputs of one row that all have the same taps: out[o][c] = sum over r, t of x[r x_row + o x_step + t x_tap + c] w[r
 * w_row + t channels + c], in this order. */
typedef struct gr__depth_row {
    const float *x, *w;
    float *out;
    const float *bias; /* added after the sum, or NULL */
    bool relu;
    int64_t outputs, rows, taps, channels;
    int64_t x_row, x_step, x_tap, w_row, out_step; /* in floats */
    /* What is fetched ahead, where pictures are larger than a cache (else fresh_rows is 0): floats to what the next row
     * reads and writes; how many rows of its windows, and pixels an output, this one does not read. */
    int64_t x_line, out_line, fresh_rows, fresh_pixels;
} gr__depth_row;

/* Rows of a gradient of weights: dw[r taps + t][c] (+)= sum over rows i and places j of x[i x_line + r x_row + j x_step
 * + t x_tap + c] dy[i dy_line + j channels + c]. Of row i only window rows r_first[i] .. r_end[i] - 1 are inside, of
 * place j only taps with 0 <= place + j step + t tap < width. */
typedef struct gr__depth_weights {
    const float *x, *dy;
    float *dw;
    const int64_t *r_first, *r_end;
    bool accumulate;
    int64_t lines, places, rows, taps, channels;
    int64_t x_line, dy_line, x_row, x_step, x_tap;
    int64_t place, step, tap, width;
    int64_t fresh_rows, fresh_pixels; /* of the next line, as above */
} gr__depth_weights;

/* Whether pictures of so many floats, read and written, are fetched ahead; 0, or how many rows that are `apart` lie
 * between lines `step` apart, at most as many as a window has. */
static inline int64_t gr__depth_fresh(double floats, int64_t step, int64_t apart, int64_t rows)
{
    return floats < 1 << 20 ? 0 : GR_MIN(GR_MAX(step / apart, 1), rows);
}

typedef struct gr__depth_ops {
    int lane;
    void (*row)(const gr__depth_row *t);
    void (*weights)(const gr__depth_weights *t);
} gr__depth_ops;

const gr__depth_ops *gr__depth_ops_get(gr__isa isa);

/* Of an output at `at`: taps first .. end - 1 of `taps`, `gap` apart, lie within 0 .. size - 1. */
static inline void gr__depth_inside(int64_t at, int64_t gap, int64_t taps, int64_t size, int64_t *first, int64_t *end)
{
    *first = at >= 0 ? 0 : (-at + gap - 1) / gap;
    *end = at >= size ? 0 : (size - 1 - at) / gap + 1;
    if (*first > taps) *first = taps;
    if (*end > taps) *end = taps;
    if (*end < *first) *end = *first;
}

/* The outputs all of whose taps, up to `reach` behind the first, lie within 0 .. size - 1: from .. end - 1. Output i's
 * first tap is at `at` + i step. */
static inline void gr__depth_whole(int64_t at, int64_t step, int64_t reach, int64_t size, int64_t outputs,
                                   int64_t *from, int64_t *end)
{
    *from = at >= 0 ? 0 : (-at + step - 1) / step;
    *end = at + reach >= size ? 0 : (size - 1 - at - reach) / step + 1;
    *from = GR_MIN(*from, outputs);
    *end = GR_MAX(GR_MIN(*end, outputs), *from);
}

#endif
