/* Plans of an update, one a phase and with or without curvature, one an action; a clock says which of them are due. */
#include "study/steps/updates.h"

#include <stdio.h>
#include <string.h>

static gr_status settle(gr_updates *u, const gr_updates_spec *s)
{
    const char *const texts[] = {s->optimizer, s->lookahead, s->average};
    gr_tree *tree[GR_COUNT(texts)] = {NULL};
    gr_status st = GR_OK;
    for (size_t i = 0; i < GR_COUNT(texts); i++)
        if (texts[i] && !(tree[i] = gr__tree_flow(u->memory, texts[i]))) return GR_E_MEMORY;
    GR_TRY(gr__optim_make(u->ctx, u->memory, tree[0], GR_PRESET_CHAPTER, &u->optim));
    GR_TRY(gr__lookahead_make(u->ctx, u->memory, tree[1], GR_PRESET_CHAPTER, &u->optim, &u->lookahead));
    GR_TRY(gr__average_make(u->ctx, u->memory, tree[2], GR_PRESET_CHAPTER, &u->average));
    u->rules = (gr_update_rules){&u->optim, &u->lookahead, &u->average, &u->groups};
    u->n_actions = gr__actions(&u->rules, u->action);
    GR_TRY(gr__actions_check(u->ctx, &u->rules, &(gr_clock){.total = s->total, .updates_per_epoch = 1}));
done:
    return st;
}

static gr_status compile(gr_updates *u, gr_graph *g, const char *name, gr_plan **out)
{
    return gr_plan_compile(u->ctx, g, u->store, &(gr_plan_options){.backend = gr_backend_get("ref"), .name = name},
                           out);
}

/* Feeds "g", "lr" and, with curvature, "h": signs are all +1, so that H z is the diagonal itself. */
static gr_status step_graph(gr_updates *u, int phase, bool curved, gr_graph *g)
{
    gr_shape shape = u->param.entry.shape;
    gr_val leaf = gr_param(g, u->param.entry.name, shape), slope = gr_feed(g, "g", GR_REAL, shape), z = GR_NONE,
           h = GR_NONE;
    if (curved) {
        z = gr_broadcast(g, gr_const(g, 1), shape);
        h = gr_feed(g, "h", GR_REAL, shape);
    }
    gr_update_spec spec = {.optim = &u->optim,
                           .phase = phase,
                           .params = &u->param,
                           .leaves = &leaf,
                           .grads = &slope,
                           .n = 1,
                           .rademacher = curved ? &z : NULL,
                           .curvature = curved ? &h : NULL,
                           .count = gr_const(g, 1),
                           .lr = gr_feed(g, "lr", GR_REAL, GR_SCALAR)};
    gr_update_values v;
    gr_status st = gr__optim_build(g, u->store, &spec, &v);
    gr_guard(g, v.finite);
    return st == GR_OK ? gr_graph_status(g) : st;
}

static gr_status step_plan(gr_updates *u, int phase, bool curved)
{
    gr_graph *g = NULL;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(u->ctx, &g));
    GR_TRY(step_graph(u, phase, curved, g));
    GR_TRY(compile(u, g, "update", &u->step[phase][curved]));
done:
    gr_graph_destroy(g);
    return st;
}

static gr_status action_plan(gr_updates *u, int i)
{
    gr_graph *g = NULL;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(u->ctx, &g));
    GR_TRY(u->action[i]->build(&u->rules, g, u->store, &u->param, 1));
    GR_TRY(compile(u, g, u->action[i]->name, &u->act[i]));
done:
    gr_graph_destroy(g);
    return st;
}

static gr_status plans(gr_updates *u)
{
    gr_status st = GR_OK;
    for (int phase = 0; phase < u->optim.n_methods; phase++) {
        const gr_method *m = &u->optim.method[phase];
        int64_t every = m->member->curvature_every ? m->member->curvature_every(&m->settings) : 0;
        if (every > 0) GR_TRY(step_plan(u, phase, true));
        if (every != 1) GR_TRY(step_plan(u, phase, false));
    }
    for (int i = 0; i < u->n_actions; i++) GR_TRY(action_plan(u, i));
    GR_TRY(gr_store_seal(u->store));
    for (int i = 0; i < 4; i++)
        if (u->step[i / 2][i % 2]) GR_TRY(gr_plan_bind(u->step[i / 2][i % 2], NULL));
    for (int i = 0; i < u->n_actions; i++) GR_TRY(gr_plan_bind(u->act[i], NULL));
done:
    return st;
}

static gr_status act(gr_updates *u)
{
    gr_status st = GR_OK;
    for (int i = 0; i < u->n_actions && st == GR_OK; i++)
        if (u->action[i]->due(&u->rules, &u->clock)) st = gr_plan_run(u->act[i]);
    return st;
}

gr_status gr__updates_open(gr_context *ctx, const gr_updates_spec *spec, const double *w, gr_updates *u)
{
    gr_status st = GR_OK;
    *u = (gr_updates){.ctx = ctx,
                      .param = {.entry = {.name = "w", .shape = GR_SHAPE(spec->size), .role = spec->role}},
                      .clock = {.total = spec->total, .updates_per_epoch = 1}};
    u->memory = gr__bump_create(ctx);
    if (!u->memory) return GR_E_MEMORY;
    GR_TRY(settle(u, spec));
    GR_TRY(gr_store_create(ctx, gr_backend_get("ref"), &u->store));
    GR_TRY(gr_store_add(u->store, &u->param.entry, NULL));
    GR_TRY(plans(u));
    gr_store_write(u->store, gr_store_find(u->store, "w"), w);
    GR_TRY(act(u));
done:
    return st;
}

void gr__updates_close(gr_updates *u)
{
    if (!u->ctx) return;
    for (int i = 0; i < 4; i++) gr_plan_destroy(u->step[i / 2][i % 2]);
    for (int i = 0; i < u->n_actions; i++) gr_plan_destroy(u->act[i]);
    gr_store_destroy(u->store);
    gr__bump_destroy(u->memory);
    *u = (gr_updates){0};
}

static void feed(gr_plan *p, const char *name, const double *values)
{
    size_t bytes;
    void *to = gr_plan_feed(p, name, &bytes);
    if (to && values) memcpy(to, values, bytes);
}

gr_status gr__updates_step(gr_updates *u, const double *g, const double *h, double lr)
{
    gr_plan *p = u->step[gr__optim_phase(&u->optim, &u->clock)][gr__optim_curvature(&u->optim, &u->clock)];
    feed(p, "g", g);
    feed(p, "h", h);
    feed(p, "lr", &lr);
    gr_status st = gr_plan_run(p);
    u->clock.step++;
    return st == GR_OK ? act(u) : st;
}

void gr__updates_read(const gr_updates *u, double *w)
{
    gr_view views[GR_MAX_VIEWS];
    int n = gr__views(&u->rules, views);
    const char *name = u->param.entry.name;
    const gr_entry *e = gr_store_find(u->store, name);
    char slot[64];
    for (int i = 0; i < n; i++) {
        double count = 0;
        if (!views[i].counter) continue;
        gr_store_read(u->store, gr_store_find(u->store, views[i].counter), &count);
        snprintf(slot, sizeof slot, "%s/%s", name, views[i].slot);
        if (count > 0) e = gr_store_find(u->store, slot);
    }
    gr_store_read(u->store, e, w);
}
