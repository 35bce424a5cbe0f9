/* The layers of a recipe, checked: what the network builds from. */
#ifndef GR_MODEL_STACK_H
#define GR_MODEL_STACK_H

#include "model/recipe.h"
#include "nn/stack.h"

/* list: as written. The stack of gr__stack_layers for the recipe's inputs and heads: fills `from` of r's heads, and
 * `last`. */
gr_status gr__stack_make(gr_context *ctx, gr__bump *b, gr_recipe *r, const gr_tree *list, gr_stack *out);
/* Which of r's inputs hold indices, and below what: as the n layers read them, which must agree. */
gr_status gr__stack_settle_indices(gr_context *ctx, gr_recipe *r, const gr_stacked *layer, size_t n);
/* The resolved list: repeats unrolled, every name and default filled in. */
gr_tree *gr__stack_tree(gr__bump *b, const gr_recipe *r);
typedef enum gr_standing { /* what becomes of what a layer gives */
                           GR_STANDS_WITHIN,
                           GR_STANDS_OUTPUT, /* of the network */
                           GR_STANDS_GATE    /* all that takes it multiplies by it */
} gr_standing;
/* Of every layer of r's stack, through layers that only hand on: pooling, dropout, a norm, without activations of their
 * own. */
void gr__stack_standing(const gr_recipe *r, gr_standing *stands);
/* What layer `from` applies to its sums, or is: "softmax"; "" where that is nothing. *at: where it is written. */
const char *gr__stack_ends_with(const gr_stack *s, int from, const gr_tree **at);

#endif
