/* What of a study mattered, by functional analysis of variance over a random forest. [Hutter et al. 2014]
 *
 * The forest learns the ranks of the trials' metrics (so that a few bad ones do not hide all else), trials that
 * diverged being behind all others. What a key alone explains of the forest's variance over the whole space is its main
 * effect; a share is its part of all main effects together. Where a space does not apply its middle stands. */
#ifndef GR_STUDY_TUNE_IMPORTANCE_H
#define GR_STUDY_TUNE_IMPORTANCE_H

#include "study/tune/tune.h"

enum { GR_LEAST_JUDGED = 8 }; /* trials with a metric, that anything can be said of */

typedef struct gr_importance {
    double share[GR_MOST_SPACES]; /* by space; all 0 where nothing made a difference */
    double together;              /* of the forest's variance, what no key explains by itself */
    int judged;                   /* trials that it is made of */
} gr_importance;

/* GR_E_DATA: there are too few. */
gr_status gr__importance(gr_context *ctx, const gr_spaces *spaces, const gr_tuned *t, bool lower, gr_importance *out);

#endif
