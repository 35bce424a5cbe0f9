/* From an order of computations to a schedule: what each value is read by, and where it can go. */
#include <string.h>

#include "plan/budget/budget.h"

const char *const gr__budget_way_words[GR_BUDGET_WAYS + 1] = {
    "auto", "keep", "greedy", "chain", "search", "integer_program", "rounded"};

int64_t gr__budget_floor(const gr_budget_graph *g)
{
    int64_t most = 0;
    for (int i = 0; i < g->n; i++) {
        int64_t bytes = g->bytes[i];
        for (int e = g->first[i]; e < g->first[i + 1]; e++) bytes += g->bytes[g->from[e]];
        if (bytes > most) most = bytes;
    }
    return g->fixed + most;
}

/* last[at]: the place in the order that reads what is computed at place `at` for the last time; `at` where none does.
 */
static gr_status find_last(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, const int *order, int n, int *last)
{
    int *stands = gr__bump_alloc(b, sizeof *stands * (size_t)(g->n + 1)); /* computed at, + 1 */
    if (!stands) return gr__error_code(ctx);
    for (int at = 0; at < n; at++) {
        int node = order[at];
        for (int e = g->first[node]; e < g->first[node + 1]; e++) {
            if (!stands[g->from[e]])
                return gr__fail(ctx, GR_E_INTERNAL, "a schedule computes %d without %d", node, g->from[e]);
            last[stands[g->from[e]] - 1] = at;
        }
        stands[node] = at + 1;
        last[at] = at;
    }
    return GR_OK;
}

gr_status gr__budget_from_order(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, const int *order, int n,
                                gr_budget_schedule *out)
{
    int64_t bytes = g->fixed;
    int *last = gr__bump_alloc(b, sizeof *last * (size_t)(n + 1));
    /* values that go behind a place, as lists: the first of each place, and from one to the next; + 1 */
    int *goes = gr__bump_alloc(b, sizeof *goes * (size_t)(n + 1)),
        *next = gr__bump_alloc(b, sizeof *next * (size_t)(n + 1));
    *out = (gr_budget_schedule){.step = gr__bump_alloc(b, sizeof *out->step * (size_t)(2 * n + 1)), .peak = bytes};
    if (!last || !goes || !next || !out->step) return gr__error_code(ctx);
    gr_status st = find_last(ctx, b, g, order, n, last);
    for (int at = n; st == GR_OK && at-- > 0;) next[at] = goes[last[at]], goes[last[at]] = at + 1;
    for (int at = 0; st == GR_OK && at < n; at++) {
        out->step[out->n++] = (gr_budget_step){.node = order[at]};
        out->cost += g->cost[order[at]];
        bytes += g->bytes[order[at]];
        if (bytes > out->peak) out->peak = bytes;
        for (int gone = goes[at]; gone; gone = next[gone - 1]) {
            out->step[out->n++] = (gr_budget_step){.node = order[gone - 1], .frees = true};
            bytes -= g->bytes[order[gone - 1]];
        }
    }
    return st;
}

gr_status gr__budget_keep(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget, int64_t limit,
                          gr_budget_found *out)
{
    (void)limit;
    gr_budget_schedule all;
    int *order = gr__bump_alloc(b, sizeof *order * (size_t)(g->n + 1));
    if (!order) return gr__error_code(ctx);
    for (int i = 0; i < g->n; i++) order[i] = i, out->bound += g->cost[i];
    gr_status st = gr__budget_from_order(ctx, b, g, order, g->n, &all);
    if (st == GR_OK && all.peak <= budget) *out = (gr_budget_found){order, g->n, out->bound, true};
    return st;
}

gr_status gr__budget_from_kept(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, const bool *kept,
                               gr_budget_found *out)
{
    int n = g->n, count = 0;
    bool *run = gr__bump_alloc(b, sizeof *run * (size_t)n * (size_t)n + 1);
    if (!run) return gr__error_code(ctx);
    for (int t = 0; t < n; t++) {
        const bool *here = kept + t * n, *later = t + 1 < n ? here + n : NULL;
        bool *of = run + t * n;
        for (int i = 0; i <= t; i++) of[i] = i == t || (later && later[i] && !here[i]);
        for (int i = t; i >= 0; i--)
            for (int e = g->first[i]; of[i] && e < g->first[i + 1]; e++)
                if (!here[g->from[e]]) of[g->from[e]] = true;
        for (int i = 0; i <= t; i++) count += of[i];
    }
    out->order = gr__bump_alloc(b, sizeof *out->order * (size_t)(count + 1));
    out->n = 0;
    if (!out->order) return gr__error_code(ctx);
    for (int t = 0; t < n; t++)
        for (int i = 0; i <= t; i++)
            if (run[t * n + i]) out->order[out->n++] = i;
    return GR_OK;
}
