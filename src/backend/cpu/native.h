/* Loops of hand-written kernels that gain from the instruction set: compiled once for each. */
#ifndef GR_CPU_NATIVE_H
#define GR_CPU_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/cpu/isa.h"

/* Pooling over H and W of [N,H,W,C], as the attributes of the operations say. */
typedef struct gr__pooling {
    int64_t n, h, w, c, oh, ow, size[2], stride[2], pad[2];
    bool count_padding;
} gr__pooling;

typedef struct gr__native_set {
    /* to[c] += x[r * stride + c], or the larger, r in order */
    void (*reduce_rows)(bool max, const float *x, int64_t stride, int64_t rows, int64_t n, double *to);
    double (*reduce_line)(bool max, const float *x, int64_t n); /* in an order that n fixes */
    /* y[e] of gr__random_leaf for elements first.. of one sample */
    void (*random)(float *y, int64_t first, int64_t n, uint64_t seed, uint64_t stream, uint64_t update,
                   uint32_t sample);
    /* y[a * to + b] = x[a + b * from], a < na, b < nb */
    void (*transpose)(const float *x, int64_t from, float *y, int64_t to, int64_t na, int64_t nb);
    void (*add)(const float *x, float *y, int64_t n); /* y += x */
    /* One row of outputs of one picture; x, y, index are the operation's whole operands. */
    /* y, index: NULL where nobody reads it. */
    void (*max_pool)(const gr__pooling *p, int64_t n, int64_t oh, const float *x, float *y, int32_t *index);
    void (*avg_pool)(const gr__pooling *p, int64_t n, int64_t oh, const float *x, float *y);
    void (*pool_gather)(const gr__pooling *p, int64_t n, int64_t oh, const float *x, const int32_t *index, float *y);
    /* One row of a picture of results: all windows that touch it, in order. */
    void (*pool_scatter)(const gr__pooling *p, int64_t n, int64_t h, const float *dy, const int32_t *index, float *dx);
    void (*avg_pool_adjoint)(const gr__pooling *p, int64_t n, int64_t h, const float *dy, float *dx);
} gr__native_set;

const gr__native_set *gr__native_set_get(gr__isa isa);

/* The part of window o that lies on an axis of `size` elements. */
static inline void gr__window(const gr__pooling *p, int axis, int64_t o, int64_t size, int64_t *first, int64_t *end)
{
    if (p->stride[axis] == 0) { /* as many windows as there is room for */
        *first = o * size / p->size[axis];
        *end = ((o + 1) * size + p->size[axis] - 1) / p->size[axis];
        return;
    }
    int64_t start = o * p->stride[axis] - p->pad[axis];
    *first = start < 0 ? 0 : start;
    *end = start + p->size[axis] < size ? start + p->size[axis] : size;
}

/* The windows that touch element e: from *first to *end, not included. */
static inline void gr__windows_at(const gr__pooling *p, int axis, int64_t e, int64_t windows, int64_t *first,
                                  int64_t *end)
{
    if (p->stride[axis] == 0) {
        int64_t size = axis == 0 ? p->h : p->w;
        *first = e * windows / size;
        *end = ((e + 1) * windows + size - 1) / size;
        return;
    }
    int64_t last = (e + p->pad[axis]) / p->stride[axis], before = e + p->pad[axis] - p->size[axis];
    *first = before < 0 ? 0 : before / p->stride[axis] + 1;
    *end = last + 1 < windows ? last + 1 : windows;
}

#endif
