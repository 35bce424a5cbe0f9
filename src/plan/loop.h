/* A loop of a plan: its body is a plan of its own, compiled by the same stages, that has no memory of its own. What it
 * reads and writes of the plan around it are slots, whose addresses move from step to step; its blocks lie in the
 * workspace of the loop's instruction. */
#ifndef GR_PLAN_LOOP_H
#define GR_PLAN_LOOP_H

#include "plan/plan.h"

typedef enum gr__slot_kind {
    GR__SLOT_GIVEN,  /* the same at every step */
    GR__SLOT_STEP,   /* base + step * stride */
    GR__SLOT_BEFORE, /* a carry as the step finds it */
    GR__SLOT_AFTER   /* as it leaves it */
} gr__slot_kind;

/* Of a leaf of the body (slot: the number of its operand), or of what it writes (those follow, in their order). */
typedef struct gr__slot {
    gr__slot_kind kind;
    int operand; /* of the loop's instruction; BEFORE and AFTER: the number of the carry */
    size_t stride;
} gr__slot;

typedef struct gr__carry {
    int initial, states, final; /* operands of the instruction; -1: nobody reads it */
    int block[2];               /* of the body, where neither stands: for even and odd numbers of steps to come */
    size_t bytes;
    bool zeros; /* it starts with nothing but zeros */
} gr__carry;

typedef struct gr__moving { /* an argument in the body that moves */
    int instruction, operand, slot;
    size_t offset;
} gr__moving;

struct gr__loop {
    gr_kernel kernel; /* without phases: it tells of workspace, scratch and operands */
    gr_context *ctx;
    gr_plan *body;
    int64_t steps;
    bool reverse;
    int until;       /* the carry that ends it by being 0; -1: none */
    gr__slot *slots; /* these lie in the body's memory */
    gr__carry *carries;
    gr__moving *moving;
    int n_slots, n_carries, n_moving;
    bool *still;   /* of an instruction of the body: a product with what the first step finds to be 0 */
    bool *idle;    /* of an instruction of the body: the last step has no need of it */
    int *together; /* of an instruction of the body: how many from it on run together, part by part; 0: none */
};

/* The kernel of a loop's unit, which is the loop. */
gr_status gr__loop_make(gr__compiler *c, const gr_item *item, gr_kernel **out);
/* For the body's compiler: the slot of a value, -1: it has none; and blocks for what is carried. */
int gr__loop_slot(const gr__compiler *c, gr_val v);
void gr__loop_add_blocks(gr__compiler *c);
/* Is it, or does it stand in, what is the same at all steps? False where nothing is compiled for a loop. */
bool gr__loop_lasts(const gr__compiler *c, gr_val v);

/* Running, for `in` of the plan around it: all of it, or by hand: begin, then each step's instructions behind
 * gr__loop_step, which counts it, until that says that all are done. */
void gr__loop_run(gr_plan *root, const gr__instruction *in);
void gr__loop_begin(const gr__instruction *in);
bool gr__loop_step(const gr__instruction *in, int64_t *done);

/* Find out which do, and which are (loop_parts.c). */
gr_status gr__loop_find_together(gr__loop *l);
gr_status gr__loop_find_idle(gr__loop *l);
gr_status gr__loop_find_still(gr__loop *l);

static inline const gr__loop *gr__loop_of(const gr__instruction *in)
{
    return (const gr__loop *)in->kernel;
}

#endif
