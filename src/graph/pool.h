/* What the operations of pooling and what they are said by share: where windows lie. */
#ifndef GR_GRAPH_POOL_H
#define GR_GRAPH_POOL_H

#include "graph/op.h"

static inline gr_pool_attr gr__pool_unpack(const gr_attr *attr)
{
    const int64_t *i = attr->i;
    return (gr_pool_attr){{i[0], i[1]}, {i[2], i[3]}, {i[4], i[5]}, {i[6], i[7]}, i[8] != 0};
}

/* The pooled shape of pictures x. False: the graph failed. */
bool gr__pool_shape(gr_graph *g, const gr_attr *attr, gr_shape x, gr_shape *y);

/* The part of a window that lies on an axis, and how many elements of the axis its mean divides by. */
typedef struct gr__pool_span {
    int64_t first, end, divisor;
} gr__pool_span;

static inline gr__pool_span gr__pool_span_at(const gr_pool_attr *p, int axis, int64_t size, int64_t o)
{
    int64_t windows = p->size[axis], start = o * p->stride[axis] - p->pad_before[axis];
    gr__pool_span s;
    if (p->stride[axis] == 0)
        s = (gr__pool_span){.first = o * size / windows, .end = ((o + 1) * size + windows - 1) / windows};
    else
        s = (gr__pool_span){.first = GR_MAX(start, 0), .end = GR_MIN(start + p->size[axis], size)};
    s.divisor = p->count_padding && p->stride[axis] ? p->size[axis] : s.end - s.first;
    return s;
}

typedef struct gr__pool_window {
    int64_t first[2], end[2], divisor;
} gr__pool_window;

static inline gr__pool_window gr__pool_window_at(const gr_pool_attr *p, gr_shape x, const int64_t *index)
{
    gr__pool_window w = {.divisor = 1};
    for (int i = 0; i < 2; i++) {
        gr__pool_span s = gr__pool_span_at(p, i, x.dim[1 + i], index[1 + i]);
        w.first[i] = s.first;
        w.end[i] = s.end;
        w.divisor *= s.divisor;
    }
    return w;
}

void gr__avg_pool_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out);
void gr__avg_pool_adjoint_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out);

#endif
