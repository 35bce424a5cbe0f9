/* Leaves: what the caller or the store provides, constants, indices and random numbers. */
#include <string.h>

#include "base/rng.h"
#include "graph/op.h"

/* ---- shape rules ---- */

static bool infer_named(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)in, (void)n_in, (void)out;
    return (attr->name && attr->name[0]) || gr__op_fail(g, GR_E_USAGE, "a name is missing");
}

static bool infer_real(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    if (out->dtype != GR_REAL)
        return gr__op_fail(g, GR_E_TYPE, "\"%s\" is %s, wanted real", attr->name ? attr->name : "",
                           gr__dtype_text(out->dtype));
    return infer_named(g, attr, in, n_in, out);
}

static bool infer_slot(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    return out->dtype == GR_U8 ? infer_named(g, attr, in, n_in, out) : infer_real(g, attr, in, n_in, out);
}

static bool infer_const(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)g, (void)attr, (void)in, (void)n_in;
    out->dtype = GR_REAL;
    out->shape = GR_SCALAR;
    return true;
}

static bool infer_tensor(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)in, (void)n_in;
    if (attr->i[0] < 0 || attr->i[0] >= (int64_t)g->n_tensors)
        return gr__op_fail(g, GR_E_RANGE, "there is no constant tensor %lld", (long long)attr->i[0]);
    if (out->dtype != GR_REAL || out->shape.rank == 0)
        return gr__op_fail(g, GR_E_SHAPE, "a constant tensor is real and has axes");
    int64_t count = g->tensors[attr->i[0]].count;
    char text[96];
    if (count == gr_shape_count(out->shape)) return true;
    return gr__op_fail(g, GR_E_SHAPE, "%lld values for %s", (long long)count, gr__shape_text(out->shape, text));
}

static bool infer_iota(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)in, (void)n_in;
    char text[96];
    out->dtype = GR_I32;
    if (attr->i[0] < 0 || attr->i[0] >= out->shape.rank)
        return gr__op_fail(g, GR_E_RANGE, "axis %lld is none of %s", (long long)attr->i[0],
                           gr__shape_text(out->shape, text));
    if (out->shape.dim[attr->i[0]] > GR__MAX_INDEX)
        return gr__op_fail(g, GR_E_RANGE, "%s: an index does not fit i32", gr__shape_text(out->shape, text));
    return true;
}

static bool infer_random(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    out->dtype = GR_REAL;
    for (int i = 0; i < n_in; i++)
        if (!gr__want_dtype(g, in, i, GR_REAL) || !gr__want_rank(g, in, i, 0)) return false;
    if (out->shape.rank == 0)
        return gr__op_fail(g, GR_E_SHAPE, "\"%s\" has no axis of samples", attr->name ? attr->name : "");
    return infer_named(g, attr, in, n_in, out);
}

/* ---- reference ---- */

static void const_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g, (void)in;
    *(double *)out->data = n->attr.f[0];
}

static void tensor_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)in;
    int64_t count;
    const double *values = gr__const_tensor(g, n->attr.i[0], &count);
    if (count) memcpy(out->data, values, (size_t)count * sizeof *values);
}

static void iota_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g, (void)in;
    int32_t *y = out->data;
    int64_t index[GR_MAX_RANK] = {0}, count = gr_shape_count(out->shape);
    for (int64_t e = 0; e < count; e++, gr__next_index(out->shape, index)) y[e] = (int32_t)index[n->attr.i[0]];
}

/* A whole number fed as a real; what no uint64_t can hold counts as 0. */
static uint64_t whole(const gr_ref *r)
{
    double x = gr__ref_get(r, 0);
    return x >= 0 && x < 0x1p64 ? (uint64_t)x : 0;
}

static void random_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    double *y = out->data;
    uint64_t seed = whole(&in[0]), update = whole(&in[1]), position = whole(&in[2]), stream = gr__hash(n->attr.name);
    int64_t count = gr_shape_count(out->shape), rows = out->shape.dim[0];
    int64_t width = rows ? count / rows : 0;
    for (int64_t e = 0; e < count; e++)
        y[e] =
            gr__random_leaf(seed, stream, update, (uint32_t)(position + (uint64_t)(e / width)), (uint64_t)(e % width));
}

/* ---- fields ---- */

