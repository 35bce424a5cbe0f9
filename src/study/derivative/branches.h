/* Which piece of a piecewise function a run is in. ReLU, max-pool, absolute values, comparisons and limits have one
 * formula on this side and another on that; a difference of the cost says something of a slope only where the runs at
 * both its ends are on the same side everywhere. */
#ifndef GR_STUDY_DERIVATIVE_BRANCHES_H
#define GR_STUDY_DERIVATIVE_BRANCHES_H

#include "gradus/plan.h"

/* Adds an output for every operation behind `v` that has branches: which of them each of its elements is in. *n of
 * them, "branch0" .. . */
gr_status gr__branches_mark(gr_graph *g, gr_val v, int *n);
/* A number for all of them after a run: equal where every element of every operation is in the same branch. */
uint64_t gr__branches_read(const gr_plan *p, int n);

#endif
