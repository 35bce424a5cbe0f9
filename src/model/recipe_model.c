/* `model:` of a recipe: the inputs of the network and its layers. */
#include <string.h>

#include "model/reader.h"
#include "model/section.h"
#include "model/stack.h"

static const char SHAPES[] = "[height, width, channels], [length, features] or features";

static gr_status read_shape(gr__recipe_reader *k, const gr_tree *t, gr_shape *s)
{
    char shown[200];
    int n = t->kind == GR_TREE_LIST ? t->n : 1;
    double count = 1;
    gr__tree_unquote(t, false);
    if (n < 1 || n > 4) return gr__tree_fail(k->ctx, t, GR_E_RANGE, SHAPES, "a sample has 1 to 4 axes, not %d", n);
    s->rank = n;
    for (int i = 0; i < n; i++) {
        const gr_tree *d = t->kind == GR_TREE_LIST ? t->child[i] : t;
        if (d->kind != GR_TREE_INT || !gr__tree_int(d, &s->dim[i]))
            return gr__tree_fail(k->ctx, d, GR_E_TYPE, SHAPES, "%s is not a whole number",
                                 gr__tree_show(d, shown, sizeof shown));
        if (s->dim[i] < 1 || s->dim[i] > 1000000000)
            return gr__tree_fail(k->ctx, d, GR_E_RANGE, NULL, "%s is not in [1, 1000000000]", d->text);
        count *= (double)s->dim[i];
    }
    if (count > 1e12) return gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "a sample of more than 10^12 numbers");
    return GR_OK;
}

static gr_status read_input(gr__recipe_reader *k, const char *name, const gr_tree *t)
{
    gr_model_input *in = &k->r->input[k->r->n_inputs++];
    *in = (gr_model_input){.name = name, .at = t};
    return read_shape(k, t, &in->sample);
}

static gr_status read_named(gr__recipe_reader *k, const gr_tree *t)
{
    char shown[200];
    gr_status st = GR_OK;
    if (t->kind != GR_TREE_MAP)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "such as {image: [8, 8, 1], table: [5]}; one input alone: input",
                             "%s is not a map of shapes by name", gr__tree_show(t, shown, sizeof shown));
    if (t->n < 1 || t->n > GR_MAX_INPUTS)
        return gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "a network has 1 to %d inputs, not %d", GR_MAX_INPUTS, t->n);
    k->r->inputs_named = true;
    for (int i = 0; i < t->n && st == GR_OK; i++) {
        st = gr__name_check(k->ctx, t->child[i], "an input's", t->key[i]);
        if (st == GR_OK) st = read_input(k, t->key[i], t->child[i]);
    }
    return st;
}

static gr_status read_inputs(gr__recipe_reader *k, const gr_settings *s)
{
    const gr_tree *one = gr__setting_tree(s, "input"), *several = gr__setting_tree(s, "inputs");
    if (one && several)
        return gr__tree_fail(k->ctx, several, GR_E_CONFLICT, "one of them", "input and inputs stand side by side");
    if (!one && !several) {
        gr_status st = gr__fail(k->ctx, GR_E_MISSING, "model needs \"input\"");
        if (s->tree) gr__error_place(k->ctx, s->tree->file, s->tree->line, s->tree->column, "model.input");
        gr__error_hint(k->ctx, "input: a sample's shape; several: inputs: {NAME: shape}");
        return st;
    }
    return several ? read_named(k, several) : read_input(k, GR_LONE_INPUT, one);
}

gr_status gr__recipe_model(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    gr_settings s;
    gr_stack *stack = gr__bump_alloc(k->b, sizeof *stack);
    const gr_tree *astray = gr__tree_get(gr__setting_tree(&k->top, "model"), "heads");
    if (astray)
        return gr__tree_fail(k->ctx, astray, GR_E_KEY, "heads: {NAME: {from: layer, cost: ...}}",
                             "heads stand beside model, not in it");
    gr_status st =
        gr__section_make(k->ctx, k->b, &gr__section_model, gr__setting_tree(&k->top, "model"), r->preset, &s);
    if (st != GR_OK) return st;
    if (!stack) return GR_E_MEMORY;
    GR_TRY(read_inputs(k, &s));
    r->layers = gr__setting_tree(&s, "layers");
    GR_TRY(gr__stack_make(k->ctx, k->b, r, r->layers, stack));
    r->stack = stack;
done:
    return st;
}

/* After the network was tried: what is checked when a layer is built has its checked form then. */
gr_status gr__recipe_keep_model(gr__recipe_reader *k)
{
    const char *key = k->r->inputs_named ? "inputs" : "input";
    const gr_tree *input = gr__tree_get(gr__setting_tree(&k->top, "model"), key);
    gr_tree *resolved = gr__tree_map(k->b);
    if (!gr__tree_put(k->b, resolved, key, gr__tree_copy(k->b, input)) ||
        !gr__tree_put(k->b, resolved, "layers", gr__stack_tree(k->b, k->r)))
        return GR_E_MEMORY;
    return gr__recipe_part(k, "model", resolved);
}
