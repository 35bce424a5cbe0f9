/* A procedure is a recipe made of the one that is given, with what was found before the first update put into it, and a
 * watcher that sees its phases begin. What was found stands in the first line of procedure.jsonl, from where a resumed
 * run takes it; lines of updates that a checkpoint does not have are cut, and come again as they were. */
#include "study/procedure/procedure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "model/stack.h"
#include "study/check/trial.h"
#include "study/search/fits.h"
#include "study/search/noise.h"
#include "study/search/rates.h"
#include "train/run.h"

const char *const gr__procedure_words[] = {"new_topology", "established", "overfit_then_regularise", NULL};

enum { SMALL_BATCH = 32, PATIENCE = 10, LOOKED = 200 /* updates before the noise is measured, at most */ };
static const double OVERFIT = 0.01, L2[] = {1e-6, 1e-5, 1e-4, 1e-3}; /* [4.5.4] */

typedef struct procedure {
    gr_context *ctx;
    gr__bump *b;
    const gr_recipe *given;
    gr_procedure is;
    const gr_procedure_options *options;
    gr_phases phases;
    gr_phase_line found; /* what the first line has, or will have */
    gr_recipe *recipe;   /* that is trained */
    gr_train_options train;
    gr_watcher watcher[9];
    gr_phase_line next; /* OVERFIT: the penalty's, once it is known */
    bool regularising;
} procedure;

/* ---- recipes ---- */

static bool put(procedure *p, gr_tree *tree, const char *key, const char *flow)
{
    gr_tree *value = gr__tree_flow(p->b, flow);
    return value && gr__tree_put(p->b, tree, key, value);
}

static bool put_within(procedure *p, gr_tree *tree, const char *section, const char *key, const char *flow)
{
    gr_tree *in = gr__tree_get(tree, section);
    if (in && in->kind != GR_TREE_MAP) { /* a name alone */
        gr_tree *map = gr__tree_map(p->b);
        if (!map || !gr__tree_put(p->b, map, "type", in) || !gr__tree_put(p->b, tree, section, map)) return false;
        in = map;
    }
    if (!in && (!(in = gr__tree_map(p->b)) || !gr__tree_put(p->b, tree, section, in))) return false;
    return put(p, in, key, flow);
}

static gr_status make(procedure *p, gr_tree *tree, gr_recipe **out)
{
    gr__bump *own = gr__bump_create(p->ctx);
    gr_tree *copy = own && tree ? gr__tree_copy(own, tree) : NULL;
    gr_status st =
        copy ? gr__recipe_from_tree(p->ctx, own, copy, p->given->path, p->given->folder, out) : gr__error_code(p->ctx);
    if (st != GR_OK) gr__bump_destroy(own);
    return st;
}

static const char *number(procedure *p, double x)
{
    char text[32];
    return gr__bump_strdup(p->b, gr__double_text(x, text));
}

static const char *whole(procedure *p, int64_t n)
{
    return gr__bump_format(p->b, "%lld", (long long)n);
}

/* `stop` without what would end the run before its procedure has: only time and what is reached hold. */
static bool put_stop(procedure *p, gr_tree *tree, bool length)
{
    const gr_stop_rules *s = &p->given->stop;
    gr_tree *stop = gr__tree_map(p->b);
    bool good = stop && gr__tree_put(p->b, tree, "stop", stop);
    if (s->seconds > 0) good = good && gr__tree_put_number(p->b, stop, "seconds", s->seconds);
    if (s->validation_error_below > 0)
        good = good && gr__tree_put_number(p->b, stop, "validation_error_below", s->validation_error_below);
    if (length && s->epochs > 0) good = good && put(p, stop, "epochs", whole(p, s->epochs));
    if (length && s->steps > 0) good = good && put(p, stop, "steps", whole(p, s->steps));
    if (!length && !(s->seconds > 0) && good) good = put(p, stop, "steps", "1000000000"); /* some rule must stand */
    return good;
}

