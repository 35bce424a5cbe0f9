/* What is kept and what is computed again: the schedule becomes one that keeps to the plan's budget, or to a rule. A
 * script takes a little more once it is placed, since places leave holes; so it is placed to see, and what is too much
 * is asked for less. */
#include <math.h>
#include <string.h>

#include "plan/budget/solver.h"
#include "plan/remat/remat.h"

/* ---- placing to see ---- */

typedef struct trial { /* what compiling has put down so far */
    gr__compiler c;
    gr_plan plan;
    gr__bump *memory; /* of what it puts down meanwhile */
} trial;

static gr_status begin_trial(gr__compiler *c, trial *t)
{
    *t = (trial){.c = *c, .plan = *c->plan, .memory = gr__bump_create(c->ctx)};
    if (!t->memory) return gr__error_code(c->ctx);
    c->work = c->plan->memory = t->memory;
    return GR_OK;
}

static void end_trial(gr__compiler *c, const trial *t)
{
    for (gr__made *m = c->plan->made; m != t->plan.made; m = m->next) m->kernel->destroy(c->ctx, m->kernel);
    gr_plan *plan = c->plan;
    *c = t->c;
    *plan = t->plan;
    gr__bump_destroy(t->memory);
}

/* Bytes of the arena that the script takes, and what instances cost, of which only what is read is asked. ns: may be
 * NULL. */
static gr_status place(gr__compiler *c, const gr__script *s, size_t *arena, double *ns)
{
    gr_status st = GR_OK;
    trial t;
    if (begin_trial(c, &t) != GR_OK) return gr__error_code(c->ctx);
    GR_TRY(gr__schedule_follow(c, s->turn, s->n));
    GR_TRY(gr__plan_buffers(c));
    GR_TRY(gr__plan_blocks(c));
    *arena = (size_t)c->plan->bytes.arena;
    if (ns) *ns = 0;
    for (int i = 0; ns && i < c->schedule.n; i++)
        if (c->schedule.turn[i].instance > 0) *ns += gr__made_ns(c->schedule.turn[i].made);
done:
    end_trial(c, &t);
    return st;
}

/* A region that is asked for one of its values may cost less than for all. */
static gr_status cost_of_one(gr__compiler *c, gr__act *a, const gr__turn *turn, bool *asked)
{
    const gr__made *made;
    gr_status st = GR_OK;
    for (int o = 0; o < turn->n_out && st == GR_OK; o++) {
        if (!turn->out[o] || c->standing[turn->out[o]] >= 0) continue;
        asked[turn->out[o]] = true;
        st = gr__unit_make(c, turn->unit, asked, &made);
        asked[turn->out[o]] = false;
        if (st == GR_OK) a->least_ns = GR_MIN(a->least_ns, gr__made_ns(made));
    }
    return st;
}

gr_status gr__rehearse_least(gr__rehearsal *r)
{
    gr__compiler *c = r->c;
    gr_status st = GR_OK;
    trial t;
    if (begin_trial(c, &t) != GR_OK) return gr__error_code(c->ctx);
    bool *asked = gr__bump_alloc(t.memory, (c->n_values + 1) * sizeof *asked);
    if (!asked) st = gr__error_code(c->ctx);
    for (int i = 0; i < r->n_acts && st == GR_OK; i++) {
        const gr__turn *turn = &c->schedule.turn[i];
        gr__act *a = &r->act[i];
        if (turn->code != GR__CALL) continue;
        a->least_ns = gr__made_ns(turn->made);
        bool parts = a->limit >= 0 && !a->whole && turn->made->item.kind == GR_ITEM_REGION;
        if (parts && turn->n_out > 1) st = cost_of_one(c, a, turn, asked);
    }
    end_trial(c, &t);
    return st;
}

/* ---- the budget ---- */

enum { ROUNDS = 12 };
#define LESS 0.8 /* a share of what a sweep says: a script seldom takes less when it is placed */

typedef struct found {
    gr__script script;
    size_t arena; /* that it takes; above the budget: it was not kept to */
    double ns;    /* of instances */
} found;

static gr_status within(gr__rehearsal *r, size_t budget, found *f)
{
    gr__compiler *c = r->c;
    size_t target = budget;
    gr_status st = GR_OK;
    for (int i = 0; i < ROUNDS; i++) {
        if (!gr__script_within(r, target, &f->script)) return gr__error_code(c->ctx);
        f->arena = SIZE_MAX;
        if (f->script.n == 0) break;
        GR_TRY(place(c, &f->script, &f->arena, &f->ns));
        size_t above = f->arena > budget ? f->arena - budget : 0;
        if (above == 0 || above + r->fixed >= target) break;
        target -= above;
    }
done:
    return st;
}

typedef struct contest {
    size_t budget;
    found *best;
    gr_status st;
} contest;

/* The faster of two that fit when they are placed. `about`: as the sweep has it, its time may be less. */
static gr_status contest_placed(gr__rehearsal *r, const gr__script *s, double about, size_t budget, found *f)
{
    found other = {.arena = 0};
    bool any = f->arena <= budget;
    if (any && LESS * about >= f->ns) return GR_OK;
    gr_status st = place(r->c, s, &other.arena, &other.ns);
    if (st != GR_OK || other.arena > budget || (any && other.ns >= f->ns)) return st;
    f->arena = other.arena, f->ns = other.ns;
    return gr__script_copy(r, s, &f->script) ? GR_OK : gr__error_code(r->c->ctx);
}

