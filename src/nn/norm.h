/* What layers that normalise share: scale and shift, and what they refuse. */
#ifndef GR_NN_NORM_H
#define GR_NN_NORM_H

#include "graph/norm.h"
#include "nn/join.h"

/* Parameters `weight` and `bias` of a shape, starting at 1 and 0; without them (affine: false) the numbers 1 and 0. */
gr_val gr__norm_weight(gr_build *b, gr_shape shape, bool affine);
gr_val gr__norm_shift(gr_build *b, gr_val y, gr_shape shape, bool shifts);
/* So many values of a sample are normalised together: of one alone nothing is left, which is worth a warning. */
void gr__norm_note(gr_build *b, int64_t values);
/* Fails the graph where a training batch has one value a channel: it has no variance. */
bool gr__norm_has_variance(gr_build *b, gr_shape batch);

#endif
