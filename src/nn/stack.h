/* Lists of layers, checked: what a network is built from, or a layer that holds some. */
#ifndef GR_NN_STACK_H
#define GR_NN_STACK_H

#include "nn/layer.h"

enum { GR_FROM_INPUT = -1, GR_MAX_LAYERS = 4000 };

/* Input i stands at GR_FROM_INPUT - i where layers count from 0. */
static inline bool gr__is_input(int from)
{
    return from <= GR_FROM_INPUT;
}
static inline int gr__input_of(int from)
{
    return GR_FROM_INPUT - from;
}

typedef struct gr_stacked {
    const gr_layer *member;
    gr_settings settings;
    const char *name;          /* full: "blocks.0.c1" */
    const gr_tree *at;         /* where it is written */
    const gr_tree *activation; /* of a layer that has no such row of its own: applied to what it gives; or NULL */
    const gr_tree *init;       /* its own initialisers or NULL */
    const int *from;           /* earlier layers, or inputs: GR_FROM_INPUT and less */
    int n_from;
    gr_follow follow; /* the activation among the layers after it that its output meets first */
    double slope;
    bool last; /* its output is a head's, but for activations, pooling, dropout, normalisation */
    int head;  /* of a last one: whose */
} gr_stacked;

typedef struct gr_stack {
    const gr_stacked *layer;
    int n;
} gr_stack;

/* What a list of layers stands in: what they may take from there, and what they are called. */
typedef struct gr_stack_inputs {
    const char *const *name;
    int n;
    bool named;         /* whoever wrote the layers gave the names */
    bool first;         /* a layer without `from` above which there is none takes the first of several */
    const char *prefix; /* of all names; NULL: none */
    bool takes_prefix;  /* as its name: the only layer of the list */
} gr_stack_inputs;

/* Unrolls `repeat` and layers that are parts of others (gr_layer.parts), names layers, finds their inputs, checks every
 * key. The layers live in b; `last` and `head` are left to the caller. */
gr_status gr__stack_layers(gr_context *ctx, gr__bump *b, gr_preset preset, const gr_stack_inputs *inputs,
                           const gr_tree *list, gr_stacked **layers, int *n);
/* The layer or input that t names, as a head's `from` does. */
gr_status gr__stack_source(gr_context *ctx, gr__bump *b, const gr_stack *s, const gr_stack_inputs *inputs,
                           const gr_tree *t, int *out);
/* Whether a layer takes this layer or input. */
bool gr__stacked_takes(const gr_stacked *l, int from);
/* Whether something may be called so: a layer's, an input's, a head's name. */
gr_status gr__name_check(gr_context *ctx, const gr_tree *at, const char *whose, const char *name);

#endif
