/* Keeping to a budget. Several ways are gone, and the fastest script that fits is taken: the step as it is made smaller
 * where it must be, and the best scripts of the chain, with and without values that are cheap to make anew. What is too
 * large is reduced, what has room left is relaxed. */
#include "plan/remat/remat.h"

/* The faster of two that fit. */
static bool consider(gr__rehearsal *r, gr__best *b, const gr__script *s, size_t target)
{
    gr__takes takes;
    if (!gr__script_take(r, s, target, &takes)) return false;
    if (takes.peak > target || (b->any && takes.ns >= b->takes.ns)) return true;
    b->takes = takes;
    b->any = true;
    return gr__script_copy(r, s, &b->script);
}

bool gr__best_fit(gr__rehearsal *r, gr__best *b, gr__script *s, size_t target)
{
    gr__takes takes;
    if (!gr__script_take(r, s, target, &takes)) return false;
    if (takes.peak > target) {
        if (!gr__script_reduce(r, s, target) || !gr__script_take(r, s, target, &takes)) return false;
        if (takes.peak > target) return true;
    }
    return gr__script_relax(r, s, target) && consider(r, b, s, target);
}

/* The fastest of a table that fits, the smallest where none does; then made to fit. */
static bool try_chain(gr__rehearsal *r, gr__best *b, const gr__chain *chain, size_t target, double bytes)
{
    gr__script one = {0}, found = {0};
    gr__takes is, was = {.peak = SIZE_MAX};
    gr__optima *t = gr__optima_make(chain, (size_t)bytes);
    if (!t) return false;
    for (int slots = 1; slots <= GR__SLOTS; slots++) {
        if (!gr__optima_script(t, slots, &one)) continue;
        if (!gr__script_take(r, &one, target, &is)) return false;
        bool better = is.peak <= target ? was.peak > target || is.ns < was.ns : is.peak < was.peak;
        if (!better) continue;
        was = is;
        if (!gr__script_copy(r, &one, &found)) return false;
    }
    return found.n == 0 || gr__best_fit(r, b, &found, target);
}

static const struct {
    int most;
    bool cheap;
} chains[] = {
    {GR__MOST_STAGES, true}, {GR__MOST_STAGES, false}, {GR__MOST_STAGES / 3, true}, {GR__MOST_STAGES / 3, false}};

/* A chain counts memory roughly, rather too much than too little: so it is asked for more than there is. */
static bool try_chains(gr__rehearsal *r, gr__best *b, size_t target)
{
    bool good = true;
    for (size_t i = 0; i < GR_COUNT(chains) && good; i++) {
        gr__chain chain;
        if (!gr__aside_begin(r)) return false;
        good = gr__chain_find(r, chains[i].most, false, chains[i].cheap, &chain);
        if (good && chain.n > 1 && target > chain.stands) {
            double bytes = (double)(target - chain.stands);
            good = try_chain(r, b, &chain, target, 1.2 * bytes) && try_chain(r, b, &chain, target, 2 * bytes);
        }
        gr__aside_end(r);
    }
    return good;
}

typedef struct held_against { /* rules that take no more */
    gr__best *best;
    size_t target;
} held_against;

static bool take_rule(gr__rehearsal *r, const gr__script *s, void *user)
{
    held_against *x = user;
    gr__takes takes;
    gr__script one = {0};
    if (!gr__script_take(r, s, x->target, &takes)) return false;
    if (takes.peak > x->target || (x->best->any && takes.ns >= x->best->takes.ns)) return true;
    return gr__script_copy(r, s, &one) && gr__best_fit(r, x->best, &one, x->target);
}

bool gr__by_rules(gr__rehearsal *r, gr__script_taker *take, void *user)
{
    bool good = true, there = true;
    gr__script s = {0};
    for (int i = 0; good && there; i++) {
        if (!gr__aside_begin(r)) return false;
        good = gr__script_by_rule(r, i, &s, &there) && (!there || take(r, &s, user));
        gr__aside_end(r);
    }
    return good;
}

