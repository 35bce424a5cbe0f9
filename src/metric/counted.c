/* What follows from counts alone: the figures of a model that always gives one answer, and the best threshold of two
 * classes. Both ask the metrics themselves, with counts as they would be. */
#include <math.h>
#include <string.h>

#include "metric/metric.h"

bool gr__threshold_means(gr_target_form form, int64_t classes)
{
    return form == GR_FORM_LABELS || (form == GR_FORM_CLASS && classes == 2);
}

void gr__share_interval(double share, double n, double *low, double *high)
{
    const double z = 1.959963984540054, by = 1 + z * z / n; /* 95 % */
    double middle = (share + z * z / (2 * n)) / by, half = z / by * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    *low = fmax(middle - half, 0);
    *high = fmin(middle + half, 1);
}

/* A table of the few, and two terms of Cornish and Fisher's expansion around the normal quantile. */
double gr__student(int64_t freedom)
{
    static const double few[] = {12.7062, 4.30265, 3.18245, 2.77645};
    double n = (double)freedom, z = 1.959963984540054, z3 = z * z * z, z5 = z3 * z * z;
    if (freedom <= 4) return few[GR_MAX(freedom, 1) - 1];
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n);
}

/* ---- always the same answer ---- */

int64_t gr__tally_majority(const gr_tally *t)
{
    const gr_targets *of = t->is.targets;
    bool known = gr__targets_known(of) && of->classes > 0;
    int64_t best = 0, n = known ? GR_MIN(of->classes, t->n_hits) : t->n_hits;
    for (int64_t k = 1; k < n; k++) {
        int64_t here = known ? of->count[k] : t->hits[k].truth, most = known ? of->count[best] : t->hits[best].truth;
        if (here > most) best = k;
    }
    return best;
}

gr_status gr__tally_baseline(const gr_tally *t, const gr_metrics *m, double figure[GR_MAX_METRICS])
{
    gr_tally always = *t;
    int64_t k = gr__tally_majority(t);
    size_t bytes = sizeof *always.hits * (size_t)t->n_hits;
    always.hits = gr__alloc(t->ctx, bytes);
    if (!always.hits) return GR_E_MEMORY;
    for (int64_t i = 0; i < t->n_hits; i++)
        always.hits[i] = (gr_hits){
            .truth = t->hits[i].truth, .guessed = i == k ? t->decisions : 0, .both = i == k ? t->hits[i].truth : 0};
    always.right = t->hits[k].truth;
    for (int i = 0; i < m->n; i++)
        figure[i] = m->use[i].member->counted ? m->use[i].member->value(&m->use[i].settings, &always) : (double)NAN;
    gr__free(t->ctx, always.hits, bytes);
    return GR_OK;
}

/* ---- the best threshold ---- */

/* A score, and whether the decision is of the positive class: as tally.c keeps them, sorted. */
typedef struct scored {
    double p;
    bool truth;
} scored;

static scored score_at(const gr_tally *t, int64_t i)
{
    scored s;
    if (t->is.wide) {
        uint64_t key = ((const uint64_t *)t->is.scores)[i], bits = key >> 1;
        memcpy(&s.p, &bits, sizeof s.p);
        s.truth = key & 1;
    } else {
        uint32_t key = ((const uint32_t *)t->is.scores)[i], bits = key >> 1;
        float f;
        memcpy(&f, &bits, sizeof f);
        s.p = (double)f;
        s.truth = key & 1;
    }
    return s;
}

/* A number of (low, high] with as few digits as there is one, so that what a person types again is the same. */
static double between(double low, double high)
{
    double middle = low + (high - low) / 2;
    if (!(middle > low)) return high;
    for (double tens = 10; tens <= 1e15; tens *= 10) {
        double x = round(middle * tens) / tens; /* of two whole numbers that are exact: the decimal's own double */
        if (x > low && x <= high) return x;
    }
    return middle;
}

/* With `below` decisions, `missed` of them of the positive class, on the other side. */
static double figure_of(const gr_tally *t, const gr_metric_use *by, int positive, int64_t below, int64_t missed)
{
    gr_hits hits[2];
    gr_tally one = *t;
    int64_t yes = t->hits[positive].truth, no = t->hits[1 - positive].truth;
    hits[positive] = (gr_hits){.truth = yes, .guessed = t->decisions - below, .both = yes - missed};
    hits[1 - positive] = (gr_hits){.truth = no, .guessed = below, .both = below - missed};
    one.hits = hits;
    one.right = hits[0].both + hits[1].both;
    return by->member->value(&by->settings, &one);
}

void gr__tally_best_threshold(const gr_tally *t, const gr_metric_use *by, gr_threshold *best, double *figure)
{
    const int positive = t->is.threshold->positive;
    int64_t missed = 0;
    *best = (gr_threshold){.at = 0.5, .positive = positive};
    *figure = NAN;
    for (int64_t i = 0; i < t->decisions;) {
        double p = score_at(t, i).p, at = i ? between(score_at(t, i - 1).p, p) : 0;
        double now = figure_of(t, by, positive, i, missed);
        bool nearer = fabs(at - 0.5) < fabs(best->at - 0.5);
        if (!isnan(now) && (isnan(*figure) || now > *figure || (now == *figure && nearer))) {
            best->at = at;
            *figure = now;
        }
        for (; i < t->decisions && score_at(t, i).p == p; i++) missed += score_at(t, i).truth;
    }
}
