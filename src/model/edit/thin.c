/* Which channels of which layers come from which filters. Layers say what they do with channels (gr_layer.channels);
 * what wants all of them holds the convolutions that they come from. */
#include "model/edit/thin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/block.h"
#include "plan/store.h"

/* ---- flows ---- */

bool gr__channel_stays(const gr_tracing *f, const gr_flow *flow, int64_t k)
{
    const gr_channel *c = flow->channel ? &flow->channel[k] : NULL;
    return !c || c->bank < 0 || !f->bank[c->bank].gone[c->filter];
}

int64_t gr__flow_kept(const gr_tracing *f, const gr_flow *flow)
{
    int64_t kept = 0;
    for (int64_t k = 0; k < flow->n; k++) kept += gr__channel_stays(f, flow, k);
    return kept;
}

static gr_channel channel_of(const gr_flow *flow, int64_t k)
{
    return flow->channel ? flow->channel[k] : (gr_channel){.bank = -1};
}

/* A flow of n channels, of which the k-th is that of `from` at k / times or, wrapped, k % from->n. */
static gr_status spread(gr_tracing *f, const gr_flow *from, int64_t n, int64_t times, gr_flow *out)
{
    gr_channel *to = gr__bump_alloc(f->memory, sizeof *to * (size_t)GR_MAX(n, 1));
    if (!to) return GR_E_MEMORY;
    for (int64_t k = 0; k < n; k++) to[k] = channel_of(from, times ? k / times : k % from->n);
    *out = (gr_flow){to, n};
    return GR_OK;
}

static void hold(gr_tracing *f, const gr_flow *flow, const char *why)
{
    for (int64_t k = 0; flow->channel && k < flow->n; k++) {
        gr_bank *b = flow->channel[k].bank < 0 ? NULL : &f->bank[flow->channel[k].bank];
        if (b && !b->held) b->held = why;
    }
}

static gr_status cut(gr_tracing *f, const char *name, int axis, const gr_flow *by)
{
    if (!by->channel) return GR_OK;
    if (!GR_ROOM(f->ctx, f->cut, f->cuts_room, f->n_cuts + 1)) return GR_E_MEMORY;
    f->cut[f->n_cuts++] = (gr_cut_axis){name, axis, *by};
    return GR_OK;
}

/* ---- parameters ---- */

static bool is_of(const char *name, const char *layer, const char *suffix)
{
    size_t n = strlen(layer);
    return strncmp(name, layer, n) == 0 && name[n] == '.' && strcmp(name + n + 1, suffix) == 0;
}

static const gr_param_info *param_of(const gr_tracing *f, const char *layer, const char *suffix)
{
    size_t n;
    const gr_param_info *p = gr__network_params(f->network, &n);
    for (size_t i = 0; i < n; i++)
        if (is_of(p[i].entry.name, layer, suffix)) return &p[i];
    return NULL;
}

static gr_status cut_numbers(gr_tracing *f, const gr_entry_spec *e, const char *layer, const gr_flow *by)
{
    bool one = e->shape.rank == 1 && e->shape.dim[0] == by->n;
    return one && gr__is_of_layer(e->name, layer) ? cut(f, e->name, 0, by) : GR_OK;
}

/* A number a channel that a layer, or its activation, keeps. */
static gr_status cut_each(gr_tracing *f, const char *layer, const gr_flow *by)
{
    size_t n, n_states;
    const gr_param_info *p = gr__network_params(f->network, &n);
    const gr_entry_spec *states = gr__network_states(f->network, &n_states);
    gr_status st = GR_OK;
    for (size_t i = 0; i < n && st == GR_OK; i++) st = cut_numbers(f, &p[i].entry, layer, by);
    for (size_t i = 0; i < n_states && st == GR_OK; i++) st = cut_numbers(f, &states[i], layer, by);
    return st;
}

static gr_status cut_weight(gr_tracing *f, const char *layer, const gr_flow *in, const gr_flow *out)
{
    const gr_param_info *w = param_of(f, layer, "weight"), *bias = param_of(f, layer, "bias");
    gr_status st = w ? GR_OK : GR_E_INTERNAL;
    if (st == GR_OK && in) st = cut(f, w->entry.name, w->entry.shape.rank - 1, in);
    if (st == GR_OK && out) st = cut(f, w->entry.name, 0, out);
    if (st == GR_OK && out && bias) st = cut(f, bias->entry.name, 0, out);
    return st;
}

/* ---- layers ---- */

typedef struct at { /* a layer being traced */
    const gr_stacked *l;
    int index;
    gr_shape shape; /* of what it gives, samples included */
    const gr_flow *in[64];
    int n_in, rank; /* rank: of a sample of the first */
} at;

