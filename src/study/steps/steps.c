/* A recipe trained update by update. */
#include "study/steps/steps.h"

#include <math.h>
#include <string.h>

#include "train/start.h"

enum { SOME = 4096 }; /* training samples that an error is taken over, at most */

static gr_status make_loader(gr_steps *s, gr_part part, const gr_rows *rows, gr_loader **out)
{
    gr_loader_options o = gr__task_loader(&s->task, part, false);
    o.batch = gr__task_evaluation_batch(&s->task);
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    if (rows) o.rows = rows;
    return gr__loader_create(s->ctx, &o, out);
}

/* Whole batches, for which there is a plan; or all samples where there are fewer. */
static gr_status make_judge(gr_steps *s)
{
    const gr_rows *all = gr__task_trained(&s->task);
    int64_t batch = gr__task_evaluation_batch(&s->task);
    s->some = *all;
    if (all->n > SOME && SOME >= batch) s->some.n = SOME / batch * batch;
    return make_loader(s, GR_PART_TRAIN, &s->some, &s->training);
}

static gr_status make_training_loader(gr_steps *s)
{
    gr_loader_options o = gr__task_training_loader(&s->task, false);
    gr__loader_destroy(s->loader);
    s->loader = NULL;
    gr_status st = gr__loader_create(s->ctx, &o, &s->loader);
    s->stepper.loader = s->loader;
    return st;
}

static gr_status start(gr_steps *s, unsigned flags)
{
    gr_status st = GR_OK;
    unsigned validation = flags & GR_STEPS_VALIDATED ? 1u << GR_PART_VALIDATION : 0,
             training = flags & GR_STEPS_JUDGED ? 1u << GR_PART_TRAIN : 0;
    s->task.unfused = flags & GR_STEPS_UNFUSED;
    s->task.running = true;
    GR_TRY(gr__engine_make(&s->task, true, validation | training, &s->engine));
    GR_TRY(gr_store_seal(s->engine.store));
    GR_TRY(gr__start_weights(&s->task, s->engine.store));
    GR_TRY(gr__engine_start(&s->engine));
    s->stepper = (gr_stepper){.recipe = s->recipe, .engine = &s->engine, .extent = gr__task_extent(&s->task)};
    GR_TRY(make_training_loader(s));
    if (validation) GR_TRY(make_loader(s, GR_PART_VALIDATION, NULL, &s->validation));
    if (training) GR_TRY(make_judge(s));
done:
    return st;
}

gr_status gr__steps_open(gr_context *ctx, const gr_recipe *r, unsigned flags, gr_steps *s)
{
    unsigned validation = flags & GR_STEPS_VALIDATED ? 1u << GR_PART_VALIDATION : 0;
    *s = (gr_steps){.ctx = ctx, .own = *r};
    s->recipe = &s->own;
    gr_status st = gr__task_open(ctx, s->recipe, 1u << GR_PART_TRAIN | validation, NULL, &s->task);
    return st == GR_OK ? start(s, flags) : st;
}

gr_status gr__steps_open_on(const gr_task *of, const gr_recipe *r, unsigned flags, gr_steps *s)
{
    *s = (gr_steps){.ctx = of->ctx, .own = *r, .borrowed = true};
    s->recipe = &s->own;
    gr_status st = gr__task_borrow(of, s->recipe, &s->task);
    s->task.buckets.n = 0; /* they were laid for the other's batches */
    return st == GR_OK ? start(s, flags) : st;
}

void gr__steps_close(gr_steps *s)
{
    gr__loader_destroy(s->loader);
    gr__loader_destroy(s->validation);
    gr__loader_destroy(s->training);
    gr__engine_close(&s->engine);
    if (s->borrowed)
        gr__task_return(&s->task);
    else
        gr__task_close(&s->task);
    *s = (gr_steps){0};
}

gr_status gr__steps_restart(gr_steps *s, uint64_t seed)
{
    s->own.seed = seed;
    gr_status st = gr__start_weights(&s->task, s->engine.store);
    return st == GR_OK ? make_training_loader(s) : st;
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

static gr_status error_of(gr_steps *s, gr_loader *loader, gr_part part, double *error, int64_t *samples)
{
    gr_evaluation ev;
    gr_status st = gr__evaluate(&s->engine, 0, loader, part, NULL, &ev);
    *error = st == GR_OK ? ev.error : NAN;
    if (samples) *samples = ev.samples;
    gr__evaluation_free(s->ctx, &ev);
    return st;
}

gr_status gr__steps_validate(gr_steps *s, double *error)
{
    return error_of(s, s->validation, GR_PART_VALIDATION, error, NULL);
}

gr_status gr__steps_judge(gr_steps *s, double *error, int64_t *samples)
{
    return error_of(s, s->training, GR_PART_TRAIN, error, samples);
}

/* ---- stores ---- */

static size_t bytes_of(const gr_kept_store *k, int entry)
{
    const gr_entry *e = gr_store_entry(k->store, entry);
    return e->spec.shape.rank == 0 ? sizeof(double) : k->real * (size_t)e->count;
}

gr_status gr__steps_keep(const gr_steps *s, gr_kept_store *out)
{
    gr_kept_store k = {.ctx = s->ctx, .store = s->engine.store, .real = gr_backend_real_bytes(s->task.backend)};
    int n = gr_store_count(k.store);
    for (int i = 0; i < n; i++) k.bytes += bytes_of(&k, i);
    k.data = gr__tensor_alloc(k.ctx, k.bytes);
    if (!k.data) return gr__error_code(k.ctx);
    char *to = k.data;
    for (int i = 0; i < n; to += bytes_of(&k, i), i++) memcpy(to, gr_store_entry(k.store, i)->data, bytes_of(&k, i));
    *out = k;
    return GR_OK;
}

void gr__store_restore(const gr_kept_store *k)
{
    const char *from = k->data;
    for (int i = 0; i < gr_store_count(k->store); from += bytes_of(k, i), i++)
        memcpy(gr_store_entry(k->store, i)->data, from, bytes_of(k, i));
}

const void *gr__store_kept(const gr_kept_store *k, int entry)
{
    const char *at = k->data;
    for (int i = 0; i < entry; i++) at += bytes_of(k, i);
    return at;
}

bool gr__store_moved(const gr_kept_store *k, const char *name)
{
    for (int i = 0; i < gr_store_count(k->store); i++) {
        const gr_entry *e = gr_store_entry(k->store, i);
        if (strcmp(e->spec.name, name) == 0) return memcmp(e->data, gr__store_kept(k, i), bytes_of(k, i)) != 0;
    }
    return false;
}

void gr__store_forget(gr_kept_store *k)
{
    if (k->ctx) gr__tensor_free(k->ctx, k->data, k->bytes);
    *k = (gr_kept_store){0};
}

/* ---- parameters ---- */

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
