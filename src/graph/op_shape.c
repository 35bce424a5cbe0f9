/* Operations that move elements: reshape, permute, broadcast, slice, concat, pad. */
#include <string.h>

#include "graph/op.h"

/* ---- shape rules ---- */

static void like(const gr_graph *g, gr_val v, gr_value *out)
{
    out->dtype = gr__value(g, v)->dtype;
    out->shape = gr__value(g, v)->shape;
}

static bool infer_reshape(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr, (void)n_in;
    gr_shape from = gr__value(g, in[0])->shape;
    char a[96], b[96];
    out->dtype = gr__value(g, in[0])->dtype;
    if (gr_shape_count(from) != gr_shape_count(out->shape))
        return gr__op_fail(g, GR_E_SHAPE, "%s does not have as many elements as %s", gr__shape_text(from, a),
                           gr__shape_text(out->shape, b));
    return (from.rank == 0) == (out->shape.rank == 0) ||
           gr__op_fail(g, GR_E_SHAPE, "rank 0 is not reshaped but broadcast or summed");
}

static bool infer_permute(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    like(g, in[0], out);
    gr_shape from = out->shape;
    unsigned seen = 0;
    for (int i = 0; i < from.rank; i++) {
        int64_t axis = attr->i[i];
        if (!gr__want_axis(g, in, 0, axis)) return false;
        if (seen & 1u << axis) return gr__op_fail(g, GR_E_RANGE, "axis %lld is named twice", (long long)axis);
        seen |= 1u << axis;
        out->shape.dim[i] = from.dim[axis];
    }
    return true;
}

static bool stretches(gr_shape from, gr_shape to)
{
    if (from.rank > to.rank) return false;
    for (int i = 1; i <= from.rank; i++)
        if (from.dim[from.rank - i] != 1 && from.dim[from.rank - i] != to.dim[to.rank - i]) return false;
    return true;
}

static bool infer_broadcast(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr, (void)n_in;
    gr_shape from = gr__value(g, in[0])->shape, to = out->shape;
    char a[96], b[96];
    out->dtype = gr__value(g, in[0])->dtype;
    return stretches(from, to) ||
           gr__op_fail(g, GR_E_SHAPE, "%s does not stretch to %s", gr__shape_text(from, a), gr__shape_text(to, b));
}

static bool infer_slice(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    int64_t axis = attr->i[0], start = attr->i[1], count = attr->i[2];
    if (!gr__want_axis(g, in, 0, axis)) return false;
    like(g, in[0], out);
    char text[96];
    if (start < 0 || count < 0 || count > out->shape.dim[axis] || start > out->shape.dim[axis] - count)
        return gr__op_fail(g, GR_E_RANGE, "%lld elements from %lld are not on axis %lld of %s", (long long)count,
                           (long long)start, (long long)axis, gr__shape_text(out->shape, text));
    out->shape.dim[axis] = count;
    return true;
}

static bool infer_concat(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    int64_t axis = attr->i[0];
    if (n_in == 0) return gr__op_fail(g, GR_E_USAGE, "there are no parts");
    if (!gr__want_axis(g, in, 0, axis)) return false;
    like(g, in[0], out);
    for (int i = 1; i < n_in; i++) {
        const gr_value *v = gr__value(g, in[i]);
        gr_shape s = v->shape;
        char a[96], b[96];
        bool fits = s.rank == out->shape.rank && v->dtype == out->dtype;
        for (int d = 0; fits && d < s.rank; d++) fits = d == axis || s.dim[d] == out->shape.dim[d];
        if (!fits)
            return gr__op_fail(g, GR_E_SHAPE, "part %d is %s%s, part 1 %s%s: they do not join on axis %lld", i + 1,
                               gr__dtype_text(v->dtype), gr__shape_text(s, a), gr__dtype_text(out->dtype),
                               gr__shape_text(gr__value(g, in[0])->shape, b), (long long)axis);
        out->shape.dim[axis] += s.dim[axis];
        if (out->shape.dim[axis] > GR__MAX_SIZE) return gr__op_fail(g, GR_E_SHAPE, "the result has too many elements");
    }
    return true;
}

