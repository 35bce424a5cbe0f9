/* Evaluations that programs own: figures, with names of their own, after the pass that found them is closed. Floor 8.
 */
#ifndef GR_API_EVALUATION_H
#define GR_API_EVALUATION_H

#include "train/train.h"

/* Takes an evaluation over, on failure too. Its recipe outlives what is given. */
gr_status gr__evaluation_keep(gr_context *ctx, gr_evaluation *ev, gr_evaluation **out);

#endif
