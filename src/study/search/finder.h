/* The continuous finder: one run whose rate grows with every update, and where its cost fell.
 * [Smith 2017; algorithms 2.9] */
#ifndef GR_STUDY_SEARCH_FINDER_H
#define GR_STUDY_SEARCH_FINDER_H

#include "study/search/rates.h"

enum { GR_LEAST_SWEPT = 20, GR_MOST_SWEPT = 1000 };

typedef struct gr_swept {
    double lr, cost, smooth; /* cost: of the batch, before the update at this rate; smooth: what is judged */
} gr_swept;

typedef struct gr_finder {
    gr_swept point[GR_MOST_SWEPT]; /* from the smallest rate on */
    int n;                         /* of them: up to the one at which it ended */
    bool ended;                    /* the cost was not finite, or its mean above 4 times the least */
    double steep; /* where the mean falls fastest by ln lr; NaN: it never falls by more than a batch's cost scatters */
    double minimum; /* a tenth of the rate where it is least */
    double valley;  /* within the longest fall; what is suggested */
} gr_finder;

/* n rates from `from` to `to`, as rates_options has them (0: 1e-7, 10 and 100 points, one update each; `updates` is not
 * read), from the steps' present weights and slots, which are put back to the bit. */
gr_status gr__finder_run(gr_steps *s, const gr_rates_options *o, gr_finder *out);
/* Sets `steep`, `minimum` and `valley` by the smoothed costs. */
void gr__finder_judge(gr_finder *f);

#endif
