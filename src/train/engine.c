/* The engine: store, plans and arena of a task. Every plan of a run is compiled before any tensor memory is taken. */
#include <stdio.h>
#include <string.h>

#include "train/train.h"

/* ---- graphs of the run's plans ---- */

typedef struct step_graph {
    const gr_task *task;
    gr_store *store;
    gr_graph *g;
    gr_network_values v;
    const gr_param_info *params;
    size_t n;
    gr_val *leaves, *grads;  /* n each, in the task's memory */
} step_graph;

static gr_status gradients(step_graph *s)
{
    gr_graph *g = s->g;
    s->leaves = gr__bump_alloc(s->task->memory, sizeof(gr_val) * s->n);
    s->grads = gr__bump_alloc(s->task->memory, sizeof(gr_val) * s->n);
    if (!s->leaves || !s->grads) return GR_E_MEMORY;
    for (size_t i = 0; i < s->n; i++) s->leaves[i] = gr_param(g, s->params[i].entry.name, s->params[i].entry.shape);
    gr_status st = gr_gradients(g, s->v.cost_sum, s->leaves, (int)s->n, s->grads);
    for (size_t i = 0; i < s->n && st == GR_OK; i++) gr_mark_gradient(g, s->leaves[i], s->grads[i]);
    return st;
}

/* Samples that all weigh nothing give a gradient of 0, not of 0/0. */
static gr_val divisor(gr_graph *g, gr_val weight_sum)
{
    return gr_select(g, gr_less(g, gr_const(g, 0), weight_sum), weight_sum, gr_const(g, 1));
}

static gr_status update(step_graph *s, gr_val cost_sum, gr_val weight_sum, bool weighted)
{
    gr_graph *g = s->g;
    const gr_recipe *r = s->task->recipe;
    gr_val norm, count = r->reduction_sum ? gr_const(g, 1) : weighted ? divisor(g, weight_sum) : weight_sum;
    gr_status st = gr__optim_build(g, s->store, &r->optim, &r->clip, s->params, s->leaves, s->grads, s->n, count, gr_feed(g, "lr", GR_REAL, GR_SCALAR), &norm);
    if (st != GR_OK) return st;
    gr_output(g, "cost_sum", cost_sum);
    gr_output(g, "weight_sum", weight_sum);
    gr_output(g, "norm", norm);
    gr_guard(g, gr_add(g, cost_sum, norm));
    return gr_graph_status(g);
}

static gr_status build_step(step_graph *s, int64_t batch)
{
    gr_status st = gr__network_build(s->task->network, s->g, GR_MODE_TRAIN, batch, true, &s->v);
    if (st == GR_OK) st = gradients(s);
    return st == GR_OK ? update(s, s->v.cost_sum, s->v.weight_sum, s->v.weighted) : st;
}

static gr_status sum_slot(step_graph *s, const char *of, gr_shape shape, gr_val *out)
{
    char name[512];
    snprintf(name, sizeof name, "%s/sum", of);
    gr_status st = gr_store_add(s->store, &(gr_entry_spec){.name = name, .shape = shape, .slot = true, .role = GR_ROLE_STATE}, NULL);
    *out = gr_slot(s->g, name, shape);
    return st;
}

