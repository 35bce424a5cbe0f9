/* The graphs of a run's plans: a step, a micro-batch and what applies several of them, an evaluation, the statistics of
 * a view. */
#include <stdio.h>
#include <string.h>

#include "graph/shape.h"
#include "model/cost_rows.h"
#include "train/graphs.h"
#include "train/inside.h"

typedef struct making {
    const gr_task *task;
    const gr_recipe *recipe;
    gr_store *store;
    gr_graph *g;
    int64_t batch, steps; /* of inputs with lengths, 0: all */
    int phase;
    bool curvature, early;
    gr_clock at; /* a moment of the stage of the run that the plan is for */
    const gr_view *view;
    gr_network_values v;
    const gr_param_info *params;
    size_t n;
    gr_val lr, *leaves, *points, *grads, *rademacher,
        *hvp;     /* n each, in the task's memory; points: where gradients are taken; hvp: sums of H z */
    gr_val moved; /* rank 0: finite if all new statistics are; GR_NONE without any */
} making;

static bool is_frozen(const making *m, size_t i)
{
    return gr__groups_frozen(&m->recipe->groups, m->params[i].entry.name, &m->at);
}

static gr_status room(making *m)
{
    gr_val **const arrays[] = {&m->leaves, &m->points, &m->grads, &m->rademacher, &m->hvp};
    for (size_t k = 0; k < GR_COUNT(arrays); k++)
        if (!(*arrays[k] = gr__bump_alloc(m->task->memory, sizeof(gr_val) * (m->n + 1)))) return GR_E_MEMORY;
    for (size_t i = 0; i < m->n; i++) m->leaves[i] = gr_param(m->g, m->params[i].entry.name, m->params[i].entry.shape);
    m->lr = gr_feed(m->g, GR_FEED_LR, GR_REAL, GR_SCALAR);
    return GR_OK;
}

/* ---- gradients ---- */

/* Running statistics of a layer that is frozen by name stay as they are. */
static void move_state(void *user, const gr_entry_spec *s, gr_val batch, gr_val share)
{
    making *m = user;
    gr_graph *g = m->g;
    if (gr__groups_frozen(&m->recipe->groups, s->name, &m->at)) return;
    gr_val old = gr_slot(g, s->name, s->shape), next = gr__statistic(g, old, batch, share), sum = gr_sum_all(g, next);
    m->moved = m->moved ? gr_add(g, m->moved, sum) : sum;
    gr_assign(g, old, next, GR_ASSIGN_STATE);
}

/* Updates wait for this to be finite: the cost, what else is given, and the statistics, which nothing could mend
 * afterwards. */
static gr_val with_statistics(const making *m, gr_val finite)
{
    return m->moved ? gr_add(m->g, finite, m->moved) : finite;
}

static void guard(const making *m, gr_val finite)
{
    gr_guard(m->g, with_statistics(m, finite));
}

static void draw_signs(making *m)
{
    gr_val seed = gr_feed(m->g, GR_FEED_SEED, GR_REAL, GR_SCALAR),
           update = gr_feed(m->g, GR_FEED_UPDATE, GR_REAL, GR_SCALAR);
    for (size_t i = 0; i < m->n; i++)
        m->rademacher[i] = is_frozen(m, i) ? GR_NONE : gr__optim_rademacher(m->g, &m->params[i], seed, update);
}

/* H z: the gradient of the gradient's product with z. */
static gr_status hvp_of(making *m, const gr_val *points, gr_val *hvp, int active)
{
    gr_graph *g = m->g;
    gr_val along = gr_const(g, 0);
    draw_signs(m);
    for (size_t i = 0; i < m->n; i++) {
        if (!m->grads[i]) continue;
        gr_scope_push(g, "parameter", m->params[i].entry.name);
        along = gr_add(g, along, gr_sum_all(g, gr_mul(g, m->grads[i], m->rademacher[i])));
        gr_scope_pop(g);
    }
    return gr_gradients(g, along, points, active, hvp);
}

static bool draws(const making *m)
{
    return gr__method_draws(&m->recipe->optim.method[m->phase]);
}

/* Of trained parameters, one after the other: where gradients are taken, and room for as many. */
typedef struct taken {
    gr_val *points, *d;
    int n;
} taken;

