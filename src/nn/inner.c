/* Layers within layers: what a recipe says of one is checked and built as part of another. */
#include <string.h>

#include "graph/shape.h"
#include "init/init.h"
#include "nn/lengths.h"
#include "nn/stack.h"

enum { MAX_DEPTH = 8 };

/* ---- what a tree says of a layer ---- */

const gr_layer *gr__layer_find(gr_context *ctx, const gr_tree *t)
{
    const gr_member *found = NULL;
    char shown[200];
    const gr_tree *type = t->kind == GR_TREE_MAP ? gr__tree_get(t, "type") : t;
    if (!type) {
        gr__tree_fail(ctx, t, GR_E_MISSING, "such as {type: dense, units: 10}", "a layer needs \"type\"");
        return NULL;
    }
    if (type->kind != GR_TREE_TEXT) {
        gr__tree_fail(ctx, type, GR_E_TYPE, NULL, "%s is not the name of a layer",
                      gr__tree_show(type, shown, sizeof shown));
        return NULL;
    }
    gr__family_named(ctx, &gr__family_layer, "layer", type->text, type, &found);
    return (const gr_layer *)found;
}

gr_status gr__layer_said(gr_context *ctx, gr__bump *b, const gr_layer *m, const gr_tree *t, gr_preset preset,
                         gr_layer_said *out)
{
    const char *also[16];
    size_t n = 0;
    while (gr__layer_common_keys[n] && n + 2 < GR_COUNT(also)) also[n] = gr__layer_common_keys[n], n++;
    bool own = gr__member_has(&m->head, "activation");
    if (!own) also[n++] = "activation";
    also[n] = NULL;
    *out = (gr_layer_said){.member = m};
    gr_status st = gr__settings_make(ctx, b, &m->head, t, preset, also, &out->settings);
    if (st != GR_OK) return st;
    const gr_tree *init = gr__tree_get(t, "init");
    if (!own) out->activation = gr__tree_get(t, "activation");
    if (gr__activation_none(out->activation)) out->activation = NULL;
    if (gr__tree_none(init)) return GR_OK;
    gr_tree *checked;
    out->init = init;
    return gr__init_resolve_own(ctx, b, init, preset, &checked);
}

gr_status gr__layer_inputs(gr_context *ctx, const gr_tree *at, const gr_layer *m, int n)
{
    if (n >= m->min_inputs && n <= m->max_inputs) return GR_OK;
    bool few = n < m->min_inputs;
    int limit = few ? m->min_inputs : m->max_inputs;
    return gr__tree_fail(ctx, at, GR_E_CONFLICT, m->min_inputs > 1 ? "name them: from: [a, b]" : NULL,
                         "%s takes %s%d input%s, not %d", m->head.name,
                         m->min_inputs == m->max_inputs ? ""
                         : few                          ? "at least "
                                                        : "at most ",
                         limit, limit == 1 ? "" : "s", n);
}

/* Its own branches keep their parents, so that a path still leads to `at`. */
static void set_place(gr_tree *t, const gr_tree *at)
{
    t->file = at->file;
    t->line = at->line;
    t->column = at->column;
    for (int i = 0; i < t->n; i++) set_place(t->child[i], at);
}

const gr_tree *gr__layer_made(gr_build *b, const gr_tree *at, const char *text)
{
    gr_tree *t = text ? gr__tree_flow(b->memory, text) : NULL;
    if (t && at) {
        set_place(t, at);
        t->parent = (gr_tree *)at;
    }
    if (!t) gr_graph_fail(b->g, GR_E_MEMORY, "no memory for a layer within");
    return t;
}

/* ---- building one within another ---- */

/* The graph fails with what the context kept, at this tree's place unless that has one. */
static gr_val refused(gr_build *b, const gr_tree *t)
{
    char key[256];
    gr_graph_fail(b->g, gr__error_code(b->ctx), "a layer within is refused");
    gr__error_place(b->ctx, t->file, t->line, t->column, gr__tree_path(t, key, sizeof key));
    return GR_NONE;
}

/* A layer that cannot take such samples says what it takes; here is said what gives it others. */
static void hint_input(gr_build *b, gr_shape batch)
{
    gr_shape sample = {.rank = GR_MAX(batch.rank - 1, 0)};
    char shape[96];
    for (int i = 0; i < sample.rank; i++) sample.dim[i] = batch.dim[i + 1];
    if (gr__error_code(b->ctx) == GR_E_SHAPE && b->n_from == 1)
        gr__error_hint(b->ctx, "\"%s\" gives it %s", b->from[0].name, gr__shape_text(sample, shape));
}

