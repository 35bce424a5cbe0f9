/* Gradient check: every parameter of the recipe's own model against central differences in float64 on its first batch.   [mission P4] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "study/study.h"

enum { SAMPLES = 8 };
static const double RESOLVED = 1e-5; /* of the cost: 1e-16 of it, over a width of 1e-4, over the limit, and some room */
static const double ENOUGH = 0.1; /* of the limit: a nearer quotient is not sought */

typedef struct checker {
    gr_context *ctx;
    gr_task *task;
    gr_store *store;
    gr_plan *slope, *cost;     /* the gradients; the cost alone */
    gr_arena *arena;
    int most;                  /* elements of a parameter */
    const gr_param_info *params;
    size_t n;
    const void *x, *y;         /* the batch */
} checker;

static gr_status build(checker *c, bool gradients, gr_plan **out)
{
    gr_graph *g = NULL;
    gr_network_values v;
    gr_val *leaf = gr__bump_alloc(c->task->memory, sizeof *leaf * c->n), *d = gr__bump_alloc(c->task->memory, sizeof *d * c->n);
    gr_status st = GR_OK;
    char name[32];
    if (!leaf || !d) return GR_E_MEMORY;
    GR_TRY(gr_graph_create(c->ctx, &g));
    GR_TRY(gr__network_build(c->task->network, g, GR_MODE_TRAIN, gr__task_batch(c->task), true, &v));
    for (size_t i = 0; i < c->n; i++) leaf[i] = gr_param(g, c->params[i].entry.name, c->params[i].entry.shape);
    gr_val penalty = gr__penalty_value(g, &c->task->recipe->penalties, c->params, leaf, c->n, false), cost = v.cost_sum;
    if (penalty) cost = gr_add(g, cost, gr_mul(g, penalty, v.weight_sum)); /* of the mean: once for each sample of the sum */
    gr_output(g, "cost", cost);
    if (gradients) GR_TRY(gr_gradients(g, cost, leaf, (int)c->n, d));
    for (size_t i = 0; gradients && i < c->n; i++) {
        snprintf(name, sizeof name, "gradient%zu", i);
        gr_output(g, name, d[i]);
    }
    GR_TRY(gr_plan_compile(c->ctx, g, c->store, &(gr_plan_options){.backend = c->task->backend, .name = "check"}, out));
done:
    gr_graph_destroy(g);
    return st;
}

static gr_status run(checker *c, gr_plan *p, double *cost)
{
    size_t bytes;
    void *at;
    if ((at = gr_plan_feed(p, "x", &bytes))) memcpy(at, c->x, bytes);
    if ((at = gr_plan_feed(p, "y", &bytes))) memcpy(at, c->y, bytes);
    const struct { const char *name; double value; } scalars[] = {{"seed", (double)c->task->recipe->seed}, {"update", 0}, {"position", 0}};
    for (size_t i = 0; i < GR_COUNT(scalars); i++)
        if ((at = gr_plan_feed(p, scalars[i].name, NULL))) *(double *)at = scalars[i].value;
    gr_status st = gr_plan_run(p);
    if (st == GR_OK) *cost = *(const double *)gr_plan_output(p, "cost", NULL);
    return st;
}

/* The difference quotient with several widths: one that steps over a kink (ReLU, max-pool) is wrong, so the nearest counts. */
static gr_status quotient_error(checker *c, double *w, double slope, double enough, double *error)
{
    static const double widths[] = {1e-5, 1e-4, 1e-6};
    double kept = *w, up, down;
    gr_status st = GR_OK;
    *error = INFINITY;
    for (size_t k = 0; k < GR_COUNT(widths) && !(*error <= enough); k++) {
        double h = widths[k] * GR_MAX(1, fabs(kept));
        *w = kept + h;
        GR_TRY(run(c, c->cost, &up));
        *w = kept - h;
        GR_TRY(run(c, c->cost, &down));
        *error = fmin(*error, fabs((up - down) / (2 * h) - slope));
    }
done:
    *w = kept;
    return st;
}

