/* Recipes for the tests of floor 6. */
#ifndef GR_TESTS_MODEL_CASE_H
#define GR_TESTS_MODEL_CASE_H

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/recipe.h"
#include "test.h"

#define CASE_HEAD "gradus: 1\ndata:\n  train: {type: npy, inputs: x.npy, targets: y.npy}\n"

/* Opens a recipe from text; it must be accepted. */
static inline gr_recipe *open_text(gr_context *ctx, const char *text, const char *const *sets, int n_sets)
{
    gr_recipe *r = NULL;
    test_ok(ctx, gr__recipe_from_text(ctx, "case.yaml", "/data", text, strlen(text), sets, n_sets, &r));
    return r;
}

/* The resolved recipe as text; gr__text_free it. */
static inline gr__text resolved_text(gr_context *ctx, const gr_recipe *r)
{
    gr__text t;
    gr__text_init(&t, ctx);
    gr__tree_write(r->resolved, &t, 0);
    assert_false(t.failed);
    return t;
}

/* The value at a path of a tree, such as "model.layers[0].units", as text; "" where there is none. */
static inline const char *value_at(const gr_tree *t, const char *path)
{
    while (t && *path) {
        if (*path == '[') {
            int i = atoi(path + 1);
            t = t->kind == GR_TREE_LIST && i < t->n ? t->child[i] : NULL;
            path = strchr(path, ']') + 1;
        } else {
            char key[64];
            path += *path == '.';
            size_t n = strcspn(path, ".[");
            snprintf(key, sizeof key, "%.*s", (int)n, path);
            t = gr__tree_get(t, key);
            path += n;
        }
    }
    return t && t->text ? t->text : "";
}

#endif
