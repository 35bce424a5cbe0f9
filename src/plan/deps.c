/* Which unit needs which, and which is needed by which: kept complete under joining, so that every question is a look
 * at a few words of bits. */
#include <string.h>

#include "plan/plan.h"

static uint64_t *row(const gr__deps *d, uint64_t *table, int unit)
{
    return table + (size_t)unit * d->words;
}

static uint64_t bit(int unit)
{
    return UINT64_C(1) << (unit % 64);
}

bool gr__deps_create(gr__deps *d, gr__bump *memory, int n)
{
    d->n = n;
    d->words = ((size_t)n + 63) / 64;
    size_t bytes = (size_t)n * d->words * sizeof(uint64_t);
    d->above = gr__bump_alloc(memory, bytes);
    d->below = gr__bump_alloc(memory, bytes);
    d->rows = gr__bump_alloc(memory, 2 * d->words * sizeof(uint64_t));
    return d->above && d->below && d->rows;
}

bool gr__deps_has(const gr__deps *d, int unit, int above)
{
    return row(d, d->above, unit)[above / 64] & bit(above);
}

static int list(const gr__deps *d, const uint64_t *bits, int *units)
{
    int n = 0;
    for (size_t w = 0; w < d->words; w++)
        for (uint64_t left = bits[w]; left; left &= left - 1) units[n++] = (int)w * 64 + __builtin_ctzll(left);
    return n;
}

int gr__deps_above(const gr__deps *d, int unit, int *units)
{
    return list(d, row(d, d->above, unit), units);
}

int gr__deps_below(const gr__deps *d, int unit, int *units)
{
    return list(d, row(d, d->below, unit), units);
}

/* table[x] |= bits for every x of `which`. */
static void include(gr__deps *d, uint64_t *table, const uint64_t *which, const uint64_t *bits)
{
    size_t first = 0, end = d->words;
    while (first < end && !bits[first]) first++;
    while (end > first && !bits[end - 1]) end--;
    if (first == end) return;
    for (size_t w = 0; w < d->words; w++)
        for (uint64_t left = which[w]; left; left &= left - 1) {
            uint64_t *to = row(d, table, (int)w * 64 + __builtin_ctzll(left));
            for (size_t i = first; i < end; i++) to[i] |= bits[i];
        }
}

/* `unit` and all that need it need `above` and all that it needs. */
static void connect(gr__deps *d, int unit, int above)
{
    uint64_t *lower = d->rows, *upper = d->rows + d->words;
    memcpy(lower, row(d, d->below, unit), d->words * sizeof *lower);
    memcpy(upper, row(d, d->above, above), d->words * sizeof *upper);
    lower[unit / 64] |= bit(unit);
    upper[above / 64] |= bit(above);
    include(d, d->above, lower, upper);
    include(d, d->below, upper, lower);
}

void gr__deps_add(gr__deps *d, int unit, int above)
{
    if (unit != above && !gr__deps_has(d, unit, above)) connect(d, unit, above);
}

/* Is there a third unit that needs `first` and that `last` needs? */
static bool between(const gr__deps *d, int first, int last)
{
    const uint64_t *a = row(d, d->above, last), *b = row(d, d->below, first);
    for (size_t w = 0; w < d->words; w++)
        if (a[w] & b[w]) return true;
    return false;
}

bool gr__deps_joinable(const gr__deps *d, int a, int b)
{
    return !between(d, a, b) && !between(d, b, a);
}

static void forget(gr__deps *d, uint64_t *table, const uint64_t *which, int unit)
{
    for (size_t w = 0; w < d->words; w++)
        for (uint64_t left = which[w]; left; left &= left - 1)
            row(d, table, (int)w * 64 + __builtin_ctzll(left))[unit / 64] &= ~bit(unit);
}

/* What is above `from` but not above `to` now stands above `to` and all that need it. */
static void inherit(gr__deps *d, int to, int from)
{
    uint64_t *lower = d->rows, *upper = d->rows + d->words;
    const uint64_t *theirs = row(d, d->above, from), *mine = row(d, d->above, to);
    memcpy(lower, row(d, d->below, to), d->words * sizeof *lower);
    lower[to / 64] |= bit(to);
    for (size_t w = 0; w < d->words; w++) upper[w] = theirs[w] & ~mine[w];
    upper[to / 64] &= ~bit(to);
    include(d, d->above, lower, upper);
    include(d, d->below, upper, lower);
}

void gr__deps_join(gr__deps *d, int a, int b)
{
    uint64_t *above = row(d, d->above, b), *below = row(d, d->below, b), *mine = row(d, d->below, a);
    inherit(d, a, b);
    for (size_t w = 0; w < d->words; w++)
        for (uint64_t left = below[w]; left; left &= left - 1) {
            int x = (int)w * 64 + __builtin_ctzll(left);
            if (x != a) gr__deps_add(d, x, a);
        }
    forget(d, d->above, below, b);
    forget(d, d->below, above, b);
    mine[a / 64] &= ~bit(a);
    row(d, d->above, a)[a / 64] &= ~bit(a);
    memset(above, 0, d->words * sizeof *above);
    memset(below, 0, d->words * sizeof *below);
}
