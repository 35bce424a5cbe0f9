/* Fixed points: what their files share. */
#ifndef GR_GRAPH_FIXED_POINT_H
#define GR_GRAPH_FIXED_POINT_H

#include "graph/op.h"

enum { GR__MAX_WINDOW = 20 };

/* Attributes of the node. Its operands: where it starts, then what the body is given. */
typedef struct gr__solving {
    gr_solver solver;
    int64_t max, window, gradient_max;
    bool linear; /* of a gradient: residuals are told of |f(z)| alone, however small that is */
    double tolerance, gradient_tolerance;
} gr__solving;
gr__solving gr__solving_of(const gr_attr *attr);
gr_attr gr__solving_attr(const gr__solving *s, const gr__body *b);

/* What f, written in `from`, leaves as it is. What of f does not vary with `unknown` is computed outside, once:
 * outside[v] is what such a value v of `from` is in g, which may be `from` itself. The node's first result. */
gr_val gr__fixed_point_add(gr_graph *g, const gr_graph *from, const gr_val *outside, gr_val unknown, gr_val f,
                           gr_val initial, const gr__solving *s);
/* Marks nodes of g: those that vary with v, those that any of n values needs. */
void gr__mark_varying(const gr_graph *g, gr_val v, bool *node);
void gr__mark_needed(const gr_graph *g, const gr_val *wanted, int n, bool *node);

/* ---- of the operation (op_scan.c) ---- */
extern const gr__field gr__fixed_point_fields[];
bool gr__fixed_point_infer(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out);
void gr__fixed_point_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din);
void gr__fixed_point_solve(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out);

#endif
