/* Workers that take trials from a study. */
#include "study/tune/tune.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BLIND = 10 }; /* trials of a search that is pruned, to begin with, that are trained to their end */

typedef struct tuning {
    gr_context *ctx;
    const gr_objective *what;
    const gr_tune_options *o;
    pthread_mutex_t mutex; /* of all below, and of calls to `tell` and `watch` */
    pthread_cond_t changed;
    uint64_t used;      /* by trials that run */
    gr_status failed;   /* the first failure; its error is in ctx */
    int64_t ended_here; /* trials that this process has ended */
    double began;
    gr_tune_progress so_far;
    gr_trial best;
} tuning;

typedef struct worker {
    tuning *t;
    gr_context *ctx;
    gr_study *study;
    gr__bump *memory; /* of the trial */
    gr_trial trial;
    gr_trial_run run;
    const gr_reported *before; /* what earlier generations have reported, where curves are held against them */
    int n_before;
    int64_t told; /* so many trials of earlier generations */
    double value; /* the best reported so far */
    bool rested;  /* it has come to its rung */
    bool pruned;
    const gr_trial *cut; /* those that the last look has left at their rung */
    int n_cut;
    pthread_t thread;
} worker;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool stopped(const tuning *t)
{
    return t->o->stop && *t->o->stop;
}

static bool better(const tuning *t, double a, double b)
{
    return !isnan(a) && (isnan(b) || (t->what->lower ? a < b : a > b));
}

static int64_t first_of(const gr_tune_options *o)
{
    if (o->tuner->learns) return gr__setting_int(o->settings, o->tuner->first);
    return o->prune ? BLIND : INT64_MAX;
}

static int64_t told_to(const gr_tune_options *o, int64_t trial)
{
    return gr__generation(trial, first_of(o), o->together);
}

/* ---- taking a trial ---- */

typedef enum taken { TAKEN, WAIT, OVER } taken;

/* Whether all that trial n may know has ended. */
static bool may_begin(const gr_tune_options *o, const gr_trial *all, int64_t n)
{
    int64_t told = told_to(o, n);
    for (int64_t i = 0; i < told; i++)
        if (!gr__trial_ended(all[i].state)) return false;
    return true;
}

static gr_status begin_trial(worker *w, gr_trial *all, int n, taken *out)
{
    const gr_tune_options *o = w->t->o;
    bool mine;
    gr_proposal p = {.ctx = w->ctx,
                     .spaces = o->spaces,
                     .settings = o->settings,
                     .seed = o->seed,
                     .trial = n,
                     .known = all,
                     .n_known = n,
                     .n_told = (int)told_to(o, n),
                     .lower = w->t->what->lower};
    gr_status st = o->tuner->propose(&p);
    if (st != GR_OK) return st;
    w->trial = (gr_trial){.trial = n, .seed = (int64_t)o->seed, .metric = NAN, .point = p.point};
    for (int i = o->spaces->n; i < GR_MOST_SPACES; i++) w->trial.point.at[i] = NAN;
    st = gr__study_claim(w->study, n, &mine);
    if (st == GR_OK && mine) st = gr__study_add(w->study, o->spaces, &w->trial);
    *out = mine ? TAKEN : WAIT; /* somebody gives the number back at this moment */
    return st;
}

/* A trial that nobody trains though it is running: it was cut off, or it goes on to its next rung. */
static gr_status take_up(worker *w, const gr_trial *all, int n, taken *out)
{
    gr_status st = GR_OK;
    bool mine = false;
    for (int i = 0; i < n && st == GR_OK && !mine; i++) {
        if (all[i].state != GR_TRIAL_RUNNING) continue;
        st = gr__study_claim(w->study, all[i].trial, &mine);
        if (mine) w->trial = all[i];
    }
    *out = mine ? TAKEN : WAIT;
    return st;
}

static void count(tuning *t, const gr_trial *all, int n)
{
    int best = -1;
    t->so_far.ended = 0;
    for (int i = 0; i < n; i++) {
        t->so_far.ended += gr__trial_ended(all[i].state);
        if (all[i].state == GR_TRIAL_DONE && better(t, all[i].metric, best < 0 ? (double)NAN : all[best].metric))
            best = i;
    }
    if (best >= 0) t->best = all[best];
    t->so_far.best = best >= 0 ? &t->best : NULL;
}