/* Placed, a rule may take less than a sweep says, or leave fewer holes than what was found. */
static bool hold_against_rule(gr__rehearsal *r, const gr__script *s, void *user)
{
    contest *x = user;
    gr__takes takes;
    if (!gr__script_take(r, s, x->budget, &takes)) return false;
    if ((double)takes.peak * LESS <= (double)x->budget) x->st = contest_placed(r, s, takes.ns, x->budget, x->best);
    return x->st == GR_OK;
}

/* No rule that keeps to the budget is faster. */
static gr_status within_or_rule(gr__rehearsal *r, size_t budget, found *f)
{
    contest x = {budget, f, GR_OK};
    gr_status st = within(r, budget, f);
    if (st == GR_OK && !gr__by_rules(r, hold_against_rule, &x)) st = gr__error_code(r->c->ctx);
    return st;
}

/* The script made to fit, also when it is placed; taken where that is faster. */
static gr_status try_placed(gr__rehearsal *r, const gr__script *s, size_t budget, found *f)
{
    gr_status st = GR_OK;
    size_t target = budget, arena;
    double ns;
    for (int i = 0; i < ROUNDS; i++) {
        gr__best best = {.any = false};
        gr__script one = {0};
        if (!gr__script_copy(r, s, &one) || !gr__best_fit(r, &best, &one, target)) return gr__error_code(r->c->ctx);
        if (!best.any || (f->arena <= budget && LESS * best.takes.ns >= f->ns)) break;
        GR_TRY(place(r->c, &best.script, &arena, &ns));
        if (arena <= budget && (f->arena > budget || ns < f->ns)) *f = (found){best.script, arena, ns};
        if (arena <= budget) break;
        if (arena - budget + r->fixed >= target) break;
        target -= arena - budget;
    }
done:
    return st;
}

/* What is found without the program stays where it is as good. */
static gr_status improve(gr__rehearsal *r, size_t budget, found *f)
{
    gr__optimum o;
    gr_status st = GR_OK;
    GR_TRY(gr__optimum_find(r, budget, gr__integer_solver_is_there(), &o));
    r->c->plan->bound = (gr_plan_bound){.known = true, .solved = o.solved, .again_ns = o.bound};
    for (int i = 0; i < o.n && !isinf(o.bound); i++) GR_TRY(try_placed(r, &o.script[i], budget, f));
done:
    return st;
}

/* Less than f takes, as long as that can be kept to: so that a byte less cannot. */
static gr_status press(gr__rehearsal *r, bool optimal, size_t step, found *f)
{
    gr_status st = GR_OK;
    while (step > 0) {
        found other = {.arena = 0};
        size_t wanted = f->arena - GR_MIN(step, f->arena - 1);
        GR_TRY(within_or_rule(r, wanted, &other));
        if (optimal && other.arena > wanted) GR_TRY(improve(r, wanted, &other));
        if (other.arena <= wanted)
            *f = other;
        else /* nothing takes so much less */
            step = step > GR__GRANULE ? GR_MAX(step / 8, 1) : step == 1 ? 0 : 1;
    }
done:
    return st;
}

/* From the least that was thought of on. */
static gr_status take_least(gr__rehearsal *r, found *f)
{
    gr_status st = GR_OK;
    if (!gr__script_least(r, &f->script)) return gr__error_code(r->c->ctx);
    GR_TRY(place(r->c, &f->script, &f->arena, &f->ns));
    GR_TRY(press(r, false, 1, f));
done:
    return st;
}

static gr_status keep_to(gr__rehearsal *r, size_t budget, bool optimal, gr__script *s)
{
    gr__script plain = {0};
    found f = {.arena = 0};
    size_t arena;
    gr_status st = GR_OK;
    if (!gr__script_plain(r, &plain)) return gr__error_code(r->c->ctx);
    GR_TRY(place(r->c, &plain, &arena, NULL));
    if (arena <= budget) return GR_OK;
    GR_TRY(within_or_rule(r, budget, &f));
    if (f.arena > budget) GR_TRY(take_least(r, &f));
    if (optimal) GR_TRY(improve(r, budget, &f));
    if (optimal && f.arena > budget) GR_TRY(press(r, true, (f.arena - GR_MIN(r->fixed, f.arena - 1)) / 16, &f));
    *s = f.script;
done:
    return st;
}

/* ---- the stage of compiling ---- */

bool gr__remat_keeps_to_budget(const gr_remat *how)
{
    return how->policy && (strcmp(how->policy, "auto") == 0 || strcmp(how->policy, "optimal") == 0);
}

static gr_status choose(gr__compiler *c, gr__rehearsal *r, gr__script *s)
{
    const gr_remat *how = &c->options.remat;
    const gr__policy *policy = gr__policy_find(how->policy);
    if (policy) return policy->write(r, how, s) ? GR_OK : gr__error_code(c->ctx);
    return keep_to(r, (size_t)c->options.budget, strcmp(how->policy, "optimal") == 0, s);
}

static gr_status check(gr__compiler *c, bool *wanted)
{
    const gr_remat *how = &c->options.remat;
    const gr__policy *policy = gr__policy_find(how->policy);
    *wanted = false;
    if (!how->policy || c->loop) return GR_OK;
    if (!policy && !gr__remat_keeps_to_budget(how))
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
