/* Convolutions and pooling: pictures have their channels first there. */
#include "exchange/onnx_work.h"
#include "graph/pool.h"

/* ---- convolutions: attributes as gr_conv_attr packs them ---- */

static void put_window(gr__onnx *o, const int64_t *kernel, const gr_attr *a)
{
    gr__onnx_ints(o, "kernel_shape", kernel, 2);
    gr__onnx_ints(o, "strides", a->i, 2);
    gr__onnx_ints(o, "dilations", a->i + 2, 2);
    gr__onnx_ints(o, "pads", a->i + 4, 4);
    gr__onnx_int(o, "group", a->i[8]);
}

void gr__onnx_conv(gr__onnx_work *w, const gr_node *n)
{
    const char *in[] = {gr__onnx_first(w, n->in[0]), gr__onnx_first(w, n->in[1])};
    gr_shape k = gr__onnx_shape(w, n->in[1]);
    gr__onnx_begin(w->o, "Conv", in, 2);
    put_window(w->o, (int64_t[]){k.dim[1], k.dim[2]}, &n->attr);
    gr__onnx_gives_first(w, n, gr__onnx_end(w->o));
}

/* The transposed convolution: what its size leaves open is said. */
void gr__onnx_conv_data(gr__onnx_work *w, const gr_node *n)
{
    const char *in[] = {gr__onnx_first(w, n->in[0]), gr__onnx_first(w, n->in[1])};
    gr_shape x = gr__onnx_shape(w, n->in[0]), k = gr__onnx_shape(w, n->in[1]), y = gr__onnx_shape(w, n->out);
    const int64_t *a = n->attr.i;
    int64_t more[2];
    for (int i = 0; i < 2; i++)
        more[i] = y.dim[1 + i] - (a[i] * (x.dim[1 + i] - 1) + a[2 + i] * (k.dim[1 + i] - 1) + 1 - a[4 + i] - a[6 + i]);
    gr__onnx_begin(w->o, "ConvTranspose", in, 2);
    put_window(w->o, (int64_t[]){k.dim[1], k.dim[2]}, &n->attr);
    gr__onnx_ints(w->o, "output_padding", more, 2);
    gr__onnx_gives_first(w, n, gr__onnx_end(w->o));
}

/* ---- pooling ---- */

/* A window of so many parts of an axis that they divide is one of a fixed size. */
static bool fixed(const gr_pool_attr *p, gr_shape x, gr_pool_attr *out)
{
    *out = *p;
    for (int i = 0; i < 2; i++) {
        if (p->stride[i]) continue;
        if (x.dim[1 + i] % p->size[i] != 0) return false;
        out->size[i] = out->stride[i] = x.dim[1 + i] / p->size[i];
    }
    return true;
}

bool gr__onnx_pools(const gr_graph *g, const gr_node *n)
{
    gr_pool_attr p = gr__pool_unpack(&n->attr), q;
    return fixed(&p, gr__value(g, n->in[0])->shape, &q);
}

static const char *pool(gr__onnx *o, const char *x, const char *op, const gr_pool_attr *p, bool means)
{
    gr__onnx_begin(o, op, &x, 1);
    gr__onnx_ints(o, "kernel_shape", p->size, 2);
    gr__onnx_ints(o, "strides", p->stride, 2);
    gr__onnx_ints(o, "pads", (int64_t[]){p->pad_before[0], p->pad_before[1], p->pad_after[0], p->pad_after[1]}, 4);
    if (means) gr__onnx_int(o, "count_include_pad", p->count_padding);
    return gr__onnx_end(o);
}

static const char *largest_of(gr__onnx *o, const char *x, int64_t axis, int64_t from, int64_t to)
{
    const char *in[] = {x, gr__onnx_list(o, &from, 1), gr__onnx_list(o, &to, 1), gr__onnx_list(o, &axis, 1)};
    gr__onnx_begin(o, "Slice", in, 4);
    const char *part = gr__onnx_end(o);
    gr__onnx_begin(o, "ReduceMax", &part, 1);
    gr__onnx_ints(o, "axes", &axis, 1);
    gr__onnx_int(o, "keepdims", 1);
    return gr__onnx_end(o);
}

/* Windows of several sizes, an axis after the other, each by itself. */
static const char *largest(gr__onnx_work *w, const char *x, const gr_pool_attr *p, gr_shape s)
{
    gr__onnx *o = w->o;
    for (int i = 0; i < 2; i++) {
        int64_t n = p->stride[i] ? (s.dim[1 + i] + p->pad_before[i] + p->pad_after[i] - p->size[i]) / p->stride[i] + 1
                                 : p->size[i];
        const char **part = gr__bump_alloc(o->memory, sizeof *part * (size_t)n);
        for (int64_t k = 0; k < n && part; k++) {
            gr__pool_span at = gr__pool_span_at(p, i, s.dim[1 + i], k);
            part[k] = largest_of(o, x, 2 + i, at.first, at.end);
        }
        if (!part) {
            o->constants.failed = true;
            return x;
        }
        gr__onnx_begin(o, "Concat", part, (int)n);
        gr__onnx_int(o, "axis", 2 + i);
        x = gr__onnx_end(o);
    }
    return x;
}

void gr__onnx_max_pool(gr__onnx_work *w, const gr_node *n)
{
    gr_pool_attr p = gr__pool_unpack(&n->attr), q;
    gr_shape s = gr__onnx_shape(w, n->in[0]);
    const char *x = gr__onnx_first(w, n->in[0]);
    gr__onnx_gives_first(w, n, fixed(&p, s, &q) ? pool(w->o, x, "MaxPool", &q, false) : largest(w, x, &p, s));
}

void gr__onnx_avg_pool(gr__onnx_work *w, const gr_node *n)
{
    gr_pool_attr p = gr__pool_unpack(&n->attr), q;
    const char *x = gr__onnx_first(w, n->in[0]);
    fixed(&p, gr__onnx_shape(w, n->in[0]), &q);
    gr__onnx_gives_first(w, n, pool(w->o, x, "AveragePool", &q, true));
}
