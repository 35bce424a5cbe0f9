/* What the files that check a recipe share: descriptors of its sections, and reading one of them. */
#ifndef GR_MODEL_SECTION_H
#define GR_MODEL_SECTION_H

#include "model/recipe.h"

extern const gr_member gr__section_recipe, gr__section_data, gr__section_split, gr__section_cut, gr__section_target,
    gr__section_limit, gr__section_model, gr__section_head, gr__section_zoo, gr__section_start, gr__section_adapter,
    gr__section_store, gr__section_stop, gr__section_validate, gr__section_checkpoint, gr__section_log,
    gr__section_serving;

/* Checks a map of keys against a section; NULL takes all defaults. */
gr_status gr__section_make(gr_context *ctx, gr__bump *b, const gr_member *m, const gr_tree *tree, gr_preset preset,
                           gr_settings *out);
/* Its resolved form, every default filled in. */
gr_tree *gr__section_tree(gr__bump *b, const gr_settings *s);

/* Replaces `model: other.yaml` and `model: {zoo: NAME, ...}` in root by what they stand for. */
gr_status gr__recipe_include(gr_context *ctx, gr__bump *b, gr_tree *root, const char *folder);

#endif
