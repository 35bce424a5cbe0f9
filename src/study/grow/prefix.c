/* Stages of a network: which of its layers end one, and what makes an output of them. */
#include <string.h>

#include "model/network.h"
#include "model/stack.h"
#include "study/grow/grow.h"

/* ---- recipes from trees ---- */

static const gr_tree *layers_of(const gr_recipe *r)
{
    return gr__tree_get(gr__tree_get(r->resolved, "model"), "layers");
}

/* The base's recipe with these layers, and with the target's initial values and groups. */
static gr_tree *compose(const gr_prefixes *p, gr__bump *b, gr_tree *layers)
{
    static const char *const of_layers[] = {"init", "groups"};
    gr_tree *t = gr__tree_copy(b, p->base->resolved), *model = gr__tree_get(t, "model");
    if (!t || !gr__tree_put(b, model, "layers", layers)) return NULL;
    for (size_t i = 0; i < GR_COUNT(of_layers); i++) {
        const gr_tree *of = gr__tree_get(p->target->resolved, of_layers[i]);
        if (of && !gr__tree_put(b, t, of_layers[i], gr__tree_copy(b, of))) return NULL;
    }
    return t;
}

static gr_status read_tree(const gr_prefixes *p, const gr_tree *tree, gr_recipe **out)
{
    gr__bump *b = gr__bump_create(p->ctx);
    gr_tree *copy = b ? gr__tree_copy(b, tree) : NULL;
    gr_status st =
        copy ? gr__recipe_from_tree(p->ctx, b, copy, p->target->path, p->base->folder, out) : gr__error_code(p->ctx);
    if (st != GR_OK && b) gr__bump_destroy(b);
    return st;
}

/* Groups that no parameter of the stage is in yet go; they come back with their layers. */
static gr_status thin_groups(const gr_prefixes *p, gr__bump *b, gr_tree *tree)
{
    const gr_tree *groups = gr__tree_get(tree, "groups");
    gr_tree *left = gr__tree_list(b);
    gr_recipe *r = NULL;
    gr_network *network = NULL;
    gr_status st = GR_OK;
    if (gr__tree_none(groups) || groups->kind != GR_TREE_LIST) return GR_OK;
    if (!gr__tree_put_text(b, tree, "groups", "none")) return GR_E_MEMORY;
    GR_TRY(read_tree(p, tree, &r));
    GR_TRY(gr__network_make(p->ctx, r, NULL, &network));
    for (int i = 0; i < groups->n; i++) {
        const gr_tree *match = gr__tree_get(groups->child[i], "match");
        if (!match || !match->text || !gr__network_matches(network, match->text)) continue;
        if (!gr__tree_push(b, left, gr__tree_copy(b, groups->child[i]))) GR_TRY(GR_E_MEMORY);
    }
    if (left && left->n && !gr__tree_put(b, tree, "groups", left)) GR_TRY(GR_E_MEMORY);
done:
    gr__network_destroy(network);
    if (r) gr__recipe_close(p->ctx, r);
    return st;
}

static bool same_shape(gr_shape a, gr_shape b)
{
    return a.rank == b.rank && memcmp(a.dim, b.dim, sizeof a.dim[0] * (size_t)a.rank) == 0;
}

static gr_status describe(const gr_prefixes *p, gr_prefix *out)
{
    const gr_stack *s = out->recipe->stack;
    out->n_layers = s->n;
    out->layers = gr__bump_alloc(p->memory, sizeof *out->layers * (size_t)s->n);
    for (int i = 0; i < s->n && out->layers; i++)
        if (!(out->layers[i] = gr__bump_strdup(p->memory, s->layer[i].name))) return GR_E_MEMORY;
    return out->layers ? GR_OK : GR_E_MEMORY;
}

/* A network of these layers that gives what the base gives. GR_E_SHAPE: it gives something else. */
static gr_status make(const gr_prefixes *p, gr_tree *layers, gr_prefix *out)
{
    gr_tree *tree = compose(p, p->memory, layers);
    gr_network *network = NULL;
    gr_status st = tree ? thin_groups(p, p->memory, tree) : gr__error_code(p->ctx);
    if (st == GR_OK) st = read_tree(p, tree, &out->recipe);
    if (st != GR_OK) return st;
    st = gr__network_make(p->ctx, out->recipe, NULL, &network);
    if (st == GR_OK && !same_shape(gr__network_output(network, 0), p->output))
        st =
            gr__fail(p->ctx, GR_E_SHAPE, "%s: the network gives other outputs than %s", p->target->path, p->base->path);
    if (st == GR_OK) out->parameters = gr__network_parameter_count(network);
    if (st == GR_OK) st = describe(p, out);
    gr__network_destroy(network);
    if (st != GR_OK) {
        gr__recipe_close(p->ctx, out->recipe);
        out->recipe = NULL;
    }
    return st;
}

/* ---- the target ---- */

static int head_of(const gr_stack *s)
{
    int i = s->n - 1;
    while (i > 0 && !s->layer[i].last) i--;
    return i;
}

