/* Inside a network: what its layers give for a batch, and the gradients of its parameters, as outputs of a plan of its
 * own; and how their numbers are counted. Training looks so at itself, and whatever looks at a model from outside. */
#ifndef GR_TRAIN_INSIDE_H
#define GR_TRAIN_INSIDE_H

#include "nn/stack.h"
#include "train/histogram.h"
#include "train/train.h"

typedef struct gr_inside {
    const gr_task *task; /* these are the caller's, */
    gr_mode mode;        /* EVALUATE: nothing is left out at random, norms take running statistics, no label is
                            smoothed */
    int64_t batch;       /* rows of a batch, all steps */
    bool gradients;      /* of the cost's sum over the batch, with respect to each parameter */
    bool slopes;         /* the same with respect to what each layer gives, and to each input behind its feed */
    gr_binding bind;
    gr_plan *plan;        /* this too, once it is compiled; */
    const int *length_of; /* and this is made: of each layer the input whose lengths say which steps count, or -1 */
} gr_inside;

/* The graph (a gr_graph_maker). Outputs: cost_sum, weight_sum; of each layer of the stack layer0, ..; where asked for
 * slope0, .. and input0_slope, ..; gradient0, .. of the network's parameters, in their order. */
gr_status gr__inside_graph(void *inside, gr_graph *g);

typedef enum gr_inside_what { GR_INSIDE_LAYER, GR_INSIDE_SLOPE, GR_INSIDE_GRADIENT } gr_inside_what;
/* After a run of the plan: output i of a kind, numbers of the backend's reals; shape may be NULL. */
const void *gr__inside_output(const gr_inside *in, gr_inside_what what, size_t i, gr_shape *shape);
/* Of a batch's mean: cost_sum / weight_sum. */
double gr__inside_cost(const gr_inside *in);
/* How many numbers of sample k of layer i's output count, the first ones; b: the batch that ran. */
int64_t gr__inside_counts(const gr_inside *in, size_t i, const gr_batch *b, int64_t k);
/* Adds an output: what a layer gives, without steps that do not count; slopes likewise, each of its own sample's cost;
 * gradients of the batch's mean cost. */
void gr__inside_add(const gr_inside *in, gr_inside_what what, size_t i, const gr_batch *b, gr_histogram *h);
/* A parameter of the store, or a view's stand-in for it. */
void gr__inside_add_entry(const gr_task *t, const gr_entry *e, gr_histogram *h);

/* ---- what kind of numbers a layer gives ---- */
/* The activation that makes them last; NULL: none. */
const gr_layer *gr__inside_activation(gr_context *ctx, const gr_stacked *l);
/* Nearer to an end of what the activation can give than a quarter of a percent of its range: there the slope of a
 * sigmoid or tanh is below 1 % of its largest. Not a rectifier's 0. bounds: of gr_layer. */
bool gr__inside_saturated(const gr_layer *activation, double x);

#endif