/* Small, and as many as what normalises over a batch needs. */
static int64_t small_batch(const gr_recipe *r)
{
    bool norm = false;
    for (int i = 0; i < r->stack->n; i++) norm |= r->stack->layer[i].member->normalises == GR_NORMALISES_BATCHES;
    return r->data.batch > 0 && r->data.batch < SMALL_BATCH && !norm ? r->data.batch : SMALL_BATCH;
}

static gr_status make_new(procedure *p)
{
    gr_tree *tree = gr__tree_copy(p->b, p->given->tree);
    int64_t patience = p->options->patience ? p->options->patience : PATIENCE;
    const char *schedule = gr__bump_format(
        p->b, "{type: plateau, factor: 0.1, patience: %lld, metric: both, stop: true}", (long long)patience);
    bool good = tree && schedule && put(p, tree, "schedule", schedule) &&
                put_within(p, tree, "data", "batch", whole(p, p->found.batch)) && put(p, tree, "accumulate", "1") &&
                put_within(p, tree, "optimizer", "lr", number(p, p->found.lr)) && put_stop(p, tree, false);
    return good ? make(p, tree, &p->recipe) : gr__error_code(p->ctx);
}

/* As many samples as the recipe trains on. */
static bool put_length(procedure *p, gr_tree *tree)
{
    const gr_recipe *r = p->given;
    double samples = (double)r->stop.steps * (double)r->data.batch * (double)r->accumulate;
    bool good = put_stop(p, tree, true);
    if (r->stop.steps > 0 && r->data.batch > 0)
        good = good && put_within(p, tree, "stop", "steps",
                                  whole(p, GR_MAX(1, (int64_t)ceil(samples / (double)p->found.batch))));
    return good;
}

static gr_status make_established(procedure *p)
{
    gr_tree *tree = gr__tree_copy(p->b, p->given->tree);
    bool good = tree &&
                put(p, tree, "schedule", "{type: polynomial, power: 1, warmup: 0.1, warmup_from: 1/20, tail: 0.2}") &&
                put_within(p, tree, "data", "batch", whole(p, p->found.batch)) && put(p, tree, "accumulate", "1") &&
                put_within(p, tree, "optimizer", "lr", number(p, p->found.lr)) && put_length(p, tree);
    return good ? make(p, tree, &p->recipe) : gr__error_code(p->ctx);
}

/* l2 NaN: of the first phase, which the training error ends. since: evaluations that were no better before the second
 * one began, and which patience does not count. */
static gr_status make_overfit(procedure *p, double l2, double target, int64_t epochs, int64_t steps, int64_t since)
{
    const gr_stop_rules *s = &p->given->stop;
    gr_tree *tree = gr__tree_copy(p->b, p->given->tree), *stop;
    bool good = tree && put(p, tree, "schedule", "constant") && put_stop(p, tree, true);
    if (!good) return gr__error_code(p->ctx);
    stop = gr__tree_get(tree, "stop");
    if (s->epochs > 0) good = put(p, stop, "epochs", whole(p, s->epochs + epochs));
    if (s->steps > 0) good = good && put(p, stop, "steps", whole(p, s->steps + steps));
    if (isnan(l2)) {
        good = good && put(p, stop, "train_error_below", number(p, target));
    } else {
        good = good && put_within(p, tree, "penalty", "l2", number(p, l2));
        if (s->patience > 0) good = good && put(p, stop, "patience", whole(p, s->patience + since));
    }
    if (!good) return gr__error_code(p->ctx);
    if (p->recipe) gr__recipe_close(p->ctx, p->recipe);
    p->recipe = NULL;
    return make(p, tree, &p->recipe);
}

/* ---- what is found before the first update ---- */

/* The recipe with a batch and at a constant rate. */
static gr_status make_trial(procedure *p, int64_t batch, gr_recipe **out)
{
    gr_tree *tree = gr__tree_copy(p->b, p->given->tree);
    bool good = tree && put(p, tree, "schedule", "constant") && put_within(p, tree, "data", "batch", whole(p, batch)) &&
                put(p, tree, "accumulate", "1");
    return good ? make(p, tree, out) : gr__error_code(p->ctx);
}

static gr_status find_rate(procedure *p, int64_t batch, gr_steps *s)
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

