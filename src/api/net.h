/* Networks on graphs of one's own, as the files here share them: layers, costs, updates and first values by name.
 */
#ifndef GR_API_NET_H
#define GR_API_NET_H

#include "api/layers.h"
#include "cost/cost.h"

typedef struct gr__made { /* a layer that was built */
    const gr_layer *member;
    const char *name;
    gr_val in, out;          /* in: the first of its inputs */
    bool read;               /* a layer after it has taken what it gives: the first one decides what follows */
    bool own;                /* it has an activation of its own */
    size_t params, n_params; /* what it was the first to declare */
} gr__made;

typedef struct gr__costed { /* a mean cost, and what it is made of */
    gr_val mean, sum, divisor;
} gr__costed;

struct gr_net {
    gr_context *ctx;
    gr_graph *g;
    gr_store *store;
    gr__bump *memory;
    gr_build b;
    gr__made *made;
    size_t n_made, made_capacity;
    gr__costed *cost;
    size_t n_costs, costs_capacity;
    size_t n_declared, n_states_declared; /* of the build's, those that are in the store */
    gr_val moved;                         /* rank 0: finite if all new statistics are; GR_NONE without any */
    double lr;                            /* of gr_optimize; NaN before */
};

/* The layer whose sums `output` is, but for activations, pooling, normalisation: it is a last one. */
void gr__net_settle_last(gr_net *net, gr_val output);
/* Fails the graph with the kept error, which has its place already; gives GR_NONE. */
gr_val gr__net_refuse(gr_net *net, gr_status st);

#endif
