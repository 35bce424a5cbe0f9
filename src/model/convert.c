/* Rewriting recipes. Layers of the resolved recipe have names and say all settings, so that one can be exchanged, or
 * left out and passed by, without a look at the others. */
#include "model/convert.h"

#include <string.h>

#include "nn/stack.h"

typedef struct passed { /* a layer that was left out, and the name of what it took */
    const char *name, *source;
} passed;

typedef struct converter {
    gr_context *ctx;
    gr__bump *b;
    const gr_recipe *r;
    const gr_conversion *how;
    gr_converted *change;
    size_t n, capacity;
    passed *gone;
    size_t n_gone, gone_capacity;
} converter;

/* One list of layers while it is walked. */
typedef struct walk {
    gr_tree *kept;
    const char *above; /* what the next layer takes unless it says so: the last kept one, or the input; NULL: unknown */
    const char *take;  /* what a layer left out took, which the next takes instead of the one above; or NULL */
} walk;

/* ---- what is changed ---- */

static const gr_layer *peek(const converter *k, const gr_tree *t)
{
    return (const gr_layer *)gr__family_peek(k->ctx, &gr__family_layer, t);
}

static gr_status note(converter *k, const char *layer, const char *from, const char *to)
{
    if (!GR_ROOM(k->ctx, k->change, k->capacity, k->n + 1)) return GR_E_MEMORY;
    k->change[k->n++] = (gr_converted){layer ? layer : "", from, to};
    return GR_OK;
}

/* What stands in for an activation, or NULL. */
static const gr_layer *other_activation(const converter *k, const gr_layer *m)
{
    if (!m->activation_only) return NULL;
    const gr_layer *other = m->follow == GR_FOLLOW_RELU      ? k->how->relu
                            : m->follow == GR_FOLLOW_SIGMOID ? k->how->sigmoid
                                                             : NULL;
    return other == m ? NULL : other;
}

static const gr_layer *other_norm(const converter *k, const gr_layer *m)
{
    return m->normalises == GR_NORMALISES_BATCHES && k->how->norm != m ? k->how->norm : NULL;
}

static bool is_common(const char *key)
{
    for (int i = 0; gr__layer_common_keys[i]; i++)
        if (strcmp(gr__layer_common_keys[i], key) == 0) return true;
    return strcmp(key, "activation") == 0;
}

/* The tree with another type; settings that this has too stay. */
static gr_tree *retyped(converter *k, const gr_tree *t, const gr_layer *to)
{
    if (t->kind != GR_TREE_MAP) return gr__tree_text(k->b, to->head.name);
    gr_tree *made = gr__tree_map(k->b);
    if (!gr__tree_put_text(k->b, made, "type", to->head.name)) return NULL;
    for (int i = 0; i < t->n; i++) {
        bool stays = is_common(t->key[i]) || gr__member_has(&to->head, t->key[i]);
        if (stays && strcmp(t->key[i], "type") != 0 &&
            !gr__tree_put(k->b, made, t->key[i], gr__tree_copy(k->b, t->child[i])))
            return NULL;
    }
    return made;
}

/* ---- layers that are named by a row: activations, norms, layers within ---- */

static gr_status convert_inside(converter *k, gr_tree *layer, const gr_layer *m, const char *name, bool output);

/* Whether a layer's rows may be looked into: the first of its lists, of which the network's output is none. */
static gr_status convert_row(converter *k, gr_tree *layer, const char *row, const gr_tree *value, const char *name,
                             bool output)
{
    const gr_layer *m = peek(k, value), *other = NULL;
    gr_tree *made = NULL;
    if (!m) return GR_OK;
    const char *to = NULL;
    if (m->normalises && k->how->no_norm)
        made = gr__tree_text(k->b, to = "none");
    else if ((other = other_norm(k, m)) ||
             (strcmp(row, "activation") == 0 && !output && (other = other_activation(k, m))))
        made = retyped(k, value, other), to = other->head.name;
    else { /* a layer within: its own rows */
        made = gr__tree_copy(k->b, value);
        size_t before = k->n;
        if (made && made->kind == GR_TREE_TEXT) {
            gr_tree *map = gr__tree_map(k->b);
            made = gr__tree_put_text(k->b, map, "type", m->head.name) ? map : NULL;
        }
        gr_status st = made ? convert_inside(k, made, m, name, false) : GR_E_MEMORY;
        if (st != GR_OK || k->n == before) return st;
        return gr__tree_put(k->b, layer, row, made) ? GR_OK : GR_E_MEMORY;
    }
    if (!gr__tree_put(k->b, layer, row, made)) return GR_E_MEMORY;
    return note(k, name, m->head.name, to);
}

