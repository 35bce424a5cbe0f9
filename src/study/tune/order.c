/* Which trials may know of which, who is behind, who goes on. */
#include <math.h>
#include <stdlib.h>

#include "study/tune/tune.h"

enum { LEAST_CURVES = 5 }; /* that a curve is held against */

int64_t gr__generation(int64_t trial, int64_t first, int together)
{
    return trial < first ? 0 : trial - (trial - first) % together;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool better(double a, double b, bool lower)
{
    return !isnan(a) && (isnan(b) || (lower ? a < b : a > b));
}

bool gr__behind(gr__bump *b, const gr_reported *r, int n_r, int n, int64_t step, double value, bool lower)
{
    double *best = gr__bump_alloc(b, ((size_t)n_r + 1) * sizeof *best);
    int reached = 0;
    bool behind = false;
    if (!best) return false;
    for (int i = 0, j; i < n_r; i = j) {
        double own = NAN;
        bool beyond = false;
        for (j = i; j < n_r && r[j].trial == r[i].trial; j++) {
            beyond |= r[j].step >= step;
            if (r[j].step <= step && better(r[j].value, own, lower)) own = r[j].value;
        }
        if (r[i].trial < n && beyond && !isnan(own)) best[reached++] = own;
    }
    if (reached >= LEAST_CURVES) {
        qsort(best, (size_t)reached, sizeof *best, by_value);
        double median = (best[(reached - 1) / 2] + best[reached / 2]) / 2;
        behind = !isnan(value) && better(median, value, lower);
    }
    return behind;
}

/* ---- halving ---- */

typedef struct placed {
    gr_trial *trial;
    double metric; /* the lower the better */
} placed;

static int by_place(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    if (x->metric != y->metric) return x->metric < y->metric ? -1 : 1;
    return (x->trial->trial > y->trial->trial) - (x->trial->trial < y->trial->trial);
}

/* Those that have come to the rung and were not left there; *open: some are still on their way to it. */
static int come(gr_trial *all, int n, int rung, placed *out, bool lower, bool *open)
{
    int found = 0;
    *open = false;
    for (int i = 0; i < n; i++) {
        gr_trial *t = &all[i];
        bool left = t->state == GR_TRIAL_PRUNED && t->rung == rung;
        *open |= !gr__trial_ended(t->state) && t->rung < rung;
        double metric = isnan(t->metric) ? INFINITY : lower ? t->metric : -t->metric;
        if (t->rung >= rung && !left) out[found++] = (placed){t, metric};
    }
    return found;
}

int gr__halve(gr__bump *b, gr_trial *all, int n, const gr_tune_options *o, bool lower)
{
    placed *p = gr__bump_alloc(b, ((size_t)n + 1) * sizeof *p);
    int changed = 0;
    for (int rung = 1; rung < o->rungs && p && n >= o->trials; rung++) {
        bool open;
        int here = come(all, n, rung, p, lower, &open);
        int most = (int)fmax(1, floor((double)o->trials * pow(o->keep, rung) + 1e-9));
        if (open) break;
        qsort(p, (size_t)here, sizeof *p, by_place);
        for (int i = 0; i < here; i++) {
            gr_trial *t = p[i].trial;
            if (t->state != GR_TRIAL_WAITING || t->rung != rung) continue;
            t->state = i < most ? GR_TRIAL_RUNNING : GR_TRIAL_PRUNED;
            changed++;
        }
    }
    return changed;
}
