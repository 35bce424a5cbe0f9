/* Rebuilding a graph node by node into a new one, without what nobody needs. Common subexpressions fall together
 * because nodes are hash-consed. */
#ifndef GR_PLAN_REBUILD_H
#define GR_PLAN_REBUILD_H

#include "gradus/plan.h"
#include "graph/node.h"

typedef struct gr__rebuild gr__rebuild;

/* Makes what becomes of n, of graph `from`, out of its operands in[] of graph `to`: a value for each output. */
typedef void (*gr__rebuild_fn)(gr__rebuild *r, const gr_node *n, const gr_val *in, gr_val *out);

struct gr__rebuild {
    const gr_graph *from;
    gr_graph *to;
    gr__rebuild_fn node;
    const void *user;
    bool *live;     /* a value of `from` */
    uint32_t *uses; /* of a value of `from`, by live nodes and effects */
    gr_val *map;    /* value of `from` -> value of `to` */
};

gr_status gr__rebuild_graph(gr_context *ctx, const gr_graph *from, gr__rebuild_fn node, const void *user,
                            gr_graph **out);
/* All outputs of n from the first one of what it became. */
void gr__rebuilt(const gr__rebuild *r, const gr_node *n, gr_val first, gr_val *out);

/* A loop, with what of it lives (simplify_loop.c). */
void gr__plan_simplify_loop(gr__rebuild *r, const gr_backend *backend, const gr_node *n, const gr_val *in, gr_val *out);

#endif
