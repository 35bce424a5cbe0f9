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

static bool put_copy(gr__bump *b, gr_tree *map, const char *key, const gr_tree *value)
{
    return gr__tree_put(b, map, key, gr__tree_copy(b, value));
}

/* Classes for a network that ends with features: a layer behind it. */
static gr_status add_classifier(gr__bump *b, gr_tree *layers, const gr_tree *classes)
{
    gr_tree *layer = in_place_of(classes, gr__tree_flow(b, "{type: dense, units: 1, name: classifier}"));
    return put_copy(b, layer, "units", classes) && gr__tree_push(b, layers, layer) ? GR_OK : GR_E_MEMORY;
}

/* The last layer that says how many outputs it has: a dense one, or a convolution before a global pooling. A dense one
 * with an activation gives features, and one whose weights are a table's as many as the table has rows. */
static gr_status set_classes(gr_context *ctx, gr__bump *b, gr_tree *layers, const gr_tree *classes)
{
    static const char *const widths[] = {"units", "filters"};
    for (int i = layers->n - 1; i >= 0; i--) {
        gr_tree *layer = layers->child[i];
        const gr_tree *tied = gr__tree_get(layer, "tied");
        if (!gr__tree_none(tied))
            return gr__tree_fail(ctx, classes, GR_E_CONFLICT,
                                 "`gradus new --from` starts a recipe whose last layer may be another",
                                 "the outputs of this network are what \"%s\" takes, not classes", tied->text);
        if (gr__tree_get(layer, widths[0]) && !gr__activation_none(gr__tree_get(layer, "activation")))
            return add_classifier(b, layers, classes);
        for (size_t k = 0; k < GR_COUNT(widths); k++)
            if (gr__tree_get(layer, widths[k])) return put_copy(b, layer, widths[k], classes) ? GR_OK : GR_E_MEMORY;
    }
    return gr__tree_fail(ctx, classes, GR_E_CONFLICT, NULL, "no layer of this network says how many outputs it has");
}

/* Of all layers that leave numbers out: a list's, those that are copied, those within others. *t may become another
 * tree. */
static gr_status set_dropout(gr_context *ctx, gr__bump *b, gr_tree **t, const gr_tree *rate, int *changed)
{
    gr_tree *repeat = gr__tree_get(*t, "repeat");
    const gr_layer *m = (const gr_layer *)gr__family_peek(ctx, &gr__family_layer, *t);
    gr_status st = GR_OK;
    if (m && m->drop_rate) {
        if ((*t)->kind == GR_TREE_TEXT) {
            gr_tree *map = in_place_of(*t, gr__tree_map(b));
            if (!gr__tree_put_text(b, map, "type", m->head.name)) return GR_E_MEMORY;
            map->parent = (*t)->parent;
            *t = map;
        }
        if (!put_copy(b, *t, m->drop_rate, rate)) return GR_E_MEMORY;
        ++*changed;
    }
    for (int i = 0; (*t)->kind == GR_TREE_LIST && i < (*t)->n && st == GR_OK; i++)
        st = set_dropout(ctx, b, &(*t)->child[i], rate, changed);
    for (int i = 0; i < (repeat ? repeat->n : 0) && st == GR_OK; i++)
        st = set_dropout(ctx, b, &repeat->child[i], rate, changed);
    for (int i = 0; m && (*t)->kind == GR_TREE_MAP && i < (*t)->n && st == GR_OK; i++) {
        const gr_row *row = gr__member_row(&m->head, (*t)->key[i]);
        if (row && row->kind == GR_ROW_TREE) st = set_dropout(ctx, b, &(*t)->child[i], rate, changed);
    }
    return st;
}

static gr_status set_dropouts(gr_context *ctx, gr__bump *b, gr_tree *layers, const gr_tree *rate)
{
    int changed = 0;
    gr_status st = set_dropout(ctx, b, &layers, rate, &changed);
    if (st != GR_OK || changed || rate->number == 0) return st;
    return gr__tree_fail(ctx, rate, GR_E_CONFLICT, "`gradus zoo NAME` prints the network",
                         "no layer of this network leaves numbers out");
}

/* Of every input: where a network has several, they are alike. */
static gr_status set_input(gr__bump *b, gr_tree *network, const gr_tree *shape)
{
    gr_tree *inputs = gr__tree_get(network, "inputs");
    for (int i = 0; inputs && i < inputs->n; i++)
        if (!put_copy(b, inputs, inputs->key[i], shape)) return GR_E_MEMORY;
    return inputs || put_copy(b, network, "input", shape) ? GR_OK : GR_E_MEMORY;
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
    const gr_tree *classes = gr__setting_tree(&s, "classes"), *dropout = gr__setting_tree(&s, "dropout"),
                  *input = gr__setting_tree(&s, "input");
    if (classes) GR_TRY(set_classes(ctx, b, layers, classes));
    if (dropout) GR_TRY(set_dropouts(ctx, b, layers, dropout));
    if (input) GR_TRY(set_input(b, found, input));
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
