/* The operations that are said by others, a row each. A row makes the code (node.h), the operation and its builder
 * (op_composed.c). All else follows from what it says: shape rule (decompose.c), gradients of every order (gradient.c),
 * float64 arithmetic (eval.c); a plan expands it where the backend does not take it whole (plan/lower.c). Their order
 * means nothing.
 *
 * A rule of its own keeps less from the forward pass for the backward one: it reads the result, or the operand alone.
 * What it makes of an operand anew is written otherwise than in `says`: equal nodes would be one value, which is then
 * stored in between.
 *
 * ROW(code, name, n, low, high, branches, rule, says)
 *   code     GR_OP_<code>
 *   name     what it is called in texts; its builder is gr_<name>
 *   n        operands
 *   low, high  where checks of its derivatives take operands from (gr_op.domain)
 *   branches what tells one smooth piece of it from another: GR__BRANCHES_<branches>
 *   rule     its gradient rule, in op_composed.c; NULL: that of what it is said by
 *   says     its result, built in the graph g on the operands a, b, c */
#ifndef GR_GRAPH_COMPOSED_H
#define GR_GRAPH_COMPOSED_H

/* clang-format off */

#define GR__COMPOSED(ROW) \
    ROW(SOFTMAX,      softmax,      1,  -3,   3, ONE,  NULL,                  softmax(g, a)) \
    ROW(LOG_SOFTMAX,  log_softmax,  1,  -3,   3, ONE,  log_softmax_gradient,  log_softmax(g, a)) \
    ROW(ELU,          elu,          1,  -3,   3, SIGN, elu_gradient,          elu(g, a)) \
    ROW(GELU,         gelu,         1,  -3,   3, ONE,  gelu_gradient,         gelu(g, a)) \
    ROW(GELU_TANH,    gelu_tanh,    1,  -3,   3, ONE,  gelu_tanh_gradient,    gelu_tanh(g, a)) \
    ROW(SILU,         silu,         1,  -4,   4, ONE,  silu_gradient,         silu(g, a)) \
    ROW(SOFTPLUS,     softplus,     1,  -4,   4, ONE,  softplus_gradient,     softplus(g, a)) \
    ROW(RELU6,        relu6,        1,  -2,  14, SAID, relu6_gradient,        relu6(g, a)) \
    ROW(HARD_SIGMOID, hard_sigmoid, 1,  -9,   3, SAID, hard_sigmoid_gradient, hard_sigmoid(g, a)) \
    ROW(HARD_SWISH,   hard_swish,   1,  -9,   3, SAID, hard_swish_gradient,   hard_swish(g, a))

/* clang-format on */

#endif
