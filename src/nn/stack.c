/* From a list of layers to a checked stack: repeats and parts unrolled, names given, inputs found. */
#include "nn/stack.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* A name is looked up in its own copy of a repeat, or its own part, first, then in what surrounds it. */
typedef struct scope {
    const struct scope *outer;
    const char *prefix;
    bool takes_name;        /* a copy: its only layer, unnamed, takes its name */
    const gr_tree *earlier; /* a list of the same scope, whose layers are counted first; or NULL */
} scope;

/* Where a list of layers stands, and what its first layer takes. */
typedef struct seat {
    const scope *in;
    const gr_tree *from; /* a name in `from_scope`; NULL: the layer `above`, or an input */
    const scope *from_scope;
    int above;
} seat;

enum { MAX_PARTS = 4 };

typedef struct record {
    seat seat;
    bool joins; /* parts: it takes what they give, and its settings are made */
    int part[MAX_PARTS], n_parts;
} record;

typedef struct builder {
    gr_context *ctx;
    gr__bump *b;
    gr_preset preset;
    const gr_stack_inputs *inputs;
    gr_stacked *layer;
    record *record; /* one a layer */
    size_t n, capacity, records_capacity;
    int repeats, joined;
} builder;

static const gr_row repeat_rows[] = {
    GR_ROW("times", INT, NULL, "[1,10000]", "1", "how many copies"),
    GR_ROW("layers", TREE, NULL, "a list of layers", "", "what is copied"),
    GR_ROW("name", TEXT, "none", "", "", "what the copies are called, a dot and their number from 0 after it"),
};
static const gr_member repeat = {.family = "layer",
                                 .name = "repeat",
                                 .title = "Copies of layers",
                                 .cite = "",
                                 .equations = "",
                                 GR_ROWS(repeat_rows)};

/* ---- names ---- */

gr_status gr__name_check(gr_context *ctx, const gr_tree *at, const char *whose, const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    size_t n = strlen(name);
    if (n > 0 && n <= 100 && strspn(name, allowed) == n && name[0] != '.' && name[n - 1] != '.') return GR_OK;
    return gr__tree_fail(ctx, at, GR_E_RANGE, "letters, digits, _, - and dots inside, at most 100 of them",
                         "\"%s\" cannot be %s name", name, whose);
}

/* The name that a layer's map gives it; NULL: none. */
static gr_status own_name(builder *k, const gr_tree *t, const char **out)
{
    const gr_tree *name = gr__tree_get(t, "name");
    char shown[200];
    *out = NULL;
    if (gr__tree_none(name)) return GR_OK;
    if (name->kind == GR_TREE_LIST || name->kind == GR_TREE_MAP)
        return gr__tree_fail(k->ctx, name, GR_E_TYPE, NULL, "%s is not a name",
                             gr__tree_show(name, shown, sizeof shown));
    *out = name->text;
    return gr__name_check(k->ctx, name, "a layer's", name->text);
}

static const char *join(builder *k, const char *prefix, const char *name)
{
    return gr__bump_format(k->b, "%s%s%s", prefix, *prefix && *name ? "." : "", name);
}

/* ---- unrolling ---- */

static gr_status add_layer(builder *k, const gr_layer *member, const gr_tree *t, const char *name, const seat *at)
{
    if (k->n == GR_MAX_LAYERS) return gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "more than %d layers", GR_MAX_LAYERS);
    if (!GR_ROOM(k->ctx, k->layer, k->capacity, k->n + 1) || !GR_ROOM(k->ctx, k->record, k->records_capacity, k->n + 1))
        return GR_E_MEMORY;
    k->layer[k->n] = (gr_stacked){.member = member, .at = t, .name = name};
    k->record[k->n++] = (record){.seat = *at};
    return GR_OK;
}

static gr_status unroll(builder *k, const gr_tree *list, const seat *at, int depth);

static const gr_tree *repeat_of(const gr_tree *t)
{
    return gr__tree_get(t, "repeat");
}

static const gr_tree *type_of(const gr_tree *t)
{
    return t->kind == GR_TREE_MAP ? gr__tree_get(t, "type") : t;
}

/* How many of the list's first n layers have this type. */
static int alike(const gr_tree *list, int n, const gr_tree *type)
{
    int number = 0;
    for (int j = 0; j < n; j++) {
        const gr_tree *other = repeat_of(list->child[j]) ? NULL : type_of(list->child[j]);
        number += other && type && other->text && type->text && strcmp(other->text, type->text) == 0;
    }
    return number;
}

