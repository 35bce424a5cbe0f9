/* A recipe trained update by update, for whoever wants to look at it in between. */
#ifndef GR_STUDY_STEPS_H
#define GR_STUDY_STEPS_H

#include "train/stepper.h"

typedef struct gr_steps {
    gr_context *ctx;
    gr_recipe own; /* as given, but for the seed of gr__steps_restart */
    const gr_recipe *recipe;
    gr_task task;
    bool borrowed; /* the task's data is another's */
    gr_engine engine;
    gr_loader *loader, *validation, *training; /* the second: NULL without GR_STEPS_VALIDATED; the third, of some
                                                  training samples as they are: without GR_STEPS_JUDGED */
    gr_rows some;                              /* those */
    gr_stepper stepper; /* nothing is evaluated: a schedule that learns from that stays as at the start */
} gr_steps;             /* stays where it was opened */

enum {
    GR_STEPS_UNFUSED = 1,
    GR_STEPS_VALIDATED = 2,
    GR_STEPS_JUDGED = 4
}; /* every operation a kernel of its own; gr__steps_validate, gr__steps_judge will be called */
/* Ready for the first update, with the recipe's initial weights. Close it also after a failure. */
gr_status gr__steps_open(gr_context *ctx, const gr_recipe *r, unsigned flags, gr_steps *s);
/* The same on the data of a task that is loaded and outlives the steps. */
gr_status gr__steps_open_on(const gr_task *of, const gr_recipe *r, unsigned flags, gr_steps *s);
void gr__steps_close(gr_steps *s);
/* The whole of the update that follows `step` updates, and what is due after it (before it too, where it is the first).
 */
gr_status gr__steps_next(gr_steps *s, int64_t step);
/* The error on the validation part, of the weights that stand for the model. No effect on training. */
gr_status gr__steps_validate(gr_steps *s, double *error);

/* The error on the first training samples, some thousands at most. No effect on training. */
gr_status gr__steps_judge(gr_steps *s, double *error, int64_t *samples);
/* From another seed on: of initial weights and the order of batches. The parts stay what they are. */
gr_status gr__steps_restart(gr_steps *s, uint64_t seed);

/* ---- all weights and slots of a store, put aside ---- */
typedef struct gr_kept_store {
    gr_context *ctx;
    const gr_store *store;
    size_t real; /* bytes of an element that is of rank > 0 */
    char *data;
    size_t bytes;
} gr_kept_store;
gr_status gr__steps_keep(const gr_steps *s, gr_kept_store *out);
void gr__store_restore(const gr_kept_store *k);                 /* to the bit */
void gr__store_forget(gr_kept_store *k);                        /* a zeroed one is fine */
const void *gr__store_kept(const gr_kept_store *k, int entry);  /* of an entry */
bool gr__store_moved(const gr_kept_store *k, const char *name); /* does the entry have another bit now? */

/* Gives every parameter a new start by `init`, as a recipe's: "{weights: {type: constant, value: 1}}". Nothing warns of
 * weights that no training should start from. */
gr_status gr__parameters_fill(gr_context *ctx, const char *init, uint64_t seed, const gr_network *network,
                              gr_store *store);

#endif
