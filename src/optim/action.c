/* What happens only now and then, and which weights are evaluated. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "optim/optim.h"
#include "schedule/span.h"

/* ---- the clock ---- */

int64_t gr__clock_updates(gr_span s, const gr_clock *c)
{
    return llround(gr__span_updates(s, c->total, (double)c->updates_per_epoch));
}

int gr__optim_phase(const gr_optim *o, const gr_clock *c)
{
    return o->n_methods == 2 && c->step >= gr__clock_updates(o->at, c);
}

bool gr__optim_curvature(const gr_optim *o, const gr_clock *c)
{
    int phase = gr__optim_phase(o, c);
    const gr_method *m = &o->method[phase];
    if (!m->member->curvature_every) return false;
    int64_t since = c->step - (phase ? gr__clock_updates(o->at, c) : 0);
    return since % m->member->curvature_every(&m->settings) == 0;
}

/* ---- the switch ---- */

static bool due_switch(const gr_update_rules *r, const gr_clock *c)
{
    return c->step > 0 && c->step == gr__clock_updates(r->optim->at, c);
}

/* SGD's momentum sums gradients, Adam's averages them: the sum of a constant gradient is share/(1 - decay) times as
 * large. */
static gr_status build_switch(const gr_update_rules *r, gr_graph *g, gr_store *store, const gr_param_info *params,
                              size_t n)
{
    gr_first_moment first = gr__method_moment(&r->optim->method[0]), then = gr__method_moment(&r->optim->method[1]);
    gr_val t = gr_slot(g, "optimizer/t", GR_SCALAR);
    gr_val unbias = gr__one_minus(g, gr_pow(g, gr_const(g, first.decay), t));
    gr_val scale = gr_div(g, gr_const(g, then.share), gr_mul(g, unbias, gr_const(g, 1 - then.decay)));
    for (size_t i = 0; i < n; i++) {
        const char *owner = params[i].entry.name;
        gr_val average = gr__slot_find(g, store, owner, gr__optim_phase_name(0), first.slot);
        gr_val sum = gr__slot_find(g, store, owner, gr__optim_phase_name(1), then.slot);
        if (average && sum) gr_assign(g, sum, gr_mul(g, average, scale), GR_ASSIGN_UPDATE); /* else frozen */
    }
    return gr_graph_status(g);
}

static const gr_action carry_over = {"switch", due_switch, build_switch};

/* ---- all of them ---- */

int gr__actions(const gr_update_rules *r, const gr_action **out)
{
    int n = 0;
    if (r->optim->n_methods == 2 && r->optim->carry) out[n++] = &carry_over;
    if (r->lookahead->k) out[n++] = &gr__lookahead_start, out[n++] = &gr__lookahead_synchronise;
    if (r->average->on) out[n++] = &gr__average_collect;
    return n;
}

static gr_status check_span(gr_context *ctx, gr_span s, const char *key)
{
    if (s.unit != GR_SPAN_RUN) return GR_OK;
    gr__fail(ctx, GR_E_CONFLICT, "a fraction of the run needs to know how many updates there will be");
    gr__error_place(ctx, NULL, 0, 0, key);
    gr__error_hint(ctx, "give stop.epochs or stop.steps, or write %s in updates", key);
    return GR_E_CONFLICT;
}

/* How far ahead is looked for an update after which an action is due: a moment's work, and longer runs show it early.
 */
enum { LOOK_AHEAD = 1 << 22 };

static bool is_never_due(const gr_action *a, const gr_update_rules *r, gr_clock c)
{
    int64_t end = GR_MIN(c.total, LOOK_AHEAD);
    for (c.step = 0; c.step <= end; c.step++)
        if (a->due(r, &c)) return false;
    return c.total <= LOOK_AHEAD;
}

static void warn_of_switch(gr_context *ctx, const gr_optim *o, const gr_clock *c)
{
    int64_t at = gr__clock_updates(o->at, c);
    const char *unused = at == 0          ? o->method[0].member->head.name
                         : at >= c->total ? o->method[1].member->head.name
                                          : NULL;
    if (unused)
        gr__log(ctx, GR_LOG_WARNING, "optimizer.at: the switch is after update %lld of %lld: %s makes no update",
                (long long)at, (long long)c->total, unused);
}

static void warn_of_idle(gr_context *ctx, const gr_update_rules *r, const gr_clock *c)
{
    const gr_action *all[GR_MAX_ACTIONS];
    int n = gr__actions(r, all);
    if (r->optim->n_methods == 2) warn_of_switch(ctx, r->optim, c);
    for (int i = 0; i < n; i++) {
        if (all[i] == &carry_over || !is_never_due(all[i], r, *c)) continue; /* the switch is told of already */
        bool stays = all[i] == &gr__lookahead_synchronise && !r->lookahead->evaluate_fast;
        gr__log(ctx, GR_LOG_WARNING, "%s: nothing is due within the %lld updates of this run%s", all[i]->name,
                (long long)c->total, stays ? ": the slow weights, which are the model, stay as they start" : "");
    }
}

gr_status gr__actions_check(gr_context *ctx, const gr_update_rules *r, const gr_clock *start)
{
    gr_status st = GR_OK;
    if (start->total > 0) {
        warn_of_idle(ctx, r, start);
        return GR_OK;
    }
    if (r->optim->n_methods == 2) st = check_span(ctx, r->optim->at, "optimizer.at");
    return st == GR_OK && r->average->on ? check_span(ctx, r->average->start, "average.start") : st;
}

/* ---- views ---- */

const char *gr__optim_averages(const gr_optim *o)
{
    for (int i = 0; i < o->n_methods; i++)
        if (o->method[i].member->averages) return o->method[i].member->head.name;
    return NULL;
}

int gr__views(const gr_update_rules *r, gr_view out[GR_MAX_VIEWS])
{
    int n = 0;
    if (gr__optim_averages(r->optim)) /* its weights are the parameters, its statistics slots of that name */
        out[n++] = (gr_view){.slot = "averaged", .statistics = true};
    else
        out[n++] = (gr_view){.slot = r->lookahead->k && !r->lookahead->evaluate_fast ? gr__lookahead_slot : NULL};
    if (r->average->on)
        out[n++] = (gr_view){.slot = gr__average_slot(r->average),
                             .file = gr__average_kept(r->average),
                             .counter = "average/n",
                             .statistics = true};
    return n;
}

gr_val gr__view_leaf(const gr_view *v, gr_graph *g, const gr_store *store, const char *name, gr_shape shape)
{
    char full[512];
    if (!v->slot) return gr_param(g, name, shape);
    snprintf(full, sizeof full, "%s/%s", name, v->slot);
    return gr_store_find(store, full) ? gr_slot(g, full, shape) : gr_param(g, name, shape); /* frozen ones have none */
}

gr_val gr__view_state(const gr_view *v, gr_graph *g, const gr_store *store, const gr_entry_spec *s)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", s->name, v->slot ? v->slot : "");
    return gr_slot(g, v->statistics && gr_store_find(store, full) ? full : s->name,
                   s->shape); /* frozen ones have none */
}
