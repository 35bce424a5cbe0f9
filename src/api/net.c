/* A network on a graph of one's own: its layers, one call each. What comes after a layer is not known when it is built,
 * so what follows from that (which activation its sums meet, whether it is a last one) is settled by later calls. */
#include "api/net.h"

#include <math.h>
#include <string.h>

#include "api/text.h"
#include "graph/shape.h"
#include "init/init.h"
#include "model/feeds.h"
#include "nn/lengths.h"
#include "nn/stack.h"

static const gr_targets unknown = {.n = -1};

/* ---- its life ---- */

/* A statistic moves with each run. */
static void move_state(void *user, const gr_entry_spec *s, gr_val batch, gr_val share)
{
    gr_net *net = user;
    gr_graph *g = net->g;
    gr_val old = gr_slot(g, s->name, s->shape), next = gr__statistic(g, old, batch, share), sum = gr_sum_all(g, next);
    net->moved = net->moved ? gr_add(g, net->moved, sum) : sum;
    gr_assign(g, old, next, GR_ASSIGN_STATE);
}

gr_status gr_net_create(gr_graph *g, gr_store *store, gr_mode mode, gr_net **out)
{
    gr_context *ctx = gr__graph_context(g);
    if (mode != GR_MODE_TRAIN && mode != GR_MODE_EVALUATE)
        return gr__fail(ctx, GR_E_USAGE, "%d is no mode of a network", (int)mode);
    if (!store) return gr__fail(ctx, GR_E_USAGE, "a network needs a store");
    gr_net *net = gr__alloc(ctx, sizeof *net);
    if (!net) return GR_E_MEMORY;
    *net = (gr_net){.ctx = ctx, .g = g, .store = store, .memory = gr__bump_create(ctx), .lr = (double)NAN};
    if (!net->memory) {
        gr_net_destroy(net);
        return GR_E_MEMORY;
    }
    net->b = (gr_build){.ctx = ctx, .g = g, .mode = mode, .memory = net->memory, .targets = &unknown};
    if (mode == GR_MODE_TRAIN) {
        net->b.bind = (gr_binding){.observe = move_state, .user = net};
        net->b.seed = gr_feed(g, GR_FEED_SEED, GR_REAL, GR_SCALAR);
        net->b.update = gr_feed(g, GR_FEED_UPDATE, GR_REAL, GR_SCALAR);
        net->b.position = gr_feed(g, GR_FEED_POSITION, GR_REAL, GR_SCALAR);
    }
    *out = net;
    return GR_OK;
}

void gr_net_destroy(gr_net *net)
{
    if (!net) return;
    gr__free(net->ctx, net->made, net->made_capacity * sizeof *net->made);
    gr__free(net->ctx, net->cost, net->costs_capacity * sizeof *net->cost);
    gr__bump_destroy(net->memory);
    gr__free(net->ctx, net, sizeof *net);
}

int gr_net_params(const gr_net *net)
{
    return (int)net->b.n_params;
}

gr_val gr_net_param(const gr_net *net, int index, const char **name)
{
    if (index < 0 || index >= gr_net_params(net)) {
        gr__fail(net->ctx, GR_E_USAGE, "there is no parameter %d of %d", index, gr_net_params(net));
        return GR_NONE;
    }
    const gr_entry_spec *e = &net->b.params[index].entry;
    if (name) *name = e->name;
    return gr_param(net->g, e->name, e->shape);
}

void gr_net_lengths(gr_net *net, gr_val x, gr_val lengths)
{
    gr_graph *g = net->g;
    gr_shape s = gr_shape_of(g, x), n = gr_shape_of(g, lengths);
    if (gr_graph_status(g) != GR_OK) return;
    if (!x || !lengths || gr_dtype_of(g, lengths) != GR_I32)
        gr_graph_fail(g, GR_E_TYPE, "lengths are whole numbers: GR_I32");
    else if (s.rank < 2 || n.rank != 1 || n.dim[0] != s.dim[0]) {
        char a[96], b[96];
        gr_graph_fail(g, GR_E_SHAPE, "lengths of shape %s do not fit samples of shape %s", gr__shape_text(n, a),
                      gr__shape_text(s, b));
    } else
        gr__lengths_of_input(&net->b, x, lengths, s.dim[1], "input");
}

