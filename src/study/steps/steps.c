/* A recipe trained update by update. */
#include "study/steps/steps.h"

#include <math.h>
#include <string.h>

gr_status gr__steps_open(gr_context *ctx, const gr_recipe *r, unsigned flags, gr_steps *s)
{
    gr_status st = GR_OK;
    unsigned validation = flags & GR_STEPS_VALIDATED ? 1u << GR_PART_VALIDATION : 0;
    *s = (gr_steps){.ctx = ctx, .recipe = r};
    GR_TRY(gr__task_open(ctx, r, 1u << GR_PART_TRAIN | validation, NULL, &s->task));
    s->task.unfused = flags & GR_STEPS_UNFUSED;
    GR_TRY(gr__engine_make(&s->task, true, validation, &s->engine));
    GR_TRY(gr_store_seal(s->engine.store));
    GR_TRY(gr__network_init(s->task.network, s->engine.store));
    GR_TRY(gr__engine_start(&s->engine));
    gr_loader_options o = gr__task_loader(&s->task, GR_PART_TRAIN, false);
    s->extent = gr__task_extent(&s->task);
    GR_TRY(gr__loader_create(ctx, &o, &s->loader));
    if (validation) {
        o = gr__task_loader(&s->task, GR_PART_VALIDATION, false);
        GR_TRY(gr__loader_create(ctx, &o, &s->validation));
    }
done:
    return st;
}

void gr__steps_close(gr_steps *s)
{
    gr__loader_destroy(s->loader);
    gr__loader_destroy(s->validation);
    gr__engine_close(&s->engine);
    gr__task_close(&s->task);
    *s = (gr_steps){0};
}

static gr_clock clock_of(const gr_steps *s, int64_t step)
{
    return (gr_clock){.step = step, .total = s->extent.total, .updates_per_epoch = s->extent.updates_per_epoch};
}

gr_status gr__steps_feed(gr_steps *s, int64_t step, int kind, int action, bool data, int64_t position)
{
    const gr_recipe *r = s->recipe;
    gr_clock clock = clock_of(s, step);
    int variant = action >= 0 ? action : gr__engine_variant(r, &clock);
    gr_engine_plan *p = s->plan = gr__engine_find(&s->engine, kind, data ? s->batch.n : 1, variant);
    if (!p) return gr__fail(s->ctx, GR_E_INTERNAL, "no plan for a batch of %lld", (long long)(data ? s->batch.n : 1));
    if (data && p->x) memcpy(p->x, s->batch.inputs, p->x_bytes);
    if (data && p->y) memcpy(p->y, s->batch.targets, p->y_bytes);
    if (p->seed) *p->seed = (double)r->seed;
    if (p->update) *p->update = (double)step;
    if (p->position) *p->position = (double)position;
    if (p->first) *p->first = position == 0;
    if (p->lr) *p->lr = gr__engine_rate(r, &clock, NULL); /* nothing is evaluated: a plateau is never seen */
    return GR_OK;
}

bool gr__steps_due(const gr_steps *s, int action, int64_t step)
{
    gr_clock clock = clock_of(s, step);
    return action < s->engine.n_actions && s->engine.action[action]->due(&s->engine.rules, &clock);
}

static gr_status run(gr_steps *s, int64_t step, int kind, int action, bool data, int64_t position)
{
    gr_status st = gr__steps_feed(s, step, kind, action, data, position);
    return st == GR_OK ? gr_plan_run(s->plan->plan) : st;
}

static gr_status act(gr_steps *s, int64_t step)
{
    gr_engine_plan *updating = s->plan;
    gr_status st = GR_OK;
    for (int k = 0; k < s->engine.n_actions && st == GR_OK; k++)
        if (gr__steps_due(s, k, step)) st = run(s, step, GR_RUN_ACTION, k, false, 0);
    s->plan = updating;
    return st;
}

gr_status gr__steps_next(gr_steps *s, int64_t step)
{
    int64_t micro = s->recipe->accumulate, position = 0;
    gr_status st = GR_OK;
    bool last = false;
    if (step == 0) GR_TRY(act(s, 0));
    for (int64_t k = 0; k < micro && !last; k++) {
        GR_TRY(gr__loader_next(s->loader, &s->batch));
        GR_TRY(run(s, step, micro > 1 ? GR_RUN_ACCUMULATE : GR_RUN_STEP, -1, true, position));
        position += s->batch.n;
        last = s->batch.last;
    }
    if (micro > 1) GR_TRY(run(s, step, GR_RUN_APPLY, -1, false, 0));
    st = act(s, step + 1);
done:
    return st;
}

gr_status gr__steps_validate(gr_steps *s, double *error)
{
    gr_evaluation ev;
    gr_status st = gr__evaluate(&s->engine, 0, s->validation, GR_PART_VALIDATION, NULL, &ev);
    *error = st == GR_OK ? ev.error : NAN;
    gr__evaluation_free(s->ctx, &ev);
    return st;
}

static gr_status fill(gr_context *ctx, const gr_init_from *from, const gr_param_info *p, gr_store *store)
{
    const gr_entry *e = gr_store_find(store, p->entry.name);
    size_t bytes = sizeof(double) * (size_t)e->count;
    double *values = gr__alloc(ctx, bytes);
    if (!values) return GR_E_MEMORY;
    gr_status st = gr__init_param(ctx, from, p, values);
    if (st == GR_OK) gr_store_write(store, e, values);
    gr__free(ctx, values, bytes);
    return st;
}

gr_status gr__parameters_fill(gr_context *ctx, const char *init, uint64_t seed, const gr_network *network,
                              gr_store *store)
{
    size_t n;
    const gr_param_info *all = gr__network_params(network, &n);
    gr__bump *memory = gr__bump_create(ctx);
    gr_init_from from = {
        .tree = memory ? gr__tree_flow(memory, init) : NULL, .preset = GR_PRESET_CHAPTER, .seed = seed};
    gr_status st = from.tree ? GR_OK : GR_E_MEMORY;
    for (size_t i = 0; i < n && st == GR_OK; i++) st = fill(ctx, &from, &all[i], store);
    gr__bump_destroy(memory);
    return st;
}
