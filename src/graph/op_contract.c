/* Contractions: matrix products, and the convolution with its two adjoints.
 *
 * The three convolutions are one trilinear form T(x, w, dy) = sum of dy * conv(x, w), each the derivative of T in one
 * argument; so the gradients of each are the other two, to any order. */
#include <string.h>

#include "graph/op.h"

/* ---- matrix products: shape rule ---- */

static void matrix(gr_shape s, bool transposed, int64_t *rows, int64_t *columns)
{
    *rows = s.dim[s.rank - (transposed ? 1 : 2)];
    *columns = s.dim[s.rank - (transposed ? 2 : 1)];
}

static bool infer_matmul(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    gr_shape a = gr__value(g, in[0])->shape, b = gr__value(g, in[1])->shape;
    char s[96], t[96];
    int64_t m, k, k2, n;
    if (!gr__want_dtype(g, in, 0, GR_REAL) || !gr__want_dtype(g, in, 1, GR_REAL)) return false;
    gr__shape_text(a, s);
    gr__shape_text(b, t);
    if (a.rank < 2 || b.rank < 2)
        return gr__op_fail(g, GR_E_SHAPE, "operands are %s and %s, wanted two axes at least", s, t);
    matrix(a, attr->i[0] != 0, &m, &k);
    matrix(b, attr->i[1] != 0, &k2, &n);
    if (k != k2)
        return gr__op_fail(g, GR_E_SHAPE, "inner sizes differ: %s%s and %s%s", s, attr->i[0] ? " transposed" : "", t,
                           attr->i[1] ? " transposed" : "");
    out->dtype = GR_REAL;
    out->shape = a.rank >= b.rank ? a : b;
    bool fits = a.rank == b.rank || a.rank == 2 || b.rank == 2;
    for (int i = 0; fits && a.rank == b.rank && i < a.rank - 2; i++) fits = a.dim[i] == b.dim[i];
    if (!fits) return gr__op_fail(g, GR_E_SHAPE, "leading sizes differ: %s and %s", s, t);
    out->shape.dim[out->shape.rank - 2] = m;
    out->shape.dim[out->shape.rank - 1] = n;
    return true;
}

/* ---- matrix products: gradient rule ---- */

static gr_val swapped(gr_graph *g, gr_val v)
{
    int axes[GR_MAX_RANK], rank = gr_shape_of(g, v).rank;
    for (int i = 0; i < rank; i++) axes[i] = i;
    axes[rank - 2] = rank - 1;
    axes[rank - 1] = rank - 2;
    return gr_permute(g, v, axes);
}

/* All matrices of v (transposed first if asked) one below the other: [B..., r, c] -> [B r, c]. */
static gr_val stacked(gr_graph *g, gr_val v, bool transposed)
{
    if (transposed) v = swapped(g, v);
    gr_shape s = gr_shape_of(g, v);
    int64_t rows = 1;
    for (int i = 0; i < s.rank - 1; i++) rows *= s.dim[i];
    return gr_reshape(g, v, GR_SHAPE(rows, s.dim[s.rank - 1]));
}

/* C = op(A) op(B). A rank-2 operand that met many matrices collects the sum over all of them: one product whose inner
 * axis is (matrix, row). */
static void matmul_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    gr_val a = n->in[0], b = n->in[1], dy = dout[0];
    bool ta = n->attr.i[0] != 0, tb = n->attr.i[1] != 0;
    int rank_a = gr_shape_of(g, a).rank, rank_b = gr_shape_of(g, b).rank;
    if (gr__wanted(g, n, 0)) {
        if (rank_a < rank_b) {
            gr_val x = stacked(g, dy, true), y = stacked(g, b, !tb); /* [B n, m], [B n, k] */
            din[0] = ta ? gr_matmul(g, y, x, true, false) : gr_matmul(g, x, y, true, false);
        } else {
            din[0] = ta ? gr_matmul(g, b, dy, tb, true) : gr_matmul(g, dy, b, false, !tb);
        }
    }
    if (gr__wanted(g, n, 1)) {
        if (rank_b < rank_a) {
            gr_val x = stacked(g, a, ta), y = stacked(g, dy, false); /* [B m, k], [B m, n] */
            din[1] = tb ? gr_matmul(g, y, x, true, false) : gr_matmul(g, x, y, true, false);
        } else {
            din[1] = tb ? gr_matmul(g, dy, a, true, ta) : gr_matmul(g, a, dy, !ta, false);
        }
    }
}

