/* Whether a study is of the same recipe, spaces and search as those that want to go on with it. */
#include <stdio.h>
#include <string.h>

#include "model/recipe.h"
#include "study/tune/tune.h"

/* Keys that change no trial. */
static const char *const free_keys[] = {"name", "threads", "checkpoint", "phase"};

static bool is_free(const char *key)
{
    for (size_t i = 0; i < GR_COUNT(free_keys); i++)
        if (strcmp(free_keys[i], key) == 0) return true;
    return false;
}

/* The first difference below two trees: the path, with what stands there; false: none. */
static bool differ(const gr_tree *was, const gr_tree *is, const gr_tree **a, const gr_tree **b)
{
    *a = was, *b = is;
    if (!was || !is || was->kind != is->kind || was->kind < GR_TREE_LIST)
        return !(was && is && gr__tree_equal(was, is));
    if (was->kind == GR_TREE_LIST) {
        if (was->n != is->n) return true;
        for (int i = 0; i < was->n; i++)
            if (differ(was->child[i], is->child[i], a, b)) return true;
        return false;
    }
    for (int i = 0; i < is->n; i++)
        if (!(is->parent == NULL && is_free(is->key[i])) && differ(gr__tree_get(was, is->key[i]), is->child[i], a, b))
            return true;
    for (int i = 0; i < was->n; i++)
        if (!gr__tree_get(is, was->key[i]) && !(was->parent == NULL && is_free(was->key[i])))
            return *a = was->child[i], *b = NULL, true;
    return false;
}

static gr_status other_recipe(gr_context *ctx, const char *path, const char *was, const char *is)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_tree *old, *new;
    const gr_tree *x, *y;
    char key[300], left[200], right[200];
    gr_status st = GR_OK;
    if (!b) return GR_E_MEMORY;
    GR_TRY(gr__yaml_parse(ctx, b, path, was, strlen(was), &old));
    GR_TRY(gr__yaml_parse(ctx, b, path, is, strlen(is), &new));
    if (!differ(old, new, &x, &y)) goto done;
    st = gr__fail(ctx, GR_E_CONFLICT, "%s is a study of another recipe: %s is %s there and %s here", path,
                  gr__tree_path(x ? x : y, key, sizeof key), x ? gr__tree_show(x, left, sizeof left) : "absent",
                  y ? gr__tree_show(y, right, sizeof right) : "absent");
done:
    gr__bump_destroy(b);
    return st;
}

/* The first line of `is` that `was` lacks, or the other way round. */
static const char *line_apart(const char *was, const char *is, size_t *n)
{
    for (const char *s = is; *s; s += *n + (s[*n] == '\n')) {
        *n = strcspn(s, "\n");
        bool found = false;
        for (const char *t = was; *t && !found; t += strcspn(t, "\n"), t += *t == '\n')
            found = strcspn(t, "\n") == *n && strncmp(s, t, *n) == 0;
        if (!found) return s;
    }
    return NULL;
}

static gr_status other_spaces(gr_context *ctx, const char *path, const char *was, const char *is)
{
    size_t n = 0;
    const char *line = line_apart(was, is, &n);
    if (line) return gr__fail(ctx, GR_E_CONFLICT, "%s is a study of other spaces: it has no %.*s", path, (int)n, line);
    line = line_apart(is, was, &n);
    return line ? gr__fail(ctx, GR_E_CONFLICT, "%s is a study of other spaces: it has %.*s too", path, (int)n, line)
                : GR_OK;
}

gr_status gr__study_same(gr_study *s, gr_context *ctx, const char *path, const gr_fact *facts, int n)
{
    gr_status st = GR_OK;
    for (int i = 0; i < n && st == GR_OK; i++) {
        const char *was = gr__study_fact(s, facts[i].key), *is = facts[i].value;
        if (!was)
            st = gr__fail(ctx, GR_E_FORMAT, "%s is damaged: it does not say its %s", path, facts[i].key);
        else if (strcmp(was, is) == 0)
            continue;
        else if (strcmp(facts[i].key, "recipe") == 0)
            st = other_recipe(ctx, path, was, is);
        else if (strcmp(facts[i].key, "spaces") == 0)
            st = other_spaces(ctx, path, was, is);
        else
            st = gr__fail(ctx, GR_E_CONFLICT, "%s is another study: %s is %s there and %s here", path, facts[i].key,
                          *was ? was : "nothing", *is ? is : "nothing");
    }
    if (st == GR_E_CONFLICT) gr__error_hint(ctx, "name another file with --study, or go on as it was begun");
    return st;
}
