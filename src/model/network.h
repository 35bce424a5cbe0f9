/* A recipe's `model:` as graphs: one for each mode and batch size. Floor 6. */
#ifndef GR_MODEL_NETWORK_H
#define GR_MODEL_NETWORK_H

#include "data/data.h"
#include "model/feeds.h"
#include "model/recipe.h"

typedef struct gr_network gr_network;

/* How the data comes to the network. */
typedef struct gr_network_data {
    gr_element input_as[GR_MAX_INPUTS];         /* of inputs of numbers; indices are GR_I32 */
    const gr_prepared *prepared[GR_MAX_INPUTS]; /* steps that every graph takes before the layers */
    int n_prepared[GR_MAX_INPUTS];
    const gr_targets *targets; /* one a head; borrowed (NULL: nothing known); may be filled later, once labels are known
                                  to lie within the outputs, but before anything is built or initialised */
    bool weighted;             /* samples have weights, a field of their own */
    bool lengths[GR_MAX_INPUTS]; /* so have samples of this input lengths: how many of its steps count */
} gr_network_data;

/* Checks the layers (names unique, `from` known, shapes fit) by building them once for one sample. data: NULL for
 * float32 inputs without preparation. */
gr_status gr__network_make(gr_context *ctx, const gr_recipe *r, const gr_network_data *data, gr_network **out);
void gr__network_destroy(gr_network *n);

const gr_param_info *gr__network_params(const gr_network *n, size_t *count);
gr_shape gr__network_output(const gr_network *n, int head); /* of one sample: [10] */
int64_t gr__network_parameter_count(const gr_network *n);
/* The input whose lengths say how many steps of a head's output count; -1: all do. */
int gr__network_lengths(const gr_network *n, int head);
/* Statistics that layers keep: slots that belong to the model. */
const gr_entry_spec *gr__network_states(const gr_network *n, size_t *count);
bool gr__network_matches(const gr_network *n, const char *glob);     /* a parameter or state of its is called so */
gr_status gr__network_declare(const gr_network *n, gr_store *store); /* adds every parameter and state */

typedef struct gr_network_head {
    gr_val output;       /* logits or values, [B, ...] */
    gr_val target;       /* the feed; GR_NONE where not asked for */
    gr_val prediction;   /* the cost's reading of the output: probabilities or values */
    gr_val cost_sum;     /* rank 0: sum over samples (and positions; weights applied) */
    gr_val weight_sum;   /* rank 0: what a mean divides by: their number, or the sum of their weights */
    bool weighted;       /* the latter: it can be 0 */
    bool class_weighted; /* its cost gives rows weights of its own */
    gr_val lengths;      /* [B]: how many steps of the output count; GR_NONE: all of them */
    double rows;         /* the number: of samples, times positions */
} gr_network_head;

typedef struct gr_network_values {
    gr_val input[GR_MAX_INPUTS];    /* the feeds */
    gr_val prepared[GR_MAX_INPUTS]; /* what the layers take: inputs after preparation */
    gr_val length[GR_MAX_INPUTS];   /* the feeds of their lengths; GR_NONE: all steps count */
    gr_val weight;                  /* the feed of samples' weights; GR_NONE: they weigh alike */
    gr_network_head head[GR_MAX_TARGETS];
    gr_val cost_sum, weight_sum; /* what is made small, and what divides it: their quotient is the network's cost, the
                                    heads' means by their weights. Of a lone head of weight 1 its own. */
    gr_val told_sum;             /* what divided by weight_sum is told as the cost: the heads' means, also where
                                    `reduction: sum` makes the heads' sums small */
    gr_val drawn_sum; /* cost_sum for labels that are drawn by the model's own probabilities; GR_NONE where not
                         asked for */
    bool weighted;    /* weight_sum can be 0 */
} gr_network_values;
/* Adds preparation, layers and (with_target) costs to g for a batch of `batch` samples, with the feeds of
 * model/feeds.h: inputs as the data's input_as says, and with_target targets and weights; in TRAIN also what random
 * numbers depend on. */
gr_status gr__network_build(const gr_network *n, gr_graph *g, gr_mode mode, int64_t batch, bool with_target,
                            gr_network_values *out);
/* The same, with more to say of it. */
typedef struct gr_network_options {
    gr_val *layers; /* layers[i] receives what layer i of the recipe's stack gives; may be NULL */
    int *lengths;   /* with layers, likewise: the input whose lengths say how many of its steps count; -1: all do */
    gr_binding bind;
    bool sketch;        /* as in gr_build */
    bool exact;         /* likewise */
    bool mix;           /* samples are mixed where the recipe says so; in TRAIN alone */
    bool draw;          /* drawn_sum is wanted; in TRAIN alone */
    int64_t steps;      /* that a batch has of inputs with lengths; 0: all */
    double updates;     /* as in gr_build */
    const gr_clock *at; /* when in the run, as groups that are frozen for a while count it; NULL: its first update */
} gr_network_options;
gr_status gr__network_build_with(const gr_network *n, gr_graph *g, gr_mode mode, int64_t batch, bool with_target,
                                 const gr_network_options *o, gr_network_values *out);
/* The inputs alone, as a graph of training gives them to the layers: prepared, without what stands beyond a length,
 * mixed where the recipe says so. Feeds as above; no parameters. */
gr_status gr__network_build_inputs(const gr_network *n, gr_graph *g, int64_t batch, bool mix,
                                   gr_val out[GR_MAX_INPUTS]);
/* Fills every parameter of a sealed store from the recipe's initialisers. */
gr_status gr__network_init(const gr_network *n, gr_store *store);
/* The same by another seed than the recipe's, without a word of it. */
gr_status gr__network_draw(const gr_network *n, uint64_t seed, gr_store *store);
/* Tensor memory that this takes meanwhile. */
gr_status gr__network_init_work(const gr_network *n, uint64_t *bytes);
/* Which initialiser parameter i gets, with every default filled in: {type: kaiming, ...}, or `auto` for last_bias:
 * auto. */
gr_status gr__network_initialiser(const gr_network *n, size_t i, gr__bump *b, gr_tree **out);

#endif
