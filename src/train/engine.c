/* The engine: store, plans and arena of a task. Every plan of a run is compiled before any tensor memory is taken. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan/plan.h"
#include "train/graphs.h"
#include "train/inside.h"
#include "train/masks.h"

/* ---- plans ---- */

static const char *name_of(const gr_engine *e, int kind, int variant)
{
    static const char *const names[] = {"step",     "accumulate", "apply",  NULL,
                                        "evaluate", "statistics", "inside", "merge"};
    if (kind == GR_RUN_ACTION) return e->action[variant]->name;
    return kind == GR_RUN_EVALUATE && variant ? e->view[variant].slot : names[kind];
}

const char *gr__engine_plan_name(const gr_engine *e, const gr_engine_plan *p)
{
    return name_of(e, (int)p->kind, p->variant);
}

typedef struct making {
    const gr_engine *e;
    int kind, variant;
    int64_t batch, steps;
} making;

static gr_status make_graph(void *user, gr_graph *g)
{
    const making *m = user;
    return gr__graph_of_run(m->e, m->kind, m->batch, m->steps, m->variant, g);
}

static gr_status add_cut(gr_engine *e, int kind, int64_t batch, int64_t steps, int variant)
{
    making m = {e, kind, variant, batch, steps};
    gr_plan *plan;
    if (batch < 1 || gr__engine_find(e, kind, batch, steps, variant)) return GR_OK;
    const gr_remat *how = &e->task->recipe->remat;
    bool by_rule = (kind == GR_RUN_STEP || kind == GR_RUN_ACCUMULATE) && !gr__remat_keeps_to_budget(how);
    e->runner.remat = by_rule ? *how : (gr_remat){.policy = "none"};
    gr_status st = gr__runner_add(&e->runner, name_of(e, kind, variant), make_graph, &m, &plan);
    if (st != GR_OK) return st;
    if (!GR_ROOM(e->task->ctx, e->plan, e->plans_room, e->n_plans + 1)) return GR_E_MEMORY;
    e->plan[e->n_plans++] =
        (gr_engine_plan){.plan = plan, .batch = batch, .steps = steps, .kind = kind, .variant = variant};
    return GR_OK;
}

static gr_status add_plan(gr_engine *e, int kind, int64_t batch, int variant)
{
    return add_cut(e, kind, batch, 0, variant);
}

/* One for each bucket; short batches have all steps. */
static gr_status add_buckets(gr_engine *e, int kind, int64_t batch, int variant)
{
    const gr_buckets *b = &e->task->buckets;
    gr_status st = add_plan(e, kind, batch, variant);
    for (int k = 0; k + 1 < b->n && st == GR_OK; k++) st = add_cut(e, kind, batch, b->steps[k], variant);
    return st;
}

gr_engine_plan *gr__engine_find(gr_engine *e, int kind, int64_t batch, int64_t steps, int variant)
{
    for (size_t i = 0; i < e->n_plans; i++) {
        gr_engine_plan *p = &e->plan[i];
        if ((int)p->kind == kind && p->batch == batch && p->steps == steps && p->variant == variant) return p;
    }
    return NULL;
}

int gr__engine_variant(const gr_recipe *r, const gr_clock *c)
{
    int64_t began[GR_MAX_STAGES];
    int stage = gr__groups_stages(&r->groups, c, began) - 1;
    while (stage > 0 && c->step < began[stage]) stage--;
    return (gr__optim_phase(&r->optim, c) ? GR_VARIANT_THEN : 0) |
           (gr__optim_curvature(&r->optim, c) ? GR_VARIANT_CURVATURE : 0) | stage * GR_VARIANT_STAGE;
}

static gr_clock beginning(const gr_task *t)
{
    gr_extent x = gr__task_extent(t);
    return (gr_clock){.total = x.total, .updates_per_epoch = x.updates_per_epoch};
}

int64_t gr__engine_stage(const gr_task *t, int variant)
{
    int64_t began[GR_MAX_STAGES];
    gr_clock c = beginning(t);
    gr__groups_stages(&t->recipe->groups, &c, began);
    return began[variant / GR_VARIANT_STAGE];
}

