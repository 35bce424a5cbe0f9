/* Rewriting recipes. Layers of the resolved recipe have names and say all settings, so that one can be exchanged, or
 * left out and passed by, without a look at the others. Lists within layers are as they were written: there names are
 * filled in, and what is left out leaves something in its place that hands on. */
#include "model/convert.h"

#include <string.h>

#include "base/text.h"
#include "model/network.h"
#include "model/retype.h"
#include "model/stack.h"

typedef struct passed { /* a layer that was left out, and the name of what it took */
    const char *name, *source;
} passed;

typedef struct converter {
    gr_context *ctx;
    gr__bump *b;
    const gr_recipe *r;
    const gr_conversion *how;
    gr_standing *stands; /* of the network's layers */
    gr_converted *change;
    size_t n, capacity;
    passed *gone;
    size_t n_gone, gone_capacity;
} converter;

/* A list of layers, and what it stands in. */
typedef struct region {
    const char *outer;      /* the layer that holds it; NULL: it is the network's own */
    const gr_tree *earlier; /* the list before it in the same layer, whose layers are counted first; or NULL */
    bool copied;            /* of a repeat: its only layer, unnamed, takes the copy's name */
} region;

/* A list while it is walked. */
typedef struct walk {
    region in;
    const gr_tree *list;
    gr_tree *kept;
    const char *above; /* what the network's next layer takes unless it says so: the last kept one, or the input; NULL:
                          unknown */
    const char *take;  /* what a layer left out took, which the next takes instead of the one above; or NULL */
} walk;

/* ---- what is changed ---- */

static const gr_layer *peek(const converter *k, const gr_tree *t)
{
    return (const gr_layer *)gr__family_peek(k->ctx, &gr__family_layer, t);
}

static gr_status note(converter *k, const char *layer, const char *from, const char *to)
{
    if (!from || !to || !GR_ROOM(k->ctx, k->change, k->capacity, k->n + 1)) return GR_E_MEMORY;
    k->change[k->n++] = (gr_converted){layer ? layer : "", from, to};
    return GR_OK;
}

static bool is_left_out(const converter *k, const gr_layer *m)
{
    return (m->drops && k->how->drop_dropout) || (m->normalises && k->how->no_norm);
}

/* What stands in for an activation, or NULL. */
static const gr_layer *other_activation(const converter *k, const gr_layer *m, gr_standing stands)
{
    if (!m->activation_only || stands == GR_STANDS_OUTPUT) return NULL;
    const gr_layer *other = m->follow == GR_FOLLOW_RELU                                  ? k->how->relu
                            : m->follow == GR_FOLLOW_SIGMOID && stands != GR_STANDS_GATE ? k->how->sigmoid
                                                                                         : NULL;
    return other == m ? NULL : other;
}

static const gr_layer *other_norm(const converter *k, const gr_layer *m)
{
    return m->normalises == GR_NORMALISES_BATCHES && k->how->norm != m ? k->how->norm : NULL;
}

/* A copy, with `type` where the name stood alone. */
static gr_tree *as_map(converter *k, const gr_tree *t)
{
    if (t->kind != GR_TREE_TEXT) return gr__tree_copy(k->b, t);
    gr_tree *map = gr__tree_map(k->b);
    return gr__tree_put_text(k->b, map, "type", t->text) ? map : NULL;
}

/* What stands where a layer was left out, under its name: its activation, or what hands on. */
static gr_tree *in_its_place(converter *k, const gr_tree *t)
{
    static const char *const stay[] = {"name", "from"};
    const gr_tree *activation = gr__tree_get(t, "activation");
    gr_tree *made = gr__activation_none(activation) ? gr__layer_idle(k->b) : as_map(k, activation);
    for (size_t i = 0; i < GR_COUNT(stay) && made; i++) {
        const gr_tree *value = gr__tree_get(t, stay[i]);
        if (value && !gr__tree_put(k->b, made, stay[i], gr__tree_copy(k->b, value))) return NULL;
    }
    return made;
}

/* ---- what a layer's rows say: numbers and words, activations, norms, layers within ---- */

static gr_status convert_list(converter *k, gr_tree *list, const char *above, region in);
static gr_status convert_inside(converter *k, gr_tree **at, const gr_layer *m, const char *name, gr_standing stands);

