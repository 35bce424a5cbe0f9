/* Grid and finder from several seeds, brought together. */
#include "study/search/lr.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- seeds ---- */

static void widen(gr_lr_range *r, double x, bool first)
{
    if (first || isnan(x))
        *r = (gr_lr_range){x, x};
    else if (!isnan(r->low))
        *r = (gr_lr_range){fmin(r->low, x), fmax(r->high, x)};
}

/* Adds what a seed gave: sums until all are there. */
static void add_grid(gr_lr *l, const gr_rates *r)
{
    gr_rates *g = &l->grid;
    bool first = l->seeds == 0;
    if (first) *g = (gr_rates){.n = r->n, .updates = r->updates, .best = -1};
    g->first += r->first;
    for (int i = 0; i < r->n; i++) {
        gr_rate_tried *p = &g->point[i];
        p->lr = r->point[i].lr;
        p->cost += r->point[i].cost; /* a NaN stays */
        p->rises |= r->point[i].rises;
        p->diverged |= r->point[i].diverged;
        widen(&l->cost[i], r->point[i].cost, first);
    }
}

static void add_finder(gr_lr *l, const gr_finder *f)
{
    gr_finder *all = &l->finder;
    bool first = l->seeds == 0;
    if (first) *all = (gr_finder){.n = f->n};
    all->n = GR_MIN(all->n, f->n);
    all->ended |= f->ended;
    for (int i = 0; i < all->n; i++) {
        all->point[i].lr = f->point[i].lr;
        all->point[i].cost += f->point[i].cost;
        all->point[i].smooth += f->point[i].smooth;
    }
    widen(&l->valley, f->valley, first);
}

/* Sums become means. What diverged from one seed has diverged, whatever the mean. */
static void take_means(gr_lr *l)
{
    gr_rates *g = &l->grid;
    g->first /= l->seeds;
    for (int i = 0; i < g->n; i++) {
        g->point[i].cost /= l->seeds;
        g->point[i].rises |= g->point[i].diverged;
    }
    gr__rates_judge(g);
    for (int i = 0; i < l->finder.n; i++) {
        l->finder.point[i].cost /= l->seeds;
        l->finder.point[i].smooth /= l->seeds;
    }
    gr__finder_judge(&l->finder);
}

/* ---- do they tell the same? ---- */

static void GR_PRINTF(2, 3) say(gr_lr *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(l->why, sizeof l->why, format, args);
    va_end(args);
}

/* The grid's point that is nearest by ratio. */
static const gr_rate_tried *nearest(const gr_rates *g, double lr)
{
    int best = 0;
    for (int i = 1; i < g->n; i++)
        if (fabs(log(g->point[i].lr / lr)) < fabs(log(g->point[best].lr / lr))) best = i;
    return &g->point[best];
}

static void compare(gr_lr *l)
{
    const gr_rates *g = &l->grid;
    const gr_rate_tried *best = &g->point[g->best], *at;
    double valley = l->finder.valley;
    l->compared = true;
    if (isnan(valley)) {
        say(l,
            "the finder tells nothing: over its %d updates, one a rate, the smoothed cost never falls by more than a "
            "batch's scatters; more points, or other bounds, may",
            l->finder.n);
        return;
    }
    if (valley < g->point[0].lr || valley > g->point[g->n - 1].lr) {
        say(l, "the finder's %.3g is none of the grid's, which go from %.3g to %.3g: --from and --to can take it in",
            valley, g->point[0].lr, g->point[g->n - 1].lr);
        return;
    }
    at = nearest(g, valley);
    l->agree = !at->diverged && at->cost <= best->cost + 0.1 * fabs(best->cost);
    if (l->agree)
        say(l, "the finder's %.3g tells the same: the grid's nearest, %.3g, costs %.4g, within a tenth of the least",
            valley, at->lr, at->cost);
    else if (at->diverged)
        say(l,
            "the finder's %.3g is too large: it gives a rate one update, and the grid, which gives it %lld, diverges "
            "at "
            "%.3g",
            valley, (long long)g->updates, at->lr);
    else if (valley < best->lr)
        say(l,
            "the finder's %.3g is too small: it marks where the cost begins to fall, and %lld updates of the nearest "
            "rate, %.3g, leave it at %.4g, those of %.3g at %.4g",
            valley, (long long)g->updates, at->lr, at->cost, best->lr, best->cost);
    else
        say(l,
            "the finder's %.3g is too large: the weights that its smaller rates had reached bear more than the first "
            "ones; from these %lld updates of %.3g leave the cost at %.4g, those of %.3g at %.4g",
            valley, (long long)g->updates, at->lr, at->cost, best->lr, best->cost);
}

