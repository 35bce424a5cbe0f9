/* What is left of a plan to run: a list of instructions. Each is looked at one after another; a sum across processes
 * will be a further code. */
#ifndef GR_PLAN_PROGRAM_H
#define GR_PLAN_PROGRAM_H

#include "plan/backend.h"
#include "plan/buffer.h"

/* What the backend made of a unit. It lives as long as the plan. */
typedef struct gr__made {
    gr_item item;
    gr_kernel *kernel;
    double flops, products, bytes; /* a run; of flops those of contractions */
    struct gr__made *next;         /* of those that own their kernels */
} gr__made;

typedef enum gr__code {
    GR__CALL, /* a kernel with arguments */
    GR__LOOP, /* a body, once a step (loop.h): its kernel is the loop, its operands those of the graph's node */
    GR__COPY, /* whole tensors from sources to targets */
    GR__TEST  /* stops the plan where a rank-0 value is not finite */
} gr__code;

typedef struct gr__instruction {
    gr__code code;
    bool writes_store;
    const gr__made *made;    /* CALL and LOOP; NULL for others */
    const gr_kernel *kernel; /* likewise: owned by the plan; several instructions may call one */
    int n_operands;
    const gr__operand *operand; /* CALL: as the kernel wants them. COPY: sources, then targets. TEST: one, of rank 0 */
    void **address, *shared;    /* theirs, and of the kernel's shared memory; set when the plan is bound */
    int workspace;              /* the block of `shared`, -1: none */
    int instance;               /* CALL: of the unit; 0 where it runs first */
    size_t saved;               /* bytes that an instance computes again, and that would stand otherwise */
    bool packed;                /* CALL: an earlier one has run its first phase */
    int done;                   /* CALL: phases that have run: that one, and in a loop those that last */
} gr__instruction;

#endif
