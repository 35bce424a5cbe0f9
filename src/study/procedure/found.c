/* What is found before the first update: a batch, a rate; and a penalty before it begins. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "model/stack.h"
#include "study/procedure/parts.h"
#include "study/search/fits.h"
#include "study/search/noise.h"
#include "study/search/rates.h"

static const double L2[] = {1e-6, 1e-5, 1e-4, 1e-3}; /* [4.5.4] */

/* Small, and as many as what normalises over a batch needs. */
static int64_t small_batch(const gr_recipe *r)
{
    bool norm = false;
    for (int i = 0; i < r->stack->n; i++) norm |= r->stack->layer[i].member->normalises == GR_NORMALISES_BATCHES;
    return r->data.batch > 0 && r->data.batch < GR_SMALL_BATCH && !norm ? r->data.batch : GR_SMALL_BATCH;
}

static gr_status find_rate(gr_following *p, int64_t batch, gr_steps *s)
{
    gr_rates rates;
    const gr_rates_options o = {.stop = p->options->train.stop, .watch = p->options->watch};
    gr_status st = gr__rates_try(s, &o, &rates);
    if (st != GR_OK) return st;
    if (rates.best < 0) {
        gr__fail(p->ctx, GR_E_CHECK, "none of %d rates from 1e-5 to 1 trains at a batch of %lld", rates.n,
                 (long long)batch);
        gr__error_hint(p->ctx, "gradus check finds what is wrong with a recipe");
        return GR_E_CHECK;
    }
    p->found.lr = rates.point[rates.best].lr;
    p->found.batch = batch;
    return GR_OK;
}

static gr_status find_rate_at(gr_following *p, int64_t batch)
{
    gr_recipe *r = NULL;
    gr_steps s = {0};
    gr_status st = gr__procedure_trial(p, batch, &r);
    if (st == GR_OK) st = gr__steps_open(p->ctx, r, 0, &s);
    if (st == GR_OK) st = find_rate(p, batch, &s);
    gr__steps_close(&s);
    if (r) gr__recipe_close(p->ctx, r);
    return st;
}

/* The gradients' noise with weights that some updates have trained: at the first ones it tells little of the run. */
static gr_status measure_noise(gr_following *p, gr_steps *s, gr_noise *out)
{
    gr_noise_meter m = {0};
    double cost = 0;
    int64_t updates = GR_MIN(GR_LOOKED, GR_MAX(s->stepper.extent.updates_per_epoch, 1));
    gr_status st = GR_OK;
    gr__loader_seek(s->loader, 0, 0);
    for (int64_t i = 0; i < updates && isfinite(cost); i++) {
        const volatile sig_atomic_t *stop = p->options->train.stop;
        if (stop && *stop) return GR_E_INTERRUPTED;
        GR_TRY(gr__steps_at_rate(s, i, p->found.lr, &cost));
    }
    GR_TRY(gr__noise_open(&s->task, 0, &m));
    for (int i = 0; i < gr_store_count(m.run.store); i++) {
        const gr_entry *to = gr_store_entry(m.run.store, i), *from = gr_store_find(s->engine.store, to->spec.name);
        size_t real = gr_backend_real_bytes(s->task.backend);
        if (from && from->count == to->count && !to->spec.slot) memcpy(to->data, from->data, (size_t)to->count * real);
    }
    st = gr__noise_measure(&m, p->options->train.stop, p->options->watch, out);
done:
    gr__noise_close(&m);
    return st;
}

