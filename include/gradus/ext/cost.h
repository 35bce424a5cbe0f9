/* Costs from outside the tree: known to recipes (`cost:` and heads), to gr_cost and to checks of the context. */
#ifndef GRADUS_EXT_COST_H
#define GRADUS_EXT_COST_H

#include "gradus/graph.h"
#include "gradus/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GR_COST_VERSION = 1 };

/* What a sample's output is read as, and what its target is. */
typedef enum gr_cost_form {
    GR_COST_CLASSES, /* one logit a class, at least two; target GR_I32 [B]; predictions are their softmax */
    GR_COST_LABELS,  /* one logit a label; target 0 or 1 each, GR_REAL of the output's shape; predictions: sigmoids */
    GR_COST_SHARES,  /* one logit a class; target a distribution of the output's shape; predictions: softmax */
    GR_COST_VALUES   /* values; target of the output's shape; predictions are the values */
} gr_cost_form;

typedef struct gr_cost_descriptor {
    unsigned version;      /* GR_COST_VERSION; another one is refused */
    const char *name;      /* at most 60 small letters, digits and _; new among costs */
    const char *title;     /* one line */
    const char *cite;      /* where it is from; NULL: nowhere */
    const char *equations; /* plain text, '\n' between lines; NULL: none */
    const gr_setting *settings;
    int n_settings;
    gr_cost_form form;
    /* The cost of each sample, [B]. output: [B, ...]; target as form says. training false: without what only training
     * has, such as smoothing. Its sum is what is differentiated. */
    gr_val (*build)(void *user, gr_graph *g, const gr_settings *s, gr_val output, gr_val target, bool training);
    /* The same of one sample in plain arithmetic: n outputs z and as many targets y, where a class is 1 at its own
     * output. `gradus check` holds build against it. NULL: nothing is held there. */
    double (*reference)(void *user, const gr_settings *s, const double *z, const double *y, int64_t n);
    const char *blind; /* with a reference: what outputs of 0 cost, in words: "ln K" */
    void *user;        /* given to both; must live as long as the context */
} gr_cost_descriptor;

/* Gives the context a cost. The descriptor and all texts are copied. GR_E_UNSUPPORTED: unknown version; GR_E_EXISTS: a
 * cost of that name; GR_E_USAGE: a descriptor that says nonsense, told in words. */
GR_API GR_CHECKED gr_status gr_cost_register(gr_context *ctx, const gr_cost_descriptor *d);

#ifdef __cplusplus
}
#endif
#endif