void gr__lr_judge(const gr_lr_options *o, gr_lr *l)
{
    const gr_rates *g = &l->grid;
    l->suggested = NAN;
    if (o->method == GR_LR_FINDER) {
        l->suggested = l->finder.valley;
        if (isnan(l->suggested))
            say(l, "from %.3g to %.3g the smoothed cost never falls by more than a batch's scatters",
                l->finder.point[0].lr, l->finder.point[GR_MAX(l->finder.n - 1, 0)].lr);
        return;
    }
    if (g->best < 0) {
        say(l, "training diverges at every rate from %.3g to %.3g", g->point[0].lr, g->point[g->n - 1].lr);
        return;
    }
    l->suggested = g->point[g->best].lr;
    if (o->method == GR_LR_BOTH) compare(l);
}

/* ---- all ---- */

static gr_status one_seed(gr_steps *s, const gr_lr_options *o, const gr_watch *watch, gr_lr *l)
{
    gr_rates_options grid = o->grid, finder = o->finder;
    gr_watch_part first, second;
    gr_rates *r = gr__alloc(s->ctx, sizeof *r);
    gr_finder *f = gr__alloc(s->ctx, sizeof *f);
    gr_status st = r && f ? GR_OK : GR_E_MEMORY;
    double share = o->method == GR_LR_GRID ? 1 : o->method == GR_LR_FINDER ? 0 : 0.9;
    grid.stop = finder.stop = o->stop;
    grid.watch = gr__watch_part(&first, watch, 0, share);
    finder.watch = gr__watch_part(&second, watch, share, 1 - share);
    GR_TRY(st);
    if (o->method != GR_LR_FINDER) GR_TRY(gr__rates_try(s, &grid, r));
    if (o->method != GR_LR_GRID) GR_TRY(gr__finder_run(s, &finder, f));
    if (o->method != GR_LR_FINDER) add_grid(l, r);
    if (o->method != GR_LR_GRID) add_finder(l, f);
    l->seeds++;
done:
    gr__free(s->ctx, r, sizeof *r);
    gr__free(s->ctx, f, sizeof *f);
    return st;
}

static gr_status check(gr_context *ctx, const gr_recipe *r)
{
    for (int i = 0; i < r->optim.n_methods; i++) {
        const gr_member *m = &r->optim.method[i].member->head;
        if (!gr__member_has(m, "lr"))
            return gr__fail(ctx, GR_E_UNSUPPORTED, "optimizer \"%s\" has no rate: there is none to find", m->name);
    }
    return GR_OK;
}

gr_status gr__lr_find(gr_context *ctx, const gr_recipe *r, const gr_lr_options *o, gr_lr *out)
{
    gr_steps s = {0};
    gr_status st = GR_OK;
    *out = (gr_lr){.suggested = NAN, .grid = {.best = -1}};
    GR_TRY(check(ctx, r));
    GR_TRY(gr__steps_open(ctx, r, 0, &s));
    for (int k = 0; k < o->seeds; k++) {
        gr_watch_part part;
        if (k > 0) GR_TRY(gr__steps_restart(&s, r->seed + (uint64_t)k));
        GR_TRY(one_seed(&s, o, gr__watch_part(&part, o->watch, (double)k / o->seeds, 1.0 / o->seeds), out));
    }
    take_means(out);
    gr__lr_judge(o, out);
done:
    gr__steps_close(&s);
    return st;
}
