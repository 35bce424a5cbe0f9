/* The forward and backward pass of a chain: layers 0 to L-1, each with a value; the backward computation of layer i
 * reads the gradient of layer i + 1 and the values i and i - 1. A stretch of layers is split at one whose value is kept
 * while the upper part runs forward and backward; the dynamic programme finds the best splits for every memory. Bytes
 * are counted in units of the budget's share of SLOTS, values rounded up, the budget down, unless all sizes have a
 * common divisor that is coarse enough to be exact. [Beaumont, Eyraud-Dubois, Herrmann, Joly & Shilova 2019: values
 * that are dropped and made again are kept until they are read] */
#include <math.h>
#include <string.h>

#include "plan/budget/budget.h"

enum { SLOTS = 500 };

bool gr__budget_is_chain(const gr_budget_graph *g)
{
    int layers = g->n / 2;
    if (g->n < 2 || g->n % 2) return false;
    for (int i = 0; i < g->n; i++) {
        int layer = g->n - 1 - i; /* of the backward pass */
        for (int e = g->first[i]; e < g->first[i + 1]; e++) {
            int from = g->from[e];
            bool forward = i < layers && from == i - 1;
            bool backward = i >= layers && (from == layer || from == layer - 1 || (from == i - 1 && from >= layers));
            if (!forward && !backward) return false;
        }
    }
    return true;
}

typedef struct best {
    bool known;
    int split; /* of the stretch: the layer whose value is kept; -1: it is one layer; -2: it does not fit */
    double cost;
    bool keeps; /* behind the upper part, the value that was kept is still there for the lower one */
} best;

typedef struct chain {
    gr_context *ctx;
    gr__bump *b;
    const gr_budget_graph *g;
    int layers, slots;
    int64_t unit;
    best *table; /* [stands][first][last][memory] */
    int *order, n;
} chain;

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

static int units(const chain *s, int64_t bytes)
{
    return (int)((bytes + s->unit - 1) / s->unit);
}

static int value(const chain *s, int layer)
{
    return units(s, s->g->bytes[layer]);
}

static int gradient(const chain *s, int layer) /* of what the backward computation of a layer makes; none: 0 */
{
    return layer < s->layers ? units(s, s->g->bytes[s->g->n - 1 - layer]) : 0;
}

static best *look_up(const chain *s, bool stands, int first, int last, int memory)
{
    size_t l = (size_t)s->layers;
    return &s->table[((((size_t)stands * l + (size_t)first) * l) + (size_t)last) * (size_t)(s->slots + 1) +
                     (size_t)memory];
}

/* Layers `first` to `last`, forward and backward. The value before them stands, and where `stands` is, so does that of
 * `last`; neither counts into `memory`, which the gradient of the layer above does. */
static double solve(chain *s, bool stands, int first, int last, int memory)
{
    const gr_budget_graph *g = s->g;
    if (memory < 0) return INFINITY;
    best *x = look_up(s, stands, first, last, memory);
    if (x->known) return x->cost;
    int above = gradient(s, last + 1), own = stands ? 0 : value(s, last);
    *x = (best){.known = true, .split = -2, .cost = INFINITY};
    if (first == last) {
        if (above + own + gradient(s, last) > memory) return x->cost;
        x->split = -1;
        return x->cost = g->cost[g->n - 1 - last] + (stands ? 0 : g->cost[last]);
    }
    double forward = 0;
    for (int k = first; k < last; k++) {
        int before = k > first ? value(s, k - 1) : 0;
        if (above + before + value(s, k) > memory) break; /* nor does what is further fit */
        forward += g->cost[k];
        double upper = forward + solve(s, stands, k + 1, last, memory - value(s, k));
        if (!(upper < x->cost)) continue;
        int left = memory + (stands ? value(s, last) : 0); /* for the lower part: the value of `last` is gone */
        if (left > s->slots) left = s->slots;
        double kept = upper + solve(s, true, first, k, left - value(s, k)),
               dropped = upper + solve(s, false, first, k, left);
        if (fmin(kept, dropped) < x->cost)
            *x = (best){.known = true, .split = k, .cost = fmin(kept, dropped), .keeps = kept <= dropped};
    }
    return x->cost;
}

static void put(chain *s, int node)
{
    s->order[s->n++] = node;
}

static int64_t count(const chain *s, bool stands, int first, int last, int memory)
{
    const best *x = look_up(s, stands, first, last, memory);
    if (x->split < 0) return stands ? 1 : 2;
    int k = x->split, left = GR_MIN(s->slots, memory + (stands ? value(s, last) : 0));
    return k - first + 1 + count(s, stands, k + 1, last, memory - value(s, k)) +
           count(s, x->keeps, first, k, x->keeps ? left - value(s, k) : left);
}

static void tell(chain *s, bool stands, int first, int last, int memory)
{
    const best *x = look_up(s, stands, first, last, memory);
    if (x->split < 0) {
        if (!stands) put(s, last);
        put(s, s->g->n - 1 - last);
        return;
    }
    int k = x->split, left = GR_MIN(s->slots, memory + (stands ? value(s, last) : 0));
    for (int i = first; i <= k; i++) put(s, i);
    tell(s, stands, k + 1, last, memory - value(s, k));
    tell(s, x->keeps, first, k, x->keeps ? left - value(s, k) : left);
}

gr_status gr__budget_chain(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget, int64_t limit,
                           gr_budget_found *out)
{
    (void)limit;
    chain s = {.ctx = ctx, .g = g, .layers = g->n / 2};
    int64_t memory = budget - g->fixed, all = 0, unit = 0;
    if (!gr__budget_is_chain(g))
        return gr__fail(ctx, GR_E_CONFLICT, "chain takes the forward and backward pass of a chain of layers alone");
    if (s.layers > GR_BUDGET_MOST_LAYERS)
        return gr__fail(ctx, GR_E_CONFLICT, "chain takes at most %d layers, not %d", GR_BUDGET_MOST_LAYERS, s.layers);
    for (int i = 0; i < g->n; i++) all += g->bytes[i], unit = greatest_divisor(g->bytes[i], unit);
    memory = GR_MIN(memory, all);
    if (memory < 0) return GR_OK;
    s.unit = GR_MAX((int64_t)1, unit);
    if (memory / s.unit > SLOTS) s.unit = (memory + SLOTS - 1) / SLOTS;
    s.slots = (int)(memory / s.unit);
    gr__bump *work = s.b = gr__bump_create(ctx);
    if (!work) return gr__error_code(ctx);
    size_t l = (size_t)s.layers;
    s.table = gr__bump_alloc(work, sizeof *s.table * 2 * l * l * (size_t)(s.slots + 1));
    gr_status st = s.table ? GR_OK : gr__error_code(ctx);
    if (st == GR_OK && isfinite(solve(&s, false, 0, s.layers - 1, s.slots))) {
        s.order = gr__bump_alloc(b, sizeof *s.order * (size_t)(count(&s, false, 0, s.layers - 1, s.slots) + 1));
        st = s.order ? GR_OK : gr__error_code(ctx);
        if (st == GR_OK) tell(&s, false, 0, s.layers - 1, s.slots);
        out->order = s.order, out->n = s.n;
    }
    gr__bump_destroy(work);
    return st;
}
