/* What of an ONNX model is read beside its weights: its graph, and the recipe that this is. */
#ifndef GR_EXCHANGE_ONNX_READ_H
#define GR_EXCHANGE_ONNX_READ_H

#include "exchange/foreign.h"
#include "exchange/onnx.h"

gr__wire_field gr__foreign_onnx_graph(const gr_foreign *f);   /* of a file of that form */
gr__wire gr__foreign_onnx_tensor(const gr_foreign *f, int i); /* the message of an initialiser */
/* Tensor i once more, under another name, which is wanted only where somebody asks for it. */
gr_status gr__foreign_onnx_again(gr_foreign *f, int i, const char *name);
/* The recipe of a graph that is made of layers of ours, as JSON; names of its weights there are added to names.
 * GR_E_DATA, naming the first node that is none. */
gr_status gr__onnx_recipe(gr_foreign *f, gr_names *names, gr__text *out);

#endif
