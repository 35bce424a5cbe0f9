/* From `layers:` to a checked stack: repeats unrolled, names given, inputs found. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/reader.h"
#include "model/section.h"
#include "model/stack.h"

/* A name is looked up in its own copy of a repeat first, then in what surrounds it. */
typedef struct scope {
    const struct scope *outer;
    const char *prefix;
} scope;

typedef struct builder {
    gr_context *ctx;
    gr__bump *b;
    gr_recipe *r;
    gr_stacked *layer;
    const scope **scope; /* one a layer */
    size_t n, capacity, scopes_capacity;
    int repeats;
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

static const gr_tree *type_of(const gr_tree *t)
{
    return t->kind == GR_TREE_MAP ? gr__tree_get(t, "type") : t;
}

static gr_status find_member(builder *k, const gr_tree *t, const gr_layer **out)
{
    const gr_member *found;
    char shown[200];
    const gr_tree *type = type_of(t);
    if (!type)
        return gr__tree_fail(k->ctx, t, GR_E_MISSING, "such as {type: dense, units: 10}", "a layer needs \"type\"");
    if (type->kind != GR_TREE_TEXT)
        return gr__tree_fail(k->ctx, type, GR_E_TYPE, NULL, "%s is not the name of a layer",
                             gr__tree_show(type, shown, sizeof shown));
    gr_status st = gr__family_named(k->ctx, &gr__family_layer, "layer", type->text, type, &found);
    if (st == GR_OK) *out = (const gr_layer *)found;
    return st;
}

static gr_status add_layer(builder *k, const gr_tree *t, const char *name, const scope *in)
{
    const gr_layer *member = NULL;
    gr_status st = find_member(k, t, &member);
    if (st != GR_OK) return st;
    if (k->n == GR_MAX_LAYERS) return gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "more than %d layers", GR_MAX_LAYERS);
    if (!GR_ROOM(k->ctx, k->layer, k->capacity, k->n + 1) || !GR_ROOM(k->ctx, k->scope, k->scopes_capacity, k->n + 1))
        return GR_E_MEMORY;
    k->layer[k->n] = (gr_stacked){.member = member, .at = t, .name = name};
    k->scope[k->n++] = in;
    return GR_OK;
}

static gr_status unroll(builder *k, const gr_tree *list, const scope *in, int depth);

static const gr_tree *repeat_of(const gr_tree *t)
{
    return gr__tree_get(t, "repeat");
}

/* A layer inside a repeat, unnamed: type and number within its copy, or the copy's name if it is alone there. */
static const char *inner_name(builder *k, const gr_tree *list, int i, const char *prefix)
{
    const gr_tree *type = type_of(list->child[i]);
    int number = 1;
    char text[128];
    if (list->n == 1) return prefix;
    for (int j = 0; j < i; j++) {
        const gr_tree *other = repeat_of(list->child[j]) ? NULL : type_of(list->child[j]);
        number += other && type && other->text && type->text && strcmp(other->text, type->text) == 0;
    }
    snprintf(text, sizeof text, "%.80s%d", type && type->text ? type->text : "", number);
    return join(k, prefix, text);
}

static gr_status unroll_repeat(builder *k, const gr_tree *t, const scope *in, int depth)
{
    gr_settings s;
    const char *name;
    char number[40];
    gr_status st = GR_OK;
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->key[i], "repeat") != 0)
            return gr__tree_fail(k->ctx, t->child[i], GR_E_KEY, "keys of a repeat stand inside its map",
                                 "unknown key \"%s\" beside repeat", t->key[i]);
    if (depth == 8) return gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "repeats nested deeper than 8");
    GR_TRY(gr__section_make(k->ctx, k->b, &repeat, repeat_of(t), k->r->preset, &s));
    GR_TRY(own_name(k, repeat_of(t), &name));
    snprintf(number, sizeof number, "repeat%d", ++k->repeats);
    const char *prefix = join(k, in ? in->prefix : "", name ? name : number);
    for (int64_t i = 0; prefix && i < gr__setting_int(&s, "times"); i++) {
        scope *copy = gr__bump_alloc(k->b, sizeof *copy);
        const char *at = gr__bump_format(k->b, "%s.%lld", prefix, (long long)i);
        if (!copy || !at) return GR_E_MEMORY;
        *copy = (scope){in, at};
        GR_TRY(unroll(k, gr__setting_tree(&s, "layers"), copy, depth + 1));
    }
    if (!prefix) st = GR_E_MEMORY;
done:
    return st;
}

