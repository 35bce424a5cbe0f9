/* Products with the Hessian of a model's mean cost over some samples: H v is the gradient of the gradient's product
 * with v [Pearlmutter 1994]. As in evaluation: no dropout, running statistics, no smoothing, no penalty. Parameters of
 * all roles, in the order of the network.
 */
#ifndef GR_STUDY_CURVATURE_HESSIAN_H
#define GR_STUDY_CURVATURE_HESSIAN_H

#include "model/model.h"
#include "train/train.h"

enum { GR_HESSIAN_PLANS = 2 };
typedef struct gr_hessian { /* stays where it was opened */
    gr_context *ctx;
    const gr_recipe *recipe;
    gr_part part;
    gr_task task;
    gr_runner run;
    struct {
        gr_plan *plan;
        int64_t batch;
    } of[GR_HESSIAN_PLANS]; /* full batches, and what is left */
    int n_plans;
    gr_loader *loader;
    const gr_param_info *params;
    size_t n_params;
    int64_t n;       /* numbers in all parameters */
    int64_t samples; /* that the mean is over */
    double cost;     /* their mean cost, after a product */
} gr_hessian;

/* Of the first `samples` rows of a part (all of them where it has fewer) in an order drawn from the recipe's seed. m:
 * where the weights come from; NULL: the recipe's initial ones. */
gr_status gr__hessian_open(gr_context *ctx, const gr_recipe *r, const gr_model *m, gr_part part, int64_t samples,
                           gr_hessian *out);
void gr__hessian_close(gr_hessian *h); /* a zeroed one is fine */
/* out = H v, n numbers each. */
gr_status gr__hessian_product(gr_hessian *h, const double *v, double *out);

#endif
