/* Shapes, and whose graph it is: what floors above use of graphs beyond gradus/graph.h. */
#ifndef GR_GRAPH_SHAPE_H
#define GR_GRAPH_SHAPE_H

#include "base/base.h"
#include "gradus/graph.h"

/* "[64,28,28,1]" into buffer (at least 96 bytes); returns buffer. */
const char *gr__shape_text(gr_shape s, char *buffer);
bool gr__shape_equal(gr_shape a, gr_shape b);
gr_context *gr__graph_context(const gr_graph *g);

#endif
