/* One pass of a model over a part, in the order of the file, with the batches that training evaluated by. */
#include "train/pass.h"

gr_status gr__pass_open(gr_context *ctx, const gr_model *m, const gr_recipe *r, gr_part part, bool scored, gr_pass *p)
{
    gr_status st = GR_OK;
    *p = (gr_pass){.part = part};
    GR_TRY(gr__task_open(ctx, r, 1u << part, m, &p->task));
    p->task.scored = scored;
    GR_TRY(gr__engine_make(&p->task, false, 1u << part, &p->engine));
    GR_TRY(gr__engine_budget(&p->engine, r->memory));
    GR_TRY(gr__engine_start(&p->engine));
    GR_TRY(gr__model_load(ctx, m->file, m->path, p->engine.store));
    gr_loader_options o = gr__task_loader(&p->task, part, true);
    o.batch = gr__task_evaluation_batch(&p->task); /* in the order of the file, whatever the part */
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    GR_TRY(gr__loader_create(ctx, &o, &p->loader));
done:
    if (st != GR_OK) gr__pass_close(p);
    return st;
}

gr_status gr__pass_run(gr_context *ctx, gr_pass *p, const volatile sig_atomic_t *stop, gr_evaluation *ev)
{
    gr_status st = gr__evaluate(&p->engine, 0, p->loader, p->part, stop, ev);
    if (st == GR_E_INTERRUPTED) return gr__fail(ctx, st, "interrupted");
    if (st == GR_OK) gr__evaluation_warn(ctx, gr__part_name(p->part), ev);
    return st;
}

void gr__pass_close(gr_pass *p)
{
    gr__loader_destroy(p->loader);
    gr__engine_close(&p->engine);
    gr__task_close(&p->task);
    *p = (gr_pass){0};
}
