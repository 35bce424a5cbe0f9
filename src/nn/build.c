/* What layers share: the parameters, statistics and random streams they declare, and the activation that follows them.
 */
#include <string.h>

#include "graph/shape.h"
#include "nn/layer.h"

static const gr_row common_rows[] = {
    GR_ROW("type", TEXT, NULL, "", "", "which layer"),
    GR_ROW("name", TEXT, "none", "", "", "what its parameters are called in files; type and number unless given"),
    GR_ROW("from", TREE, "none", "a name or a list of names", "",
           "the layers whose outputs it takes; the layer above unless given"),
    GR_ROW("init", TREE, "none", "{weights: ..., bias: ...}", "", "its own initialisers, instead of the recipe's"),
};
GR_COMMON(layer_common) = {
    .family = "layer",
    .name = "common",
    .title = "What every layer takes",
    .cite = "",
    .equations = "",
    GR_ROWS(common_rows),
};
const char *const gr__layer_common_keys[] = {"type", "name", "from", "init", NULL};

/* ---- parameters ---- */

static bool is_called(const char *name, const char *layer, const char *suffix)
{
    size_t n = strlen(layer);
    return strncmp(name, layer, n) == 0 && name[n] == '.' && strcmp(name + n + 1, suffix) == 0;
}

/* Room for one more in an array of the network's memory, where the old array stays: there are few of them. */
static void *one_more(gr_build *b, void *array, size_t *n, size_t *capacity, size_t size)
{
    if (*n == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 16;
        void *room = gr__bump_alloc(b->memory, more * size);
        if (!room) return NULL;
        if (*n) memcpy(room, array, *n * size);
        array = room;
        *capacity = more;
    }
    ++*n;
    return array;
}

static gr_param_info *add_param(gr_build *b)
{
    gr_param_info *all = one_more(b, b->params, &b->n_params, &b->params_capacity, sizeof *all);
    if (!all) return NULL;
    b->params = all;
    return &all[b->n_params - 1];
}

static gr_entry_spec *add_state(gr_build *b)
{
    gr_entry_spec *all = one_more(b, b->states, &b->n_states, &b->states_capacity, sizeof *all);
    if (!all) return NULL;
    b->states = all;
    return &all[b->n_states - 1];
}

gr_val gr__build_leaf(gr_build *b, const gr_param_info *p)
{
    return b->bind.leaf ? b->bind.leaf(b->bind.user, p) : gr_param(b->g, p->entry.name, p->entry.shape);
}

const gr_param_info *gr__build_shared(const gr_build *b, const char *owner, const char *suffix)
{
    for (size_t i = 0; i < b->n_params && gr_graph_status(b->g) == GR_OK; i++)
        if (is_called(b->params[i].entry.name, owner, suffix)) return &b->params[i];
    return NULL;
}

/* Of the layer being built itself, though it may have been built before? */
static bool is_own(const gr_build *b, const char *owner)
{
    return owner == b->path || (owner && b->path && strcmp(owner, b->path) == 0);
}

/* Names with dots may meet: a layer's part, and another layer that was given its name. */
static gr_val refuse_other(gr_build *b, const char *what, const char *name, const char *owner, const gr_tree *at)
{
    gr_graph_fail(b->g, GR_E_CONFLICT, "%s \"%s\" is that of another layer, \"%.*s\"", what, name,
                  (int)strcspn(owner ? owner : "", "/"), owner ? owner : "");
    if (at && at->file)
        gr__error_hint(b->ctx, "which is written at %s:%d:%d; give one of them another name", at->file, at->line,
                       at->column);
    else
        gr__error_hint(b->ctx, "give one of them another name");
    return GR_NONE;
}

/* Scales, shifts and slopes start at values of their own: what a layer around theirs says of weights and biases is not
 * for them. */
static bool starts_apart(const gr_build *b, gr_role role)
{
    return b->inherited && (role == GR_ROLE_NORM_SCALE || role == GR_ROLE_NORM_SHIFT || role == GR_ROLE_SLOPE);
}