/* ---- matrix products: reference ---- */

static void matmul_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    bool ta = n->attr.i[0] != 0, tb = n->attr.i[1] != 0;
    int64_t rows, inner, inner_b, columns;
    matrix(in[0].shape, ta, &rows, &inner);
    matrix(in[1].shape, tb, &inner_b, &columns);
    int64_t batch = 1;
    for (int i = 0; i < out->shape.rank - 2; i++) batch *= out->shape.dim[i];
    int64_t step_a = in[0].shape.rank == 2 ? 0 : rows * inner, step_b = in[1].shape.rank == 2 ? 0 : inner * columns;
    for (int64_t p = 0; p < batch; p++) {
        const double *a = (const double *)in[0].data + p * step_a, *b = (const double *)in[1].data + p * step_b;
        double *c = (double *)out->data + p * rows * columns;
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < columns; j++) {
                double sum = 0;
                for (int64_t l = 0; l < inner; l++)
                    sum += a[ta ? l * rows + i : i * inner + l] * b[tb ? j * inner + l : l * columns + j];
                c[i * columns + j] = sum;
            }
        }
    }
}

/* ---- convolutions: shape rules ---- */

static gr_conv_attr unpack(const gr_attr *attr)
{
    const int64_t *i = attr->i;
    return (gr_conv_attr){{i[0], i[1]}, {i[2], i[3]}, {i[4], i[5]}, {i[6], i[7]}, i[8]};
}

static gr_attr pack(gr_conv_attr c, int64_t rows, int64_t columns)
{
    return (gr_attr){.i = {c.stride[0], c.stride[1], c.dilation[0], c.dilation[1], c.pad_before[0], c.pad_before[1],
                           c.pad_after[0], c.pad_after[1], c.groups, rows, columns}};
}

static bool check_attr(gr_graph *g, const gr_conv_attr *c)
{
    for (int i = 0; i < 2; i++) {
        if (c->stride[i] < 1 || c->stride[i] > GR__MAX_INDEX)
            return gr__op_fail(g, GR_E_RANGE, "stride %lld is out of range", (long long)c->stride[i]);
        if (c->dilation[i] < 1 || c->dilation[i] > GR__MAX_INDEX)
            return gr__op_fail(g, GR_E_RANGE, "dilation %lld is out of range", (long long)c->dilation[i]);
        if (c->pad_before[i] < 0 || c->pad_before[i] > GR__MAX_INDEX || c->pad_after[i] < 0 ||
            c->pad_after[i] > GR__MAX_INDEX)
            return gr__op_fail(g, GR_E_RANGE, "padding %lld, %lld is out of range", (long long)c->pad_before[i],
                               (long long)c->pad_after[i]);
    }
    return (c->groups >= 1 && c->groups <= GR__MAX_INDEX) ||
           gr__op_fail(g, GR_E_RANGE, "%lld groups are out of range", (long long)c->groups);
}

/* Do x [N,H,W,C], w [O,KH,KW,C/g] and y [N,OH,OW,O] belong together? OH and OW are filled in when they are -1. */
static bool check_shapes(gr_graph *g, const gr_conv_attr *c, gr_shape x, gr_shape w, gr_shape *y)
{
    char a[96], b[96], d[96];
    gr__shape_text(x, a);
    gr__shape_text(w, b);
    if (x.dim[3] % c->groups || x.dim[3] / c->groups != w.dim[3])
        return gr__op_fail(g, GR_E_SHAPE, "channels differ: input %s, weight %s, %lld groups", a, b,
                           (long long)c->groups);
    if (w.dim[0] % c->groups)
        return gr__op_fail(g, GR_E_SHAPE, "%lld groups do not divide the output channels of weight %s",
                           (long long)c->groups, b);
    for (int i = 0; i < 2; i++) {
        int64_t kernel = w.dim[1 + i], size = x.dim[1 + i];
        if (kernel < 1 || kernel > GR__MAX_INDEX)
            return gr__op_fail(g, GR_E_SHAPE, "a kernel size of weight %s is out of range", b);
        int64_t room = size + c->pad_before[i] + c->pad_after[i] - c->dilation[i] * (kernel - 1) - 1;
        if (room < 0)
            return gr__op_fail(g, GR_E_SHAPE, "the kernel of weight %s is larger than the padded input %s", b, a);
        int64_t positions = room / c->stride[i] + 1;
        if (y->dim[1 + i] == -1) y->dim[1 + i] = positions;
        if (y->dim[1 + i] != positions)
            return gr__op_fail(g, GR_E_SHAPE, "output %s does not belong to input %s and weight %s",
                               gr__shape_text(*y, d), a, b);
    }
    if (x.dim[0] != y->dim[0] || w.dim[0] != y->dim[3])
        return gr__op_fail(g, GR_E_SHAPE, "output %s does not belong to input %s and weight %s", gr__shape_text(*y, d),
                           a, b);
    return true;
}

