/* A network on a graph of one's own: its parameters, their first values, an update. Layers and costs: layers.h. */
#ifndef GRADUS_NET_H
#define GRADUS_NET_H

#include "gradus/graph.h"
#include "gradus/plan.h"
#include "gradus/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_net gr_net;

/* Begins one. Graph and store are borrowed; the store must outlive the network, the graph may be destroyed before it
 * once it is compiled. Parameters and statistics are added to the store as layers declare them; where a store that is
 * sealed has them already (a network for evaluation, later), that is as good. GR_E_USAGE: no store, or no such mode;
 * GR_E_MEMORY. */
GR_API GR_CHECKED gr_status gr_net_create(gr_graph *g, gr_store *store, gr_mode mode, gr_net **out);
GR_API void gr_net_destroy(gr_net *net); /* NULL is fine; what it added to graph and store stays */

/* Says that samples of x [B, T, ...] are sequences of these lengths, [B] GR_I32 within 1 to T: steps beyond them change
 * nothing. Layers hand the lengths on until one ends the steps, and refuse them where they cannot; the mean of gr_cost
 * is over the steps that count. Values that no layer gave have none until it is said of them. Before the layer that
 * takes x. Fails the graph: GR_E_TYPE, GR_E_SHAPE. */
GR_API void gr_net_lengths(gr_net *net, gr_val x, gr_val lengths);

/* Adds the whole update: gradients of cost (rank 0, any) in every parameter of the network, clipping, the optimizer's
 * step, its slots in the store, and the guard (gr_guard): an update whose cost, gradients or statistics are not finite
 * does not happen, and gr_plan_run gives GR_E_DIVERGED. Once a network, after all layers, in GR_MODE_TRAIN.
 * settings may have, beside the optimizer's own, `clip`, `penalty` and `groups`, as in a recipe. The rate is a feed of
 * each run (gr_net_feed); `lr` is what gr_net_rate gives. Where cost is what gr_cost gave, an update has the bits of
 * the trainer's. After an error the graph has failed with it, as after a layer's. GR_E_USAGE: no type, no cost, no
 * parameters, for evaluation, or a second time; GR_E_SHAPE: cost has axes; GR_E_NAME, GR_E_KEY, GR_E_TYPE, GR_E_RANGE,
 * GR_E_CONFLICT: settings, as in a recipe; GR_E_UNSUPPORTED: an operation behind cost has no gradient, and methods that
 * need more than one plan or a point of their own (a switch, LookAhead within rangers, nag, curvature less often than
 * every update). */
GR_API GR_CHECKED gr_status gr_optimize(gr_net *net, const char *type, const char *settings, gr_val cost);
GR_API double gr_net_rate(const gr_net *net); /* the optimizer's `lr`; NaN before gr_optimize */

/* Parameters, in the order of their declaration: how many, the value that stands for one in the graph (for gradients
 * and updates of one's own), and what it is called in the store (name may be NULL; borrowed from the network). Of
 * another index GR_NONE, with GR_E_USAGE kept in the context; after a failure of the graph GR_NONE. */
GR_API int gr_net_params(const gr_net *net);
GR_API gr_val gr_net_param(const gr_net *net, int index, const char **name);

/* Fills every parameter of the sealed store: settings as `init:` of a recipe, {weights: ..., bias: ..., relu_bias:
 * ...}, NULL: by what follows each layer (Kaiming before rectifiers, else Xavier). A layer's own `init` comes first.
 * The same names and the same seed give the numbers that a recipe's network gets. Takes tensor memory meanwhile only
 * for `orthogonal`. It reads no graph: that may be gone. GR_E_USAGE: the store is not sealed, or lacks a parameter
 * since the layer that declared it failed; GR_E_NAME, GR_E_KEY, GR_E_TYPE, GR_E_RANGE, GR_E_CONFLICT, GR_E_MISSING:
 * settings, as in a recipe; GR_E_UNSUPPORTED: `last_bias: auto`, which needs training targets; GR_E_MEMORY,
 * GR_E_BUDGET. */
GR_API GR_CHECKED gr_status gr_net_init(const gr_net *net, const char *settings, uint64_t seed);

/* Before each run of a plan: seed, number of the update from 0, and rate, into those of the feeds run/seed,
 * run/update, run/position and run/lr that the plan has. Random masks are a function of seed, update, layer and
 * element. */
GR_API void gr_net_feed(gr_plan *plan, uint64_t seed, int64_t update, double rate);

#ifdef __cplusplus
}
#endif
#endif
