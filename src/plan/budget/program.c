/* Checkmate's integer program, and its relaxation. In stage t computation t runs for the first time; of what came
 * before some values stand (S) and some are computed again (R); U is the memory behind each computation of a stage,
 * from which what is freed (FREE) is taken. Solved by CBC, whose library is looked up when it is wanted; what it says
 * is checked by counting the schedule's bytes. [Jain et al. 2020, equations 1 to 9; Forrest et al., CBC] */
#include <math.h>
#include <string.h>

#include "plan/budget/budget.h"
#include "plan/budget/solver.h"

static const int64_t USUAL_LIMIT = 20000; /* nodes of the tree */
static const double MOST_UNITS = 1e6;     /* that the budget is counted in: the solver's tolerance is 1e-7 or so */
enum { MOST_COMPUTATIONS = 150 };

/* ---- the program ---- */

typedef struct program {
    gr_context *ctx;
    gr__bump *b;
    const gr_budget_graph *g;
    double unit, budget; /* bytes of a unit; units */
    gr__integer_program is;
    int *run, *kept, *memory; /* columns, [t * n + i]; run and memory: i <= t; kept: i < t */
    int *gone;                /* [t * edges + e]: the value that edge e reads goes behind its reader; then, a
                                 computation each, the value of the computation itself */
} program;

static void add(program *p, int column, double by)
{
    gr__integer_term_add(&p->is, column, by);
}

/* The terms since the last row are one: low <= their sum <= high. */
static void row(program *p, double low, double high)
{
    gr__integer_row(&p->is, low, high);
}

static int column(program *p, double low, double high, double cost, bool whole)
{
    return gr__integer_column(&p->is, low, high, cost, whole);
}

static double size(const program *p, int i)
{
    return ceil((double)p->g->bytes[i] / p->unit);
}

static gr_status make_columns(program *p)
{
    const gr_budget_graph *g = p->g;
    size_t n = (size_t)g->n, edges = (size_t)g->first[n];
    p->run = gr__bump_alloc(p->b, sizeof(int) * n * n + 1);
    p->kept = gr__bump_alloc(p->b, sizeof(int) * n * n + 1);
    p->memory = gr__bump_alloc(p->b, sizeof(int) * n * n + 1);
    p->gone = gr__bump_alloc(p->b, sizeof(int) * n * (edges + n) + 1);
    if (!p->run || !p->kept || !p->memory || !p->gone) return gr__error_code(p->ctx);
    for (int t = 0; t < g->n; t++)
        for (int i = 0; i <= t; i++) {
            p->run[t * g->n + i] = column(p, i == t, 1, g->cost[i], true);
            if (i < t) p->kept[t * g->n + i] = column(p, 0, 1, 0, true);
            p->memory[t * g->n + i] = column(p, 0, p->budget, 0, false);
            int *gone = p->gone + t * ((int)edges + g->n);
            for (int e = g->first[i]; e < g->first[i + 1]; e++) gone[e] = column(p, 0, 1, 0, true);
            gone[(int)edges + i] = column(p, 0, 1, 0, true);
        }
    return GR_OK;
}

/* (f): 1 - FREE <= h, k (1 - FREE) >= h, where h counts what stands against value i going behind k in stage t. */
static void hazards(program *p, int t, int i, int k, int gone)
{
    const gr_budget_graph *g = p->g;
    for (int second = 0; second < 2; second++) {
        double most = 1;
        add(p, p->run[t * g->n + k], -1);
        if (t + 1 < g->n) add(p, p->kept[(t + 1) * g->n + i], 1), most++;
        for (int j = k + 1; j <= t; j++)
            for (int e = g->first[j]; e < g->first[j + 1]; e++)
                if (g->from[e] == i) add(p, p->run[t * g->n + j], 1), most++;
        add(p, gone, second ? most : 1);
        if (second)
            row(p, -INFINITY, most - 1); /* h <= most (1 - FREE) */
        else
            row(p, 0, INFINITY); /* h >= 1 - FREE */
    }
}

static void stage(program *p, int t)
{
    const gr_budget_graph *g = p->g;
    int n = g->n, edges = g->first[n];
    const int *run = p->run + t * n, *kept = p->kept + t * n, *memory = p->memory + t * n;
    const int *gone = p->gone + t * (edges + n);
    for (int k = 0; k <= t; k++) {
        for (int e = g->first[k]; e < g->first[k + 1]; e++) { /* (b) */
            add(p, run[k], 1), add(p, run[g->from[e]], -1);
            add(p, kept[g->from[e]], -1);
            row(p, -INFINITY, 0);
            hazards(p, t, g->from[e], k, gone[e]);
        }
        hazards(p, t, k, k, gone[edges + k]);
        add(p, memory[k], 1), add(p, run[k], -size(p, k)); /* (d), (e) */
        for (int i = 0; k == 0 && i < t; i++) add(p, kept[i], -size(p, i));
        if (k > 0) {
            add(p, memory[k - 1], -1), add(p, gone[edges + k - 1], size(p, k - 1));
            for (int e = g->first[k - 1]; e < g->first[k]; e++) add(p, gone[e], size(p, g->from[e]));
        }
        row(p, 0, 0);
    }
    for (int i = 0; i < t; i++) { /* (c) */
        add(p, kept[i], 1), add(p, run[i - n], -1);
        if (i < t - 1) add(p, kept[i - n], -1);
        row(p, -INFINITY, 0);
    }
}