static int64_t last_of(const at *a)
{
    return a->shape.rank > 1 ? a->shape.dim[a->shape.rank - 1] : 1;
}

/* Whether 0 goes through what the layer applies at its end. */
static bool activation_keeps(gr_tracing *f, const at *a, const char **called)
{
    bool own = gr__member_has(&a->l->member->head, "activation");
    const gr_tree *t = own ? gr__setting_tree(&a->l->settings, "activation") : a->l->activation;
    if (gr__activation_none(t)) return true;
    const gr_layer *m = gr__layer_find(f->ctx, t);
    *called = m ? m->head.name : "its activation";
    return m && m->channels == GR_CHANNELS_EACH;
}

static gr_status hold_inputs(gr_tracing *f, const at *a, const char *format, const char *word)
{
    const char *why = gr__bump_format(f->memory, format, a->l->name, word);
    if (!why) return GR_E_MEMORY;
    for (int i = 0; i < a->n_in; i++) hold(f, a->in[i], why);
    f->flow[a->index] = (gr_flow){NULL, last_of(a)};
    return GR_OK;
}

static gr_status want_all(gr_tracing *f, const at *a)
{
    return hold_inputs(f, a, "it goes into %s, and %s takes all channels", a->l->member->head.name);
}

static bool one_each(const at *a)
{
    const gr_tree *t = gr__setting_tree(&a->l->settings, "groups");
    int64_t groups;
    if (t && !gr__tree_int(t, &groups)) return true; /* depthwise */
    return t && groups > 1 && groups == a->in[0]->n;
}

static bool in_groups(const at *a)
{
    const gr_tree *t = gr__setting_tree(&a->l->settings, "groups");
    int64_t groups = 1;
    return t && gr__tree_int(t, &groups) && groups > 1;
}

/* Filters of its own; n of them. */
static gr_status add_bank(gr_tracing *f, const at *a, const char *name, int64_t n, const char *held, gr_flow *out)
{
    gr_channel *c = gr__bump_alloc(f->memory, sizeof *c * (size_t)n);
    bool *gone = gr__bump_alloc(f->memory, sizeof *gone * (size_t)n);
    if (!c || !gone) return GR_E_MEMORY;
    for (int64_t k = 0; k < n; k++) c[k] = (gr_channel){f->n_banks, k};
    memset(gone, 0, sizeof *gone * (size_t)n);
    if (!GR_ROOM(f->ctx, f->bank, f->banks_room, f->n_banks + 1)) return GR_E_MEMORY;
    f->bank[f->n_banks++] = (gr_bank){.layer = a->index, .name = name, .filters = n, .held = held, .gone = gone};
    *out = (gr_flow){c, n};
    return GR_OK;
}

static gr_status begin_bank(gr_tracing *f, const at *a, const char *held)
{
    return add_bank(f, a, a->l->name, last_of(a), held, &f->flow[a->index]);
}

static gr_status trace_filters(gr_tracing *f, const at *a)
{
    const char *word = NULL, *held = NULL;
    gr_flow *out = &f->flow[a->index];
    gr_status st = GR_OK;
    if (!activation_keeps(f, a, &word) && !(held = gr__bump_format(f->memory, "%s makes something of 0", word)))
        return GR_E_MEMORY;
    if (one_each(a)) {
        if (held) return hold_inputs(f, a, "it goes into %s, whose %s makes something of 0", word);
        GR_TRY(spread(f, a->in[0], last_of(a), last_of(a) / a->in[0]->n, out));
        GR_TRY(cut_weight(f, a->l->name, NULL, out));
    } else if (in_groups(a)) {
        GR_TRY(hold_inputs(f, a, "it goes into %s, whose groups are of equal size%s", ""));
        GR_TRY(begin_bank(f, a, "its groups are of equal size"));
        return st;
    } else {
        GR_TRY(begin_bank(f, a, held));
        GR_TRY(cut_weight(f, a->l->name, a->in[0], out));
    }
    const char *activation = gr__bump_format(f->memory, "%s.activation", a->l->name);
    st = activation ? cut_each(f, activation, out) : GR_E_MEMORY;
done:
    return st;
}

static gr_status trace_each(gr_tracing *f, const at *a)
{
    const char *word = NULL, *activation = gr__bump_format(f->memory, "%s.activation", a->l->name);
    if (!activation_keeps(f, a, &word))
        return hold_inputs(f, a, "it goes into %s, whose %s makes something of 0", word);
    f->flow[a->index] = *a->in[0];
    gr_status st = activation ? cut_each(f, a->l->name, a->in[0]) : GR_E_MEMORY;
    return st == GR_OK ? cut_each(f, activation, a->in[0]) : st;
}

