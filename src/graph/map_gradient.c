/* Gradient rules of the elementwise operations. Where a rule can read the result y instead of the operand x it does:
 * the operand need not be kept. */
#include <math.h>

#include "graph/map.h"

/* The one table: D is what an operand's cotangent is, given g the graph, dy the result's cotangent, x (or a, b, c) the
 * operands and y the result. */
#define UNARY(name, D)                                 \
    GR__RULE(name)                                     \
    {                                                  \
        gr_val x = n->in[0], y = n->out, dy = dout[0]; \
        (void)x, (void)y;                              \
        din[0] = D;                                    \
    }

UNARY(neg, gr_neg(g, dy))
UNARY(abs, gr_mul(g, dy, gr_sign(g, x)))
UNARY(exp, gr_mul(g, dy, y))
UNARY(log, gr_div(g, dy, x))
UNARY(log1p, gr_div(g, dy, gr_add(g, x, gr_const(g, 1))))
UNARY(sqrt, gr_div(g, gr_mul(g, dy, gr_const(g, 0.5)), y))
UNARY(square, gr_mul(g, dy, gr_mul(g, x, gr_const(g, 2))))
UNARY(recip, gr_neg(g, gr_mul(g, dy, gr_square(g, y))))
UNARY(tanh, gr_mul(g, dy, gr_sub(g, gr_const(g, 1), gr_square(g, y))))
UNARY(sigmoid, gr_mul(g, dy, gr_mul(g, y, gr_sub(g, gr_const(g, 1), y))))
UNARY(relu, gr_select(g, gr_less(g, gr_const(g, 0), y), dy, gr_const(g, 0)))
UNARY(sin, gr_mul(g, dy, gr_cos(g, x)))
UNARY(cos, gr_neg(g, gr_mul(g, dy, gr_sin(g, x))))
UNARY(erf, gr_mul(g, dy, gr_mul(g, gr_exp(g, gr_neg(g, gr_square(g, x))), gr_const(g, 2 / sqrt(acos(-1))))))

/* An operand of rank 0 next to a tensor was stretched over all of it. */
#define TO(i, D) \
    if (gr__wanted(g, n, i)) din[i] = gr__sum_to(g, D, gr_shape_of(g, n->in[i]))

GR__RULE(add)
{
    TO(0, dout[0]);
    TO(1, dout[0]);
}

GR__RULE(sub)
{
    TO(0, dout[0]);
    TO(1, gr_neg(g, dout[0]));
}

GR__RULE(mul)
{
    TO(0, gr_mul(g, dout[0], n->in[1]));
    TO(1, gr_mul(g, dout[0], n->in[0]));
}

GR__RULE(div)
{
    gr_val b = n->in[1], y = n->out;
    TO(0, gr_div(g, dout[0], b));
    TO(1, gr_neg(g, gr_div(g, gr_mul(g, dout[0], y), b)));
}

static void pick(gr_graph *g, const gr_node *n, gr_val second, gr_val dy, gr_val *din)
{
    gr_val zero = gr_const(g, 0);
    TO(0, gr_select(g, second, zero, dy));
    TO(1, gr_select(g, second, dy, zero));
}

GR__RULE(max)
{
    pick(g, n, gr_less(g, n->in[0], n->in[1]), dout[0], din);
}

GR__RULE(min)
{
    pick(g, n, gr_less(g, n->in[1], n->in[0]), dout[0], din);
}

/* y = a^b. The guards give the limits where 0 would meet an infinity: d(a^0)/da at a = 0, d(0^b)/db. */
GR__RULE(pow)
{
    gr_val a = n->in[0], b = n->in[1], y = n->out, zero = gr_const(g, 0);
    gr_val da = gr_mul(g, b, gr_pow(g, a, gr_sub(g, b, gr_const(g, 1))));
    TO(0, gr_mul(g, dout[0], gr_select(g, gr_equal(g, b, zero), zero, da)));
    TO(1, gr_mul(g, dout[0], gr_select(g, gr_equal(g, a, zero), zero, gr_mul(g, y, gr_log(g, a)))));
}

GR__RULE(select)
{
    gr_val c = n->in[0], zero = gr_const(g, 0);
    TO(1, gr_select(g, c, dout[0], zero));
    TO(2, gr_select(g, c, zero, dout[0]));
}

GR__RULE(muladd)
{
    TO(0, gr_mul(g, dout[0], n->in[1]));
    TO(1, gr_mul(g, dout[0], n->in[0]));
    TO(2, dout[0]);
}
