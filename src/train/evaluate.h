/* What a pass over a part counts, batch by batch, whoever gives the predictions. */
#ifndef GR_TRAIN_EVALUATE_H
#define GR_TRAIN_EVALUATE_H

#include "train/train.h"

typedef struct gr_pass {
    gr_engine *e;
    gr_tally tally[GR_MAX_TARGETS];
    double weight_sum[GR_MAX_TARGETS];
    gr_evaluation *out;
} gr_pass;
/* Starts over, with no figures. */
gr_status gr__pass_begin(gr_pass *p, gr_engine *e, gr_part part, gr_evaluation *out);
/* A batch of a head: what its plan gave, held against the targets. */
void gr__pass_take(gr_pass *p, int h, const gr_engine_plan *plan, const gr_batch *b);
gr_status gr__pass_conclude(gr_pass *p);
void gr__pass_end(gr_pass *p);

#endif
