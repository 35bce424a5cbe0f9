/* One tensor that an optimizer moves by gradients that are given: what its arithmetic does, whatever the cost. In
 * float64. */
#ifndef GR_STUDY_STEPS_UPDATES_H
#define GR_STUDY_STEPS_UPDATES_H

#include "optim/optim.h"

typedef struct gr_updates_spec { /* texts as a recipe has them; NULL: nothing */
    const char *optimizer, *lookahead, *average;
    gr_role role;
    int64_t size;  /* numbers in the tensor */
    int64_t total; /* updates that there will be */
} gr_updates_spec;

typedef struct gr_updates {
    gr_context *ctx;
    gr__bump *memory;
    gr_param_info param;
    gr_optim optim;
    gr_lookahead lookahead;
    gr_average average;
    gr_groups groups; /* none */
    gr_update_rules rules;
    gr_store *store;
    gr_plan *step[2][2]; /* by phase; with H z */
    const gr_action *action[GR_MAX_ACTIONS];
    gr_plan *act[GR_MAX_ACTIONS];
    int n_actions;
    gr_clock clock;
} gr_updates;

/* Ready for the first update, from w. Close it also after a failure. */
gr_status gr__updates_open(gr_context *ctx, const gr_updates_spec *spec, const double *w, gr_updates *u);
void gr__updates_close(gr_updates *u);
/* One update by the gradient g, and what is due after it. A method that asks for curvature is told that the Hessian's
 * diagonal is h (NULL where none asks). */
gr_status gr__updates_step(gr_updates *u, const double *g, const double *h, double lr);
/* The average of weights once it holds any, else those that are trained. */
void gr__updates_read(const gr_updates *u, double *w);

#endif
