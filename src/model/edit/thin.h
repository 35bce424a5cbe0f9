/* Filters of convolutions that are taken out of a network, with all that goes with them. Floor 6. */
#ifndef GR_MODEL_EDIT_THIN_H
#define GR_MODEL_EDIT_THIN_H

#include "model/model.h"
#include "model/network.h"
#include "model/stack.h"

/* A channel: filter `filter` of convolution `bank`, or one that stays (bank -1). */
typedef struct gr_channel {
    int bank;
    int64_t filter;
} gr_channel;
/* The channels along a sample's last axis. channel NULL: all stay. */
typedef struct gr_flow {
    const gr_channel *channel;
    int64_t n;
} gr_flow;

/* A convolution whose filters may go. */
typedef struct gr_bank {
    int layer;          /* of the stack */
    const char *name;   /* of the convolution, whose weight is NAME.weight */
    const char *inside; /* what the layer calls it, where it is one within; or NULL */
    int64_t filters, removed;
    const char *held; /* why none may; NULL: some may */
    bool *gone;       /* each of them */
} gr_bank;

/* A parameter, or statistic, that loses what belongs to channels that are gone, along an axis in memory. */
typedef struct gr_cut_axis {
    const char *name;
    int axis;
    gr_flow by;
} gr_cut_axis;

/* Where the channels of each layer come from, and what goes with them. */
typedef struct gr_tracing {
    gr_context *ctx;
    gr__bump *memory;
    const gr_recipe *r;
    const gr_network *network;
    gr_flow *flow; /* of each layer of the recipe's stack */
    gr_bank *bank;
    int n_banks;
    size_t banks_room;
    gr_cut_axis *cut;
    size_t n_cuts, cuts_room;
} gr_tracing;
gr_status gr__tracing_make(gr_context *ctx, gr__bump *b, const gr_recipe *r, const gr_network *n, gr_tracing *out);
void gr__tracing_close(gr_tracing *f); /* what lies in b stays */
/* Of every convolution that is not held floor(share filters), those of the smallest L1 norms, of equal ones the first.
 */
gr_status gr__tracing_choose(gr_tracing *f, const gr_store *s, double share);
int64_t gr__flow_kept(const gr_tracing *f, const gr_flow *flow);
bool gr__channel_stays(const gr_tracing *f, const gr_flow *flow, int64_t k);

/* ---- a smaller model ---- */

typedef struct gr_thinned { /* a convolution */
    const char *layer;
    int64_t filters, removed;
    const char *reason; /* why none was removed; or what they went with; NULL: they were chosen by themselves */
} gr_thinned;
typedef struct gr_thinning {
    gr_thinned *layer;
    size_t n;
    int64_t before, after; /* parameters */
} gr_thinning;
/* Writes a smaller model to `out`, of which the recipe has the new sizes. What it receives lies in b. GR_E_CONFLICT
 * where there are no convolutions. */
gr_status gr__thin_model(gr_context *ctx, const gr_model *m, double share, const char *out, gr__bump *b,
                         gr_thinning *told);

#endif
