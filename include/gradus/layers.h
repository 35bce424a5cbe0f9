/* Layers, costs, optimizers and schedules by name, on a graph of one's own: the second level of the library.
 *
 *     gr_net *net;       gr_net_create(g, store, GR_MODE_TRAIN, &net);
 *     gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(32, 28, 28, 1)), y = gr_feed(g, "y", GR_I32, GR_SHAPE(32));
 *     gr_val h = gr_layer(net, "conv", "{filters: 16, kernel: 3, activation: relu}", x);
 *     h = gr_layer(net, "flatten", NULL, h);
 *     h = gr_layer(net, "dense", "{units: 10, name: head}", h);
 *     gr_val cost = gr_cost(net, "cross_entropy", NULL, h, y);
 *     gr_optimize(net, "adam", "{lr: 0.01, clip: {norm: 1}}", cost);
 *     gr_output(g, "cost", cost);
 *     ... compile, seal the store ...
 *     gr_net_init(net, NULL, seed);
 *     for (update = 0; ...; update++) {
 *         ... fill "x" and "y" ...
 *         gr_net_feed(plan, seed, update, gr_scheduler_rate(schedule, update));
 *         gr_plan_run(plan);
 *     }
 *
 * Names, settings and defaults are those of recipes (`gradus explain conv`, docs/reference.md). Values are plain values
 * of the graph: what a layer gives may go through any operation of gradus/graph.h before the next one takes it. The
 * same network built for GR_MODE_EVALUATE on another graph, with the same store, uses the trained parameters.
 *
 * Errors are sticky as in graph.h: after the first one everything gives GR_NONE, and the context's error has the place
 * within the text (`layer 2, conv`, line 1, column 12), the key and a hint. */
#ifndef GRADUS_LAYERS_H
#define GRADUS_LAYERS_H

#include "gradus/net.h"
#include "gradus/scheduler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Applies a layer to x [B, ...]. settings may have, beside the layer's own, `name`, `init: {weights, bias}` and
 * `activation`, as in a recipe. A layer without a name is called by its type and the number of such layers so far:
 * conv1, conv2. Its parameters are NAME.weight and so on; two layers of one name and type share them, and must agree in
 * their shapes. In GR_MODE_TRAIN statistics move with each run (once a network: of a shared layer that keeps
 * some, GR_E_CONFLICT), and dropout and its like read the feeds that gr_net_feed fills. GR_NONE after an error, with
 * which the graph has failed: GR_E_USAGE: no type, or no value; GR_E_NAME, GR_E_KEY, GR_E_TYPE, GR_E_RANGE,
 * GR_E_CONFLICT, GR_E_MISSING: settings, as in a recipe, and names that layers have already; GR_E_SHAPE: what it cannot
 * take; GR_E_UNSUPPORTED: `from`, and lengths that it cannot take. */
GR_API gr_val gr_layer(gr_net *net, const char *type, const char *settings, gr_val x);
/* The same of layers of several inputs: gr_layer_of(net, "add", NULL, (gr_val[]){a, b}, 2). */
GR_API gr_val gr_layer_of(gr_net *net, const char *type, const char *settings, const gr_val *in, int n_in);

/* The mean cost of a batch, rank 0. output: what the network gives, [B, ...]. target: of costs of classes GR_I32 [B],
 * or [B, T] where output is [B, T, K]: every label within 0 to K-1; else GR_REAL with output's shape. Weights of
 * classes count in the mean. Smoothing and the like only in GR_MODE_TRAIN. `class_weights: balanced`, which needs the
 * data, is GR_E_UNSUPPORTED. */
GR_API gr_val gr_cost(gr_net *net, const char *type, const char *settings, gr_val output, gr_val target);
/* What such a cost takes the output for: probabilities of classes or labels, or the values themselves. */
GR_API gr_val gr_prediction(gr_net *net, const char *type, const char *settings, gr_val output);

#ifdef __cplusplus
}
#endif
#endif
