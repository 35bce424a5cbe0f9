/* The training loop: updates, and what is due after each (evaluation, metrics, checkpoint, stop rules).
 *
 * All that happens after an update depends on state that a checkpoint carries, `pending` included: a run that was
 * interrupted or killed anywhere goes on exactly where it was, in the middle of an epoch or before an evaluation that
 * was due. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/pool.h"
#include "plan/early.h"
#include "train/loop.h"
#include "train/masks.h"
#include "train/snapshots.h"
#include "train/start.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double gr__loop_seconds(const gr_loop *l)
{
    return l->seconds_before + now() - l->began;
}

const char *gr__reason_name(gr_reason r)
{
    static const char *const names[] = {"none",    "epochs", "steps",       "patience", "target",
                                        "seconds", "asked",  "interrupted", "diverged"};
    return names[r];
}

void gr__states_add(gr_states *s, const gr_state_row *rows, int n)
{
    assert(s->n + n <= GR_LOOP_ROWS);
    memcpy(s->row + s->n, rows, (size_t)n * sizeof *rows);
    s->n += n;
}

/* What is seen between evaluations, and what a schedule that learns from them keeps of it. */
static void observed_states(gr_loop *l, gr_states *s)
{
    const gr_schedule *m = l->recipe->sched.member;
    const gr_state_row observed[] = {
        {"observed/train_cost", GR_STATE_REAL, &l->observed.train_cost},
        {"observed/samples", GR_STATE_I64, &l->observed.samples},
        {"observed/enough", GR_STATE_I64, &l->observed.enough},
        {"observed/train_cost_mean", GR_STATE_REAL, &l->train_cost_mean},
        {"shown/train_cost", GR_STATE_REAL, &l->shown.train_cost},
        {"shown/samples", GR_STATE_I64, &l->shown.samples},
        {"solved/solves", GR_STATE_I64, &l->solved.solves},
        {"solved/unsolved", GR_STATE_I64, &l->solved.unsolved},
        {"solved/evaluations", GR_STATE_I64, &l->solved.evaluations},
        {"solved/all", GR_STATE_I64, &l->solved.all},
    };
    gr__states_add(s, observed, (int)GR_COUNT(observed));
    for (int i = 0; i < m->n_state; i++)
        gr__states_add(s, &(gr_state_row){m->state[i].name, GR_STATE_REAL, &l->schedule[i]}, 1);
}

void gr__loop_states(gr_loop *l, gr_states *s)
{
    const gr_state_row own[] = {
        {"loop/step", GR_STATE_I64, &l->step},
        {"loop/samples", GR_STATE_I64, &l->samples},
        {"loop/pending", GR_STATE_I64, &l->pending},
        {"loop/train_cost", GR_STATE_REAL, &l->train_cost},
        {"loop/data_cost", GR_STATE_REAL, &l->data_cost},
        {"loop/lr", GR_STATE_REAL, &l->lr},
        {"loop/norm", GR_STATE_REAL, &l->norm},
        {"loop/seconds", GR_STATE_REAL, &l->seconds_before},
        {"loader/epoch", GR_STATE_I64, &l->epoch},
        {"loader/index", GR_STATE_I64, &l->index},
    };
    s->n = 0;
    gr__states_add(s, own, (int)GR_COUNT(own));
    gr__record_states(l, s);
    gr__validate_states(l, s);
    observed_states(l, s);
}

double gr__loop_epochs(const gr_loop *l, int64_t step)
{
    int64_t whole = step / l->updates_per_epoch, rest = step % l->updates_per_epoch;
    return (double)whole + (double)(rest * l->recipe->accumulate) / (double)l->batches;
}

double gr__loop_train_cost_mean(const gr_loop *l)
{
    return l->observed.samples ? l->observed.train_cost / (double)l->observed.samples : l->train_cost_mean;
}

/* ---- one update ---- */