static gr_status unroll_one(builder *k, const gr_tree *list, int i, const scope *in, int depth)
{
    const gr_tree *t = list->child[i];
    const char *name;
    char shown[200];
    if (repeat_of(t)) return unroll_repeat(k, t, in, depth);
    if (t->kind != GR_TREE_MAP && t->kind != GR_TREE_TEXT)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "such as flatten, or {type: dense, units: 10}", "%s is not a layer",
                             gr__tree_show(t, shown, sizeof shown));
    gr_status st = own_name(k, t, &name);
    if (st != GR_OK) return st;
    if (in) name = name ? join(k, in->prefix, name) : inner_name(k, list, i, in->prefix);
    if (in && !name) return GR_E_MEMORY;
    return add_layer(k, t, name, in);
}

static gr_status unroll(builder *k, const gr_tree *list, const scope *in, int depth)
{
    char shown[200];
    if (list->kind != GR_TREE_LIST)
        return gr__tree_fail(k->ctx, list, GR_E_TYPE, NULL, "%s is not a list of layers",
                             gr__tree_show(list, shown, sizeof shown));
    if (list->n == 0) return gr__tree_fail(k->ctx, list, GR_E_RANGE, NULL, "there is no layer");
    gr_status st = GR_OK;
    for (int i = 0; i < list->n && st == GR_OK; i++) st = unroll_one(k, list, i, in, depth);
    return st;
}

/* Unnamed layers outside of repeats get type and number; the number counts all layers of that type. */
static gr_status number_layers(builder *k)
{
    for (size_t i = 0; i < k->n; i++) {
        int number = 1;
        if (k->layer[i].name) continue;
        for (size_t j = 0; j < i; j++) number += k->layer[j].member == k->layer[i].member;
        k->layer[i].name = gr__bump_format(k->b, "%s%d", k->layer[i].member->head.name, number);
        if (!k->layer[i].name) return GR_E_MEMORY;
    }
    return GR_OK;
}

static int find_layer(const builder *k, size_t before, const char *name)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(k->layer[i].name, name) == 0) return (int)i;
    return -1;
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
    size_t at = (size_t)snprintf(text, sizeof text, "the input%s", k->r->n_inputs > 1 ? "s are" : " is");
    for (int i = 0; i < k->r->n_inputs && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s %.60s", i ? "," : "", k->r->input[i].name);
    gr__error_hint(k->ctx, "%s", text);
}

/* `from` names nothing: a slip of the pen, or what there is. */
static gr_status no_source(builder *k, size_t i, const gr_tree *t)
{
    const char *format = find_layer(k, k->n, t->text) >= 0 ? "the layer \"%s\" comes only later"
                         : i < k->n                        ? "there is no layer \"%s\" before this one"
                                                           : "there is no layer \"%s\"";
    size_t n = 0, inputs = (size_t)k->r->n_inputs;
    const char **names = gr__bump_alloc(k->b, sizeof *names * (i + inputs));
    if (!names) return GR_E_MEMORY;
    for (size_t j = 0; j < i; j++) names[n++] = k->layer[j].name;
    for (size_t j = 0; j < inputs && i < k->n; j++) names[n++] = k->r->input[j].name; /* no head is an input */
    gr_status st = gr__tree_fail(k->ctx, t, GR_E_NAME, k->r->inputs_named ? NULL : "`input` is the sample itself",
                                 format, t->text);
    const char *near = gr__nearest(t->text, names, n);
    if (near)
        gr__error_hint(k->ctx, "did you mean \"%s\"?", near);
    else if (i == k->n)
        gr__error_hint(k->ctx, "from: the name of a layer, such as \"%s\"", k->layer[i - 1].name);
    else if (k->r->inputs_named)
        hint_inputs(k);
    return st;
}

/* i: the layer that it is for, the number of layers: a head. */
static gr_status find_source(builder *k, size_t i, const gr_tree *t, int *out)
{
    char name[400], shown[200];
    if (t->kind == GR_TREE_LIST || t->kind == GR_TREE_MAP || t->kind == GR_TREE_NULL)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, NULL, "%s is not the name of a layer",
                             gr__tree_show(t, shown, sizeof shown));
    for (const scope *s = i < k->n ? k->scope[i] : NULL;; s = s->outer) {
        snprintf(name, sizeof name, "%s%s%s", s ? s->prefix : "", s ? "." : "", t->text);
        *out = find_layer(k, i, name);
        if (*out >= 0) return GR_OK;
        if (!s) break;
    }
    for (int j = 0; j < k->r->n_inputs; j++) {
        *out = GR_FROM_INPUT - j;
        if (strcmp(t->text, k->r->input[j].name) == 0) return GR_OK;
    }
    return no_source(k, i, t);
}