/* Halving: who goes on and who does not, where a rung is complete. */
static gr_status cut(worker *w, gr_trial *all, int n)
{
    const gr_tune_options *o = w->t->o;
    gr_trial *changed = gr__bump_alloc(w->memory, (size_t)(n + 1) * sizeof *changed);
    gr_trial_state *was = gr__bump_alloc(w->memory, (size_t)(n + 1) * sizeof *was);
    gr_status st = GR_OK;
    if (!changed || !was) return GR_E_MEMORY;
    for (int i = 0; i < n; i++) was[i] = all[i].state;
    gr__halve(w->memory, all, n, o, w->t->what->lower);
    GR_TRY(gr__error_code(w->ctx));
    for (int i = 0; i < n; i++) {
        if (was[i] == all[i].state) continue;
        GR_TRY(gr__study_put(w->study, &all[i]));
        if (gr__trial_ended(all[i].state)) changed[w->n_cut++] = all[i];
    }
    w->cut = changed;
done:
    return st;
}

static gr_status look(worker *w, taken *out)
{
    const gr_tune_options *o = w->t->o;
    gr_trial *all;
    int n;
    bool open = false;
    gr_status st = GR_OK;
    GR_TRY(gr__study_trials(w->study, o->spaces, w->memory, &all, &n));
    if (o->tuner->halves) GR_TRY(cut(w, all, n));
    pthread_mutex_lock(&w->t->mutex);
    count(w->t, all, n);
    pthread_mutex_unlock(&w->t->mutex);
    GR_TRY(take_up(w, all, n, out));
    if (*out == TAKEN) goto done;
    for (int i = 0; i < n; i++) open |= !gr__trial_ended(all[i].state);
    if (n < o->trials && may_begin(o, all, n))
        st = begin_trial(w, all, n, out);
    else
        *out = open || n < o->trials ? WAIT : OVER;
done:
    return st;
}

static gr_status take(worker *w, taken *out)
{
    *out = OVER;
    w->n_cut = 0;
    gr__bump_destroy(w->memory);
    w->memory = gr__bump_create(w->ctx);
    gr_status st = w->memory ? gr__study_begin(w->study) : GR_E_MEMORY;
    if (st != GR_OK) return st;
    st = look(w, out);
    gr_status ended = gr__study_end(w->study, st == GR_OK);
    if (st == GR_OK) st = ended;
    if (st != GR_OK && *out == TAKEN) gr__study_release(w->study, w->trial.trial);
    return st;
}

/* ---- a trial ---- */

static void watch(tuning *t)
{
    double seconds = now() - t->began;
    t->so_far.trials = t->o->trials;
    t->so_far.seconds_left =
        t->ended_here ? seconds / (double)t->ended_here * (double)(t->o->trials - t->so_far.ended) : (double)NAN;
    if (t->o->watch) t->o->watch(t->o->user, &t->so_far);
}

/* Whether no more of the trial is wanted after this evaluation. */
static bool is_enough(worker *w, int64_t step, int64_t steps)
{
    const gr_tune_options *o = w->t->o;
    if (o->tuner->halves && w->trial.rung + 1 < o->rungs)
        w->rested |= (double)step >= (double)steps * pow(o->keep, o->rungs - 1 - w->trial.rung) - 1e-9;
    if (o->prune && w->told > 0 && step < steps)
        w->pruned |= gr__behind(w->memory, w->before, w->n_before, (int)w->told, step, w->value, w->t->what->lower);
    return w->rested || w->pruned;
}

/* An evaluation and what follows from it are kept together: a trial that is killed behind its rung has come to it. */
static gr_status report(void *user, int64_t step, int64_t steps, double value, bool *end)
{
    worker *w = user;
    gr_status st = GR_OK;
    if (w->rested || w->pruned) return GR_OK; /* the end is evaluated too */
    GR_TRY(gr__study_begin(w->study));
    st = gr__study_report(w->study, w->trial.trial, step, value);
    if (better(w->t, value, w->value)) w->value = value;
    if ((*end = is_enough(w, step, steps))) {
        w->trial.steps = step;
        w->trial.metric = w->value;
        w->trial.state = w->pruned ? GR_TRIAL_PRUNED : GR_TRIAL_WAITING;
        w->trial.rung += w->rested;
        if (st == GR_OK) st = gr__study_put(w->study, &w->trial);
    }
    gr_status ended = gr__study_end(w->study, st == GR_OK);
    if (st == GR_OK) st = ended;
    pthread_mutex_lock(&w->t->mutex);
    watch(w->t);
    pthread_mutex_unlock(&w->t->mutex);
done:
    return st;
}

/* What was reported of it by whoever had it before. */
static gr_status recall(worker *w)
{
    gr_reported *own, *all;
    int n;
    gr_status st = gr__study_reports(w->study, w->trial.trial, w->memory, &own, &n);
    for (int i = 0; i < n && st == GR_OK; i++)
        if (better(w->t, own[i].value, w->value)) w->value = own[i].value;
    w->told = w->t->o->prune ? told_to(w->t->o, w->trial.trial) : 0;
    if (st != GR_OK || w->told == 0) return st;
    st = gr__study_reports(w->study, -1, w->memory, &all, &w->n_before);
    w->before = all;
    return st;
}

