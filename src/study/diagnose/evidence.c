/* What a verdict rests on, and what a run's records add to it. */
#include <math.h>
#include <string.h>

#include "study/diagnose/diagnose.h"

/* ---- how a run ended ---- */

static void mean_of(const double *x, size_t from, size_t to, double *mean, double *square_error)
{
    double n = 0, sum = 0, squares = 0;
    for (size_t i = from; i < to; i++)
        if (isfinite(x[i])) n++, sum += x[i], squares += x[i] * x[i];
    *mean = n > 0 ? sum / n : (double)NAN;
    *square_error = n > 1 ? fmax(squares / n - *mean * *mean, 0) / (n - 1) : (double)NAN;
}

static void take_costs(const gr_history *h, gr_ending *e)
{
    const double *cost = gr__history_column(h, "data_cost");
    double error_before, error_after;
    if (!cost) cost = gr__history_column(h, "train_cost");
    if (!cost || h->n < 20) return;
    mean_of(cost, h->n - h->n / 5, h->n - h->n / 10, &e->before, &error_before);
    mean_of(cost, h->n - h->n / 10, h->n, &e->after, &error_after);
    e->known = isfinite(e->before) && isfinite(e->after);
    double fall = e->before - e->after;
    e->falling = e->known && fall > 0.01 * e->before && fall > 2 * sqrt(error_before + error_after);
}

gr_ending gr__ending_of(const gr_history *h, const char *error)
{
    gr_ending e = {.before = NAN, .after = NAN, .best = NAN, .last = NAN};
    const double *step = gr__history_column(h, "step"), *v = gr__history_column(h, error);
    take_costs(h, &e);
    for (size_t i = 0; step && v && i < h->n; i++) {
        if (!h->evaluated[i] || !isfinite(v[i])) continue;
        e.last = v[i];
        if (e.best_step && !(v[i] < e.best)) continue;
        e.best = v[i];
        e.best_step = (int64_t)step[i];
    }
    if (step && h->n) e.steps = (int64_t)step[h->n - 1];
    return e;
}

/* ---- evidence ---- */

static gr_finding *add(gr_result *r, const char *name, double figure, double limit)
{
    gr_finding *f = gr__result_finding(r);
    if (!f) return NULL;
    gr__finding_set(f, GR_VERDICT_OK, figure, limit, "%s", "");
    f->name = name;
    f->id = NULL;
    f->predicted = f->low = f->high = NAN;
    return f;
}

static void add_error(gr_result *r, const gr_diagnosis *d, const gr_bounded *b, const gr_measured *m, const char *name,
                      const char *says)
{
    static const char *const is[] = {"within the limit", "above the limit", "on neither side of the limit for sure"};
    gr_finding *f = add(r, name, b->error, b->limit);
    char runs[120] = "";
    if (!f) return;
    f->low = b->low, f->high = b->high;
    f->verdict = b->is == GR_LOW ? GR_VERDICT_OK : b->is == GR_HIGH ? GR_VERDICT_FAILED : GR_VERDICT_WARNING;
    if (d->n_runs > 1) snprintf(runs, sizeof runs, " in each of %d runs, which scatter by %.2g", d->n_runs, b->scatter);
    snprintf(f->message, sizeof f->message, "of %lld samples%s; %s: %s", (long long)m->samples, runs, is[b->is], says);
}

static void add_validation(gr_result *r, const gr_diagnosis *d, const gr_errors *first)
{
    char says[200];
    int64_t enough = gr__diagnose_samples(d);
    const gr_bounded *v = &d->validation;
    gr_finding *f;
    if (!first->validation.there) {
        f = add(r, "validation_error", NAN, NAN);
        if (f) f->verdict = GR_VERDICT_WARNING;
        if (f)
            snprintf(f->message, sizeof f->message, "%s",
                     "the recipe has no validation data, without which nobody can tell; such as data.validation: "
                     "{split: 0.15}");
        return;
    }
    if (isnan(v->error))
        snprintf(says, sizeof says, "its outputs are not finite");
    else if (v->is == GR_OPEN && enough > first->validation.samples)
        snprintf(says, sizeof says, "about %lld validation samples would tell", (long long)enough);
    else
        snprintf(says, sizeof says,
                 v->is == GR_OPEN   ? "more validation samples, or more seeds, would tell"
                 : v->is == GR_HIGH ? "high variance"
                                    : "it follows the training error");
    add_error(r, d, v, &first->validation, "validation_error", says);
}

/* An evaluation drops nothing out and changes nothing, so that cannot be it. */
static void add_inverted(gr_result *r, const gr_diagnosis *d)
{
    gr_finding *f = d->validation.high < d->train.low ? add(r, "inverted", d->gap, 0) : NULL;
    if (!f) return;
    f->verdict = GR_VERDICT_WARNING;
    snprintf(f->message, sizeof f->message, "%s",
             "the validation error is below the training error by more than chance: the parts differ, or training "
             "samples are in both; gradus data check looks for that");
}

static void add_ending(gr_result *r, const gr_ending *e)
{
    gr_finding *f = e->known ? add(r, "training_cost", e->after, NAN) : NULL;
    if (f)
        snprintf(f->message, sizeof f->message,
                 e->falling ? "mean over the last tenth of the updates; still falling, in the tenth before it was %.4g"
                            : "mean over the last tenth of the updates; no longer falling, in the tenth before it was "
                              "%.4g",
                 e->before);
    f = e->best_step && e->last > e->best ? add(r, "best_validation_error", e->best, NAN) : NULL;
    if (f)
        snprintf(f->message, sizeof f->message, "after %lld of %lld updates; the last evaluation has %.4g",
                 (long long)e->best_step, (long long)e->steps, e->last);
}

void gr__diagnose_evidence(gr_result *r, const gr_diagnosis *d, const gr_errors *first, const gr_ending *e)
{
    gr_finding *f;
    add_error(r, d, &d->train, &first->train, "train_error",
              isnan(d->train.error)      ? "its outputs are not finite"
              : d->train.is == GR_HIGH   ? "high bias"
              : d->train.is == GR_OPEN   ? "more training samples, or more seeds, would tell"
              : d->train.error <= 1e-300 ? "every training sample is right"
                                         : "the model is large enough for what it was trained on");
    add_validation(r, d, first);
    if ((f = add(r, "chance", d->chance, NAN)))
        snprintf(f->message, sizeof f->message, "the training error of always answering the %s",
                 d->squares ? "mean" : "most frequent class");
    add_inverted(r, d);
    add_ending(r, e);
}
