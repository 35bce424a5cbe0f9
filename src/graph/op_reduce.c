/* Reductions: sum, sum of squares, maximum, and where the maximum is. */
#include <math.h>
#include <string.h>

#include "graph/op.h"

static bool reduced(const gr_attr *attr, int axis)
{
    return attr->i[0] >> axis & 1;
}

/* ---- shape rules ---- */

static bool infer_reduce(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    gr_shape from = gr__value(g, in[0])->shape;
    char text[96];
    if (!gr__want_dtype(g, in, 0, GR_REAL)) return false;
    if (attr->i[0] <= 0 || attr->i[0] >> from.rank)
        return gr__op_fail(g, GR_E_RANGE, "axes %#llx are none of %s", (unsigned long long)attr->i[0],
                           gr__shape_text(from, text));
    out->dtype = GR_REAL;
    out->shape = GR_SCALAR;
    for (int i = 0; i < from.rank; i++) {
        if (!reduced(attr, i))
            out->shape.dim[out->shape.rank++] = from.dim[i];
        else if (attr->i[1])
            out->shape.dim[out->shape.rank++] = 1;
    }
    return true;
}

/* To rank 0 alone: what is added up may be larger than any float32. */
static bool infer_sum_squares(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    int rank = gr__value(g, in[0])->shape.rank;
    if (!infer_reduce(g, attr, in, n_in, out)) return false;
    if (attr->i[0] != (1 << rank) - 1) return gr__op_fail(g, GR_E_RANGE, "some of %d axes are left", rank);
    if (attr->i[2] < -GR__MAX_DOWN || attr->i[2] > GR__MAX_DOWN)
        return gr__op_fail(g, GR_E_RANGE, "numbers are scaled by a power of two from -%d to %d, not %lld", GR__MAX_DOWN,
                           GR__MAX_DOWN, (long long)attr->i[2]);
    return true;
}

static bool infer_argmax(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    gr_shape from = gr__value(g, in[0])->shape;
    int64_t axis = attr->i[0];
    char text[96];
    if (!gr__want_dtype(g, in, 0, GR_REAL) || !gr__want_axis(g, in, 0, axis)) return false;
    if (from.dim[axis] < 1 || from.dim[axis] > GR__MAX_INDEX)
        return gr__op_fail(g, GR_E_SHAPE, "axis %lld of %s has no largest element that i32 can name", (long long)axis,
                           gr__shape_text(from, text));
    out->dtype = GR_I32;
    out->shape = GR_SCALAR;
    for (int i = 0; i < from.rank; i++)
        if (i != axis) out->shape.dim[out->shape.rank++] = from.dim[i];
    return true;
}

/* ---- gradient rules ---- */

static gr_shape kept(gr_shape s, const gr_attr *attr)
{
    for (int i = 0; i < s.rank; i++)
        if (reduced(attr, i)) s.dim[i] = 1;
    return s;
}

/* v, shaped like the result, stretched to the operand's shape. */
static gr_val stretch(gr_graph *g, const gr_node *n, gr_val v)
{
    gr_shape s = gr_shape_of(g, n->in[0]);
    return gr_broadcast(g, gr_shape_of(g, v).rank == 0 ? v : gr_reshape(g, v, kept(s, &n->attr)), s);
}

static void sum_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    din[0] = stretch(g, n, dout[0]);
}

static void sum_squares_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    gr_val factor = gr_mul(g, dout[0], gr_const(g, 2 * gr__sum_squares_factor(&n->attr)));
    din[0] = gr_mul(g, stretch(g, n, factor), n->in[0]);
}

static void reduce_max_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    int axes[GR_MAX_RANK], n_axes = 0;
    for (int i = 0; i < GR_MAX_RANK; i++)
        if (reduced(&n->attr, i)) axes[n_axes++] = i;
    gr_val ties = gr_equal(g, n->in[0], stretch(g, n, n->out));
    gr_val share = gr_div(g, dout[0], gr_sum(g, ties, axes, n_axes, n->attr.i[1] != 0));
    din[0] = gr_mul(g, ties, stretch(g, n, share));
}