static const gr_tree *row_value(converter *k, const gr_tree *layer, const gr_row *row)
{
    const gr_tree *value = gr__tree_get(layer, row->name);
    const char *usual = gr__row_default(row, k->r->preset);
    return value || !usual ? value : gr__tree_flow(k->b, usual);
}

/* A row that turns off what is not wanted; rows that do nothing then go. */
static gr_status turn_off(converter *k, gr_tree **layer, const gr_layer *m, const char *row, const char *off,
                          const char *name)
{
    const gr_tree *value = row_value(k, *layer, gr__member_row(&m->head, row));
    const char *said = gr__bump_format(k->b, "%s: %s", row, off);
    gr_tree *made = gr__tree_scalar(k->b, off);
    if (!value || !made || !said) return GR_E_MEMORY;
    if (gr__tree_equal(value, made) ||
        (gr__tree_is_number(value) && gr__tree_is_number(made) && value->number == made->number))
        return GR_OK;
    const char *was = gr__bump_format(k->b, "%s: %s", row, value->text ? value->text : "none");
    for (int i = 0; i < m->head.n_rows; i++) {
        const char *idle = m->head.rows[i].idle;
        if (idle && strcmp(idle, said) == 0 && !(*layer = gr__tree_without(k->b, *layer, m->head.rows[i].name)))
            return GR_E_MEMORY;
    }
    return gr__tree_put(k->b, *layer, row, made) ? note(k, name, was, said) : GR_E_MEMORY;
}

static gr_status put_row(converter *k, gr_tree *layer, const char *row, gr_tree *made)
{
    if (made && made->kind == GR_TREE_MAP && made->n == 1) made = gr__tree_copy(k->b, made->child[0]);
    return gr__tree_put(k->b, layer, row, made) ? GR_OK : GR_E_MEMORY;
}

/* A row that names a layer. */
static gr_status convert_row(converter *k, gr_tree *layer, const char *row, const gr_tree *value, const char *name,
                             gr_standing stands)
{
    const gr_layer *m = peek(k, value), *other;
    bool activates = strcmp(row, "activation") == 0;
    size_t before = k->n;
    gr_status st = GR_OK;
    if (!m) return GR_OK;
    gr_tree *made = as_map(k, value);
    if (!made) return GR_E_MEMORY;
    if (is_left_out(k, m)) {
        bool empty = gr__activation_none(gr__tree_get(made, "activation"));
        GR_TRY(note(k, name, m->head.name, empty ? "none" : "nothing"));
        if (empty && m->normalises) return put_row(k, layer, row, gr__tree_text(k->b, "none"));
        if (!(made = in_its_place(k, made))) GR_TRY(GR_E_MEMORY);
        if (!(m = peek(k, made))) GR_TRY(GR_E_INTERNAL);
        activates = !empty;
    }
    if ((other = other_norm(k, m)) || (activates && (other = other_activation(k, m, stands)))) {
        GR_TRY(note(k, name, m->head.name, other->head.name));
        if (!(made = gr__layer_retyped(k->b, k->r->preset, made, m, other))) GR_TRY(GR_E_MEMORY);
        m = other;
    }
    GR_TRY(convert_inside(k, &made, m, name, GR_STANDS_WITHIN));
    if (k->n != before) st = put_row(k, layer, row, made);
done:
    return st;
}

/* *at: the layer's map, which may become another one. */
static gr_status convert_inside(converter *k, gr_tree **at, const gr_layer *m, const char *name, gr_standing stands)
{
    gr_status st = GR_OK;
    if (m->inner_activation) stands = GR_STANDS_WITHIN;
    const gr_tree *earlier = NULL;
    if (k->how->drop_dropout && m->drop_rate) GR_TRY(turn_off(k, at, m, m->drop_rate, "0", name));
    if (k->how->no_norm && m->norm_choice) GR_TRY(turn_off(k, at, m, m->norm_choice, "none", name));
    gr_tree *layer = *at;
    for (int i = 0; i < m->head.n_rows; i++) {
        const gr_row *row = &m->head.rows[i];
        const gr_tree *value = row->kind == GR_ROW_TREE ? row_value(k, layer, row) : NULL;
        if (gr__tree_none(value)) continue;
        if (value->kind != GR_TREE_LIST) {
            GR_TRY(convert_row(k, layer, row->name, value, name, stands));
            continue;
        }
        gr_tree *list = gr__tree_copy(k->b, value);
        if (!list) GR_TRY(GR_E_MEMORY);
        size_t before = k->n;
        GR_TRY(convert_list(k, list, NULL, (region){.outer = name, .earlier = earlier}));
        if (k->n != before && !gr__tree_put(k->b, layer, row->name, list)) GR_TRY(GR_E_MEMORY);
        earlier = value;
    }
    const gr_tree *common = gr__member_has(&m->head, "activation") ? NULL : gr__tree_get(layer, "activation");
    if (common) st = convert_row(k, layer, "activation", common, name, stands);
done:
    return st;
}