gr_rate gr__engine_moment(const gr_recipe *r, const gr_clock *c, const double *state)
{
    const gr_method *m = &r->optim.method[gr__optim_phase(&r->optim, c)];
    return (gr_rate){.lr = m->lr,
                     .t = c->step,
                     .total = c->total,
                     .updates_per_epoch = (double)c->updates_per_epoch,
                     .state = state};
}

double gr__engine_rate(const gr_recipe *r, const gr_clock *c, const double *state)
{
    gr_rate rate = gr__engine_moment(r, c, state);
    return !isnan(r->average.lr) && gr__average_began(&r->average, c) ? r->average.lr
                                                                      : gr__sched_rate(&r->sched, &rate);
}

/* Rows of the short batch at the end of an epoch; 0: there is none. */
static int64_t last_batch(const gr_task *t, int64_t batch)
{
    return t->recipe->data.drop_last ? 0 : t->training.n % batch;
}

/* Plans of an update as `variant` has it. */
static gr_status update_plans(gr_engine *e, int64_t batch, int variant)
{
    const gr_task *t = e->task;
    int64_t rest = last_batch(t, batch);
    bool micro = t->recipe->accumulate > 1;
    gr_status st = add_buckets(e, micro ? GR_RUN_ACCUMULATE : GR_RUN_STEP, batch, variant);
    if (st == GR_OK && rest) st = add_plan(e, micro ? GR_RUN_ACCUMULATE : GR_RUN_STEP, rest, variant);
    if (st == GR_OK && micro) st = add_plan(e, GR_RUN_APPLY, 1, variant);
    return st;
}

static gr_status training_plans(gr_engine *e)
{
    const gr_optim *o = &e->task->recipe->optim;
    int64_t batch = gr__task_batch(e->task), began[GR_MAX_STAGES];
    gr_clock c = beginning(e->task);
    int stages = gr__groups_stages(&e->task->recipe->groups, &c, began);
    gr_status st = GR_OK;
    for (int i = 0; i < o->n_methods * stages; i++) {
        const gr_method *m = &o->method[i / stages];
        int64_t every = m->member->curvature_every ? m->member->curvature_every(&m->settings) : 0;
        int variant = (i / stages ? GR_VARIANT_THEN : 0) + i % stages * GR_VARIANT_STAGE;
        if (every > 0) GR_TRY(update_plans(e, batch, variant | GR_VARIANT_CURVATURE));
        if (every != 1) GR_TRY(update_plans(e, batch, variant));
    }
    for (int i = 0; i < e->n_actions; i++) GR_TRY(add_plan(e, GR_RUN_ACTION, 1, i));
done:
    return st;
}

static bool keeps_statistics(const gr_task *t)
{
    size_t n;
    const gr_entry_spec *states = gr__network_states(t->network, &n);
    for (size_t i = 0; i < n; i++)
        if (!gr__groups_freeze(&t->recipe->groups, states[i].name)) return true;
    return false;
}

/* Views whose weights have statistics of their own, where the network keeps any that move. */
static gr_status statistics_plans(gr_engine *e)
{
    int64_t batch = gr__task_batch(e->task);
    gr_status st = GR_OK;
    if (!keeps_statistics(e->task)) return GR_OK;
    for (int v = 0; v < e->n_views; v++) {
        if (!e->view[v].statistics) continue;
        GR_TRY(add_buckets(e, GR_RUN_STATISTICS, batch, v));
        GR_TRY(add_plan(e, GR_RUN_STATISTICS, last_batch(e->task, batch), v));
    }
done:
    return st;
}

static gr_status evaluation_plans(gr_engine *e, gr_part p)
{
    int64_t n = e->task->count[p], batch = gr__task_evaluation_batch(e->task);
    gr_status st = GR_OK;
    for (int v = 0; v < e->n_views; v++) {
        if (n >= batch) GR_TRY(add_plan(e, GR_RUN_EVALUATE, batch, v));
        GR_TRY(add_plan(e, GR_RUN_EVALUATE, n % batch, v));
    }
done:
    return st;
}

/* One a weight with an adapter: a file of the model has the sum of both. */
static gr_status merge_plans(gr_engine *e)
{
    size_t n;
    const gr_param_info *p = gr__network_params(e->task->network, &n);
    gr_status st = GR_OK;
    for (size_t i = 0; i < n; i++)
        for (int v = 0; v < e->n_views && gr__adapter_has(&e->task->recipe->adapter, p[i].entry.name); v++)
            if (p[i].adaptable) GR_TRY(add_plan(e, GR_RUN_MERGE, 1, v + GR_MAX_VIEWS * (int)i));
done:
    return st;
}

