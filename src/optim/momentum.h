/* What the methods with a momentum that sums gradients share. */
#ifndef GR_OPTIM_MOMENTUM_H
#define GR_OPTIM_MOMENTUM_H

#include "optim/optimizer.h"

/* m <- momentum m + (1 - dampening) x, kept in slot "m"; the first update stores x undamped, as in PyTorch. */
gr_val gr__momentum(gr_step *s, double momentum, double dampening, gr_val x);

#endif
