/* What the methods with a momentum that sums gradients share. */
#ifndef GR_OPTIM_MOMENTUM_H
#define GR_OPTIM_MOMENTUM_H

#include "optim/optimizer.h"

/* m <- momentum m + (1 - dampening) x, kept in slot "m"; the first update stores x undamped, as in PyTorch. */
gr_val gr__momentum(gr_step *s, double momentum, double dampening, gr_val x);

/* For descriptors: the momentum sums the method's own steps; or gradients, with rows dampening and lr_in_momentum where
 * the member has them. */
gr_first_moment gr__momentum_of_steps(const gr_settings *s);
gr_first_moment gr__momentum_of_gradients(const gr_settings *s);

#endif
