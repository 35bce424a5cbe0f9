/* What the schedule-free methods share: an average of the steps that is the model, and gradients taken between it and
 * the steps.                                                               [Defazio et al. 2024; the authors' code 1.4]
 *
 *     y = (1 - beta) z + beta x;  z <- z - lr u(y);  x <- (1 - c) x + c z
 *
 * The parameters are x, so models, validation and averages need no switch between weights to train and weights to
 * evaluate; slot d = z - x starts at 0. Running statistics are of batches at y: the descriptor says `averages`. */
#ifndef GR_OPTIM_SCHEDULE_FREE_H
#define GR_OPTIM_SCHEDULE_FREE_H

#include "optim/optimizer.h"

gr_val gr__free_point(gr_step *s, gr_val x, const char *beta); /* y */
/* The new x, after the step u. Reads rows r and weight_lr_power. */
gr_val gr__free_step(gr_step *s, gr_val x, gr_val u);
#define GR_FREE_ROWS                                                                                 \
    GR_ROW("r", REAL, "0", "[0,100]", "1", "weights of the average grow with the update's power r"), \
        GR_ROW("weight_lr_power", REAL, "2", "[0,100]", "1",                                         \
               "and with this power of the largest rate so far, so that a warm-up counts for little")

#endif
