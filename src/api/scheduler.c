/* Schedules by name, for training loops of one's own. */
#include "gradus/scheduler.h"
#include "api/text.h"
#include "schedule/schedule.h"

struct gr_scheduler {
    gr_context *ctx;
    gr__bump *memory;
    gr_sched sched;
    gr_rate run; /* but for the update */
    double state[GR_SCHEDULE_STATE];
};

static gr_rate at(const gr_scheduler *s, int64_t update)
{
    gr_rate r = s->run;
    r.t = update < 0 ? 0 : update;
    r.state = s->state;
    return r;
}

static gr_status make(gr_scheduler *s, const char *type, const char *settings)
{
    gr_tree *tree = NULL;
    gr_status st = GR_OK;
    const char *label = gr__bump_format(s->memory, "schedule, %s", type);
    if (!label) return GR_E_MEMORY;
    GR_TRY(gr__api_settings(s->ctx, s->memory, label, type, settings, &tree));
    GR_TRY(gr__sched_make(s->ctx, s->memory, tree, GR_PRESET_CHAPTER, &s->sched));
    gr__sched_begin(&s->sched, s->state);
    GR_TRY(gr__sched_check_rate(s->ctx, &s->sched, s->run.lr));
    GR_TRY(gr__sched_check(s->ctx, &s->sched, &s->run));
done:
    return st;
}

gr_status gr_scheduler_create(gr_context *ctx, const char *type, const char *settings, const gr_scheduled *run,
                              gr_scheduler **out)
{
    if (!type || !run) return gr__fail(ctx, GR_E_USAGE, "a schedule needs the name of its type, and what it is for");
    if (!(run->lr >= 0) || run->updates < 0 || !(run->updates_per_epoch >= 0))
        return gr__fail(ctx, GR_E_RANGE, "a rate, a number of updates and one an epoch are not below 0");
    gr_scheduler *s = gr__alloc(ctx, sizeof *s);
    if (!s) return GR_E_MEMORY;
    *s = (gr_scheduler){.ctx = ctx,
                        .memory = gr__bump_create(ctx),
                        .run = {.lr = run->lr,
                                .total = run->updates,
                                .updates_per_epoch = run->updates_per_epoch > 0 ? run->updates_per_epoch : 1}};
    gr_status st = s->memory ? make(s, type, settings) : GR_E_MEMORY;
    if (st == GR_OK)
        *out = s;
    else
        gr_scheduler_destroy(s);
    return st;
}

void gr_scheduler_destroy(gr_scheduler *s)
{
    if (!s) return;
    gr__bump_destroy(s->memory);
    gr__free(s->ctx, s, sizeof *s);
}

double gr_scheduler_rate(const gr_scheduler *s, int64_t update)
{
    const gr_rate r = at(s, update);
    return gr__sched_rate(&s->sched, &r);
}

bool gr_scheduler_observe(gr_scheduler *s, int64_t update, double train_cost, double validation_error)
{
    const gr_rate r = at(s, update);
    const gr_observation o = {.train_cost = train_cost, .validation_error = validation_error};
    return gr__sched_observe(&s->sched, &r, &o, s->state);
}