/* A layer inside a repeat or a part, unnamed: type and number within its scope, or the copy's name if it is alone
 * there. */
static const char *inner_name(builder *k, const gr_tree *list, int i, const scope *in)
{
    const gr_tree *type = type_of(list->child[i]);
    if (in->takes_name && list->n == 1) return in->prefix;
    int number = 1 + alike(list, i, type) + (in->earlier ? alike(in->earlier, in->earlier->n, type) : 0);
    const char *text = gr__bump_format(k->b, "%s%d", type && type->text ? type->text : "", number);
    return text ? join(k, in->prefix, text) : NULL;
}

static const char *outer_prefix(const seat *at)
{
    return at->in ? at->in->prefix : "";
}

static gr_status unroll_repeat(builder *k, const gr_tree *t, const seat *at, int depth)
{
    gr_settings s;
    const char *name;
    char number[40];
    seat next = *at;
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->key[i], "repeat") != 0)
            return gr__tree_fail(k->ctx, t->child[i], GR_E_KEY, "keys of a repeat stand inside its map",
                                 "unknown key \"%s\" beside repeat", t->key[i]);
    char shown[200];
    if (repeat_of(t)->kind != GR_TREE_MAP)
        return gr__tree_fail(k->ctx, repeat_of(t), GR_E_TYPE, "such as repeat: {times: 3, layers: [...]}",
                             "%s is not a map of keys", gr__tree_show(repeat_of(t), shown, sizeof shown));
    gr_status st = gr__settings_make(k->ctx, k->b, &repeat, repeat_of(t), k->preset, NULL, &s);
    if (st == GR_OK) st = own_name(k, repeat_of(t), &name);
    if (st != GR_OK) return st;
    snprintf(number, sizeof number, "repeat%d", ++k->repeats);
    const char *prefix = join(k, outer_prefix(at), name ? name : number);
    for (int64_t i = 0; prefix && st == GR_OK && i < gr__setting_int(&s, "times"); i++) {
        scope *copy = gr__bump_alloc(k->b, sizeof *copy);
        const char *called = gr__bump_format(k->b, "%s.%lld", prefix, (long long)i);
        if (!copy || !called) return GR_E_MEMORY;
        *copy = (scope){.outer = at->in, .prefix = called, .takes_name = true};
        next.in = copy;
        st = unroll(k, gr__setting_tree(&s, "layers"), &next, depth + 1);
        next = (seat){.above = (int)k->n - 1};
    }
    return prefix ? st : GR_E_MEMORY;
}

/* The parts stand in the stack like any layers, each a chain from what the layer takes; then comes what joins them,
 * under the layer's own name. */
static gr_status unroll_parts(builder *k, const gr_layer *m, const gr_tree *t, const char *name, const seat *at,
                              int depth)
{
    gr_layer_said said, join_said;
    record r = {.seat = *at, .joins = true};
    const gr_tree *before = NULL;
    gr_status st = gr__layer_said(k->ctx, k->b, m, t, k->preset, &said);
    if (st == GR_OK && said.init)
        st = gr__tree_fail(k->ctx, said.init, GR_E_CONFLICT, "the layers inside may have init",
                           "the %s layer \"%s\" has no parameters to initialise", m->head.name, name);
    if (st == GR_OK) st = gr__layer_said(k->ctx, k->b, m->joined, NULL, k->preset, &join_said);
    for (int i = 0; m->parts[i] && st == GR_OK; i++) {
        const gr_tree *part = gr__setting_tree(&said.settings, m->parts[i]);
        scope *in = gr__bump_alloc(k->b, sizeof *in);
        if (!in) return GR_E_MEMORY;
        *in = (scope){.outer = at->in, .prefix = name, .earlier = before};
        seat first = r.seat;
        first.in = in;
        if (part) st = unroll(k, part, &first, depth + 1);
        r.part[r.n_parts++] = part ? (int)k->n - 1 : GR_MAX_LAYERS; /* the latter: what the layer takes */
        before = part && part->kind == GR_TREE_LIST ? part : before;
    }
    if (st == GR_OK) st = add_layer(k, m->joined, t, name, at);
    if (st != GR_OK) return st;
    k->record[k->n - 1] = r;
    k->layer[k->n - 1].settings = join_said.settings;
    k->layer[k->n - 1].activation = said.activation;
    return GR_OK;
}

