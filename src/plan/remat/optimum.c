/* The best script within a budget, as far as it can be known: what keeping to a budget finds anyway, and scripts from
 * the integer program and its relaxation, with few stages and with more. How far from the best that may be is known
 * from the program: no script computes less again than its bound. Where there is no solver, the bound is what one
 * frontier says by itself: of the values that stand there and are made before it, those go that cost least for their
 * bytes. All limits are of nodes, so that every machine finds the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/budget/solver.h"
#include "plan/remat/remat.h"

enum { NODES = 400 };

/* ---- without a solver ---- */

typedef struct freed { /* what is free where a turn runs again */
    double ns, bytes;
} freed;

static int cheapest_first(const void *a, const void *b)
{
    double x = ((const freed *)a)->ns * ((const freed *)b)->bytes,
           y = ((const freed *)b)->ns * ((const freed *)a)->bytes;
    return (x > y) - (x < y);
}

/* Of the turns before `at` whose values are read behind it, the cheapest for their bytes, the last in part: together
 * they must free what is above the target there. */
static double bound_at(const gr__rehearsal *r, int at, size_t during, size_t target, freed *list)
{
    double ns = 0, above = (double)during - (double)target;
    const gr__act *here = &r->act[at];
    int n = 0;
    for (int k = here->over, last = -1; k < here->over + here->n_over; k++) /* it may write over what it reads */
        if (r->takeover[k].out != last) above -= (double)r->held[last = r->takeover[k].out].bytes;
    for (int t = 0; t < at; t++) {
        const gr__act *a = &r->act[t];
        double bytes = 0;
        for (int o = a->out; o < a->out + a->n_out; o++) {
            const gr__held *x = &r->held[r->operand[o]];
            if (x->last > at || x->pinned) bytes += (double)x->bytes;
        }
        if (bytes > 0 && a->limit > at) list[n++] = (freed){a->least_ns, bytes};
    }
    if (n) qsort(list, (size_t)n, sizeof *list, cheapest_first);
    for (int i = 0; i < n && above > 0; i++) {
        ns += list[i].ns * fmin(1, above / list[i].bytes);
        above -= list[i].bytes;
    }
    return above > 0 ? INFINITY : ns;
}

static bool bound_alone(gr__rehearsal *r, const size_t *during, size_t target, double *bound)
{
    freed *list = gr__bump_alloc(r->memory, ((size_t)r->n_acts + 1) * sizeof *list);
    for (int t = 0; list && t < r->n_acts; t++)
        if (during[t] > target) *bound = fmax(*bound, bound_at(r, t, during[t], target, list));
    return list != NULL;
}

/* ---- with one ---- */

static bool add(gr__rehearsal *r, const gr__script *s, void *user)
{
    gr__optimum *o = user;
    if (o->n == (int)GR_COUNT(o->script)) return true;
    return gr__script_copy(r, s, &o->script[o->n++]);
}

static gr_status solve(gr__rehearsal *r, const size_t *during, size_t budget, gr__optimum *o)
{
    static const struct {
        int frontiers;
        int64_t nodes; /* 0: the relaxation */
        double share;  /* of the budget: what stands between frontiers is not counted */
    } programs[] = {{1, NODES, 1}, {4, NODES, 1}, {8, NODES / 4, 1}, {8, 0, 0.95}, {16, 0, 1},
                    {16, 0, 0.95}, {16, 0, 0.9},  {48, 0, 1},        {48, 0, 0.95}};
    gr_status st = GR_OK;
    for (size_t i = 0; i < GR_COUNT(programs) && st == GR_OK; i++) {
        gr__frontiers f;
        double bound, beside = (double)budget - (double)r->fixed;
        size_t target = beside > 0 ? r->fixed + (size_t)(programs[i].share * beside) : budget;
        gr__frontiers_choose(r, during, budget, programs[i].frontiers, &f);
        if (!gr__aside_begin(r)) return gr__error_code(r->c->ctx);
        st = gr__frontiers_solve(r, &f, target, programs[i].nodes, add, o, &bound);
        gr__aside_end(r);
        if (st == GR_OK && target == budget) o->bound = fmax(o->bound, bound);
    }
    return st;
}

gr_status gr__optimum_find(gr__rehearsal *r, size_t budget, bool solver, gr__optimum *o)
{
    gr_context *ctx = r->c->ctx;
    gr__script plain = {0};
    gr__takes takes;
    *o = (gr__optimum){.bound = 0};
    if (!gr__script_plain(r, &plain) || !gr__script_take(r, &plain, budget, &takes)) return gr__error_code(ctx);
    size_t *during = gr__bump_alloc(r->own, ((size_t)r->n_acts + 1) * sizeof *during);
    if (!during) return gr__error_code(ctx);
    memcpy(during, r->during, (size_t)r->n_acts * sizeof *during);
    if (takes.peak <= budget) return GR_OK;
    if (gr__rehearse_least(r) != GR_OK || !bound_alone(r, during, budget, &o->bound)) return gr__error_code(ctx);
    o->solved = solver;
    return solver ? solve(r, during, budget, o) : GR_OK;
}
