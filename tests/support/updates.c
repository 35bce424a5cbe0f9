/* Making the plans of an update and of its actions, and running them. */
#include "support/updates.h"

static gr_tree *up_tree(updates *u, const char *text)
{
    gr_tree *t = text ? gr__tree_flow(u->memory, text) : NULL;
    assert_true(!text || t);
    return t;
}

static void up_settings(updates *u)
{
    const up_spec *s = &u->spec;
    const gr_preset p = GR_PRESET_CHAPTER;
    test_ok(u->ctx, gr__optim_make(u->ctx, u->memory, up_tree(u, s->optimizer), p, &u->optim));
    if (s->member) u->optim.method[0].member = s->member;
    test_ok(u->ctx, gr__lookahead_make(u->ctx, u->memory, up_tree(u, s->lookahead), p, &u->optim, &u->lookahead));
    test_ok(u->ctx, gr__average_make(u->ctx, u->memory, up_tree(u, s->average), p, &u->average));
    test_ok(u->ctx, gr__clip_make(u->ctx, up_tree(u, s->clip), p, &u->clip));
    test_ok(u->ctx, gr__penalty_make(u->ctx, u->memory, up_tree(u, s->penalty), p, &u->penalties));
    test_ok(u->ctx, gr__groups_make(u->ctx, u->memory, up_tree(u, s->groups), &u->groups));
    u->rules = (gr_update_rules){&u->optim, &u->lookahead, &u->average, &u->groups};
    u->n_actions = s->actions ? 0 : gr__actions(&u->rules, u->action);
    for (; s->actions && s->actions[u->n_actions]; u->n_actions++) u->action[u->n_actions] = s->actions[u->n_actions];
    u->clock = (gr_clock){.total = s->total, .updates_per_epoch = s->updates_per_epoch ? s->updates_per_epoch : 1};
}

/* Feeds: "g0", "g1" ..., "z0", "hz0" where there is curvature, "lr", "count". */
static gr_plan *up_step_plan(updates *u, int phase, bool curved)
{
    const up_spec *s = &u->spec;
    gr_graph *g;
    gr_plan *plan;
    gr_update_values v;
    gr_val leaf[EV_PARAMS], grad[EV_PARAMS];
    assert_true(s->n <= EV_PARAMS);
    test_ok(u->ctx, gr_graph_create(u->ctx, &g));
    for (size_t i = 0; i < s->n; i++) {
        const gr_entry_spec *e = &s->params[i].entry;
        char name[16];
        snprintf(name, sizeof name, "g%d", (int)i);
        leaf[i] = gr_param(g, e->name, e->shape);
        grad[i] = gr__groups_freeze(&u->groups, e->name) ? GR_NONE : gr_feed(g, name, GR_REAL, e->shape);
    }
    const ev_setup setup = {.optim = &u->optim,
                            .phase = phase,
                            .curved = curved,
                            .clip = &u->clip,
                            .penalties = &u->penalties,
                            .groups = &u->groups};
    test_ok(u->ctx, ev_update(g, u->store, &setup, s->params, leaf, grad, s->n, gr_feed(g, "count", GR_REAL, GR_SCALAR),
                              gr_feed(g, "lr", GR_REAL, GR_SCALAR), &v));
    gr_output(g, "norm", v.norm);
    gr_guard(g, v.finite);
    test_ok(u->ctx,
            gr_plan_compile(u->ctx, g, u->store, &(gr_plan_options){.backend = s->backend, .name = "update"}, &plan));
    gr_graph_destroy(g);
    return plan;
}

static gr_plan *up_action_plan(updates *u, const gr_action *a)
{
    gr_graph *g;
    gr_plan *plan;
    test_ok(u->ctx, gr_graph_create(u->ctx, &g));
    test_ok(u->ctx, a->build(&u->rules, g, u->store, u->spec.params, u->spec.n));
    test_ok(u->ctx, gr_plan_compile(u->ctx, g, u->store,
                                    &(gr_plan_options){.backend = u->spec.backend, .name = a->name}, &plan));
    gr_graph_destroy(g);
    return plan;
}

static void up_plans(updates *u)
{
    for (int phase = 0; phase < u->optim.n_methods; phase++) {
        const gr_method *m = &u->optim.method[phase];
        int64_t every = m->member->curvature_every ? m->member->curvature_every(&m->settings) : 0;
        if (every > 0) u->step[2 * phase + 1] = up_step_plan(u, phase, true);
        if (every != 1) u->step[2 * phase] = up_step_plan(u, phase, false);
    }
    for (int i = 0; i < u->n_actions; i++) u->act[i] = up_action_plan(u, u->action[i]);
}

void up_write(updates *u, const char *name, const double *values)
{
    gr_store_write(u->store, gr_store_find(u->store, name), values);
}