bool gr__script_within(gr__rehearsal *r, size_t target, gr__script *s)
{
    gr__best b = {.any = false};
    gr__script plain = {0};
    gr__takes takes;
    if (!gr__script_plain(r, &plain) || !gr__script_take(r, &plain, target, &takes)) return false;
    if (takes.peak <= target) return gr__script_copy(r, &plain, s);
    if (!gr__best_fit(r, &b, &plain, target)) return false;
    if (!try_chains(r, &b, target)) return false;
    if (!gr__by_rules(r, take_rule, &(held_against){&b, target})) return false;
    s->n = 0;
    return !b.any || gr__script_copy(r, &b.script, s);
}

/* ---- the least ---- */

/* Smaller step by step, as long as it can be done. */
static bool press(gr__rehearsal *r, gr__script *s, size_t *peak)
{
    gr__takes takes;
    gr__script other = {0};
    if (!gr__script_take(r, s, 0, &takes)) return false;
    *peak = takes.peak;
    for (int part = 8; part <= 128 && *peak > r->fixed;) {
        size_t step = GR_MAX((*peak - r->fixed) / (size_t)part, 64);
        if (!gr__script_copy(r, s, &other) || !gr__script_reduce(r, &other, *peak - step)) return false;
        if (!gr__script_take(r, &other, 0, &takes)) return false;
        if (takes.peak >= *peak) {
            part *= 4;
            continue;
        }
        *peak = takes.peak;
        if (!gr__script_copy(r, &other, s)) return false;
    }
    return true;
}

static bool keep_smaller(gr__rehearsal *r, const gr__script *s, gr__script *least, size_t *peak)
{
    gr__takes takes;
    if (!gr__script_take(r, s, 0, &takes)) return false;
    if (takes.peak >= *peak) return true;
    *peak = takes.peak;
    return gr__script_copy(r, s, least);
}

/* Tables of ever less memory, until none has a script. */
static bool least_of_chain(gr__rehearsal *r, int most, bool cheap, gr__script *least, size_t *peak)
{
    gr__chain chain;
    gr__script one = {0}, found = {0};
    gr__takes is;
    size_t bytes = r->stands_then, smallest = SIZE_MAX;
    if (!gr__chain_find(r, most, false, cheap, &chain)) return false;
    for (int round = 0; round < 3 && chain.n > 1; round++) {
        gr__optima *t = gr__optima_make(&chain, bytes);
        int slots = 1;
        if (!t) return false;
        while (slots <= GR__SLOTS && !gr__optima_script(t, slots, &one)) slots++;
        for (int more = slots; more <= GR_MIN(slots + 8, GR__SLOTS); more++) {
            if (!gr__optima_script(t, more, &one) || !gr__script_take(r, &one, 0, &is)) return false;
            if (is.peak >= smallest) continue;
            smallest = is.peak;
            if (!gr__script_copy(r, &one, &found)) return false;
        }
        if (slots > GR__SLOTS) break;
        bytes = bytes / GR__SLOTS * (size_t)GR_MIN(slots + 4, GR__SLOTS);
    }
    return found.n == 0 || keep_smaller(r, &found, least, peak);
}

typedef struct smallest {
    gr__script *script;
    size_t *peak;
} smallest;

static bool take_smaller(gr__rehearsal *r, const gr__script *s, void *user)
{
    smallest *x = user;
    return keep_smaller(r, s, x->script, x->peak);
}

/* The best of the chains and rules is pressed, and the step as it is. */
bool gr__script_least(gr__rehearsal *r, gr__script *s)
{
    size_t peak = SIZE_MAX;
    gr__script plain = {0}, found = {0};
    bool good = gr__script_plain(r, &plain) && gr__script_copy(r, &plain, &found);
    for (size_t i = 0; i < GR_COUNT(chains) && good; i++) {
        if (!gr__aside_begin(r)) return false;
        good = least_of_chain(r, chains[i].most, chains[i].cheap, &found, &peak);
        gr__aside_end(r);
    }
    good = good && gr__by_rules(r, take_smaller, &(smallest){&found, &peak});
    if (!good || !press(r, &found, &peak) || !gr__script_copy(r, &found, s)) return false;
    return press(r, &plain, &(size_t){0}) && keep_smaller(r, &plain, s, &peak);
}
