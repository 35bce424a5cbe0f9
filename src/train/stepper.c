/* The order of an update: micro-batches, what applies them, then the actions that are due. */
#include "train/stepper.h"

#include "train/masks.h"

void gr__stepper_begin(gr_stepper *s, int64_t step)
{
    gr_clock clock = gr__stepper_clock(s, step);
    s->step = step;
    s->lr = s->rate ? *s->rate : gr__engine_rate(s->recipe, &clock, s->schedule);
    s->samples = s->done = 0;
    s->batch.last = false;
    s->stage = GR_STEPPER_BATCHES;
}

void gr__stepper_begin_actions(gr_stepper *s, int64_t step)
{
    s->step = step - 1; /* as after the update before */
    s->done = 0;
    s->stage = GR_STEPPER_ACTIONS;
}

static void feed(const gr_stepper *s)
{
    const gr_feeds *f = &s->plan->feeds;
    if (s->takes_batch) gr__feeds_put(f, &s->batch);
    gr__feeds_moment(f, s->recipe->seed, s->moment, s->position);
    if (f->lr) *f->lr = s->lr;
}

/* moment: how many updates are done when it runs. position -1: it takes no batch. */
static gr_status ready(gr_stepper *s, int kind, int variant, int64_t moment, int64_t position)
{
    int64_t n = position < 0 ? 1 : s->batch.n, steps = position < 0 ? 0 : s->batch.steps;
    s->plan = gr__engine_find(s->engine, kind, n, steps, variant);
    if (!s->plan) return gr__fail(s->engine->task->ctx, GR_E_INTERNAL, "no plan for a batch of %lld", (long long)n);
    s->takes_batch = position >= 0;
    s->position = GR_MAX(position, 0);
    s->moment = moment;
    feed(s);
    return GR_OK;
}

/* A loader without a thread gathers straight into the feeds of the plan that will run. */
static gr_status gather(gr_stepper *s, int kind, int variant)
{
    int64_t steps, n = gr__loader_peek(s->loader, &steps);
    gr_engine_plan *p = n ? gr__engine_find(s->engine, kind, n, steps, variant) : NULL;
    gr_status st = p && p->feeds.field[0] ? gr__loader_next_into(s->loader, p->feeds.field, &s->batch)
                                          : gr__loader_next(s->loader, &s->batch);
    if (st != GR_OK) return st;
    s->epoch = s->batch.last ? s->batch.epoch + 1 : s->batch.epoch;
    s->index = s->batch.last ? 0 : s->batch.index + 1;
    return GR_OK;
}

static gr_status next_batch(gr_stepper *s, int variant)
{
    bool micro = s->recipe->accumulate > 1;
    int kind = micro ? GR_RUN_ACCUMULATE : GR_RUN_STEP;
    int64_t position = s->samples;
    gr_status st = gather(s, kind, variant);
    if (st != GR_OK) return st;
    s->samples += s->batch.n;
    if (++s->done == s->recipe->accumulate || s->batch.last) {
        s->stage = micro ? GR_STEPPER_APPLY : GR_STEPPER_ACTIONS;
        s->done = 0;
    }
    st = ready(s, kind, variant, s->step, position);
    s->updating = s->plan;
    return st;
}

static gr_status apply(gr_stepper *s, int variant)
{
    gr_status st = ready(s, GR_RUN_APPLY, variant, s->step, -1);
    s->updating = s->plan;
    s->stage = GR_STEPPER_ACTIONS;
    return st;
}

/* The next action that is due, if any is left. */
static gr_status act(gr_stepper *s, bool *more)
{
    gr_clock after = gr__stepper_clock(s, s->step + 1);
    if (s->done == 0) gr__masks_step(s->engine, after.step); /* before averages collect */
    while (s->done < s->engine->n_actions) {
        int i = (int)s->done++;
        if (s->engine->action[i]->due(&s->engine->rules, &after)) return ready(s, GR_RUN_ACTION, i, s->step + 1, -1);
    }
    *more = false;
    return GR_OK;
}

gr_status gr__stepper_next(gr_stepper *s, bool *more)
{
    gr_clock clock = gr__stepper_clock(s, s->step);
    *more = true;
    if (s->stage == GR_STEPPER_ACTIONS) return act(s, more);
    int variant = gr__engine_variant(s->recipe, &clock);
    return s->stage == GR_STEPPER_BATCHES ? next_batch(s, variant) : apply(s, variant);
}

gr_status gr__stepper_feed_again(gr_stepper *s)
{
    gr_status st = GR_OK;
    if (s->takes_batch && s->batch.field[0] == s->plan->feeds.field[0]) { /* it was gathered there */
        gr__loader_seek(s->loader, s->batch.epoch, s->batch.index);
        st = gr__loader_next_into(s->loader, s->plan->feeds.field, &s->batch);
    }
    if (st == GR_OK) feed(s);
    return st;
}
