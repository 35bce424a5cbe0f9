/* A training in steps: opened, with data and plans, run once, and looked at afterwards. */
#include <math.h>

#include "train/loop.h"
#include "train/masks.h"
#include "train/origin.h"
#include "train/start.h"

struct gr_training {
    gr_loop loop;
    gr_task task;
    gr_engine engine;
    gr_origin origin;
    gr__bump *memory; /* of the origin, and of the names of masks */
    enum { OPEN, RUNNING, OVER } state;
};

static gr_status read_origin(gr_training *t)
{
    const gr_loop *l = &t->loop;
    const gr_recipe *r = l->recipe;
    if (!r->start.from) return gr__origin_read(l->ctx, t->memory, r, l->options->from, l->options->force, &t->origin);
    return gr__tree_fail(l->ctx, r->start.at, GR_E_CONFLICT, "leave one of them out",
                         "training starts from one model, and --from names another than this");
}

static unsigned evaluated_parts(const gr_recipe *r, const gr_train_options *o)
{
    return 1u << GR_PART_VALIDATION | (gr__loop_judges(r, o) ? 1u << GR_PART_TRAIN : 0);
}

/* Budgets are checked before anything is loaded. */
static gr_status check_budgets(gr_context *ctx, const gr_recipe *r, const gr_train_options *o, gr_masked masked)
{
    gr_task task = {0};
    gr_engine engine = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__task_estimate(ctx, r, &task));
    task.masked = masked;
    GR_TRY(gr__engine_make(&task, true, evaluated_parts(r, o), &engine));
    GR_TRY(gr__engine_budget(&engine, r->memory));
    GR_TRY(gr__serving_check(&task, NULL));
done:
    gr__engine_close(&engine);
    gr__task_close(&task);
    return st;
}

static gr_loop loop_of(gr_context *ctx, const gr_recipe *r, const gr_train_options *o)
{
    return (gr_loop){.ctx = ctx,
                     .recipe = r,
                     .options = o,
                     .best_figure = NAN,
                     .watched = {.figure = NAN, .cost = NAN},
                     .patience = {.cost = NAN, .error = NAN, .best_cost = NAN, .best_error = NAN},
                     .best_cost = NAN,
                     .best_error = NAN,
                     .validation_cost = NAN,
                     .validation_error = NAN,
                     .average_cost = NAN,
                     .average_error = NAN,
                     .train_error = NAN,
                     .train_cost = NAN,
                     .train_cost_mean = NAN,
                     .data_cost = NAN,
                     .norm = NAN};
}

static gr_status open_training(gr_training *t)
{
    gr_loop *l = &t->loop;
    const gr_recipe *r = l->recipe;
    const gr_train_options *o = l->options;
    gr_masked masked = {0};
    gr_status st = GR_OK;
    l->run = gr__alloc(l->ctx, sizeof *l->run);
    if (!l->run) return GR_E_MEMORY;
    GR_TRY(gr__run_open(l->ctx, o->out, o->resume, o->overwrite, l->run));
    GR_TRY(gr__masks_find(l, &t->memory, &masked));
    if (r->memory || r->serving_limit) GR_TRY(check_budgets(l->ctx, r, o, masked));
    if (o->from) GR_TRY(read_origin(t));
    GR_TRY(gr__task_open_from(l->ctx, r, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, o->from ? &t->origin : NULL,
                              &t->task));
    if (!o->resume) GR_TRY(gr__start_check(&t->task));
    GR_TRY(gr__task_metrics(&t->task));
    t->task.masked = masked;
    GR_TRY(gr__engine_make(&t->task, true, evaluated_parts(r, o), &t->engine));
    GR_TRY(gr__engine_budget(&t->engine, r->memory));
    gr_extent e = gr__task_extent(&t->task);
    l->batches = e.batches, l->updates_per_epoch = e.updates_per_epoch, l->total = e.total;
    gr__loop_watch(l);
    l->stepper = (gr_stepper){.recipe = r, .engine = &t->engine, .schedule = l->schedule, .extent = e};
    gr__sched_begin(&r->sched, l->schedule);
done:
    return st;
}

gr_status gr__training_open(gr_context *ctx, const gr_recipe *r, const gr_train_options *o, gr_training **out)
{
    gr_training *t = gr__alloc(ctx, sizeof *t);
    if (!t) return GR_E_MEMORY;
    *t = (gr_training){.loop = loop_of(ctx, r, o)};
    t->loop.task = &t->task;
    t->loop.engine = &t->engine;
    gr_status st = open_training(t);
    if (st == GR_OK)
        *out = t;
    else
        gr__training_close(t);
    return st;
}

gr_status gr__training_run(gr_training *t, gr_train_result *out)
{
    if (t->state != OPEN) return gr__fail(t->loop.ctx, GR_E_USAGE, "this training has run already");
    *out = (gr_train_result){.best_cost = NAN, .best_error = NAN};
    t->state = RUNNING;
    gr_status st = gr__loop_train(&t->loop, out);
    if (st == GR_OK) gr__run_end(t->loop.run); /* whoever comes next may have the folder */
    t->state = OVER;
    if (st != GR_OK) gr__run_undo(t->loop.run);
    return st;
}

void gr__training_close(gr_training *t)
{
    if (!t) return;
    gr_loop *l = &t->loop;
    gr_context *ctx = l->ctx;
    if (l->run && t->state == OPEN) gr__run_undo(l->run);
    if (l->run) gr__run_end(l->run);
    gr__loader_destroy(l->loader);
    gr__loader_destroy(l->validation);
    gr__loader_destroy(l->training);
    gr__loop_inside_close(l);
    gr__engine_close(&t->engine);
    gr__task_close(&t->task);
    gr__bump_destroy(t->memory);
    gr__free(ctx, l->run, sizeof *l->run);
    gr__free(ctx, t, sizeof *t);
}

gr_status gr__training_save(gr_training *t, const char *path)
{
    if (t->state == OPEN)
        return gr__fail(t->loop.ctx, GR_E_USAGE, "the training has not begun: there are no weights yet");
    return gr__loop_write_model(&t->loop, path, 0);
}

gr_status gr__training_evaluate(gr_training *t, gr_evaluation *out)
{
    gr_loop *l = &t->loop;
    if (t->state != OVER)
        return gr__fail(l->ctx, GR_E_USAGE, "evaluating is for after the run: within it after_evaluation is told");
    if (!l->validation) return gr__fail(l->ctx, GR_E_USAGE, "the recipe has no validation data");
    gr_status st = gr__loop_measure(l, 0);
    return st == GR_OK ? gr__evaluate(l->engine, 0, l->validation, GR_PART_VALIDATION, NULL, out) : st;
}

gr_status gr__train(gr_context *ctx, const gr_recipe *r, const gr_train_options *o, gr_train_result *out)
{
    gr_training *t = NULL;
    *out = (gr_train_result){.best_cost = NAN, .best_error = NAN};
    gr_status st = gr__training_open(ctx, r, o, &t);
    if (st == GR_OK) st = gr__training_run(t, out);
    gr__training_close(t);
    return st;
}
