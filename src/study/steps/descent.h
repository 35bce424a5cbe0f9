/* Formulas and their descent: a cost written as a graph, its derivatives, and any optimizer of the library upon it, in
 * float64. */
#ifndef GR_STUDY_STEPS_DESCENT_H
#define GR_STUDY_STEPS_DESCENT_H

#include "optim/optim.h"

typedef struct gr_formula {
    int64_t dimensions;
    gr_val (*cost)(gr_graph *g, gr_val w, const void *user); /* w [n, dimensions] -> [n] */
    const void *user;
} gr_formula;

/* The cost at n points w [n, dimensions]; slope [n, dimensions] and curvature [n] (second derivative: one dimension
 * alone) may be NULL. */
gr_status gr__formula_at(gr_context *ctx, const gr_formula *f, const double *w, int64_t n, double *cost, double *slope,
                         double *curvature);

/* One point that an optimizer moves downhill. */
typedef struct gr_descent {
    gr_context *ctx;
    int64_t dimensions;
    gr_store *store;
    gr_plan *plan;
    const gr_entry *w;
    const double *cost;
    double *lr;
} gr_descent;
/* optimizer: as in a recipe, "sgd" or "{type: sgd, momentum: 0.9}". Methods with LookAhead, a
 * switch or second derivatives are GR_E_UNSUPPORTED. Close it also after a failure. */
gr_status gr__descent_open(gr_context *ctx, const gr_formula *f, const char *optimizer, gr_descent *d);
void gr__descent_close(gr_descent *d);
/* Puts the point at w and the optimizer's state back to its beginning. */
void gr__descent_start(gr_descent *d, const double *w);
/* One update at this rate. *cost (may be NULL) receives the cost before it, w (may be NULL) the point after it. */
gr_status gr__descent_step(gr_descent *d, double lr, double *cost, double *w);

#endif