static gr_status diverged(gr_loop *l, gr_train_result *out)
{
    char text[160] = "";
    gr_status st = gr__stepper_feed_again(&l->stepper);
    if (st != GR_OK) return st;
    gr_plan *plan = l->stepper.plan->plan;
    l->spoilt = gr__plan_spoilt(plan);
    if (!gr_plan_find_nonfinite(plan, text, sizeof text)) snprintf(text, sizeof text, "the gradient");
    snprintf(out->diverged, sizeof out->diverged, "step %lld: %s", (long long)l->step + 1, text);
    gr_context_clear_error(l->ctx);
    gr__fail(l->ctx, GR_E_DIVERGED, "training diverged at step %lld: the first result that is not finite is %s",
             (long long)l->step + 1, text);
    gr__error_hint(l->ctx, "a smaller optimizer.lr or clip: {norm: 1.0} often helps%s%s",
                   l->spoilt ? "; some weights were updated before that was known, so there is no last model" : "",
                   l->best_step ? "; the best model so far is kept" : "");
    return GR_E_DIVERGED;
}

static gr_clock clock_of(const gr_loop *l)
{
    return gr__stepper_clock(&l->stepper, l->step);
}

/* Fixed points of a batch. What is not found is survived; the first time it is said. */
static void keep_solved(gr_loop *l, const gr_engine_plan *p)
{
    if (l->stepper.position == 0) l->solved.solves = l->solved.unsolved = l->solved.evaluations = 0;
    if (*p->unsolved > 0 && l->solved.all == 0)
        gr__log(
            l->ctx, GR_LOG_WARNING,
            "step %lld: %g of %g solutions of an equilibrium, or of its gradient, did not reach their tolerance; the "
            "nearest are taken. metrics.jsonl counts them as unsolved",
            (long long)l->step + 1, *p->unsolved, *p->solves);
    l->solved.solves += (int64_t)*p->solves;
    l->solved.unsolved += (int64_t)*p->unsolved;
    l->solved.evaluations += (int64_t)*p->evaluations;
    l->solved.all += (int64_t)*p->unsolved;
}

/* What a run of the update leaves behind it: the loader's place, and of the run that updates the figures. */
static void keep_run(gr_loop *l)
{
    const gr_stepper *s = &l->stepper;
    const gr_engine_plan *p = s->plan;
    if (p->solves && p->kind != GR_RUN_STATISTICS) keep_solved(l, p);
    if (s->takes_batch) l->epoch = s->epoch, l->index = s->index;
    if (p->kind != GR_RUN_STEP && p->kind != GR_RUN_APPLY) return;
    l->lr = s->lr;
    l->data_cost = gr__cost_mean(*p->cost_sum, *p->weight_sum);
    l->train_cost = p->penalty ? l->data_cost + *p->penalty : l->data_cost;
    l->norm = *p->norm;
    l->samples += s->samples;
    l->observed.train_cost += l->train_cost * (double)s->samples;
    l->observed.samples += s->samples;
    l->shown.train_cost += l->train_cost * (double)s->samples;
    l->shown.samples += s->samples;
    l->step++;
    l->pending = 1;
}

/* The runs that the stepper was set to. */
static gr_status run_all(gr_loop *l, gr_train_result *out)
{
    bool more = true;
    gr_status st = GR_OK;
    while (st == GR_OK && more) {
        st = gr__stepper_next(&l->stepper, &more);
        if (st != GR_OK || !more) break;
        st = gr_plan_run(l->stepper.plan->plan);
        if (st == GR_E_DIVERGED) st = diverged(l, out);
        if (st == GR_OK) keep_run(l);
    }
    return st;
}

static gr_status one_update(gr_loop *l, gr_train_result *out)
{
    gr__stepper_begin(&l->stepper, l->step);
    return run_all(l, out);
}

/* What is due before the first update. */
static gr_status act_first(gr_loop *l, gr_train_result *out)
{
    gr__stepper_begin_actions(&l->stepper, 0);
    return run_all(l, out);
}

/* ---- after an update ---- */

bool gr__loop_due(const gr_loop *l, gr_every e)
{
    if (e.n == 0 || l->step == 0) return false;
    if (e.unit == GR_EVERY_UPDATES) return l->step % e.n == 0;
    return l->index == 0 && l->epoch % e.n == 0; /* an epoch has just ended */
}

