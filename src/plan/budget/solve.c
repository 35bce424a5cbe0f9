/* Ways of finding schedules, and which of them are asked. */
#include <math.h>

#include "plan/budget/budget.h"

static gr_budget_find *const ways[GR_BUDGET_WAYS] = {
    [GR_BUDGET_KEEP] = gr__budget_keep,       [GR_BUDGET_GREEDY] = gr__budget_greedy,
    [GR_BUDGET_CHAIN] = gr__budget_chain,     [GR_BUDGET_SEARCH] = gr__budget_search,
    [GR_BUDGET_PROGRAM] = gr__budget_program, [GR_BUDGET_ROUNDED] = gr__budget_rounded,
};

typedef struct asked {
    gr_context *ctx;
    gr__bump *b;
    const gr_budget_graph *g;
    int64_t budget;
    gr_budget_schedule *out;
    bool exact; /* what is there is the best, or nothing fits */
    bool found;
} asked;

/* Takes what a way finds, where it is cheaper, and the highest of the bounds. */
static gr_status ask(asked *a, gr_budget_way way, int64_t limit)
{
    gr_budget_found f = {0};
    gr_budget_schedule s = {0};
    double bound = a->out->bound;
    gr_status st = ways[way](a->ctx, a->b, a->g, a->budget, limit, &f);
    if (st == GR_OK && f.order) st = gr__budget_from_order(a->ctx, a->b, a->g, f.order, f.n, &s);
    if (st != GR_OK) return st;
    if (f.order && s.peak <= a->budget && (!a->found || s.cost < a->out->cost)) {
        *a->out = s;
        a->out->way = gr__budget_way_words[way];
        a->found = true;
    }
    a->out->bound = fmax(bound, f.bound);
    a->exact |= f.exact;
    return GR_OK;
}

/* Little that is sure first; then, where the search did not end, whatever takes such a graph. */
static gr_status ask_all(asked *a, int64_t limit)
{
    gr_status st = ask(a, GR_BUDGET_KEEP, 0);
    if (st == GR_OK && !a->found) st = ask(a, GR_BUDGET_SEARCH, limit);
    if (st == GR_OK && !a->exact) st = ask(a, GR_BUDGET_GREEDY, 0);
    bool chain = gr__budget_is_chain(a->g) && a->g->n <= 2 * GR_BUDGET_MOST_LAYERS;
    if (st == GR_OK && !a->exact && chain) st = ask(a, GR_BUDGET_CHAIN, 0);
    return st;
}

gr_status gr__budget_solve(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget,
                           const gr_budget_options *o, gr_budget_schedule *out)
{
    *out = (gr_budget_schedule){0};
    asked a = {.ctx = ctx, .b = b, .g = g, .budget = budget, .out = out};
    int64_t least = gr__budget_floor(g);
    for (int i = 0; i < g->n; i++) out->bound += g->cost[i];
    if (budget < least)
        return gr__fail(ctx, GR_E_BUDGET, "no schedule fits %lld bytes: a computation and what it reads need %lld",
                        (long long)budget, (long long)least);
    gr_status st = o->way == GR_BUDGET_AUTO ? ask_all(&a, o->limit) : ask(&a, o->way, o->limit);
    if (st == GR_OK && a.exact && a.found) out->bound = out->cost;
    if (st == GR_OK && !a.found)
        st = gr__fail(ctx, GR_E_BUDGET,
                      a.exact ? "no schedule fits %lld bytes" : "no schedule within %lld bytes was found",
                      (long long)budget);
    return st;
}