gr_val gr__build_param(gr_build *b, const char *suffix, gr_shape shape, gr_role role, gr_layout layout, int64_t fan_in,
                       int64_t fan_out)
{
    if (gr_graph_status(b->g) != GR_OK) return GR_NONE;
    if (b->maker && (role == GR_ROLE_WEIGHT || role == GR_ROLE_BIAS))
        return b->maker->make(b, b->maker, suffix, shape, role, fan_in, fan_out);
    for (size_t i = 0; i < b->n_params; i++) {
        const gr_entry_spec *e = &b->params[i].entry;
        char here[96], before[96];
        if (!is_called(e->name, b->layer, suffix)) continue;
        if (!is_own(b, b->params[i].owner))
            return refuse_other(b, "parameter", e->name, b->params[i].owner, b->params[i].at);
        if (!gr__shape_equal(e->shape, shape))
            return gr_graph_fail(b->g, GR_E_SHAPE, "parameter %s is %s here and %s where it was used first", e->name,
                                 gr__shape_text(shape, here), gr__shape_text(e->shape, before));
        return gr__build_leaf(b, &b->params[i]);
    }
    const char *name = gr__bump_format(b->memory, "%s.%s", b->layer, suffix);
    gr_param_info *p = name ? add_param(b) : NULL;
    if (!p) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for parameter %s", suffix);
    *p = (gr_param_info){.entry = {.name = name, .shape = shape, .role = role, .layout = layout},
                         .fan_in = fan_in,
                         .fan_out = fan_out,
                         .is_bias = role == GR_ROLE_BIAS,
                         .follow = b->follow,
                         .slope = b->slope,
                         .init = starts_apart(b, role) ? NULL : b->init,
                         .usual = b->usual,
                         .blocks = b->blocks,
                         .settled = b->settled,
                         .last = b->last && !(b->inside && role == GR_ROLE_BIAS),
                         .inside = b->inside,
                         .head = b->head,
                         .owner = b->path,
                         .at = b->at};
    return gr__build_leaf(b, p);
}

bool gr__is_of_layer(const char *name, const char *layer)
{
    size_t n = strlen(layer);
    return strncmp(name, layer, n) == 0 && name[n] == '.' && !strchr(name + n + 1, '.');
}

/* ---- statistics ---- */

static const gr_entry_spec *find_state(const gr_build *b, const char *suffix)
{
    for (size_t i = 0; i < b->n_states; i++)
        if (is_called(b->states[i].name, b->layer, suffix)) return &b->states[i];
    return NULL;
}

static const gr_entry_spec *declare_state(gr_build *b, const char *suffix, gr_shape shape, double initial, bool saved)
{
    const gr_entry_spec *before = find_state(b, suffix);
    char here[96], there[96];
    if (before && gr__shape_equal(before->shape, shape)) return before;
    if (before) {
        gr_graph_fail(b->g, GR_E_SHAPE, "statistic %s is %s here and %s where it was used first", before->name,
                      gr__shape_text(shape, here), gr__shape_text(before->shape, there));
        return NULL;
    }
    const char *name = gr__bump_format(b->memory, "%s.%s", b->layer, suffix);
    gr_entry_spec *s = name ? add_state(b) : NULL;
    if (s)
        *s = (gr_entry_spec){
            .name = name, .shape = shape, .slot = true, .saved = saved, .role = GR_ROLE_STATE, .initial = initial};
    else
        gr_graph_fail(b->g, GR_E_MEMORY, "no memory for statistic %s", suffix);
    return s;
}

static gr_val state(gr_build *b, const char *suffix, gr_shape shape, double initial, bool saved)
{
    const gr_entry_spec *s = gr_graph_status(b->g) == GR_OK ? declare_state(b, suffix, shape, initial, saved) : NULL;
    if (!s) return GR_NONE;
    return b->bind.state ? b->bind.state(b->bind.user, s) : gr_slot(b->g, s->name, s->shape);
}

gr_val gr__build_state(gr_build *b, const char *suffix, gr_shape shape, double initial)
{
    return state(b, suffix, shape, initial, true);
}

bool gr__build_rests(const gr_build *b, const char *suffix)
{
    const char *name = b->rests ? gr__bump_format(b->memory, "%s.%s", b->layer, suffix) : NULL;
    return name && b->rests(b->rests_user, name);
}

gr_val gr__build_count(gr_build *b, const char *suffix)
{
    gr_val one = gr_const(b->g, 1), before = state(b, suffix, GR_SHAPE(1), 0, false);
    gr__build_observe(b, suffix, gr_add(b->g, before, one), one);
    return gr_sum_all(b->g, before);
}

void gr__build_observe(gr_build *b, const char *suffix, gr_val batch, gr_val share)
{
    if (gr_graph_status(b->g) != GR_OK || !b->bind.observe) return;
    const gr_entry_spec *s = find_state(b, suffix);
    if (s)
        b->bind.observe(b->bind.user, s, batch, share);
    else
        gr_graph_fail(b->g, GR_E_USAGE, "statistic %s was not declared", suffix);
}

gr_val gr__statistic(gr_graph *g, gr_val old, gr_val batch, gr_val share)
{
    gr_val one = gr_const(g, 1), moved = gr_add(g, gr_mul(g, old, gr_sub(g, one, share)), gr_mul(g, batch, share));
    return gr_select(g, gr_less(g, share, one), moved, batch);
}

