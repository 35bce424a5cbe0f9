/* LookAhead: slow weights that follow the trained ones, which start again from them every k updates.
 * Like an average of weights, but one that feeds back. The slow weights are there before the first update, so the first
 * synchronisation already pulls back. [Zhang et al. 2019, algorithm 1] */
#include <stdio.h>
#include <string.h>

#include "optim/optim.h"

static const gr_row rows[] = {
    GR_ROW("k", INT, "5", "[1,1000000000]", "updates", "how many updates between two synchronisations"),
    GR_ROW("alpha", REAL, "0.5", "[0,1]", "1",
           "how far the slow weights go towards the trained ones; 1 is the optimizer alone, 0 no training"),
    GR_ROW("inner", CHOICE, "keep", "keep|reset|pullback", "",
           "what becomes of the optimizer's first moment: it stays, starts over, or goes back like the weights"),
    GR_ROW("eval", CHOICE, "slow", "slow|fast", "", "which weights are validated and kept as the model"),
};
GR_COMMON(lookahead_common) = {
    .family = "lookahead",
    .name = "lookahead",
    .title = "LookAhead: slow weights around any optimizer",
    .cite = "Zhang et al. 2019, algorithm 1",
    .equations = "slow_0 = w_0;  every k updates:  slow <- slow + alpha (w - slow);  w <- slow",
    GR_ROWS(rows),
};

const char gr__lookahead_slot[] = "slow";

/* ---- the recipe ---- */

static gr_status check_inner(gr_context *ctx, const gr_tree *at, const gr_optim *o)
{
    for (int i = 0; i < o->n_methods; i++)
        if (o->method[i].slots)
            return gr__tree_fail(ctx, at, GR_E_CONFLICT, "write inner: keep, or slots: float32",
                                 "moments that are kept in fewer bits are not set back");
    if (o->n_methods == 1) return GR_OK; /* a method without a first moment has nothing to reset */
    return gr__tree_fail(ctx, at, GR_E_CONFLICT, "write inner: keep", "a switch of methods has no single first moment");
}

gr_status gr__lookahead_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, const gr_optim *o,
                             gr_lookahead *out)
{
    gr_settings s;
    *out = o->method[0].lookahead;
    if (gr__tree_none(tree)) return GR_OK;
    if (out->k)
        return gr__tree_fail(ctx, tree, GR_E_CONFLICT, "set optimizer.k and optimizer.alpha",
                             "%s contains LookAhead already", o->method[0].member->head.name);
    if (gr__optim_averages(o))
        return gr__tree_fail(ctx, tree, GR_E_CONFLICT, "write lookahead: none",
                             "%s is an average of its steps already, which slow weights would not pull back",
                             gr__optim_averages(o));
    if (tree->kind != GR_TREE_MAP)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write {k: 5, alpha: 0.5}", "%s is not a map of keys",
                             gr__tree_kind_name(tree));
    if (gr__tree_get(tree, "type"))
        return gr__tree_fail(ctx, gr__tree_get(tree, "type"), GR_E_KEY, NULL, "unknown key \"type\"");
    gr_status st = gr__settings_make(ctx, b, &gr__lookahead_common, tree, preset, NULL, &s);
    if (st != GR_OK) return st;
    *out = (gr_lookahead){.k = gr__setting_int(&s, "k"),
                          .alpha = gr__setting_real(&s, "alpha"),
                          .inner = gr__setting_is(&s, "inner", "reset")      ? GR_INNER_RESET
                                   : gr__setting_is(&s, "inner", "pullback") ? GR_INNER_PULLBACK
                                                                             : GR_INNER_KEEP,
                          .evaluate_fast = gr__setting_is(&s, "eval", "fast")};
    return out->inner == GR_INNER_KEEP ? GR_OK : check_inner(ctx, gr__setting_tree(&s, "inner"), o);
}

