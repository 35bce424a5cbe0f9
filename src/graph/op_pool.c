/* Pooling over the two picture axes, and the adjoints. */
#include <math.h>
#include <string.h>

#include "graph/pool.h"

/* ---- shape rules ---- */

static gr_attr pack(gr_pool_attr p, int64_t h, int64_t w)
{
    return (gr_attr){.i = {p.size[0], p.size[1], p.stride[0], p.stride[1], p.pad_before[0], p.pad_before[1],
                           p.pad_after[0], p.pad_after[1], p.count_padding, h, w}};
}

/* The pooled size of an axis of `in` elements; every window must hold one at least. */
static bool pooled_axis(gr_graph *g, const gr_pool_attr *p, int i, int64_t in, const char *text, int64_t *out)
{
    int64_t size = p->size[i], stride = p->stride[i], before = p->pad_before[i], after = p->pad_after[i];
    if (size < 1 || size > GR__MAX_INDEX || stride < 0 || stride > GR__MAX_INDEX || before < 0 ||
        before > GR__MAX_INDEX || after < 0 || after > GR__MAX_INDEX || (stride == 0 && (before || after)))
        return gr__op_fail(g, GR_E_RANGE, "size %lld, stride %lld, padding %lld, %lld are out of range",
                           (long long)size, (long long)stride, (long long)before, (long long)after);
    *out = size;
    if (stride == 0)
        return in > 0 ||
               gr__op_fail(g, GR_E_SHAPE, "%lld windows on an axis of %s would hold nothing", (long long)size, text);
    int64_t room = in + before + after - size;
    if (room < 0)
        return gr__op_fail(g, GR_E_SHAPE, "a window of %lldx%lld is larger than the padded input %s",
                           (long long)p->size[0], (long long)p->size[1], text);
    *out = room / stride + 1;
    if (before >= size || in < 1 || room / stride * stride - before >= in)
        return gr__op_fail(g, GR_E_SHAPE, "a window of %lldx%lld on %s would hold padding only", (long long)p->size[0],
                           (long long)p->size[1], text);
    return true;
}

bool gr__pool_shape(gr_graph *g, const gr_attr *attr, gr_shape x, gr_shape *y)
{
    gr_pool_attr p = gr__pool_unpack(attr);
    char text[96];
    gr__shape_text(x, text);
    if (x.dim[1] > GR__MAX_INDEX || x.dim[2] > GR__MAX_INDEX || x.dim[1] * x.dim[2] > GR__MAX_INDEX)
        return gr__op_fail(g, GR_E_SHAPE, "pictures of %s are too large", text);
    *y = x;
    for (int i = 0; i < 2; i++)
        if (!pooled_axis(g, &p, i, x.dim[1 + i], text, &y->dim[1 + i])) return false;
    return true;
}

static bool infer_max_pool(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    if (!gr__want_dtype(g, in, 0, GR_REAL) || !gr__want_rank(g, in, 0, 4)) return false;
    out[0].dtype = GR_REAL;
    if (!gr__pool_shape(g, attr, gr__value(g, in[0])->shape, &out[0].shape)) return false;
    out[1].dtype = GR_I32;
    out[1].shape = out[0].shape;
    return true;
}

static bool infer_avg_pool(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    out->dtype = GR_REAL;
    return gr__want_dtype(g, in, 0, GR_REAL) && gr__want_rank(g, in, 0, 4) &&
           gr__pool_shape(g, attr, gr__value(g, in[0])->shape, &out->shape);
}

static bool belong(gr_graph *g, const gr_attr *attr, gr_shape x, gr_shape y)
{
    gr_shape expected;
    char a[96], b[96];
    if (!gr__pool_shape(g, attr, x, &expected)) return false;
    return gr__shape_equal(expected, y) || gr__op_fail(g, GR_E_SHAPE, "pooled %s does not belong to input %s",
                                                       gr__shape_text(y, a), gr__shape_text(x, b));
}

static bool want_index(gr_graph *g, const gr_val *in, gr_shape y)
{
    gr_shape index = gr__value(g, in[1])->shape;
    char a[96], b[96];
    if (!gr__want_dtype(g, in, 1, GR_I32)) return false;
    return gr__shape_equal(index, y) ||
           gr__op_fail(g, GR_E_SHAPE, "the index is %s, wanted %s", gr__shape_text(index, a), gr__shape_text(y, b));
}

static bool infer_pool_gather(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    return infer_avg_pool(g, attr, in, n_in, out) && want_index(g, in, out->shape);
}

static bool infer_adjoint(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    if (!gr__want_dtype(g, in, 0, GR_REAL) || !gr__want_rank(g, in, 0, 4)) return false;
    gr_shape y = gr__value(g, in[0])->shape;
    out->dtype = GR_REAL;
    out->shape = GR_SHAPE(y.dim[0], attr->i[9], attr->i[10], y.dim[3]);
    return gr__shape_check(g, out->shape) && belong(g, attr, out->shape, y);
}