/* What its own `from` says, of a layer with parts. */
static gr_status parts_seat(builder *k, const gr_layer *m, const gr_tree *t, seat *at)
{
    const gr_tree *from = gr__tree_get(t, "from");
    if (gr__tree_none(from)) return GR_OK;
    if (from->kind == GR_TREE_LIST && from->n != 1) return gr__layer_inputs(k->ctx, from, m, from->n);
    at->from = from->kind == GR_TREE_LIST ? from->child[0] : from;
    at->from_scope = at->in;
    return GR_OK;
}

static gr_status unroll_one(builder *k, const gr_tree *list, int i, const seat *at, int depth)
{
    const gr_tree *t = list->child[i];
    const char *name;
    char shown[200];
    seat here = *at;
    if (repeat_of(t)) return unroll_repeat(k, t, at, depth);
    if (t->kind != GR_TREE_MAP && t->kind != GR_TREE_TEXT)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "such as flatten, or {type: dense, units: 10}", "%s is not a layer",
                             gr__tree_show(t, shown, sizeof shown));
    gr_status st = own_name(k, t, &name);
    if (st != GR_OK) return st;
    if (at->in) name = name ? join(k, at->in->prefix, name) : inner_name(k, list, i, at->in);
    if (at->in && !name) return GR_E_MEMORY;
    const gr_layer *m = gr__layer_find(k->ctx, t);
    if (!m) return gr__error_code(k->ctx);
    if (!m->parts) return add_layer(k, m, t, name, &here);
    if (!name) name = gr__bump_format(k->b, "%s%d", m->head.name, ++k->joined);
    if (!name) return GR_E_MEMORY;
    st = parts_seat(k, m, t, &here);
    return st == GR_OK ? unroll_parts(k, m, t, name, &here, depth) : st;
}

static gr_status unroll(builder *k, const gr_tree *list, const seat *at, int depth)
{
    char shown[200];
    seat here = *at;
    if (list->kind != GR_TREE_LIST)
        return gr__tree_fail(k->ctx, list, GR_E_TYPE, NULL, "%s is not a list of layers",
                             gr__tree_show(list, shown, sizeof shown));
    if (list->n == 0) return gr__tree_fail(k->ctx, list, GR_E_RANGE, NULL, "there is no layer");
    if (depth > 8) return gr__tree_fail(k->ctx, list, GR_E_RANGE, NULL, "layers nested deeper than 8");
    gr_status st = GR_OK;
    for (int i = 0; i < list->n && st == GR_OK; i++) {
        st = unroll_one(k, list, i, &here, depth);
        here = (seat){.in = at->in, .above = (int)k->n - 1};
    }
    return st;
}

/* Unnamed layers outside of repeats get type and number; the number counts all layers of that type. */
static gr_status number_layers(builder *k)
{
    for (size_t i = 0; i < k->n; i++) {
        int number = 1;
        if (k->layer[i].name) continue;
        for (size_t j = 0; j < i; j++) number += k->layer[j].member == k->layer[i].member && !k->record[j].joins;
        k->layer[i].name = gr__bump_format(k->b, "%s%d", k->layer[i].member->head.name, number);
        if (!k->layer[i].name) return GR_E_MEMORY;
    }
    return GR_OK;
}

/* What a layer is called within a scope, NULL: the outermost; NULL: it stands elsewhere. */
static const char *name_within(const char *full, const scope *s)
{
    size_t n = s ? strlen(s->prefix) : 0;
    if (!s) return full;
    return strncmp(full, s->prefix, n) == 0 && full[n] == '.' ? full + n + 1 : NULL;
}

static int find_within(const builder *k, size_t before, const scope *s, const char *name)
{
    for (size_t i = 0; i < before; i++) {
        const char *called = name_within(k->layer[i].name, s);
        if (called && strcmp(called, name) == 0) return (int)i;
    }
    return -1;
}

static int find_layer(const builder *k, size_t before, const char *name)
{
    return find_within(k, before, NULL, name);
}

static gr_status unique_names(builder *k)
{
    for (size_t i = 0; i < k->n; i++) {
        const gr_tree *at = k->layer[i].at, *name = gr__tree_get(at, "name");
        if (find_layer(k, i, k->layer[i].name) >= 0)
            return gr__tree_fail(k->ctx, name ? name : at, GR_E_CONFLICT, "give it a name of its own",
                                 "two layers are called \"%s\"", k->layer[i].name);
    }
    return GR_OK;
}

/* ---- inputs ---- */

