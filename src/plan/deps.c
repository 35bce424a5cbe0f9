/* Which unit needs which, kept complete under joining, so that every question is a look at bits. */
#include "plan/plan.h"

static uint64_t *row(const gr__deps *d, int unit)
{
    return d->above + (size_t)unit * d->words;
}

static uint64_t bit(int unit)
{
    return UINT64_C(1) << (unit % 64);
}

bool gr__deps_create(gr__deps *d, gr__bump *memory, int n)
{
    d->n = n;
    d->words = ((size_t)n + 63) / 64;
    d->above = gr__bump_alloc(memory, (size_t)n * d->words * sizeof *d->above);
    return d->above != NULL;
}

bool gr__deps_has(const gr__deps *d, int unit, int above)
{
    return row(d, unit)[above / 64] & bit(above);
}

static void include(gr__deps *d, int unit, int above)
{
    uint64_t *to = row(d, unit);
    const uint64_t *from = row(d, above);
    for (size_t w = 0; w < d->words; w++) to[w] |= from[w];
    to[above / 64] |= bit(above);
}

void gr__deps_add(gr__deps *d, int unit, int above)
{
    if (unit == above || gr__deps_has(d, unit, above)) return;
    include(d, unit, above);
    for (int x = 0; x < d->n; x++)
        if (gr__deps_has(d, x, unit)) include(d, x, unit);
}

/* Is there a third unit that needs `first` and that `last` needs? */
static bool between(const gr__deps *d, int first, int last)
{
    if (!gr__deps_has(d, last, first)) return false;
    for (int x = 0; x < d->n; x++)
        if (x != first && gr__deps_has(d, last, x) && gr__deps_has(d, x, first)) return true;
    return false;
}

bool gr__deps_joinable(const gr__deps *d, int a, int b)
{
    return !between(d, a, b) && !between(d, b, a);
}

void gr__deps_join(gr__deps *d, int a, int b)
{
    uint64_t *to = row(d, a), *from = row(d, b);
    for (size_t w = 0; w < d->words; w++) {
        to[w] |= from[w];
        from[w] = 0;
    }
    to[a / 64] &= ~bit(a);
    to[b / 64] &= ~bit(b);
    for (int x = 0; x < d->n; x++) {
        bool needs = gr__deps_has(d, x, a) || gr__deps_has(d, x, b);
        row(d, x)[b / 64] &= ~bit(b);
        if (needs && x != a) include(d, x, a);
    }
}
