/* A model's mean cost over some samples as a function of its parameters, and products with its Hessian: H v is the
 * gradient of the gradient's product with v [Pearlmutter 1994]. As in evaluation: no dropout, running statistics, no
 * smoothing, no penalty. Parameters of all roles, in the order of the network.
 */
#ifndef GR_STUDY_CURVATURE_SURFACE_H
#define GR_STUDY_CURVATURE_SURFACE_H

#include "model/model.h"
#include "train/train.h"

enum { GR_SURFACE_PLANS = 2 };
typedef enum gr_surface_order { GR_SURFACE_COST, GR_SURFACE_HESSIAN } gr_surface_order; /* what its plans compute */
typedef struct gr_surface {                                                             /* stays where it was opened */
    gr_context *ctx;
    const gr_recipe *recipe;
    gr_part part;
    gr_surface_order order;
    gr_task task;
    gr_runner run;
    struct {
        gr_plan *plan;
        int64_t batch;
    } of[GR_SURFACE_PLANS]; /* full batches, and what is left */
    int n_plans;
    gr_loader *loader;
    const gr_param_info *params;
    size_t n_params;
    int64_t n;       /* numbers in all parameters */
    int64_t samples; /* that the mean is over */
    double cost;     /* their mean cost, after a pass or a product */
} gr_surface;

/* Of the first `samples` rows of a part (all of them where it has fewer) in an order drawn from the recipe's seed. m:
 * where the weights come from; NULL: the recipe's initial ones. */
gr_status gr__surface_open(gr_context *ctx, const gr_recipe *r, const gr_model *m, gr_part part, int64_t samples,
                           gr_surface_order order, gr_surface *out);
void gr__surface_close(gr_surface *s); /* a zeroed one is fine */
/* Sets `cost`, with the store's present weights; whatever the order, best of GR_SURFACE_COST, which takes least. */
gr_status gr__surface_pass(gr_surface *s);
/* out = H v, n numbers each, of GR_SURFACE_HESSIAN; and `cost`. */
gr_status gr__hessian_product(gr_surface *s, const double *v, double *out);

#endif
