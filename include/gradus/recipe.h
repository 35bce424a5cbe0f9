/* Recipes: what is trained, on what, and how, as YAML. Opened, checked and resolved; never changed afterwards.
 *
 * What is wrong with one is told by gr_context_error with file, line, column, key, what is allowed and the nearest
 * name. All that a recipe holds is bookkeeping memory of its context. */
#ifndef GRADUS_RECIPE_H
#define GRADUS_RECIPE_H

#include "gradus/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_recipe gr_recipe;

/* Opens a file. sets: n_sets texts KEY=VALUE, as --set of the command takes them: "optimizer.lr=0.01",
 * "model.layers[0].units=64"; n_sets 0: none. GR_E_FILE, GR_E_SYNTAX, GR_E_KEY, GR_E_TYPE, GR_E_RANGE, GR_E_NAME,
 * GR_E_MISSING, GR_E_CONFLICT, GR_E_SHAPE, GR_E_UNSUPPORTED. */
GR_API GR_CHECKED gr_status gr_recipe_open(gr_context *ctx, const char *path, const char *const *sets, int n_sets,
                                           gr_recipe **out);
/* The same of a text. name: what errors call it, and the run where the text gives no name. folder: where its relative
 * paths start; NULL: the current folder. */
GR_API GR_CHECKED gr_status gr_recipe_parse(gr_context *ctx, const char *name, const char *folder, const char *text,
                                            const char *const *sets, int n_sets, gr_recipe **out);
/* Another recipe: this one with keys set. It needs the first no more. */
GR_API GR_CHECKED gr_status gr_recipe_with(const gr_recipe *r, const char *const *sets, int n_sets, gr_recipe **out);
GR_API void gr_recipe_close(gr_recipe *r); /* NULL is fine. Not of one that a model lends */

/* Every default filled in and paths of data absolute: the run of this text is the run of the recipe. Owned by the
 * caller, gr_text_free of gradus/graph.h. */
GR_API GR_CHECKED gr_status gr_recipe_text(const gr_recipe *r, char **out);
/* The same of one key: "optimizer.lr", "model.layers[0]". A number or a word alone, lists and maps as YAML. GR_E_KEY:
 * the recipe has no such key. */
GR_API GR_CHECKED gr_status gr_recipe_get(const gr_recipe *r, const char *key, char **out);
GR_API const char *gr_recipe_name(const gr_recipe *r); /* as long as the recipe */

#ifdef __cplusplus
}
#endif
#endif
