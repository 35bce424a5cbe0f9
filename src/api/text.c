/* From a member's name and a text of settings to a tree with places. */
#include "api/text.h"

#include <string.h>

#include "model/recipe.h"

static gr_status read_map(gr_context *ctx, gr__bump *b, const char *label, const char *text, gr_tree **out)
{
    char shown[200];
    gr_status st = gr__yaml_parse(ctx, b, label, text, strlen(text), out);
    if (st != GR_OK || (*out)->kind == GR_TREE_MAP) return st;
    if ((*out)->kind == GR_TREE_NULL) return (*out = gr__tree_map(b)) ? GR_OK : GR_E_MEMORY;
    return gr__tree_fail(ctx, *out, GR_E_TYPE, "write {key: value, ...}", "%s is no map of settings",
                         gr__tree_show(*out, shown, sizeof shown));
}

gr_status gr__api_settings(gr_context *ctx, gr__bump *b, const char *label, const char *type, const char *text,
                           gr_tree **out)
{
    gr_tree *given = NULL;
    if (gr__error_code(ctx) != GR_OK) return gr__error_code(ctx);
    gr_status st = text ? read_map(ctx, b, label, text, &given) : GR_OK;
    if (st != GR_OK) return st;
    gr_tree *map = gr__tree_map(b);
    if (!map || !(map->file = gr__bump_strdup(b, label))) return GR_E_MEMORY;
    map->line = map->column = given ? 1 : 0;
    if (type) {
        gr_tree *name = gr__tree_text(b, type);
        if (!name || !gr__tree_put(b, map, "type", name)) return GR_E_MEMORY;
        name->file = map->file;
    }
    for (int i = 0; given && i < given->n; i++) {
        if (type && strcmp(given->key[i], "type") == 0)
            return gr__tree_fail(ctx, given->child[i], GR_E_CONFLICT, "leave it out", "the type is given already: %s",
                                 type);
        if (!gr__tree_put(b, map, given->key[i], given->child[i])) return GR_E_MEMORY;
    }
    *out = map;
    return GR_OK;
}
