/* A procedure is a recipe made of the one that is given, with what was found before the first update put into it, and a
 * watcher that sees its phases begin. What was found stands in the first line of procedure.jsonl, from where a resumed
 * run takes it; lines of updates that a checkpoint does not have are cut, and come again as they were. */
#include "study/procedure/procedure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/check/trial.h"
#include "study/procedure/parts.h"
#include "train/run.h"

const char *const gr__procedure_words[] = {"new_topology", "established", "overfit_then_regularise", NULL};

static const double OVERFIT = 0.01; /* training error of classes */

/* ---- phases ---- */

static gr_status begin_phase(gr_following *p, const gr_progress *at, const char *phase, const char *schedule,
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
static gr_phase_line after(const gr_following *p, const char *trigger)
{
    gr_phase_line l = p->found;
    l.noise_scale = NAN;
    snprintf(l.trigger, sizeof l.trigger, "%s", trigger);
    return l;
}

static gr_status tell_new(gr_following *p, const gr_progress *at)
{
    const gr_phase_line *last = p->phases.n ? &p->phases.line[p->phases.n - 1] : NULL;
    int64_t patience = p->options->patience ? p->options->patience : GR_FLAT;
    char trigger[200];
    if (!last) return begin_phase(p, at, "train", "plateau", &p->found);
    if (p->second) return last->updates ? GR_OK : begin_phase(p, at, "cyclic", "cyclic", &p->next);
    if (fabs(at->lr - last->lr) <= 1e-9 * last->lr) return GR_OK;
    snprintf(trigger, sizeof trigger, "training cost and validation error were flat for more than %lld evaluations",
             (long long)patience);
    const gr_phase_line l = after(p, trigger);
    return begin_phase(p, at, "lower_rate", "plateau", &l);
}

static gr_status tell_established(gr_following *p, const gr_progress *at)
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

static gr_status tell_overfit(gr_following *p, const gr_progress *at)
{
    const char *last = p->phases.n ? p->phases.line[p->phases.n - 1].phase : "";
    if (p->second) return strcmp(last, "regularise") ? begin_phase(p, at, "regularise", "constant", &p->next) : GR_OK;
    return *last ? GR_OK : begin_phase(p, at, "overfit", "constant", &p->found);
}

static gr_status tell(void *user, const gr_progress *at, bool *stop)
{
    gr_following *p = user;
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

/* ---- in two parts ---- */

/* What the second part's recipe has otherwise than the first's, beside `stop`. */
static const char *const second_keys[][2] = {
    [GR_PROCEDURE_NEW] = {"schedule"}, [GR_PROCEDURE_ESTABLISHED] = {NULL}, [GR_PROCEDURE_OVERFIT] = {"penalty"}};

/* Goes on with what the first part has trained, by a recipe of other keys. */
static gr_status train_second(gr_following *p, gr_train_result *out)
{
    p->second = true;
    p->train.resume = true;
    p->train.overwrite = false;
    p->train.may_differ = second_keys[p->is];
    return gr__train(p->ctx, p->recipe, &p->train, out);
}

/* ---- a new topology ---- */

static int64_t cycles_after(int64_t steps, double part)
{
    return (int64_t)ceil((double)steps * part / (1 - part));
}

/* From the rate that was the last to help, or the last one of a run that its length ended. */
static void find_cycles(gr_following *p, const gr_train_result *first)
{
    const gr_phase_line *last = &p->phases.line[p->phases.n - 1];
    bool helped = first->reason != GR_REASON_PATIENCE || p->phases.n == 1;
    p->next =
        after(p, helped ? "the longest training of a new topology is over" : "the last drop brought no better error");
    p->next.lr = helped ? last->lr : last[-1].lr;
    p->next.step = first->steps;
    p->next.updates = cycles_after(first->steps, p->options->cyclic_end);
}

static gr_status train_new(gr_following *p, gr_train_result *out)
{
    const gr_phase_line *last = p->phases.n ? &p->phases.line[p->phases.n - 1] : NULL;
    bool begun = last && last->updates;
    gr_status st = gr__procedure_new(p);
    if (st != GR_OK) return st;
    if (begun) {
        p->next = *last;
        out->reason = GR_REASON_PATIENCE;
    } else {
        GR_TRY(gr__train(p->ctx, p->recipe, &p->train, out));
    }
    if (!(p->options->cyclic_end > 0) || (out->reason != GR_REASON_PATIENCE && out->reason != GR_REASON_EPOCHS))
        return st;
    if (!begun) find_cycles(p, out);
    GR_TRY(gr__procedure_cycles(p));
    st = train_second(p, out);
done:
    return st;
}

/* ---- overfit, then regularise ---- */

/* Nothing that regularises, of a recipe whose rules of stopping hold. */
static gr_status without_regularisation(gr_following *p, gr_recipe *out)
{
    const gr_variant v = {.plain = true, .own_schedule = true, .has_decay = true};
    const gr_recipe *r = p->recipe;
    gr_status st = gr__variant_make(p->ctx, p->b, r, &v, out);
    out->stop = r->stop;
    out->lookahead = r->lookahead;
    out->average = r->average;
    out->clip = r->clip;
    out->data.balance = r->data.balance;
    return st;
}

static gr_status overfit(gr_following *p, double target, gr_train_result *out)
{
    gr_recipe plain;
    gr_status st = gr__procedure_overfit(p, NAN, target, 0, 0, 0);
    if (st == GR_OK) st = without_regularisation(p, &plain);
    if (st == GR_OK) st = gr__train(p->ctx, &plain, &p->train, out);
    if (st != GR_OK || out->reason == GR_REASON_TARGET) return st;
    gr__fail(p->ctx, GR_E_CHECK,
             "after %lld updates the training error has never been below %g, so no regularisation was tried",
             (long long)out->steps, target);
    gr__error_hint(p->ctx, "a larger topology, another rate or a longer stop; gradus grow finds the size");
    return GR_E_CHECK;
}

static gr_status regularise(gr_following *p, gr_train_result *out)
{
    const gr_phase_line *l = &p->next;
    gr_status st = gr__procedure_overfit(p, l->l2, l->target, l->epochs, l->step, GR_MAX(l->since_best, 0));
    if (st != GR_OK) return st;
    return train_second(p, out);
}

static gr_status train_overfit(gr_following *p, gr_train_result *out)
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
    if (last && !isnan(last->l2)) {
        p->next = *last;
    } else {
        GR_TRY(overfit(p, target, out));
        p->next = after(p, "the training error is below its target");
        p->next.step = out->steps;
        p->next.target = target;
        p->next.since_best = out->since_best;
        p->next.epochs = (int64_t)ceil(out->epochs);
        GR_TRY(gr__procedure_penalty(p, target, &p->next.l2));
    }
    st = regularise(p, out);
done:
    return st;
}

static gr_status train_established(gr_following *p, gr_train_result *out)
{
    gr_status st = gr__procedure_established(p);
    return st == GR_OK ? gr__train(p->ctx, p->recipe, &p->train, out) : st;
}

/* ---- all ---- */

/* What trains would refuse a folder too, but only after all has been tried. */
static gr_status look_at_folder(gr_following *p)
{
    const gr_train_options *o = &p->options->train;
    gr_run *run = gr__alloc(p->ctx, sizeof *run);
    if (!run) return GR_E_MEMORY;
    gr_status st = gr__run_open(p->ctx, o->out, o->resume, o->overwrite, run);
    gr__run_end(run);
    gr__free(p->ctx, run, sizeof *run);
    return st;
}

/* Lines of updates that no checkpoint has are cut before a part of the training is chosen: a second part that is not
 * reached is begun by the first one, whose recipe the folder no longer has. */
static gr_status cut_phases(gr_following *p)
{
    const gr_train_options *o = &p->options->train;
    gr_run *run = p->phases.n ? gr__alloc(p->ctx, sizeof *run) : NULL;
    gr_st *ck = NULL;
    char path[sizeof run->resumed_from];
    int64_t step = 0;
    if (!run) return p->phases.n ? GR_E_MEMORY : GR_OK;
    gr_status st = gr__run_open(p->ctx, o->out, o->resume, o->overwrite, run);
    if (st == GR_OK) st = gr__run_newest(run, &ck, &step, path, sizeof path);
    if (!ck) step = 0;
    while (st == GR_OK && p->phases.n > 1 && p->phases.line[p->phases.n - 1].step > step) {
        p->phases.n--;
        p->train.may_differ = second_keys[p->is];
    }
    gr__st_close(ck);
    gr__run_end(run);
    gr__free(p->ctx, run, sizeof *run);
    return st;
}

/* Cycles that have begun are as long as they were to be. */
static gr_status same_end(const gr_following *p)
{
    const gr_phase_line *l = p->phases.n ? &p->phases.line[p->phases.n - 1] : NULL;
    double part = p->options->cyclic_end;
    if (!l || !l->updates || l->updates == cycles_after(l->step, part)) return GR_OK;
    gr__fail(p->ctx, GR_E_CONFLICT, "the run in %s ends with %lld updates of cycles after %lld", p->options->train.out,
             (long long)l->updates, (long long)l->step);
    gr__error_hint(p->ctx, "resume it with the --cyclic-end that it was begun with");
    return GR_E_CONFLICT;
}

static gr_status open_procedure(gr_following *p)
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
    p->watcher[0] = (gr_watcher){.version = GR_WATCHER_VERSION, .user = p, .tell = tell};
    p->train.watcher = p->watcher;
    p->train.n_watchers = GR_MIN(o->n_watchers + 1, (int)GR_COUNT(p->watcher));
    if (o->resume) GR_TRY(gr__phases_read(p->ctx, o->out, &p->phases));
    if (p->phases.n && strcmp(p->phases.line[0].procedure, gr__procedure_words[p->is]) != 0)
        return gr__fail(p->ctx, GR_E_CONFLICT, "the run in %s follows %s", o->out, p->phases.line[0].procedure);
    GR_TRY(cut_phases(p));
    GR_TRY(same_end(p));
    if (p->phases.n)
        p->found = p->phases.line[0];
    else
        GR_TRY(gr__procedure_find(p));
done:
    return st;
}

gr_status gr__procedure_train(gr_context *ctx, const gr_recipe *r, gr_procedure is, const gr_procedure_options *o,
                              gr_train_result *out)
{
    gr_following *p = gr__alloc(ctx, sizeof *p);
    gr_status st = p ? GR_OK : GR_E_MEMORY;
    if (!p) return st;
    *p = (gr_following){.ctx = ctx, .given = r, .is = is, .options = o};
    *out = (gr_train_result){.best_cost = NAN, .best_error = NAN};
    GR_TRY(open_procedure(p));
    st = is == GR_PROCEDURE_OVERFIT ? train_overfit(p, out)
         : is == GR_PROCEDURE_NEW   ? train_new(p, out)
                                    : train_established(p, out);
done:
    if (p->recipe) gr__recipe_close(ctx, p->recipe);
    gr__bump_destroy(p->b);
    gr__free(ctx, p, sizeof *p);
    return st;
}
