/* The verdict. A training error is the error on the very samples that were trained on, all of them: where it is below
 * its limit there is nothing to resolve. One above it may be so by a few samples. A validation error stands for all
 * data that will come, and is known as far as its interval says. */
#include "study/diagnose/diagnose.h"

#include <math.h>

static const double BIAS_LEAST = 0.02, BIAS_SHARE = 0.1, GAP_LEAST = 0.02, GAP_SHARE = 0.25;

const char *gr__fitness_name(gr_fitness f)
{
    static const char *const names[] = {"underfit", "overfit", "both", "good", "unresolved"};
    return names[f];
}

/* ---- intervals ---- */

static void range_of_root(const gr_measured *m, double *low, double *high)
{
    double square = m->error * m->error, half = gr__student(m->samples - 1) * m->square_deviation;
    *low = sqrt(fmax(square - half, 0));
    *high = m->samples > 1 ? sqrt(square + half) : INFINITY;
}

static void range_of(const gr_measured *m, double *low, double *high)
{
    if (isnan(m->square_deviation))
        gr__share_interval(m->error, (double)m->samples, low, high);
    else
        range_of_root(m, low, high);
}

/* ---- several runs ---- */

/* How far the mean over runs may lie from what all seeds would give: no farther than the runs from each other. */
static double seeds_half(const gr_errors *runs, int n, bool validation, gr_bounded *b)
{
    double squares = 0, farthest = 0;
    if (n < 2) return 0;
    for (int i = 0; i < n; i++) {
        double off = (validation ? runs[i].validation.error : runs[i].train.error) - b->error;
        squares += off * off;
        farthest = fmax(farthest, fabs(off));
    }
    b->scatter = sqrt(squares / (n - 1));
    return fmin(gr__student((int64_t)n - 1) * b->scatter / sqrt(n), farthest);
}

/* The mean of the runs' errors. Their samples may be the same, so that a mean is known no better by them than one of
 * the errors is; how the runs scatter comes to that. */
static gr_bounded bounded(const gr_errors *runs, int n, bool validation, bool squares)
{
    gr_bounded b = {.limit = NAN, .scatter = NAN, .is = GR_OPEN};
    double low, high, below = 0, above = 0;
    for (int i = 0; i < n; i++) {
        const gr_measured *m = validation ? &runs[i].validation : &runs[i].train;
        range_of(m, &low, &high);
        b.error += m->there ? m->error / n : (double)NAN;
        below += (m->error - low) / n;
        above += (high - m->error) / n;
    }
    if (isnan(b.error)) return (gr_bounded){NAN, NAN, NAN, NAN, NAN, GR_OPEN};
    double seeds = seeds_half(runs, n, validation, &b);
    b.low = fmax(b.error - hypot(below, seeds), 0);
    b.high = fmin(b.error + hypot(above, seeds), squares ? INFINITY : 1);
    return b;
}

/* ---- limits ---- */

/* Errors as they are judged: shares as they are, others by their squares, as shares of those of guessing. */
static double judged(const gr_diagnosis *d, double error)
{
    return d->squares ? error * error / (d->chance * d->chance) : error;
}

static double told(const gr_diagnosis *d, double judged)
{
    return d->squares ? d->chance * sqrt(judged) : judged;
}

/* [algorithms 10.4] A gap is too large from max(least, share E_v) on: E_v above both of these. */
static void set_limits(gr_diagnosis *d)
{
    double reference = judged(d, d->reference), chance = judged(d, d->chance), train = judged(d, d->train.error);
    d->train.limit = told(d, reference + fmax(BIAS_LEAST, BIAS_SHARE * (chance - reference)));
    d->validation.limit = told(d, fmax(train + GAP_LEAST, train / (1 - GAP_SHARE)));
}

static gr_height height_of_bias(const gr_bounded *b)
{
    return isnan(b->error) ? GR_OPEN : b->error <= b->limit ? GR_LOW : b->low > b->limit ? GR_HIGH : GR_OPEN;
}

static gr_height height_of_gap(const gr_bounded *b)
{
    return b->high <= b->limit ? GR_LOW : b->low > b->limit ? GR_HIGH : GR_OPEN; /* NaN: OPEN */
}

void gr__diagnose(const gr_errors *runs, int n, double reference, gr_diagnosis *out)
{
    gr_diagnosis d = {.reference = reference, .n_runs = n, .squares = !isnan(runs[0].train.square_deviation)};
    for (int i = 0; i < n; i++) d.chance += runs[i].chance / n;
    d.train = bounded(runs, n, false, d.squares);
    d.validation = bounded(runs, n, true, d.squares);
    d.bias = d.train.error - reference;
    d.gap = d.validation.error - d.train.error;
    set_limits(&d);
    d.train.is = height_of_bias(&d.train);
    d.validation.is = height_of_gap(&d.validation);
    bool bias = d.train.is == GR_HIGH, gap = d.validation.is == GR_HIGH;
    d.verdict = d.train.is == GR_OPEN || d.validation.is == GR_OPEN ? GR_UNRESOLVED
                : bias && gap                                       ? GR_BOTH
                : bias                                              ? GR_UNDERFIT
                : gap                                               ? GR_OVERFIT
                                                                    : GR_GOOD;
    *out = d;
}

int64_t gr__diagnose_samples(const gr_diagnosis *d)
{
    const gr_bounded *v = &d->validation;
    double low, high, p = v->error;
    if (d->squares || v->is != GR_OPEN || isnan(v->limit) || isnan(p)) return 0;
    for (int64_t n = 10; n <= 10000000; n += n / 10) {
        gr__share_interval(p, (double)n, &low, &high);
        if (high <= v->limit || low > v->limit) return n;
    }
    return 0;
}