static gr_status convert_list(converter *k, gr_tree *list, const char *above, const char *name);

/* What a layer's rows say, written or by default. */
static gr_status convert_inside(converter *k, gr_tree *layer, const gr_layer *m, const char *name, bool output)
{
    gr_status st = GR_OK;
    for (int i = 0; i < m->head.n_rows && st == GR_OK; i++) {
        const gr_row *row = &m->head.rows[i];
        gr_tree *value = gr__tree_get(layer, row->name);
        if (row->kind != GR_ROW_TREE) continue;
        if (!value && row->value) value = gr__tree_flow(k->b, row->value);
        if (value && value->kind == GR_TREE_LIST)
            st = convert_list(k, value, NULL, name);
        else if (!gr__tree_none(value))
            st = convert_row(k, layer, row->name, value, name, output);
    }
    const gr_tree *common = gr__member_has(&m->head, "activation") ? NULL : gr__tree_get(layer, "activation");
    return st == GR_OK && common ? convert_row(k, layer, "activation", common, name, output) : st;
}

/* ---- lists of layers ---- */

static bool is_output(const converter *k, const char *name)
{
    for (int h = 0; h < k->r->n_heads && name; h++)
        if (strcmp(k->r->stack->layer[k->r->head[h].from].name, name) == 0) return true;
    return false;
}

/* The name of what stands for `name` now. Sources of layers left out are named when these go, so one look is enough. */
static const char *source_of(const converter *k, const char *name)
{
    for (size_t i = 0; i < k->n_gone; i++)
        if (strcmp(k->gone[i].name, name) == 0) return k->gone[i].source;
    return name;
}

static gr_status redirect(const converter *k, gr_tree *map)
{
    gr_tree *from = gr__tree_get(map, "from"), *made = NULL;
    if (gr__tree_none(from)) return GR_OK;
    if (from->kind != GR_TREE_LIST)
        made = gr__tree_text(k->b, source_of(k, from->text));
    else {
        made = gr__tree_list(k->b);
        for (int i = 0; i < from->n; i++)
            if (!gr__tree_push(k->b, made, gr__tree_text(k->b, source_of(k, from->child[i]->text)))) return GR_E_MEMORY;
    }
    return gr__tree_put(k->b, map, "from", made) ? GR_OK : GR_E_MEMORY;
}

static const char *text_of(const gr_tree *map, const char *key)
{
    const gr_tree *t = gr__tree_get(map, key);
    while (t && t->kind == GR_TREE_LIST && t->n == 1) t = t->child[0];
    return t ? t->text : NULL;
}

/* A convolution or dense layer without biases had them in the normalisation behind it. */
static gr_status give_bias(converter *k, const walk *w, const char *source)
{
    for (int i = 0; source && i < w->kept->n; i++) {
        gr_tree *t = w->kept->child[i], *bias = gr__tree_get(t, "bias");
        const char *name = text_of(t, "name");
        if (!name || strcmp(name, source) != 0 || !bias || bias->kind != GR_TREE_BOOL || bias->truth) continue;
        if (!gr__tree_put(k->b, t, "bias", gr__tree_scalar(k->b, "true"))) return GR_E_MEMORY;
        return note(k, name, "bias: false", "bias: true");
    }
    return GR_OK;
}

static gr_status leave_out(converter *k, walk *w, const gr_tree *t, const gr_layer *m)
{
    const char *name = text_of(t, "name"), *own = text_of(t, "from"),
               *source = own       ? own
                         : w->take ? w->take
                                   : w->above;
    if (own) w->take = own;
    if (name && source) {
        if (!GR_ROOM(k->ctx, k->gone, k->gone_capacity, k->n_gone + 1)) return GR_E_MEMORY;
        k->gone[k->n_gone++] = (passed){name, source};
    }
    gr_status st = note(k, name, m->head.name, "nothing");
    return st == GR_OK && m->normalises ? give_bias(k, w, source) : st;
}

static gr_status keep(converter *k, walk *w, gr_tree *t)
{
    if (w->take && !gr__tree_get(t, "from") && !gr__tree_put_text(k->b, t, "from", w->take)) return GR_E_MEMORY;
    w->take = NULL;
    w->above = text_of(t, "name");
    return gr__tree_push(k->b, w->kept, t) ? GR_OK : GR_E_MEMORY;
}

