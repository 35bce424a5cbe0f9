/* What the training rows say of their targets. Floor 4: initial biases and class weights are made from it. */
#ifndef GR_NN_TARGETS_H
#define GR_NN_TARGETS_H

#include "base/base.h"

typedef struct gr_targets {
    int64_t n;       /* targets counted: samples, times positions where a sample has several; 0: nothing is known; less:
                        nor will it be, and what is made from it is refused */
    int64_t classes; /* of classes: as many as the network tells apart; 0 for values */
    const int64_t *count;          /* of each class */
    int64_t values;                /* of values: numbers a sample; 0 for classes */
    const double *mean, *variance; /* of each over the rows; the variance is the population's */
    const double *shift, *spread; /* of values that the network takes standardized, (y - shift) / spread: as many; NULL:
                                     as they are */
} gr_targets;

static inline bool gr__targets_known(const gr_targets *t)
{
    return t && t->n > 0;
}

/* A value as the network takes it. */
static inline double gr__targets_standard(const gr_targets *t, int64_t i, double y)
{
    return t && t->shift && i < t->values ? (y - t->shift[i]) / t->spread[i] : y;
}

/* The three below give stand-ins where nothing is known (a plan made from headers alone), so that graphs get their
 * shapes: one target of each class, mean 0, variance 1. */
static inline int64_t gr__targets_count(const gr_targets *t, int64_t k)
{
    return !gr__targets_known(t) ? 1 : k < t->classes ? t->count[k] : 0;
}

static inline double gr__targets_mean(const gr_targets *t, int64_t i)
{
    return gr__targets_known(t) && i < t->values ? gr__targets_standard(t, i, t->mean[i]) : 0;
}

static inline double gr__targets_variance(const gr_targets *t, int64_t i)
{
    if (!gr__targets_known(t) || i >= t->values) return 1;
    return t->shift ? t->variance[i] / (t->spread[i] * t->spread[i]) : t->variance[i];
}

#endif