gr_val gr__net_refuse(gr_net *net, gr_status st)
{
    return gr_graph_fail(net->g, st, "what is built is refused");
}

/* ---- what follows a layer ---- */

/* The latest layer before `before` that gave x; -1: none. */
static int maker_of(const gr_net *net, size_t before, gr_val x)
{
    for (size_t i = before; i-- > 0;)
        if (net->made[i].out == x) return (int)i;
    return -1;
}

/* Of layers within layers the outer one says what follows them, and so it does of sums that it goes on with. */
static bool is_own(const gr_param_info *p)
{
    return p->owner && !strchr(p->owner, '/') && !p->inside;
}

static void set_follow(gr_net *net, const gr__made *m, gr_follow follow, double slope)
{
    for (size_t i = m->params; i < m->params + m->n_params && !m->own; i++) {
        if (!is_own(&net->b.params[i])) continue;
        net->b.params[i].follow = follow;
        net->b.params[i].slope = slope;
    }
}

static bool passes(const gr__made *m)
{
    return m->member->transparent && !m->own;
}

/* Layer i takes what earlier ones gave: the first reader of each decides what follows it, through those that let an
 * activation through. */
static void settle_follow(gr_net *net, size_t i, const gr_settings *s)
{
    const gr_layer *l = net->made[i].member;
    double slope = l->follow == GR_FOLLOW_LEAKY ? gr__setting_real(s, "slope") : 0;
    bool first = true;
    for (int k = maker_of(net, i, net->made[i].in); k >= 0; k = maker_of(net, (size_t)k, net->made[k].in)) {
        if (first && net->made[k].read) return;
        first = false;
        net->made[k].read = true;
        if (!l->activation_only) return;
        set_follow(net, &net->made[k], l->follow, slope);
        if (!passes(&net->made[k])) return;
    }
}

void gr__net_settle_last(gr_net *net, gr_val output)
{
    int i = maker_of(net, net->n_made, output);
    while (i >= 0 && (net->made[i].member->activation_only || net->made[i].member->transparent))
        i = maker_of(net, (size_t)i, net->made[i].in);
    if (i < 0) return;
    const gr__made *m = &net->made[i];
    for (size_t k = m->params; k < m->params + m->n_params; k++) net->b.params[k].last = is_own(&net->b.params[k]);
}

/* ---- a layer ---- */

typedef struct call { /* one layer to be built */
    const gr_layer *member;
    gr_layer_said said;
    const gr_tree *tree;
    const char *name;
    const gr_val *in;
    int n_in;
} call;

/* A name of its own shares the parameters of an earlier layer of that type; one that was numbered takes nobody's. */
static gr_status check_name(const gr_net *net, const call *c, const gr_tree *given)
{
    const gr_tree *at = given ? given : gr__tree_get(c->tree, "type");
    for (size_t i = 0; i < net->n_made; i++) {
        const gr__made *m = &net->made[i];
        if (strcmp(m->name, c->name) != 0) continue;
        if (given && m->member == c->member && !c->said.init) continue;
        if (given && m->member == c->member)
            return gr__tree_fail(net->ctx, c->said.init, GR_E_CONFLICT, "it belongs to the first use",
                                 "the parameters of \"%s\" are there already", c->name);
        return gr__tree_fail(net->ctx, at, GR_E_CONFLICT, "give it a name of its own", "\"%s\" is a layer already, %s",
                             c->name, m->member->head.name);
    }
    return GR_OK;
}

static gr_status name_layer(gr_net *net, call *c)
{
    const gr_tree *given = gr__tree_get(c->tree, "name");
    gr_status st = GR_OK;
    char shown[200];
    int number = 1;
    if (gr__tree_none(given)) {
        for (size_t i = 0; i < net->n_made; i++) number += net->made[i].member == c->member;
        c->name = gr__bump_format(net->memory, "%s%d", c->member->head.name, number);
        return c->name ? check_name(net, c, NULL) : GR_E_MEMORY;
    }
    if (given->kind == GR_TREE_LIST || given->kind == GR_TREE_MAP)
        return gr__tree_fail(net->ctx, given, GR_E_TYPE, NULL, "%s is not a name",
                             gr__tree_show(given, shown, sizeof shown));
    c->name = given->text;
    st = gr__name_check(net->ctx, given, "a layer's", c->name);
    return st == GR_OK ? check_name(net, c, given) : st;
}

