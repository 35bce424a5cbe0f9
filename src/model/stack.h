/* The layers of a recipe, checked: what the network builds from. */
#ifndef GR_MODEL_STACK_H
#define GR_MODEL_STACK_H

#include "model/recipe.h"

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

/* list: as written. Unrolls `repeat`, names layers, finds inputs and heads (both of the recipe), checks every key.
 * Fills `from` of r's heads. */
gr_status gr__stack_make(gr_context *ctx, gr__bump *b, gr_recipe *r, const gr_tree *list, gr_stack *out);
/* Which of r's inputs hold indices, and below what: as the n layers read them, which must agree. */
gr_status gr__stack_settle_indices(gr_context *ctx, gr_recipe *r, const gr_stacked *layer, size_t n);
/* The resolved list: repeats unrolled, every name and default filled in. */
gr_tree *gr__stack_tree(gr__bump *b, const gr_recipe *r);
/* What layer `from` applies to its sums, or is: "softmax"; "" where that is nothing. *at: where it is written. */
const char *gr__stack_ends_with(const gr_stack *s, int from, const gr_tree **at);

#endif