/* Its layers, the last with as many outputs as the base has, those before with `wider` times twice the width. */
static gr_tree *target_layers(const gr_prefixes *p)
{
    static const char *const widths[] = {"units", "filters"};
    gr_tree *list = gr__tree_copy(p->memory, layers_of(p->target));
    int head = head_of(p->target->stack);
    for (int i = 0; list && i < list->n && i <= head; i++) {
        for (size_t k = 0; k < GR_COUNT(widths); k++) {
            const gr_tree *width = gr__tree_get(list->child[i], widths[k]);
            if (!width || width->kind != GR_TREE_INT) continue;
            double n = i < head         ? width->number * (double)(1 << p->wider)
                       : p->output.rank ? (double)p->output.dim[p->output.rank - 1]
                                        : width->number;
            if (!gr__tree_put_number(p->memory, list->child[i], widths[k], n)) return NULL;
        }
    }
    return list;
}

/* A parameter is of the layer with the longest name that its own begins with: "r.a.weight" is of "r.a", not of "r". */
static void mark_weights(gr_prefixes *p, const gr_network *network)
{
    size_t n;
    const gr_param_info *params = gr__network_params(network, &n);
    for (size_t k = 0; k < n; k++) {
        size_t longest = 0;
        int owner = -1;
        for (int i = 0; i < p->n; i++) {
            const char *layer = p->full->stack->layer[i].name, *name = params[k].entry.name;
            size_t length = strlen(layer);
            if (length <= longest || strncmp(name, layer, length) != 0 || !strchr(".", name[length])) continue;
            longest = length;
            owner = i;
        }
        if (owner >= 0) p->weighs[owner] = true;
    }
}

/* Ranks of what every layer gives, of one sample. */
static gr_status mark_ranks(gr_prefixes *p, const gr_network *network)
{
    gr_graph *g = NULL;
    gr_network_values v;
    gr_val *layer = gr__bump_alloc(p->memory, sizeof *layer * (size_t)p->n);
    gr_status st = layer ? gr_graph_create(p->ctx, &g) : GR_E_MEMORY;
    if (st == GR_OK)
        st = gr__network_build_with(network, g, GR_MODE_EVALUATE, 1, false,
                                    &(gr_network_options){.layers = layer, .sketch = true}, &v);
    for (int i = 0; i < p->n && st == GR_OK; i++) p->rank[i] = layer[i] ? gr_shape_of(g, layer[i]).rank - 1 : 0;
    gr_graph_destroy(g);
    return st;
}

static int rank_before(const gr_prefixes *p, int i)
{
    const gr_stacked *l = &p->full->stack->layer[i];
    return gr__is_input(l->from[0]) ? p->full->input[gr__input_of(l->from[0])].sample.rank : p->rank[l->from[0]];
}

/* Behind the last layer with weights before the head, what brings a sample's axes together belongs to the head. */
static void find_tail(gr_prefixes *p)
{
    int head = head_of(p->full->stack);
    p->tail = head;
    for (int i = head - 1; i >= 0 && !p->weighs[i] && p->full->stack->layer[i].n_from == 1; i--)
        if (p->rank[i] < rank_before(p, i)) p->tail = i;
}

static gr_status examine(gr_prefixes *p)
{
    gr_network *network = NULL;
    gr_prefix whole = {0};
    gr_tree *layers = target_layers(p);
    gr_status st = layers ? make(p, layers, &whole) : GR_E_MEMORY;
    if (st != GR_OK) return st;
    p->full = whole.recipe;
    p->n = p->full->stack->n;
    p->weighs = gr__bump_alloc(p->memory, sizeof *p->weighs * (size_t)p->n);
    p->rank = gr__bump_alloc(p->memory, sizeof *p->rank * (size_t)p->n);
    if (!p->weighs || !p->rank) return GR_E_MEMORY;
    GR_TRY(gr__network_make(p->ctx, p->full, NULL, &network));
    mark_weights(p, network);
    GR_TRY(mark_ranks(p, network));
    find_tail(p);
done:
    gr__network_destroy(network);
    return st;
}

gr_status gr__prefixes_open(gr_context *ctx, const gr_recipe *base, const gr_recipe *target, gr_prefixes *p)
{
    gr_network *network = NULL;
    gr_status st = GR_OK;
    *p = (gr_prefixes){.ctx = ctx, .base = base, .target = target, .at = -1, .memory = gr__bump_create(ctx)};
    if (!p->memory) return GR_E_MEMORY;
    if (base->n_heads > 1 || target->n_heads > 1)
        return gr__fail(ctx, GR_E_CONFLICT, "%s has several heads: stages are told for one output",
                        base->n_heads > 1 ? base->path : target->path);
    GR_TRY(gr__network_make(ctx, base, NULL, &network));
    p->output = gr__network_output(network, 0);
    GR_TRY(examine(p));
done:
    gr__network_destroy(network);
    return st;
}

