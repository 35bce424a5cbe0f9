/* A recipe's own model in float64 with some of its samples: compiled gradients of the cost, and the cost to take
 * differences of (study/difference.h). */
#ifndef GR_STUDY_DERIVATIVE_SLOPES_H
#define GR_STUDY_DERIVATIVE_SLOPES_H

#include "model/model.h"
#include "train/train.h"

typedef struct gr_slopes_options {
    gr_mode mode;
    int64_t batch; /* samples, at most */
    bool exact;    /* GR_E_RANGE instead of fewer samples */
    bool in_order; /* as the training part lists them, from `first` on; else the first batch of training */
    int64_t first;
    bool as_trained;       /* the cost is a mean where the recipe's is; else the sum over samples */
    const gr_model *model; /* where weights and preparation come from; NULL: the recipe's initial ones */
} gr_slopes_options;

typedef struct gr_slopes { /* stays where it was opened */
    gr_context *ctx;
    gr_slopes_options options;
    gr_recipe recipe; /* in float64 on `ref` */
    gr_task task;
    gr_rows rows; /* what the loader reads; borrowed from the task */
    gr_runner run;
    gr_store *store;       /* the runner's */
    gr_plan *slope, *cost; /* outputs "cost" and "gradient0" ..; "cost" alone */
    gr_plan *branch;       /* "cost", and in which branch of each operation it is: study/branches.h */
    int n_branches;
    gr_loader *loader;
    gr_batch batch;
    const gr_param_info *params;
    size_t n;
    bool solves; /* a gradient is behind an equilibrium */
    double work; /* floating-point operations of all runs so far */
} gr_slopes;

gr_status gr__slopes_open(gr_context *ctx, const gr_recipe *r, const gr_slopes_options *o, gr_slopes *out);
void gr__slopes_close(gr_slopes *s); /* a zeroed one is fine */
/* Adds the network in the mode and with the batch that the plans have; *cost is what they differentiate. layers may be
 * NULL. */
gr_status gr__slopes_build(const gr_slopes *s, gr_graph *g, gr_network_values *v, gr_val *layers, gr_val *cost);
gr_status gr__slopes_run(gr_slopes *s, gr_plan *p, double *cost);
/* A number that is the same for weights with which every operation is in the same branch. */
gr_status gr__slopes_branches(gr_slopes *s, uint64_t *number);
double gr__slopes_flops(const gr_plan *p); /* of a run */
/* The gradient of parameter i after a run of `slope`, valid until the next run. */
const double *gr__slopes_gradient(const gr_slopes *s, size_t i);
/* After such a run: is it one? Behind an equilibrium it is the solution of an equation of its own, which may be left
 * without one where the equilibrium itself is found. */
bool gr__slopes_found(const gr_slopes *s, size_t i);

/* Below a share of the cost differences resolve no slope: sums of many terms leave some 1e-14 of it, over a width of
 * 1e-4, over the limit of 1e-6. A tensor whose slopes are all smaller (a dead unit, slopes that cancel, a bias that the
 * next normalisation takes away) is compared with it. */
double gr__slopes_scale(const double *gradient, int64_t count, double cost);
#endif
