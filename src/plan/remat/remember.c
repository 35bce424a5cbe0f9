/* What is kept and what is computed again: the schedule becomes one that keeps to the plan's budget, or to a rule. A
 * script takes a little more once it is placed, since places leave holes; so it is placed to see, and what is too much
 * is asked for less. */
#include <string.h>

#include "plan/remat/remat.h"

/* ---- placing to see ---- */

typedef struct trial { /* what compiling has put down so far */
    gr__compiler c;
    gr_plan plan;
} trial;

static void begin_trial(gr__compiler *c, trial *t)
{
    t->c = *c;
    t->plan = *c->plan;
}

static void end_trial(gr__compiler *c, const trial *t)
{
    for (gr__made *m = c->plan->made; m != t->plan.made; m = m->next) m->kernel->destroy(c->ctx, m->kernel);
    gr_plan *plan = c->plan;
    *c = t->c;
    *plan = t->plan;
}

/* Bytes of the arena that the script takes. */
static gr_status place(gr__compiler *c, const gr__script *s, size_t *arena)
{
    gr_status st = GR_OK;
    trial t;
    begin_trial(c, &t);
    gr__bump *memory = gr__bump_create(c->ctx);
    if (!memory) return gr__error_code(c->ctx);
    c->work = c->plan->memory = memory;
    GR_TRY(gr__schedule_follow(c, s->turn, s->n));
    GR_TRY(gr__plan_buffers(c));
    GR_TRY(gr__plan_blocks(c));
    *arena = (size_t)c->plan->bytes.arena;
done:
    end_trial(c, &t);
    gr__bump_destroy(memory);
    return st;
}

/* ---- the budget ---- */

enum { ROUNDS = 12 };

/* *arena: what the script takes; above the budget: it was not kept to. */
static gr_status within(gr__rehearsal *r, size_t budget, gr__script *s, size_t *arena)
{
    gr__compiler *c = r->c;
    size_t target = budget;
    gr_status st = GR_OK;
    for (int i = 0; i < ROUNDS; i++) {
        if (!gr__script_within(r, target, s)) return gr__error_code(c->ctx);
        *arena = SIZE_MAX;
        if (s->n == 0) break;
        GR_TRY(place(c, s, arena));
        size_t above = *arena > budget ? *arena - budget : 0;
        if (above == 0 || above + r->fixed >= target) break;
        target -= above;
    }
done:
    return st;
}

/* From the least that was thought of on, as long as less can be kept to: so that a byte less than it cannot. */
static gr_status take_least(gr__rehearsal *r, gr__script *s)
{
    gr__script other = {0};
    size_t least, arena = 0;
    gr_status st = GR_OK;
    if (!gr__script_least(r, s)) return gr__error_code(r->c->ctx);
    GR_TRY(place(r->c, s, &least));
    for (int i = 0; i < ROUNDS; i++) {
        GR_TRY(within(r, least - 1, &other, &arena));
        if (arena >= least) break;
        least = arena;
        if (!gr__script_copy(r, &other, s)) return gr__error_code(r->c->ctx);
    }
done:
    return st;
}

static gr_status keep_to(gr__rehearsal *r, size_t budget, gr__script *s)
{
    gr__script plain = {0};
    size_t arena;
    gr_status st = GR_OK;
    if (!gr__script_plain(r, &plain)) return gr__error_code(r->c->ctx);
    GR_TRY(place(r->c, &plain, &arena));
    if (arena <= budget) return GR_OK;
    GR_TRY(within(r, budget, s, &arena));
    if (arena > budget) st = take_least(r, s);
done:
    return st;
}

/* ---- the stage of compiling ---- */

static gr_status choose(gr__compiler *c, gr__rehearsal *r, gr__script *s)
{
    const gr_remat *how = &c->options.remat;
    const gr__policy *policy = gr__policy_find(how->policy);
    if (policy) return policy->write(r, how, s) ? GR_OK : gr__error_code(c->ctx);
    return keep_to(r, (size_t)c->options.budget, s);
}

static gr_status check(gr__compiler *c, bool *wanted)
{
    const gr_remat *how = &c->options.remat;
    const gr__policy *policy = gr__policy_find(how->policy);
    *wanted = false;
    if (!how->policy || c->loop) return GR_OK;
    if (!policy && strcmp(how->policy, "auto") != 0)
        return gr__fail(c->ctx, GR_E_NAME, "there is no way to recompute called \"%s\"", how->policy);
    if (policy && policy->counts && how->count < 1)
        return gr__fail(c->ctx, GR_E_RANGE, "recomputing by \"%s\" takes a number from 1 on", how->policy);
    *wanted = policy ? strcmp(how->policy, "none") != 0 : c->options.budget > 0;
    return GR_OK;
}

gr_status gr__plan_remember(gr__compiler *c)
{
    gr_status st = GR_OK;
    gr__bump *memory = NULL;
    gr__rehearsal r;
    gr__script s = {0};
    bool wanted;
    GR_TRY(check(c, &wanted));
    if (!wanted) return GR_OK;
    if (!(memory = gr__bump_create(c->ctx))) return gr__error_code(c->ctx);
    GR_TRY(gr__rehearse(c, memory, &r));
    GR_TRY(choose(c, &r, &s));
    if (s.n > c->schedule.n) GR_TRY(gr__schedule_follow(c, s.turn, s.n));
done:
    gr__bump_destroy(memory);
    return st;
}