/* A micro-batch: gradient, cost and count sums are added up in slots; the first of an update starts them over. */
static gr_status build_accumulate(step_graph *s, int64_t batch)
{
    gr_graph *g = s->g;
    gr_status st = gr__network_build(s->task->network, g, GR_MODE_TRAIN, batch, true, &s->v);
    if (st == GR_OK) st = gradients(s);
    if (st != GR_OK) return st;
    gr_val first = gr_feed(g, "first", GR_REAL, GR_SCALAR), slot;
    for (size_t i = 0; i < s->n; i++) {
        GR_TRY(sum_slot(s, s->params[i].entry.name, s->params[i].entry.shape, &slot));
        gr_assign(g, slot, gr_select(g, first, s->grads[i], gr_add(g, slot, s->grads[i])), GR_ASSIGN_STATE);
    }
    const struct { const char *name; gr_val v; } sums[] = {{"cost", s->v.cost_sum}, {"weight", s->v.weight_sum}};
    for (size_t i = 0; i < GR_COUNT(sums); i++) {
        GR_TRY(sum_slot(s, sums[i].name, GR_SCALAR, &slot));
        gr_assign(g, slot, gr_select(g, first, sums[i].v, gr_add(g, slot, sums[i].v)), GR_ASSIGN_STATE);
    }
    gr_guard(g, s->v.cost_sum);
done:
    return st == GR_OK ? gr_graph_status(g) : st;
}

static gr_status build_apply(step_graph *s)
{
    gr_graph *g = s->g;
    gr_val cost, weight;
    gr_status st = GR_OK;
    s->leaves = gr__bump_alloc(s->task->memory, sizeof(gr_val) * s->n);
    s->grads = gr__bump_alloc(s->task->memory, sizeof(gr_val) * s->n);
    if (!s->leaves || !s->grads) return GR_E_MEMORY;
    for (size_t i = 0; i < s->n; i++) {
        s->leaves[i] = gr_param(g, s->params[i].entry.name, s->params[i].entry.shape);
        GR_TRY(sum_slot(s, s->params[i].entry.name, s->params[i].entry.shape, &s->grads[i]));
    }
    GR_TRY(sum_slot(s, "cost", GR_SCALAR, &cost));
    GR_TRY(sum_slot(s, "weight", GR_SCALAR, &weight));
    GR_TRY(update(s, cost, weight, true)); /* whether it is, the other graph knows */
done:
    return st;
}

static gr_status build_evaluate(step_graph *s, int64_t batch)
{
    gr_status st = gr__network_build(s->task->network, s->g, GR_MODE_EVALUATE, batch, true, &s->v);
    if (st != GR_OK) return st;
    gr_output(s->g, "cost_sum", s->v.cost_sum);
    gr_output(s->g, "weight_sum", s->v.weight_sum);
    gr_output(s->g, "prediction", s->v.prediction);
    return gr_graph_status(s->g);
}

/* ---- plans ---- */

static const char *const kind_name[] = {"step", "accumulate", "apply", "evaluate"};

static gr_status add_plan(gr_engine *e, int kind, int64_t batch)
{
    if (batch < 1 || gr__engine_find(e, kind, batch)) return GR_OK;
    const gr_task *t = e->task;
    if (e->n_plans == GR_MAX_PLANS) return gr__fail(t->ctx, GR_E_INTERNAL, "more than %d plans in a run", GR_MAX_PLANS);
    step_graph s = {.task = t, .store = e->store};
    gr_engine_plan *p = &e->plan[e->n_plans];
    gr_status st = GR_OK;
    s.params = gr__network_params(t->network, &s.n);
    GR_TRY(gr_graph_create(t->ctx, &s.g));
    GR_TRY(kind == GR_RUN_STEP ? build_step(&s, batch) : kind == GR_RUN_ACCUMULATE ? build_accumulate(&s, batch) : kind == GR_RUN_APPLY ? build_apply(&s) : build_evaluate(&s, batch));
    GR_TRY(gr_plan_compile(t->ctx, s.g, e->store, &(gr_plan_options){.backend = t->backend, .name = kind_name[kind], .unfused = t->unfused, .algorithm = t->recipe->algorithm}, &p->plan));
    p->batch = batch;
    p->kind = kind;
    e->n_plans++;
done:
    gr_graph_destroy(s.g);
    return st;
}

gr_engine_plan *gr__engine_find(gr_engine *e, int kind, int64_t batch)
{
    for (int i = 0; i < e->n_plans; i++)
        if ((int)e->plan[i].kind == kind && e->plan[i].batch == batch) return &e->plan[i];
    return NULL;
}