static gr_status connect(builder *k, size_t i)
{
    gr_stacked *l = &k->layer[i];
    const gr_tree *from = gr__tree_get(l->at, "from");
    bool list = from && from->kind == GR_TREE_LIST;
    int n = list ? from->n : 1, *index = gr__bump_alloc(k->b, (size_t)n * sizeof *index);
    gr_status st = GR_OK;
    if (!index) return GR_E_MEMORY;
    if (gr__tree_none(from) && i == 0 && k->r->n_inputs > 1) {
        st = gr__tree_fail(k->ctx, l->at, GR_E_MISSING, NULL, "which input the first layer takes is not said: from");
        hint_inputs(k);
        return st;
    }
    if (gr__tree_none(from))
        index[0] = (int)i - 1; /* the first layer's is GR_FROM_INPUT */
    else
        for (int j = 0; j < n && st == GR_OK; j++) st = find_source(k, i, list ? from->child[j] : from, &index[j]);
    l->from = index;
    l->n_from = n;
    if (st != GR_OK || (n >= l->member->min_inputs && n <= l->member->max_inputs)) return st;
    return gr__tree_fail(
        k->ctx, from ? from : l->at, GR_E_CONFLICT, l->member->min_inputs > 1 ? "name them: from: [a, b]" : NULL,
        "%s takes %s%d input%s, not %d", l->member->head.name,
        l->member->min_inputs == l->member->max_inputs ? ""
        : n < l->member->min_inputs                    ? "at least "
                                                       : "at most ",
        n < l->member->min_inputs ? l->member->min_inputs : l->member->max_inputs,
        (n < l->member->min_inputs ? l->member->min_inputs : l->member->max_inputs) == 1 ? "" : "s", n);
}

/* ---- settings ---- */

static gr_status check_settings(builder *k, gr_stacked *l)
{
    const char *also[16];
    size_t n = 0;
    while (gr__layer_common_keys[n] && n + 2 < GR_COUNT(also)) also[n] = gr__layer_common_keys[n], n++;
    bool own = gr__member_has(&l->member->head, "activation");
    if (!own) also[n++] = "activation";
    also[n] = NULL;
    gr_status st = gr__settings_make(k->ctx, k->b, &l->member->head, l->at, k->r->preset, also, &l->settings);
    if (st != GR_OK) return st;
    const gr_tree *init = gr__tree_get(l->at, "init");
    if (!own) l->activation = gr__tree_get(l->at, "activation");
    if (gr__activation_none(l->activation)) l->activation = NULL;
    if (gr__tree_none(init)) return GR_OK;
    gr_tree *checked;
    l->init = init;
    return gr__init_resolve_own(k->ctx, k->b, init, k->r->preset, &checked);
}

/* ---- what follows ---- */

