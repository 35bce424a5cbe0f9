/* The comparison of two runs, operation by operation. */
#ifndef GR_STUDY_DERIVATIVE_TRACE_H
#define GR_STUDY_DERIVATIVE_TRACE_H

#include "train/train.h"

/* ---- tracing: the first operation at which two runs part ---- */
typedef struct gr_trace_options {
    int64_t steps;
    double tolerance; /* 0: the bits; else a difference relative to the tensor's largest value. Reals of different width
                         are compared as numbers */
    /* May change what an item has just written: for tests. side 0 or 1; item counts over all plans of a step. NULL:
     * nobody. */
    void (*touch)(void *user, int side, int64_t step, int item, int output, gr_plan_view *v);
    void *user;
} gr_trace_options;

typedef struct gr_trace_result {
    bool differs;
    bool shape;       /* the two do different things there: other operations, shapes or batches; figures are NaN then */
    int64_t step;     /* from 1 */
    int item;         /* of the step; -1: before anything ran */
    int64_t compared; /* values that were equal before */
    char scope[256], operation[160];
    char note[352];        /* shape: what each does */
    char position[96];     /* "[3,0,17]" of the largest difference */
    double a, b, relative; /* there; relative to the largest value of either tensor */
    bool diverged;         /* both stopped, since the cost was no longer finite */
} gr_trace_result;
/* Trains both recipes side by side, unfused, and compares what every operation writes. The contexts may be one. */
gr_status gr__trace(gr_context *const ctx[2], const gr_recipe *const recipe[2], const gr_trace_options *o,
                    gr_trace_result *out);

#endif