static gr_status trace_beside(gr_tracing *f, const at *a)
{
    const gr_tree *axis = gr__setting_tree(&a->l->settings, "axis");
    int64_t n = 0, along;
    const char *word = NULL;
    if (axis && gr__tree_int(axis, &along) && along != a->shape.rank - 2) return want_all(f, a);
    if (!activation_keeps(f, a, &word))
        return hold_inputs(f, a, "it goes into %s, whose %s makes something of 0", word);
    gr_channel *c = gr__bump_alloc(f->memory, sizeof *c * (size_t)GR_MAX(last_of(a), 1));
    if (!c) return GR_E_MEMORY;
    for (int i = 0; i < a->n_in; i++)
        for (int64_t k = 0; k < a->in[i]->n && n < last_of(a); k++) c[n++] = channel_of(a->in[i], k);
    f->flow[a->index] = (gr_flow){c, n};
    return GR_OK;
}

static bool keeps_zero(gr_tracing *f, const gr_tree *t)
{
    const gr_layer *m = gr__activation_none(t) ? NULL : gr__layer_find(f->ctx, t);
    return gr__activation_none(t) || (m && m->channels == GR_CHANNELS_EACH);
}

/* What stands behind a convolution within a block goes with its filters. */
static gr_status cut_behind(gr_tracing *f, const char *layer, const char *const *names, const gr_flow *by)
{
    gr_status st = GR_OK;
    for (; *names && st == GR_OK; names++) {
        const char *full = gr__bump_format(f->memory, "%s.%s", layer, *names);
        st = full ? cut_each(f, full, by) : GR_E_MEMORY;
    }
    return st;
}

/* Convolutions within a block whose filters only the block itself takes. */
static gr_status trace_inside(gr_tracing *f, const at *a, const gr__block_bank *b)
{
    const gr_settings *s = &a->l->settings;
    const char *name = gr__bump_format(f->memory, "%s.%s", a->l->name, b->conv),
               *next = gr__bump_format(f->memory, "%s.%s", a->l->name, b->next),
               *depth = b->depth ? gr__bump_format(f->memory, "%s.%s", a->l->name, b->depth) : NULL;
    const char *const behind[] = {b->norm, b->activation, NULL}, *const deep[] = {b->depth_norm, b->depth_activation,
                                                                                  NULL};
    bool sound = keeps_zero(f, gr__setting_tree(s, "norm")) && keeps_zero(f, gr__setting_tree(s, "activation"));
    const char *held = b->held  ? "something within its block takes all channels"
                       : !sound ? "the norm or the activation of its block takes all channels, or makes something of 0"
                                : NULL;
    gr_flow flow;
    gr_status st = name && next && (depth || !b->depth) ? GR_OK : GR_E_MEMORY;
    GR_TRY(st);
    GR_TRY(add_bank(f, a, name, param_of(f, name, "weight")->entry.shape.dim[0], held, &flow));
    f->bank[f->n_banks - 1].inside = b->conv;
    if (held) return GR_OK;
    GR_TRY(cut_weight(f, name, NULL, &flow));
    GR_TRY(cut_behind(f, a->l->name, behind, &flow));
    if (depth) GR_TRY(cut_weight(f, depth, NULL, &flow));
    if (depth) GR_TRY(cut_behind(f, a->l->name, deep, &flow));
    st = cut_weight(f, next, &flow, NULL);
done:
    return st;
}

static gr_status trace_block(gr_tracing *f, const at *a)
{
    gr__block_bank bank[GR__BLOCK_BANKS];
    int n = gr__block_banks(a->l->member, &a->l->settings, a->in[0]->n, bank);
    gr_status st = want_all(f, a);
    for (int i = 0; i < n && st == GR_OK; i++) st = trace_inside(f, a, &bank[i]);
    return st;
}

static gr_status trace_layer(gr_tracing *f, const at *a)
{
    const gr_layer *m = a->l->member;
    bool named = m->names && !gr__tree_none(gr__setting_tree(&a->l->settings, m->names));
    switch (named ? GR_CHANNELS_ALL : m->channels) {
    case GR_CHANNELS_EACH:
        return trace_each(f, a);
    case GR_CHANNELS_FLAT: /* of pictures all places of a channel, then those of the next */
        return spread(f, a->in[0], last_of(a), a->rank == 3 ? last_of(a) / a->in[0]->n : 0, &f->flow[a->index]);
    case GR_CHANNELS_BESIDE:
        return trace_beside(f, a);
    case GR_CHANNELS_SUMMED:
        f->flow[a->index] = (gr_flow){NULL, last_of(a)};
        return cut_weight(f, a->l->name, a->in[0], NULL);
    case GR_CHANNELS_FILTERED:
        return trace_filters(f, a);
    default:
        return trace_block(f, a);
    }
}