/* What its own `init` says must be of something: parameters of the layer, declared from `before` on. */
static void check_init(gr_build *b, const gr_layer_said *s, size_t before)
{
    static const char *const keys[] = {"weights", "bias"}, *const nouns[] = {"weights", "biases"};
    if (s->init && b->n_params == before)
        gr__tree_fail(b->ctx, s->init, GR_E_CONFLICT, NULL, "the %s layer \"%s\" has no parameters to initialise",
                      s->member->head.name, b->layer);
    for (int k = 0; k < 2 && s->init; k++) {
        const gr_tree *said = gr__tree_get(s->init, keys[k]);
        bool taken = gr__tree_none(said);
        for (size_t i = before; i < b->n_params && !taken; i++)
            taken = b->params[i].init == s->init && gr__init_adds(&b->params[i]) == (k == 1);
        if (!taken)
            gr__tree_fail(b->ctx, said, GR_E_CONFLICT, "leave it out",
                          "the %s layer \"%s\" has no %s of its own to initialise", s->member->head.name, b->layer,
                          nouns[k]);
    }
}

gr_val gr__layer_build(gr_build *b, const gr_layer_said *s, const gr_tree *t, const gr_val *in, int n_in)
{
    size_t before = b->n_params;
    gr_val y = GR_NONE, outer = b->lengths;
    gr_shape taken = gr_shape_of(b->g, n_in > 0 ? in[0] : GR_NONE);
    if (b->depth == MAX_DEPTH)
        return gr__tree_fail(b->ctx, t, GR_E_RANGE, NULL, "layers nested deeper than %d", MAX_DEPTH), refused(b, t);
    const char *path = b->path;
    const gr_tree *at = b->at;
    b->path = path ? gr__bump_format(b->memory, "%s/%s", path, b->layer) : b->layer;
    b->at = t;
    if (!b->path) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for the path of a layer");
    b->depth++;
    gr_scope_push(b->g, s->member->head.name, b->layer);
    b->usual = NULL;
    b->inherited = b->init != s->init;
    gr__activation_follow(b, s->activation);
    if (gr__lengths_take(b, s->member, in, n_in))
        y = gr__activation_build(b, s->activation, s->member->build(b, &s->settings, in, n_in));
    gr__lengths_keep(b, y);
    b->lengths = outer;
    b->depth--;
    b->path = path;
    b->at = at;
    if (gr_graph_status(b->g) != GR_OK) return hint_input(b, taken), refused(b, t);
    bool samples = gr_shape_of(b->g, y).rank > 0;
    if (!samples) gr_graph_fail(b->g, GR_E_SHAPE, "its output has no batch axis");
    gr_scope_pop(b->g);
    if (samples) check_init(b, s, before);
    return gr__error_code(b->ctx) == GR_OK ? y : refused(b, t);
}

/* From the layer within back to the one that holds it. */
static void back_to(gr_build *b, const gr_build *outer)
{
    b->layer = outer->layer;
    b->follow = outer->follow;
    b->slope = outer->slope;
    b->last = outer->last;
    b->init = outer->init;
    b->inherited = outer->inherited;
    b->usual = outer->usual;
    b->from = outer->from;
    b->n_from = outer->n_from;
}

/* A layer in a row of another one is called, and takes, what that one says. */
static gr_status check_row(gr_build *b, const gr_tree *layer)
{
    static const struct {
        const char *key, *message;
    } settled[] = {{"name", "a layer within \"%s\" has its name from there"},
                   {"from", "a layer within \"%s\" takes what it is given there"}};
    for (size_t i = 0; i < GR_COUNT(settled); i++) {
        const gr_tree *t = gr__tree_get(layer, settled[i].key);
        if (!gr__tree_none(t))
            return gr__tree_fail(b->ctx, t, GR_E_CONFLICT, "leave it out", settled[i].message, b->layer);
    }
    return GR_OK;
}

gr_val gr__build_before(gr_build *b, const char *name, const gr_tree *layer, const gr_tree *activation,
                        const gr_val *in, int n_in)
{
    gr_layer_said s;
    const gr_build outer = *b;
    if (!layer || gr_graph_status(b->g) != GR_OK) return GR_NONE;
    const gr_layer *m = gr__layer_find(b->ctx, layer);
    if (!m || check_row(b, layer) != GR_OK || gr__layer_said(b->ctx, b->memory, m, layer, b->preset, &s) != GR_OK ||
        gr__layer_inputs(b->ctx, layer, m, n_in) != GR_OK)
        return refused(b, layer);
    b->layer = gr__bump_format(b->memory, "%s.%s", outer.layer, name);
    if (!b->layer) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for the name of a layer");
    b->follow = GR_FOLLOW_NOTHING;
    b->slope = 0;
    b->last = false;
    b->n_from = 0;
    if (s.init) b->init = s.init;
    gr__activation_follow(b, activation);
    gr_val y = gr__layer_build(b, &s, layer, in, n_in);
    back_to(b, &outer);
    return y;
}