static gr_status take(making *m, taken *t)
{
    *t = (taken){.points = gr__bump_alloc(m->task->memory, sizeof(gr_val) * (m->n + 1)),
                 .d = gr__bump_alloc(m->task->memory, sizeof(gr_val) * (m->n + 1))};
    if (!t->points || !t->d) return GR_E_MEMORY;
    for (size_t i = 0; i < m->n; i++)
        if (!is_frozen(m, i)) t->points[t->n++] = m->points[i];
    return GR_OK;
}

static gr_val masked(const making *m, size_t i, gr_val x)
{
    return gr__masked(m->g, m->store, &m->params[i].entry, x);
}

static void spread(const making *m, const gr_val *from, gr_val *to)
{
    int k = 0;
    for (size_t i = 0; i < m->n; i++) to[i] = is_frozen(m, i) ? GR_NONE : masked(m, i, from[k++]);
}

/* Gradient sums of the parameters that are trained, and where it is wanted what tells the curvature: H z, or gradients
 * for labels that are drawn. */
static gr_status differentiate(making *m, const gr_network_values *v)
{
    taken t;
    gr_status st = GR_OK;
    GR_TRY(take(m, &t));
    GR_TRY(gr_gradients(m->g, v->cost_sum, t.points, t.n, t.d));
    spread(m, t.d, m->grads);
    for (size_t i = 0; i < m->n; i++)
        if (m->grads[i]) gr_mark_gradient(m->g, m->leaves[i], m->grads[i]);
    if (!m->curvature) return GR_OK;
    GR_TRY(draws(m) ? gr_gradients(m->g, v->drawn_sum, t.points, t.n, t.d) : hvp_of(m, t.points, t.d, t.n));
    spread(m, t.d, m->hvp);
done:
    return st;
}

/* SAM: the points climb along their gradient. */
static gr_status climb(making *m, const gr_network_values *v)
{
    taken t;
    gr_status st = GR_OK;
    GR_TRY(take(m, &t));
    GR_TRY(gr_gradients(m->g, v->cost_sum, t.points, t.n, t.d));
    for (size_t i = 0, k = 0; i < m->n; i++)
        if (!is_frozen(m, i)) t.d[k] = masked(m, i, t.d[k]), k++;
    gr__sam_climb(m->g, &m->recipe->sam, t.points, t.d, t.n, t.points);
    for (size_t i = 0, k = 0; i < m->n; i++)
        if (!is_frozen(m, i)) m->points[i] = t.points[k++];
done:
    return st;
}

static gr_val point_of(void *user, const gr_param_info *p)
{
    const making *m = user;
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->params[i].entry.name, p->entry.name) == 0) return m->points[i];
    return gr_graph_fail(m->g, GR_E_INTERNAL, "%s is no parameter of the network", p->entry.name);
}

static gr_status forward(making *m, bool moves, bool draw, gr_network_values *v)
{
    const gr_network_options o = {.steps = m->steps,
                                  .mix = true,
                                  .draw = draw,
                                  .updates = (double)gr__task_extent(m->task).total,
                                  .at = &m->at,
                                  .bind = {.leaf = point_of, .observe = moves ? move_state : NULL, .user = m}};
    return gr__network_build_with(m->task->network, m->g, GR_MODE_TRAIN, m->batch, true, &o, v);
}

/* How the step keeps what its backward passes read: of what the layers make, all but the outputs. */
static void keep_activations(const making *m, const gr_network_values *v, int n)
{
    gr_graph *g = m->g;
    const gr_recipe *r = m->recipe;
    gr_val from[GR_MAX_INPUTS], until[2 * GR_MAX_TARGETS];
    gr_keep k = r->store;
    if (k.form == GR_KEEP_FLOAT32) return;
    k.samples = m->batch;
    k.from = from;
    k.until = until;
    for (int i = 0; i < r->n_inputs; i++) from[k.n_from++] = v->prepared[i];
    for (int i = 0; i < n; i++)
        for (int h = 0; h < r->n_heads; h++) until[k.n_until++] = v[i].head[h].output;
    if (k.form == GR_KEEP_QUANTISED) {
        k.seed = gr_feed(g, GR_FEED_SEED, GR_REAL, GR_SCALAR);
        k.update = gr_feed(g, GR_FEED_UPDATE, GR_REAL, GR_SCALAR);
        k.position = gr_feed(g, GR_FEED_POSITION, GR_REAL, GR_SCALAR);
    }
    gr_graph_keep(g, &k);
}

