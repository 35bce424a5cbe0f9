/* What steps by batch say. */
#include <math.h>

#include "study/search/scaling.h"

static const double PERFECT = 1.8, STAGNATION = 1.1; /* [algorithms 7.2] */

const char *const gr__regime_words[] = {"perfect", "diminishing", "stagnation"};

/* Least squares of steps = a + b / batch, where a relative error weighs the same everywhere: what is written there is
 * divided by the steps. seed -1: of the means. */
static double fit(const gr_scaling *s, int seed, double *least)
{
    double xx = 0, xz = 0, zz = 0, x1 = 0, z1 = 0;
    for (int i = 0; i < s->n; i++) {
        double steps = seed < 0 ? s->row[i].steps : s->row[i].of[seed], x = 1 / steps,
               z = 1 / (steps * (double)s->row[i].batch);
        if (!isfinite(x)) continue;
        xx += x * x, xz += x * z, zz += z * z, x1 += x, z1 += z;
    }
    double d = xx * zz - xz * xz, a = (x1 * zz - z1 * xz) / d, b = (z1 * xx - x1 * xz) / d;
    if (least) *least = a;
    return a > 0 && b > 0 ? b / a : (double)NAN;
}

static void judge_pair(gr_scaled *a, const gr_scaled *b, int seeds)
{
    a->ratio = a->steps / b->steps;
    a->ratio_low = INFINITY, a->ratio_high = -INFINITY;
    for (int k = 0; k < seeds; k++) {
        a->ratio_low = fmin(a->ratio_low, a->of[k] / b->of[k]);
        a->ratio_high = fmax(a->ratio_high, a->of[k] / b->of[k]);
    }
    a->regime = a->ratio >= PERFECT      ? GR_REGIME_PERFECT
                : a->ratio <= STAGNATION ? GR_REGIME_STAGNATION
                                         : GR_REGIME_DIMINISHING;
}

void gr__scaling_judge(gr_scaling *s)
{
    bool perfect = true;
    s->perfect_until = s->stagnation_from = 0;
    for (int i = 0; i < s->n; i++) {
        gr_scaled *r = &s->row[i];
        r->steps = 0, r->low = INFINITY, r->high = -INFINITY;
        for (int k = 0; k < s->seeds; k++) {
            r->steps += r->of[k] / s->seeds;
            r->low = fmin(r->low, r->of[k]);
            r->high = fmax(r->high, r->of[k]);
        }
    }
    for (int i = 0; i + 1 < s->n; i++) {
        gr_scaled *r = &s->row[i];
        judge_pair(r, r + 1, s->seeds);
        perfect &= r->regime == GR_REGIME_PERFECT;
        if (perfect) s->perfect_until = r[1].batch;
        if (r->regime == GR_REGIME_STAGNATION && !s->stagnation_from) s->stagnation_from = r->batch;
        if (r->regime != GR_REGIME_STAGNATION) s->stagnation_from = 0;
    }
    if (s->n > 1) {
        gr_scaled *last = &s->row[s->n - 1];
        last->regime = last[-1].regime;
        last->ratio = last->ratio_low = last->ratio_high = NAN;
    }
    s->critical = fit(s, -1, &s->least);
    s->critical_low = s->critical_high = NAN;
    for (int k = 0; k < s->seeds; k++) {
        double c = fit(s, k, NULL);
        if (isnan(c)) {
            s->critical_low = s->critical_high = NAN;
            break;
        }
        s->critical_low = k ? fmin(s->critical_low, c) : c;
        s->critical_high = k ? fmax(s->critical_high, c) : c;
    }
}