static bool want_pictures(gr_graph *g, const gr_val *in)
{
    for (int i = 0; i < 2; i++)
        if (!gr__want_dtype(g, in, i, GR_REAL) || !gr__want_rank(g, in, i, 4)) return false;
    return true;
}

static bool infer_conv(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    gr_conv_attr c = unpack(attr);
    if (!check_attr(g, &c) || !want_pictures(g, in)) return false;
    gr_shape x = gr__value(g, in[0])->shape, w = gr__value(g, in[1])->shape;
    out->dtype = GR_REAL;
    out->shape = GR_SHAPE(x.dim[0], -1, -1, w.dim[0]);
    return check_shapes(g, &c, x, w, &out->shape);
}

static bool infer_conv_data(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    gr_conv_attr c = unpack(attr);
    if (!check_attr(g, &c) || !want_pictures(g, in)) return false;
    gr_shape dy = gr__value(g, in[0])->shape, w = gr__value(g, in[1])->shape;
    int64_t channels;
    if (__builtin_mul_overflow(w.dim[3], c.groups, &channels)) channels = GR__MAX_SIZE + 1;
    out->dtype = GR_REAL;
    out->shape = GR_SHAPE(dy.dim[0], attr->i[9], attr->i[10], channels);
    return gr__shape_check(g, out->shape) && check_shapes(g, &c, out->shape, w, &dy);
}

static bool infer_conv_weights(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    gr_conv_attr c = unpack(attr);
    if (!check_attr(g, &c) || !want_pictures(g, in)) return false;
    gr_shape x = gr__value(g, in[0])->shape, dy = gr__value(g, in[1])->shape;
    out->dtype = GR_REAL;
    out->shape = GR_SHAPE(dy.dim[3], attr->i[9], attr->i[10], x.dim[3] / c.groups);
    return gr__shape_check(g, out->shape) && check_shapes(g, &c, x, out->shape, &dy);
}

/* ---- convolutions: gradient rules ---- */

static void conv_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    gr_val x = n->in[0], w = n->in[1];
    gr_shape sx = gr_shape_of(g, x), sw = gr_shape_of(g, w);
    if (gr__wanted(g, n, 0)) din[0] = gr_conv_data(g, dout[0], w, sx.dim[1], sx.dim[2], unpack(&n->attr));
    if (gr__wanted(g, n, 1)) din[1] = gr_conv_weights(g, x, dout[0], sw.dim[1], sw.dim[2], unpack(&n->attr));
}

static void conv_data_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    gr_val dy = n->in[0], w = n->in[1];
    gr_shape sw = gr_shape_of(g, w);
    if (gr__wanted(g, n, 0)) din[0] = gr_conv(g, dout[0], w, unpack(&n->attr));
    if (gr__wanted(g, n, 1)) din[1] = gr_conv_weights(g, dout[0], dy, sw.dim[1], sw.dim[2], unpack(&n->attr));
}

static void conv_weights_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    gr_val x = n->in[0], dy = n->in[1];
    gr_shape sx = gr_shape_of(g, x);
    if (gr__wanted(g, n, 0)) din[0] = gr_conv_data(g, dy, dout[0], sx.dim[1], sx.dim[2], unpack(&n->attr));
    if (gr__wanted(g, n, 1)) din[1] = gr_conv(g, x, dout[0], unpack(&n->attr));
}

