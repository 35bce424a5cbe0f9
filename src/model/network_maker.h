/* Shared by the files that make a network: from layers to graphs (network.c), its outputs and costs (network_heads.c),
 * its starting values (network_init.c). */
#ifndef GR_MODEL_NETWORK_MAKER_H
#define GR_MODEL_NETWORK_MAKER_H

#include "model/network.h"
#include "model/stack.h"

struct gr_network {
    gr_context *ctx;
    gr__bump *memory;
    const gr_recipe *recipe;
    gr_network_data data;
    gr_param_info *params;
    size_t n_params;
    gr_entry_spec *states;
    size_t n_states;
    int64_t parameter_count;
    const char *lonely;              /* the first layer that normalises one value by itself */
    gr_shape output[GR_MAX_TARGETS]; /* of one sample */
    int lengths[GR_MAX_TARGETS];     /* the input whose lengths its steps have; -1: none */
};

/* What one graph is built with. */
typedef struct gr__maker {
    const gr_network *n;
    gr_build b;
    gr_val *value; /* one a layer */
    gr_val input[GR_MAX_INPUTS], length[GR_MAX_INPUTS];
    gr_val partner, share; /* of mixed samples; GR_NONE: nothing is mixed */
} gr__maker;

/* Gives a failed graph's error the place of what was being built; the first place stays. */
gr_status gr__maker_place(gr__maker *m, const gr_tree *at);
/* The input with these lengths; -1: none. */
int gr__maker_input_of(const gr__maker *m, gr_val lengths);
/* The feed of an input's lengths, and the prepared input without what stands beyond them. */
void gr__maker_input_lengths(gr__maker *m, int i, int64_t batch);
/* network_mix.c: inputs mixed in pairs, as the recipe's `augment` says; and what a sample and its partner have, in the
 * same shares. */
gr_status gr__maker_mix(gr__maker *m, int64_t batch);
gr_val gr__maker_mixed(gr__maker *m, gr_val own, gr_val other);
/* Outputs of every head; with_target also targets, weights and costs. */
gr_status gr__maker_heads(gr__maker *m, int64_t batch, bool with_target, gr_network_values *v);
/* What the heads would cost if labels were those that they themselves draw; behind gr__maker_heads. */
gr_status gr__maker_draw(gr__maker *m, int64_t batch, gr_network_values *v);
/* Whether micro-batches can add up what the heads cost. */
gr_status gr__maker_check_micro_batches(const gr_network *n, const gr_network_values *v);
/* Whether `last_bias: auto` has a bias to set in every head. */
gr_status gr__network_check_last_bias(const gr_network *n);

#endif
