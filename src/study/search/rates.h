/* A grid of learning rates, each tried for some updates from the same weights and in the same order of batches, at a
 * constant rate. [algorithms 2.9; mission H7, H8, T17] */
#ifndef GR_STUDY_SEARCH_RATES_H
#define GR_STUDY_SEARCH_RATES_H

#include "base/watch.h"
#include "study/steps/steps.h"

enum { GR_MOST_RATES = 101 };

typedef struct gr_rate_tried {
    double lr;
    double cost;   /* the mean over the last tenth of the updates; NaN: not finite */
    bool rises;    /* the cost rose at every update of the second half, at 20 or more in a row */
    bool diverged; /* it rises so, is not finite, or is above max(4 times the best, that of the start) */
} gr_rate_tried;

typedef struct gr_rates {
    gr_rate_tried point[GR_MOST_RATES]; /* from the smallest rate on */
    int n;
    int64_t updates; /* of each */
    double first;    /* the cost of the last tenth's batches before any update */
    int best;        /* the largest rate that did not diverge and whose cost is within 10 % of the best; -1: none */
} gr_rates;

typedef struct gr_rates_options {
    double from, to;                   /* 0: 1e-5 and 1 */
    int points;                        /* 0: 11, two a power of ten */
    int64_t updates;                   /* of each; 0: 100 */
    const volatile sig_atomic_t *stop; /* GR_E_INTERRUPTED when it becomes non-zero; may be NULL */
    const gr_watch *watch;
} gr_rates_options;

/* From the steps' present weights and slots, and the order of batches from its beginning, which are put back to the
 * bit. */
gr_status gr__rates_try(gr_steps *s, const gr_rates_options *o, gr_rates *out);
/* Sets `diverged` and `best` by the costs and by `rises`. */
void gr__rates_judge(gr_rates *r);
/* One update at this rate. *cost: before it, with penalties; NaN: it is not finite, and nothing was moved. */
gr_status gr__steps_at_rate(gr_steps *s, int64_t step, double lr, double *cost);

#endif
