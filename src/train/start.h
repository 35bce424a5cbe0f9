/* What training starts from: the weights of a model where the recipe names one, and new ones. */
#ifndef GR_TRAIN_START_H
#define GR_TRAIN_START_H

#include "train/train.h"

/* Fills a sealed store: by the recipe's initialisers, and what its `start` keeps of a model from there, bit for bit.
 * GR_E_DATA for a tensor that is kept and that one side lacks or has in another shape; GR_E_NAME for a pattern that
 * fits nothing. */
gr_status gr__start_weights(const gr_task *t, gr_store *s);
/* Warns where the last layer is kept, whose outputs stood for other classes in the model. */
gr_status gr__start_check(const gr_task *t);

/* A layer with parameters, as a run begins with it. */
typedef struct gr_layer_start {
    const char *name;
    const char *from;  /* "source", or "init" where all of its tensors start anew */
    bool frozen;       /* all of them are, at first */
    double lr;         /* its base rate, by the recipe's optimizer and groups; 0: it is frozen for the whole run */
    bool adapter;      /* what is trained of it is an adapter */
    const char *thaws; /* "2 epochs": how long it is frozen; NULL: not for a while only */
    int64_t parameters;
} gr_layer_start;
/* Of all of them in the order of the recipe; in b. */
gr_status gr__layer_starts(gr__bump *b, const gr_recipe *r, const gr_network *n, gr_layer_start **out, size_t *count);
/* The layer of the stack that a tensor belongs to, whatever stands within it; -1: none. */
int gr__layer_of(const gr_recipe *r, const char *tensor);

#endif
