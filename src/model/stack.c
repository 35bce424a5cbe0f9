/* A recipe's stack: its inputs taken, its heads found, and the list of its layers as it is resolved. */
#include "model/stack.h"

#include <string.h>

typedef struct maker {
    gr_context *ctx;
    gr__bump *b;
    gr_recipe *r;
    gr_stack_inputs inputs;
    gr_stacked *layer;
    int n;
} maker;

/* Does what it gives come from one layer, each number from one? */
static bool hands_on(const gr_stacked *l)
{
    return l->n_from == 1 && (l->member->activation_only || l->member->transparent);
}

/* The layer that gives a head's sums; of two heads that share it, the first one's. */
static void settle_last(maker *k, int head)
{
    int i = k->r->head[head].from;
    while (i >= 0 && hands_on(&k->layer[i])) i = k->layer[i].from[0];
    if (i < 0 || k->layer[i].last) return;
    k->layer[i].last = true;
    k->layer[i].head = head;
}

static gr_status find_heads(maker *k)
{
    const gr_stack s = {k->layer, k->n};
    gr_status st = GR_OK;
    for (int h = 0; h < k->r->n_heads && st == GR_OK; h++) {
        gr_head *head = &k->r->head[h];
        head->from = k->n - 1;
        if (head->from_at) st = gr__stack_source(k->ctx, k->b, &s, &k->inputs, head->from_at, &head->from);
        if (st == GR_OK && gr__is_input(head->from))
            st = gr__tree_fail(k->ctx, head->from_at, GR_E_CONFLICT, "from: a layer",
                               "the head \"%s\" is an input: there is nothing to train", head->name);
        if (st == GR_OK) settle_last(k, h);
    }
    return st;
}

/* An input that nobody takes is a mistake; so is a layer of its name, since `from` could mean either. */
static gr_status check_inputs(const maker *k)
{
    for (int i = 0; i < k->r->n_inputs; i++) {
        const gr_model_input *in = &k->r->input[i];
        bool taken = false, layer = false;
        for (int j = 0; j < k->n; j++) taken |= gr__stacked_takes(&k->layer[j], GR_FROM_INPUT - i);
        for (int j = 0; j < k->n; j++) layer |= strcmp(k->layer[j].name, in->name) == 0;
        if (k->r->inputs_named && layer)
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
                           : !l->member->inner_activation && gr__member_has(&l->member->head, "activation")
                               ? gr__setting_tree(&l->settings, "activation")
                               : NULL;
        const gr_tree *type = a && a->kind == GR_TREE_MAP ? gr__tree_get(a, "type") : a;
        *at = a ? a : l->at;
        if (type && !gr__activation_none(type) && type->kind == GR_TREE_TEXT) return type->text;
        if (l->member->activation_only) return l->member->head.name;
        if (!hands_on(l)) break;
    }
    return "";
}

static bool passes(const gr_stacked *l)
{
    return l->member->transparent && !l->activation;
}

static bool is_gate(const gr_stack *s, int i, const gr_standing *stands)
{
    int takers = 0;
    for (int k = i + 1; k < s->n; k++) {
        const gr_stacked *l = &s->layer[k];
        if (!gr__stacked_takes(l, i)) continue;
        if (!l->member->multiplies && !(passes(l) && stands[k] == GR_STANDS_GATE)) return false;
        takers++;
    }
    return takers > 0;
}

/* Backwards, so that all that takes a layer is settled before it. */
void gr__stack_standing(const gr_recipe *r, gr_standing *stands)
{
    const gr_stack *s = r->stack;
    for (int i = 0; i < s->n; i++) stands[i] = GR_STANDS_WITHIN;
    for (int h = 0; h < r->n_heads; h++) stands[r->head[h].from] = GR_STANDS_OUTPUT;
    for (int i = s->n - 1; i >= 0; i--) {
        const gr_stacked *l = &s->layer[i];
        if (stands[i] == GR_STANDS_WITHIN && is_gate(s, i, stands)) stands[i] = GR_STANDS_GATE;
        for (int j = 0; j < l->n_from && stands[i] == GR_STANDS_OUTPUT && passes(l); j++)
            if (!gr__is_input(l->from[j])) stands[l->from[j]] = GR_STANDS_OUTPUT;
    }
}

gr_status gr__stack_make(gr_context *ctx, gr__bump *b, gr_recipe *r, const gr_tree *list, gr_stack *out)
{
    const char *names[GR_MAX_INPUTS];
    maker k = {.ctx = ctx, .b = b, .r = r, .inputs = {.name = names, .n = r->n_inputs, .named = r->inputs_named}};
    for (int i = 0; i < r->n_inputs; i++) names[i] = r->input[i].name;
    gr_status st = gr__stack_layers(ctx, b, r->preset, &k.inputs, list, &k.layer, &k.n);
    if (st == GR_OK) st = check_inputs(&k);
    if (st == GR_OK) st = gr__stack_settle_indices(ctx, r, k.layer, (size_t)k.n);
    if (st == GR_OK) st = find_heads(&k);
    if (st == GR_OK) *out = (gr_stack){k.layer, k.n};
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