/* "inputs are image, table" */
static void hint_inputs(const builder *k)
{
    char text[256];
    size_t at = (size_t)snprintf(text, sizeof text, "the input%s", k->inputs->n > 1 ? "s are" : " is");
    for (int i = 0; i < k->inputs->n && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s %.60s", i ? "," : "", k->inputs->name[i]);
    gr__error_hint(k->ctx, "%s", text);
}

/* `from` names nothing: a slip of the pen, or what there is. */
static gr_status no_source(builder *k, size_t i, const gr_tree *t)
{
    const char *format = find_layer(k, k->n, t->text) >= 0 ? "the layer \"%s\" comes only later"
                         : i < k->n                        ? "there is no layer \"%s\" before this one"
                                                           : "there is no layer \"%s\"";
    size_t n = 0, inputs = (size_t)k->inputs->n;
    const char **names = gr__bump_alloc(k->b, sizeof *names * (i + inputs));
    if (!names) return GR_E_MEMORY;
    for (size_t j = 0; j < i; j++) names[n++] = k->layer[j].name;
    for (size_t j = 0; j < inputs && i < k->n; j++) names[n++] = k->inputs->name[j]; /* no head is an input */
    gr_status st = gr__tree_fail(k->ctx, t, GR_E_NAME, NULL, format, t->text);
    const char *near = gr__nearest(t->text, names, n);
    if (near)
        gr__error_hint(k->ctx, "did you mean \"%s\"?", near);
    else if (i == k->n)
        gr__error_hint(k->ctx, "from: the name of a layer, such as \"%s\"", k->layer[i - 1].name);
    else if (k->inputs->named)
        hint_inputs(k);
    else
        gr__error_hint(k->ctx, "`input` is the sample itself");
    return st;
}

/* i: the layer that it is for, the number of layers: a head. */
static gr_status find_source(builder *k, size_t i, const scope *from, const gr_tree *t, int *out)
{
    char shown[200];
    if (t->kind == GR_TREE_LIST || t->kind == GR_TREE_MAP || t->kind == GR_TREE_NULL)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, NULL, "%s is not the name of a layer",
                             gr__tree_show(t, shown, sizeof shown));
    for (const scope *s = from;; s = s->outer) {
        *out = find_within(k, i, s, t->text);
        if (*out >= 0) return GR_OK;
        if (!s) break;
    }
    for (int j = 0; j < k->inputs->n; j++) {
        *out = GR_FROM_INPUT - j;
        if (strcmp(t->text, k->inputs->name[j]) == 0) return GR_OK;
    }
    return no_source(k, i, t);
}

/* What a layer takes that has no `from` of its own. */
static gr_status find_above(builder *k, size_t i, int *out)
{
    const seat *at = &k->record[i].seat;
    if (at->from) return find_source(k, i, at->from_scope, at->from, out);
    *out = at->above;
    if (!gr__is_input(at->above) || k->inputs->n == 1 || k->inputs->first) return GR_OK;
    gr_status st = gr__tree_fail(k->ctx, k->layer[i].at, GR_E_MISSING, NULL,
                                 "which input the first layer takes is not said: from");
    hint_inputs(k);
    return st;
}

static gr_status connect_parts(builder *k, size_t i)
{
    const record *r = &k->record[i];
    int *index = gr__bump_alloc(k->b, (size_t)r->n_parts * sizeof *index);
    gr_status st = index ? GR_OK : GR_E_MEMORY;
    for (int j = 0; j < r->n_parts && st == GR_OK; j++) {
        index[j] = r->part[j];
        if (r->part[j] == GR_MAX_LAYERS) st = find_above(k, i, &index[j]);
    }
    k->layer[i].from = index;
    k->layer[i].n_from = r->n_parts;
    return st;
}

static gr_status connect(builder *k, size_t i)
{
    gr_stacked *l = &k->layer[i];
    const gr_tree *from = gr__tree_get(l->at, "from");
    bool list = from && from->kind == GR_TREE_LIST;
    int n = list ? from->n : 1, *index = gr__bump_alloc(k->b, (size_t)n * sizeof *index);
    gr_status st = GR_OK;
    if (k->record[i].joins) return connect_parts(k, i);
    if (!index) return GR_E_MEMORY;
    if (gr__tree_none(from)) st = find_above(k, i, &index[0]);
    for (int j = 0; !gr__tree_none(from) && j < n && st == GR_OK; j++)
        st = find_source(k, i, k->record[i].seat.in, list ? from->child[j] : from, &index[j]);
    l->from = index;
    l->n_from = n;
    return st == GR_OK ? gr__layer_inputs(k->ctx, from ? from : l->at, l->member, n) : st;
}

/* ---- settings ---- */