/* ---- convolutions: reference ---- */

/* Every product of the trilinear form; two of the buffers are read, the third is added to. */
enum role { X, W, Y };

static void trilinear(const gr_node *n, gr_shape x, gr_shape w, gr_shape y, double *const data[3], enum role result)
{
    gr_conv_attr c = unpack(&n->attr);
    int64_t per_group = y.dim[3] / c.groups, index[GR_MAX_RANK] = {0}, count = gr_shape_count(y),
            total = gr_shape_count(result == X   ? x
                                   : result == W ? w
                                                 : y);
    for (int64_t e = 0; e < total; e++) data[result][e] = 0;
    for (int64_t at = 0; at < count; at++, gr__next_index(y, index)) {
        int64_t o = index[3], group = o / per_group;
        for (int64_t kh = 0; kh < w.dim[1]; kh++) {
            for (int64_t kw = 0; kw < w.dim[2]; kw++) {
                int64_t h = index[1] * c.stride[0] + kh * c.dilation[0] - c.pad_before[0],
                        v = index[2] * c.stride[1] + kw * c.dilation[1] - c.pad_before[1];
                if (h < 0 || h >= x.dim[1] || v < 0 || v >= x.dim[2]) continue;
                double *px = data[X] + ((index[0] * x.dim[1] + h) * x.dim[2] + v) * x.dim[3] + group * w.dim[3];
                double *pw = data[W] + ((o * w.dim[1] + kh) * w.dim[2] + kw) * w.dim[3], *py = data[Y] + at;
                for (int64_t i = 0; i < w.dim[3]; i++) {
                    if (result == X)
                        px[i] += pw[i] * *py;
                    else if (result == W)
                        pw[i] += px[i] * *py;
                    else
                        *py += px[i] * pw[i];
                }
            }
        }
    }
}

static void conv_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    trilinear(n, in[0].shape, in[1].shape, out->shape, (double *[]){in[0].data, in[1].data, out->data}, Y);
}

static void conv_data_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    trilinear(n, out->shape, in[1].shape, in[0].shape, (double *[]){out->data, in[1].data, in[0].data}, X);
}

static void conv_weights_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    trilinear(n, in[0].shape, out->shape, in[1].shape, (double *[]){in[0].data, out->data, in[1].data}, W);
}

/* ---- what they cost: a multiplication and an addition for each element of a sum ---- */

static double count_of(const gr_graph *g, gr_val v)
{
    return (double)gr_shape_count(gr_shape_of(g, v));
}

static double matmul_flops(const gr_graph *g, const gr_node *n)
{
    gr_shape a = gr_shape_of(g, n->in[0]);
    return 2 * count_of(g, n->out) * (double)a.dim[a.rank - (n->attr.i[0] ? 2 : 1)];
}

/* For each element of the convolution's result, all weights of its channel. */
static double window_flops(const gr_graph *g, gr_val result, gr_val weights)
{
    gr_shape w = gr_shape_of(g, weights);
    return 2 * count_of(g, result) * (double)(w.dim[1] * w.dim[2] * w.dim[3]);
}

static double conv_flops(const gr_graph *g, const gr_node *n)
{
    return window_flops(g, n->out, n->in[1]);
}

static double conv_data_flops(const gr_graph *g, const gr_node *n)
{
    return window_flops(g, n->in[0], n->in[1]);
}

static double conv_weights_flops(const gr_graph *g, const gr_node *n)
{
    return window_flops(g, n->in[1], n->out);
}

/* ---- fields: pads are before and after ---- */

