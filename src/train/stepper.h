/* One update, once: which plans it runs, in which order, fed with what. Training, studies and traces ask for one run
 * after the other, and do with it what they are for.
 *
 *   gr__stepper_begin(&s, step);
 *   while ((st = gr__stepper_next(&s, &more)) == GR_OK && more) st = gr_plan_run(s.plan->plan); */
#ifndef GR_TRAIN_STEPPER_H
#define GR_TRAIN_STEPPER_H

#include "train/train.h"

typedef struct gr_stepper {
    const gr_recipe *recipe;
    gr_engine *engine;
    gr_loader *loader;
    const double *schedule; /* what the schedule keeps; NULL: as at the start */
    const double *rate;     /* instead of what recipe and schedule give, for every update; NULL: none */
    gr_extent extent;

    /* of the update at hand */
    int64_t step; /* updates before it */
    double lr;
    int64_t samples;          /* of its batches so far */
    gr_batch batch;           /* the last of them */
    int64_t epoch, index;     /* of the batch after that */
    gr_engine_plan *updating; /* the plan whose outputs are the update's figures */

    /* of the run at hand */
    gr_engine_plan *plan;
    bool takes_batch;
    int64_t position; /* of the batch's first sample in the update */
    int64_t moment;   /* updates done when it runs */

    enum { GR_STEPPER_BATCHES, GR_STEPPER_APPLY, GR_STEPPER_ACTIONS } stage; /* of the run after it */
    int64_t done;                                                            /* micro-batches taken, or actions asked */
} gr_stepper;

/* The update that follows `step` updates, then what is due after it. */
void gr__stepper_begin(gr_stepper *s, int64_t step);
/* What is due after `step` updates alone: before the first one. */
void gr__stepper_begin_actions(gr_stepper *s, int64_t step);
/* Makes the next run ready: `plan` is fed. *more false: the update is done. */
gr_status gr__stepper_next(gr_stepper *s, bool *more);
/* Feeds the run at hand once more: it has used its feeds up. */
gr_status gr__stepper_feed_again(gr_stepper *s);
static inline gr_clock gr__stepper_clock(const gr_stepper *s, int64_t step)
{
    return (gr_clock){.step = step, .total = s->extent.total, .updates_per_epoch = s->extent.updates_per_epoch};
}

#endif
