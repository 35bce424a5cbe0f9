/* Who is told of a run: its own records and stop rules first, then whoever trains. */
#include <math.h>

#include "train/loop.h"

/* ---- records ---- */

static gr_status record(void *user, const gr_progress *p, bool *stop)
{
    gr_loop *l = user;
    (void)stop;
    bool due = p->evaluation || gr__loop_due(l, l->recipe->log);
    return due ? gr__loop_line(l, p->evaluation) : GR_OK;
}

/* What the run looks like from inside, after the line of its update. */
static gr_status look_inside(void *user, const gr_progress *p, bool *stop)
{
    gr_loop *l = user;
    (void)p, (void)stop;
    return l->inside ? gr__loop_inside(l) : GR_OK;
}

/* ---- stop rules ---- */

/* Patience is over. By `train_longer` the run goes on, and what it leaves behind is noted. */
static bool patience_ends(gr_loop *l)
{
    const gr_stop_rules *s = &l->recipe->stop;
    if (s->longer == 0) return true;
    if (l->patience.step) return false;
    l->patience.step = l->step;
    l->patience.best_step = l->best_step;
    l->patience.cost = l->validation_cost, l->patience.error = l->validation_error;
    l->patience.best_cost = l->best_cost, l->patience.best_error = l->best_error;
    gr__log(l->ctx, GR_LOG_INFO, "step %lld: patience is over; stop.train_longer goes on to step %.0f",
            (long long)l->step, ceil(s->longer * (double)l->step));
    return false;
}

static gr_reason rule_that_holds(gr_loop *l)
{
    const gr_stop_rules *s = &l->recipe->stop;
    bool fresh = l->evaluations > 0 && l->evaluated == l->step, judged = gr__loop_due(l, l->recipe->validate);
    int64_t since = s->monitored ? l->watched.since : l->since_best;
    if (fresh && l->validation_error < s->validation_error_below) return GR_REASON_TARGET;
    if (judged && l->train_error < s->train_error_below) return GR_REASON_TARGET;
    if (fresh && s->patience > 0 && since > s->patience && patience_ends(l)) return GR_REASON_PATIENCE;
    if (l->patience.step && (double)l->step >= s->longer * (double)l->patience.step) return GR_REASON_PATIENCE;
    if (l->observed.enough && l->recipe->sched.member->observe) return GR_REASON_PATIENCE;
    if ((s->steps > 0 || s->at_start) && l->step >= s->steps) return GR_REASON_STEPS;
    if (s->epochs > 0 && l->epoch >= s->epochs) return GR_REASON_EPOCHS;
    if (s->seconds > 0 && gr__loop_seconds(l) >= s->seconds) return GR_REASON_SECONDS;
    return GR_REASON_NONE;
}

/* A run that is resumed may have come to its end already, unless something of its last update is still to be done. */
static gr_status stop_by_rules(void *user, const gr_progress *p, bool *stop)
{
    gr_loop *l = user;
    bool ask = p->phase == GR_PHASE_SETTLED || (p->phase == GR_PHASE_RESUMED && !l->pending && l->step > 0);
    gr_reason holds = ask ? rule_that_holds(l) : GR_REASON_NONE;
    if (holds != GR_REASON_NONE) l->reason = holds;
    *stop = holds != GR_REASON_NONE;
    return GR_OK;
}

void gr__loop_watch(gr_loop *l)
{
    l->own[0] = (gr_watcher){.version = GR_WATCHER_VERSION, .user = l, .after_update = record};
    l->own[1] = (gr_watcher){.version = GR_WATCHER_VERSION, .user = l, .after_update = look_inside};
    l->own[2] = (gr_watcher){.version = GR_WATCHER_VERSION, .user = l, .tell = stop_by_rules};
}

/* ---- telling ---- */

/* What takes a clock and divisions is worked out only where somebody else looks. */
static gr_progress progress_of(const gr_loop *l)
{
    if (l->options->n_watchers == 0) return (gr_progress){.step = l->step};
    double s = gr__loop_seconds(l), rate = (double)l->samples / GR_MAX(s, 1e-9);
    double done = l->total ? (double)l->step / (double)l->total : NAN, limit = l->recipe->stop.seconds;
    double left = l->step > 0 ? s * (1 - done) / done : NAN;
    if (limit > 0) left = fmin(left, limit - s); /* a NaN gives way */
    return (gr_progress){.step = l->step,
                         .steps = l->total,
                         .epoch = gr__loop_epochs(l, l->step),
                         .epochs = gr__loop_epochs(l, l->total),
                         .cost = l->shown.samples ? l->shown.train_cost / (double)l->shown.samples : l->train_cost_mean,
                         .train_cost = l->train_cost,
                         .lr = l->lr,
                         .samples_per_second = rate,
                         .seconds = s,
                         .seconds_left = left,
                         .validation_cost = l->validation_cost,
                         .validation_error = l->validation_error,
                         .train_error = l->train_error};
}

typedef gr_status told_by(void *user, const gr_progress *p, bool *stop);

/* What fails without a word of its own has one here; an interruption is none. */
static void take_status(gr_loop *l, gr_status st)
{
    if (l->told != GR_OK || st == GR_OK) return;
    l->told = st;
    if (st != GR_E_INTERRUPTED && gr__error_code(l->ctx) == GR_OK)
        gr__fail(l->ctx, st, "step %lld: a watcher ended the run", (long long)l->step);
}

static void tell_one(gr_loop *l, const gr_watcher *w, const gr_progress *p)
{
    told_by *const all[] = {p->phase == GR_PHASE_SETTLED ? w->after_update : NULL,
                            p->phase == GR_PHASE_EVALUATED ? w->after_evaluation : NULL,
                            p->phase == GR_PHASE_CHECKPOINT_DUE ? w->before_checkpoint : NULL, w->tell};
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        bool stop = false;
        if (!all[i]) continue;
        take_status(l, all[i](w->user, p, &stop));
        if (stop && l->reason == GR_REASON_NONE) l->reason = GR_REASON_ASKED;
    }
}

static void tell(gr_loop *l, const gr_progress *p)
{
    for (size_t i = 0; i < GR_COUNT(l->own); i++) tell_one(l, &l->own[i], p);
    for (int i = 0; i < l->options->n_watchers; i++) tell_one(l, &l->options->watcher[i], p);
}

void gr__loop_report(gr_loop *l, int phase, bool best, const char *path)
{
    gr_progress p = progress_of(l);
    p.phase = phase;
    p.best = best;
    p.path = path;
    tell(l, &p);
}

void gr__loop_report_evaluated(gr_loop *l, bool best, const gr_evaluation *ev)
{
    const char *name[GR_MAX_TARGETS];
    double error[GR_MAX_TARGETS];
    gr_progress p = progress_of(l);
    p.phase = GR_PHASE_EVALUATED;
    p.best = best;
    p.evaluation = ev;
    p.n_heads = l->recipe->heads_named ? ev->n_heads : 0;
    p.head = name;
    p.head_error = error;
    for (int h = 0; h < p.n_heads; h++) {
        name[h] = l->recipe->head[h].name;
        error[h] = ev->head[h].error;
    }
    tell(l, &p);
}

void gr__loop_report_settled(gr_loop *l, const gr_evaluation *ev)
{
    gr_progress p = progress_of(l);
    p.phase = GR_PHASE_SETTLED;
    p.evaluation = ev;
    tell(l, &p);
}
