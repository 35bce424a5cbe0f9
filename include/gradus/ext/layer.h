/* Layers from outside the tree.
 *
 * A registered layer is a layer like any other in everything that the context is used for: `type` of recipes, gr_layer,
 * `activation:` where it is one, checks, gradients (which follow from the operations that build is made of).
 *
 *     static gr_val build(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
 *     {
 *         gr_graph *g = gr_build_graph(b);
 *         return gr_mul(g, in[0], gr_build_param(b, "scale", GR_SHAPE(1), GR_ROLE_NORM_SCALE, 1, 1));
 *     }
 *     gr_layer_register(ctx, &(gr_layer_descriptor){.version = GR_LAYER_VERSION, .name = "scaled",
 *                                                   .title = "One trained factor", .build = build}); */
#ifndef GRADUS_EXT_LAYER_H
#define GRADUS_EXT_LAYER_H

#include "gradus/graph.h"
#include "gradus/plan.h"
#include "gradus/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GR_LAYER_VERSION = 1 };

typedef struct gr_build gr_build; /* a network being built for one mode and batch */

enum {
    GR_LAYER_ACTIVATION = 1,     /* usable as `activation:`; of one input, every number by itself */
    GR_LAYER_TRANSPARENT = 2,    /* the activation after it counts for the layer before it: pooling, normalisation */
    GR_LAYER_POINTWISE = 4,      /* of one input, every number by itself */
    GR_LAYER_FLATTENS = 8,       /* a sample's axes end here */
    GR_LAYER_TAKES_LENGTHS = 16, /* steps beyond a sample's length change nothing of the others */
    GR_LAYER_NORMALISES = 32     /* what it gives of a sample has mean 0, variance 1, or the like: usable as `norm:` */
};

typedef struct gr_layer_descriptor {
    unsigned version;      /* GR_LAYER_VERSION; another one is refused */
    const char *name;      /* at most 60 small letters, digits and _; new among layers */
    const char *title;     /* one line */
    const char *cite;      /* where it is from; NULL: nowhere */
    const char *equations; /* plain text, '\n' between lines; NULL: none */
    const gr_setting *settings;
    int n_settings;
    int min_inputs, max_inputs; /* 0: 1 */
    unsigned traits;            /* GR_LAYER_... */
    /* in[i]: [B, ...]; gives [B, ...]. Called once a graph, with other batch sizes and modes: what it does must depend
     * on its arguments alone. Wrong shapes: return gr_graph_fail(...), to which the layer's name is added. */
    gr_val (*build)(void *user, gr_build *b, const gr_settings *s, const gr_val *in, int n_in);
    void *user; /* given to build; must live as long as the context */
} gr_layer_descriptor;

/* Gives the context a layer. The descriptor and all texts are copied. GR_E_UNSUPPORTED: unknown version; GR_E_EXISTS: a
 * layer of that name; GR_E_USAGE: a descriptor that says nonsense, told in words. */
GR_API GR_CHECKED gr_status gr_layer_register(gr_context *ctx, const gr_layer_descriptor *d);

/* ---- what build is written with ----
 * What is asked wrongly fails the graph, and the layer with it: GR_E_USAGE for names, roles, fans and shares that
 * cannot be, a statistic that was not declared, and random numbers outside of GR_MODE_TRAIN; GR_E_SHAPE for a parameter
 * or a statistic of another shape than where it was used first; GR_E_MEMORY. Values are GR_NONE then. */

GR_API gr_context *gr_build_context(gr_build *b);
GR_API gr_graph *gr_build_graph(gr_build *b);
GR_API gr_mode gr_build_mode(const gr_build *b);
/* Declares (or finds) parameter LAYER.suffix and gives it. fan_in and fan_out: how many numbers go into one output and
 * come from one input, which initialisers scale by. suffix: small letters, digits and _. */
GR_API gr_val gr_build_param(gr_build *b, const char *suffix, gr_shape shape, gr_role role, int64_t fan_in,
                             int64_t fan_out);
/* A statistic of training batches that is part of the model: slot LAYER.suffix, which starts at `initial`. */
GR_API gr_val gr_build_state(gr_build *b, const char *suffix, gr_shape shape, double initial);
/* A training batch gives the declared statistic this value: it moves towards it by `share`, 0 to 1. */
GR_API void gr_build_observe(gr_build *b, const char *suffix, gr_val batch, double share);
/* Uniform numbers in [0,1) of stream LAYER/use, shape [B, ...]. Only in GR_MODE_TRAIN. */
GR_API gr_val gr_build_random(gr_build *b, const char *use, gr_shape shape);
/* How many steps of each sample count: [B] GR_I32, or GR_NONE: all of them. A layer whose output has no steps any more
 * ends them. */
GR_API gr_val gr_build_lengths(const gr_build *b);
GR_API void gr_build_end_lengths(gr_build *b);

#ifdef __cplusplus
}
#endif
#endif
