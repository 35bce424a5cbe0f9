/* The update of a network by an optimizer's name: gradients, then all that optim/build.c makes of them. */
#include <math.h>
#include <string.h>

#include "api/net.h"
#include "api/text.h"
#include "model/feeds.h"
#include "optim/optim.h"

typedef struct rules { /* what the settings say */
    gr_optim optim;
    gr_clip clip;
    gr_penalties penalties;
    gr_groups groups;
} rules;

/* The optimizer's own settings in a map of their own: those beside them keep their places in `tree`. */
static gr_tree *own_settings(gr__bump *b, const gr_tree *tree)
{
    static const char *const others[] = {"clip", "penalty", "groups"};
    gr_tree *own = gr__tree_map(b);
    if (!own) return NULL;
    own->file = tree->file, own->line = tree->line, own->column = tree->column;
    for (int i = 0; i < tree->n; i++) {
        bool other = false;
        for (size_t k = 0; k < GR_COUNT(others); k++) other |= strcmp(tree->key[i], others[k]) == 0;
        if (!other && !gr__tree_put(b, own, tree->key[i], tree->child[i])) return NULL;
    }
    return own;
}

/* What one plan, run once an update, cannot do. */
static gr_status refuse_more(gr_net *net, const gr_tree *tree, const gr_optim *o)
{
    const gr_tree *at = gr__tree_get(tree, "type");
    const gr_method *m = &o->method[0];
    const char *why = o->n_methods > 1   ? "two methods are two updates, each with a plan of its own"
                      : m->lookahead.k   ? "it contains LookAhead, whose slow weights take plans of their own"
                      : m->member->point ? "it takes gradients ahead of the weights, where the layers were not built"
                      : m->member->curvature_every && m->member->curvature_every(&m->settings) != 1
                          ? "curvature that is not taken in every update takes a second plan"
                      : gr__method_draws(m) ? "it draws labels for the cost, which a recipe's heads know"
                                            : NULL;
    return why ? gr__tree_fail(net->ctx, at, GR_E_UNSUPPORTED, "recipes train with it", "%s is not for gr_optimize: %s",
                               at->text, why)
               : GR_OK;
}

static gr_status read_rules(gr_net *net, const char *type, const char *settings, rules *r)
{
    gr_tree *tree = NULL, *own;
    gr_status st = GR_OK;
    const char *label = gr__bump_format(net->memory, "optimizer, %s", type);
    if (!label) return GR_E_MEMORY;
    GR_TRY(gr__api_settings(net->ctx, net->memory, label, type, settings, &tree));
    if (!(own = own_settings(net->memory, tree))) return GR_E_MEMORY;
    GR_TRY(gr__optim_make(net->ctx, net->memory, own, GR_PRESET_CHAPTER, &r->optim));
    GR_TRY(refuse_more(net, own, &r->optim));
    GR_TRY(gr__clip_make(net->ctx, gr__tree_get(tree, "clip"), GR_PRESET_CHAPTER, &r->clip));
    GR_TRY(gr__penalty_make(net->ctx, net->memory, gr__tree_get(tree, "penalty"), GR_PRESET_CHAPTER, &r->penalties));
    GR_TRY(gr__groups_make(net->ctx, net->memory, gr__tree_get(tree, "groups"), &r->groups));
    GR_TRY(gr__groups_check(net->ctx, &r->groups, net->b.params, net->b.n_params, NULL, 0));
done:
    return st;
}

typedef struct work { /* n each, GR_NONE of frozen parameters */
    gr_val *leaves, *grads, *signs, *bends;
    gr_val *active, *d; /* those that are trained, one after the other */
    int n_active;
} work;

static bool make_room(gr_net *net, work *w)
{
    gr_val **const arrays[] = {&w->leaves, &w->grads, &w->signs, &w->bends, &w->active, &w->d};
    for (size_t i = 0; i < GR_COUNT(arrays); i++)
        if (!(*arrays[i] = gr__bump_alloc(net->memory, sizeof(gr_val) * (net->b.n_params + 1)))) return false;
    return true;
}

static void spread(const gr_net *net, const rules *r, const work *w, gr_val *to)
{
    int k = 0;
    for (size_t i = 0; i < net->b.n_params; i++)
        to[i] = gr__groups_freeze(&r->groups, net->b.params[i].entry.name) ? GR_NONE : w->d[k++];
}