static gr_status training_plans(gr_engine *e, int64_t batch)
{
    const gr_task *t = e->task;
    int64_t n = t->count[GR_PART_TRAIN], rest = t->recipe->data.drop_last ? 0 : n % batch;
    bool micro = t->recipe->accumulate > 1;
    gr_status st = add_plan(e, micro ? GR_RUN_ACCUMULATE : GR_RUN_STEP, batch);
    if (st == GR_OK && rest) st = add_plan(e, micro ? GR_RUN_ACCUMULATE : GR_RUN_STEP, rest);
    if (st == GR_OK && micro) st = add_plan(e, GR_RUN_APPLY, 1);
    return st;
}

static gr_status evaluation_plans(gr_engine *e, gr_part p)
{
    int64_t n = e->task->count[p], batch = gr__task_evaluation_batch(e->task);
    gr_status st = n >= batch ? add_plan(e, GR_RUN_EVALUATE, batch) : GR_OK;
    return st == GR_OK ? add_plan(e, GR_RUN_EVALUATE, n % batch) : st;
}

static void count_bytes(gr_engine *e, bool train, unsigned parts)
{
    const gr_task *t = e->task;
    gr_engine_bytes *b = &e->bytes;
    uint64_t arena = 0;
    gr_store_bytes(e->store, &b->parameters, &b->slots);
    for (int i = 0; i < e->n_plans; i++) { /* the largest plan's own division stands for all */
        gr_plan_bytes_info p = gr_plan_bytes(e->plan[i].plan);
        if (p.arena <= arena) continue;
        arena = p.arena;
        b->gradients = p.gradients, b->activations = p.activations, b->workspace = p.workspace;
    }
    b->data = t->data_bytes;
    for (int p = 0; p < GR_PARTS; p++) {
        bool training = train && p == GR_PART_TRAIN;
        if (!t->count[p] || !(training || parts & 1u << p)) continue;
        gr_loader_options o = gr__task_loader(t, p, training);
        gr_set shape = {.n = t->count[p], .sample = t->recipe->input, .element = t->input_as, .target_sample = t->target_sample,
                        .target = t->recipe->reading.target == GR_FORM_CLASS ? GR_TARGET_CLASS : GR_TARGET_VALUE};
        gr_rows rows = {NULL, t->count[p]};
        if (!t->loaded) o.set = &shape, o.rows = &rows;
        b->loader += gr__loader_bytes(&o);
    }
    b->total = b->parameters + b->slots + arena + b->data + b->loader;
    /* Structures, names, file headers: what our allocator counted so far, and as much again with room for files being read and written. */
    b->bookkeeping = 2 * gr__bookkeeping_bytes(t->ctx) + 2 * (b->parameters + b->slots) + (16u << 20);
}

gr_status gr__engine_make(const gr_task *t, bool train, unsigned parts, gr_engine *e)
{
    *e = (gr_engine){.task = t};
    gr_status st = GR_OK;
    GR_TRY(gr_store_create(t->ctx, t->backend, &e->store));
    GR_TRY(gr__network_declare(t->network, e->store));
    if (train) GR_TRY(training_plans(e, gr__task_batch(t)));
    for (int p = 0; p < GR_PARTS; p++)
        if (parts & 1u << p && t->count[p]) GR_TRY(evaluation_plans(e, p));
    count_bytes(e, train, parts);
    gr_shape s = gr__network_output(t->network);
    e->output_count = gr_shape_count(s);
done:
    if (st != GR_OK) gr__engine_close(e);
    return st;
}

/* ---- the budget ---- */

