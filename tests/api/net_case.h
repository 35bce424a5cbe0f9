/* A network of named layers on a graph of its own, for tests that need no data. */
#ifndef NET_CASE_H
#define NET_CASE_H

#include "api/layers.h"
#include "gradus/net.h"
#include "test.h"

typedef struct rig {
    gr_context *ctx;
    gr_graph *g;
    gr_store *store;
    gr_net *net;
    gr_val x;    /* a feed of the shape that it was begun with */
    gr_val y;    /* another feed, where the test makes one */
    bool forgot; /* the error: a graph that has failed tells no other */
} rig;

/* In a context that may have members from outside already; NULL: a new one. */
static inline rig rig_in(gr_context *ctx, const char *backend, gr_mode mode, gr_shape x)
{
    rig r = {.ctx = ctx ? ctx : test_context()};
    test_ok(r.ctx, gr_graph_create(r.ctx, &r.g));
    test_ok(r.ctx, gr_store_create(r.ctx, gr_backend_get(backend), &r.store));
    test_ok(r.ctx, gr_net_create(r.g, r.store, mode, &r.net));
    r.x = gr_feed(r.g, "x", GR_REAL, x);
    return r;
}

static inline void end(rig *r)
{
    gr_net_destroy(r->net);
    gr_store_destroy(r->store);
    gr_graph_destroy(r->g);
    test_context_end(r->ctx);
}

#endif
