/* What a recipe says of recomputing: `remat`, a word or a map of one key. */
#include <string.h>

#include "model/recipe.h"
#include "model/reader.h"
#include "model/stack.h"

#define FORMS "none, auto, optimal, chen, sqrt, {every: 10}, {keep: [NAMES]} or {revolve: 3}"

static const char *const words[] = {"none", "auto", "optimal", "chen", "sqrt"};
static const char *const keys[] = {"every", "keep", "revolve"};

static gr_status take_name(gr__recipe_reader *k, const gr_tree *t, const char **out)
{
    const gr_stack *s = k->r->stack;
    char shown[200];
    if (t->kind == GR_TREE_LIST || t->kind == GR_TREE_MAP || !t->text)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, NULL, "%s is no layer's name",
                             gr__tree_show(t, shown, sizeof shown));
    const char **names = gr__bump_alloc(k->b, ((size_t)s->n + 1) * sizeof *names);
    if (!names) return GR_E_MEMORY;
    for (int i = 0; i < s->n; i++) names[i] = s->layer[i].name;
    for (int i = 0; i < s->n; i++)
        if (strcmp(names[i], t->text) == 0) {
            *out = names[i];
            return GR_OK;
        }
    gr_status st = gr__tree_fail(k->ctx, t, GR_E_NAME, NULL, "no layer is called \"%s\"", t->text);
    gr__hint_name(k->ctx, t->text, names, (size_t)s->n);
    return st;
}

static gr_status read_names(gr__recipe_reader *k, const gr_tree *t, gr_remat *out)
{
    int n = t->kind == GR_TREE_LIST ? t->n : 1;
    const char **name = gr__bump_alloc(k->b, (size_t)n * sizeof *name + 1);
    gr_status st = GR_OK;
    if (!name) return GR_E_MEMORY;
    if (n == 0 || gr__tree_none(t))
        return gr__tree_fail(k->ctx, t, GR_E_RANGE, "remat: {every: 1000} keeps no layer's output",
                             "there must be a layer to keep");
    for (int i = 0; i < n && st == GR_OK; i++) st = take_name(k, t->kind == GR_TREE_LIST ? t->child[i] : t, &name[i]);
    out->names = name;
    out->n_names = n;
    return st;
}

static gr_status read_number(gr__recipe_reader *k, const gr_tree *t, int64_t *out)
{
    char shown[200];
    if (t->kind != GR_TREE_INT || !gr__tree_int(t, out))
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, NULL, "%s is not a whole number",
                             gr__tree_show(t, shown, sizeof shown));
    if (*out < 1 || *out > 1000000)
        return gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "%s is not in [1, 1000000]", t->text);
    return GR_OK;
}

static gr_status read_map(gr__recipe_reader *k, const gr_tree *t, gr_remat *out)
{
    if (t->n != 1)
        return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, "remat: " FORMS, "it has %d keys, and one says what is done",
                             t->n);
    for (size_t i = 0; i < GR_COUNT(keys); i++)
        if (strcmp(t->key[0], keys[i]) == 0) {
            out->policy = keys[i];
            return i == 1 ? read_names(k, t->child[0], out) : read_number(k, t->child[0], &out->count);
        }
    gr_status st = gr__tree_fail(k->ctx, t->child[0], GR_E_KEY, NULL, "unknown key \"%s\"", t->key[0]);
    gr__hint_name(k->ctx, t->key[0], keys, GR_COUNT(keys));
    return st;
}

static gr_status read_word(gr__recipe_reader *k, const gr_tree *t, gr_remat *out)
{
    char shown[200];
    if (t->kind != GR_TREE_TEXT)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "remat: " FORMS, "%s says nothing to recompute",
                             gr__tree_show(t, shown, sizeof shown));
    for (size_t i = 0; i < GR_COUNT(words); i++)
        if (strcmp(t->text, words[i]) == 0) {
            out->policy = words[i];
            return GR_OK;
        }
    for (size_t i = 0; i < GR_COUNT(keys); i++)
        if (strcmp(t->text, keys[i]) == 0)
            return gr__tree_fail(k->ctx, t, GR_E_TYPE, i == 1 ? "remat: {keep: [NAMES]}" : "such as remat: {every: 10}",
                                 "\"%s\" needs a value", t->text);
    gr_status st = gr__tree_fail(k->ctx, t, GR_E_NAME, NULL, "there is no way to recompute called \"%s\"", t->text);
    gr__hint_name(k->ctx, t->text, words, GR_COUNT(words));
    return st;
}

gr_status gr__recipe_remat(gr__recipe_reader *k)
{
    const gr_tree *t = gr__tree_get(k->root, "remat");
    gr_recipe *r = k->r;
    r->remat_given = t != NULL;
    if (!t) {
        r->remat.policy = r->memory ? "auto" : "none";
        return gr__recipe_part(k, "remat", gr__tree_text(k->b, r->remat.policy));
    }
    gr_status st = gr__tree_none(t)         ? (r->remat.policy = "none", GR_OK)
                   : t->kind == GR_TREE_MAP ? read_map(k, t, &r->remat)
                                            : read_word(k, t, &r->remat);
    return st == GR_OK ? gr__recipe_part(k, "remat", gr__tree_copy(k->b, t)) : st;
}