static const gr__field matmul_fields[] = {
    {GR__FIELD_INTEGERS, 0, 2, "transpose", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field conv_fields[] = {
    {GR__FIELD_INTEGERS, 0, 2, "stride", GR__SHOWN},
    {GR__FIELD_INTEGERS, 2, 2, "dilation", 1},
    {GR__FIELD_INTEGERS, 4, 4, "pad", 0},
    {GR__FIELD_INTEGERS, 8, 1, "groups", 1},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
/* The adjoints are told the height and width of what they give. */
static const gr__field conv_adjoint_fields[] = {
    {GR__FIELD_INTEGERS, 0, 2, "stride", GR__SHOWN},
    {GR__FIELD_INTEGERS, 2, 2, "dilation", 1},
    {GR__FIELD_INTEGERS, 4, 4, "pad", 0},
    {GR__FIELD_INTEGERS, 8, 1, "groups", 1},
    {GR__FIELD_INTEGERS, 9, 2, NULL, 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__contract_ops[] = {
    {.code = GR_OP_MATMUL,
     .class = GR_CLASS_CONTRACT,
     .name = "matmul",
     .n_in = 2,
     .n_out = 1,
     .infer = infer_matmul,
     .gradient = matmul_gradient,
     .ref = matmul_ref,
     .flops = matmul_flops,
     .branches = GR__BRANCHES_ONE,
     .fields = matmul_fields},
    {.code = GR_OP_CONV,
     .class = GR_CLASS_CONTRACT,
     .name = "conv",
     .n_in = 2,
     .n_out = 1,
     .infer = infer_conv,
     .gradient = conv_gradient,
     .ref = conv_ref,
     .flops = conv_flops,
     .branches = GR__BRANCHES_ONE,
     .fields = conv_fields},
    {.code = GR_OP_CONV_DATA,
     .class = GR_CLASS_CONTRACT,
     .name = "conv_data",
     .n_in = 2,
     .n_out = 1,
     .infer = infer_conv_data,
     .gradient = conv_data_gradient,
     .ref = conv_data_ref,
     .flops = conv_data_flops,
     .branches = GR__BRANCHES_ONE,
     .fields = conv_adjoint_fields},
    {.code = GR_OP_CONV_WEIGHTS,
     .class = GR_CLASS_CONTRACT,
     .name = "conv_weights",
     .n_in = 2,
     .n_out = 1,
     .infer = infer_conv_weights,
     .gradient = conv_weights_gradient,
     .ref = conv_weights_ref,
     .flops = conv_weights_flops,
     .branches = GR__BRANCHES_ONE,
     .fields = conv_adjoint_fields},
};

/* ---- builders ---- */

gr_val gr_matmul(gr_graph *g, gr_val a, gr_val b, bool transpose_a, bool transpose_b)
{
    if (!gr__usable(g, GR_OP_MATMUL, a) || !gr__usable(g, GR_OP_MATMUL, b)) return GR_NONE;
    gr_val in[2] = {a, b};
    gr_attr attr = {.i = {transpose_a, transpose_b}};
    gr_shape s = gr_shape_of(g, a), t = gr_shape_of(g, b);
    bool fold = s.rank > 2 && t.rank == 2 && !transpose_a && s.dim[s.rank - 1] == t.dim[transpose_b];
    if (!fold) return gr__node_add(g, GR_OP_MATMUL, in, 2, &attr, NULL);
    /* One matrix for all: leading axes are more rows of one product. */
    in[0] = stacked(g, a, false);
    gr_val c = gr__node_add(g, GR_OP_MATMUL, in, 2, &attr, NULL);
    s.dim[s.rank - 1] = t.dim[!transpose_b];
    return c ? gr_reshape(g, c, s) : GR_NONE;
}

gr_val gr_conv(gr_graph *g, gr_val x, gr_val w, gr_conv_attr c)
{
    gr_val in[2] = {x, w};
    gr_attr attr = pack(c, 0, 0);
    return gr__node_add(g, GR_OP_CONV, in, 2, &attr, NULL);
}

gr_val gr_conv_data(gr_graph *g, gr_val dy, gr_val w, int64_t h, int64_t width, gr_conv_attr c)
{
    gr_val in[2] = {dy, w};
    gr_attr attr = pack(c, h, width);
    return gr__node_add(g, GR_OP_CONV_DATA, in, 2, &attr, NULL);
}

gr_val gr_conv_weights(gr_graph *g, gr_val x, gr_val dy, int64_t kh, int64_t kw, gr_conv_attr c)
{
    gr_val in[2] = {x, dy};
    gr_attr attr = pack(c, kh, kw);
    return gr__node_add(g, GR_OP_CONV_WEIGHTS, in, 2, &attr, NULL);
}