gr_status gr__engine_budget(const gr_engine *e, uint64_t budget)
{
    const gr_engine_bytes *b = &e->bytes;
    if (!budget || b->total <= budget) return GR_OK;
    gr_context *ctx = e->task->ctx;
    char total[32], limit[32], size[32];
    gr__size_text(b->total, total, sizeof total);
    gr__size_text(budget, limit, sizeof limit);
    const struct { const char *name; uint64_t bytes; } classes[] = {{"data", b->data}, {"parameters", b->parameters}, {"gradients", b->gradients}, {"slots", b->slots},
                                                                    {"activations", b->activations}, {"workspace", b->workspace}, {"loader", b->loader}};
    char items[640];
    size_t at = 0;
    bool said[GR_COUNT(classes)] = {false};
    for (int k = 0; k < 3; k++) {
        size_t best = GR_COUNT(classes);
        for (size_t i = 0; i < GR_COUNT(classes); i++)
            if (!said[i] && classes[i].bytes > 0 && (best == GR_COUNT(classes) || classes[i].bytes > classes[best].bytes)) best = i;
        if (best == GR_COUNT(classes)) break;
        said[best] = true;
        gr__size_text(classes[best].bytes, size, sizeof size);
        at += (size_t)snprintf(items + at, sizeof items - at, "%s%s %s", at ? ", " : "", classes[best].name, size);
    }
    gr_plan_item largest[3];
    for (int i = 0, n = e->n_plans ? gr_plan_largest(e->plan[0].plan, largest, 3) : 0; i < n; i++) {
        gr__size_text(largest[i].bytes, size, sizeof size);
        at += (size_t)snprintf(items + at, at < sizeof items ? sizeof items - at : 0, "%s%s of %s %s", i ? ", " : "; in a step: ", largest[i].what, largest[i].scope, size);
        if (at >= sizeof items) break;
    }
    gr__fail(ctx, GR_E_BUDGET, "training needs %s (%llu bytes), memory allows %s (%llu bytes)", total, (unsigned long long)b->total, limit, (unsigned long long)budget);
    gr__error_place(ctx, NULL, 0, 0, "memory");
    gr__error_hint(ctx, "the largest items: %s; a smaller data.batch helps with activations", items);
    return GR_E_BUDGET;
}

/* ---- running ---- */

static void find_feeds(gr_engine_plan *p)
{
    p->x = gr_plan_feed(p->plan, "x", &p->x_bytes);
    p->y = gr_plan_feed(p->plan, "y", &p->y_bytes);
    p->lr = gr_plan_feed(p->plan, "lr", NULL);
    p->seed = gr_plan_feed(p->plan, "seed", NULL);
    p->update = gr_plan_feed(p->plan, "update", NULL);
    p->position = gr_plan_feed(p->plan, "position", NULL);
    p->first = gr_plan_feed(p->plan, "first", NULL);
    p->cost_sum = gr_plan_output(p->plan, "cost_sum", NULL);
    p->weight_sum = gr_plan_output(p->plan, "weight_sum", NULL);
    p->norm = gr_plan_output(p->plan, "norm", NULL);
    p->prediction = gr_plan_output(p->plan, "prediction", NULL);
}

gr_status gr__engine_start(gr_engine *e)
{
    gr_context *ctx = e->task->ctx;
    uint64_t arena = 0;
    gr_status st = GR_OK;
    for (int i = 0; i < e->n_plans; i++) arena = GR_MAX(arena, gr_plan_bytes(e->plan[i].plan).arena);
    GR_TRY(gr_store_seal(e->store));
    GR_TRY(gr_arena_create(ctx, arena, &e->arena));
    for (int i = 0; i < e->n_plans; i++) {
        GR_TRY(gr_plan_bind(e->plan[i].plan, e->arena));
        find_feeds(&e->plan[i]);
    }
done:
    return st;
}

void gr__engine_close(gr_engine *e)
{
    if (!e->task) return;
    for (int i = 0; i < e->n_plans; i++) gr_plan_destroy(e->plan[i].plan);
    gr_arena_destroy(e->arena);
    gr_store_destroy(e->store);
    *e = (gr_engine){0};
}