gr_val gr__build_inner(gr_build *b, const char *name, const gr_tree *layer, const gr_val *in, int n_in)
{
    return gr__build_before(b, name, layer, NULL, in, n_in);
}

static bool normalises(const gr_layer *m)
{
    return m->normalises != GR_NORMALISES_NOTHING;
}

gr_val gr__build_norm(gr_build *b, const char *name, const gr_tree *norm, const gr_tree *activation, gr_val x)
{
    if (gr_graph_status(b->g) != GR_OK) return GR_NONE;
    const gr_layer *said = (const gr_layer *)gr__family_peek(b->ctx, &gr__family_layer, norm);
    bool alone = said && said->activation_only; /* what is left of one that is taken out, but for its activation */
    if (!alone && !gr__layer_among(b->ctx, "normalisation", normalises, norm)) return refused(b, norm);
    return gr__build_before(b, name, norm, activation, &x, 1);
}

/* ---- lists of layers ---- */

static gr_val build_stacked(gr_build *b, const gr_stacked *layer, int i, const gr_stack_inputs *inputs,
                            const gr_val *in, const gr_val *value)
{
    const gr_stacked *l = &layer[i];
    const gr_build outer = *b;
    gr_layer_said said = {l->member, l->settings, l->activation, l->init};
    gr_val *takes = gr__bump_alloc(b->memory, sizeof *takes * (size_t)l->n_from);
    gr_input_name *from = gr__bump_alloc(b->memory, sizeof *from * (size_t)l->n_from);
    if (!takes || !from) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for the inputs of a layer");
    for (int j = 0; j < l->n_from; j++) {
        bool outside = gr__is_input(l->from[j]);
        int k = outside ? gr__input_of(l->from[j]) : l->from[j];
        takes[j] = outside ? in[k] : value[k];
        from[j] = (gr_input_name){outside ? inputs->name[k] : layer[k].name, takes[j]};
    }
    b->from = from;
    b->n_from = l->n_from;
    b->layer = l->name;
    b->follow = l->follow;
    b->slope = l->slope;
    b->last = false;
    if (l->init) b->init = l->init;
    gr_val y = gr__layer_build(b, &said, l->at, takes, l->n_from);
    back_to(b, &outer);
    return y;
}

static gr_val build_list(gr_build *b, const gr_tree *list, const gr_stack_inputs *from, const gr_val *in)
{
    gr_stacked *layer;
    int n;
    if (gr_graph_status(b->g) != GR_OK) return GR_NONE;
    if (gr__stack_layers(b->ctx, b->memory, b->preset, from, list, &layer, &n) != GR_OK) return refused(b, list);
    gr_val *value = gr__bump_alloc(b->memory, sizeof *value * (size_t)n);
    if (!value) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for a list of layers");
    for (int i = 0; i < n && gr_graph_status(b->g) == GR_OK; i++)
        value[i] = build_stacked(b, layer, i, from, in, value);
    return gr_graph_status(b->g) == GR_OK ? value[n - 1] : GR_NONE;
}

gr_val gr__build_list(gr_build *b, const gr_tree *list, const char *const *names, const gr_val *in, int n_in)
{
    const gr_stack_inputs from = {.name = names, .n = n_in, .named = n_in > 1, .first = true, .prefix = b->layer};
    return build_list(b, list, &from, in);
}

/* The layer again, in a list of its own, without what is seen to outside it. */
gr_val gr__build_parts(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    static const char *const names[] = {""}; /* no layer within may name it: `input` is the network's */
    const gr_layer *m = (const gr_layer *)s->member;
    gr_tree *list = gr__tree_list(b->memory), *t = gr__tree_map(b->memory);
    bool ok = gr__tree_put(b->memory, t, "type", gr__tree_text(b->memory, m->head.name));
    for (int i = 0; m->parts[i] && ok; i++) {
        const gr_tree *part = gr__setting_tree(s, m->parts[i]);
        if (part) ok = gr__tree_put(b->memory, t, m->parts[i], gr__tree_copy(b->memory, part));
    }
    if (!ok || !gr__tree_push(b->memory, list, t))
        return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for the parts of a layer");
    if (s->tree) { /* errors have the paths and places of what was written */
        t->file = s->tree->file, t->line = s->tree->line, t->column = s->tree->column;
        t->parent = (gr_tree *)s->tree;
    }
    const gr_stack_inputs from = {.name = names, .n = n_in, .prefix = b->layer, .takes_prefix = true};
    return build_list(b, list, &from, in);
}