static const gr__field name_fields[] = {
    {GR__FIELD_NAME, 0, 1, "", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field const_fields[] = {
    {GR__FIELD_REAL, 0, 1, "", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field tensor_fields[] = {
    {GR__FIELD_INTEGERS, 0, 1, "number", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field iota_fields[] = {
    {GR__FIELD_INTEGERS, 0, 1, "axis", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__leaf_ops[] = {
    {.code = GR_OP_FEED,
     .class = GR_CLASS_LEAF,
     .name = "feed",
     .n_out = 1,
     .kept = GR__KEPT_CALLER,
     .infer = infer_named,
     .gradient = gr__no_gradient,
     .branches = GR__BRANCHES_ONE,
     .fields = name_fields},
    {.code = GR_OP_PARAM,
     .class = GR_CLASS_LEAF,
     .name = "param",
     .n_out = 1,
     .kept = GR__KEPT_STORE,
     .infer = infer_real,
     .gradient = gr__no_gradient,
     .branches = GR__BRANCHES_ONE,
     .fields = name_fields},
    {.code = GR_OP_SLOT,
     .class = GR_CLASS_LEAF,
     .name = "slot",
     .n_out = 1,
     .kept = GR__KEPT_STORE,
     .infer = infer_slot,
     .gradient = gr__no_gradient,
     .branches = GR__BRANCHES_ONE,
     .fields = name_fields},
    {.code = GR_OP_CONST,
     .class = GR_CLASS_LEAF,
     .name = "const",
     .n_out = 1,
     .infer = infer_const,
     .gradient = gr__no_gradient,
     .ref = const_ref,
     .branches = GR__BRANCHES_ONE,
     .fields = const_fields},
    {.code = GR_OP_TENSOR,
     .class = GR_CLASS_LEAF,
     .name = "tensor",
     .n_out = 1,
     .infer = infer_tensor,
     .gradient = gr__no_gradient,
     .ref = tensor_ref,
     .branches = GR__BRANCHES_ONE,
     .fields = tensor_fields},
    {.code = GR_OP_IOTA,
     .class = GR_CLASS_LEAF,
     .name = "iota",
     .n_out = 1,
     .infer = infer_iota,
     .gradient = gr__no_gradient,
     .ref = iota_ref,
     .branches = GR__BRANCHES_ONE,
     .fields = iota_fields},
    {.code = GR_OP_RANDOM,
     .class = GR_CLASS_LEAF,
     .name = "random",
     .n_in = 3,
     .n_out = 1,
     .infer = infer_random,
     .gradient = gr__no_gradient,
     .ref = random_ref,
     .branches = GR__BRANCHES_ONE,
     .fields = name_fields},
};

/* ---- builders ---- */

static gr_val named(gr_graph *g, gr_opcode code, const char *name, gr_dtype dtype, gr_shape shape)
{
    return gr__node_add(g, code, NULL, 0, &(gr_attr){.name = name}, &(gr_value){.dtype = dtype, .shape = shape});
}

gr_val gr_feed(gr_graph *g, const char *name, gr_dtype dtype, gr_shape shape)
{
    return named(g, GR_OP_FEED, name, dtype, shape);
}

gr_val gr_param(gr_graph *g, const char *name, gr_shape shape)
{
    return named(g, GR_OP_PARAM, name, GR_REAL, shape);
}

gr_val gr_slot(gr_graph *g, const char *name, gr_shape shape)
{
    return named(g, GR_OP_SLOT, name, GR_REAL, shape);
}

gr_val gr__slot_codes(gr_graph *g, const char *name, int64_t bytes)
{
    return named(g, GR_OP_SLOT, name, GR_U8, GR_SHAPE(bytes));
}

gr_val gr_const(gr_graph *g, double value)
{
    return gr__node_add(g, GR_OP_CONST, NULL, 0, &(gr_attr){.f = {value}}, NULL);
}

gr_val gr_const_tensor(gr_graph *g, gr_shape shape, const double *values)
{
    if (g->status != GR_OK) return GR_NONE;
    if (shape.rank == 0) return gr_const(g, values[0]);
    g->op = gr__op(GR_OP_TENSOR);
    bool fits = gr__shape_check(g, shape); /* before as many values are read */
    g->op = NULL;
    int64_t index = fits ? gr__tensor_add(g, values, gr_shape_count(shape)) : -1;
    if (index < 0) return GR_NONE;
    return gr__node_add(g, GR_OP_TENSOR, NULL, 0, &(gr_attr){.i = {index}},
                        &(gr_value){.dtype = GR_REAL, .shape = shape});
}

gr_val gr_iota(gr_graph *g, gr_shape shape, int axis)
{
    return gr__node_add(g, GR_OP_IOTA, NULL, 0, &(gr_attr){.i = {axis}}, &(gr_value){.dtype = GR_I32, .shape = shape});
}

gr_val gr_random(gr_graph *g, const char *stream, gr_shape shape, gr_val seed, gr_val update, gr_val position)
{
    gr_val in[3] = {seed, update, position};
    return gr__node_add(g, GR_OP_RANDOM, in, 3, &(gr_attr){.name = stream},
                        &(gr_value){.dtype = GR_REAL, .shape = shape});
}
