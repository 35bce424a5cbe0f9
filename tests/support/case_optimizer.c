/* Optimizers: the weights after every update. */
#include "support/case_optimizer.h"

gr_status ev_update(gr_graph *g, gr_store *store, const ev_setup *s, const gr_param_info *params, const gr_val *leaves,
                    const gr_val *grads, size_t n, gr_val count, gr_val lr, gr_update_values *out)
{
    gr_val z[EV_PARAMS], hz[EV_PARAMS];
    for (size_t i = 0; s->curved && i < n && i < EV_PARAMS; i++) {
        char name[16];
        snprintf(name, sizeof name, "z%d", (int)i);
        z[i] = gr_feed(g, name, GR_REAL, params[i].entry.shape);
        snprintf(name, sizeof name, "hz%d", (int)i);
        hz[i] = gr_feed(g, name, GR_REAL, params[i].entry.shape);
    }
    gr_update_spec u = {.optim = s->optim,
                        .phase = s->phase,
                        .clip = s->clip,
                        .penalties = s->penalties,
                        .groups = s->groups,
                        .params = params,
                        .leaves = leaves,
                        .grads = grads,
                        .n = n,
                        .count = count,
                        .lr = lr,
                        .rademacher = s->curved ? z : NULL,
                        .curvature = s->curved ? hz : NULL};
    return gr__optim_build(g, store, &u, out);
}

gr_param_info ev_param(const ev_case *c, gr_shape shape)
{
    bool conv = strcmp(ev_word(c, "layout"), "conv") == 0;
    return (gr_param_info){.last = strcmp(ev_word(c, "layer"), "last") == 0,
                           .entry = {.name = "p",
                                     .shape = shape,
                                     .role = strcmp(ev_word(c, "role"), "bias") == 0 ? GR_ROLE_BIAS : GR_ROLE_WEIGHT,
                                     .layout = !conv             ? GR_LAYOUT_PLAIN
                                               : shape.rank == 3 ? GR_LAYOUT_CONV1D
                                                                 : GR_LAYOUT_CONV}};
}

/* The group that the case puts its parameter in; n 0: none. */
static gr_groups ev_groups(const ev_case *c, gr_group *room)
{
    const char *scale = ev_word(c, "lr_scale"), *decay = ev_word(c, "group_weight_decay");
    *room = (gr_group){.match = "*",
                       .lr_scale = scale[0] ? strtod(scale, NULL) : 1,
                       .weight_decay = decay[0] ? strtod(decay, NULL) : (double)NAN};
    return (gr_groups){room, scale[0] || decay[0]};
}

static bool ev_trainer_graph(ev_trainer *t, const ev_setup *s, const gr_param_info *p)
{
    gr_graph **g = &t->g[s->curved];
    if (gr_graph_create(t->ctx, g) != GR_OK) return false;
    gr_val leaf = gr_param(*g, p->entry.name, p->entry.shape), grad = gr_feed(*g, "g", GR_REAL, p->entry.shape);
    gr_val count = gr_feed(*g, "count", GR_REAL, GR_SCALAR), lr = gr_feed(*g, "lr", GR_REAL, GR_SCALAR);
    gr_update_values values;
    bool ok = ev_update(*g, t->store, s, p, &leaf, &grad, 1, count, lr, &values) == GR_OK;
    t->norm[s->curved] = values.norm;
    return ok;
}

static double *ev_zeros(int64_t n)
{
    return calloc((size_t)n + 1, sizeof(double));
}

static void ev_trainer_value(ev_trainer *t, const char *name, int64_t count, double initial)
{
    assert_true(t->n < (int)GR_COUNT(t->value));
    snprintf(t->name[t->n], sizeof t->name[0], "%s", name);
    t->value[t->n] = ev_zeros(count);
    for (int64_t k = 0; k < count; k++) t->value[t->n][k] = initial;
    t->n++;
}

bool ev_trainer_open(ev_trainer *t, gr_context *ctx, const ev_setup *setup, gr_param_info p)
{
    ev_setup s = *setup;
    const gr_method *m = &s.optim->method[0];
    int64_t every = m->member->curvature_every ? m->member->curvature_every(&m->settings) : 0,
            n = gr_shape_count(p.entry.shape);
    *t = (ev_trainer){.ctx = ctx, .optim = s.optim, .count = 1};
    if (gr_store_create(ctx, gr_backend_get("ref"), &t->store) != GR_OK) return false;
    for (int curved = 0; curved < 2; curved++) {
        s.curved = curved;
        if ((curved ? every > 0 : every != 1) && !ev_trainer_graph(t, &s, &p)) return false;
    }
    t->g_sum = ev_zeros(n), t->z = ev_zeros(n), t->hz_sum = ev_zeros(n);
    ev_trainer_value(t, p.entry.name, n, 0);
    for (int i = 0; i < gr_store_count(t->store); i++) {
        const gr_entry *e = gr_store_entry(t->store, i);
        ev_trainer_value(t, e->spec.name, e->count, e->spec.initial);
    }
    return true;
}