/* Looking inside takes a plan where there are histograms, and for these and for pictures samples of its own. */
static gr_status inside_plan(gr_engine *e)
{
    enum { MOST_COUNTED = 256, MOST_SHOWN = 16 };
    const gr_task *t = e->task;
    bool counted = t->recipe->histograms.n > 0;
    if (!counted && !t->recipe->pictures.n) return GR_OK;
    if (!(e->inside = gr__bump_alloc(t->memory, sizeof *e->inside))) return GR_E_MEMORY;
    *e->inside = (gr_inside){.task = t,
                             .mode = GR_MODE_EVALUATE,
                             .batch = GR_MIN(gr__task_batch(t), counted ? MOST_COUNTED : MOST_SHOWN),
                             .gradients = true};
    gr_status st = counted ? add_plan(e, GR_RUN_INSIDE, e->inside->batch, 0) : GR_OK;
    gr_engine_plan *p = counted ? gr__engine_find(e, GR_RUN_INSIDE, e->inside->batch, 0, 0) : NULL;
    if (p) e->inside->plan = p->plan;
    return st;
}

gr_loader_options gr__engine_inside_loader(const gr_engine *e)
{
    gr_loader_options o = gr__task_training_loader(e->task, false);
    o.batch = e->inside->batch;
    o.buckets = NULL;
    o.drop_last = false;
    return o;
}

/* The arena is the largest plan's, whose own division stands for all; where initial values take more memory meanwhile
 * (they are made before there is an arena), as large as that. */
static gr_status count_arena(gr_engine *e, bool train)
{
    gr_engine_bytes *b = &e->bytes;
    uint64_t work = 0, largest = 0;
    for (size_t i = 0; i < e->n_plans; i++) {
        gr_plan_bytes_info p = gr_plan_bytes(e->plan[i].plan);
        if (p.arena <= largest) continue;
        largest = p.arena;
        b->gradients = p.gradients, b->activations = p.activations, b->workspace = p.workspace;
    }
    gr_status st = train ? gr__network_init_work(e->task->network, &work) : GR_OK;
    if (st != GR_OK || work <= largest) return st;
    b->workspace += work - largest;
    e->runner.arena_bytes = work;
    return GR_OK;
}

/* Structures, names, and files while they are read and written, libraries' own memory included: what was counted up to
 * here, and as much again for what a run adds; for each entry, each class and each number of the preparation its text
 * in a file's header, and the library's form of it; pieces, windows and buffers. */
static uint64_t bookkeeping_bound(const gr_engine *e)
{
    enum { A_CLASS = 512, AN_ENTRY = 1024, A_NUMBER = 1024, BUFFERS = 2 << 20, PICTURES = 6 << 20 };
    const gr_task *t = e->task;
    uint64_t numbers = 0, classes = 0;
    for (int k = 0; k < t->recipe->n_inputs; k++)
        numbers += (uint64_t)gr__prepared_numbers(t->meaning.prepared[k], t->meaning.n_prepared[k]);
    for (int h = 0; h < t->recipe->n_heads; h++)
        classes += (uint64_t)GR_MAX(t->recipe->head[h].metric_scope.classes, t->meaning.classes[h]);
    return 2 * gr__bookkeeping_peak(t->ctx) + A_CLASS * classes + AN_ENTRY * (uint64_t)gr_store_count(e->store) +
           A_NUMBER * numbers + BUFFERS + (t->recipe->pictures.n ? PICTURES : 0);
}