static gr_status differentiate(gr_net *net, const rules *r, gr_val cost, work *w)
{
    for (size_t i = 0; i < net->b.n_params; i++) {
        w->leaves[i] = gr_net_param(net, (int)i, NULL);
        if (!gr__groups_freeze(&r->groups, net->b.params[i].entry.name)) w->active[w->n_active++] = w->leaves[i];
    }
    gr_status st = gr_gradients(net->g, cost, w->active, w->n_active, w->d);
    if (st != GR_OK) return st;
    spread(net, r, w, w->grads);
    for (size_t i = 0; i < net->b.n_params; i++)
        if (w->grads[i]) gr_mark_gradient(net->g, w->leaves[i], w->grads[i]);
    return GR_OK;
}

/* H z, for methods that want it: the gradient of the gradient's product with random signs z. */
static gr_status bend(gr_net *net, const rules *r, work *w)
{
    gr_graph *g = net->g;
    gr_val along = gr_const(g, 0);
    for (size_t i = 0; i < net->b.n_params; i++) {
        if (!w->grads[i]) continue;
        w->signs[i] = gr__optim_rademacher(g, &net->b.params[i], net->b.seed, net->b.update);
        along = gr_add(g, along, gr_sum_all(g, gr_mul(g, w->grads[i], w->signs[i])));
    }
    gr_status st = gr_gradients(g, along, w->active, w->n_active, w->d);
    if (st == GR_OK) spread(net, r, w, w->bends);
    return st;
}

static gr_status build(gr_net *net, const rules *r, gr_val sum, gr_val count)
{
    work w = {0};
    gr_update_values v;
    gr_graph *g = net->g;
    gr_status st = make_room(net, &w) ? differentiate(net, r, sum, &w) : GR_E_MEMORY;
    bool curved = r->optim.method[0].member->curvature_every != NULL;
    if (st == GR_OK && curved) st = bend(net, r, &w);
    if (st != GR_OK) return st;
    const gr_update_spec u = {.optim = &r->optim,
                              .clip = &r->clip,
                              .penalties = &r->penalties,
                              .groups = &r->groups,
                              .params = net->b.params,
                              .leaves = w.leaves,
                              .grads = w.grads,
                              .rademacher = curved ? w.signs : NULL,
                              .curvature = curved ? w.bends : NULL,
                              .n = net->b.n_params,
                              .count = count,
                              .lr = gr_feed(g, GR_FEED_LR, GR_REAL, GR_SCALAR),
                              .seed = gr_feed(g, GR_FEED_SEED, GR_REAL, GR_SCALAR)};
    st = gr__optim_build(g, net->store, &u, &v);
    if (st != GR_OK) return st;
    gr_val finite = gr_add(g, sum, v.finite);
    gr_guard(g, net->moved ? gr_add(g, finite, net->moved) : finite);
    return gr_graph_status(g);
}

static gr_status check_call(gr_net *net, const char *type, gr_val cost)
{
    gr_status st = gr_graph_status(net->g);
    if (st != GR_OK) return st;
    if (!type || !cost) return gr__fail(net->ctx, GR_E_USAGE, "an update needs the name of an optimizer, and a cost");
    if (gr_shape_of(net->g, cost).rank != 0) return gr__fail(net->ctx, GR_E_SHAPE, "a cost is one number, rank 0");
    if (net->b.mode != GR_MODE_TRAIN)
        return gr__fail(net->ctx, GR_E_USAGE, "a network that is built for evaluation is not trained");
    if (!isnan(net->lr)) return gr__fail(net->ctx, GR_E_USAGE, "the network has an optimizer already");
    if (net->b.n_params == 0) return gr__fail(net->ctx, GR_E_USAGE, "the network has no parameters to train");
    return GR_OK;
}

gr_status gr_optimize(gr_net *net, const char *type, const char *settings, gr_val cost)
{
    rules r = {0};
    gr_status st = check_call(net, type, cost);
    if (st == GR_OK) st = read_rules(net, type, settings, &r);
    gr__costed of = {.mean = cost, .sum = cost, .divisor = GR_NONE};
    for (size_t i = 0; i < net->n_costs; i++) /* sums and what divides them, as the trainer has them */
        if (net->cost[i].mean == cost) of = net->cost[i];
    if (st == GR_OK) st = build(net, &r, of.sum, of.divisor ? of.divisor : gr_const(net->g, 1));
    if (st == GR_OK)
        net->lr = r.optim.method[0].lr;
    else
        gr__net_refuse(net, st);
    return st;
}

double gr_net_rate(const gr_net *net)
{
    return net->lr;
}

void gr_net_feed(gr_plan *plan, uint64_t seed, int64_t update, double rate)
{
    const struct {
        const char *feed;
        double value;
    } all[] = {
        {GR_FEED_SEED, (double)seed}, {GR_FEED_UPDATE, (double)update}, {GR_FEED_POSITION, 0}, {GR_FEED_LR, rate}};
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        double *to = gr_plan_feed(plan, all[i].feed, NULL);
        if (to) *to = all[i].value;
    }
}