/* ---- reference ---- */

/* Strides that put an element of the operand at its place in the result: 0 along reduced axes. */
static void result_strides(const gr_node *n, gr_shape from, int64_t strides[GR_MAX_RANK])
{
    int64_t step = 1;
    for (int i = from.rank - 1; i >= 0; i--) {
        strides[i] = reduced(&n->attr, i) ? 0 : step;
        if (!reduced(&n->attr, i)) step *= from.dim[i];
    }
}

static void reduce(const gr_node *n, const gr_ref *in, gr_ref *out, double start, double (*combine)(double, double))
{
    const double *x = in[0].data;
    double *y = out->data;
    int64_t strides[GR_MAX_RANK], index[GR_MAX_RANK] = {0};
    int64_t count = gr_shape_count(in[0].shape), results = gr_shape_count(out->shape);
    for (int64_t e = 0; e < results; e++) y[e] = start;
    result_strides(n, in[0].shape, strides);
    for (int64_t e = 0; e < count; e++, gr__next_index(in[0].shape, index)) {
        int64_t at = 0;
        for (int i = 0; i < in[0].shape.rank; i++) at += index[i] * strides[i];
        y[at] = combine(y[at], x[e]);
    }
}

static double plus(double a, double b)
{
    return a + b;
}

static double larger(double a, double b)
{
    return a < b || isnan(b) ? b : a;
}

static void sum_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    reduce(n, in, out, 0, plus);
}

static void sum_squares_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    const double *x = in[0].data, scale = ldexp(1, (int)-n->attr.i[2]);
    double sum = 0;
    for (int64_t e = 0; e < gr_shape_count(in[0].shape); e++) sum += scale * x[e] * (scale * x[e]);
    *(double *)out->data = sum;
}

static void reduce_max_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    reduce(n, in, out, -INFINITY, larger);
}

static void argmax_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    const double *x = in[0].data;
    int32_t *y = out->data;
    int64_t strides[GR_MAX_RANK], axis = n->attr.i[0], size = in[0].shape.dim[axis];
    gr__dense_strides(in[0].shape, strides);
    int64_t inner = strides[axis], count = gr_shape_count(out->shape);
    for (int64_t e = 0; e < count; e++) {
        const double *row = x + e / inner * inner * size + e % inner;
        int64_t best = 0;
        for (int64_t i = 1; i < size && !isnan(row[best * inner]); i++)
            if (row[i * inner] > row[best * inner] || isnan(row[i * inner])) best = i;
        y[e] = (int32_t)best;
    }
}

/* ---- costs ---- */

static double squares_and_sums(const gr_graph *g, const gr_node *n)
{
    return 2 * gr__flops_operand(g, n);
}

double gr__sum_squares_factor(const gr_attr *attr)
{
    return ldexp(1, (int)(-2 * attr->i[2]));
}

/* ---- fields ---- */

