/* Keeping to a budget. Several ways are gone, and the fastest script that fits is taken: the step as it is made smaller
 * where it must be, and the best scripts of the chain, with and without values that are cheap to make anew. What is too
 * large is reduced, what has room left is relaxed. */
#include "plan/remat/remat.h"

typedef struct best {
    gr__script script;
    gr__takes takes;
    bool any;
} best;

/* The faster of two that fit. */
static bool consider(gr__rehearsal *r, best *b, const gr__script *s, size_t target)
{
    gr__takes takes;
    if (!gr__script_take(r, s, target, &takes)) return false;
    if (takes.peak > target || (b->any && takes.ns >= b->takes.ns)) return true;
    b->takes = takes;
    b->any = true;
    return gr__script_copy(r, s, &b->script);
}

/* Made to fit, if it can be, and then as fast as it can be. */
static bool fit(gr__rehearsal *r, best *b, gr__script *s, size_t target)
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
static bool try_chain(gr__rehearsal *r, best *b, bool cheap, size_t target)
{
    gr__chain chain;
    gr__script one = {0}, found = {0};
    gr__takes is, was = {.peak = SIZE_MAX};
    if (!gr__chain_find(r, false, cheap, &chain)) return false;
    if (chain.n < 2 || target <= chain.stands) return true;
    gr__optima *t = gr__optima_make(&chain, (target - chain.stands) / 4 * 5);
    if (!t) return false;
    for (int slots = 1; slots <= GR__SLOTS; slots++) {
        if (!gr__optima_script(t, slots, &one)) continue;
        if (!gr__script_take(r, &one, target, &is)) return false;
        bool better = is.peak <= target ? was.peak > target || is.ns < was.ns : is.peak < was.peak;
        if (!better) continue;
        was = is;
        if (!gr__script_copy(r, &one, &found)) return false;
    }
    return found.n == 0 || fit(r, b, &found, target);
}

bool gr__script_within(gr__rehearsal *r, size_t target, gr__script *s)
{
    best b = {.any = false};
    gr__script plain = {0};
    gr__takes takes;
    if (!gr__script_plain(r, &plain) || !gr__script_take(r, &plain, target, &takes)) return false;
    if (takes.peak <= target) return gr__script_copy(r, &plain, s);
    if (!fit(r, &b, &plain, target)) return false;
    if (!try_chain(r, &b, true, target) || !try_chain(r, &b, false, target)) return false;
    return b.any ? gr__script_copy(r, &b.script, s) : gr__script_least(r, s);
}

/* ---- the least ---- */

/* Smaller by small steps, as long as it can be done. */
static bool press(gr__rehearsal *r, gr__script *s, size_t *peak)
{
    gr__takes takes;
    if (!gr__script_take(r, s, 0, &takes)) return false;
    for (;;) {
        *peak = takes.peak;
        size_t target = takes.peak - GR_MAX((takes.peak - r->fixed) / 50, 64);
        if (takes.peak <= r->fixed || !gr__script_reduce(r, s, target)) return takes.peak <= r->fixed;
        if (!gr__script_take(r, s, 0, &takes)) return false;
        if (takes.peak >= *peak) return true;
    }
}

static bool keep_smaller(gr__rehearsal *r, gr__script *s, gr__script *least, size_t *peak)
{
    size_t is;
    if (!press(r, s, &is)) return false;
    if (is >= *peak) return true;
    *peak = is;
    return gr__script_copy(r, s, least);
}

/* Tables of ever less memory, until none has a script. */
static bool least_of_chain(gr__rehearsal *r, bool cheap, gr__script *least, size_t *peak)
{
    gr__chain chain;
    gr__script one = {0}, found = {0};
    gr__takes is;
    size_t bytes = r->stands_then, smallest = SIZE_MAX;
    if (!gr__chain_find(r, false, cheap, &chain)) return false;
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

bool gr__script_least(gr__rehearsal *r, gr__script *s)
{
    size_t peak = SIZE_MAX;
    gr__script plain = {0};
    if (!gr__script_plain(r, &plain) || !keep_smaller(r, &plain, s, &peak)) return false;
    return least_of_chain(r, true, s, &peak) && least_of_chain(r, false, s, &peak);
}