static bool infer_pad(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    int64_t axis = attr->i[0], before = attr->i[1], after = attr->i[2];
    if (!gr__want_axis(g, in, 0, axis)) return false;
    like(g, in[0], out);
    if (before < 0 || after < 0 || before > GR__MAX_SIZE || after > GR__MAX_SIZE)
        return gr__op_fail(g, GR_E_RANGE, "%lld zeros before and %lld after are out of range", (long long)before,
                           (long long)after);
    out->shape.dim[axis] += before + after;
    return true;
}

/* ---- gradient rules ---- */

static void reshape_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    din[0] = gr_reshape(g, dout[0], gr_shape_of(g, n->in[0]));
}

static void permute_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    int back[GR_MAX_RANK], rank = gr_shape_of(g, n->in[0]).rank;
    for (int i = 0; i < rank; i++) back[n->attr.i[i]] = i;
    din[0] = gr_permute(g, dout[0], back);
}

static void broadcast_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    din[0] = gr__sum_to(g, dout[0], gr_shape_of(g, n->in[0]));
}

static void slice_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    int axis = (int)n->attr.i[0];
    int64_t size = gr_shape_of(g, n->in[0]).dim[axis];
    din[0] = gr_pad(g, dout[0], axis, n->attr.i[1], size - n->attr.i[1] - n->attr.i[2]);
}

static void concat_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    int axis = (int)n->attr.i[0];
    int64_t start = 0;
    for (int i = 0; i < n->n_in; i++) {
        int64_t count = gr_shape_of(g, n->in[i]).dim[axis];
        if (gr__wanted(g, n, i)) din[i] = gr_slice(g, dout[0], axis, start, count);
        start += count;
    }
}

static void pad_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    int axis = (int)n->attr.i[0];
    din[0] = gr_slice(g, dout[0], axis, n->attr.i[1], gr_shape_of(g, n->in[0]).dim[axis]);
}

/* ---- reference ---- */

static void reshape_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g, (void)n;
    size_t bytes = (size_t)gr_shape_count(out->shape) * gr__ref_bytes(out->dtype);
    if (bytes) memcpy(out->data, in[0].data, bytes);
}

static void permute_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    int64_t dense[GR_MAX_RANK], from[GR_MAX_RANK], to[GR_MAX_RANK];
    gr__dense_strides(in[0].shape, dense);
    gr__dense_strides(out->shape, to);
    for (int i = 0; i < out->shape.rank; i++) from[i] = dense[n->attr.i[i]];
    gr__ref_copy(&in[0], from, 0, out, to, 0, out->shape);
}

static void broadcast_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g, (void)n;
    int64_t from[GR_MAX_RANK], to[GR_MAX_RANK];
    gr__broadcast_strides(in[0].shape, out->shape, from);
    gr__dense_strides(out->shape, to);
    gr__ref_copy(&in[0], from, 0, out, to, 0, out->shape);
}

static void slice_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    int64_t from[GR_MAX_RANK], to[GR_MAX_RANK];
    gr__dense_strides(in[0].shape, from);
    gr__dense_strides(out->shape, to);
    gr__ref_copy(&in[0], from, n->attr.i[1] * from[n->attr.i[0]], out, to, 0, out->shape);
}

static void concat_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    int64_t from[GR_MAX_RANK], to[GR_MAX_RANK], start = 0, axis = n->attr.i[0];
    gr__dense_strides(out->shape, to);
    for (int i = 0; i < n->n_in; i++) {
        gr__dense_strides(in[i].shape, from);
        gr__ref_copy(&in[i], from, 0, out, to, start * to[axis], in[i].shape);
        start += in[i].shape.dim[axis];
    }
}

