/* A recipe trained update by update. */
#include "study/steps.h"

#include <string.h>

gr_status gr__steps_open(gr_context *ctx, const gr_recipe *r, bool unfused, gr_steps *s)
{
    gr_status st = GR_OK;
    *s = (gr_steps){.ctx = ctx, .recipe = r};
    GR_TRY(gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &s->task));
    s->task.unfused = unfused;
    GR_TRY(gr__engine_make(&s->task, true, 0, &s->engine));
    GR_TRY(gr__engine_start(&s->engine));
    GR_TRY(gr__network_init(s->task.network, s->engine.store));
    gr_loader_options o = gr__task_loader(&s->task, GR_PART_TRAIN, false);
    s->updates = (gr__loader_batches(&o) + r->accumulate - 1) / r->accumulate;
    GR_TRY(gr__loader_create(ctx, &o, &s->loader));
done:
    return st;
}

void gr__steps_close(gr_steps *s)
{
    gr__loader_destroy(s->loader);
    gr__engine_close(&s->engine);
    gr__task_close(&s->task);
    *s = (gr_steps){0};
}

gr_status gr__steps_feed(gr_steps *s, int64_t step, int kind, bool data, int64_t position)
{
    const gr_recipe *r = s->recipe;
    int64_t total = r->stop.epochs * s->updates;
    if (r->stop.steps) total = total ? GR_MIN(total, r->stop.steps) : r->stop.steps;
    gr_engine_plan *p = s->plan = gr__engine_find(&s->engine, kind, data ? s->batch.n : 1);
    if (!p) return gr__fail(s->ctx, GR_E_INTERNAL, "no plan for a batch of %lld", (long long)(data ? s->batch.n : 1));
    if (data && p->x) memcpy(p->x, s->batch.inputs, p->x_bytes);
    if (data && p->y) memcpy(p->y, s->batch.targets, p->y_bytes);
    if (p->seed) *p->seed = (double)r->seed;
    if (p->update) *p->update = (double)step;
    if (p->position) *p->position = (double)position;
    if (p->first) *p->first = position == 0;
    if (p->lr) *p->lr = gr__sched_rate(&r->sched, r->optim.lr, step, total, (double)s->updates);
    return GR_OK;
}

gr_status gr__steps_next(gr_steps *s, int64_t step)
{
    int64_t micro = s->recipe->accumulate, position = 0;
    gr_status st = GR_OK;
    bool last = false;
    for (int64_t k = 0; k < micro && !last; k++) {
        GR_TRY(gr__loader_next(s->loader, &s->batch));
        GR_TRY(gr__steps_feed(s, step, micro > 1 ? GR_RUN_ACCUMULATE : GR_RUN_STEP, true, position));
        GR_TRY(gr_plan_run(s->plan->plan));
        position += s->batch.n;
        last = s->batch.last;
    }
    if (micro > 1) {
        GR_TRY(gr__steps_feed(s, step, GR_RUN_APPLY, false, 0));
        GR_TRY(gr_plan_run(s->plan->plan));
    }
done:
    return st;
}
