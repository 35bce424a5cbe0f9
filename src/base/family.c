/* Families: the members that the build has listed, and those that a context was given beside them. */
#include <string.h>

#include "base/member.h"
#include "base/state.h"

struct gr__added { /* in the order of their coming */
    const gr_family *family;
    const gr_member *head;
    gr__added *next;
};

int gr__family_count(const gr_context *ctx, const gr_family *f)
{
    int n = f->n;
    for (const gr__added *a = ctx ? ctx->added : NULL; a; a = a->next) n += a->family == f;
    return n;
}

const gr_member *gr__family_at(const gr_context *ctx, const gr_family *f, int i)
{
    if (i < 0) return NULL;
    if (i < f->n) return f->head[i];
    i -= f->n;
    for (const gr__added *a = ctx ? ctx->added : NULL; a; a = a->next)
        if (a->family == f && i-- == 0) return a->head;
    return NULL;
}

static const gr_member *member_called(const gr_context *ctx, const gr_family *f, const char *name)
{
    for (int i = 0, n = gr__family_count(ctx, f); i < n; i++) {
        const gr_member *m = gr__family_at(ctx, f, i);
        if (strcmp(m->name, name) == 0) return m;
    }
    return NULL;
}

gr_status gr__family_add(gr_context *ctx, const gr_family *f, const gr_member *head)
{
    gr__bump *memory = gr__context_memory(ctx);
    if (!memory) return GR_E_MEMORY;
    if (member_called(ctx, f, head->name))
        return gr__fail(ctx, GR_E_EXISTS, "the %s \"%s\" is there already", head->family, head->name);
    gr__added *added = gr__bump_alloc(memory, sizeof *added), **end = &ctx->added;
    if (!added) return GR_E_MEMORY;
    *added = (gr__added){.family = f, .head = head};
    while (*end) end = &(*end)->next;
    *end = added;
    return GR_OK;
}

/* ---- looking up ---- */

const char *gr__type_of(gr_context *ctx, const gr_tree *tree, const char *noun, const char *fallback)
{
    const gr_tree *type = tree && tree->kind == GR_TREE_MAP ? gr__tree_get(tree, "type") : tree;
    if (type && type->kind == GR_TREE_TEXT) return type->text;
    if (type) {
        gr__tree_fail(ctx, type, GR_E_TYPE, "write the name alone, or {type: name, ...}", "%s is not the name of %s %s",
                      gr__tree_kind_name(type), strchr("aeiou", noun[0]) ? "an" : "a", noun);
        return NULL;
    }
    if (fallback) return fallback;
    if (tree)
        gr__tree_fail(ctx, tree, GR_E_MISSING, NULL, "`type` is missing: the name of a member of family %s", noun);
    else
        gr__fail(ctx, GR_E_MISSING, "no %s is given", noun);
    return NULL;
}

gr_status gr__family_named(gr_context *ctx, const gr_family *f, const char *noun, const char *name, const gr_tree *at,
                           const gr_member **out)
{
    int n = gr__family_count(ctx, f);
    if (n == f->n) return gr__member_find(ctx, noun, f->head, n, name, at, out);
    size_t bytes = (size_t)n * sizeof(const gr_member *);
    const gr_member **heads = gr__alloc(ctx, bytes);
    if (!heads) return GR_E_MEMORY;
    for (int i = 0; i < n; i++) heads[i] = gr__family_at(ctx, f, i);
    gr_status st = gr__member_find(ctx, noun, heads, n, name, at, out);
    gr__free(ctx, heads, bytes);
    return st;
}

const gr_member *gr__family_peek(const gr_context *ctx, const gr_family *f, const gr_tree *tree)
{
    const gr_tree *type = tree && tree->kind == GR_TREE_MAP ? gr__tree_get(tree, "type") : tree;
    return type && type->kind == GR_TREE_TEXT ? member_called(ctx, f, type->text) : NULL;
}

const gr_member *gr__family_find(gr_context *ctx, const gr_family *f, const char *noun, const gr_tree *tree,
                                 const char *fallback)
{
    const gr_member *found = NULL;
    const char *name = gr__type_of(ctx, tree, noun, fallback);
    const gr_tree *type = gr__tree_get(tree, "type");
    if (name) gr__family_named(ctx, f, noun, name, type ? type : tree, &found);
    return found;
}
