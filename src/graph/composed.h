/* The operations that are said by others, a row each. A row makes the code (node.h), the operation and its builder
 * (op_composed.c). All else follows from what it says: shape rule (decompose.c), gradients of every order (gradient.c),
 * float64 arithmetic (eval.c); a plan expands it where the backend does not take it whole (plan/lower.c). Their order
 * means nothing.
 *
 * ROW(code, name, n, low, high, branches, says)
 *   code     GR_OP_<code>
 *   name     what it is called in texts; its builder is gr_<name>
 *   n        operands
 *   low, high  where checks of its derivatives take operands from (gr_op.domain)
 *   branches what tells one smooth piece of it from another: GR__BRANCHES_<branches>
 *   says     its result, built in the graph g on the operands a, b, c */
#ifndef GR_GRAPH_COMPOSED_H
#define GR_GRAPH_COMPOSED_H

/* clang-format off */

#define GR__COMPOSED(ROW) \
    ROW(SOFTMAX,    softmax,    1,  -3,    3, ONE, softmax(g, a))

/* clang-format on */

#endif
