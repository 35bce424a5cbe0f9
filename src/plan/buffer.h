/* Buffers: where values stand while a plan runs. Not a value but a buffer has a place: a value has one buffer for what
 * stands of its own accord (store, constants, gradients, feeds), or one for each time that it is computed, and another
 * where its old content is saved. Views have none; they are (buffer, offset), as everything that is read. */
#ifndef GR_PLAN_BUFFER_H
#define GR_PLAN_BUFFER_H

#include "gradus/graph.h"

typedef enum gr__spot_kind {
    GR__NOWHERE,
    GR__IN_STORE,
    GR__IN_CONSTANTS,
    GR__IN_GRADIENTS,
    GR__IN_BLOCK,
    GR__IN_SLOT /* body of a loop: its address moves */
} gr__spot_kind;
typedef struct gr__spot { /* a place in memory */
    gr__spot_kind kind;
    int index;     /* IN_STORE: the entry; IN_BLOCK: the block; IN_SLOT: the slot */
    size_t offset; /* within it */
} gr__spot;

typedef enum gr__buffer_form { /* how a buffer holds its value; narrower and packed forms will stand here */
                               GR__BUFFER_REAL /* in the type that the backend computes with */
} gr__buffer_form;

typedef struct gr__buffer {
    gr_val value;
    gr__buffer_form form;
    size_t bytes;
    int first, last; /* stands from the first of these entries of the schedule to the last, both included; entries count
                        from 1, feeds stand at 0, outputs after the last */
    gr__spot spot;   /* found by gr__plan_place, if it is not its own */
} gr__buffer;

typedef struct gr__operand { /* what an instruction reads or writes */
    int buffer;              /* -1: an output that nobody asks for */
    size_t offset;           /* of a view */
} gr__operand;

#endif
