/* The gradient noise scale: how many samples an update takes before more of them say little that is new.
 * [McCandlish et al. 2018, app. A; algorithms 7.1; mission H12]
 *
 * tr S is the sum of the variances of a sample's gradient, |G|^2 the squared norm of the mean of all of them. The mean
 * gradient of B samples has E|G_B|^2 = |G|^2 + tr S / B: two batch sizes, the groups and all of them together, give
 * both without bias. */
#ifndef GR_STUDY_SEARCH_NOISE_H
#define GR_STUDY_SEARCH_NOISE_H

#include "base/watch.h"
#include "train/train.h"

typedef struct gr_noise_figures {
    double noise_scale, trace, gradient_norm2; /* noise_scale = trace / gradient_norm2 */
} gr_noise_figures;

typedef struct gr_noise {
    gr_noise_figures is, error; /* error: standard errors, by leaving out each group in turn */
    bool resolved;              /* |G|^2 is above 0 by more than two standard errors; else noise_scale is NaN */
    int64_t group, groups; /* samples of a group: 1, or a batch where samples of one have no gradient of their own */
} gr_noise;

/* From the groups' mean gradients: square[i] = |g_i|^2, along[i] = g_i . sum of all, sum2 = |sum of all|^2. */
void gr__noise_estimate(const double *square, const double *along, double sum2, int64_t groups, int64_t group,
                        gr_noise *out);

/* ---- measuring ---- */
typedef struct gr_noise_meter {
    gr_context *ctx;
    gr_recipe own; /* without mixture and penalties */
    gr_task task;
    gr_runner run; /* its store holds the weights */
    gr_plan *plan;
    gr_loader *loader;
    const gr_param_info *params;
    size_t n_params;
    int64_t n; /* numbers in all parameters that are trained */
    int64_t group, groups;
    double *memory, *sum, *square, *along, *weight; /* n, and one a group */
} gr_noise_meter;

/* Of some training samples of a task, `most` at most (0: as many as a bounded amount of work allows), as training has
 * them: with dropout, changed samples, statistics of the batch. The weights are the recipe's initial ones. The task
 * outlives it. Close it also after a failure. */
gr_status gr__noise_open(const gr_task *of, int64_t most, gr_noise_meter *m);
void gr__noise_close(gr_noise_meter *m);
/* With the weights that run.store has. Reads each sample twice. */
gr_status gr__noise_measure(gr_noise_meter *m, const volatile sig_atomic_t *stop, const gr_watch *watch, gr_noise *out);

#endif