void ev_trainer_close(ev_trainer *t)
{
    for (int i = 0; i < t->n; i++) free(t->value[i]);
    free(t->g_sum), free(t->z), free(t->hz_sum);
    gr_store_destroy(t->store);
    gr_graph_destroy(t->g[0]), gr_graph_destroy(t->g[1]);
}

static double *ev_trainer_find(const ev_trainer *t, const char *name)
{
    for (int k = 0; k < t->n; k++)
        if (strcmp(t->name[k], name) == 0) return t->value[k];
    return NULL;
}

bool ev_trainer_step(ev_trainer *t, double *norm)
{
    ev_leaves l = {0};
    int curved = gr__optim_curvature(t->optim, &(gr_clock){.step = t->step});
    gr_graph *g = t->g[curved];
    gr_effects fx = gr__graph_effects(g);
    double *fresh[16] = {0};
    bool ok = fx.n_assigns <= GR_COUNT(fresh);
    for (int i = 0; i < t->n; i++) ev_leaf(&l, t->name[i], t->value[i]);
    ev_leaf(&l, "g", t->g_sum), ev_leaf(&l, "lr", &t->lr), ev_leaf(&l, "count", &t->count);
    if (curved) ev_leaf(&l, "z0", t->z), ev_leaf(&l, "hz0", t->hz_sum);
    for (size_t i = 0; ok && i < fx.n_assigns; i++) ok = (fresh[i] = ev_value(g, fx.assigns[i].value, &l)) != NULL;
    if (ok && norm) ok = gr__eval(g, &t->norm[curved], 1, ev_get_leaf, &l, &norm) == GR_OK;
    for (size_t i = 0; i < fx.n_assigns && i < GR_COUNT(fresh); i++) {
        double *to = ev_trainer_find(t, gr__producer(g, fx.assigns[i].target)->attr.name);
        if (ok && to)
            memcpy(to, fresh[i], sizeof(double) * (size_t)gr_shape_count(gr_shape_of(g, fx.assigns[i].target)));
        free(fresh[i]);
    }
    t->step += ok;
    return ok;
}

static void ev_trainer_feed(ev_trainer *t, const ev_case *c, int64_t step)
{
    const ev_tensor *w0 = ev_find(c, "w0"), *z = ev_find(c, "z"), *hz = ev_find(c, "hz");
    size_t bytes = sizeof(double) * (size_t)w0->n;
    memcpy(t->g_sum, ev_find(c, "g")->v + step * w0->n, bytes);
    if (z && hz) memcpy(t->z, z->v + step * w0->n, bytes), memcpy(t->hz_sum, hz->v + step * w0->n, bytes);
    t->lr = ev_find(c, "lr")->v[step], t->count = ev_number(c, "count");
}

bool ev_optimizer_case(ev_bench *b, const void *member, const ev_case *c, verdict *v)
{
    const gr_optimizer *m = member;
    gr_optim o;
    gr_group group;
    gr_groups groups = ev_groups(c, &group);
    ev_trainer t = {0};
    const ev_tensor *w0 = ev_find(c, "w0"), *lr = ev_find(c, "lr"), *w = ev_find(c, "w");
    if (!w0 || !ev_find(c, "g") || !lr || !w) return ev_bad(v, c, "evidence", "w0, g, lr or w is missing");
    if (m->curvature_every && (!ev_find(c, "z") || !ev_find(c, "hz")))
        return ev_bad(v, c, "evidence", "z or hz is missing");
    if (gr__optim_make(b->ctx, b->memory, b->tree, GR_PRESET_CHAPTER, &o) != GR_OK)
        return ev_failed(v, b->ctx, c, "settings");
    o.method[0].member = m; /* wrong members stand in for the one they imitate */
    bool ok = ev_trainer_open(&t, b->ctx, &(ev_setup){.optim = &o, .groups = &groups}, ev_param(c, w0->shape));
    if (!ok) ev_failed(v, b->ctx, c, "graph");
    if (ok) memcpy(t.value[0], w0->v, sizeof(double) * (size_t)w0->n);
    for (int64_t k = 0; ok && k < lr->n; k++) {
        char what[48];
        snprintf(what, sizeof what, "weights after update %d", (int)k + 1);
        ev_trainer_feed(&t, c, k);
        ok = ev_trainer_step(&t, NULL) || ev_failed(v, b->ctx, c, what);
        ok = ok && ev_near(v, c, what, t.value[0], w->v + k * w0->n, w0->n, b->tolerance);
    }
    ev_trainer_close(&t);
    return ok;
}

bool check_optimizer(const gr_optimizer *m, const evidence *e, verdict *v)
{
    return ev_check(ev_optimizer_case, m, e, NULL, 1e-12, v);
}
