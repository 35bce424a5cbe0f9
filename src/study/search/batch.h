/* A batch for a recipe: the noise scale of its gradients, what memory has room for, and the study of steps.
 * [mission H11, H12, O5] */
#ifndef GR_STUDY_SEARCH_BATCH_H
#define GR_STUDY_SEARCH_BATCH_H

#include "study/search/scaling.h"

typedef struct gr_batch_options {
    int64_t samples; /* that gradients are taken of at most; 0: as the work allows */
    uint64_t budget; /* bytes; 0: the recipe's, or the machine's memory */
    bool study;
    gr_scaling_options scaling; /* but for stop and watch */
    const volatile sig_atomic_t *stop;
    const gr_watch *watch;
} gr_batch_options;

typedef struct gr_batch_found {
    gr_noise noise;    /* at the initial weights */
    int64_t suggested; /* the power of two nearest to the noise scale by ratio, up to the samples; 0: none */
    int64_t samples;   /* of training */
    int64_t fits;      /* the largest batch within `budget`; 0: none */
    uint64_t budget;
    const char *budget_from; /* "--budget", "memory of the recipe", "memory of this machine" */
    gr_scaling scaling;      /* n 0: no study */
} gr_batch_found;
gr_status gr__batch_find(gr_context *ctx, const gr_recipe *r, const gr_batch_options *o, gr_batch_found *out);

#endif