static gr_status forward_and_back(making *m)
{
    bool draw = m->curvature && draws(m), sam = m->recipe->sam.on;
    gr_network_values above;
    gr_status st = GR_OK;
    GR_TRY(room(m));
    for (size_t i = 0; i < m->n; i++)
        m->points[i] = is_frozen(m, i) ? m->leaves[i]
                                       : gr__optim_point(m->g, m->store, &m->recipe->optim, m->phase,
                                                         &m->recipe->groups, &m->params[i], m->lr);
    GR_TRY(forward(m, true, draw && !sam, &m->v));
    if (!sam) {
        keep_activations(m, &m->v, 1);
        return differentiate(m, &m->v);
    }
    GR_TRY(climb(m, &m->v));
    gr_scope_push(m->g, "sam", NULL);
    st = forward(m, false, draw, &above);
    if (st == GR_OK) st = differentiate(m, &above);
    gr_scope_pop(m->g);
    if (st == GR_OK) keep_activations(m, (const gr_network_values[]){m->v, above}, 2);
done:
    return st;
}

/* ---- updates ---- */

static gr_status update(making *m, gr_val cost_sum, gr_val weight_sum, bool weighted)
{
    gr_graph *g = m->g;
    const gr_recipe *r = m->recipe;
    gr_update_values v;
    const gr_update_spec u = {.optim = &r->optim,
                              .phase = m->phase,
                              .clip = &r->clip,
                              .penalties = &r->penalties,
                              .groups = &r->groups,
                              .params = m->params,
                              .leaves = m->leaves,
                              .grads = m->grads,
                              .n = m->n,
                              .rademacher = m->curvature ? m->rademacher : NULL,
                              .curvature = m->curvature ? m->hvp : NULL,
                              .count = r->reduction_sum ? gr_const(g, 1)
                                       : weighted       ? gr__weights_divisor(g, weight_sum)
                                                        : weight_sum,
                              .lr = m->lr,
                              .seed = gr_feed(g, GR_FEED_SEED, GR_REAL, GR_SCALAR),
                              .finite = m->early ? with_statistics(m, cost_sum) : GR_NONE,
                              .at = &m->at};
    gr_status st = gr__optim_build(g, m->store, &u, &v);
    if (st != GR_OK) return st;
    gr_output(g, "cost_sum", cost_sum);
    gr_output(g, "weight_sum", weight_sum);
    gr_output(g, "norm", v.norm);
    if (v.penalty) gr_output(g, "penalty", v.penalty);
    guard(m, m->early ? cost_sum : gr_add(g, cost_sum, v.finite));
    return gr_graph_status(g);
}

/* What was solved for on the way; last, when all that is needed is known. */
static void tell_solved(const making *m)
{
    gr_solved s;
    if (!gr__graph_solved(m->g, &s)) return;
    gr_output(m->g, "solves", s.solves);
    gr_output(m->g, "unsolved", s.unsolved);
    gr_output(m->g, "evaluations", s.evaluations);
}

static gr_status build_step(making *m)
{
    gr_status st = forward_and_back(m);
    return st == GR_OK ? update(m, m->v.told_sum, m->v.weight_sum, m->v.weighted) : st;
}

/* Slot OWNER/NAME in which micro-batches add up. */
static gr_status sum_slot(making *m, const char *owner, const char *name, gr_shape shape, gr_val *out)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", owner, name);
    return gr__slot_add(m->g, m->store, full, shape, GR_LAYOUT_PLAIN, 0, out);
}

static gr_status add_up(making *m, gr_val first, const char *owner, const char *name, gr_val value)
{
    gr_val slot;
    gr_status st = sum_slot(m, owner, name, gr_shape_of(m->g, value), &slot);
    if (st == GR_OK) gr_assign(m->g, slot, gr_select(m->g, first, value, gr_add(m->g, slot, value)), GR_ASSIGN_STATE);
    return st;
}

