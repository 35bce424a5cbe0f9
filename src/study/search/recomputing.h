/* What recomputing does for a run's memory, from plans alone: what is computed again, layer by layer, and the time of
 * an update against the memory that there is. */
#ifndef GR_STUDY_SEARCH_RECOMPUTING_H
#define GR_STUDY_SEARCH_RECOMPUTING_H

#include "base/watch.h"
#include "train/train.h"

/* ---- an update's plan ---- */
typedef struct gr_recomputed { /* of a layer */
    const char *layer;
    int kernels;        /* that run again */
    double bytes_saved; /* that would stand otherwise */
    double flops, ns;
} gr_recomputed;
/* Layers in the order in which they are computed again; in b. */
gr_status gr__recomputed(gr_context *ctx, gr__bump *b, const gr_plan *p, gr_recomputed **list, int *n);

/* Predicted seconds of a run of it, and without what is computed again. */
double gr__plan_seconds(const gr_plan *p);
double gr__plan_seconds_kept(const gr_plan *p);
/* Bytes of the arena while each row runs; in b, gr_plan_rows of them. NULL: no memory. */
double *gr__plan_stands(gr__bump *b, const gr_plan *p);

/* ---- memory against time ---- */
typedef struct gr_memory_point {
    uint64_t bytes; /* of the run */
    double seconds; /* predicted, of an update */
    int recomputed; /* kernels that run again in it */
} gr_memory_point;
enum { GR_MEMORY_POINTS = 24 };
typedef struct gr_memory_curve {
    gr_memory_point point[GR_MEMORY_POINTS]; /* ever more bytes, ever less time: the last keeps all */
    int n;
} gr_memory_curve;
/* From the least memory that was found to all kept. The recipe's `memory` and `remat` do not count. */
gr_status gr__memory_curve(gr_context *ctx, const gr_recipe *r, const volatile sig_atomic_t *stop,
                           const gr_watch *watch, gr_memory_curve *out);

#endif
