/* Rows by index: gather and its adjoint, scatter-add. */
#include <string.h>

#include "graph/op.h"

/* ---- shape rules ---- */

static bool want_index(gr_graph *g, const gr_val *in, int i)
{
    /* At least one axis, so that no tensor element becomes a rank-0 real. */
    return gr__want_dtype(g, in, i, GR_I32) &&
           (gr__value(g, in[i])->shape.rank >= 1 || gr__op_fail(g, GR_E_SHAPE, "the index has no axis"));
}

static bool infer_gather(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr, (void)n_in;
    gr_shape table = gr__value(g, in[0])->shape, index = gr__value(g, in[1])->shape;
    char a[96], b[96];
    if (!want_index(g, in, 1)) return false;
    if (table.rank < 1 || table.rank - 1 + index.rank > GR_MAX_RANK || table.dim[0] > GR__MAX_INDEX)
        return gr__op_fail(g, GR_E_SHAPE, "table %s cannot be read at %s", gr__shape_text(table, a),
                           gr__shape_text(index, b));
    out->dtype = gr__value(g, in[0])->dtype;
    out->shape = index;
    for (int i = 1; i < table.rank; i++) out->shape.dim[out->shape.rank++] = table.dim[i];
    return true;
}

static bool infer_scatter_add(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)n_in;
    gr_shape values = gr__value(g, in[0])->shape, index = gr__value(g, in[1])->shape;
    char a[96], b[96];
    if (!gr__want_dtype(g, in, 0, GR_REAL) || !want_index(g, in, 1)) return false;
    bool fits = values.rank >= index.rank;
    for (int i = 0; fits && i < index.rank; i++) fits = values.dim[i] == index.dim[i];
    if (!fits)
        return gr__op_fail(g, GR_E_SHAPE, "values %s do not begin with the index's shape %s", gr__shape_text(values, a),
                           gr__shape_text(index, b));
    if (attr->i[0] < 0 || attr->i[0] > GR__MAX_INDEX)
        return gr__op_fail(g, GR_E_RANGE, "%lld rows are out of range", (long long)attr->i[0]);
    out->dtype = GR_REAL;
    out->shape = (gr_shape){1, {attr->i[0]}};
    for (int i = index.rank; i < values.rank; i++) out->shape.dim[out->shape.rank++] = values.dim[i];
    return true;
}

/* ---- gradient rules ---- */

static void gather_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    din[0] = gr_scatter_add(g, dout[0], n->in[1], gr_shape_of(g, n->in[0]).dim[0]);
}

static void scatter_add_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    din[0] = gr_gather(g, dout[0], n->in[1]);
}

/* ---- reference ---- */

static void gather_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g, (void)n;
    const int32_t *index = in[1].data;
    int64_t count = gr_shape_count(in[1].shape), rows = in[0].shape.dim[0], total = gr_shape_count(out->shape);
    size_t bytes = count ? (size_t)(total / count) * gr__ref_bytes(out->dtype) : 0;
    if (bytes == 0) return;
    for (int64_t p = 0; p < count; p++) {
        char *to = (char *)out->data + (size_t)p * bytes;
        if (index[p] >= 0 && index[p] < rows)
            memcpy(to, (const char *)in[0].data + (size_t)index[p] * bytes, bytes);
        else
            memset(to, 0, bytes);
    }
}

static void scatter_add_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    const int32_t *index = in[1].data;
    const double *x = in[0].data;
    double *y = out->data;
    int64_t count = gr_shape_count(in[1].shape), rows = n->attr.i[0], total = gr_shape_count(out->shape);
    int64_t width = count ? gr_shape_count(in[0].shape) / count : 0;
    for (int64_t e = 0; e < total; e++) y[e] = 0;
    for (int64_t p = 0; p < count; p++) {
        if (index[p] < 0 || index[p] >= rows) continue;
        for (int64_t e = 0; e < width; e++) y[index[p] * width + e] += x[p * width + e];
    }
}

static const gr__field scatter_add_fields[] = {
    {GR__FIELD_INTEGERS, 0, 1, "rows", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__index_ops[] = {
    {.code = GR_OP_GATHER,
     .class = GR_CLASS_INDEX,
     .name = "gather",
     .n_in = 2,
     .n_out = 1,
     .infer = infer_gather,
     .gradient = gather_gradient,
     .ref = gather_ref,
     .branches = GR__BRANCHES_ONE},
    {.code = GR_OP_SCATTER_ADD,
     .class = GR_CLASS_INDEX,
     .name = "scatter_add",
     .n_in = 2,
     .n_out = 1,
     .infer = infer_scatter_add,
     .gradient = scatter_add_gradient,
     .ref = scatter_add_ref,
     .branches = GR__BRANCHES_ONE,
     .fields = scatter_add_fields},
};

/* ---- builders ---- */

gr_val gr_gather(gr_graph *g, gr_val table, gr_val index)
{
    gr_val in[2] = {table, index};
    return gr__node_add(g, GR_OP_GATHER, in, 2, NULL, NULL);
}

gr_val gr_scatter_add(gr_graph *g, gr_val values, gr_val index, int64_t rows)
{
    gr_val in[2] = {values, index};
    return gr__node_add(g, GR_OP_SCATTER_ADD, in, 2, &(gr_attr){.i = {rows}}, NULL);
}
