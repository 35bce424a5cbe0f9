/* A recipe trained update by update, for whoever wants to look at it in between. */
#ifndef GR_STUDY_STEPS_H
#define GR_STUDY_STEPS_H

#include "train/train.h"

typedef struct gr_steps {
    gr_context *ctx;
    const gr_recipe *recipe;
    gr_task task;
    gr_engine engine;
    gr_loader *loader;
    gr_batch batch;       /* the last one */
    gr_engine_plan *plan; /* the last that was fed */
    int64_t updates;      /* an epoch */
} gr_steps;

/* Ready for the first update, with the recipe's initial weights. Zero *s before; close it also after a failure. */
gr_status gr__steps_open(gr_context *ctx, const gr_recipe *r, bool unfused, gr_steps *s);
void gr__steps_close(gr_steps *s);
/* Puts the last batch (data: false: none) and what update `step`, from 0, goes by into the plan of this kind, s->plan. */
gr_status gr__steps_feed(gr_steps *s, int64_t step, int kind, bool data, int64_t position);
/* The whole of update `step`. */
gr_status gr__steps_next(gr_steps *s, int64_t step);

#endif