/* A micro-batch: gradient, cost and count sums are added up in slots; the first of an update starts them over. */
static gr_status build_accumulate(making *m)
{
    gr_graph *g = m->g;
    gr_status st = forward_and_back(m);
    if (st != GR_OK) return st;
    gr_val first = gr_feed(g, GR_FEED_FIRST, GR_REAL, GR_SCALAR);
    for (size_t i = 0; i < m->n; i++) {
        if (!m->grads[i]) continue;
        GR_TRY(add_up(m, first, m->params[i].entry.name, "sum", m->grads[i]));
        if (m->curvature) GR_TRY(add_up(m, first, m->params[i].entry.name, "sum_bend", m->hvp[i]));
    }
    GR_TRY(add_up(m, first, "cost", "sum", m->v.told_sum));
    GR_TRY(add_up(m, first, "weight", "sum", m->v.weight_sum));
    guard(m, m->v.told_sum);
done:
    return st == GR_OK ? gr_graph_status(g) : st;
}

static gr_status build_apply(making *m)
{
    gr_val cost, weight;
    gr_status st = GR_OK;
    GR_TRY(room(m));
    if (m->curvature && !draws(m)) draw_signs(m);
    for (size_t i = 0; i < m->n; i++) {
        const gr_entry_spec *e = &m->params[i].entry;
        m->grads[i] = m->hvp[i] = GR_NONE;
        if (is_frozen(m, i)) continue;
        GR_TRY(sum_slot(m, e->name, "sum", e->shape, &m->grads[i]));
        if (m->curvature) GR_TRY(sum_slot(m, e->name, "sum_bend", e->shape, &m->hvp[i]));
    }
    GR_TRY(sum_slot(m, "cost", "sum", GR_SCALAR, &cost));
    GR_TRY(sum_slot(m, "weight", "sum", GR_SCALAR, &weight));
    GR_TRY(update(m, cost, weight, true)); /* whether it is, the other graph knows */
done:
    return st;
}

/* ---- evaluation ---- */

static gr_val view_of(void *user, const gr_param_info *p)
{
    const making *m = user;
    return gr__view_leaf(m->view, m->g, m->store, p->entry.name, p->entry.shape);
}

static gr_val state_of(void *user, const gr_entry_spec *s)
{
    const making *m = user;
    return gr__view_state(m->view, m->g, m->store, s);
}

static gr_status build_evaluate(making *m)
{
    const gr_network_options o = {.steps = m->steps,
                                  .updates = (double)gr__task_extent(m->task).total,
                                  .bind = {.leaf = view_of, .state = state_of, .user = m}};
    gr_status st = gr__network_build_with(m->task->network, m->g, GR_MODE_EVALUATE, m->batch, true, &o, &m->v);
    if (st != GR_OK) return st;
    for (int h = 0; h < m->recipe->n_heads; h++) {
        const gr_network_head *head = &m->v.head[h];
        const char *of = m->recipe->head[h].name;
        char name[GR_FEED_TEXT];
        gr_output(m->g, gr__output_of(of, "cost_sum", name), head->cost_sum);
        gr_output(m->g, gr__output_of(of, "weight_sum", name), head->weight_sum);
        gr_output(m->g, gr__output_of(of, "prediction", name), head->prediction);
    }
    return gr_graph_status(m->g);
}

/* ---- the statistics of a view's weights ---- */

/* The means over the batches of a pass: the feed `share` is what a batch is of all so far. */
static void collect_state(void *user, const gr_entry_spec *s, gr_val batch, gr_val share)
{
    const making *m = user;
    gr_val mean;
    (void)share;
    if (!s->saved || gr__groups_freeze(&m->recipe->groups, s->name)) return; /* counts are the run's */
    gr_status st = gr__slot_beside(m->g, m->store, s, m->view->slot, s->initial, &mean);
    if (st != GR_OK) {
        gr_graph_fail(m->g, st, "the statistics of %s cannot be kept", s->name);
        return;
    }
    gr_assign(m->g, mean, gr__statistic(m->g, mean, batch, gr_feed(m->g, GR_FEED_SHARE, GR_REAL, GR_SCALAR)),
              GR_ASSIGN_STATE);
}