void gr__prefixes_close(gr_prefixes *p)
{
    if (p->full) gr__recipe_close(p->ctx, p->full);
    if (p->memory) gr__bump_destroy(p->memory);
    *p = (gr_prefixes){0};
}

/* ---- stages ---- */

/* Does a new group of layers begin here: something with weights that is no part of the layer before? */
static bool begins(const gr_prefixes *p, int i)
{
    const gr_layer *m = p->full->stack->layer[i].member;
    return p->weighs[i] && !m->normalises && !m->activation_only;
}

/* All that later layers take of the first `end` is what the last of them gives. */
static bool is_open(const gr_prefixes *p, int end)
{
    const gr_stack *s = p->full->stack;
    for (int i = end; i < s->n; i++)
        for (int k = 0; k < s->layer[i].n_from; k++) {
            int from = s->layer[i].from[k];
            if (!gr__is_input(from) && from < end - 1) return true;
        }
    return false;
}

static bool adds_weights(const gr_prefixes *p, int from, int to)
{
    for (int i = from; i < to; i++)
        if (p->weighs[i]) return true;
    return false;
}

/* What a stage adds: its layers with weights. */
static const char *name_added(const gr_prefixes *p, int from, int to)
{
    const char *text = NULL;
    for (int i = GR_MAX(from, 0); i < to; i++) {
        const char *name = p->full->stack->layer[i].name;
        if (p->weighs[i] && !p->full->stack->layer[i].member->normalises)
            text = text ? gr__bump_format(p->memory, "%s, %s", text, name) : gr__bump_strdup(p->memory, name);
    }
    return text ? text : p->full->stack->layer[head_of(p->full->stack)].name;
}

/* The first layers, then what may stand between, then the tail. between NULL: nothing. */
static gr_tree *with_tail(const gr_prefixes *p, int end, const char *between)
{
    const gr_tree *all = layers_of(p->full);
    gr_tree *list = gr__tree_list(p->memory);
    for (int i = 0; i < end; i++)
        if (!gr__tree_push(p->memory, list, gr__tree_copy(p->memory, all->child[i]))) return NULL;
    if (between) {
        gr_tree *t = gr__tree_map(p->memory);
        bool ok = t && gr__tree_put_text(p->memory, t, "type", between) &&
                  gr__tree_put_text(p->memory, t, "name", "before_the_last") && gr__tree_push(p->memory, list, t);
        if (!ok) return NULL;
    }
    for (int i = p->tail; i < all->n; i++) {
        const gr_tree *t = all->child[i];
        gr_tree *copy = i == p->tail ? gr__tree_without(p->memory, t, "from") : gr__tree_copy(p->memory, t);
        if (!gr__tree_push(p->memory, list, copy)) return NULL;
    }
    return list;
}

/* As it is, or with the axes brought together before the tail, by whichever way gives a network; `out` has none where
 * no way does. */
static gr_status cut(const gr_prefixes *p, int end, gr_prefix *out)
{
    static const char *const ways[][3] = {{NULL, "flatten", "global_avg_pool"}, {NULL, "global_avg_pool", "flatten"}};
    int rank = end > 0 ? p->rank[end - 1] : p->full->input[0].sample.rank;
    for (int i = 0; i < 3 && !out->recipe; i++) {
        gr_tree *layers = with_tail(p, end, ways[rank == 2][i]);
        gr_status st = layers ? make(p, layers, out) : GR_E_MEMORY;
        if (st == GR_E_MEMORY || st == GR_E_BUDGET) return st;
        if (st != GR_OK) gr_context_clear_error(p->ctx);
    }
    return GR_OK;
}

static gr_status whole(gr_prefixes *p, gr_prefix *out)
{
    gr_tree *layers = target_layers(p);
    return layers ? make(p, layers, out) : GR_E_MEMORY;
}

gr_status gr__prefixes_next(gr_prefixes *p, gr_prefix *out, bool *more)
{
    gr_status st = GR_OK;
    *more = p->at < p->tail;
    *out = (gr_prefix){0};
    for (int end = p->at + 1; end <= p->tail && st == GR_OK; end++) {
        bool last = end == p->tail;
        if (!last && ((end > 0 && !begins(p, end)) || is_open(p, end))) continue;
        if (!last && p->at >= 0 && !adds_weights(p, p->at, end)) continue;
        st = last ? whole(p, out) : cut(p, end, out);
        if (!out->recipe) continue;
        out->added = name_added(p, p->at, end);
        out->bare = !last && !adds_weights(p, 0, end);
        p->at = end;
        return out->added ? st : GR_E_MEMORY;
    }
    return st;
}

gr_status gr__prefixes_widen(gr_prefixes *p, gr_prefix *out)
{
    *out = (gr_prefix){0};
    p->wider++;
    gr_status st = whole(p, out);
    if (st != GR_OK) return st;
    out->added = gr__bump_format(p->memory, "%d times as wide", 1 << p->wider);
    return out->added ? GR_OK : GR_E_MEMORY;
}