static gr_status find_rate_at(procedure *p, int64_t batch)
{
    gr_recipe *r = NULL;
    gr_steps s = {0};
    gr_status st = make_trial(p, batch, &r);
    if (st == GR_OK) st = gr__steps_open(p->ctx, r, 0, &s);
    if (st == GR_OK) st = find_rate(p, batch, &s);
    gr__steps_close(&s);
    if (r) gr__recipe_close(p->ctx, r);
    return st;
}

/* The gradients' noise with weights that some updates have trained: at the first ones it tells little of the run. */
static gr_status measure_noise(procedure *p, gr_steps *s, gr_noise *out)
{
    gr_noise_meter m = {0};
    double cost = 0;
    int64_t updates = GR_MIN(LOOKED, GR_MAX(s->stepper.extent.updates_per_epoch, 1));
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

static gr_status find_batch(procedure *p, int64_t *batch)
{
    gr_recipe *r = NULL;
    gr_steps s = {0};
    gr_noise noise = {0};
    int64_t own = p->given->data.batch > 0 ? p->given->data.batch : SMALL_BATCH, fits = 0;
    gr_status st = GR_OK;
    GR_TRY(make_trial(p, own, &r));
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

static gr_status find_all(procedure *p)
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

/* ---- phases ---- */

static gr_status begin_phase(procedure *p, const gr_progress *at, const char *phase, const char *schedule,
                             const gr_phase_line *of)
{
    if (p->phases.n == GR_MOST_PHASES) return GR_OK;
    gr_phase_line *l = &p->phases.line[p->phases.n++];
    *l = *of;
    snprintf(l->phase, sizeof l->phase, "%s", phase);
    snprintf(l->schedule, sizeof l->schedule, "%s", schedule);
    l->step = at->step - 1;
    l->lr = l->step > 0 || p->is != GR_PROCEDURE_ESTABLISHED ? at->lr : l->lr;
    l->train_error = l->step > 0 ? at->train_error : (double)NAN;
    l->validation_error = l->step > 0 ? at->validation_error : (double)NAN;
    return gr__phases_write(p->ctx, p->options->train.out, &p->phases);
}

/* Of a line after the first: what only the first has is not said again. */
static gr_phase_line after(const procedure *p, const char *trigger)
{
    gr_phase_line l = p->found;
    l.noise_scale = NAN;
    snprintf(l.trigger, sizeof l.trigger, "%s", trigger);
    return l;
}

static gr_status tell_new(procedure *p, const gr_progress *at)
{
    const gr_phase_line *last = p->phases.n ? &p->phases.line[p->phases.n - 1] : NULL;
    int64_t patience = p->options->patience ? p->options->patience : PATIENCE;
    char trigger[200];
    if (!last) return begin_phase(p, at, "train", "plateau", &p->found);
    if (fabs(at->lr - last->lr) <= 1e-9 * last->lr) return GR_OK;
    snprintf(trigger, sizeof trigger, "training cost and validation error were flat for more than %lld evaluations",
             (long long)patience);
    const gr_phase_line l = after(p, trigger);
    return begin_phase(p, at, "lower_rate", "plateau", &l);
}

static gr_status tell_established(procedure *p, const gr_progress *at)
{
    const gr_rate r = {.lr = p->found.lr, .total = at->steps};
    int64_t t = at->step - 1, warm, tail;
    gr__sched_phases(&p->recipe->sched, &r, &warm, &tail);
    if (t == 0 && p->phases.n == 0) return begin_phase(p, at, "warmup", "polynomial", &p->found);
    const char *last = p->phases.n ? p->phases.line[p->phases.n - 1].phase : "";
    const gr_phase_line decay = after(p, "the warm-up is over: a tenth of the updates"),
                        cycles = after(p, "the last fifth of the updates begins");
    if (t >= tail && strcmp(last, "cyclic") != 0) return begin_phase(p, at, "cyclic", "cyclic", &cycles);
    if (t >= warm && t < tail && strcmp(last, "decay") != 0) return begin_phase(p, at, "decay", "polynomial", &decay);
    return GR_OK;
}

static gr_status tell_overfit(procedure *p, const gr_progress *at)
{
    const char *last = p->phases.n ? p->phases.line[p->phases.n - 1].phase : "";
    if (p->regularising)
        return strcmp(last, "regularise") ? begin_phase(p, at, "regularise", "constant", &p->next) : GR_OK;
    return *last ? GR_OK : begin_phase(p, at, "overfit", "constant", &p->found);
}

static gr_status tell(void *user, const gr_progress *at, bool *stop)
{
    procedure *p = user;
    (void)stop;
    if (at->phase == GR_PHASE_RESUMED) { /* what a checkpoint does not have is done again */
        int n = 0;
        while (n < p->phases.n && p->phases.line[n].step <= at->step) n++;
        if (n == p->phases.n) return GR_OK;
        p->phases.n = n;
        return gr__phases_write(p->ctx, p->options->train.out, &p->phases);
    }
    if (at->phase != GR_PHASE_TRAIN) return GR_OK;
    if (at->step == 1) p->phases.n = 0; /* it begins, whatever was there */
    return p->is == GR_PROCEDURE_NEW           ? tell_new(p, at)
           : p->is == GR_PROCEDURE_ESTABLISHED ? tell_established(p, at)
                                               : tell_overfit(p, at);
}

/* ---- overfit, then regularise ---- */

/* The validation error after some updates from the model with a penalty. */
static gr_status try_penalty(procedure *p, const char *model, double l2, double target, double *error)
{
    gr_steps s = {0};
    gr_st *file = NULL;
    gr_status st = GR_OK;
    double cost = 0;
    GR_TRY(make_overfit(p, l2, target, 0, 0, 0));
    GR_TRY(gr__steps_open(p->ctx, p->recipe, GR_STEPS_VALIDATED, &s));
    GR_TRY(gr__st_open(p->ctx, model, &file));
    GR_TRY(gr__model_load(p->ctx, file, model, s.engine.store));
    int64_t updates = GR_MIN(LOOKED, GR_MAX(s.stepper.extent.updates_per_epoch, 1));
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
static gr_status choose_penalty(procedure *p, double target, double *best)
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

/* Nothing that regularises, of a recipe whose rules of stopping hold. */
static gr_status without_regularisation(procedure *p, gr_recipe *out)
{
    const gr_variant v = {.plain = true, .own_schedule = true, .has_decay = true};
    const gr_recipe *r = p->recipe;
    gr_status st = gr__variant_make(p->ctx, p->b, r, &v, out);
    out->stop = r->stop;
    out->lookahead = r->lookahead;
    out->swa = r->swa;
    out->clip = r->clip;
    out->data.balance = r->data.balance;
    return st;
}

static gr_status overfit(procedure *p, double target, gr_train_result *out)
{
    gr_recipe plain;
    gr_status st = make_overfit(p, NAN, target, 0, 0, 0);
    if (st == GR_OK) st = without_regularisation(p, &plain);
    if (st == GR_OK) st = gr__train(p->ctx, &plain, &p->train, out);
    if (st != GR_OK || out->reason == GR_REASON_TARGET) return st;
    gr__fail(p->ctx, GR_E_CHECK,
             "after %lld updates the training error has never been below %g, so no regularisation was tried",
             (long long)out->steps, target);
    gr__error_hint(p->ctx, "a larger topology, another rate or a longer stop; gradus grow finds the size");
    return GR_E_CHECK;
}

static gr_status regularise(procedure *p, gr_train_result *out)
{
    static const char *const keys[] = {"penalty", NULL};
    const gr_phase_line *l = &p->next;
    gr_status st = make_overfit(p, l->l2, l->target, l->epochs, l->step, GR_MAX(l->since_best, 0));
    if (st != GR_OK) return st;
    p->regularising = true;
    p->train.resume = true;
    p->train.overwrite = false;
    p->train.may_differ = keys;
    return gr__train(p->ctx, p->recipe, &p->train, out);
}

static gr_status train_overfit(procedure *p, gr_train_result *out)
{
    double target = p->options->train_error;
    const gr_phase_line *last = p->phases.n ? &p->phases.line[p->phases.n - 1] : NULL;
    gr_status st = GR_OK;
    if (p->given->n_heads > 1)
        return gr__fail(p->ctx, GR_E_CONFLICT,
                        "overfit_then_regularise watches one error, and each of %d heads has its own",
                        p->given->n_heads);
    if (!target && p->given->head[0].reading.target == GR_FORM_VALUES) {
        gr__fail(p->ctx, GR_E_USAGE, "an error of values has a unit: overfit_then_regularise needs --train-error");
        return GR_E_USAGE;
    }
    if (!target) target = OVERFIT;
    if (p->train.resume && last && !isnan(last->l2)) {
        p->next = *last;
    } else {
        GR_TRY(overfit(p, target, out));
        p->next = after(p, "the training error is below its target");
        p->next.step = out->steps;
        p->next.target = target;
        p->next.since_best = out->since_best;
        p->next.epochs = (int64_t)ceil(out->epochs);
        GR_TRY(choose_penalty(p, target, &p->next.l2));
    }
    st = regularise(p, out);
done:
    return st;
}

/* ---- all ---- */

/* What trains would refuse a folder too, but only after all has been tried. */
static gr_status look_at_folder(procedure *p)
{
    const gr_train_options *o = &p->options->train;
    gr_run *run = gr__alloc(p->ctx, sizeof *run);
    if (!run) return GR_E_MEMORY;
    gr_status st = gr__run_open(p->ctx, o->out, o->resume, o->overwrite, run);
    gr__run_end(run);
    gr__free(p->ctx, run, sizeof *run);
    return st;
}

static gr_status open_procedure(procedure *p)
{
    const gr_train_options *o = &p->options->train;
    gr_status st = GR_OK;
    if (!p->given->data.validation && !(p->given->data.split_validation > 0)) {
        gr__fail(p->ctx, GR_E_CONFLICT,
                 "a procedure goes by the validation error, and the recipe has no validation data");
        gr__error_hint(p->ctx, "such as data.validation: {split: 0.1}");
        return GR_E_CONFLICT;
    }
    if (!(p->b = gr__bump_create(p->ctx))) return GR_E_MEMORY;
    GR_TRY(look_at_folder(p));
    p->train = *o;
    p->train.train_error = true;
    for (int i = 0; i < o->n_watchers && i + 1 < (int)GR_COUNT(p->watcher); i++) p->watcher[i + 1] = o->watcher[i];
    p->watcher[0] = (gr_watcher){GR_WATCHER_VERSION, p, tell};
    p->train.watcher = p->watcher;
    p->train.n_watchers = GR_MIN(o->n_watchers + 1, (int)GR_COUNT(p->watcher));
    if (o->resume) GR_TRY(gr__phases_read(p->ctx, o->out, &p->phases));
    if (p->phases.n && strcmp(p->phases.line[0].procedure, gr__procedure_words[p->is]) != 0)
        return gr__fail(p->ctx, GR_E_CONFLICT, "the run in %s follows %s", o->out, p->phases.line[0].procedure);
    if (p->phases.n)
        p->found = p->phases.line[0];
    else
        GR_TRY(find_all(p));
done:
    return st;
}

gr_status gr__procedure_train(gr_context *ctx, const gr_recipe *r, gr_procedure is, const gr_procedure_options *o,
                              gr_train_result *out)
{
    procedure *p = gr__alloc(ctx, sizeof *p);
    gr_status st = p ? GR_OK : GR_E_MEMORY;
    if (!p) return st;
    *p = (procedure){.ctx = ctx, .given = r, .is = is, .options = o};
    *out = (gr_train_result){.best_cost = NAN, .best_error = NAN};
    GR_TRY(open_procedure(p));
    if (is == GR_PROCEDURE_OVERFIT) {
        st = train_overfit(p, out);
        goto done;
    }
    GR_TRY(is == GR_PROCEDURE_NEW ? make_new(p) : make_established(p));
    st = gr__train(ctx, p->recipe, &p->train, out);
done:
    if (p->recipe) gr__recipe_close(ctx, p->recipe);
    gr__bump_destroy(p->b);
    gr__free(ctx, p, sizeof *p);
    return st;
}