/* Of what the layer takes. */
static gr_status find_inputs(gr_tracing *f, const gr_graph *g, const gr_val *layers, at *a)
{
    a->n_in = a->l->n_from;
    if (a->n_in > (int)GR_COUNT(a->in))
        return gr__fail(f->ctx, GR_E_UNSUPPORTED, "%s joins more than %d layers", a->l->name, (int)GR_COUNT(a->in));
    for (int i = 0; i < a->n_in; i++) {
        int from = a->l->from[i];
        if (i == 0)
            a->rank = gr__is_input(from) ? f->r->input[gr__input_of(from)].sample.rank
                                         : gr_shape_of(g, layers[from]).rank - 1;
        if (!gr__is_input(from)) {
            a->in[i] = &f->flow[from];
            continue;
        }
        gr_shape s = f->r->input[gr__input_of(from)].sample;
        gr_flow *flow = gr__bump_alloc(f->memory, sizeof *flow);
        if (!flow) return GR_E_MEMORY;
        *flow = (gr_flow){NULL, s.rank ? s.dim[s.rank - 1] : 1};
        a->in[i] = flow;
    }
    return GR_OK;
}

static gr_status trace_all(gr_tracing *f, const gr_graph *g, const gr_val *layers)
{
    gr_status st = GR_OK;
    for (int i = 0; i < f->r->stack->n && st == GR_OK; i++) {
        at a = {.l = &f->r->stack->layer[i], .index = i, .shape = gr_shape_of(g, layers[i])};
        st = find_inputs(f, g, layers, &a);
        if (st == GR_OK) st = trace_layer(f, &a);
    }
    for (int h = 0; h < f->r->n_heads && st == GR_OK; h++)
        hold(f, &f->flow[f->r->head[h].from], "it gives an output of the network");
    return st;
}

gr_status gr__tracing_make(gr_context *ctx, gr__bump *b, const gr_recipe *r, const gr_network *n, gr_tracing *out)
{
    size_t layers = (size_t)r->stack->n;
    gr_graph *g = NULL;
    gr_network_values v;
    gr_network_options o = {.sketch = true};
    *out = (gr_tracing){.ctx = ctx, .memory = b, .r = r, .network = n};
    gr_status st = GR_OK;
    out->flow = gr__bump_alloc(b, sizeof *out->flow * (layers + 1));
    o.layers = gr__bump_alloc(b, sizeof *o.layers * (layers + 1));
    if (!out->flow || !o.layers) return GR_E_MEMORY;
    GR_TRY(gr_graph_create(ctx, &g));
    GR_TRY(gr__network_build_with(n, g, GR_MODE_EVALUATE, 1, false, &o, &v));
    st = trace_all(out, g, o.layers);
done:
    gr_graph_destroy(g);
    return st;
}

void gr__tracing_close(gr_tracing *f)
{
    if (!f->ctx) return;
    gr__free(f->ctx, f->cut, f->cuts_room * sizeof *f->cut);
    gr__free(f->ctx, f->bank, f->banks_room * sizeof *f->bank);
    f->cut = NULL;
    f->bank = NULL;
}

/* ---- which of them go ---- */

typedef struct ranked {
    double norm;
    int64_t filter;
} ranked;

static int by_norm(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->norm != y->norm) return x->norm < y->norm ? -1 : 1;
    return (x->filter > y->filter) - (x->filter < y->filter);
}

static gr_status choose(gr_tracing *f, gr_bank *bank, const gr_store *s, double share)
{
    const gr_param_info *p = param_of(f, bank->name, "weight");
    const gr_entry *w = gr_store_find(s, p->entry.name);
    ranked *order = gr__bump_alloc(f->memory, sizeof *order * (size_t)bank->filters);
    int64_t each = w->count / bank->filters;
    double x;
    if (!order) return GR_E_MEMORY;
    for (int64_t k = 0; k < bank->filters; k++) {
        order[k] = (ranked){0, k};
        for (int64_t i = 0; i < each; i++) {
            gr__store_get(s, w, k * each + i, 1, &x);
            order[k].norm += fabs(x);
        }
        if (isnan(order[k].norm)) order[k].norm = INFINITY;
    }
    qsort(order, (size_t)bank->filters, sizeof *order, by_norm);
    bank->removed = (int64_t)floor(share * (double)bank->filters);
    for (int64_t k = 0; k < bank->removed; k++) bank->gone[order[k].filter] = true;
    return GR_OK;
}

gr_status gr__tracing_choose(gr_tracing *f, const gr_store *s, double share)
{
    gr_status st = GR_OK;
    for (int i = 0; i < f->n_banks && st == GR_OK; i++)
        if (!f->bank[i].held) st = choose(f, &f->bank[i], s, share);
    return st;
}