struct gr_stream {
    const char *name, *owner;
    const gr_tree *at;
};

const char *gr__build_stream(gr_build *b, const char *use)
{
    const char *name = gr__bump_format(b->memory, "%s/%s", b->layer, use);
    for (size_t i = 0; name && i < b->n_streams; i++) {
        const gr_stream *s = &b->streams[i];
        if (strcmp(s->name, name) != 0) continue;
        if (!is_own(b, s->owner)) refuse_other(b, "stream", name, s->owner, s->at);
        return is_own(b, s->owner) ? s->name : NULL;
    }
    gr_stream *all = name ? one_more(b, b->streams, &b->n_streams, &b->streams_capacity, sizeof *all) : NULL;
    if (!all) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for random stream %s", use), NULL;
    b->streams = all;
    all[b->n_streams - 1] = (gr_stream){name, b->path, b->at};
    return name;
}

gr_val gr__build_random(gr_build *b, const char *use, gr_shape shape)
{
    if (b->mode != GR_MODE_TRAIN) return gr_graph_fail(b->g, GR_E_USAGE, "random numbers \"%s\" outside training", use);
    const char *stream = gr__build_stream(b, use);
    if (!stream) return GR_NONE;
    return gr_random(b->g, stream, shape, b->seed, b->update, b->position);
}

/* ---- activations ---- */

bool gr__activation_none(const gr_tree *t)
{
    const gr_tree *type = t && t->kind == GR_TREE_MAP && t->n == 1 ? gr__tree_get(t, "type") : t;
    if (t && !type) return false; /* a map that names none is refused where one is looked for */
    return gr__tree_none(type) || (type->kind == GR_TREE_TEXT && strcmp(type->text, "linear") == 0);
}

const gr_layer *gr__layer_among(gr_context *ctx, const char *noun, bool (*fits)(const gr_layer *m), const gr_tree *t)
{
    int all = gr__family_count(ctx, &gr__family_layer), n = 0;
    size_t bytes = (size_t)all * sizeof(const gr_member *);
    const gr_member *found = NULL, **heads = NULL;
    const char *name = gr__type_of(ctx, t, noun, NULL);
    if (!name || !(heads = gr__alloc(ctx, bytes))) return NULL;
    for (int i = 0; i < all; i++) {
        const gr_member *m = gr__family_at(ctx, &gr__family_layer, i);
        if (fits((const gr_layer *)m)) heads[n++] = m;
    }
    gr_status st = gr__member_find(ctx, noun, heads, n, name, t, &found);
    gr__free(ctx, heads, bytes);
    return st == GR_OK ? (const gr_layer *)found : NULL;
}

static bool is_activation(const gr_layer *m)
{
    return m->activation_only;
}

/* The layer that an `activation:` value names, with its settings; NULL with the graph failed. */
static const gr_layer *find_activation(gr_build *b, const gr_tree *t, gr_settings *s)
{
    const gr_layer *found = gr__layer_among(b->ctx, "activation", is_activation, t);
    if (!found || gr__settings_make(b->ctx, b->memory, &found->head, t, GR_PRESET_CHAPTER, NULL, s) != GR_OK) {
        gr_graph_fail(b->g, gr__error_code(b->ctx), "the activation is refused");
        return NULL;
    }
    return found;
}

gr_val gr__activation_build(gr_build *b, const gr_tree *activation, gr_val x)
{
    return gr__activation_named(b, "activation", activation, x);
}

gr_val gr__activation_named(gr_build *b, const char *name, const gr_tree *activation, gr_val x)
{
    gr_settings s;
    if (gr__activation_none(activation) || gr_graph_status(b->g) != GR_OK) return x;
    const gr_layer *l = find_activation(b, activation, &s);
    const char *outer = b->layer;
    const gr_tree *init = b->init;
    b->layer = l ? gr__bump_format(b->memory, "%s.%s", outer, name) : NULL; /* whose parameters are apart */
    b->init = NULL;
    gr_val y = b->layer ? l->build(b, &s, &x, 1) : GR_NONE;
    if (l && !b->layer) gr_graph_fail(b->g, GR_E_MEMORY, "no memory for the name of an activation");
    b->layer = outer;
    b->init = init;
    return y;
}

void gr__activation_follow(gr_build *b, const gr_tree *activation)
{
    gr_settings s;
    if (!activation || gr_graph_status(b->g) != GR_OK) return;
    if (gr__activation_none(activation)) return; /* `activation: none`: the layer after may still be one */
    const gr_layer *l = find_activation(b, activation, &s);
    if (!l) return;
    b->follow = l->follow;
    b->slope = l->follow == GR_FOLLOW_LEAKY ? gr__setting_real(&s, "slope") : 0;
}