static gr_status count_bytes(gr_engine *e, bool train, unsigned parts)
{
    const gr_task *t = e->task;
    gr_engine_bytes *b = &e->bytes;
    gr_store_bytes(e->store, &b->parameters, &b->slots);
    gr_status st = count_arena(e, train);
    b->data = t->data_bytes;
    for (int p = 0; p < GR_PARTS; p++) {
        bool training = train && p == GR_PART_TRAIN;
        if (!t->count[p] || !(training || parts & 1u << p)) continue;
        gr_loader_options o = training ? gr__task_training_loader(t, true) : gr__task_loader(t, p, false);
        b->loader += gr__loader_bytes(&o);
    }
    if (e->inside) {
        gr_loader_options o = gr__engine_inside_loader(e);
        b->loader += gr__loader_bytes(&o);
    }
    gr__engine_count_tally(e, train, parts);
    b->workspace += e->score_bytes + e->tally_bytes;
    uint64_t rest = b->parameters + b->slots + e->runner.arena_bytes + e->score_bytes + e->tally_bytes + b->loader;
    if (t->work_bytes > rest) { /* what splits the data took, and gave back, is more than what then took its place */
        b->workspace += t->work_bytes - rest;
        rest = t->work_bytes;
    }
    b->total = rest + b->data;
    b->bookkeeping = bookkeeping_bound(e);
    return st;
}

/* A plan that keeps to the runner's budget. Gradients are let go of first, which costs no time; where that leaves too
 * much, the search among schedules with all gradients sometimes finds one of less. */
static gr_status replace_plan(gr_engine *e, gr_engine_plan *p)
{
    making m = {e, (int)p->kind, p->variant, p->batch, p->steps};
    gr_runner *r = &e->runner;
    const char *name = gr__engine_plan_name(e, p);
    bool early = gr__graph_updates_early(e->task->recipe, m.kind, m.variant);
    r->release = early;
    gr_status st = gr__runner_replace(r, &p->plan, name, make_graph, &m);
    r->release = false;
    if (st != GR_OK || !early || gr_plan_bytes(p->plan).arena <= r->budget) return st;
    return gr__runner_rival(r, &p->plan, name, make_graph, &m);
}

/* Plans that want more of the arena than `memory` leaves them let go of gradients, and compute values again. */
static gr_status keep_to_memory(gr_engine *e, bool train, unsigned parts)
{
    const gr_recipe *r = e->task->recipe;
    uint64_t others = e->bytes.total - e->runner.arena_bytes;
    gr_status st = GR_OK;
    if (!train || !r->memory || e->bytes.total <= r->memory || !gr__remat_keeps_to_budget(&r->remat)) return GR_OK;
    e->runner.remat = r->remat;
    e->runner.budget = r->memory > others ? r->memory - others : 1;
    for (size_t i = 0; i < e->n_plans && st == GR_OK; i++) {
        gr_engine_plan *p = &e->plan[i];
        if (gr_plan_bytes(p->plan).arena > e->runner.budget) st = replace_plan(e, p);
        if (e->inside && p->kind == GR_RUN_INSIDE) e->inside->plan = p->plan;
    }
    e->bytes = (gr_engine_bytes){0};
    e->tally_bytes = e->count_bytes = e->score_bytes = 0; /* counted anew */
    return st == GR_OK ? count_bytes(e, train, parts) : st;
}

