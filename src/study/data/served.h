/* Drift: whether samples that a model is given come from the distribution that it was trained with. [mission D13] */
#ifndef GR_STUDY_DATA_SERVED_H
#define GR_STUDY_DATA_SERVED_H

#include "data/traits.h"
#include "study/data/two_sample.h"

enum { GR_DRIFT_LEAST = 20 }; /* samples on each side */

/* One side's view of a feature. */
typedef struct gr_drift_view {
    double mean, std, missing; /* of those that are there, NaN where none is; missing: a share */
} gr_drift_view;

typedef struct gr_drift_test {
    const char *name; /* of the feature; NULL: all together */
    gr_two_sample is;
    double adjusted; /* p, with the number of tests accounted for */
    bool drifts;     /* adjusted <= alpha */
    gr_drift_view training, serving;
} gr_drift_test;

/* Samples of a set; of training also what a model holds of them. */
typedef struct gr_drift_side {
    const gr_set *set;
    const uint32_t *row; /* NULL: all of them */
    int64_t n;
    const gr_kept_traits *kept; /* NULL: the set has the samples */
    const gr_schema *schema;    /* with `kept`: of their table, or NULL */
    gr_shape shape[GR_MAX_INPUTS];
} gr_drift_side;

typedef struct gr_drift {
    gr_drift_test *feature; /* n; of indices, which have no order, none */
    int64_t n;
    gr_drift_test joint;
    bool has_joint; /* not of a lone feature */
    int64_t tests, found;
    int64_t used[2]; /* samples that the features were taken of; the joint test takes fewer */
} gr_drift;

/* Compares inputs alone. Features are traits (data/traits.h). Each has the test of Kolmogorov and Smirnov, a missing
 * value counting as the lowest, and Holm's adjustment over all features; all together have the energy test. Each of the
 * two families has half of alpha, so both together find drift where there is none with a chance of at most alpha. Large
 * sides are sampled by the seed. GR_E_DATA: too few samples. */
gr_status gr__drift(gr_context *ctx, gr__bump *b, const gr_drift_side *training, const gr_drift_side *serving,
                    double alpha, uint64_t seed, gr_drift *out);

#endif