void up_read(const updates *u, const char *name, double *values)
{
    const gr_entry *e = gr_store_find(u->store, name);
    if (!e) fail_msg("%s: there is no %s", u->spec.optimizer, name);
    gr_store_read(u->store, e, values);
}

size_t up_weights(const updates *u, double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < u->spec.n; i++) {
        up_read(u, u->spec.params[i].entry.name, values + n);
        n += (size_t)gr_shape_count(u->spec.params[i].entry.shape);
    }
    return n;
}

static gr_status up_act(updates *u)
{
    gr_status st = GR_OK;
    for (int i = 0; i < u->n_actions && st == GR_OK; i++)
        if (u->action[i]->due(&u->rules, &u->clock)) st = gr_plan_run(u->act[i]);
    return st;
}

void up_open(updates *u, const up_spec *spec, const double *w)
{
    *u = (updates){.spec = *spec};
    u->ctx = test_context_with(spec->threads ? spec->threads : 1, 0);
    u->memory = gr__bump_create(u->ctx);
    up_settings(u);
    test_ok(u->ctx, gr_store_create(u->ctx, spec->backend, &u->store));
    for (size_t i = 0; i < spec->n; i++) test_ok(u->ctx, gr_store_add(u->store, &spec->params[i].entry, NULL));
    up_plans(u);
    test_ok(u->ctx, gr_store_seal(u->store));
    for (int i = 0; i < 4; i++)
        if (u->step[i]) test_ok(u->ctx, gr_plan_bind(u->step[i], NULL));
    for (int i = 0; i < u->n_actions; i++) test_ok(u->ctx, gr_plan_bind(u->act[i], NULL));
    for (size_t i = 0; i < spec->n; i++) {
        up_write(u, spec->params[i].entry.name, w);
        w += gr_shape_count(spec->params[i].entry.shape);
    }
    test_ok(u->ctx, up_act(u));
}

void up_close(updates *u)
{
    for (int i = 0; i < 4; i++) gr_plan_destroy(u->step[i]);
    for (int i = 0; i < u->n_actions; i++) gr_plan_destroy(u->act[i]);
    gr_store_destroy(u->store);
    gr__bump_destroy(u->memory);
    test_context_end(u->ctx);
}

gr_plan *up_plan(const updates *u)
{
    return u->step[2 * gr__optim_phase(&u->optim, &u->clock) + gr__optim_curvature(&u->optim, &u->clock)];
}

static void up_feed(updates *u, gr_plan *plan, const char *kind, const double *values)
{
    for (size_t i = 0; values && i < u->spec.n; i++) {
        gr_shape shape = u->spec.params[i].entry.shape;
        char name[16];
        snprintf(name, sizeof name, "%s%d", kind, (int)i);
        void *to = gr_plan_feed(plan, name, NULL);
        if (to) ev_put(u->spec.backend, GR_REAL, shape, to, values);
        values += gr_shape_count(shape);
    }
}

gr_status up_step(updates *u, const double *g, const double *z, const double *hz, double count, double lr)
{
    gr_plan *plan = up_plan(u);
    up_feed(u, plan, "g", g), up_feed(u, plan, "z", z), up_feed(u, plan, "hz", hz);
    double *rate = gr_plan_feed(plan, "lr", NULL), *divisor = gr_plan_feed(plan, "count", NULL);
    if (rate) *rate = lr;
    if (divisor) *divisor = count;
    gr_status st = gr_plan_run(plan);
    if (st != GR_OK) return st;
    u->clock.step++;
    return up_act(u);
}

const char *up_case_groups(const ev_case *c, char room[96])
{
    const char *scale = ev_word(c, "lr_scale"), *decay = ev_word(c, "group_weight_decay");
    snprintf(room, 96, "[{match: p, lr_scale: %s, weight_decay: %s}]", scale[0] ? scale : "1",
             decay[0] ? decay : "none");
    return scale[0] || decay[0] ? room : NULL;
}

gr_status up_case_step(updates *u, const ev_case *c, int64_t step)
{
    const ev_tensor *w0 = ev_find(c, "w0"), *z = ev_find(c, "z"), *hz = ev_find(c, "hz");
    int64_t at = step * w0->n;
    return up_step(u, ev_find(c, "g")->v + at, z ? z->v + at : NULL, hz ? hz->v + at : NULL, ev_number(c, "count"),
                   ev_find(c, "lr")->v[step]);
}

void up_assert_weights(const updates *u, const char *what, const double *want, size_t n)
{
    double w[16];
    assert_int_equal(up_weights(u, w), n);
    for (size_t i = 0; i < n; i++)
        if (!(fabs(w[i] - want[i]) < 1e-12)) fail_msg("%s: weight %d is %.15g, not %.15g", what, (int)i, w[i], want[i]);
}
