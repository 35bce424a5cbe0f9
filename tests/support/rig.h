/* A graph, a store and a plan of them on the toy backend: what the tests of plans are made on. */
#ifndef GR_TESTS_RIG_H
#define GR_TESTS_RIG_H

#include <math.h>

#include "graph/op.h"
#include "plan/plan.h"
#include "test.h"

typedef struct rig {
    gr_context *ctx;
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
} rig;

rig rig_begin_with(int threads);
rig rig_begin(void); /* with one */
void rig_end(rig *r);

/* A parameter or slot, in the store and in the graph. */
gr_val rig_entry(rig *r, const char *name, gr_shape shape, bool slot);
gr_status rig_compile(rig *r);
void rig_ready(rig *r); /* compiled, sealed and bound */

/* Entry `name` becomes first, first + step, ... */
void rig_set(rig *r, const char *name, double first, double step);
double rig_at(rig *r, const char *name, int i);
double rig_out(rig *r, const char *name, int i);
gr__spot rig_spot(const rig *r, gr_val v); /* of the last buffer of v, or of what it is reshaped from */
bool rig_has_kernel(const rig *r, const char *name);

/* ---- a step of training ---- */

enum { RIG_TENSORS = 5 };
extern const char *const rig_tensors[RIG_TENSORS];
extern const gr_shape rig_shapes[RIG_TENSORS];

/* Adam with clipping over five tensors: norms in one kernel, scalars, updates in one kernel. */
void rig_adam(rig *r);
void rig_feed_adam(rig *r);

#endif
