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

static bool infer_arithmetic(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr;
    for (int i = 0; i < n_in; i++)
        if (!gr__want_dtype(g, in, i, GR_REAL)) return false;
    return infer_shape(g, in, n_in, out);
}

static bool infer_compare(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr;
    gr_dtype a = gr__value(g, in[0])->dtype, b = gr__value(g, in[1])->dtype;
    if ((a == GR_REAL) != (b == GR_REAL))
        return gr__op_fail(g, GR_E_TYPE, "operands are %s and %s: compare reals or integers", gr__dtype_text(a),
                           gr__dtype_text(b));
    return infer_shape(g, in, n_in, out);
}

static bool infer_cast(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    (void)attr;
    if (gr__value(g, in[0])->dtype == GR_REAL) return gr__op_fail(g, GR_E_TYPE, "the operand is real already");
    return infer_shape(g, in, n_in, out);
}

static bool infer_pow(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    return gr__want_rank(g, in, 0, 0) && gr__want_rank(g, in, 1, 0) && infer_arithmetic(g, attr, in, n_in, out);
}

/* ---- reference ---- */

static int64_t stride(const gr_ref *r)
{
    return r->shape.rank != 0;
}

#define UNARY(name, expression)                                                                \
    static void name##_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out) \
    {                                                                                          \
        (void)g, (void)n;                                                                      \
        double *y = out->data;                                                                 \
        int64_t count = gr_shape_count(out->shape);                                            \
        for (int64_t e = 0; e < count; e++) {                                                  \
            double x = gr__ref_get(in, e);                                                     \
            y[e] = expression;                                                                 \
        }                                                                                      \
    }

#define BINARY(name, expression)                                                                             \
    static void name##_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)               \
    {                                                                                                        \
        (void)g, (void)n;                                                                                    \
        double *y = out->data;                                                                               \
        int64_t count = gr_shape_count(out->shape);                                                          \
        for (int64_t e = 0; e < count; e++) {                                                                \
            double a = gr__ref_get(&in[0], e * stride(&in[0])), b = gr__ref_get(&in[1], e * stride(&in[1])); \
            y[e] = expression;                                                                               \
        }                                                                                                    \
    }

#define TERNARY(name, expression)                                                                            \
    static void name##_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)               \
    {                                                                                                        \
        (void)g, (void)n;                                                                                    \
        double *y = out->data;                                                                               \
        int64_t count = gr_shape_count(out->shape);                                                          \
        for (int64_t e = 0; e < count; e++) {                                                                \
            double a = gr__ref_get(&in[0], e * stride(&in[0])), b = gr__ref_get(&in[1], e * stride(&in[1])), \
                   c = gr__ref_get(&in[2], e * stride(&in[2]));                                              \
            y[e] = expression;                                                                               \
        }                                                                                                    \
    }

UNARY(neg, -x)
UNARY(abs, fabs(x))
UNARY(sign, x > 0 ? 1 : x < 0 ? -1 : x)
UNARY(floor, floor(x))
UNARY(exp, exp(x))
UNARY(log, log(x))
UNARY(log1p, log1p(x))
UNARY(sqrt, sqrt(x))
UNARY(square, (x * x))
UNARY(recip, 1 / x)
UNARY(tanh, tanh(x))
UNARY(sigmoid, 1 / (1 + exp(-x)))
UNARY(relu, x > 0 || isnan(x) ? x : 0)
UNARY(sin, sin(x))
UNARY(cos, cos(x))
UNARY(erf, erf(x))
UNARY(same, x)
BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a *b)
BINARY(div, a / b)
BINARY(max, a < b || isnan(b) ? b : a)
BINARY(min, b < a || isnan(b) ? b : a)
BINARY(pow, pow(a, b))
BINARY(less, a < b)
BINARY(less_equal, a <= b)
BINARY(equal, a == b)
TERNARY(select, a != 0 ? b : c)
TERNARY(muladd, a *b + c)

#define MAP(code, name, n_in, infer, gradient)                                  \
    {                                                                           \
        GR_OP_##code, GR_CLASS_MAP, #name, n_in, 1, infer, gradient, name##_ref \
    }

const gr_op gr__map_ops[] = {
    MAP(NEG, neg, 1, infer_arithmetic, gr__neg_gradient),
    MAP(ABS, abs, 1, infer_arithmetic, gr__abs_gradient),
    MAP(SIGN, sign, 1, infer_arithmetic, gr__no_gradient),
    MAP(FLOOR, floor, 1, infer_arithmetic, gr__no_gradient),
    MAP(EXP, exp, 1, infer_arithmetic, gr__exp_gradient),
    MAP(LOG, log, 1, infer_arithmetic, gr__log_gradient),
    MAP(LOG1P, log1p, 1, infer_arithmetic, gr__log1p_gradient),
    MAP(SQRT, sqrt, 1, infer_arithmetic, gr__sqrt_gradient),
    MAP(SQUARE, square, 1, infer_arithmetic, gr__square_gradient),
    MAP(RECIP, recip, 1, infer_arithmetic, gr__recip_gradient),
    MAP(TANH, tanh, 1, infer_arithmetic, gr__tanh_gradient),
    MAP(SIGMOID, sigmoid, 1, infer_arithmetic, gr__sigmoid_gradient),
    MAP(RELU, relu, 1, infer_arithmetic, gr__relu_gradient),
    MAP(SIN, sin, 1, infer_arithmetic, gr__sin_gradient),
    MAP(COS, cos, 1, infer_arithmetic, gr__cos_gradient),
    MAP(ERF, erf, 1, infer_arithmetic, gr__erf_gradient),
    {GR_OP_REAL, GR_CLASS_MAP, "real", 1, 1, infer_cast, gr__no_gradient, same_ref},
    {GR_OP_STOP, GR_CLASS_MAP, "stop", 1, 1, infer_arithmetic, gr__no_gradient, same_ref},
    MAP(ADD, add, 2, infer_arithmetic, gr__add_gradient),
    MAP(SUB, sub, 2, infer_arithmetic, gr__sub_gradient),
    MAP(MUL, mul, 2, infer_arithmetic, gr__mul_gradient),
    MAP(DIV, div, 2, infer_arithmetic, gr__div_gradient),
    MAP(MAX, max, 2, infer_arithmetic, gr__max_gradient),
    MAP(MIN, min, 2, infer_arithmetic, gr__min_gradient),
    MAP(POW, pow, 2, infer_pow, gr__pow_gradient),
    MAP(LESS, less, 2, infer_compare, gr__no_gradient),
    MAP(LESS_EQUAL, less_equal, 2, infer_compare, gr__no_gradient),
    MAP(EQUAL, equal, 2, infer_compare, gr__no_gradient),
    MAP(SELECT, select, 3, infer_arithmetic, gr__select_gradient),
    MAP(MULADD, muladd, 3, infer_arithmetic, gr__muladd_gradient),
};
