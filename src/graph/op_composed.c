/* Operations that are said by others: what the rows of composed.h build, and their table. */
#include <math.h>

#include "graph/op.h"

/* Over the last axis. The largest is subtracted first, so that nothing overflows; the result does not depend on it, so
 * no gradient passes there. */
static gr_val softmax(gr_graph *g, gr_val x)
{
    int last = gr_shape_of(g, x).rank - 1;
    if (last < 0) return gr_graph_fail(g, GR_E_SHAPE, "wants an axis to run over");
    gr_val e = gr_exp(g, gr_sub(g, x, gr_stop(g, gr_reduce_max(g, x, &last, 1, true))));
    return gr_div(g, e, gr_sum(g, e, &last, 1, true));
}

static bool has_last(gr_graph *g, gr_val x, int *last)
{
    *last = gr_shape_of(g, x).rank - 1;
    if (*last < 0) gr_graph_fail(g, GR_E_SHAPE, "wants an axis to run over");
    return *last >= 0;
}

static gr_val log_softmax(gr_graph *g, gr_val x)
{
    int last;
    if (!has_last(g, x, &last)) return GR_NONE;
    gr_val z = gr_sub(g, x, gr_stop(g, gr_reduce_max(g, x, &last, 1, true)));
    return gr_sub(g, z, gr_log(g, gr_sum(g, gr_exp(g, z), &last, 1, true)));
}

/* e^x - 1 by the tangent, which loses nothing near 0; only below 0, where nothing overflows. */
static gr_val elu(gr_graph *g, gr_val x)
{
    gr_val one = gr_const(g, 1), zero = gr_const(g, 0);
    gr_val t = gr_tanh(g, gr_mul(g, gr_min(g, x, zero), gr_const(g, 0.5)));
    return gr_select(g, gr_less(g, zero, x), x, gr_div(g, gr_add(g, t, t), gr_sub(g, one, t)));
}

/* Beyond these, e^-|x| and the density of a normal distribution are 0, and a cubic's sigmoid 0 or 1, in any type: what
 * x is there no longer matters, and as an infinity it would be 0 times that. */
enum { FAR = 800, FAR_NORMAL = 40, FAR_CUBIC = 100 };

/* For values: from below. */
static gr_val not_below(gr_graph *g, gr_val x, int far)
{
    return gr_max(g, x, gr_const(g, -far));
}

/* For slopes: from both sides. The order makes it another value than not_below's. */
static gr_val within(gr_graph *g, gr_val x, int far)
{
    return not_below(g, gr_min(g, x, gr_const(g, far)), far);
}

/* x times the share of a normal distribution below x. |x| erf(|x| / sqrt 2) is x erf(x / sqrt 2). */
static gr_val gelu(gr_graph *g, gr_val far_x)
{
    gr_val x = not_below(g, far_x, FAR_NORMAL), size = gr_abs(g, x), half = gr_const(g, 0.5);
    gr_val even = gr_mul(g, size, gr_erf(g, gr_mul(g, size, gr_const(g, sqrt(0.5)))));
    return gr_mul(g, gr_add(g, x, even), half);
}

/* What the hyperbolic form bends, twice: 2 sqrt(2 / pi) (x + 0.044715 x^3). */
static gr_val twice_bent(gr_graph *g, gr_val x)
{
    double c = 2 * sqrt(2 / acos(-1));
    gr_val cubic = gr_add(g, gr_mul(g, gr_square(g, x), gr_const(g, 0.044715 * c)), gr_const(g, c));
    return gr_mul(g, x, cubic);
}

/* x / (1 + e^-z): x sigmoid(z), where z has the sign of x. */
static gr_val gated(gr_graph *g, gr_val x, gr_val z)
{
    return gr_div(g, x, gr_add(g, gr_exp(g, gr_neg(g, z)), gr_const(g, 1)));
}

static gr_val gelu_tanh(gr_graph *g, gr_val far_x)
{
    gr_val x = not_below(g, far_x, FAR_CUBIC);
    return gated(g, x, twice_bent(g, x));
}

static gr_val silu(gr_graph *g, gr_val far_x)
{
    gr_val x = not_below(g, far_x, FAR);
    return gated(g, x, x);
}

static gr_val softplus(gr_graph *g, gr_val x)
{
    return gr_add(g, gr_relu(g, x), gr_log1p(g, gr_exp(g, gr_neg(g, gr_abs(g, x)))));
}

/* On ties the slope is the constant's: none. */
static gr_val relu6(gr_graph *g, gr_val x)
{
    return gr_min(g, gr_const(g, 6), gr_relu(g, x));
}

static gr_val hard_sigmoid(gr_graph *g, gr_val x)
{
    return gr_mul(g, relu6(g, gr_add(g, x, gr_const(g, 3))), gr_const(g, 1.0 / 6));
}

static gr_val hard_swish(gr_graph *g, gr_val x)
{
    return gr_mul(g, not_below(g, x, 3), hard_sigmoid(g, x));
}

/* ---- gradient rules: dy is the cotangent of the result y, x the operand ---- */

#define RULE(name, D)                                                                           \
    static void name##_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din) \
    {                                                                                           \
        gr_val x = n->in[0], y = n->out, dy = dout[0];                                          \
        (void)x, (void)y;                                                                       \
        din[0] = D;                                                                             \
    }

/* dy where low < v < high, else 0: also where v is no number. */
static gr_val between(gr_graph *g, double low, gr_val v, double high, gr_val dy)
{
    gr_val zero = gr_const(g, 0);
    gr_val below = gr_select(g, gr_less(g, v, gr_const(g, high)), dy, zero);
    return gr_select(g, gr_less(g, gr_const(g, low), v), below, zero);
}

