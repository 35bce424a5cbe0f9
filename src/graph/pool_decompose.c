/* Means said by others: convolutions of each channel by itself with ones, divided by how many were summed; where
 * windows are not all of one size and distance, products with the shares of each axis. */
#include "graph/pool.h"

static bool is_regular(const gr_pool_attr *p)
{
    return p->stride[0] > 0 && p->stride[1] > 0;
}

/* [windows, elements] of an axis: the share of each element in the mean of each window. */
static gr_val shares(gr_graph *g, const gr_pool_attr *p, int axis, int64_t windows, int64_t elements)
{
    double *share = gr__alloc(g->ctx, (size_t)(windows * elements) * sizeof *share);
    if (!share) {
        g->status = GR_E_MEMORY;
        return GR_NONE;
    }
    for (int64_t o = 0; o < windows; o++) {
        gr__pool_span s = gr__pool_span_at(p, axis, elements, o);
        for (int64_t e = 0; e < elements; e++)
            share[o * elements + e] = e >= s.first && e < s.end ? 1 / (double)s.divisor : 0;
    }
    gr_val v = gr_const_tensor(g, GR_SHAPE(windows, elements), share);
    gr__free(g->ctx, share, (size_t)(windows * elements) * sizeof *share);
    return v;
}

/* Both axes of `in` one after the other; back: from means to elements. */
static gr_val by_shares(gr_graph *g, const gr_pool_attr *p, gr_val in, gr_shape x, gr_shape y, bool back)
{
    gr_shape from = back ? y : x, to = back ? x : y;
    gr_val h = shares(g, p, 0, y.dim[1], x.dim[1]), w = shares(g, p, 1, y.dim[2], x.dim[2]);
    gr_val v =
        gr_matmul(g, h, gr_reshape(g, in, GR_SHAPE(from.dim[0], from.dim[1], from.dim[2] * from.dim[3])), back, false);
    v = gr_matmul(g, w, gr_reshape(g, v, GR_SHAPE(from.dim[0] * to.dim[1], from.dim[2], from.dim[3])), back, false);
    return gr_reshape(g, v, to);
}

static gr_conv_attr as_conv(const gr_pool_attr *p, int64_t channels)
{
    return (gr_conv_attr){{p->stride[0], p->stride[1]},
                          {1, 1},
                          {p->pad_before[0], p->pad_before[1]},
                          {p->pad_after[0], p->pad_after[1]},
                          channels};
}

static gr_val ones(gr_graph *g, const gr_pool_attr *p, int64_t channels)
{
    return gr_broadcast(g, gr_const(g, 1), GR_SHAPE(channels, p->size[0], p->size[1], 1));
}

/* What the mean of each window divides by: [1,OH,OW,1]. */
static gr_val divisors(gr_graph *g, const gr_pool_attr *p, gr_shape x, gr_shape y)
{
    gr_shape s = GR_SHAPE(1, y.dim[1], y.dim[2], 1);
    int64_t index[GR_MAX_RANK] = {0}, count = gr_shape_count(s);
    double *d = gr__alloc(g->ctx, (size_t)count * sizeof *d);
    if (!d) {
        g->status = GR_E_MEMORY;
        return GR_NONE;
    }
    for (int64_t e = 0; e < count; e++, gr__next_index(s, index))
        d[e] = (double)gr__pool_window_at(p, x, index).divisor;
    gr_val v = gr_const_tensor(g, s, d);
    gr__free(g->ctx, d, (size_t)count * sizeof *d);
    return v;
}

void gr__avg_pool_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    (void)n_in;
    gr_pool_attr p = gr__pool_unpack(attr);
    gr_shape x = gr_shape_of(g, in[0]), y;
    if (!gr__pool_shape(g, attr, x, &y)) return;
    if (x.dim[3] == 0) /* a convolution has a channel */
        out[0] = gr_broadcast(g, gr_const(g, 0), y);
    else if (!is_regular(&p))
        out[0] = by_shares(g, &p, in[0], x, y, false);
    else
        out[0] = gr_div(g, gr_conv(g, in[0], ones(g, &p, x.dim[3]), as_conv(&p, x.dim[3])), divisors(g, &p, x, y));
}

void gr__avg_pool_adjoint_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    (void)n_in;
    gr_pool_attr p = gr__pool_unpack(attr);
    gr_shape y = gr_shape_of(g, in[0]), x = GR_SHAPE(y.dim[0], attr->i[9], attr->i[10], y.dim[3]);
    if (y.dim[3] == 0)
        out[0] = gr_broadcast(g, gr_const(g, 0), x);
    else if (!is_regular(&p))
        out[0] = by_shares(g, &p, in[0], x, y, true);
    else
        out[0] = gr_conv_data(g, gr_div(g, in[0], divisors(g, &p, x, y)), ones(g, &p, y.dim[3]), x.dim[1], x.dim[2],
                              as_conv(&p, y.dim[3]));
}