static gr_status check_settings(builder *k, size_t i)
{
    gr_layer_said said;
    gr_stacked *l = &k->layer[i];
    if (k->record[i].joins) return GR_OK;
    gr_status st = gr__layer_said(k->ctx, k->b, l->member, l->at, k->preset, &said);
    if (st != GR_OK) return st;
    l->settings = said.settings;
    l->activation = said.activation;
    l->init = said.init;
    return GR_OK;
}

/* Is it the layer's name, or that of a layer within it? */
static bool leads_to(const char *name, const char *layer)
{
    size_t n = layer ? strlen(layer) : 0;
    return n > 0 && strncmp(name, layer, n) == 0 && (name[n] == '\0' || name[n] == '.');
}

/* A row that names a layer: the one of the narrowest scope, in full. None: whoever builds the layer says so. */
static gr_status settle_named(builder *k, size_t i)
{
    gr_stacked *l = &k->layer[i];
    const gr_tree *t = l->member->names ? gr__setting_tree(&l->settings, l->member->names) : NULL;
    if (gr__tree_none(t)) return GR_OK;
    for (const scope *s = k->record[i].seat.in; s; s = s->outer)
        for (size_t j = 0; j < i; j++) {
            if (!leads_to(t->text, name_within(k->layer[j].name, s))) continue;
            const char *full = join(k, s->prefix, t->text);
            const gr_tree *named = full ? gr__tree_text(k->b, full) : NULL;
            if (named) gr__setting_replace(&l->settings, l->member->names, named);
            return named ? GR_OK : GR_E_MEMORY;
        }
    return GR_OK;
}

/* ---- what follows ---- */

bool gr__stacked_takes(const gr_stacked *l, int from)
{
    for (int j = 0; j < l->n_from; j++)
        if (l->from[j] == from) return true;
    return false;
}

static bool passes(const gr_stacked *l)
{
    return l->member->transparent && !l->activation;
}

/* The first reader of each layer decides; layers after it are settled already, so the walk goes backwards. */
static void settle_follow(builder *k)
{
    for (size_t i = k->n; i-- > 0;) {
        gr_stacked *l = &k->layer[i];
        size_t j = i + 1;
        while (j < k->n && !gr__stacked_takes(&k->layer[j], (int)i)) j++;
        if (j == k->n) continue;
        const gr_stacked *next = &k->layer[j];
        if (next->member->activation_only) {
            l->follow = next->member->follow;
            if (l->follow == GR_FOLLOW_LEAKY) l->slope = gr__setting_real(&next->settings, "slope");
        } else if (passes(next)) {
            l->follow = next->follow;
            l->slope = next->slope;
        }
    }
}

/* ---- the stack ---- */

static gr_status make(builder *k, const gr_tree *list)
{
    scope root = {.prefix = k->inputs->prefix, .takes_name = k->inputs->takes_prefix};
    gr_status st = unroll(k, list, &(seat){.in = root.prefix ? &root : NULL, .above = GR_FROM_INPUT}, 0);
    if (st == GR_OK) st = number_layers(k);
    if (st == GR_OK) st = unique_names(k);
    for (size_t i = 0; i < k->n && st == GR_OK; i++) st = check_settings(k, i);
    for (size_t i = 0; i < k->n && st == GR_OK; i++) st = settle_named(k, i);
    for (size_t i = 0; i < k->n && st == GR_OK; i++) st = connect(k, i);
    if (st == GR_OK) settle_follow(k);
    return st;
}

gr_status gr__stack_layers(gr_context *ctx, gr__bump *b, gr_preset preset, const gr_stack_inputs *inputs,
                           const gr_tree *list, gr_stacked **layers, int *n)
{
    builder k = {.ctx = ctx, .b = b, .preset = preset, .inputs = inputs};
    gr_status st = make(&k, list);
    gr_stacked *kept = st == GR_OK ? gr__bump_alloc(b, k.n * sizeof *kept) : NULL;
    if (st == GR_OK && !kept) st = GR_E_MEMORY;
    if (st == GR_OK) {
        memcpy(kept, k.layer, k.n * sizeof *kept);
        *layers = kept;
        *n = (int)k.n;
    }
    gr__free(ctx, k.layer, k.capacity * sizeof *k.layer);
    gr__free(ctx, k.record, k.records_capacity * sizeof *k.record);
    return st;
}

gr_status gr__stack_source(gr_context *ctx, gr__bump *b, const gr_stack *s, const gr_stack_inputs *inputs,
                           const gr_tree *t, int *out)
{
    builder k = {.ctx = ctx, .b = b, .inputs = inputs, .layer = (gr_stacked *)s->layer, .n = (size_t)s->n};
    return find_source(&k, k.n, NULL, t, out);
}
