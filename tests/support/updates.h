/* Updates through compiled plans, as a training run has them: parameters and slots in a sealed store, a plan for every
 * kind of update, one for every action, and a clock that says what is due. */
#ifndef GR_TESTS_UPDATES_H
#define GR_TESTS_UPDATES_H

#include "support/case_optimizer.h"

typedef struct up_spec { /* texts as a recipe has them; NULL: nothing */
    const gr_backend *backend;
    int threads; /* 0: one */
    const char *optimizer, *lookahead, *average, *clip, *penalty, *groups;
    const gr_param_info *params;
    size_t n;
    int64_t total, updates_per_epoch;
    const gr_optimizer *member;      /* stands in for the optimizer's own: a wrong one */
    const gr_action *const *actions; /* instead of those that follow from the rules; NULL-ended */
} up_spec;

typedef struct updates {
    up_spec spec;
    gr_context *ctx;
    gr__bump *memory;
    gr_optim optim;
    gr_lookahead lookahead;
    gr_average average;
    gr_clip clip;
    gr_penalties penalties;
    gr_groups groups;
    gr_update_rules rules;
    gr_store *store;
    gr_plan *step[4]; /* by phase, twice, plus curvature */
    const gr_action *action[GR_MAX_ACTIONS];
    gr_plan *act[GR_MAX_ACTIONS];
    int n_actions;
    gr_clock clock;
} updates;

/* Plans, store and the parameters w, one behind the other; what is due before the first update is done. */
void up_open(updates *u, const up_spec *spec, const double *w);
void up_close(updates *u);
void up_write(updates *u, const char *name, const double *values);
void up_read(const updates *u, const char *name, double *values);
/* The parameter values one behind the other. */
size_t up_weights(const updates *u, double *values);
void up_assert_weights(const updates *u, const char *what, const double *want, size_t n);
gr_plan *up_plan(const updates *u);
/* One update and what is due after it. g: sums of gradients, one parameter behind the other; z, hz: NULL where there is
 * no curvature. */
gr_status up_step(updates *u, const double *g, const double *z, const double *hz, double count, double lr);
/* The case's group as a recipe has it; NULL: none. */
const char *up_case_groups(const ev_case *c, char room[96]);
/* The update that the evidence has as number `step`. */
gr_status up_case_step(updates *u, const ev_case *c, int64_t step);

#endif
