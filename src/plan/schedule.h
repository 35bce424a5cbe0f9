/* The schedule: what runs, one entry after another. It says when a unit runs and how often; what is computed is no
 * longer its business, so no schedule changes a bit. */
#ifndef GR_PLAN_SCHEDULE_H
#define GR_PLAN_SCHEDULE_H

#include "plan/program.h"

typedef struct gr__turn { /* an entry */
    gr__code code;
    int unit;             /* CALL; -1 for others */
    int instance;         /* CALL: 0 where the unit runs first, 1 where it runs again, ... */
    const gr__made *made; /* CALL: what is called; NULL for others */
    const gr_val *in;     /* CALL: what its kernel reads. COPY: the sources. TEST: what is tested */
    const gr_val *out;    /* CALL: what its kernel writes, GR_NONE where nobody asks. COPY: the targets */
    int n_in, n_out;
    bool writes_store;
    gr__operand *operand; /* in, then out: found by gr__plan_buffers */
    int workspace;        /* the block of the kernel's shared memory, -1: none; found by gr__plan_place */
    bool packed;          /* its first phase is an earlier entry's, which has this workspace; likewise */
} gr__turn;

typedef struct gr__schedule {
    gr__turn *turn;
    int n;
} gr__schedule;

#endif
