/* Recipes for programs: opened, checked, and made anew with keys set. */
#include "gradus/recipe.h"

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

gr_status gr_recipe_text(const gr_recipe *r, char **out)
{
    gr__text text;
    gr__text_init(&text, r->ctx);
    gr__tree_write(r->resolved, &text, 0);
    char *copy = text.failed ? NULL : gr__strdup(r->ctx, text.s);
    gr__text_free(&text);
    if (!copy) return gr__error_code(r->ctx);
    *out = copy;
    return GR_OK;
}

const char *gr_recipe_name(const gr_recipe *r)
{
    return r->name;
}
