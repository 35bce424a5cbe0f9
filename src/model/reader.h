/* Shared by the files that read a recipe's tree: recipe.c and recipe_*.c. */
#ifndef GR_MODEL_READER_H
#define GR_MODEL_READER_H

#include "model/yaml.h"

typedef struct gr__recipe_reader {
    gr_context *ctx;
    gr__bump *b;
    gr_tree *root;
    gr_recipe *r;    /* being filled */
    gr_settings top; /* of the recipe's own keys */
    gr_tree **part;  /* resolved, one a row of gr__section_recipe */
} gr__recipe_reader;

/* GR_E_UNSUPPORTED unless t says that the feature is not used. */
gr_status gr__recipe_neutral(gr__recipe_reader *k, const gr_tree *t);
/* Keeps the resolved form of a key; NULL is a failed allocation. */
gr_status gr__recipe_part(gr__recipe_reader *k, const char *key, gr_tree *resolved);
gr_status gr__recipe_batch(gr__recipe_reader *k, const gr_tree *t);
gr_status gr__recipe_data(gr__recipe_reader *k);
/* The input of that name, which stands at `at`; NULL: there is none (error kept). */
gr_model_input *gr__recipe_input(gr__recipe_reader *k, const gr_tree *at, const char *name);
/* `augment` and `augment_mode` of the data's settings, put into their resolved form. */
gr_status gr__recipe_augment(gr__recipe_reader *k, const gr_settings *s, gr_tree *resolved);
gr_status gr__recipe_heads(gr__recipe_reader *k);      /* `cost` or `heads`, but for what depends on the network */
gr_status gr__recipe_model(gr__recipe_reader *k);      /* inputs and layers; the heads then know where they begin */
gr_status gr__recipe_keep_model(gr__recipe_reader *k); /* resolved, once building has checked what a layer holds */
gr_status gr__recipe_store(gr__recipe_reader *k);      /* `store` */
gr_status gr__recipe_remat(gr__recipe_reader *k);      /* `remat`; after the layers and `memory` */
gr_status gr__recipe_keep_heads(gr__recipe_reader *k); /* after the metrics */
gr_status
gr__recipe_metrics(gr__recipe_reader *k); /* `metrics`, `best_by` and `stop.monitor`; after the network and the data */
struct gr_network;
gr_status gr__recipe_adapter(gr__recipe_reader *k); /* likewise `adapter` */
gr_status gr__recipe_check_adapter(gr__recipe_reader *k, const struct gr_network *n);
gr_status gr__recipe_start(gr__recipe_reader *k); /* `start`, which only a recipe that has one keeps */
gr_status gr__recipe_stop(gr__recipe_reader *k);  /* `stop`, but for that; after the metrics */

#endif
