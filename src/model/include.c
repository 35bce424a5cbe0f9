/* `model: other.yaml` and `model: {zoo: NAME, ...}`: networks that stand elsewhere. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "model/section.h"
#include "model/zoo.h"

enum { MAX_HOPS = 8 };

const gr_zoo_recipe *gr__zoo_find(const char *name)
{
    int n;
    const gr_zoo_recipe *zoo = gr__zoo(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(zoo[i].name, name) == 0) return &zoo[i];
    return NULL;
}

static gr_status unknown_network(gr_context *ctx, const gr_tree *at, const char *name)
{
    int n;
    const gr_zoo_recipe *zoo = gr__zoo(&n);
    const char *names[256];
    char hint[200];
    for (int i = 0; i < n && i < (int)GR_COUNT(names); i++) names[i] = zoo[i].name;
    const char *near = gr__nearest(name, names, (size_t)GR_MIN(n, (int)GR_COUNT(names)));
    snprintf(hint, sizeof hint, near ? "did you mean \"%s\"?" : "`gradus zoo` lists the networks%s", near ? near : "");
    return gr__tree_fail(ctx, at, GR_E_NAME, hint, "the zoo has no network \"%s\"", name);
}

/* ---- the zoo ---- */

static gr_tree *in_place_of(const gr_tree *old, gr_tree *t)
{
    if (t && old) {
        t->file = old->file;
        t->line = old->line;
        t->column = old->column;
    }
    return t;
}

/* The last layer that says how many outputs it has: a dense one, or a convolution before a global pooling. */
static gr_status set_classes(gr_context *ctx, gr__bump *b, gr_tree *layers, const gr_tree *classes)
{
    static const char *const widths[] = {"units", "filters"};
    for (int i = layers->n - 1; i >= 0; i--)
        for (size_t k = 0; k < GR_COUNT(widths); k++)
            if (gr__tree_get(layers->child[i], widths[k]))
                return gr__tree_put(b, layers->child[i], widths[k], in_place_of(classes, gr__tree_copy(b, classes)))
                           ? GR_OK
                           : GR_E_MEMORY;
    return gr__tree_fail(ctx, classes, GR_E_CONFLICT, NULL, "no layer of this network says how many outputs it has");
}

static gr_status set_dropout(gr_context *ctx, gr__bump *b, gr_tree *layers, const gr_tree *rate)
{
    int changed = 0;
    for (int i = 0; i < layers->n; i++) {
        const gr_layer *member = (const gr_layer *)gr__family_peek(ctx, &gr__family_layer, layers->child[i]);
        if (!member || !member->drops) continue;
        gr_tree *layer = in_place_of(layers->child[i], gr__tree_map(b));
        const gr_tree *name = gr__tree_get(layers->child[i], "name");
        if (!gr__tree_put(b, layer, "type", gr__tree_text(b, member->head.name)) ||
            !gr__tree_put(b, layer, "rate", gr__tree_copy(b, rate)))
            return GR_E_MEMORY;
        if (name && !gr__tree_put(b, layer, "name", gr__tree_copy(b, name))) return GR_E_MEMORY;
        layer->parent = layers;
        layers->child[i] = layer;
        changed++;
    }
    return changed ? GR_OK : gr__tree_fail(ctx, rate, GR_E_CONFLICT, NULL, "this network has no dropout layer");
}

static gr_status from_zoo(gr_context *ctx, gr__bump *b, const gr_tree *model, gr_tree **out)
{
    gr_settings s;
    gr_tree *recipe, *found;
    char file[128];
    gr_status st = gr__section_make(ctx, b, &gr__section_zoo, model, GR_PRESET_CHAPTER, &s);
    if (st != GR_OK) return st;
    const char *name = gr__setting_text(&s, "zoo");
    const gr_zoo_recipe *zoo = gr__zoo_find(name);
    if (!zoo) return unknown_network(ctx, gr__setting_tree(&s, "zoo"), name);
    snprintf(file, sizeof file, "zoo:%s", name);
    GR_TRY(gr__yaml_parse(ctx, b, file, zoo->text, strlen(zoo->text), &recipe));
    found = gr__tree_get(recipe, "model");
    gr_tree *layers = gr__tree_get(found, "layers");
    if (!layers) GR_TRY(gr__fail(ctx, GR_E_INTERNAL, "%s has no layers", file));
    if (gr__setting_tree(&s, "classes")) GR_TRY(set_classes(ctx, b, layers, gr__setting_tree(&s, "classes")));
    if (gr__setting_tree(&s, "dropout")) GR_TRY(set_dropout(ctx, b, layers, gr__setting_tree(&s, "dropout")));
    if (gr__setting_tree(&s, "input") &&
        !gr__tree_put(b, found, "input", gr__tree_copy(b, gr__setting_tree(&s, "input"))))
        GR_TRY(GR_E_MEMORY);
    *out = found;
done:
    return st;
}

/* ---- other files ---- */

static gr_status from_file(gr_context *ctx, gr__bump *b, const gr_tree *at, const char **folder, gr_tree **out)
{
    gr_tree *root;
    char *path = gr__path_join(ctx, *folder, at->text), *next = path ? gr__path_folder(ctx, path) : NULL;
    gr_status st = next ? gr__yaml_read(ctx, b, path, &root) : GR_E_MEMORY;
    if (st == GR_E_FILE) gr__error_place(ctx, at->file, at->line, at->column, "model");
    if (st == GR_OK) {
        *out = gr__tree_get(root, "layers") ? root : gr__tree_get(root, "model");
        if (!*out) st = gr__tree_fail(ctx, root, GR_E_MISSING, NULL, "it has neither layers nor a model");
        if (!*out && root->kind != GR_TREE_MAP) st = gr__mistaken_recipe(ctx, path, GR_E_TYPE);
    }
    if (st == GR_OK && !(*folder = gr__bump_strdup(b, next))) st = GR_E_MEMORY;
    gr__strfree(ctx, next);
    gr__strfree(ctx, path);
    return st;
}

gr_status gr__recipe_include(gr_context *ctx, gr__bump *b, gr_tree *root, const char *folder)
{
    gr_tree *written = gr__tree_get(root, "model"), *model = written;
    gr_status st = GR_OK;
    for (int hops = 0; model && st == GR_OK; hops++) {
        bool zoo = gr__tree_get(model, "zoo") != NULL;
        if (!zoo && (model->kind != GR_TREE_TEXT || gr__tree_none(model))) break;
        if (hops == MAX_HOPS)
            return gr__tree_fail(ctx, written, GR_E_CONFLICT, NULL, "model files name each other, more than %d deep",
                                 MAX_HOPS);
        st = zoo ? from_zoo(ctx, b, model, &model) : from_file(ctx, b, model, &folder, &model);
    }
    if (st != GR_OK || model == written) return st;
    return gr__tree_put(b, root, "model", model) ? GR_OK : GR_E_MEMORY;
}
