/* Rewriting recipes: other normalisations and activations, or none, in networks that stay what they are otherwise.
 * Floor 6. */
#ifndef GR_MODEL_CONVERT_H
#define GR_MODEL_CONVERT_H

#include "model/recipe.h"
#include "nn/layer.h"

typedef struct gr_conversion {
    const gr_layer *norm;    /* stands for what normalises over batches; NULL: nothing changes */
    bool no_norm;            /* what normalises, by whatever statistics, is left out */
    const gr_layer *relu;    /* stands for rectifiers within the network; NULL: nothing changes */
    const gr_layer *sigmoid; /* likewise for sigmoids */
    bool drop_dropout;       /* what drops at random is left out */
} gr_conversion;

typedef struct gr_converted {
    const char *layer, *from, *to; /* "c1", "relu", "leaky_relu" */
} gr_converted;

/* The resolved recipe so changed, and what was changed, layer by layer; both in b. Layers that give an output of the
 * network keep their activation. file: what errors call the result, a tree: reading it as a recipe checks it. */
gr_status gr__recipe_convert(gr_context *ctx, gr__bump *b, const gr_recipe *r, const gr_conversion *how,
                             const char *file, gr_tree **out, gr_converted **changes, size_t *n);

#endif
