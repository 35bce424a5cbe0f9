/* Central differences of several widths, and which of them count. */
#include <float.h>
#include <math.h>

#include "study/derivative/difference.h"

static const double widths[] = {1e-5, 1e-4, 1e-6, 1e-7}; /* the middle ones first: they resolve most */
enum { WIDTHS = GR_COUNT(widths) };
static const double ROUNDING = 64 * DBL_EPSILON; /* of a cost, relative: sums of many terms */
static const double APART = 4; /* how much farther the slope must be from two differences than these from each other */

typedef struct tried {
    double value, noise; /* the difference, and how far rounding may put it off */
    double ends;         /* mean cost of both ends */
    double bend;         /* the cost there, beside that in the middle, by the width: 0 where the cost is smooth */
    bool within;         /* one branch at both ends and in the middle */
} tried;

static void move(const gr_line *l, double step)
{
    for (int64_t i = 0; i < l->n; i++) l->w[i] = l->kept[i] + step * l->along[i];
}

/* As wide as the numbers are large. */
static double width_of(const gr_line *l, size_t k)
{
    double largest = 1;
    for (int64_t i = 0; i < l->n; i++) largest = fmax(largest, fabs(l->kept[i]));
    return widths[k] * largest;
}

static gr_status take(gr_slopes *s, const gr_line *l, double h, tried *t)
{
    double up, down;
    move(l, h);
    gr_status st = gr__slopes_run(s, s->cost, &up);
    if (st != GR_OK) return st;
    move(l, -h);
    st = gr__slopes_run(s, s->cost, &down);
    t->value = (up - down) / (2 * h);
    t->ends = (up + down) / 2;
    t->noise = ROUNDING * fmax(fabs(up), fabs(down)) / h;
    return st;
}

static gr_status look_at_branches(gr_slopes *s, const gr_line *l, tried t[WIDTHS])
{
    uint64_t here, up, down;
    double middle = 0;
    move(l, 0);
    gr_status st = gr__slopes_branches(s, &here);
    if (st == GR_OK && s->solves) st = gr__slopes_run(s, s->cost, &middle);
    for (size_t k = 0; k < WIDTHS && st == GR_OK; k++) {
        double h = width_of(l, k);
        if (s->solves) t[k].bend = (t[k].ends - middle) / h;
        move(l, h);
        st = gr__slopes_branches(s, &up);
        if (st != GR_OK || up != here) continue;
        move(l, -h);
        st = gr__slopes_branches(s, &down);
        t[k].within = down == here;
    }
    return st;
}

/* An equilibrium may have several solutions, and the one that is found at both ends another than that in the middle:
 * their differences agree then, and tell of that one's slope. But the cost jumps in between.
 *
 * Two differences within one branch that are near to each other and both far from the slope prove it wrong. */
static bool disproved(const tried t[WIDTHS], double slope)
{
    for (size_t a = 0; a < WIDTHS; a++)
        for (size_t b = 0; b < a; b++) {
            if (!t[a].within || !t[b].within || !isfinite(t[a].value) || !isfinite(t[b].value)) continue;
            double off = fmin(fabs(t[a].value - slope), fabs(t[b].value - slope)),
                   bend = fmax(fabs(t[a].bend), fabs(t[b].bend));
            if (APART * bend > off && isfinite(slope)) continue;
            if (!isfinite(slope) || (off > APART * fabs(t[a].value - t[b].value) && off > fmax(t[a].noise, t[b].noise)))
                return true;
        }
    return false;
}

gr_status gr__difference(gr_slopes *s, const gr_line *l, double slope, double enough, double limit, gr_difference *out)
{
    tried t[WIDTHS] = {0};
    double off = INFINITY;
    gr_status st = GR_OK;
    *out = (gr_difference){.value = NAN, .told = GR_TOLD_NOTHING};
    for (int64_t i = 0; i < l->n; i++) l->kept[i] = l->w[i];
    for (size_t k = 0; k < WIDTHS && !(off <= enough); k++) {
        GR_TRY(take(s, l, width_of(l, k), &t[k]));
        if (k > 0 && !(fabs(t[k].value - slope) < off)) continue;
        off = fabs(t[k].value - slope);
        out->value = t[k].value;
    }
    if (off < limit)
        out->told = GR_TOLD_RIGHT;
    else {
        GR_TRY(look_at_branches(s, l, t));
        if (disproved(t, slope)) out->told = GR_TOLD_WRONG;
    }
done:
    move(l, 0);
    return st;
}
