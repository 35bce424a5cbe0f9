/* Gradient rules of the elementwise operations, for their table. */
#ifndef GR_GRAPH_MAP_H
#define GR_GRAPH_MAP_H

#include "graph/op.h"

#define GR__RULE(name) void gr__##name##_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
GR__RULE(neg);
GR__RULE(abs);
GR__RULE(exp);
GR__RULE(log);
GR__RULE(log1p);
GR__RULE(sqrt);
GR__RULE(square);
GR__RULE(recip);
GR__RULE(tanh);
GR__RULE(sigmoid);
GR__RULE(relu);
GR__RULE(sin);
GR__RULE(cos);
GR__RULE(erf);
GR__RULE(add);
GR__RULE(sub);
GR__RULE(mul);
GR__RULE(div);
GR__RULE(max);
GR__RULE(min);
GR__RULE(pow);
GR__RULE(select);
GR__RULE(muladd);

#endif