static gr_status check_tensor(checker *c, size_t i, gr_gradient_row *row)
{
    const gr_entry *e = gr_store_find(c->store, c->params[i].entry.name);
    char name[32];
    double cost, scale = 0, worst = 0;
    gr__rng rng = gr__rng_make(c->task->recipe->seed, e->spec.name, 0, 0);
    gr_status st = run(c, c->slope, &cost);
    if (st != GR_OK) return st;
    snprintf(name, sizeof name, "gradient%zu", i);
    const double *slope = gr_plan_output(c->slope, name, NULL);
    double picked[GR_GRADIENT_MANY];
    int64_t at[GR_GRADIENT_MANY], n = GR_MIN(e->count, c->most);
    for (int64_t k = 0; k < e->count; k++) scale = fmax(scale, fabs(slope[k]));
    for (int64_t k = 0; k < n; k++) { /* the cost's runs reuse the arena, so the picked slopes are copied first */
        at[k] = n == e->count ? k : (int64_t)gr__rng_below(&rng, (uint64_t)e->count);
        picked[k] = slope[at[k]];
    }
    /* Differences of the cost resolve no smaller slopes: a tensor that has none (a dead unit, slopes that cancel) is compared with this. */
    scale = fmax(scale, RESOLVED * fmax(fabs(cost), 1));
    for (int64_t k = 0; k < n && st == GR_OK; k++) {
        double error;
        st = quotient_error(c, (double *)e->data + at[k], picked[k], ENOUGH * GR_GRADIENT_LIMIT * scale, &error);
        worst = fmax(worst, error);
    }
    *row = (gr_gradient_row){.name = e->spec.name, .count = e->count, .checked = n, .error = worst / scale};
    return st;
}

static void judge(const gr_gradient_row *rows, size_t n, gr_finding *out)
{
    size_t bad = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        bad += !(rows[i].error < GR_GRADIENT_LIMIT);
        if (!(rows[i].error <= rows[worst].error)) worst = i;
    }
    if (n == 0)
        gr__finding_set(out, GR_VERDICT_OK, 0, GR_GRADIENT_LIMIT, "the model has no parameters");
    else if (bad)
        gr__finding_set(out, GR_VERDICT_FAILED, rows[worst].error, GR_GRADIENT_LIMIT, "%zu of %zu gradients differ from central differences, the worst is %s; an operation's gradient rule is wrong: gradus check --gradients shows all", bad, n, rows[worst].name);
    else
        gr__finding_set(out, GR_VERDICT_OK, rows[worst].error, GR_GRADIENT_LIMIT, "back-propagation agrees with central differences in all %zu parameters", n);
}

gr_status gr__check_gradients(gr_context *ctx, const gr_recipe *recipe, int most, gr_gradient_row **rows, size_t *n, gr__bump *memory, gr_finding *out)
{
    gr_recipe r = *recipe;
    gr_task task = {0};
    gr_loader *loader = NULL;
    gr_batch b;
    checker c = {.ctx = ctx, .task = &task, .most = GR_MIN(most, GR_GRADIENT_MANY)};
    gr_status st = GR_OK;
    r.device = "ref";
    r.float64 = true;
    r.data.batch = r.data.batch ? GR_MIN(r.data.batch, SAMPLES) : SAMPLES;
    GR_TRY(gr__task_open(ctx, &r, 1u << GR_PART_TRAIN, NULL, &task));
    c.params = gr__network_params(task.network, &c.n);
    GR_TRY(gr_store_create(ctx, task.backend, &c.store));
    GR_TRY(gr__network_declare(task.network, c.store));
    GR_TRY(build(&c, true, &c.slope));
    GR_TRY(build(&c, false, &c.cost));
    GR_TRY(gr_store_seal(c.store));
    GR_TRY(gr__network_init(task.network, c.store));
    GR_TRY(gr_arena_create(ctx, GR_MAX(gr_plan_bytes(c.slope).arena, gr_plan_bytes(c.cost).arena), &c.arena));
    GR_TRY(gr_plan_bind(c.slope, c.arena));
    GR_TRY(gr_plan_bind(c.cost, c.arena));
    gr_loader_options o = gr__task_loader(&task, GR_PART_TRAIN, false);
    GR_TRY(gr__loader_create(ctx, &o, &loader));
    GR_TRY(gr__loader_next(loader, &b));
    c.x = b.inputs, c.y = b.targets;
    *n = c.n;
    *rows = gr__bump_alloc(memory, sizeof **rows * c.n);
    if (!*rows) GR_TRY(GR_E_MEMORY);
    for (size_t i = 0; i < c.n; i++) {
        GR_TRY(check_tensor(&c, i, &(*rows)[i]));
        (*rows)[i].name = gr__bump_strdup(memory, (*rows)[i].name);
        if (!(*rows)[i].name) GR_TRY(GR_E_MEMORY);
    }
    judge(*rows, c.n, out);
done:
    gr__loader_destroy(loader);
    gr_plan_destroy(c.slope);
    gr_plan_destroy(c.cost);
    gr_arena_destroy(c.arena);
    gr_store_destroy(c.store);
    gr__task_close(&task);
    return st;
}
