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
    gr_loader_options o = gr__task_training_loader(&s->task, false);
    GR_TRY(gr__loader_create(ctx, &o, &s->loader));
    s->stepper =
        (gr_stepper){.recipe = r, .engine = &s->engine, .loader = s->loader, .extent = gr__task_extent(&s->task)};
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

gr_status gr__steps_next(gr_steps *s, int64_t step)
{
    gr_status st = GR_OK;
    for (int first = step > 0; first < 2 && st == GR_OK; first++) {
        bool more = true;
        if (first == 0)
            gr__stepper_begin_actions(&s->stepper, 0);
        else
            gr__stepper_begin(&s->stepper, step);
        while (st == GR_OK && more) {
            st = gr__stepper_next(&s->stepper, &more);
            if (st == GR_OK && more) st = gr_plan_run(s->stepper.plan->plan);
        }
    }
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