/* A schedule that learns from evaluations is told of this one. */
static void observe(gr_loop *l, bool validated)
{
    const gr_sched *s = &l->recipe->sched;
    if (!s->member->observe) return;
    gr_clock time = clock_of(l);
    gr_rate rate = gr__engine_moment(l->recipe, &time, l->schedule);
    gr_observation o = {.train_cost = gr__loop_train_cost_mean(l), .validation_error = NAN};
    double error =
        l->recipe->n_heads == 1 ? l->validation_error : l->validation_cost; /* several have no common error */
    if (validated) o.validation_error = isfinite(error) ? error : INFINITY;
    double before = gr__sched_rate(s, &rate);
    l->observed.enough = gr__sched_observe(s, &rate, &o, l->schedule);
    double after = gr__sched_rate(s, &rate);
    if (after != before)
        gr__log(l->ctx, GR_LOG_INFO, "step %lld: %s changes the rate from %.4g to %.4g", (long long)l->step,
                s->member->head.name, before, after);
}

/* What is told of training is its mean since it was told before. */
static void begin_mean(gr_loop *l)
{
    l->train_cost_mean = gr__loop_train_cost_mean(l);
    l->observed.train_cost = 0;
    l->observed.samples = 0;
}

static gr_status settle(gr_loop *l)
{
    gr_evaluation ev = {0};
    gr_status st = GR_OK;
    bool now = gr__loop_due(l, l->recipe->validate) && l->evaluated < l->step, evaluate = now && l->validation;
    if (now) GR_TRY(gr__loop_judge(l));
    if (evaluate) GR_TRY(gr__loop_validate(l, &ev));
    if (now) observe(l, evaluate);
    if (l->index == 0 && !evaluate) gr__loop_report(l, GR_PHASE_EPOCH, false, NULL);
    if (l->index == 0 || evaluate) l->shown.train_cost = 0, l->shown.samples = 0; /* a line was written */
    if (l->recipe->validate.n ? now : l->index == 0) begin_mean(l);
    l->pending = 0;
    gr__loop_report_settled(l, evaluate ? &ev : NULL);
    st = l->told;
done:
    gr__evaluation_free(l->ctx, &ev);
    return st;
}

static gr_status checkpoint(gr_loop *l)
{
    gr__loop_report(l, GR_PHASE_CHECKPOINT_DUE, false, NULL);
    gr_status st = l->told == GR_E_INTERRUPTED ? GR_OK : l->told;
    if (st == GR_OK) st = gr__loop_checkpoint(l);
    if (st == GR_OK) gr__loop_report(l, GR_PHASE_CHECKPOINT, false, l->run->path);
    return st;
}

/* Writes the checkpoint of a run that was asked to stop; GR_E_INTERRUPTED. */
static gr_status interrupted(gr_loop *l, gr_train_result *out)
{
    out->reason = GR_REASON_INTERRUPTED;
    gr_status st = checkpoint(l);
    return st == GR_OK ? gr__fail(l->ctx, GR_E_INTERRUPTED, "interrupted after step %lld; continue with --resume",
                                  (long long)l->step)
                       : st;
}

/* Updates until a stop rule holds, or GR_E_INTERRUPTED. */
static gr_status advance(gr_loop *l, gr_train_result *out)
{
    const volatile sig_atomic_t *stop = l->options->stop;
    gr_status st = GR_OK;
    for (;;) {
        if (l->pending) st = settle(l);
        if (st == GR_OK && l->step && gr__snapshot_due(l)) st = gr__snapshot_keep(l);
        if (st == GR_OK && stop && *stop) st = GR_E_INTERRUPTED;
        if (st == GR_E_INTERRUPTED) return interrupted(l, out);
        if (st == GR_OK) st = l->told;
        if (st != GR_OK) return st;
        out->reason = l->reason;
        if (out->reason != GR_REASON_NONE) return GR_OK;
        if (gr__loop_due(l, l->recipe->checkpoint) && l->run->fresh == false) GR_TRY(checkpoint(l));
        GR_TRY(one_update(l, out));
        l->run->fresh = false; /* from the first update on the folder is kept, whatever comes */
        gr__loop_report(l, GR_PHASE_TRAIN, false, NULL);
    }
done:
    if (st == GR_E_DIVERGED) out->reason = GR_REASON_DIVERGED;
    return st;
}

