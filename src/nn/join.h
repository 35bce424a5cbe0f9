/* What layers share that join, cut and turn tensors: axes of samples as recipes write them, inputs that do not fit. */
#ifndef GR_NN_JOIN_H
#define GR_NN_JOIN_H

#include "nn/layer.h"

gr_shape gr__join_sample(gr_shape batch); /* without the batch's axis */
/* The axis of a batch that a setting names: `last`, an axis of a sample counted from 0, or from -1 backwards. 0 with
 * the graph failed: no setting means the batch. */
int gr__join_axis(gr_build *b, const gr_tree *axis, gr_shape batch);
/* Fails the graph: inputs i and j of a layer do not go together. Names the layers that give them, and both shapes. */
gr_val gr__join_refuse(gr_build *b, const gr_val *in, int i, int j, const char *why);
/* Has x an axis of features at its end, the last of a sample, which is not that of the steps? Else false with the graph
 * failed. */
bool gr__join_last(gr_build *b, gr_val x);
/* Steps are joined, cut or moved by a layer: false with the graph failed where samples have lengths of their own. */
bool gr__join_moves_steps(gr_build *b);

/* Room for the numbers of a constant that is computed while a network is built. NULL: the graph failed, since there are
 * too many, or the graph is a sketch, which has none. */
double *gr__join_table(gr_build *b, int64_t rows, int64_t columns);
/* The constant of these numbers; of NULL one of zeros, for its shape. */
gr_val gr__join_constant(gr_build *b, gr_shape shape, const double *values);

#endif
