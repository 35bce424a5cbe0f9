/* Sources by name: finding the member, checking its settings, loading, freeing. */
#include <string.h>

#include "base/file.h"
#include "data/array.h"

gr_element gr__target_element(const gr_set *s)
{
    if (s->target == GR_TARGET_CLASS) return GR_EL_I32;
    return s->targets_bytes == (size_t)(s->n * gr_shape_count(s->target_sample)) * sizeof(double) ? GR_EL_F64
                                                                                                  : GR_EL_F32;
}

void gr__set_free(gr_context *ctx, gr_set *s)
{
    gr__tensor_free(ctx, s->inputs, s->inputs_bytes);
    gr__tensor_free(ctx, s->targets, s->targets_bytes);
    gr__bump_destroy(s->memory);
    *s = (gr_set){0};
}

static gr_status find(gr_context *ctx, const gr_tree *tree, const gr_source **out)
{
    const gr_tree *type = tree && tree->kind == GR_TREE_MAP ? gr__tree_get(tree, "type") : tree;
    if (!type)
        return gr__tree_fail(ctx, tree, GR_E_MISSING, "write {type: idx, images: ..., labels: ...}",
                             "a source needs a \"type\"");
    if (type->kind != GR_TREE_TEXT) {
        char shown[200];
        return gr__tree_fail(ctx, type, GR_E_TYPE, "write {type: idx, images: ..., labels: ...}",
                             "%s is not the type of a source", gr__tree_show(type, shown, sizeof shown));
    }
    const gr_member *found;
    gr_status st =
        gr__member_find(ctx, "source", gr__family_source.head, gr__family_source.n, type->text, type, &found);
    if (st == GR_OK) *out = (const gr_source *)found;
    return st;
}

bool gr__source_is_table(const gr_tree *tree)
{
    const gr_source *source = (const gr_source *)gr__family_peek(&gr__family_source, tree);
    return source && source->table;
}

static gr_status settle(gr_context *ctx, gr__bump *b, const gr_tree *tree, const gr_source **source, gr_settings *s)
{
    gr_status st = find(ctx, tree, source);
    return st == GR_OK ? gr__settings_make(ctx, b, &(*source)->head, tree, GR_PRESET_CHAPTER, NULL, s) : st;
}

gr_status gr__set_info(gr_context *ctx, const gr_tree *tree, const gr_source_options *o, gr_set_info *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    const gr_source *source = NULL;
    gr_settings s;
    gr_set_info info = {0};
    gr_status st = settle(ctx, b, tree, &source, &s);
    if (st == GR_OK) st = gr__source_place(ctx, &s, "type", source->info(ctx, &s, o, &info));
    if (st == GR_OK) *out = info;
    gr__bump_destroy(b);
    return st;
}

gr_status gr__set_load(gr_context *ctx, const gr_tree *tree, const gr_source_options *o, gr_set *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    const gr_source *source = NULL;
    gr_settings s;
    gr_set set = {0};
    gr_status st = settle(ctx, b, tree, &source, &s);
    if (st == GR_OK) st = gr__source_place(ctx, &s, "type", source->load(ctx, &s, o, &set));
    if (st == GR_OK) *out = set;
    gr__bump_destroy(b);
    return st;
}

gr_status gr__source_resolve(gr_context *ctx, gr__bump *b, const gr_tree *tree, const gr_source_options *o,
                             gr_tree **out)
{
    const gr_source *source = NULL;
    gr_settings s;
    gr_status st = settle(ctx, b, tree, &source, &s);
    if (st != GR_OK) return st;
    gr_tree *t = gr__settings_tree(b, &s);
    if (!t) return gr__error_code(ctx);
    for (int i = 0; i < s.member->n_rows; i++) {
        const gr_row *row = &s.member->rows[i];
        if (row->kind != GR_ROW_PATH || !s.value[i]) continue;
        const char *path = gr__source_path(b, &s, row->name, o);
        char *absolute = path ? gr__path_absolute(ctx, path) : NULL;
        bool ok = absolute && gr__tree_put(b, t, row->name, gr__tree_text(b, absolute));
        gr__strfree(ctx, absolute);
        if (!ok) return gr__error_code(ctx);
    }
    *out = t;
    return GR_OK;
}
