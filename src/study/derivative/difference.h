/* Differences of the cost along a line through the weights, and what they say of the slope that back-propagation
 * gives there. */
#ifndef GR_STUDY_DERIVATIVE_DIFFERENCE_H
#define GR_STUDY_DERIVATIVE_DIFFERENCE_H

#include "study/derivative/slopes.h"

typedef struct gr_line {
    double *w;           /* n numbers of the store, one after the other */
    const double *along; /* how far each goes for a step of 1 */
    double *kept;        /* room for n: where they stood */
    int64_t n;
} gr_line;

typedef enum gr_told {
    GR_TOLD_RIGHT,   /* a difference agrees with the slope */
    GR_TOLD_WRONG,   /* differences agree with each other within one branch, and not with the slope */
    GR_TOLD_NOTHING, /* a branch changes at every width, or the widths do not agree with each other */
} gr_told;

typedef struct gr_difference {
    double value; /* the one nearest to the slope */
    gr_told told;
} gr_difference;
/* Takes central differences of several widths until one is within `enough` of the slope; one within `limit` agrees.
 * The weights are as before afterwards. */
gr_status gr__difference(gr_slopes *s, const gr_line *line, double slope, double enough, double limit,
                         gr_difference *out);

#endif
