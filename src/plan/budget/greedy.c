/* Computations in their order; where one has no room, of the values that stand the one goes whose return costs least
 * for the bytes it gives and the time that they are free: what it costs to compute it again, with all that it reads and
 * that does not stand any more, over its bytes and the computations until it is read next. [Kirisame et al. 2021, whose
 * order is of the past; here the future is known] */
#include <math.h>
#include <string.h>

#include "plan/budget/budget.h"

enum { MOST_RUNS_EACH = 64 }; /* a graph of n computations ends after n times as many */

typedef struct greedy {
    gr_context *ctx;
    gr__bump *b;
    const gr_budget_graph *g;
    int64_t budget, bytes;
    bool *stands, *seen;
    int *held;   /* by how many computations whose values are being made ready */
    int *reader; /* of each value, its readers, as lists in rising order: */
    int *first_reader;
    int done; /* computations that have run for the first time */
    int *order;
    int n, room;
} greedy;

static gr_status prepare(greedy *s)
{
    const gr_budget_graph *g = s->g;
    size_t n = (size_t)g->n;
    s->room = g->n * MOST_RUNS_EACH + 1;
    s->stands = gr__bump_alloc(s->b, n + 1);
    s->held = gr__bump_alloc(s->b, sizeof(int) * (n + 1));
    s->seen = gr__bump_alloc(s->b, n + 1);
    s->first_reader = gr__bump_alloc(s->b, sizeof(int) * (n + 2));
    s->reader = gr__bump_alloc(s->b, sizeof(int) * ((size_t)g->first[n] + 1));
    s->order = gr__bump_alloc(s->b, sizeof(int) * (size_t)s->room);
    if (!s->stands || !s->held || !s->seen || !s->first_reader || !s->reader || !s->order)
        return gr__error_code(s->ctx);
    int *at = s->first_reader;
    for (int e = 0; e < g->first[n]; e++) at[g->from[e] + 1]++;
    for (int i = 0; i < g->n; i++) at[i + 1] += at[i];
    for (int i = g->n; i-- > 0;) /* from behind, so that the lists' ends become their beginnings */
        for (int e = g->first[i]; e < g->first[i + 1]; e++) s->reader[--at[g->from[e] + 1]] = i;
    memmove(at, at + 1, sizeof *at * n);
    at[n] = g->first[n];
    return GR_OK;
}

/* What it costs to have i again, i's own computation included. */
static double again(greedy *s, int i)
{
    const gr_budget_graph *g = s->g;
    double cost = 0;
    memset(s->seen, 0, (size_t)g->n);
    s->seen[i] = true;
    for (int k = i; k >= 0; k--) {
        if (!s->seen[k]) continue;
        cost += g->cost[k];
        for (int e = g->first[k]; e < g->first[k + 1]; e++)
            if (!s->stands[g->from[e]]) s->seen[g->from[e]] = true;
    }
    return cost;
}

/* Who reads i next, of those that have not run; n: nobody. */
static int next_reader(const greedy *s, int i)
{
    for (int e = s->first_reader[i]; e < s->first_reader[i + 1]; e++)
        if (s->reader[e] >= s->done) return s->reader[e];
    return s->g->n;
}

static bool make_room(greedy *s, int64_t bytes)
{
    const gr_budget_graph *g = s->g;
    while (s->bytes + bytes > s->budget) {
        int best = -1;
        double least = INFINITY;
        for (int i = 0; i < s->done; i++) {
            if (!s->stands[i] || s->held[i] || g->bytes[i] == 0) continue;
            int next = next_reader(s, i);
            double worth = next == g->n ? 0 : again(s, i) / ((double)g->bytes[i] * (double)(1 + next - s->done));
            if (worth < least) least = worth, best = i;
        }
        if (best < 0) return false;
        s->stands[best] = false;
        s->bytes -= g->bytes[best];
    }
    return true;
}

/* What i reads is made to stand and is held, the last first; then i is computed. False: no room. */
static bool compute(greedy *s, int i)
{
    const gr_budget_graph *g = s->g;
    bool good = true;
    for (int e = g->first[i + 1]; good && e-- > g->first[i];) {
        if (!s->stands[g->from[e]]) good = compute(s, g->from[e]);
        s->held[g->from[e]]++;
    }
    if (!good || s->n == s->room || !make_room(s, g->bytes[i])) return false;
    for (int e = g->first[i]; e < g->first[i + 1]; e++) s->held[g->from[e]]--;
    s->bytes += g->bytes[i];
    s->stands[i] = true;
    s->order[s->n++] = i;
    return true;
}

gr_status gr__budget_greedy(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget, int64_t limit,
                            gr_budget_found *out)
{
    (void)limit;
    greedy s = {.ctx = ctx, .b = b, .g = g, .budget = budget, .bytes = g->fixed};
    gr_status st = prepare(&s);
    bool good = st == GR_OK;
    for (; good && s.done < g->n; s.done++) good = compute(&s, s.done);
    if (good) out->order = s.order, out->n = s.n;
    return st;
}