static gr_val spread(gr_graph *g, gr_val dy, gr_val y)
{
    int last = gr_shape_of(g, y).rank - 1;
    return gr_sub(g, dy, gr_mul(g, gr_exp(g, y), gr_sum(g, dy, &last, 1, true)));
}

static gr_val elu_slope(gr_graph *g, gr_val y)
{
    gr_val one = gr_const(g, 1);
    return gr_select(g, gr_less(g, gr_const(g, 0), y), one, gr_add(g, y, one));
}

/* The share below x, and x times the density at x. */
static gr_val gelu_slope(gr_graph *g, gr_val far_x)
{
    gr_val x = within(g, far_x, FAR_NORMAL), half = gr_const(g, 0.5);
    gr_val share = gr_add(g, gr_mul(g, gr_erf(g, gr_mul(g, x, gr_const(g, sqrt(0.5)))), half), half);
    gr_val density =
        gr_mul(g, gr_exp(g, gr_mul(g, gr_square(g, x), gr_const(g, -0.5))), gr_const(g, 1 / sqrt(2 * acos(-1))));
    return gr_add(g, share, gr_mul(g, x, density));
}

/* Of x sigmoid(z): s + s (1 - s) x dz. */
static gr_val gate_slope(gr_graph *g, gr_val x, gr_val z, gr_val dz)
{
    gr_val s = gr_sigmoid(g, z), steep = gr_mul(g, s, gr_sub(g, gr_const(g, 1), s));
    return gr_add(g, s, gr_mul(g, gr_mul(g, steep, x), dz));
}

static gr_val gelu_tanh_slope(gr_graph *g, gr_val far_x)
{
    double c = 2 * sqrt(2 / acos(-1));
    gr_val x = within(g, far_x, FAR_CUBIC);
    gr_val dz = gr_add(g, gr_mul(g, gr_square(g, x), gr_const(g, 3 * 0.044715 * c)), gr_const(g, c));
    return gate_slope(g, x, twice_bent(g, x), dz);
}

static gr_val silu_slope(gr_graph *g, gr_val far_x)
{
    gr_val x = within(g, far_x, FAR);
    return gate_slope(g, x, x, gr_const(g, 1));
}

/* Below -3 nothing passes, above 3 all, as x sigmoid(x) has it far out. */
static gr_val hard_swish_slope(gr_graph *g, gr_val x)
{
    gr_val rising = gr_add(g, gr_mul(g, x, gr_const(g, 1.0 / 3)), gr_const(g, 0.5));
    gr_val upper = gr_select(g, gr_less(g, x, gr_const(g, 3)), rising, gr_const(g, 1));
    return gr_select(g, gr_less(g, gr_const(g, -3), x), upper, gr_const(g, 0));
}

RULE(log_softmax, spread(g, dy, y))
RULE(elu, gr_mul(g, dy, elu_slope(g, y)))
RULE(gelu, gr_mul(g, dy, gelu_slope(g, x)))
RULE(gelu_tanh, gr_mul(g, dy, gelu_tanh_slope(g, x)))
RULE(silu, gr_mul(g, dy, silu_slope(g, x)))
RULE(softplus, gr_mul(g, dy, gr_sigmoid(g, x)))
RULE(relu6, between(g, 0, y, 6, dy))
RULE(hard_sigmoid, between(g, 0, y, 1, gr_mul(g, dy, gr_const(g, 1.0 / 6))))
RULE(hard_swish, gr_mul(g, dy, hard_swish_slope(g, x)))

/* ---- the table ---- */

#define DECOMPOSITION(code, name, n, low, high, branches, rule, says)                                       \
    static void name##_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out) \
    {                                                                                                       \
        gr_val a = in[0], b = n_in > 1 ? in[1] : GR_NONE, c = n_in > 2 ? in[2] : GR_NONE;                   \
        (void)attr, (void)b, (void)c;                                                                       \
        out[0] = says;                                                                                      \
    }
GR__COMPOSED(DECOMPOSITION)

#define OPERATION(op_code, op_name, n, low, high, op_branches, rule, says) \
    {.code = GR_OP_##op_code,                                              \
     .class = GR_CLASS_COMPOSED,                                           \
     .name = #op_name,                                                     \
     .n_in = n,                                                            \
     .n_out = 1,                                                           \
     .gradient = rule,                                                     \
     .decompose = op_name##_decompose,                                     \
     .domain = {low, high},                                                \
     .branches = GR__BRANCHES_##op_branches},
const gr_op gr__composed_ops[] = {GR__COMPOSED(OPERATION)};

/* ---- builders ---- */

#define BUILDER_1(name, code)                                    \
    gr_val gr_##name(gr_graph *g, gr_val a)                      \
    {                                                            \
        return gr__node_add(g, GR_OP_##code, &a, 1, NULL, NULL); \
    }
#define BUILDER_2(name, code)                                                  \
    gr_val gr_##name(gr_graph *g, gr_val a, gr_val b)                          \
    {                                                                          \
        return gr__node_add(g, GR_OP_##code, (gr_val[]){a, b}, 2, NULL, NULL); \
    }
#define BUILDER_3(name, code)                                                     \
    gr_val gr_##name(gr_graph *g, gr_val a, gr_val b, gr_val c)                   \
    {                                                                             \
        return gr__node_add(g, GR_OP_##code, (gr_val[]){a, b, c}, 3, NULL, NULL); \
    }
#define BUILDER(code, name, n, ...) BUILDER_##n(name, code)
GR__COMPOSED(BUILDER)
