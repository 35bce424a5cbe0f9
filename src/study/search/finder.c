/* A run at growing rates. */
#include "study/search/finder.h"

#include <math.h>

enum { POINTS = 100, FIRST_SHARE = 10, LAST = 5 }; /* a tenth of the points, and the last 5, are not judged */
static const double FROM = 1e-7, TO = 10, BETA = 0.98, MANY_TIMES = 4, MINIMUM_BY = 10;

/* ---- where it fell ---- */

/* The longest falling subsequence of the costs, by dynamic programming, and the point a third and a sixth of its length
 * behind the one before it, as fastai's `valley` has it. */
static double valley_of(const gr_swept *p, int n)
{
    int length[GR_MOST_SWEPT] = {0}, end = 0;
    for (int i = 0; i < n; i++) {
        length[i] = 1;
        for (int k = 0; k < i; k++)
            if (p[i].smooth < p[k].smooth) length[i] = GR_MAX(length[i], length[k] + 1);
        if (length[i] > length[end]) end = i;
    }
    int l = length[end];
    return l < 3 ? (double)NAN : p[GR_MAX(end - l + l / 3 + l / 6, 0)].lr;
}

/* What costs of single batches scatter by, from one to the next: a fall of the mean by less is none. */
static double scatter_of(const gr_swept *p, int n)
{
    double sum = 0;
    for (int i = 1; i < n; i++) sum += (p[i].cost - p[i - 1].cost) * (p[i].cost - p[i - 1].cost);
    return sqrt(sum / 2 / (n - 1));
}

void gr__finder_judge(gr_finder *f)
{
    int first = f->n / FIRST_SHARE, n = f->n - LAST - first, least = 0;
    const gr_swept *p = f->point + first;
    double steepest = 0, highest;
    f->steep = f->minimum = f->valley = NAN;
    if (n < 3) return;
    for (int i = 1; i < n; i++)
        if (p[i].smooth < p[least].smooth) least = i;
    highest = p[0].smooth;
    for (int i = 1; i < least; i++) highest = fmax(highest, p[i].smooth);
    if (!(highest - p[least].smooth > scatter_of(f->point, first + least + 1))) return;
    for (int i = 1; i < n; i++) {
        double slope = (p[i].smooth - p[i - 1].smooth) / log(p[i].lr / p[i - 1].lr);
        if (slope < steepest) steepest = slope, f->steep = p[i].lr;
    }
    f->minimum = p[least].lr / MINIMUM_BY;
    f->valley = valley_of(p, n);
}

/* ---- the run ---- */

/* Costs below 0 have no multiples: then 4 times stands for 3 times their size above them. */
static bool is_over(double smooth, double least)
{
    return !isfinite(smooth) || smooth > least + (MANY_TIMES - 1) * fabs(least);
}

static gr_status sweep(gr_steps *s, const gr_rates_options *o, int n, gr_finder *f)
{
    double from = o->from > 0 ? o->from : FROM, to = o->to > 0 ? o->to : TO, mean = 0, share = 1, least = INFINITY;
    gr_status st = GR_OK;
    gr__loader_seek(s->loader, 0, 0);
    for (int i = 0; i < n && !f->ended; i++) {
        gr_swept *p = &f->point[f->n];
        p->lr = from * pow(to / from, (double)i / (n - 1));
        gr__watch(o->watch, "finder", (double)i / n);
        if (o->stop && *o->stop) return GR_E_INTERRUPTED;
        st = gr__steps_at_rate(s, i, p->lr, &p->cost);
        if (st != GR_OK) return st;
        mean = BETA * mean + (1 - BETA) * p->cost;
        share *= BETA;
        p->smooth = mean / (1 - share);
        f->ended = is_over(p->smooth, fmin(least, p->smooth));
        least = fmin(least, p->smooth);
        f->n++;
    }
    return GR_OK;
}

gr_status gr__finder_run(gr_steps *s, const gr_rates_options *o, gr_finder *out)
{
    gr_kept_store kept = {0};
    gr_status st = gr__steps_keep(s, &kept);
    *out = (gr_finder){0};
    if (st != GR_OK) return st;
    st = sweep(s, o, o->points ? o->points : POINTS, out);
    gr__store_restore(&kept);
    gr__loader_seek(s->loader, 0, 0);
    gr__store_forget(&kept);
    if (st == GR_OK) gr__finder_judge(out);
    return st;
}