/* ---- beginning and end ---- */

static gr_status prepare_loaders(gr_loop *l)
{
    gr_loader_options o = gr__task_training_loader(l->task, true);
    gr_status st = gr__loader_create(l->ctx, &o, &l->loader);
    if (st == GR_OK && l->task->set_of[GR_PART_VALIDATION]) {
        o = gr__task_loader(l->task, GR_PART_VALIDATION, false);
        st = gr__loader_create(l->ctx, &o, &l->validation);
    }
    return st;
}

static gr_status starting_weights(gr_loop *l)
{
    gr_st *model = NULL;
    gr_status st = l->options->from ? GR_OK : gr__start_weights(l->task, l->engine->store);
    if (l->recipe->start.from && st == GR_OK) gr__masks_settle(l->engine);
    if (!l->options->from) return st;
    st = gr__st_open(l->ctx, l->options->from, &model);
    if (st == GR_OK) st = gr__st_verify(model, l->options->from);
    if (st == GR_OK) st = gr__model_load(l->ctx, model, l->options->from, l->engine->store);
    if (st == GR_OK) gr__masks_settle(l->engine);
    gr__st_close(model);
    return st;
}

/* Did the last evaluation, which conclude has seen to, find numbers that are not finite? */
static bool ends_not_finite(const gr_loop *l)
{
    return l->validation && !isfinite(l->validation_cost);
}

/* All updates were finite, but what they led to is of no use: the run counts as diverged. */
static gr_status end_not_finite(gr_loop *l, gr_train_result *out)
{
    out->reason = GR_REASON_DIVERGED;
    snprintf(out->diverged, sizeof out->diverged, "step %lld: the evaluation", (long long)l->step);
    gr__fail(l->ctx, GR_E_DIVERGED, "training diverged: its last evaluation, at step %lld, is not finite",
             (long long)l->step);
    gr__error_hint(l->ctx, "a smaller rate at the end or clip: {norm: 1.0} often helps%s",
                   l->best_step ? "; the best model so far is kept" : "");
    return GR_E_DIVERGED;
}

/* The last model, the average's, the figures of the end, and best where nothing was ever validated. */
static gr_status conclude(gr_loop *l, gr_train_result *out)
{
    gr_status st = gr__loop_measure(l, 0);
    if (st == GR_OK) st = gr__loop_save_model(l, "last.safetensors", 0);
    for (int view = 1; view < l->engine->n_views && st == GR_OK; view++) {
        if (!gr__loop_held(l, view)) continue;
        st = gr__loop_measure(l, view);
        if (st == GR_OK) st = gr__loop_save_model(l, l->engine->view[view].file, view);
    }
    if (out->reason == GR_REASON_DIVERGED) return st;
    if (st == GR_OK && l->validation) st = gr__loop_validate_end(l);
    if (st == GR_OK && l->validation && l->best_step && !isfinite(l->best_figure))
        gr__log(l->ctx, GR_LOG_WARNING, "best_by had no value in any evaluation: the cost decided what is best");
    if (st == GR_OK && (l->best_step == 0 || !l->validation) && !ends_not_finite(l)) {
        l->best_step = l->step;
        l->best_cost = l->validation_cost;
        l->best_error = l->validation_error;
        st = gr__loop_save_model(l, "best.safetensors", 0);
    }
    return st;
}

static int64_t averaged(const gr_loop *l)
{
    return l->engine->n_views > 1 ? gr__loop_held(l, 1) : 0;
}