/* An activation on what is left out becomes a layer of its own, under the same name. */
static gr_tree *activation_left(converter *k, const gr_tree *t, const gr_tree *activation)
{
    gr_tree *made = gr__tree_map(k->b);
    static const char *const stay[] = {"name", "from"};
    if (activation->kind == GR_TREE_MAP)
        made = gr__tree_copy(k->b, activation);
    else if (!gr__tree_put_text(k->b, made, "type", activation->text))
        return NULL;
    for (size_t i = 0; i < GR_COUNT(stay); i++) {
        const gr_tree *value = gr__tree_get(t, stay[i]);
        if (value && !gr__tree_put(k->b, made, stay[i], gr__tree_copy(k->b, value))) return NULL;
    }
    return made;
}

static gr_status convert_layer(converter *k, walk *w, const gr_tree *was)
{
    const gr_layer *m = peek(k, was), *other;
    gr_tree *t = gr__tree_copy(k->b, was);
    gr_status st = GR_OK;
    if (t && t->kind == GR_TREE_TEXT) {
        gr_tree *map = gr__tree_map(k->b);
        t = gr__tree_put_text(k->b, map, "type", was->text) ? map : NULL;
    }
    if (!t) return GR_E_MEMORY;
    if (!m) return gr__tree_push(k->b, w->kept, t) ? GR_OK : GR_E_MEMORY; /* a repeat inside: as it is */
    const char *name = text_of(t, "name");
    GR_TRY(redirect(k, t));
    if ((m->drops && k->how->drop_dropout) || (m->normalises && k->how->no_norm)) {
        const gr_tree *activation = gr__tree_get(t, "activation");
        const char *source = text_of(t, "from");
        if (gr__activation_none(activation)) return leave_out(k, w, t, m);
        GR_TRY(note(k, name, m->head.name, "nothing"));
        if (m->normalises) GR_TRY(give_bias(k, w, source ? source : w->above));
        if (!(t = activation_left(k, t, activation))) GR_TRY(GR_E_MEMORY);
        if (!(m = peek(k, t))) GR_TRY(GR_E_INTERNAL);
    }
    bool output = is_output(k, name);
    if ((other = other_norm(k, m)) || (!output && (other = other_activation(k, m)))) {
        GR_TRY(note(k, name, m->head.name, other->head.name));
        if (!(t = retyped(k, t, other))) GR_TRY(GR_E_MEMORY);
        m = other;
    }
    GR_TRY(convert_inside(k, t, m, name, output));
    st = keep(k, w, t);
done:
    return st;
}

/* In the place of the list's own layers. outer: the layer that holds the list; NULL: the network. */
static gr_status convert_list(converter *k, gr_tree *list, const char *above, const char *outer)
{
    walk w = {.kept = gr__tree_list(k->b), .above = above};
    gr_status st = w.kept ? GR_OK : GR_E_MEMORY;
    size_t before = k->n;
    for (int i = 0; i < list->n && st == GR_OK; i++) st = convert_layer(k, &w, list->child[i]);
    for (size_t i = before; i < k->n && outer && st == GR_OK; i++) {
        k->change[i].layer = gr__bump_format(k->b, "%s%s%s", outer, *k->change[i].layer ? "." : "", k->change[i].layer);
        if (!k->change[i].layer) st = GR_E_MEMORY;
    }
    if (st == GR_OK) {
        list->n = 0;
        for (int i = 0; i < w.kept->n && st == GR_OK; i++)
            if (!gr__tree_push(k->b, list, w.kept->child[i])) st = GR_E_MEMORY;
    }
    return st;
}

/* ---- recipes ---- */

gr_status gr__recipe_convert(gr_context *ctx, gr__bump *b, const gr_recipe *r, const gr_conversion *how, gr_tree **out,
                             gr_converted **changes, size_t *n)
{
    converter k = {.ctx = ctx, .b = b, .r = r, .how = how};
    gr_tree *tree = gr__tree_copy(b, r->resolved);
    const gr_tree *heads = gr__tree_get(tree, "heads");
    gr_tree *layers = gr__tree_get(gr__tree_get(tree, "model"), "layers");
    gr_status st = layers ? GR_OK : GR_E_MEMORY;
    if (st == GR_OK) st = convert_list(&k, layers, r->n_inputs == 1 ? r->input[0].name : NULL, NULL);
    for (int i = 0; heads && i < heads->n && st == GR_OK; i++) st = redirect(&k, heads->child[i]);
    if (st == GR_OK && k.n) {
        *changes = gr__bump_alloc(b, k.n * sizeof **changes);
        if (!*changes) st = GR_E_MEMORY;
        if (st == GR_OK) memcpy(*changes, k.change, k.n * sizeof **changes);
    }
    *n = k.n;
    *out = tree;
    gr__free(ctx, k.change, k.capacity * sizeof *k.change);
    gr__free(ctx, k.gone, k.gone_capacity * sizeof *k.gone);
    return st;
}
