/* Rates, one after the other. */
#include "study/search/rates.h"

#include <math.h>

static const double MANY_TIMES = 4, NEAR = 1.1; /* [algorithms 2.9] */
enum { UPDATES = 100, IN_A_ROW = 20 };

/* ---- one rate ---- */

gr_status gr__steps_at_rate(gr_steps *s, int64_t step, double lr, double *cost)
{
    s->stepper.rate = &lr;
    gr_status st = gr__steps_next(s, step);
    s->stepper.rate = NULL;
    const gr_engine_plan *p = s->stepper.updating;
    *cost = NAN;
    if (st == GR_E_DIVERGED) {
        gr_context_clear_error(s->ctx);
        return GR_OK;
    }
    if (st == GR_OK) *cost = gr__cost_mean(*p->cost_sum, *p->weight_sum) + (p->penalty ? *p->penalty : 0);
    return st;
}

/* A rate just beyond what a quadratic bears multiplies the cost by little more than 1, and may not have brought it to
 * where it began when the trial ends; but it never falls again, which noise does not do so often in a row. */
static gr_status try_rate(gr_steps *s, const gr_rates_options *o, int64_t updates, double lr, double from, double share,
                          gr_rate_tried *out)
{
    int64_t last = GR_MAX(updates / 10, 1), risen = 0;
    double cost = 0, sum = 0, before = INFINITY;
    gr_status st = GR_OK;
    gr__loader_seek(s->loader, 0, 0);
    for (int64_t i = 0; i < updates && st == GR_OK && isfinite(cost); i++) {
        gr__watch(o->watch, "rates", from + share * (double)i / (double)updates);
        st = o->stop && *o->stop ? GR_E_INTERRUPTED : gr__steps_at_rate(s, i, lr, &cost);
        risen = cost > before ? risen + 1 : 0;
        before = cost;
        if (i >= updates - last) sum += cost;
    }
    *out = (gr_rate_tried){.lr = lr,
                           .cost = isfinite(cost) ? sum / (double)last : (double)NAN,
                           .rises = risen >= GR_MAX(updates / 2, IN_A_ROW)};
    return st;
}

/* ---- all ---- */

void gr__rates_judge(gr_rates *r)
{
    double least = INFINITY, sound = INFINITY;
    for (int i = 0; i < r->n; i++) least = fmin(least, r->point[i].cost); /* a NaN gives way */
    for (int i = 0; i < r->n; i++) {
        gr_rate_tried *p = &r->point[i];
        p->diverged = !isfinite(p->cost) || p->rises || p->cost > fmax(MANY_TIMES * least, r->first);
        if (!p->diverged) sound = fmin(sound, p->cost);
    }
    r->best = -1;
    for (int i = 0; i < r->n; i++)
        if (!r->point[i].diverged && r->point[i].cost <= sound + (NEAR - 1) * fabs(sound)) r->best = i;
}

gr_status gr__rates_try(gr_steps *s, const gr_rates_options *o, gr_rates *out)
{
    gr_kept_store kept = {0};
    gr_rates r = {.n = o->points ? o->points : 11, .best = -1};
    double from = log10(o->from > 0 ? o->from : 1e-5), to = log10(o->to > 0 ? o->to : 1);
    gr_status st = GR_OK;
    r.updates = o->updates ? o->updates : UPDATES;
    GR_TRY(gr__steps_keep(s, &kept));
    for (int i = -1; i < r.n; i++) { /* a rate of 0 tells what the same batches cost to begin with */
        gr_rate_tried start, *p = i < 0 ? &start : &r.point[i];
        double lr = i < 0 ? 0 : pow(10, r.n == 1 ? from : from + (to - from) * i / (r.n - 1));
        st = try_rate(s, o, r.updates, lr, (double)(i + 1) / (r.n + 1), 1.0 / (r.n + 1), p);
        if (i < 0) r.first = start.cost;
        gr__store_restore(&kept);
        gr__loader_seek(s->loader, 0, 0);
        if (st != GR_OK) goto done;
    }
    gr__rates_judge(&r);
    *out = r;
done:
    gr__store_forget(&kept);
    return st;
}
