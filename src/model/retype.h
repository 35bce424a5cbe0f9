/* Layers in the place of others. Floor 6. */
#ifndef GR_MODEL_RETYPE_H
#define GR_MODEL_RETYPE_H

#include "nn/layer.h"

/* t, a map that says a layer of type m, as one of type `to`. What was chosen stays where the other has it too; what m
 * has by default it has by being what it is, and `to` has its own. What normalises over batches trains a scale and a
 * shift, and so does what stands for it, where it can. NULL: no memory. */
gr_tree *gr__layer_retyped(gr__bump *b, gr_preset preset, const gr_tree *t, const gr_layer *m, const gr_layer *to);

#endif
