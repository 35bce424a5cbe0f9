/* Bodies: what a loop runs each time. A body is a graph of its own, closed: whatever it reads from outside comes in as
 * an operand, so leaves with names stay outside. It never changes once it is made; graphs that have loops of it share
 * it. For floors 1 to 3, as node.h. */
#ifndef GR_GRAPH_BODY_H
#define GR_GRAPH_BODY_H

#include "graph/node.h"

typedef enum gr__role {
    GR__ROLE_CARRY, /* what the step before made of it; the operand is what the first step has */
    GR__ROLE_STEP,  /* the step's own part of the operand, whose first axis is the steps */
    GR__ROLE_GIVEN  /* the same for all steps */
} gr__role;

/* The outputs of `graph` are, in order: what each carry is after a step (in the order of the carries), then the values
 * that are stacked, one part a step. They are the results of a loop:
 *
 *   final   [...] a carry         what it is after the last step
 *   states  [steps + 1, ...] a carry  before the first step and after each. It is there for plans, which keep one
 *                                 tensor in place of final, the carry stacked as it is read, and as it is left
 *   stacks  [steps, ...] each */
typedef struct gr__body {
    gr_context *ctx;
    gr_graph *graph;
    int refs;
    int n_in, n_carries;
    gr__role *role; /* of an operand */
    gr_val *leaf;   /* of `graph`, that stands for an operand */
} gr__body;

/* Takes the graph, also where it fails; roles are copied. Operand i is leaf number i. Held once by the caller. */
gr__body *gr__body_create(gr_context *ctx, gr_graph *graph, const gr__role *role, int n_in);
void gr__body_release(const gr__body *b);
const gr__body *gr__body_intern(gr_graph *g, const gr__body *b); /* the one that g holds of it. NULL: no memory */

/* Calls visit for the body of each node of g that has one; stops at the first failure. The one way into bodies for what
 * looks at all of a graph: verifying, printing, counting. */
typedef gr_status (*gr__body_fn)(const gr_graph *g, uint32_t node, const gr__body *b, void *user);
gr_status gr__graph_each_body(const gr_graph *g, gr__body_fn visit, void *user);

/* Copies nodes, under the scopes that they have: those that `which` marks (NULL: all), of whose values map has none
 * yet. map: of a value of `from`, what it is in `to`. */
GR_CHECKED gr_status gr__graph_copy(gr_graph *to, const gr_graph *from, const bool *which, gr_val *map);

/* ---- the operands and results of a loop ---- */
int gr__body_results(const gr__body *b);
int gr__body_stacks(const gr__body *b);
gr_val gr__body_next(const gr__body *b, int carry);
gr_val gr__body_stack(const gr__body *b, int stack);
int gr__body_carry(const gr__body *b, int operand); /* its number among the carries */
int gr__body_operand(const gr__body *b, int carry); /* the carry's number among the operands */
static inline int gr__body_final(const gr__body *b, int carry)
{
    (void)b;
    return carry;
}
static inline int gr__body_states(const gr__body *b, int carry)
{
    return b->n_carries + carry;
}
static inline int gr__body_stacked(const gr__body *b, int stack)
{
    return 2 * b->n_carries + stack;
}
static inline int64_t gr__scan_steps(const gr_attr *attr)
{
    return attr->i[0];
}
static inline bool gr__scan_reverse(const gr_attr *attr)
{
    return attr->i[1] != 0;
}
/* The carry [1] whose being 0 ends the loop after a step, before the number of steps is up; -1: none. Such a loop has
 * finals alone, nothing stacked, and no gradient: what it computes is differentiated by those who make it. */
static inline int gr__scan_until(const gr_attr *attr)
{
    return (int)attr->i[2] - 1;
}
/* A loop of the body; operands as it has them. The first result, GR_NONE after a failure. */
gr_val gr__scan_add(gr_graph *g, const gr__body *b, const gr_val *in, int64_t steps, bool reverse, int until);
/* Says so of a loop that is being built; before gr_scan_end. */
void gr__scan_end_at(gr_scan *s, gr_val carry);
/* One step's part of what is stacked, and the other way round. */
gr_shape gr__shape_of_step(gr_shape stacked);
gr_shape gr__shape_of_steps(gr_shape part, int64_t steps);
/* All steps of a value of the body of loop n, as a value of g: a result, an operand, or repeated. GR_NONE: it is none
 * of these. */
gr_val gr__scan_all(gr_graph *g, const gr_node *n, gr_val inner);
/* The same of an operand; GR_NONE of one that is carried, whose stack is a result. */
gr_val gr__scan_operand(gr_graph *g, gr__role role, gr_val v, int64_t steps);

/* f of fixed point n at its own first result, as a value of g. */
gr_val gr__fixed_point_again(gr_graph *g, const gr_node *n);
/* Its residual where it is above its tolerance, else 0: [samples]. */
gr_val gr__fixed_point_missed(gr_graph *g, const gr_node *n);

/* ---- leaves that stand in for operands (decompose.c) ---- */
gr_val gr__stand_in(gr_graph *g, const gr_value *v, int number);
bool gr__stands_in(const gr_node *n, int *number); /* is it such a leaf, and of which operand? */

#endif
