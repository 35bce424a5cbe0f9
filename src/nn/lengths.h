/* Which values have steps that do not all count: whose samples are sequences of different lengths. A network says it of
 * its inputs; of what layers make of them it is known from there. */
#ifndef GR_NN_LENGTHS_H
#define GR_NN_LENGTHS_H

#include "nn/layer.h"

/* Samples of x [B,T,...], an input that messages call so, have these lengths [B]; `all` is the most steps that they may
 * have, of which x has no more than its bucket. False: the graph failed. */
bool gr__lengths_of_input(gr_build *b, gr_val x, gr_val lengths, int64_t all, const char *name);
/* That of the input whose lengths these are. */
int64_t gr__lengths_all(const gr_build *b, gr_val lengths);
/* The lengths of x; GR_NONE: all its steps count, or it has none. A value that no layer gave, as a layer makes them for
 * layers within it, has those of the layer being built. */
gr_val gr__lengths_of(const gr_build *b, gr_val x);
/* Gives the layer about to be built the lengths of what it takes, in b->lengths; false with the graph failed where it
 * cannot take them. */
bool gr__lengths_take(gr_build *b, const gr_layer *m, const gr_val *in, int n_in);
/* Keeps those of what it gave. */
void gr__lengths_keep(gr_build *b, gr_val y);
/* Whether steps of a value count: 1 or 0, of its first two axes with 1 for the others. */
gr_val gr__lengths_mask(gr_graph *g, gr_val lengths, gr_shape like);

#endif