/* Room for it beside the others that run. */
static gr_status wait_for_room(worker *w, uint64_t bytes)
{
    tuning *t = w->t;
    char is[32], most[32];
    gr__size_text(bytes, is, sizeof is);
    gr__size_text(t->o->memory, most, sizeof most);
    if (t->o->memory && bytes > t->o->memory)
        return gr__fail(w->ctx, GR_E_BUDGET, "it takes %s of tensor memory, more than the %s there are", is, most);
    pthread_mutex_lock(&t->mutex);
    while (t->o->memory && t->used > 0 && t->used + bytes > t->o->memory) pthread_cond_wait(&t->changed, &t->mutex);
    t->used += bytes;
    t->so_far.running++;
    pthread_mutex_unlock(&t->mutex);
    return GR_OK;
}

static void give_room(worker *w, uint64_t bytes)
{
    pthread_mutex_lock(&w->t->mutex);
    w->t->used -= bytes;
    w->t->so_far.running--;
    pthread_cond_broadcast(&w->t->changed);
    pthread_mutex_unlock(&w->t->mutex);
}

/* The error of a trial, as its result says it. */
static const char *reason(worker *w)
{
    const gr_error *e = gr_context_error(w->ctx);
    return gr__bump_format(w->memory, "%s%s%s", e->key, e->key[0] ? ": " : "", e->message);
}

static bool ends_all(gr_status st)
{
    return st == GR_E_WRITE || st == GR_E_BUSY || st == GR_E_INTERNAL || st == GR_E_INTERRUPTED;
}

/* What became of it; a status that ends the search too leaves it running, to be taken up again. */
static gr_status settle(worker *w, gr_status st)
{
    gr_trial *t = &w->trial;
    const gr_tune_options *o = w->t->o;
    if (ends_all(st) || w->pruned || w->rested) return ends_all(st) ? st : GR_OK;
    t->why = NULL;
    t->metric = w->value;
    if (st == GR_OK)
        t->state = GR_TRIAL_DONE, t->rung = o->tuner->halves ? o->rungs : 0;
    else
        t->state = st == GR_E_DIVERGED ? GR_TRIAL_DIVERGED : GR_TRIAL_FAILED, t->metric = NAN, t->why = reason(w);
    if (t->state == GR_TRIAL_DONE && isnan(t->metric)) {
        t->state = GR_TRIAL_FAILED;
        t->why = "no evaluation gave the metric a value";
    }
    gr_context_clear_error(w->ctx);
    GR_TRY(gr__study_begin(w->study));
    st = gr__study_put(w->study, t);
    gr_status ended = gr__study_end(w->study, st == GR_OK);
    if (st == GR_OK) st = ended;
done:
    return st;
}

/* A trial has changed; who ends one tells it. */
static gr_status tell(tuning *t, const gr_trial *trial)
{
    gr_status st = GR_OK;
    pthread_mutex_lock(&t->mutex);
    if (gr__trial_ended(trial->state)) {
        t->ended_here++;
        if (t->o->tell) st = t->o->tell(t->o->user, trial);
    }
    watch(t);
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->mutex);
    return st;
}

static gr_status forget(tuning *t, gr_context *ctx, const gr_trial *trial)
{
    const gr_trial_run run = {.ctx = ctx, .spaces = t->o->spaces, .trial = trial, .stop = t->o->stop};
    return t->what->forget && gr__trial_ended(trial->state) ? t->what->forget(t->what->user, &run) : GR_OK;
}

static gr_status run_trial(worker *w)
{
    uint64_t bytes = 0;
    const gr_objective *what = w->t->what;
    w->value = NAN;
    w->rested = w->pruned = false;
    w->run = (gr_trial_run){w->ctx, w->t->o->spaces, &w->trial, w->t->o->stop, report, w};
    gr_status st = recall(w);
    if (st != GR_OK) return st;
    st = what->plan(what->user, &w->run, &bytes);
    if (st == GR_OK) st = wait_for_room(w, bytes);
    if (st == GR_OK) {
        int64_t steps = w->trial.steps;
        st = what->run(what->user, &w->run, &steps);
        if (!w->rested && !w->pruned) w->trial.steps = steps;
        give_room(w, bytes);
    }
    st = settle(w, st);
    if (st == GR_OK) st = forget(w->t, w->ctx, &w->trial);
    gr__study_release(w->study, w->trial.trial);
    return st == GR_OK ? tell(w->t, &w->trial) : st;
}

/* ---- workers ---- */

static void pause_for_others(tuning *t)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100000000;
    until.tv_sec += until.tv_nsec / 1000000000, until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&t->mutex);
    pthread_cond_timedwait(&t->changed, &t->mutex, &until);
    pthread_mutex_unlock(&t->mutex);
}