/* Inputs are values here, not names. */
static gr_status check_inputs(const gr_net *net, const call *c)
{
    const gr_tree *from = gr__tree_get(c->tree, "from");
    if (from)
        return gr__tree_fail(net->ctx, from, GR_E_UNSUPPORTED, "leave it out, and give their values",
                             "a layer's inputs are not named here");
    if (c->n_in < c->member->min_inputs) /* before the family's own hint */
        return gr__tree_fail(net->ctx, gr__tree_get(c->tree, "type"), GR_E_CONFLICT, "gr_layer_of takes several",
                             "%s takes %s%d inputs, not %d", c->member->head.name,
                             c->member->min_inputs == c->member->max_inputs ? "" : "at least ", c->member->min_inputs,
                             c->n_in);
    return gr__layer_inputs(net->ctx, gr__tree_get(c->tree, "type"), c->member, c->n_in);
}

static gr_status read_call(gr_net *net, const char *type, const char *settings, call *c)
{
    gr_tree *tree = NULL;
    gr_status st = GR_OK;
    const char *label = gr__bump_format(net->memory, "layer %zu, %s", net->n_made + 1, type);
    if (!label) return GR_E_MEMORY;
    GR_TRY(gr__api_settings(net->ctx, net->memory, label, type, settings, &tree));
    c->tree = tree;
    c->member = gr__layer_find(net->ctx, tree);
    if (!c->member) return gr__error_code(net->ctx);
    GR_TRY(gr__layer_said(net->ctx, net->memory, c->member, tree, GR_PRESET_CHAPTER, &c->said));
    GR_TRY(check_inputs(net, c));
    GR_TRY(name_layer(net, c));
done:
    return st;
}

/* What the layer has declared goes to the store at once. */
static gr_status declare(gr_net *net)
{
    gr_status st = GR_OK;
    const gr_build *b = &net->b;
    for (; net->n_declared < b->n_params && st == GR_OK; net->n_declared++)
        st = gr_store_add(net->store, &b->params[net->n_declared].entry, NULL);
    for (; net->n_states_declared < b->n_states && st == GR_OK; net->n_states_declared++)
        st = gr_store_add(net->store, &b->states[net->n_states_declared], NULL);
    return st;
}

static gr_val build_call(gr_net *net, const call *c)
{
    gr_build *b = &net->b;
    b->layer = c->name;
    b->follow = GR_FOLLOW_NOTHING;
    b->slope = 0;
    b->last = false;
    b->init = c->said.init;
    gr_val y = gr__layer_build(b, &c->said, c->tree, c->in, c->n_in);
    b->lengths = GR_NONE; /* what no layer gives has none, unless gr_net_lengths says it */
    return y;
}

static bool has_own_activation(const call *c)
{
    if (c->said.activation) return true;
    return !c->member->inner_activation && gr__member_has(&c->member->head, "activation") &&
           !gr__activation_none(gr__setting_tree(&c->said.settings, "activation"));
}

gr_val gr__net_layer(gr_net *net, const char *type, const char *settings, const gr_val *in, int n_in)
{
    call c = {.in = in, .n_in = n_in};
    if (gr_graph_status(net->g) != GR_OK) return GR_NONE;
    if (!type || !in || n_in < 1)
        return gr_graph_fail(net->g, GR_E_USAGE, "a layer needs the name of its type, and what it takes");
    for (int i = 0; i < n_in; i++)
        if (in[i] == GR_NONE) return gr_graph_fail(net->g, GR_E_USAGE, "input %d of a layer %s is no value", i, type);
    gr_status st = read_call(net, type, settings, &c);
    if (st != GR_OK) return gr__net_refuse(net, st);
    if (!GR_ROOM(net->ctx, net->made, net->made_capacity, net->n_made + 1)) return gr__net_refuse(net, GR_E_MEMORY);
    size_t before = net->b.n_params;
    gr_val y = build_call(net, &c);
    if (!y) return GR_NONE;
    st = declare(net);
    if (st != GR_OK) return gr__net_refuse(net, st);
    net->made[net->n_made] = (gr__made){.member = c.member,
                                        .name = c.name,
                                        .in = in[0],
                                        .out = y,
                                        .own = has_own_activation(&c),
                                        .params = before,
                                        .n_params = net->b.n_params - before};
    settle_follow(net, net->n_made++, &c.said.settings);
    return y;
}