gr_status gr__engine_make(const gr_task *t, bool train, unsigned parts, gr_engine *e)
{
    const gr_recipe *r = t->recipe;
    *e = (gr_engine){.task = t, .rules = {&r->optim, &r->lookahead, &r->average, &r->groups}, .n_views = 1};
    gr_status st = GR_OK;
    if (train) {
        e->n_actions = gr__actions(&e->rules, e->action);
        e->n_views = gr__views(&e->rules, e->view);
        if (t->running) e->view[0].statistics = false;
    }
    GR_TRY(gr__runner_open(t, &e->runner));
    e->store = e->runner.store;
    if (train) GR_TRY(gr__masks_declare(e)); /* graphs ask the store for them */
    if (train) GR_TRY(training_plans(e));
    if (train) GR_TRY(statistics_plans(e));
    if (train) GR_TRY(merge_plans(e));
    for (int p = 0; p < GR_PARTS; p++)
        if (parts & 1u << p && t->count[p]) GR_TRY(evaluation_plans(e, p));
    if (train) GR_TRY(inside_plan(e));
    GR_TRY(gr__engine_metrics(e, train));
    GR_TRY(count_bytes(e, train, parts));
    GR_TRY(keep_to_memory(e, train, parts));
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
    const struct {
        const char *name;
        uint64_t bytes;
    } classes[] = {{"data", b->data},    {"parameters", b->parameters},   {"gradients", b->gradients},
                   {"slots", b->slots},  {"activations", b->activations}, {"workspace", b->workspace},
                   {"loader", b->loader}};
    char items[640];
    size_t at = 0;
    bool said[GR_COUNT(classes)] = {false};
    for (int k = 0; k < 3; k++) {
        size_t best = GR_COUNT(classes);
        for (size_t i = 0; i < GR_COUNT(classes); i++)
            if (!said[i] && classes[i].bytes > 0 &&
                (best == GR_COUNT(classes) || classes[i].bytes > classes[best].bytes))
                best = i;
        if (best == GR_COUNT(classes)) break;
        said[best] = true;
        gr__size_text(classes[best].bytes, size, sizeof size);
        at += (size_t)snprintf(items + at, sizeof items - at, "%s%s %s", at ? ", " : "", classes[best].name, size);
    }
    gr_plan_item largest[3];
    for (int i = 0, n = e->n_plans ? gr_plan_largest(e->plan[0].plan, largest, 3) : 0; i < n; i++) {
        gr__size_text(largest[i].bytes, size, sizeof size);
        at += (size_t)snprintf(items + at, at < sizeof items ? sizeof items - at : 0, "%s%s of %s %s",
                               i ? ", " : "; in a step: ", largest[i].what, largest[i].scope, size);
        if (at >= sizeof items) break;
    }
    bool least = gr__remat_keeps_to_budget(&e->task->recipe->remat);
    gr__fail(ctx, GR_E_BUDGET, "training needs %s%s (%llu bytes), memory allows %s (%llu bytes)",
             least ? "at least " : "", total, (unsigned long long)b->total, limit, (unsigned long long)budget);
    gr__error_place(ctx, NULL, 0, 0, "memory");
    gr__error_least(ctx, b->total);
    gr__error_hint(ctx, "the largest items: %s; a smaller data.batch%s helps with activations", items,
                   least ? "" : ", or remat: auto,");
    return GR_E_BUDGET;
}

/* ---- running ---- */

static void find_outputs(const gr_task *t, gr_engine_plan *p)
{
    char name[GR_FEED_TEXT];
    p->feeds = gr__feeds_find(t, p->plan);
    p->cost_sum = gr_plan_output(p->plan, "cost_sum", NULL);
    p->weight_sum = gr_plan_output(p->plan, "weight_sum", NULL);
    p->norm = gr_plan_output(p->plan, "norm", NULL);
    p->penalty = gr_plan_output(p->plan, "penalty", NULL);
    p->solves = gr_plan_output(p->plan, "solves", NULL);
    p->unsolved = gr_plan_output(p->plan, "unsolved", NULL);
    p->evaluations = gr_plan_output(p->plan, "evaluations", NULL);
    for (int h = 0; h < t->recipe->n_heads; h++) {
        const char *head = t->recipe->head[h].name;
        p->head[h].prediction = gr_plan_output(p->plan, gr__output_of(head, "prediction", name), NULL);
        p->head[h].cost_sum = gr_plan_output(p->plan, gr__output_of(head, "cost_sum", name), NULL);
        p->head[h].weight_sum = gr_plan_output(p->plan, gr__output_of(head, "weight_sum", name), NULL);
    }
}

gr_status gr__engine_start(gr_engine *e)
{
    gr_status st = GR_OK;
    GR_TRY(gr_store_seal(e->store));
    GR_TRY(gr__runner_bind(&e->runner));
    if (e->score_bytes && !(e->scores = gr__tensor_alloc(e->task->ctx, e->score_bytes)))
        GR_TRY(gr__error_code(e->task->ctx));
    if (e->count_bytes && !(e->counts = gr__tensor_alloc(e->task->ctx, (size_t)e->count_bytes)))
        GR_TRY(gr__error_code(e->task->ctx));
    for (size_t i = 0; i < e->n_plans; i++) find_outputs(e->task, &e->plan[i]);
done:
    return st;
}

void gr__engine_close(gr_engine *e)
{
    if (!e->task) return;
    gr__free(e->task->ctx, e->plan, e->plans_room * sizeof *e->plan);
    if (e->scores) gr__tensor_free(e->task->ctx, e->scores, e->score_bytes);
    if (e->counts) gr__tensor_free(e->task->ctx, e->counts, (size_t)e->count_bytes);
    gr__runner_close(&e->runner);
    *e = (gr_engine){0};
}
