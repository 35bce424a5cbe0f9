/* Gradients with respect to values inside a graph. */
#ifndef GR_GRAPH_SLOPES_H
#define GR_GRAPH_SLOPES_H

#include "gradus/graph.h"

/* dy/dx of n values, as gr_gradients gives it, also of those that what follows has passed by: where one ends in moves
 * of its numbers (reshape, permute) and the next begins with some, the two are made one, and nothing reads what stood
 * between. */
gr_status gr__slopes(gr_graph *g, gr_val y, const gr_val *x, int n, gr_val *out);

#endif