static gr_status make_program(program *p, int64_t budget)
{
    const gr_budget_graph *g = p->g;
    int64_t a, common = 0;
    for (int i = 0; i < g->n; i++)
        for (int64_t b = g->bytes[i], rest; b; b = rest) a = common ? common : b, rest = a % b, common = b; /* Euclid */
    double room = (double)(budget - g->fixed);
    p->unit = fmax(1, (double)common);
    if (room / p->unit > MOST_UNITS) p->unit = room / MOST_UNITS;
    p->budget = floor(room / p->unit + 1e-9);
    gr_status st = make_columns(p);
    for (int t = 0; st == GR_OK && t < g->n; t++) stage(p, t);
    return st == GR_OK && p->is.failed ? gr__error_code(p->ctx) : st;
}

/* kept: S, each above `least` taken as 1. */
static void read_kept(const program *p, const double *x, double least, bool *kept)
{
    int n = p->g->n;
    memset(kept, 0, (size_t)n * (size_t)n);
    for (int t = 1; t < n; t++)
        for (int i = 0; i < t; i++) kept[t * n + i] = x[p->kept[t * n + i]] >= least;
}

/* Takes what keeps these, if it fits and is cheaper. */
static gr_status consider(const program *p, gr__bump *b, const bool *kept, int64_t budget, double *least,
                          gr_budget_found *out)
{
    gr_budget_found found = {0};
    gr_budget_schedule s;
    gr_status st = gr__budget_from_kept(p->ctx, b, p->g, kept, &found);
    if (st == GR_OK) st = gr__budget_from_order(p->ctx, b, p->g, found.order, found.n, &s);
    if (st == GR_OK && s.peak <= budget && s.cost < *least) {
        *least = s.cost;
        out->order = found.order, out->n = found.n;
    }
    return st;
}

/* What the solver says of the program, as schedules. */
static gr_status ask(const program *p, gr__bump *b, int64_t budget, int64_t limit, double *least, gr_budget_found *out)
{
    bool whole = limit > 0, *kept = gr__bump_alloc(p->b, (size_t)p->g->n * (size_t)p->g->n);
    gr__integer_answer is;
    if (!kept) return gr__error_code(p->ctx);
    gr_status st = gr__integer_solve(&p->is, limit, 0, p->b, &is);
    if (st != GR_OK) return st;
    if (is.value) out->bound = is.bound;
    out->exact = whole && (is.optimal || is.none);
    for (int k = whole ? 5 : 1; is.value && st == GR_OK && k <= (whole ? 5 : 9); k++) {
        read_kept(p, is.value, 0.1 * k, kept);
        st = consider(p, b, kept, budget, least, out);
    }
    return st;
}

/* The program of `room` bytes; what comes of it may take `budget`. limit 0: its relaxation. */
static gr_status run(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget, int64_t room,
                     int64_t limit, double *least, gr_budget_found *out)
{
    program p = {.ctx = ctx, .g = g, .is = {.ctx = ctx}};
    gr_status st = gr__integer_solver(ctx);
    if (st == GR_OK && g->n > MOST_COMPUTATIONS)
        st = gr__fail(ctx, GR_E_CONFLICT, "the integer program takes at most %d computations, not %d",
                      MOST_COMPUTATIONS, g->n);
    if (st != GR_OK || room < g->fixed || g->n == 0) return st;
    gr__bump *work = p.b = gr__bump_create(ctx);
    if (!work) return gr__error_code(ctx);
    double bound = out->bound;
    st = make_program(&p, room);
    if (st == GR_OK) st = ask(&p, b, budget, limit, least, out);
    if (room < budget) out->bound = bound; /* that of less memory bounds nothing */
    gr__integer_close(&p.is);
    gr__bump_destroy(work);
    return st;
}

gr_status gr__budget_program(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget, int64_t limit,
                             gr_budget_found *out)
{
    double least = INFINITY;
    return run(ctx, b, g, budget, budget, limit ? limit : USUAL_LIMIT, &least, out);
}

/* With a tenth of the budget to spare, as the paper has it, and with none, which bounds the cost from below. */
gr_status gr__budget_rounded(gr_context *ctx, gr__bump *b, const gr_budget_graph *g, int64_t budget, int64_t limit,
                             gr_budget_found *out)
{
    (void)limit;
    double least = INFINITY;
    gr_status st = run(ctx, b, g, budget, budget, 0, &least, out);
    if (st == GR_OK) st = run(ctx, b, g, budget, g->fixed + (budget - g->fixed) / 10 * 9, 0, &least, out);
    return st;
}
