/* A recipe's `model:` as graphs: one for each mode and batch size. Floor 6. */
#ifndef GR_MODEL_NETWORK_H
#define GR_MODEL_NETWORK_H

#include "data/data.h"
#include "model/recipe.h"

typedef struct gr_network gr_network;

/* Checks the layers (names unique, `from` known, shapes fit) by building them once for one sample. prepared[] is a
 * prefix of every graph; classes is what the data has (0: unknown) and is checked against the output. targets is
 * borrowed (NULL: nothing known) and may be filled after this, once labels are known to lie within the output, but
 * before anything is built or initialised. */
gr_status gr__network_make(gr_context *ctx, const gr_recipe *r, const gr_prepared *prepared, int n_prepared,
                           gr_element input_as, int classes, const gr_targets *targets, gr_network **out);
void gr__network_destroy(gr_network *n);

const gr_param_info *gr__network_params(const gr_network *n, size_t *count);
gr_shape gr__network_output(const gr_network *n); /* of one sample: [10] */
int64_t gr__network_parameter_count(const gr_network *n);
/* Statistics that layers keep: slots that belong to the model. */
const gr_entry_spec *gr__network_states(const gr_network *n, size_t *count);
gr_status gr__network_declare(const gr_network *n, gr_store *store); /* adds every parameter and state */

typedef struct gr_network_values {
    gr_val input, target; /* the feeds "x" and "y"; target GR_NONE where not asked for */
    gr_val prepared;      /* what the layers take: the input after preparation */
    gr_val output;        /* logits or values, [B, ...] */
    gr_val prediction;    /* the cost's reading of it: probabilities or values */
    gr_val cost_sum;      /* rank 0: sum over samples (weights applied) */
    gr_val weight_sum;    /* rank 0: what a mean divides by: samples, or the sum of their weights */
    bool weighted;        /* the latter: it can be 0 */
} gr_network_values;
/* Adds preparation, layers and (with_target) cost to g for a batch of `batch` samples. Feeds: "x" [batch, sample] as
 * input_as says, "y"; in TRAIN also rank-0 feeds "seed", "update", "position" when a layer draws random numbers. */
gr_status gr__network_build(const gr_network *n, gr_graph *g, gr_mode mode, int64_t batch, bool with_target,
                            gr_network_values *out);
/* The same, with more to say of it. */
typedef struct gr_network_options {
    gr_val *layers; /* layers[i] receives what layer i of the recipe's stack gives; may be NULL */
    gr_binding bind;
    bool sketch; /* as in gr_build */
} gr_network_options;
gr_status gr__network_build_with(const gr_network *n, gr_graph *g, gr_mode mode, int64_t batch, bool with_target,
                                 const gr_network_options *o, gr_network_values *out);
/* Fills every parameter of a sealed store from the recipe's initialisers. */
gr_status gr__network_init(const gr_network *n, gr_store *store);
/* Tensor memory that this takes meanwhile. */
gr_status gr__network_init_work(const gr_network *n, uint64_t *bytes);
/* Which initialiser parameter i gets, with every default filled in: {type: kaiming, ...}, or `auto` for last_bias:
 * auto. */
gr_status gr__network_initialiser(const gr_network *n, size_t i, gr__bump *b, gr_tree **out);

#endif
