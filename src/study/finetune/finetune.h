/* Fine-tuning: the recipe of a training that starts from a model. Which tensors start anew, which rest and how fast
 * each is trained becomes `start` and `groups` of that recipe, so that training, resuming and planning know of nothing
 * else. [chapter 4, section 4.6] */
#ifndef GR_STUDY_FINETUNE_H
#define GR_STUDY_FINETUNE_H

#include "train/start.h"

/* Layers are named by lists with commas: names, the beginnings of names (`layer4`), patterns of tensor names, or how
 * many with parameters from the end. */
typedef struct gr_finetune {
    const char *model;
    const char *replace; /* start anew, and may have other shapes than the model's; "last", "none"; NULL: "last" */
    const char *reinit;  /* start anew in the model's shapes; NULL: none */
    const char *freeze;  /* "all-but-last", "none"; NULL: "none" */
    const char *const *unfreeze; /* "c4.*@2 epochs": what of it is frozen so long only */
    int n_unfreeze;
    const char *adapter; /* "{rank: 8}", also alpha and match: what is kept rests, and has adapters; NULL: none */
    double lr_scale;     /* of kept layers, times the model's own base rate */
    bool force;          /* the recipe's preparation, fitted on its data */
} gr_finetune;

/* The recipe in the file, with settings put into it, completed: without `model` it has the source's, its last layer as
 * wide as the data has classes or values; without `data.prepare` the source's steps.
 * GR_E_NAME, GR_E_RANGE, GR_E_CONFLICT for what the options ask; GR_E_DATA for tensors that do not fit. */
gr_status gr__finetune_recipe(gr_context *ctx, const char *path, const char *const *sets, int n_sets,
                              const gr_finetune *o, gr_recipe **out);

/* ---- shared by the files here ---- */

/* A tensor of the network or, where it has no other of that name, of the source. */
typedef struct gr_tuned {
    const char *name;
    int layer;   /* counted from the end, of those with parameters, on its own side: 0 is the last; -1: none */
    bool absent; /* from the network */
    bool fresh, frozen, adaptable;
    bool adapter;         /* part of one */
    const gr_tree *thaws; /* NULL: it stays as it is */
    double lr_scale, weight_decay;
} gr_tuned;
typedef struct gr_tuning {
    gr_context *ctx;
    gr__bump *b;
    const gr_finetune *o;
    gr_tuned *tensor;
    size_t n;
    int n_layers;
} gr_tuning;
/* Marks chosen[i] of the tensors that a list of layers names. what: the option, for messages. */
gr_status gr__tuning_choose(const gr_tuning *t, const char *what, const char *list, bool *chosen);
/* Patterns for all tensors whose class is `of`, that match none of another class; class 0 with absent: any. Pushed to
 * `list` by add. */
typedef bool gr_tuned_add(void *user, const char *pattern, size_t tensor);
gr_status gr__tuning_patterns(const gr_tuning *t, const int *class, int but, gr_tuned_add *add, void *user);

#endif
