/* Which member a tree names: shared by all families. */
#include <string.h>

#include "nn/families.h"

const char *gr__type_of(gr_context *ctx, const gr_tree *tree, const char *family, const char *fallback)
{
    const gr_tree *type = tree && tree->kind == GR_TREE_MAP ? gr__tree_get(tree, "type") : tree;
    if (type && type->kind == GR_TREE_TEXT) return type->text;
    if (type) {
        gr__tree_fail(ctx, type, GR_E_TYPE, "write the name alone, or {type: name, ...}", "%s is not the name of %s %s",
                      gr__tree_kind_name(type), strchr("aeiou", family[0]) ? "an" : "a", family);
        return NULL;
    }
    if (fallback) return fallback;
    if (tree)
        gr__tree_fail(ctx, tree, GR_E_MISSING, NULL, "`type` is missing: the name of a member of family %s", family);
    else
        gr__fail(ctx, GR_E_MISSING, "no %s is given", family);
    return NULL;
}
