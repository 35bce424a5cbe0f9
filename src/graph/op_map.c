/* Elementwise operations: their table, shape rule and reference arithmetic. Builders are in map_build.c, gradient rules
 * in map_gradient.c.
 */
#include <math.h>

#include "graph/map.h"

/* ---- shape rules: every operand has rank 0 or the shape of the result ---- */

static bool infer_shape(gr_graph *g, const gr_val *in, int n_in, gr_value *out)
{
    out->shape = GR_SCALAR;
    for (int i = 0; i < n_in; i++) {
        gr_shape s = gr__value(g, in[i])->shape;
        if (s.rank == 0) continue;
        char a[96], b[96];
        if (out->shape.rank == 0)
            out->shape = s;
        else if (!gr__shape_equal(out->shape, s))
            return gr__op_fail(g, GR_E_SHAPE, "operand shapes differ: %s and %s", gr__shape_text(out->shape, a),
                               gr__shape_text(s, b));
    }
    out->dtype = GR_REAL;
    return true;
}

static bool infer_reals(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr;
    for (int i = 0; i < n_in; i++)
        if (!gr__want_dtype(g, in, i, GR_REAL)) return false;
    return infer_shape(g, in, n_in, out);
}

static bool infer_alike(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr;
    gr_dtype a = gr__value(g, in[0])->dtype, b = gr__value(g, in[1])->dtype;
    if ((a == GR_REAL) != (b == GR_REAL))
        return gr__op_fail(g, GR_E_TYPE, "operands are %s and %s: compare reals or integers", gr__dtype_text(a),
                           gr__dtype_text(b));
    return infer_shape(g, in, n_in, out);
}

static bool infer_integers(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr;
    if (gr__value(g, in[0])->dtype == GR_REAL) return gr__op_fail(g, GR_E_TYPE, "the operand is real already");
    return infer_shape(g, in, n_in, out);
}

static bool infer_scalars(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    return gr__want_rank(g, in, 0, 0) && gr__want_rank(g, in, 1, 0) && infer_reals(g, attr, in, n_in, out);
}

/* ---- reference ---- */

static double operand(const gr_ref *in, int i, int64_t e)
{
    return gr__ref_get(&in[i], in[i].shape.rank != 0 ? e : 0);
}

#define REFERENCE(code, name, n, order, takes, low, high, branches, rule, meaning)                                  \
    static double name##_element(double a, double b, double c)                                                      \
    {                                                                                                               \
        (void)a, (void)b, (void)c;                                                                                  \
        return meaning;                                                                                             \
    }                                                                                                               \
    static void name##_ref(const gr_graph *g, const gr_node *node, const gr_ref *in, gr_ref *out)                   \
    {                                                                                                               \
        (void)g, (void)node;                                                                                        \
        double *y = out->data;                                                                                      \
        int64_t count = gr_shape_count(out->shape);                                                                 \
        for (int64_t e = 0; e < count; e++)                                                                         \
            y[e] = name##_element(operand(in, 0, e), n > 1 ? operand(in, 1, e) : 0, n > 2 ? operand(in, 2, e) : 0); \
    }
GR__ELEMENTWISE(REFERENCE)

enum { ORDER_fixed, ORDER_free };

#define OPERATION(op_code, op_name, n, order, takes, low, high, op_branches, rule, meaning) \
    {.code = GR_OP_##op_code,                                                               \
     .class = GR_CLASS_MAP,                                                                 \
     .name = #op_name,                                                                      \
     .n_in = n,                                                                             \
     .n_out = 1,                                                                            \
     .commutes = ORDER_##order,                                                             \
     .infer = infer_##takes,                                                                \
     .gradient = rule,                                                                      \
     .ref = op_name##_ref,                                                                  \
     .element = op_name##_element,                                                          \
     .flops = gr__flops_results,                                                            \
     .domain = {low, high},                                                                 \
     .branches = GR__BRANCHES_##op_branches},
const gr_op gr__map_ops[] = {GR__ELEMENTWISE(OPERATION)};