static void fill_result(gr_loop *l, gr_train_result *out)
{
    out->steps = l->step;
    out->epochs = gr__loop_epochs(l, l->step);
    out->parameters = gr__network_parameter_count(l->task->network);
    out->best_step = l->best_step;
    out->best_cost = l->best_cost;
    out->best_error = l->best_error;
    out->best_averaged = l->best_view > 0;
    out->patience_step = l->patience.step;
    out->patience_best_step = l->patience.best_step;
    out->patience_best_error = l->patience.best_error;
    out->averaged = averaged(l);
    out->average_cost = l->average_cost;
    out->average_error = l->average_error;
    out->final_train_cost = gr__loop_train_cost_mean(l);
    out->since_best = l->since_best;
    out->final_cost = l->validation_cost;
    out->final_error = l->validation_error;
    out->planned_bytes = l->engine->bytes.total;
    out->peak_bytes = gr_context_peak_bytes(l->ctx);
    out->seconds = gr__loop_seconds(l);
}

/* A line of metrics that is still to come brings its events with it. */
static gr_status open_events(gr_loop *l, bool resumed)
{
    gr_events *e = &l->run->events;
    if (!l->recipe->events) return GR_OK;
    if (resumed) return gr__events_continue(l->ctx, l->run->folder, l->step - l->pending, e);
    gr_status st = gr__events_create(l->ctx, l->run->folder, e);
    return st == GR_OK ? gr__events_session(e, l->recipe->name, l->task->resolved) : st;
}

static gr_status end_events(gr_loop *l, bool success)
{
    gr_events *e = &l->run->events;
    if (e->file >= 0) gr__events_ended(e, l->step, success);
    return gr__events_flush(e, true);
}

gr_status gr__loop_train(gr_loop *l, gr_train_result *out)
{
    bool resumed = false;
    gr_status st = GR_OK;
    gr_clock start = clock_of(l);
    gr_rate rate = gr__engine_moment(l->recipe, &start, l->schedule);
    GR_TRY(gr__sched_check(l->ctx, &l->recipe->sched, &rate));
    GR_TRY(gr__actions_check(l->ctx, &l->engine->rules, &start));
    gr__masks_check(l->engine, l->total);
    GR_TRY(gr_store_seal(l->engine->store));
    GR_TRY(starting_weights(l)); /* what that takes meanwhile is given back before the arena takes its place */
    GR_TRY(gr__engine_start(l->engine));
    GR_TRY(prepare_loaders(l));
    GR_TRY(gr__loop_judge_open(l));
    GR_TRY(gr__loop_inside_open(l));
    GR_TRY(gr__data_sums(l->task, l->data));
    if (l->options->attend) l->options->attend();
    GR_TRY(gr__run_begin(l->run));
    if (l->options->resume) GR_TRY(gr__loop_resume(l, &resumed));
    GR_TRY(gr__loop_recipe(l));
    if (!resumed) GR_TRY(gr__run_metrics_open(l->run, 0, NULL));
    GR_TRY(open_events(l, resumed));
    if (!resumed) GR_TRY(act_first(l, out));
    gr__loader_seek(l->loader, l->epoch, l->index);
    l->stepper.loader = l->loader;
    l->began = now();
    l->line_began = gr__loop_seconds(l);
    if (resumed) gr__loop_report(l, GR_PHASE_RESUMED, false, l->run->resumed_from);
    if (l->recipe->stop.at_start && l->step == 0) l->reason = GR_REASON_STEPS;
    st = advance(l, out);
    gr_status ended = st;
    if (st != GR_OK && st != GR_E_DIVERGED && st != GR_E_INTERRUPTED) goto done;
    if (l->step == 0 && st == GR_E_INTERRUPTED) goto done;
    GR_TRY(gr__run_metrics_flush(l->run, true));
    if (ended != GR_E_INTERRUPTED && !l->spoilt) st = conclude(l, out);
    if (ended == GR_OK && st == GR_E_INTERRUPTED) st = ended = interrupted(l, out);
    if (st != GR_OK && st != GR_E_INTERRUPTED && st != GR_E_DIVERGED) goto done;
    if (ended == GR_OK) GR_TRY(checkpoint(l));
    if (ended == GR_OK && ends_not_finite(l)) ended = end_not_finite(l, out);
    fill_result(l, out);
    if (ended != GR_E_INTERRUPTED) GR_TRY(end_events(l, ended == GR_OK));
    GR_TRY(gr__loop_result(l, out));
    l->run->fresh = false;
    gr__loop_report(l, GR_PHASE_DONE, false, NULL);
    st = ended;
done:
    return st;
}