/* ---- names ---- */

static const char *text_of(const gr_tree *map, const char *key)
{
    const gr_tree *t = gr__tree_get(map, key);
    while (t && t->kind == GR_TREE_LIST && t->n == 1) t = t->child[0];
    return t ? t->text : NULL;
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

static int alike(const converter *k, const gr_tree *list, int n, const gr_layer *m)
{
    int number = 0;
    for (int i = 0; i < n; i++) number += peek(k, list->child[i]) == m;
    return number;
}

/* A layer of a list within another one is called by type and number unless it is named; it keeps that name when its
 * type, or that of another, changes. */
static gr_status fill_name(converter *k, const walk *w, gr_tree *t, const gr_layer *m, int i)
{
    const gr_tree *earlier = w->in.earlier;
    if (!gr__tree_none(gr__tree_get(t, "name")) || (w->in.copied && w->list->n == 1)) return GR_OK;
    int number = 1 + alike(k, w->list, i, m) + (earlier ? alike(k, earlier, earlier->n, m) : 0);
    const char *name = gr__bump_format(k->b, "%s%d", m->head.name, number);
    return name && gr__tree_put_text(k->b, t, "name", name) ? GR_OK : GR_E_MEMORY;
}

static bool names(const gr_tree *from, const char *name)
{
    for (int i = 0; from && i < from->n; i++)
        if (from->child[i]->text && strcmp(from->child[i]->text, name) == 0) return true;
    return false;
}

/* Of a layer in a list within another one: a gate where one beside it multiplies by it. */
static gr_standing stands_within(const converter *k, const walk *w, const char *name)
{
    for (int i = 0; name && i < w->list->n; i++) {
        const gr_layer *m = peek(k, w->list->child[i]);
        if (m && m->multiplies && names(gr__tree_get(w->list->child[i], "from"), name)) return GR_STANDS_GATE;
    }
    return GR_STANDS_WITHIN;
}

/* ---- lists of layers ---- */

static int kept_layer(const walk *w, const char *name)
{
    for (int i = 0; name && i < w->kept->n; i++) {
        const char *other = text_of(w->kept->child[i], "name");
        if (other && strcmp(other, name) == 0) return i;
    }
    return -1;
}

/* A convolution or dense layer without biases had them in the normalisation behind it, though a pooling, say, may stand
 * between. t: the normalisation. */
static gr_status give_bias(converter *k, const walk *w, const gr_tree *t)
{
    const char *source = text_of(t, "from") ? text_of(t, "from") : w->take;
    for (int i = source ? kept_layer(w, source) : w->kept->n - 1; i >= 0;) {
        t = w->kept->child[i];
        const gr_tree *bias = gr__tree_get(t, "bias"), *from = gr__tree_get(t, "from");
        const gr_layer *m = peek(k, t);
        if (bias && bias->kind == GR_TREE_BOOL) {
            if (bias->truth) return GR_OK;
            if (!gr__tree_put(k->b, (gr_tree *)t, "bias", gr__tree_scalar(k->b, "true"))) return GR_E_MEMORY;
            return note(k, text_of(t, "name"), "bias: false", "bias: true");
        }
        bool joins = from && from->kind == GR_TREE_LIST && from->n > 1;
        if (!m || !m->transparent || joins || !gr__activation_none(gr__tree_get(t, "activation"))) return GR_OK;
        i = gr__tree_none(from) ? i - 1 : kept_layer(w, text_of(t, "from"));
    }
    return GR_OK;
}

static bool is_input(const converter *k, const char *name)
{
    for (int i = 0; i < k->r->n_inputs; i++)
        if (strcmp(k->r->input[i].name, name) == 0) return true;
    return false;
}

/* Whether what takes a layer of the network may take its source instead. An output is given by a layer; where no head
 * names it, by the last. */
static bool may_go(const converter *k, const walk *w, const char *name, const char *source)
{
    bool output = false;
    if (!name || !source || w->in.outer) return false;
    for (int h = 0; h < k->r->n_heads; h++) output |= strcmp(k->r->stack->layer[k->r->head[h].from].name, name) == 0;
    if (!output) return true;
    return !is_input(k, source) && (k->r->heads_named || (w->above && strcmp(source, w->above) == 0));
}

/* True: it is gone. Else *t stands in its place. */
static gr_status leave_out(converter *k, walk *w, const gr_layer *m, gr_tree **t, bool *gone)
{
    const char *name = text_of(*t, "name"), *own = text_of(*t, "from"),
               *source = own       ? own
                         : w->take ? w->take
                                   : w->above;
    gr_status st = note(k, name, m->head.name, "nothing");
    if (st == GR_OK && m->normalises) st = give_bias(k, w, *t);
    if (st != GR_OK) return st;
    *gone = gr__activation_none(gr__tree_get(*t, "activation")) && may_go(k, w, name, source);
    if (!*gone) return (*t = in_its_place(k, *t)) ? GR_OK : GR_E_MEMORY;
    if (own) w->take = own;
    if (!GR_ROOM(k->ctx, k->gone, k->gone_capacity, k->n_gone + 1)) return GR_E_MEMORY;
    k->gone[k->n_gone++] = (passed){name, source};
    return GR_OK;
}

static gr_status keep(converter *k, walk *w, gr_tree *t)
{
    if (w->take && !gr__tree_get(t, "from") && !gr__tree_put_text(k->b, t, "from", w->take)) return GR_E_MEMORY;
    w->take = NULL;
    w->above = text_of(t, "name");
    return gr__tree_push(k->b, w->kept, t) ? GR_OK : GR_E_MEMORY;
}

static gr_status convert_layer(converter *k, walk *w, int i)
{
    const gr_layer *m = peek(k, w->list->child[i]), *other;
    gr_tree *t = as_map(k, w->list->child[i]);
    gr_status st = GR_OK;
    if (!t) return GR_E_MEMORY;
    if (!m) return gr__tree_push(k->b, w->kept, t) ? GR_OK : GR_E_MEMORY;
    GR_TRY(w->in.outer ? fill_name(k, w, t, m, i) : redirect(k, t));
    const char *name = text_of(t, "name");
    gr_standing stands = w->in.outer ? stands_within(k, w, name) : k->stands[i];
    if (is_left_out(k, m)) {
        bool gone;
        GR_TRY(leave_out(k, w, m, &t, &gone));
        if (gone) return GR_OK;
        if (!(m = peek(k, t))) GR_TRY(GR_E_INTERNAL);
    }
    if ((other = other_norm(k, m)) || (other = other_activation(k, m, stands))) {
        GR_TRY(note(k, name, m->head.name, other->head.name));
        if (!(t = gr__layer_retyped(k->b, k->r->preset, t, m, other))) GR_TRY(GR_E_MEMORY);
        m = other;
    }
    GR_TRY(convert_inside(k, &t, m, name ? name : "", stands));
    st = keep(k, w, t);
done:
    return st;
}

/* Copies stand within lists of layers only: those of the network are unrolled. */
static gr_status convert_repeat(converter *k, walk *w, const gr_tree *was)
{
    gr_tree *t = gr__tree_copy(k->b, was), *repeat = gr__tree_get(t, "repeat"), *list = gr__tree_get(repeat, "layers");
    const char *name = text_of(repeat, "name");
    if (!list) return GR_E_MEMORY;
    gr_status st = convert_list(k, list, NULL, (region){.outer = name ? name : "repeat", .copied = true});
    return st == GR_OK && !gr__tree_push(k->b, w->kept, t) ? GR_E_MEMORY : st;
}

/* In the place of the list's own layers. */
static gr_status convert_list(converter *k, gr_tree *list, const char *above, region in)
{
    walk w = {.in = in, .list = list, .kept = gr__tree_list(k->b), .above = above};
    gr_status st = w.kept ? GR_OK : GR_E_MEMORY;
    size_t before = k->n;
    for (int i = 0; i < list->n && st == GR_OK; i++) {
        bool copies = gr__tree_get(list->child[i], "repeat") != NULL;
        st = copies ? convert_repeat(k, &w, list->child[i]) : convert_layer(k, &w, i);
    }
    for (size_t i = before; i < k->n && in.outer && st == GR_OK; i++) {
        bool joins = *in.outer && *k->change[i].layer;
        k->change[i].layer = gr__bump_format(k->b, "%s%s%s", in.outer, joins ? "." : "", k->change[i].layer);
        if (!k->change[i].layer) st = GR_E_MEMORY;
    }
    if (st != GR_OK) return st;
    list->n = 0;
    for (int i = 0; i < w.kept->n; i++)
        if (!gr__tree_push(k->b, list, w.kept->child[i])) return GR_E_MEMORY;
    return GR_OK;
}

/* ---- recipes ---- */

/* Groups of which nothing is left go too. */
static gr_status thin_groups(converter *k, gr_tree *tree, const gr_network *network)
{
    const gr_tree *groups = gr__tree_get(tree, "groups");
    gr_tree *left = gr__tree_list(k->b);
    for (int i = 0; i < groups->n; i++) {
        const char *match = text_of(groups->child[i], "match");
        if (match && gr__network_matches(network, match)) {
            if (!gr__tree_push(k->b, left, gr__tree_copy(k->b, groups->child[i]))) return GR_E_MEMORY;
        } else if (note(k, NULL, gr__bump_format(k->b, "group %s", match ? match : ""), "nothing") != GR_OK)
            return GR_E_MEMORY;
    }
    if (left && left->n == 0) left = gr__tree_text(k->b, "none");
    return gr__tree_put(k->b, tree, "groups", left) ? GR_OK : GR_E_MEMORY;
}

/* Which parameters there are now shows when the recipe is read without its groups. */
static gr_status convert_groups(converter *k, gr_tree *tree, const char *file)
{
    gr_recipe *r = NULL;
    gr_network *network = NULL;
    gr__text text;
    gr_tree *without = gr__tree_copy(k->b, tree);
    if (gr__tree_none(gr__tree_get(tree, "groups"))) return GR_OK;
    if (!gr__tree_put_text(k->b, without, "groups", "none")) return GR_E_MEMORY;
    gr__text_init(&text, k->ctx);
    gr__tree_write(without, &text, 0);
    gr_status st = text.failed ? GR_E_MEMORY : gr__recipe_from_text(k->ctx, file, ".", text.s, text.n, NULL, 0, &r);
    if (st == GR_OK) st = gr__network_make(k->ctx, r, NULL, &network);
    if (st == GR_OK) st = thin_groups(k, tree, network);
    gr__network_destroy(network);
    if (r) gr__recipe_close(k->ctx, r);
    gr__text_free(&text);
    return st;
}

gr_status gr__recipe_convert(gr_context *ctx, gr__bump *b, const gr_recipe *r, const gr_conversion *how,
                             const char *file, gr_tree **out, gr_converted **changes, size_t *n)
{
    converter k = {.ctx = ctx, .b = b, .r = r, .how = how};
    gr_tree *tree = gr__tree_copy(b, r->resolved);
    const gr_tree *heads = gr__tree_get(tree, "heads");
    gr_tree *layers = gr__tree_get(gr__tree_get(tree, "model"), "layers");
    k.stands = gr__bump_alloc(b, (size_t)r->stack->n * sizeof *k.stands);
    gr_status st = layers && k.stands ? GR_OK : GR_E_MEMORY;
    if (st == GR_OK) {
        gr__stack_standing(r, k.stands);
        st = convert_list(&k, layers, r->n_inputs == 1 ? r->input[0].name : NULL, (region){.outer = NULL});
    }
    for (int i = 0; heads && i < heads->n && st == GR_OK; i++) st = redirect(&k, heads->child[i]);
    if (st == GR_OK && k.n) st = convert_groups(&k, tree, file);
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