static gr_status find_batch(gr_following *p, int64_t *batch)
{
    gr_recipe *r = NULL;
    gr_steps s = {0};
    gr_noise noise = {0};
    int64_t own = p->given->data.batch > 0 ? p->given->data.batch : GR_SMALL_BATCH, fits = 0;
    gr_status st = GR_OK;
    GR_TRY(gr__procedure_trial(p, own, &r));
    GR_TRY(gr__steps_open(p->ctx, r, 0, &s));
    GR_TRY(find_rate(p, own, &s));
    GR_TRY(measure_noise(p, &s, &noise));
    int64_t most = s.task.count[GR_PART_TRAIN];
    gr__steps_close(&s);
    if (p->given->memory)
        GR_TRY(gr__batch_fits(p->ctx, r, p->given->memory, p->options->train.stop, p->options->watch, &fits));
    if (fits) most = GR_MIN(most, fits);
    p->found.noise_scale = noise.resolved ? noise.is.noise_scale : (double)NAN;
    *batch = GR_MIN(own, most);
    if (noise.resolved)
        for (*batch = 1; *batch * 2 <= most && (double)*batch * 2 <= noise.is.noise_scale;) *batch *= 2;
done:
    gr__steps_close(&s);
    if (r) gr__recipe_close(p->ctx, r);
    return st;
}

gr_status gr__procedure_find(gr_following *p)
{
    int64_t batch = small_batch(p->given);
    gr_phase_line *f = &p->found;
    gr_status st = GR_OK;
    *f = (gr_phase_line){
        .train_error = NAN, .validation_error = NAN, .noise_scale = NAN, .target = NAN, .l2 = NAN, .since_best = -1};
    snprintf(f->procedure, sizeof f->procedure, "%s", gr__procedure_words[p->is]);
    if (p->is == GR_PROCEDURE_OVERFIT) {
        f->lr = p->given->optim.method[0].lr;
        f->batch = p->given->data.batch;
        snprintf(f->trigger, sizeof f->trigger, "start: nothing that regularises is on");
        return GR_OK;
    }
    if (p->is == GR_PROCEDURE_ESTABLISHED) GR_TRY(find_batch(p, &batch));
    GR_TRY(find_rate_at(p, batch));
    if (p->is == GR_PROCEDURE_NEW)
        snprintf(f->trigger, sizeof f->trigger, "start: a small batch, the largest rate of the grid that trains");
    else
        snprintf(f->trigger, sizeof f->trigger, "start: %s, and the largest rate of the grid that trains at it",
                 isnan(f->noise_scale) ? "the recipe's batch, for the noise scale is not resolved"
                                       : "the largest power of two within the noise scale");
done:
    return st;
}

/* ---- a penalty ---- */

/* The validation error after some updates from the model with a penalty. */
static gr_status try_penalty(gr_following *p, const char *model, double l2, double target, double *error)
{
    gr_steps s = {0};
    gr_st *file = NULL;
    gr_status st = GR_OK;
    double cost = 0;
    GR_TRY(gr__procedure_overfit(p, l2, target, 0, 0, 0));
    GR_TRY(gr__steps_open(p->ctx, p->recipe, GR_STEPS_VALIDATED, &s));
    GR_TRY(gr__st_open(p->ctx, model, &file));
    GR_TRY(gr__model_load(p->ctx, file, model, s.engine.store));
    int64_t updates = GR_MIN(GR_LOOKED, GR_MAX(s.stepper.extent.updates_per_epoch, 1));
    for (int64_t i = 0; i < updates && isfinite(cost); i++) {
        const volatile sig_atomic_t *stop = p->options->train.stop;
        if (stop && *stop) GR_TRY(GR_E_INTERRUPTED);
        GR_TRY(gr__steps_at_rate(&s, i, p->found.lr, &cost));
    }
    *error = INFINITY;
    if (isfinite(cost)) GR_TRY(gr__steps_validate(&s, error));
    if (isnan(*error)) *error = INFINITY;
done:
    gr__st_close(file);
    gr__steps_close(&s);
    return st;
}

/* Of equally good ones the strongest. */
gr_status gr__procedure_penalty(gr_following *p, double target, double *best)
{
    const char *model = gr__bump_format(p->b, "%s/last.safetensors", p->options->train.out);
    double least = INFINITY;
    gr_status st = model ? GR_OK : gr__error_code(p->ctx);
    *best = L2[0];
    for (size_t i = 0; i < GR_COUNT(L2) && st == GR_OK; i++) {
        double error = INFINITY;
        gr__watch(p->options->watch, "penalties", (double)i / (double)GR_COUNT(L2));
        st = try_penalty(p, model, L2[i], target, &error);
        if (error <= least) least = error, *best = L2[i];
    }
    return st;
}
