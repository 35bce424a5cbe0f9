/* The elementwise operations, a row each. The rows make the codes (node.h), the table of operations with their
 * reference arithmetic (op_map.c), the builders (map_build.c) and the declarations of the gradient rules; scalar
 * programs and constant folding run what a row says that an operation means.
 *
 * ROW(code, name, n, order, takes, low, high, branches, rule, meaning)
 *   code     GR_OP_<code>
 *   name     what it is called in texts; its builder is gr_<name>
 *   n        operands
 *   order    free: its two operands may be swapped (gr_op.commutes); fixed
 *   takes    reals; alike: reals or integers, not mixed; integers; scalars: reals of rank 0 (infer_<takes>, op_map.c)
 *   low, high  where checks of its derivatives take operands from (gr_op.domain)
 *   branches what tells one smooth piece of it from another: GR__BRANCHES_<branches>
 *   rule     its gradient rule, in map_gradient.c; gr__no_gradient: none passes
 *   meaning  an element of the result in float64, of the operands' elements a, b, c */
#ifndef GR_GRAPH_ELEMENTWISE_H
#define GR_GRAPH_ELEMENTWISE_H

/* clang-format off */

/* Those whose builder does no more than make the node. */
#define GR__ELEMENTWISE_PLAIN(ROW) \
    ROW(NEG,        neg,        1, fixed, reals,      -2,    2, ONE,        gr__neg_gradient,     -a) \
    ROW(ABS,        abs,        1, fixed, reals,      -2,    2, SIGN,       gr__abs_gradient,     fabs(a)) \
    ROW(SIGN,       sign,       1, fixed, reals,      -2,    2, SIGN,       gr__no_gradient,      a > 0 ? 1 : a < 0 ? -1 : a) \
    ROW(FLOOR,      floor,      1, fixed, reals,    0.01, 0.99, RESULT,     gr__no_gradient,      floor(a)) \
    ROW(EXP,        exp,        1, fixed, reals,      -2,    2, ONE,        gr__exp_gradient,     exp(a)) \
    ROW(LOG,        log,        1, fixed, reals,     0.2,    3, ONE,        gr__log_gradient,     log(a)) \
    ROW(LOG1P,      log1p,      1, fixed, reals,    -0.7,    3, ONE,        gr__log1p_gradient,   log1p(a)) \
    ROW(SQRT,       sqrt,       1, fixed, reals,     0.2,    3, ONE,        gr__sqrt_gradient,    sqrt(a)) \
    ROW(SQUARE,     square,     1, fixed, reals,      -2,    2, ONE,        gr__square_gradient,  a * a) \
    ROW(RECIP,      recip,      1, fixed, reals,      -3, -0.3, ONE,        gr__recip_gradient,   1 / a) \
    ROW(TANH,       tanh,       1, fixed, reals,      -2,    2, ONE,        gr__tanh_gradient,    tanh(a)) \
    ROW(SIGMOID,    sigmoid,    1, fixed, reals,      -4,    4, ONE,        gr__sigmoid_gradient, 1 / (1 + exp(-a))) \
    ROW(RELU,       relu,       1, fixed, reals,      -2,    2, SIGN,       gr__relu_gradient,    a > 0 || isnan(a) ? a : 0) \
    ROW(SIN,        sin,        1, fixed, reals,      -3,    3, ONE,        gr__sin_gradient,     sin(a)) \
    ROW(COS,        cos,        1, fixed, reals,      -3,    3, ONE,        gr__cos_gradient,     cos(a)) \
    ROW(ERF,        erf,        1, fixed, reals,      -2,    2, ONE,        gr__erf_gradient,     erf(a)) \
    ROW(ADD,        add,        2, free,  reals,      -2,    2, ONE,        gr__add_gradient,     a + b) \
    ROW(SUB,        sub,        2, fixed, reals,      -2,    2, ONE,        gr__sub_gradient,     a - b) \
    ROW(MUL,        mul,        2, free,  reals,      -2,    2, ONE,        gr__mul_gradient,     a * b) \
    ROW(DIV,        div,        2, fixed, reals,     0.4,    3, ONE,        gr__div_gradient,     a / b) \
    ROW(MAX,        max,        2, fixed, reals,      -2,    2, DIFFERENCE, gr__max_gradient,     a < b || isnan(b) ? b : a) \
    ROW(MIN,        min,        2, fixed, reals,      -2,    2, DIFFERENCE, gr__min_gradient,     b < a || isnan(b) ? b : a) \
    ROW(POW,        pow,        2, fixed, scalars,   0.3,    3, ONE,        gr__pow_gradient,     pow(a, b)) \
    ROW(LESS,       less,       2, fixed, alike,      -2,    2, RESULT,     gr__no_gradient,      a < b) \
    ROW(LESS_EQUAL, less_equal, 2, fixed, alike,      -2,    2, RESULT,     gr__no_gradient,      a <= b) \
    ROW(EQUAL,      equal,      2, free,  alike,      -2,    2, RESULT,     gr__no_gradient,      a == b) \
    ROW(SELECT,     select,     3, fixed, reals,      -2,    2, SIGN,       gr__select_gradient,  a != 0 ? b : c)

/* Those with a builder of their own, written out in map_build.c. muladd(a,b,c) = a*b+c, rounded once where the machine
 * can, has none: the plan's simplification alone makes it. */
#define GR__ELEMENTWISE_OTHER(ROW) \
    ROW(REAL,       real,       1, fixed, integers,   -2,    2, ONE,        gr__no_gradient,      a) \
    ROW(STOP,       stop,       1, fixed, reals,      -2,    2, ONE,        gr__no_gradient,      a) \
    ROW(MULADD,     muladd,     3, fixed, reals,      -2,    2, ONE,        gr__muladd_gradient,  a * b + c)

/* clang-format on */

#define GR__ELEMENTWISE(ROW)   \
    GR__ELEMENTWISE_PLAIN(ROW) \
    GR__ELEMENTWISE_OTHER(ROW)

#endif
