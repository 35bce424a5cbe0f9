/* Recipes for programs: opened, checked, and made anew with keys set. */
#include "gradus/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/recipe.h"

static gr_status check_sets(gr_context *ctx, const char *const *sets, int n)
{
    for (int i = 0; i < n; i++)
        if (!sets || !sets[i]) return gr__fail(ctx, GR_E_USAGE, "setting %d of %d is NULL", i + 1, n);
    return n < 0 ? gr__fail(ctx, GR_E_USAGE, "%d settings", n) : gr__error_code(ctx);
}

gr_status gr_recipe_open(gr_context *ctx, const char *path, const char *const *sets, int n_sets, gr_recipe **out)
{
    gr_status st = check_sets(ctx, sets, n_sets);
    if (st == GR_OK && !path) st = gr__fail(ctx, GR_E_USAGE, "a recipe of no path");
    return st == GR_OK ? gr__recipe_open(ctx, path, sets, n_sets, out) : st;
}

gr_status gr_recipe_parse(gr_context *ctx, const char *name, const char *folder, const char *text,
                          const char *const *sets, int n_sets, gr_recipe **out)
{
    gr_status st = check_sets(ctx, sets, n_sets);
    if (st == GR_OK && !text) st = gr__fail(ctx, GR_E_USAGE, "a recipe of no text");
    return st == GR_OK ? gr__recipe_from_text(ctx, name ? name : "recipe", folder ? folder : ".", text, strlen(text),
                                              sets, n_sets, out)
                       : st;
}

gr_status gr_recipe_with(const gr_recipe *r, const char *const *sets, int n_sets, gr_recipe **out)
{
    gr_status st = check_sets(r->ctx, sets, n_sets);
    return st == GR_OK ? gr__recipe_with(r, sets, n_sets, out) : st;
}

void gr_recipe_close(gr_recipe *r)
{
    if (r) gr__recipe_close(r->ctx, r);
}

/* ---- resolved ---- */

static gr_status take_text(gr__text *t, char **out)
{
    char *copy = t->failed ? NULL : gr__strdup(t->ctx, t->s ? t->s : "");
    gr_status st = copy ? GR_OK : gr__error_code(t->ctx);
    gr__text_free(t);
    if (copy) *out = copy;
    return st;
}

gr_status gr_recipe_text(const gr_recipe *r, char **out)
{
    gr__text text;
    gr__text_init(&text, r->ctx);
    gr__tree_write(r->resolved, &text, 0);
    return take_text(&text, out);
}

/* What the first name or index of a path leads to, and the rest of the path. */
static const gr_tree *step_down(const gr_tree *t, const char **path)
{
    char name[128];
    const char *at = *path;
    if (*at == '[') {
        char *end;
        long i = strtol(at + 1, &end, 10);
        *path = *end == ']' ? end + 1 : "]"; /* which is no name */
        return *end == ']' && end > at + 1 && t->kind == GR_TREE_LIST && i >= 0 && i < t->n ? t->child[i] : NULL;
    }
    at += *at == '.';
    size_t n = strcspn(at, ".[");
    *path = at + n;
    if (n == 0 || n >= sizeof name) return NULL;
    memcpy(name, at, n);
    name[n] = '\0';
    return gr__tree_get(t, name);
}

gr_status gr_recipe_get(const gr_recipe *r, const char *key, char **out)
{
    const gr_tree *t = r->resolved;
    const char *path = key;
    gr__text text;
    if (gr__error_code(r->ctx) != GR_OK) return gr__error_code(r->ctx);
    if (!key) return gr__fail(r->ctx, GR_E_USAGE, "no key");
    do t = step_down(t, &path);
    while (t && *path);
    if (!t) return gr__fail(r->ctx, GR_E_KEY, "the recipe has no key %s", key);
    gr__text_init(&text, r->ctx);
    if (t->kind == GR_TREE_MAP || t->kind == GR_TREE_LIST)
        gr__tree_write(t, &text, 0);
    else
        gr__text_add(&text, "%s", t->text ? t->text : "none");
    return take_text(&text, out);
}

const char *gr_recipe_name(const gr_recipe *r)
{
    return r->name;
}