gr_tree *gr__lookahead_tree(gr__bump *b, const gr_lookahead *l, const gr_optim *o)
{
    static const char *const inner[] = {"keep", "reset", "pullback"};
    if (l->k == 0 || o->method[0].lookahead.k) return gr__tree_text(b, "none"); /* the optimizer says it itself */
    gr_tree *t = gr__tree_map(b);
    bool ok = t && gr__tree_put_number(b, t, "k", (double)l->k) && gr__tree_put_number(b, t, "alpha", l->alpha) &&
              gr__tree_put_text(b, t, "inner", inner[l->inner]) &&
              gr__tree_put_text(b, t, "eval", l->evaluate_fast ? "fast" : "slow");
    return ok ? t : NULL;
}

/* ---- the actions ---- */

static gr_val part_of(gr_graph *g, gr_val slow, gr_val w, double alpha)
{
    return gr_add(g, gr_mul(g, slow, gr_const(g, 1 - alpha)),
                  gr_mul(g, w, gr_const(g, alpha))); /* exactly w for 1, slow for 0 */
}

static bool due_start(const gr_update_rules *r, const gr_clock *c)
{
    (void)r;
    return c->step == 0;
}

static gr_status build_start(const gr_update_rules *r, gr_graph *g, gr_store *store, const gr_param_info *params,
                             size_t n)
{
    gr_status st = GR_OK;
    for (size_t i = 0; i < n && st == GR_OK; i++) {
        gr_val slow;
        if (gr__groups_freeze(r->groups, params[i].entry.name)) continue;
        st = gr__slot_beside(g, store, &params[i].entry, gr__lookahead_slot, 0, &slow);
        if (st == GR_OK) gr_assign(g, slow, gr_param(g, params[i].entry.name, params[i].entry.shape), GR_ASSIGN_UPDATE);
    }
    return st == GR_OK ? gr_graph_status(g) : st;
}

static bool due_synchronise(const gr_update_rules *r, const gr_clock *c)
{
    return c->step > 0 && c->step % r->lookahead->k == 0;
}

/* The method's first moment, where it keeps one. */
static gr_status treat_moment(const gr_update_rules *r, gr_graph *g, gr_store *store, const gr_param_info *p)
{
    const gr_lookahead *l = r->lookahead;
    gr_first_moment moment = gr__method_moment(&r->optim->method[0]);
    if (!moment.slot || l->inner == GR_INNER_KEEP) return GR_OK;
    gr_val m = gr__slot_find(g, store, p->entry.name, gr__optim_phase_name(0), moment.slot), before;
    if (m == GR_NONE) return GR_OK;
    gr_val fresh = gr_broadcast(g, gr_const(g, 0), p->entry.shape);
    if (l->inner == GR_INNER_PULLBACK) {
        gr_status st = gr__slot_beside(g, store, &p->entry, "slow_m", 0, &before);
        if (st != GR_OK) return st;
        fresh = part_of(g, before, m, l->alpha);
        gr_assign(g, before, fresh, GR_ASSIGN_UPDATE);
    }
    gr_assign(g, m, fresh, GR_ASSIGN_UPDATE);
    return GR_OK;
}

static gr_status build_synchronise(const gr_update_rules *r, gr_graph *g, gr_store *store, const gr_param_info *params,
                                   size_t n)
{
    gr_status st = GR_OK;
    for (size_t i = 0; i < n; i++) {
        gr_val slow, w;
        if (gr__groups_freeze(r->groups, params[i].entry.name)) continue;
        GR_TRY(gr__slot_beside(g, store, &params[i].entry, gr__lookahead_slot, 0, &slow));
        w = gr_param(g, params[i].entry.name, params[i].entry.shape);
        gr_val both = part_of(g, slow, w, r->lookahead->alpha);
        gr_assign(g, slow, both, GR_ASSIGN_UPDATE);
        gr_assign(g, w, both, GR_ASSIGN_UPDATE);
        GR_TRY(treat_moment(r, g, store, &params[i]));
    }
done:
    return st == GR_OK ? gr_graph_status(g) : st;
}

const gr_action gr__lookahead_start = {"lookahead start", due_start, build_start};
const gr_action gr__lookahead_synchronise = {"lookahead", due_synchronise, build_synchronise};