static const gr__field reduce_fields[] = {
    {GR__FIELD_AXIS_SET, 0, 1, "axes", 0},
    {GR__FIELD_INTEGERS, 1, 1, "keep", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field sum_squares_fields[] = {
    {GR__FIELD_AXIS_SET, 0, 1, "axes", 0},
    {GR__FIELD_INTEGERS, 2, 1, "down", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field argmax_fields[] = {
    {GR__FIELD_INTEGERS, 0, 1, "axis", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__reduce_ops[] = {
    {.code = GR_OP_SUM,
     .class = GR_CLASS_REDUCE,
     .name = "sum",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_reduce,
     .gradient = sum_gradient,
     .ref = sum_ref,
     .flops = gr__flops_operand,
     .branches = GR__BRANCHES_ONE,
     .fields = reduce_fields},
    {.code = GR_OP_SUM_SQUARES,
     .class = GR_CLASS_REDUCE,
     .name = "sum_squares",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_sum_squares,
     .gradient = sum_squares_gradient,
     .ref = sum_squares_ref,
     .flops = squares_and_sums,
     .branches = GR__BRANCHES_ONE,
     .fields = sum_squares_fields},
    {.code = GR_OP_REDUCE_MAX,
     .class = GR_CLASS_REDUCE,
     .name = "reduce_max",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_reduce,
     .gradient = reduce_max_gradient,
     .ref = reduce_max_ref,
     .flops = gr__flops_operand,
     .branches = GR__BRANCHES_LARGEST,
     .fields = reduce_fields},
    {.code = GR_OP_ARGMAX,
     .class = GR_CLASS_REDUCE,
     .name = "argmax",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_argmax,
     .gradient = gr__no_gradient,
     .ref = argmax_ref,
     .flops = gr__flops_operand,
     .branches = GR__BRANCHES_RESULT,
     .fields = argmax_fields},
};

/* ---- builders ---- */

static gr_val build(gr_graph *g, gr_opcode code, gr_val a, const int *axes, int n, bool keep)
{
    if (!gr__usable(g, code, a)) return GR_NONE;
    gr_shape s = gr_shape_of(g, a), result = GR_SCALAR;
    gr_attr attr = {.i = {0, keep}};
    char text[96];
    bool ones = gr_dtype_of(g, a) == GR_REAL;
    for (int i = 0; i < n; i++) {
        if (axes[i] < 0 || axes[i] >= s.rank || attr.i[0] & 1 << axes[i])
            return gr_graph_fail(g, GR_E_RANGE, "%s: axis %d is none of %s, or named twice", gr__op(code)->name,
                                 axes[i], gr__shape_text(s, text));
        attr.i[0] |= 1 << axes[i];
        ones &= s.dim[axes[i]] == 1;
    }
    for (int i = 0; i < s.rank; i++) {
        if (!reduced(&attr, i))
            result.dim[result.rank++] = s.dim[i];
        else if (keep)
            result.dim[result.rank++] = 1;
    }
    /* One element is its own sum and its own maximum; to rank 0 it still goes through a reduction (node.h). */
    if (ones && (result.rank || s.rank == 0)) return gr_reshape(g, a, result);
    return gr__node_add(g, code, &a, 1, &attr, NULL);
}

gr_val gr_sum(gr_graph *g, gr_val a, const int *axes, int n, bool keep)
{
    return build(g, GR_OP_SUM, a, axes, n, keep);
}

gr_val gr_reduce_max(gr_graph *g, gr_val a, const int *axes, int n, bool keep)
{
    return build(g, GR_OP_REDUCE_MAX, a, axes, n, keep);
}

gr_val gr_sum_all(gr_graph *g, gr_val a)
{
    static const int axes[GR_MAX_RANK] = {0, 1, 2, 3, 4, 5};
    return build(g, GR_OP_SUM, a, axes, gr_shape_of(g, a).rank, false);
}

gr_val gr_sum_squares(gr_graph *g, gr_val a, int down)
{
    if (!gr__usable(g, GR_OP_SUM_SQUARES, a)) return GR_NONE;
    int rank = gr_shape_of(g, a).rank;
    if (rank == 0) return gr_square(g, gr_mul(g, a, gr_const(g, ldexp(1, -down))));
    return gr__node_add(g, GR_OP_SUM_SQUARES, &a, 1, &(gr_attr){.i = {(1 << rank) - 1, 0, down}}, NULL);
}

gr_val gr_mean_all(gr_graph *g, gr_val a)
{
    return gr_div(g, gr_sum_all(g, a), gr_const(g, (double)gr_shape_count(gr_shape_of(g, a))));
}

gr_val gr_argmax(gr_graph *g, gr_val a, int axis)
{
    return gr__node_add(g, GR_OP_ARGMAX, &a, 1, &(gr_attr){.i = {axis}}, NULL);
}
