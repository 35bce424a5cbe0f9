/* Optimizers from outside the tree: known to recipes (`optimizer:`) and to gr_optimize of the context.
 *
 * An optimizer is written as expressions, like those of the tree; what stands around it (clipping, weight decay,
 * groups, LookAhead, averages, checkpoints of its slots, the guard) works with it.
 *
 *     static gr_val update(void *user, gr_step *s, gr_val w, gr_val g)
 *     {
 *         gr_graph *graph = gr_step_graph(s);
 *         gr_val beta = gr_step_arg(s, "beta"), m = gr_mul(graph, beta, gr_step_slot(s, "m", 0));
 *         m = gr_step_keep(s, "m", gr_add(graph, m, g));
 *         return gr_sub(graph, w, gr_mul(graph, gr_step_rate(s), m));
 *     } */
#ifndef GRADUS_EXT_OPTIMIZER_H
#define GRADUS_EXT_OPTIMIZER_H

#include "gradus/graph.h"
#include "gradus/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GR_OPTIMIZER_VERSION = 1 };

typedef struct gr_step gr_step; /* one parameter's update being built */

/* Where weight decay stands unless a recipe says otherwise. */
typedef enum gr_decay_place {
    GR_DECAY_IN_GRADIENT, /* added to the gradient */
    GR_DECAY_OF_WEIGHT,   /* taken off the weight, times the rate */
    GR_DECAY_BY_UPDATE    /* update places gr_step_decay itself; `decay` in a recipe is refused */
} gr_decay_place;

typedef struct gr_optimizer_descriptor {
    unsigned version;           /* GR_OPTIMIZER_VERSION; another one is refused */
    const char *name;           /* at most 60 small letters, digits and _; new among optimizers */
    const char *title;          /* one line */
    const char *cite;           /* where it is from; NULL: nowhere */
    const char *equations;      /* plain text, '\n' between lines; NULL: none */
    const gr_setting *settings; /* `lr` among them: GR_SETTING_REAL with a default */
    int n_settings;
    gr_decay_place decay;
    /* The new weight of one parameter; w and g have its shape. g has clipping, and decay where that goes into the
     * gradient. */
    gr_val (*update)(void *user, gr_step *s, gr_val w, gr_val g);
    void *user; /* given to update; must live as long as the context */
} gr_optimizer_descriptor;

/* Gives the context an optimizer. The descriptor and all texts are copied. GR_E_UNSUPPORTED: unknown version;
 * GR_E_EXISTS: an optimizer of that name; GR_E_USAGE: a descriptor that says nonsense, told in words. */
GR_API GR_CHECKED gr_status gr_optimizer_register(gr_context *ctx, const gr_optimizer_descriptor *d);

/* ---- what update is written with ----
 * What is asked wrongly fails the graph, and the update with it: GR_E_USAGE for a name that is no setting's, or cannot
 * be a slot's. Values are GR_NONE then. */

GR_API gr_graph *gr_step_graph(gr_step *s);
GR_API const gr_settings *gr_step_settings(const gr_step *s);
GR_API gr_val gr_step_arg(gr_step *s, const char *name); /* rank 0: a number of the settings */
GR_API gr_val gr_step_rate(gr_step *s);                  /* rank 0: the rate of this update */
GR_API gr_val gr_step_count(gr_step *s);                 /* rank 0: 1 for the first update */
GR_API gr_val gr_step_decay(gr_step *s);                 /* rank 0: weight decay of this parameter, 0 for biases */
GR_API bool gr_step_is_weight(const gr_step *s);         /* a weight or an embedding, not a bias or a scale */
/* Slot NAME beside the parameter, of its shape, as it was before the update; it starts at `initial`. name: small
 * letters, digits and _. */
GR_API gr_val gr_step_slot(gr_step *s, const char *name, double initial);
/* Assigns the slot, once an update; gives value. A slot that was not read starts at 0. */
GR_API gr_val gr_step_keep(gr_step *s, const char *name, gr_val value);
/* x^2, to be kept in a slot, where x is the gradient that update got: an update whose squares might overflow is refused
 * by the guard. */
GR_API gr_val gr_step_square(gr_step *s, gr_val x);
/* Rank 0: the Euclidean norm of a tensor, which overflows for no finite float32. */
GR_API gr_val gr_step_norm(gr_step *s, gr_val x);

#ifdef __cplusplus
}
#endif
#endif