static bool infer_pool_scatter(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    return infer_adjoint(g, attr, in, n_in, out) && want_index(g, in, gr__value(g, in[0])->shape);
}

/* ---- gradient rules: each operation's adjoint is its neighbour, with the sizes of the picture added or dropped ----
 */

static gr_val adjoint(gr_graph *g, gr_opcode code, const gr_node *n, gr_val dy, gr_val index)
{
    gr_shape x = gr_shape_of(g, n->in[0]);
    bool grows = code == GR_OP_POOL_SCATTER || code == GR_OP_AVG_POOL_ADJOINT;
    gr_attr attr = pack(gr__pool_unpack(&n->attr), grows ? x.dim[1] : 0, grows ? x.dim[2] : 0);
    gr_val in[2] = {dy, index};
    return gr__node_add(g, code, in, index ? 2 : 1, &attr, NULL);
}

static void max_pool_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    if (dout[0]) din[0] = adjoint(g, GR_OP_POOL_SCATTER, n, dout[0], gr__node_output(g, n->out, 1));
}

static void pool_gather_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    din[0] = adjoint(g, GR_OP_POOL_SCATTER, n, dout[0], n->in[1]);
}

static void pool_scatter_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    din[0] = adjoint(g, GR_OP_POOL_GATHER, n, dout[0], n->in[1]);
}

static void avg_pool_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    din[0] = adjoint(g, GR_OP_AVG_POOL_ADJOINT, n, dout[0], GR_NONE);
}

static void avg_pool_adjoint_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    din[0] = adjoint(g, GR_OP_AVG_POOL, n, dout[0], GR_NONE);
}

/* ---- reference ---- */

static int64_t place(gr_shape x, const int64_t *index, int64_t h, int64_t w)
{
    return ((index[0] * x.dim[1] + h) * x.dim[2] + w) * x.dim[3] + index[3];
}

static void max_pool_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    gr_pool_attr p = gr__pool_unpack(&n->attr);
    gr_shape s = in[0].shape;
    const double *x = in[0].data;
    int64_t index[GR_MAX_RANK] = {0}, count = gr_shape_count(out[0].shape);
    for (int64_t e = 0; e < count; e++, gr__next_index(out[0].shape, index)) {
        gr__pool_window w = gr__pool_window_at(&p, s, index);
        int64_t best = w.first[0] * s.dim[2] + w.first[1];
        double most = x[place(s, index, w.first[0], w.first[1])];
        for (int64_t i = w.first[0]; i < w.end[0]; i++) {
            for (int64_t j = w.first[1]; j < w.end[1]; j++) {
                double v = x[place(s, index, i, j)];
                if (isnan(most) || !(v > most || isnan(v))) continue;
                most = v;
                best = i * s.dim[2] + j;
            }
        }
        if (out[0].data) ((double *)out[0].data)[e] = most;
        if (out[1].data) ((int32_t *)out[1].data)[e] = (int32_t)best;
    }
}

static void pool_gather_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g, (void)n;
    gr_shape s = in[0].shape;
    int64_t index[GR_MAX_RANK] = {0}, count = gr_shape_count(out->shape);
    for (int64_t e = 0; e < count; e++, gr__next_index(out->shape, index)) {
        int64_t at = ((const int32_t *)in[1].data)[e];
        ((double *)out->data)[e] =
            at >= 0 && at < s.dim[1] * s.dim[2] ? ((const double *)in[0].data)[place(s, index, 0, at)] : 0;
    }
}

static void pool_scatter_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g, (void)n;
    gr_shape s = out->shape;
    double *y = out->data;
    int64_t index[GR_MAX_RANK] = {0}, count = gr_shape_count(in[0].shape), total = gr_shape_count(s);
    for (int64_t e = 0; e < total; e++) y[e] = 0;
    for (int64_t e = 0; e < count; e++, gr__next_index(in[0].shape, index)) {
        int64_t at = ((const int32_t *)in[1].data)[e];
        if (at >= 0 && at < s.dim[1] * s.dim[2]) y[place(s, index, 0, at)] += ((const double *)in[0].data)[e];
    }
}

static void avg_pool_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    gr_pool_attr p = gr__pool_unpack(&n->attr);
    gr_shape s = in[0].shape;
    int64_t index[GR_MAX_RANK] = {0}, count = gr_shape_count(out->shape);
    for (int64_t e = 0; e < count; e++, gr__next_index(out->shape, index)) {
        gr__pool_window w = gr__pool_window_at(&p, s, index);
        double sum = 0;
        for (int64_t i = w.first[0]; i < w.end[0]; i++)
            for (int64_t j = w.first[1]; j < w.end[1]; j++) sum += ((const double *)in[0].data)[place(s, index, i, j)];
        ((double *)out->data)[e] = sum / (double)w.divisor;
    }
}