static void pad_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    int64_t from[GR_MAX_RANK], to[GR_MAX_RANK];
    size_t bytes = (size_t)gr_shape_count(out->shape) * gr__ref_bytes(out->dtype);
    if (bytes) memset(out->data, 0, bytes);
    gr__dense_strides(in[0].shape, from);
    gr__dense_strides(out->shape, to);
    gr__ref_copy(&in[0], from, 0, out, to, n->attr.i[1] * to[n->attr.i[0]], in[0].shape);
}

/* ---- fields ---- */

static const gr__field permute_fields[] = {
    {GR__FIELD_AXES, 0, GR_MAX_RANK, "axes", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field slice_fields[] = {
    {GR__FIELD_INTEGERS, 0, 1, "axis", GR__SHOWN},
    {GR__FIELD_INTEGERS, 1, 1, "start", GR__SHOWN},
    {GR__FIELD_INTEGERS, 2, 1, "count", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field concat_fields[] = {
    {GR__FIELD_INTEGERS, 0, 1, "axis", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field pad_fields[] = {
    {GR__FIELD_INTEGERS, 0, 1, "axis", GR__SHOWN},
    {GR__FIELD_INTEGERS, 1, 2, "zeros", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__shape_ops[] = {
    {.code = GR_OP_RESHAPE,
     .class = GR_CLASS_SHAPE,
     .name = "reshape",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_reshape,
     .gradient = reshape_gradient,
     .ref = reshape_ref,
     .branches = GR__BRANCHES_ONE},
    {.code = GR_OP_PERMUTE,
     .class = GR_CLASS_SHAPE,
     .name = "permute",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_permute,
     .gradient = permute_gradient,
     .ref = permute_ref,
     .branches = GR__BRANCHES_ONE,
     .fields = permute_fields},
    {.code = GR_OP_BROADCAST,
     .class = GR_CLASS_SHAPE,
     .name = "broadcast",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_broadcast,
     .gradient = broadcast_gradient,
     .ref = broadcast_ref,
     .branches = GR__BRANCHES_ONE},
    {.code = GR_OP_SLICE,
     .class = GR_CLASS_SHAPE,
     .name = "slice",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_slice,
     .gradient = slice_gradient,
     .ref = slice_ref,
     .branches = GR__BRANCHES_ONE,
     .fields = slice_fields},
    {.code = GR_OP_CONCAT,
     .class = GR_CLASS_SHAPE,
     .name = "concat",
     .n_in = -1,
     .n_out = 1,
     .infer = infer_concat,
     .gradient = concat_gradient,
     .ref = concat_ref,
     .branches = GR__BRANCHES_ONE,
     .fields = concat_fields},
    {.code = GR_OP_PAD,
     .class = GR_CLASS_SHAPE,
     .name = "pad",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_pad,
     .gradient = pad_gradient,
     .ref = pad_ref,
     .branches = GR__BRANCHES_ONE,
     .fields = pad_fields},
};

/* ---- builders ---- */

gr_val gr_reshape(gr_graph *g, gr_val a, gr_shape shape)
{
    if (!gr__usable(g, GR_OP_RESHAPE, a)) return GR_NONE;
    gr_shape from = gr_shape_of(g, a);
    if (gr__shape_equal(from, shape)) return a;
    if (gr_shape_count(shape) == 1 && from.rank == 0) return gr_broadcast(g, a, shape);
    if (gr_shape_count(from) == 1 && shape.rank == 0 && gr_dtype_of(g, a) == GR_REAL) return gr_sum_all(g, a);
    const gr_node *n = gr__made_by(g, a, GR_OP_RESHAPE);
    if (n && gr_shape_count(shape) == gr_shape_count(from)) return gr_reshape(g, n->in[0], shape);
    return gr__node_add(g, GR_OP_RESHAPE, &a, 1, NULL, &(gr_value){.shape = shape});
}

/* Do only axes of size 1 move? Then the elements stay where they are. */
static bool moves_nothing(gr_shape s, const int *axes)
{
    int last = -1;
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[axes[i]] == 1) continue;
        if (axes[i] < last) return false;
        last = axes[i];
    }
    return true;
}

gr_val gr_permute(gr_graph *g, gr_val a, const int *axes)
{
    if (!gr__usable(g, GR_OP_PERMUTE, a)) return GR_NONE;
    gr_shape s = gr_shape_of(g, a), to = s;
    gr_attr attr = {.name = NULL};
    bool valid = true;
    for (int i = 0; i < s.rank; i++) {
        attr.i[i] = axes[i];
        valid &= axes[i] >= 0 && axes[i] < s.rank;
        if (valid) to.dim[i] = s.dim[axes[i]];
    }
    for (int i = 0; i < s.rank; i++)
        for (int j = 0; j < i; j++) valid &= axes[i] != axes[j];
    if (valid && moves_nothing(s, axes)) return gr_reshape(g, a, to);
    const gr_node *n = gr__made_by(g, a, GR_OP_PERMUTE);
    if (valid && n) {
        int both[GR_MAX_RANK];
        for (int i = 0; i < s.rank; i++) both[i] = (int)n->attr.i[axes[i]];
        return gr_permute(g, n->in[0], both);
    }
    return gr__node_add(g, GR_OP_PERMUTE, &a, 1, &attr, NULL);
}

gr_val gr_broadcast(gr_graph *g, gr_val a, gr_shape shape)
{
    if (!gr__usable(g, GR_OP_BROADCAST, a)) return GR_NONE;
    gr_shape from = gr_shape_of(g, a);
    if (gr__shape_equal(from, shape)) return a;
    if (stretches(from, shape)) {
        /* New axes of size 1 alone, or no elements at all: nothing is repeated. */
        if (from.rank && gr_shape_count(from) == gr_shape_count(shape)) return gr_reshape(g, a, shape);
        const gr_node *n = gr__made_by(g, a, GR_OP_BROADCAST);
        if (n) a = n->in[0];
    }
    return gr__node_add(g, GR_OP_BROADCAST, &a, 1, NULL, &(gr_value){.shape = shape});
}

gr_val gr_slice(gr_graph *g, gr_val a, int axis, int64_t start, int64_t count)
{
    if (!gr__usable(g, GR_OP_SLICE, a)) return GR_NONE;
    gr_shape s = gr_shape_of(g, a);
    if (axis >= 0 && axis < s.rank && start == 0 && count == s.dim[axis]) return a;
    return gr__node_add(g, GR_OP_SLICE, &a, 1, &(gr_attr){.i = {axis, start, count}}, NULL);
}

gr_val gr_concat(gr_graph *g, const gr_val *parts, int n, int axis)
{
    if (n == 1 && gr__usable(g, GR_OP_CONCAT, parts[0]) && axis >= 0 && axis < gr_shape_of(g, parts[0]).rank)
        return parts[0];
    return gr__node_add(g, GR_OP_CONCAT, parts, n, &(gr_attr){.i = {axis}}, NULL);
}

gr_val gr_pad(gr_graph *g, gr_val a, int axis, int64_t before, int64_t after)
{
    if (!gr__usable(g, GR_OP_PAD, a)) return GR_NONE;
    if (before == 0 && after == 0 && axis >= 0 && axis < gr_shape_of(g, a).rank) return a;
    return gr__node_add(g, GR_OP_PAD, &a, 1, &(gr_attr){.i = {axis, before, after}}, NULL);
}

gr_val gr__sum_to(gr_graph *g, gr_val v, gr_shape shape)
{
    gr_shape from = gr_shape_of(g, v);
    if (gr__shape_equal(from, shape)) return v;
    if (shape.rank == 0) return gr_sum_all(g, v);
    int axes[GR_MAX_RANK], n = 0, extra = from.rank - shape.rank;
    for (int i = 0; i < from.rank; i++)
        if (i < extra || (shape.dim[i - extra] == 1 && from.dim[i] != 1)) axes[n++] = i;
    /* An axis of size 1 is kept unless all go: rank 0 is for sums over everything. */
    gr_val sum = gr_sum(g, v, axes, n, n == from.rank);
    return gr_reshape(g, sum, shape);
}