static gr_status build_statistics(making *m)
{
    const gr_network_options o = {.steps = m->steps,
                                  .mix = true,
                                  .at = &m->at,
                                  .updates = (double)gr__task_extent(m->task).total,
                                  .bind = {.leaf = view_of, .observe = collect_state, .user = m}};
    gr_status st = gr__network_build_with(m->task->network, m->g, GR_MODE_TRAIN, m->batch, false, &o, &m->v);
    return st == GR_OK ? gr_graph_status(m->g) : st;
}

/* A weight and its adapter, as a file has them. */
static gr_status build_merge(making *m, const gr_param_info *p)
{
    char down[GR_ADAPTER_NAME], up[GR_ADAPTER_NAME];
    const gr_adapter *a = &m->recipe->adapter;
    gr_shape w = p->entry.shape;
    const struct {
        const char *name;
        gr_shape shape;
    } of[] = {{p->entry.name, w},
              {gr__adapter_down(p->entry.name, down), GR_SHAPE(a->rank, w.dim[1])},
              {gr__adapter_up(p->entry.name, up), GR_SHAPE(w.dim[0], a->rank)}};
    gr_val leaf[GR_COUNT(of)];
    for (size_t i = 0; i < GR_COUNT(of); i++) leaf[i] = gr__view_leaf(m->view, m->g, m->store, of[i].name, of[i].shape);
    gr_output(m->g, "merged", gr__adapter_merge(m->g, a, leaf[0], leaf[1], leaf[2]));
    return gr_graph_status(m->g);
}

/* The model that is evaluated, from inside. */
static gr_status build_inside(making *m, gr_inside *in)
{
    in->bind = (gr_binding){.leaf = view_of, .state = state_of, .user = m};
    gr_status st = gr__inside_graph(in, m->g);
    in->bind = (gr_binding){0};
    return st;
}

static int phase_of(int variant)
{
    return variant & GR_VARIANT_THEN ? 1 : 0;
}

static gr_status build_kind(making *m, const gr_engine *e, int kind, int variant)
{
    switch (kind) {
    case GR_RUN_EVALUATE:
        m->view = &e->view[variant];
        return build_evaluate(m);
    case GR_RUN_STATISTICS:
        m->view = &e->view[variant];
        m->at.step = INT64_MAX; /* whatever is trained at some time has statistics of its own */
        return build_statistics(m);
    case GR_RUN_INSIDE:
        m->view = &e->view[variant];
        return build_inside(m, e->inside);
    case GR_RUN_MERGE:
        m->view = &e->view[variant % GR_MAX_VIEWS];
        return build_merge(m, &m->params[variant / GR_MAX_VIEWS]);
    case GR_RUN_ACTION:
        return e->action[variant]->build(&e->rules, m->g, e->store, m->params, m->n);
    default:
        break;
    }
    m->at.step = gr__engine_stage(m->task, variant);
    m->phase = phase_of(variant);
    m->curvature = variant & GR_VARIANT_CURVATURE;
    return kind == GR_RUN_STEP ? build_step(m) : kind == GR_RUN_ACCUMULATE ? build_accumulate(m) : build_apply(m);
}

/* Before the backward pass all but the gradients is known. */
bool gr__graph_updates_early(const gr_recipe *r, int kind, int variant)
{
    return kind == GR_RUN_ACCUMULATE ||
           (kind == GR_RUN_STEP && gr__optim_is_local(&r->optim.method[phase_of(variant)], &r->clip));
}

gr_status gr__graph_of_run(const gr_engine *e, int kind, int64_t batch, int64_t steps, int variant, gr_graph *g)
{
    const gr_task *t = e->task;
    gr_extent x = gr__task_extent(t);
    making m = {.task = t,
                .early = e->runner.release,
                .recipe = t->recipe,
                .store = e->store,
                .g = g,
                .batch = batch,
                .steps = steps,
                .at = {.total = x.total, .updates_per_epoch = x.updates_per_epoch}};
    m.params = gr__network_params(t->network, &m.n);
    gr_status st = build_kind(&m, e, kind, variant);
    if (st == GR_OK) tell_solved(&m);
    return st == GR_OK ? gr_graph_status(g) : st;
}