static bool reads(const gr_stacked *l, int i)
{
    for (int j = 0; j < l->n_from; j++)
        if (l->from[j] == i) return true;
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
        while (j < k->n && !reads(&k->layer[j], (int)i)) j++;
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

/* The layer that gives a head's sums; of two heads that share it, the first one's. */
static void settle_last(builder *k, int head)
{
    int i = k->r->head[head].from;
    while (i >= 0 && (k->layer[i].member->activation_only || k->layer[i].member->transparent)) i = k->layer[i].from[0];
    if (i < 0 || k->layer[i].last) return;
    k->layer[i].last = true;
    k->layer[i].head = head;
}

static gr_status find_heads(builder *k)
{
    gr_status st = GR_OK;
    for (int h = 0; h < k->r->n_heads && st == GR_OK; h++) {
        gr_head *head = &k->r->head[h];
        head->from = (int)k->n - 1;
        if (head->from_at) st = find_source(k, k->n, head->from_at, &head->from);
        if (st == GR_OK && gr__is_input(head->from))
            st = gr__tree_fail(k->ctx, head->from_at, GR_E_CONFLICT, "from: a layer",
                               "the head \"%s\" is an input: there is nothing to train", head->name);
        if (st == GR_OK) settle_last(k, h);
    }
    return st;
}

/* An input that nobody takes is a mistake; so is a layer of its name, since `from` could mean either. */
static gr_status check_inputs(const builder *k)
{
    for (int i = 0; i < k->r->n_inputs; i++) {
        const gr_model_input *in = &k->r->input[i];
        bool taken = false;
        for (size_t j = 0; j < k->n; j++) taken |= reads(&k->layer[j], GR_FROM_INPUT - i);
        if (k->r->inputs_named && find_layer(k, k->n, in->name) >= 0)
            return gr__tree_fail(k->ctx, in->at, GR_E_CONFLICT, "give one of them another name",
                                 "an input and a layer are called \"%s\"", in->name);
        if (k->r->inputs_named && !taken)
            return gr__tree_fail(k->ctx, in->at, GR_E_CONFLICT, "a layer's `from` names it, or leave it out",
                                 "no layer takes the input \"%s\"", in->name);
    }
    return GR_OK;
}

const char *gr__stack_ends_with(const gr_stack *s, int from, const gr_tree **at)
{
    for (int i = from; i >= 0; i = s->layer[i].from[0]) {
        const gr_stacked *l = &s->layer[i];
        const gr_tree *a = l->activation ? l->activation
                           : gr__member_has(&l->member->head, "activation")
                               ? gr__setting_tree(&l->settings, "activation")
                               : NULL;
        const gr_tree *type = a ? type_of(a) : NULL;
        *at = a ? a : l->at;
        if (type && !gr__activation_none(type) && type->kind == GR_TREE_TEXT) return type->text;
        if (l->member->activation_only) return l->member->head.name;
        if (!l->member->transparent) break;
    }
    return "";
}

gr_status gr__stack_make(gr_context *ctx, gr__bump *b, gr_recipe *r, const gr_tree *list, gr_stack *out)
{
    builder k = {.ctx = ctx, .b = b, .r = r};
    gr_status st = unroll(&k, list, NULL, 0);
    if (st != GR_OK) goto done;
    GR_TRY(number_layers(&k));
    GR_TRY(unique_names(&k));
    for (size_t i = 0; i < k.n && st == GR_OK; i++) st = check_settings(&k, &k.layer[i]);
    for (size_t i = 0; i < k.n && st == GR_OK; i++) st = connect(&k, i);
    if (st != GR_OK) goto done;
    GR_TRY(check_inputs(&k));
    settle_follow(&k);
    GR_TRY(find_heads(&k));
    gr_stacked *kept = gr__bump_alloc(b, k.n * sizeof *kept);
    if (!kept) GR_TRY(GR_E_MEMORY);
    memcpy(kept, k.layer, k.n * sizeof *kept);
    *out = (gr_stack){kept, (int)k.n};
done:
    gr__free(ctx, k.layer, k.capacity * sizeof *k.layer);
    gr__free(ctx, k.scope, k.scopes_capacity * sizeof *k.scope);
    return st;
}

/* ---- the resolved list ---- */

static gr_tree *from_tree(gr__bump *b, const gr_recipe *r, const gr_stacked *l)
{
    gr_tree *list = gr__tree_list(b);
    for (int i = 0; i < l->n_from; i++) {
        int from = l->from[i];
        const char *name = gr__is_input(from) ? r->input[gr__input_of(from)].name : r->stack->layer[from].name;
        if (!gr__tree_push(b, list, gr__tree_text(b, name))) return NULL;
    }
    return list;
}

/* Is it the layer above, or the only input, which need not be said? */
static bool takes_what_is_above(const gr_recipe *r, const gr_stacked *l, int i)
{
    return l->n_from == 1 && l->from[0] == i - 1 && (i > 0 || r->n_inputs == 1);
}

static gr_tree *layer_tree(gr__bump *b, const gr_recipe *r, int i)
{
    const gr_stacked *l = &r->stack->layer[i];
    gr_tree *t = gr__settings_tree(b, &l->settings);
    if (l->activation && !gr__tree_put(b, t, "activation", gr__tree_copy(b, l->activation))) return NULL;
    if (!gr__tree_put(b, t, "name", gr__tree_text(b, l->name))) return NULL;
    if (!takes_what_is_above(r, l, i) && !gr__tree_put(b, t, "from", from_tree(b, r, l))) return NULL;
    if (l->init && !gr__tree_put(b, t, "init", gr__tree_copy(b, l->init))) return NULL;
    return t;
}

gr_tree *gr__stack_tree(gr__bump *b, const gr_recipe *r)
{
    gr_tree *list = gr__tree_list(b);
    for (int i = 0; i < r->stack->n; i++)
        if (!gr__tree_push(b, list, layer_tree(b, r, i))) return NULL;
    return list;
}