static bool goes_on(tuning *t)
{
    pthread_mutex_lock(&t->mutex);
    bool fine = t->failed == GR_OK;
    pthread_mutex_unlock(&t->mutex);
    return fine && !stopped(t);
}

static void *work(void *arg)
{
    worker *w = arg;
    tuning *t = w->t;
    taken what = WAIT;
    gr_status st = GR_OK;
    while (st == GR_OK && goes_on(t)) {
        st = take(w, &what);
        for (int i = 0; i < w->n_cut && st == GR_OK; i++) st = tell(t, &w->cut[i]);
        if (st != GR_OK || what == OVER) break;
        if (what == TAKEN)
            st = run_trial(w);
        else
            pause_for_others(t);
    }
    pthread_mutex_lock(&t->mutex);
    if (st != GR_OK && t->failed == GR_OK) {
        t->failed = st;
        gr__error_take(t->ctx, w->ctx);
    }
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

static gr_status open_worker(tuning *t, worker *w)
{
    const gr_context_options o = {.threads = t->o->threads};
    *w = (worker){.t = t};
    gr_status st = gr_context_create(&o, &w->ctx);
    if (st != GR_OK) return gr__fail(t->ctx, st, "no memory for a worker");
    st = gr__study_open(w->ctx, t->o->path, t->o->facts, t->o->n_facts, &w->study);
    return st == GR_OK ? st : gr__error_take(t->ctx, w->ctx);
}

static void close_worker(worker *w)
{
    gr__bump_destroy(w->memory);
    gr__study_close(w->study);
    gr_context_destroy(w->ctx);
}

/* As many as there may be; the first runs here. */
static gr_status work_all(tuning *t, worker *w)
{
    int n = 0, threads = 1;
    gr_status st = GR_OK;
    for (; n < t->o->jobs && st == GR_OK; n++) st = open_worker(t, &w[n]);
    if (st == GR_OK) {
        for (; threads < n && pthread_create(&w[threads].thread, NULL, work, &w[threads]) == 0; threads++) continue;
        work(&w[0]);
        for (int i = 1; i < threads; i++) pthread_join(w[i].thread, NULL);
        st = t->failed;
    }
    for (int i = 0; i < n; i++) close_worker(&w[i]);
    return st;
}

gr_status gr__tuned_read(gr_study *s, const gr_spaces *spaces, bool lower, gr__bump *b, gr_tuned *out)
{
    *out = (gr_tuned){.best = -1};
    gr_status st = gr__study_trials(s, spaces, b, &out->trial, &out->n);
    for (int i = 0; i < out->n && st == GR_OK; i++) {
        const gr_trial *t = &out->trial[i], *best = out->best < 0 ? NULL : &out->trial[out->best];
        bool first = !best || (lower ? t->metric < best->metric : t->metric > best->metric);
        if (t->state == GR_TRIAL_DONE && !isnan(t->metric) && first) out->best = i;
        out->steps += t->steps;
    }
    return st;
}

static gr_status read_back(gr_context *ctx, const gr_objective *what, const gr_tune_options *o, gr__bump *b,
                           gr_tuned *out)
{
    gr_study *s = NULL;
    gr_status st = gr__study_open(ctx, o->path, o->facts, o->n_facts, &s);
    if (st == GR_OK) st = gr__tuned_read(s, o->spaces, what->lower, b, out);
    gr__study_close(s);
    return st;
}

static gr_status check(gr_context *ctx, const gr_tune_options *o)
{
    gr_study *s = NULL;
    gr_status st = gr__study_open(ctx, o->path, o->facts, o->n_facts, &s);
    if (st == GR_OK) st = gr__study_same(s, ctx, o->path, o->facts, o->n_facts);
    gr__study_close(s);
    return st;
}

gr_status gr__tune(gr_context *ctx, const gr_objective *what, const gr_tune_options *o, gr__bump *b, gr_tuned *out)
{
    tuning t = {.ctx = ctx, .what = what, .o = o, .began = now()};
    worker *w = gr__bump_alloc(b, (size_t)o->jobs * sizeof *w);
    *out = (gr_tuned){.best = -1};
    if (!w) return GR_E_MEMORY;
    pthread_mutex_init(&t.mutex, NULL);
    pthread_cond_init(&t.changed, NULL);
    gr_status st = check(ctx, o);
    if (st == GR_OK) st = work_all(&t, w);
    pthread_cond_destroy(&t.changed);
    pthread_mutex_destroy(&t.mutex);
    if (st == GR_OK && stopped(&t)) st = GR_E_INTERRUPTED;
    if (st != GR_OK && st != GR_E_INTERRUPTED) return st;
    gr_status read = read_back(ctx, what, o, b, out);
    for (int i = 0; i < out->n && read == GR_OK; i++) read = forget(&t, ctx, &out->trial[i]); /* of killed processes */
    return read == GR_OK ? st : read;
}
