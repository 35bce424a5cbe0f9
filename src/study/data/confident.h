/* Confident learning: which labels are probably wrong, from probabilities of a model that has not seen them.
 * [Northcutt, Jiang & Chuang 2021] */
#ifndef GR_STUDY_DATA_CONFIDENT_H
#define GR_STUDY_DATA_CONFIDENT_H

#include "base/base.h"

typedef enum gr_prune {
    GR_PRUNE_NOISE_RATE,    /* of each pair of classes as many as are estimated, those of the largest margin */
    GR_PRUNE_CONFIDENT,     /* all that are counted off the diagonal */
    GR_PRUNE_LOW_CONFIDENCE /* as many in all, those of the lowest probability of their label */
} gr_prune;

typedef struct gr_confident {
    int64_t n;
    int classes;
    double *threshold;  /* of each class: the mean probability of it among samples that are labelled so */
    int64_t *count;     /* [label][confident of]: the confident joint, its diagonal at least 1 */
    double *calibrated; /* the same with rows that sum to the counts of the labels */
    int64_t *issue;     /* the samples, by rising probability of their label */
    int64_t n_issues;
} gr_confident;

/* p: n rows of `classes` probabilities; label: n of 0 to classes - 1. What it gives lives in b. Deterministic. */
gr_status gr__confident_learn(gr_context *ctx, gr__bump *b, const double *p, const int32_t *label, int64_t n,
                              int classes, gr_prune by, gr_confident *out);

#endif