static void avg_pool_adjoint_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    gr_pool_attr p = gr__pool_unpack(&n->attr);
    gr_shape s = out->shape;
    double *y = out->data;
    int64_t index[GR_MAX_RANK] = {0}, count = gr_shape_count(in[0].shape), total = gr_shape_count(s);
    for (int64_t e = 0; e < total; e++) y[e] = 0;
    for (int64_t e = 0; e < count; e++, gr__next_index(in[0].shape, index)) {
        gr__pool_window w = gr__pool_window_at(&p, s, index);
        double part = ((const double *)in[0].data)[e] / (double)w.divisor;
        for (int64_t i = w.first[0]; i < w.end[0]; i++)
            for (int64_t j = w.first[1]; j < w.end[1]; j++) y[place(s, index, i, j)] += part;
    }
}

/* ---- fields: pads are before and after ---- */

static const gr__field pool_fields[] = {
    {GR__FIELD_INTEGERS, 0, 2, "size", GR__SHOWN},
    {GR__FIELD_INTEGERS, 2, 2, "stride", GR__SHOWN},
    {GR__FIELD_INTEGERS, 4, 4, "pad", 0},
    {GR__FIELD_INTEGERS, 8, 1, "count_padding", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
/* The adjoints are told the height and width of what they give. */
static const gr__field adjoint_fields[] = {
    {GR__FIELD_INTEGERS, 0, 2, "size", GR__SHOWN}, {GR__FIELD_INTEGERS, 2, 2, "stride", GR__SHOWN},
    {GR__FIELD_INTEGERS, 4, 4, "pad", 0},          {GR__FIELD_INTEGERS, 8, 1, "count_padding", 0},
    {GR__FIELD_INTEGERS, 9, 2, NULL, 0},           {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__pool_ops[] = {
    {.code = GR_OP_MAX_POOL,
     .class = GR_CLASS_POOL,
     .name = "max_pool",
     .n_in = 1,
     .n_out = 2,
     .infer = infer_max_pool,
     .gradient = max_pool_gradient,
     .ref = max_pool_ref,
     .flops = gr__flops_operand,
     .branches = GR__BRANCHES_INDEX,
     .fields = pool_fields},
    {.code = GR_OP_POOL_GATHER,
     .class = GR_CLASS_POOL,
     .name = "pool_gather",
     .n_in = 2,
     .n_out = 1,
     .infer = infer_pool_gather,
     .gradient = pool_gather_gradient,
     .ref = pool_gather_ref,
     .flops = gr__flops_operand,
     .branches = GR__BRANCHES_ONE,
     .fields = pool_fields},
    {.code = GR_OP_POOL_SCATTER,
     .class = GR_CLASS_POOL,
     .name = "pool_scatter",
     .n_in = 2,
     .n_out = 1,
     .infer = infer_pool_scatter,
     .gradient = pool_scatter_gradient,
     .ref = pool_scatter_ref,
     .flops = gr__flops_operand,
     .branches = GR__BRANCHES_ONE,
     .fields = adjoint_fields},
    {.code = GR_OP_AVG_POOL,
     .class = GR_CLASS_POOL,
     .name = "avg_pool",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_avg_pool,
     .gradient = avg_pool_gradient,
     .ref = avg_pool_ref,
     .decompose = gr__avg_pool_decompose,
     .flops = gr__flops_operand,
     .branches = GR__BRANCHES_ONE,
     .fields = pool_fields},
    {.code = GR_OP_AVG_POOL_ADJOINT,
     .class = GR_CLASS_POOL,
     .name = "avg_pool_adjoint",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_adjoint,
     .gradient = avg_pool_adjoint_gradient,
     .ref = avg_pool_adjoint_ref,
     .decompose = gr__avg_pool_adjoint_decompose,
     .flops = gr__flops_operand,
     .branches = GR__BRANCHES_ONE,
     .fields = adjoint_fields},
};

/* ---- builders ---- */

gr_val gr_max_pool(gr_graph *g, gr_val x, gr_pool_attr p, gr_val *index)
{
    p.count_padding = false; /* a maximum counts nothing */
    gr_attr attr = pack(p, 0, 0);
    gr_val y = gr__node_add(g, GR_OP_MAX_POOL, &x, 1, &attr, NULL);
    if (index) *index = gr__node_output(g, y, 1);
    return y;
}

gr_val gr_avg_pool(gr_graph *g, gr_val x, gr_pool_attr p)
{
    gr_attr attr = pack(p, 0, 0);
    return gr__node_add(g, GR_OP_AVG_POOL, &x, 1, &attr, NULL);
}
