/* Gradient rules of the elementwise operations, for their table. */
#ifndef GR_GRAPH_MAP_H
#define GR_GRAPH_MAP_H

#include "graph/op.h"

#define GR__RULE(name) void gr__##name##_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)

typedef void gr__gradient_rule(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din);
#define GR__DECLARE_RULE(code, name, n, order, takes, low, high, branches, rule, meaning) gr__gradient_rule rule;
GR__ELEMENTWISE(GR__DECLARE_RULE)

#endif
