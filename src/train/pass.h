/* One pass of a model over a part of a recipe's data: what evaluating a model file is. */
#ifndef GR_TRAIN_PASS_H
#define GR_TRAIN_PASS_H

#include "model/model.h"
#include "train/train.h"

typedef struct gr_pass { /* stays where it was opened */
    gr_task task;
    gr_engine engine;
    gr_loader *loader;
    gr_part part;
} gr_pass;
/* scored: with the scores that choosing a threshold needs. */
gr_status gr__pass_open(gr_context *ctx, const gr_model *m, const gr_recipe *r, gr_part part, bool scored,
                        gr_pass *out);
/* Warns where what is found is not finite. stop as of gr__evaluate. */
gr_status gr__pass_run(gr_context *ctx, gr_pass *p, const volatile sig_atomic_t *stop, gr_evaluation *ev);
void gr__pass_close(gr_pass *p); /* a zeroed one is fine */

#endif
