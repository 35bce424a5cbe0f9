/* Counting a pass over a part of the data. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "metric/metric.h"

static double number(const gr_tally *t, const void *data, int64_t i)
{
    return t->is.wide ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

/* ---- beginning and end ---- */

/* Positions of a sample that are judged, and classes or labels that each has scores of. */
static int64_t positions(const gr_tally_spec *is)
{
    return is->form == GR_FORM_CLASS ? is->outputs / is->classes : 1;
}

static int64_t columns(const gr_tally_spec *is)
{
    return is->form != GR_FORM_CLASS ? is->outputs : is->classes == 2 ? 1 : is->classes;
}

uint64_t gr__tally_score_bytes(const gr_tally_spec *is, int64_t samples)
{
    return (uint64_t)(samples * positions(is) * columns(is)) * (is->wide ? sizeof(uint64_t) : sizeof(uint32_t));
}

/* How many of each kind of count there are. */
typedef struct counts {
    int64_t hits, ranks, values;
} counts;

static bool of_numbers(gr_target_form form)
{
    return form == GR_FORM_DISTRIBUTION || form == GR_FORM_VALUES;
}

static counts counts_of(const gr_tally_spec *is)
{
    return (counts){.hits = is->form == GR_FORM_CLASS    ? is->classes
                            : is->form == GR_FORM_LABELS ? is->outputs
                                                         : 0,
                    .ranks = is->form == GR_FORM_CLASS ? is->classes : 0,
                    .values = of_numbers(is->form) ? is->outputs : 0};
}

uint64_t gr__tally_counts_bytes(const gr_tally_spec *is)
{
    counts n = counts_of(is);
    return sizeof(gr_hits) * (size_t)n.hits + sizeof(int64_t) * (size_t)n.ranks +
           sizeof(gr_value_sums) * (size_t)n.values;
}

uint64_t gr__tally_confusion_bytes(int64_t classes)
{
    return sizeof(int64_t) * (uint64_t)classes * (uint64_t)classes;
}

static bool has_confusion(const gr_tally_spec *is)
{
    return is->form == GR_FORM_CLASS && is->confusion;
}

uint64_t gr__tally_bytes(const gr_tally_spec *is)
{
    return gr__tally_counts_bytes(is) + (has_confusion(is) ? gr__tally_confusion_bytes(is->classes) : 0);
}

gr_status gr__tally_begin(gr_context *ctx, const gr_tally_spec *is, gr_tally *out)
{
    counts n = counts_of(is);
    gr_tally t = {.ctx = ctx, .is = *is, .n_hits = n.hits};
    size_t bytes = (size_t)gr__tally_counts_bytes(is);
    t.counts = is->room ? memset(is->room, 0, bytes) : gr__tensor_alloc(ctx, bytes);
    if (t.counts && has_confusion(is))
        t.confusion = gr__tensor_alloc(ctx, (size_t)gr__tally_confusion_bytes(is->classes));
    if (!t.counts || (has_confusion(is) && !t.confusion)) {
        gr__tally_end(&t);
        return gr__error_code(ctx);
    }
    t.hits = t.counts;
    t.rank = (int64_t *)(void *)(t.hits + n.hits);
    t.value = (gr_value_sums *)(void *)(t.rank + n.ranks);
    *out = t;
    return GR_OK;
}

void gr__tally_end(gr_tally *t)
{
    if (!t->ctx) return;
    if (!t->is.room) gr__tensor_free(t->ctx, t->counts, (size_t)gr__tally_counts_bytes(&t->is));
    if (t->confusion) gr__tensor_free(t->ctx, t->confusion, (size_t)gr__tally_confusion_bytes(t->is.classes));
    *t = (gr_tally){0};
}

/* ---- scores ----
 * A column a class, a key a decision: a probability is nowhere below 0, so that the bits of its number are in its
 * order; the place of the sign holds, shifted to the end, whether the decision is of that class. Sorting the keys sorts
 * the scores and keeps the truth with them. */

static void keep_score(gr_tally *t, int64_t column, int64_t row, double p, bool truth)
{
    int64_t at = column * t->is.samples * positions(&t->is) + row;
    if (!(p >= 0)) p = 0; /* NaN: counted as not finite, and no figure is given */
    if (t->is.wide) {
        uint64_t bits;
        memcpy(&bits, &p, sizeof bits);
        ((uint64_t *)t->is.scores)[at] = bits << 1 | truth;
    } else {
        float f = (float)p;
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        ((uint32_t *)t->is.scores)[at] = bits << 1 | truth;
    }
}

static uint64_t key_at(const gr_tally *t, int64_t i)
{
    return t->is.wide ? ((const uint64_t *)t->is.scores)[i] : ((const uint32_t *)t->is.scores)[i];
}

static void swap_keys(gr_tally *t, int64_t i, int64_t j)
{
    uint64_t a = key_at(t, i), b = key_at(t, j);
    if (t->is.wide)
        ((uint64_t *)t->is.scores)[i] = b, ((uint64_t *)t->is.scores)[j] = a;
    else
        ((uint32_t *)t->is.scores)[i] = (uint32_t)b, ((uint32_t *)t->is.scores)[j] = (uint32_t)a;
}

/* In place, from the highest bit down: no deeper than a key has bits, whatever the keys are. */
static void sort_keys(gr_tally *t, int64_t from, int64_t to, int bit)
{
    if (to - from < 2 || bit < 0) return;
    int64_t low = from, high = to;
    while (low < high) {
        if (key_at(t, low) >> bit & 1)
            swap_keys(t, low, --high);
        else
            low++;
    }
    sort_keys(t, from, low, bit - 1);
    sort_keys(t, low, to, bit - 1);
}

void gr__tally_finish(gr_tally *t)
{
    int64_t room = t->is.samples * positions(&t->is), n = t->samples * positions(&t->is);
    for (int64_t k = 0; t->is.scores && k < columns(&t->is); k++)
        sort_keys(t, k * room, k * room + n, t->is.wide ? 63 : 31);
}

/* Pairs of one of the class and one of the others that the scores put in the right order; equal scores count half. */
double gr__tally_auc(const gr_tally *t, int64_t k)
{
    int64_t n = t->samples * positions(&t->is), at = k * t->is.samples * positions(&t->is);
    double below = 0, above = 0, pairs = 0;
    for (int64_t i = 0; i < n;) {
        uint64_t score = key_at(t, at + i) >> 1;
        double yes = 0, no = 0;
        for (; i < n && key_at(t, at + i) >> 1 == score; i++) {
            yes += (double)(key_at(t, at + i) & 1);
            no += (double)(~key_at(t, at + i) & 1);
        }
        pairs += yes * (below + no / 2);
        below += no;
        above += yes;
    }
    return below > 0 && above > 0 ? pairs / below / above : (double)NAN;
}

/* ---- counting ---- */

/* The index of the largest number; the first wins, NaN never does. */
static int64_t largest(const gr_tally *t, const void *data, int64_t at, int64_t n)
{
    int64_t best = 0;
    double top = -INFINITY;
    for (int64_t k = 0; k < n; k++) {
        double x = number(t, data, at + k);
        if (x > top) top = x, best = k;
    }
    return best;
}

/* A probability of 0 is taken as the smallest that its type writes in full: rounded to 0 is not impossible. */
static double minus_log(const gr_tally *t, double p)
{
    return -log(fmax(p, t->is.wide ? DBL_MIN : (double)FLT_MIN));
}

static int64_t answer(const gr_tally *t, const void *prediction, int64_t at)
{
    if (t->is.threshold && t->is.classes == 2)
        return gr__threshold_answer(t->is.threshold, number(t, prediction, at), number(t, prediction, at + 1));
    return largest(t, prediction, at, t->is.classes);
}

/* Of the two classes the one whose scores are kept. */
static int64_t scored(const gr_tally *t)
{
    return t->is.threshold ? t->is.threshold->positive : 1;
}

static void count_class(gr_tally *t, int64_t label, const void *prediction, int64_t row)
{
    int64_t k = t->is.classes, at = row * k, guess = answer(t, prediction, at), before = 0;
    double p = number(t, prediction, at + label);
    for (int64_t c = 0; c < k; c++) {
        double q = number(t, prediction, at + c);
        before += q > p || (q == p && c < label);
    }
    t->right += guess == label;
    t->hits[label].truth++;
    t->hits[guess].guessed++;
    t->hits[label].both += guess == label;
    if (t->confusion) t->confusion[label * k + guess]++;
    t->rank[before]++;
    t->log_sum += minus_log(t, p);
    for (int64_t c = 0; t->is.scores && c < columns(&t->is); c++) {
        int64_t of = k == 2 ? scored(t) : c;
        keep_score(t, c, t->decisions, number(t, prediction, at + of), label == of);
    }
    t->decisions++;
}

static void count_labels(gr_tally *t, int64_t n, const void *targets, const void *prediction)
{
    int64_t width = t->is.outputs;
    const double side = t->is.threshold ? t->is.threshold->at : 0.5;
    for (int64_t i = 0; i < n * width; i++) {
        double y = number(t, targets, i), p = number(t, prediction, i);
        bool truth = y >= 0.5, guess = p >= side;
        gr_hits *h = &t->hits[i % width];
        t->right += guess == truth;
        h->truth += truth;
        h->guessed += guess;
        h->both += guess && truth;
        if (y > 0) t->log_sum += y * minus_log(t, p);
        if (y < 1) t->log_sum += (1 - y) * minus_log(t, 1 - p);
        if (t->is.scores) keep_score(t, i % width, t->samples + i / width, p, truth);
    }
    t->decisions += n * width;
}

/* Right is the class that the target gives the most. */
static void count_distributions(gr_tally *t, int64_t n, const void *targets, const void *prediction)
{
    int64_t width = t->is.outputs;
    for (int64_t i = 0; i < n; i++) {
        t->right += largest(t, prediction, i * width, width) == largest(t, targets, i * width, width);
        for (int64_t k = 0; k < width; k++) {
            double y = number(t, targets, i * width + k);
            if (y > 0) t->log_sum += y * minus_log(t, number(t, prediction, i * width + k));
        }
    }
    t->decisions += n;
}

static void count_differences(gr_tally *t, int64_t n, const void *targets, const void *prediction)
{
    double of_sample = 0;
    for (int64_t i = 0; i < n * t->is.outputs; i++) {
        int64_t k = i % t->is.outputs;
        double y = number(t, targets, i), d = number(t, prediction, i) - y;
        t->square_sum += d * d;
        t->absolute_sum += fabs(d);
        of_sample = k == 0 ? d * d : of_sample + d * d;
        if (k + 1 == t->is.outputs) t->quartic_sum += of_sample * of_sample;
        gr_value_sums *s = &t->value[k];
        if (t->samples + i / t->is.outputs == 0) s->origin = y;
        s->sum += y - s->origin;
        s->squares += (y - s->origin) * (y - s->origin);
        s->residual += d * d;
    }
}

void gr__tally_add(gr_tally *t, int64_t n, const void *targets, const void *prediction)
{
    for (int64_t i = 0; i < n * t->is.outputs; i++) t->nonfinite += !isfinite(number(t, prediction, i));
    for (int64_t i = 0; t->is.form == GR_FORM_CLASS && i < n * positions(&t->is); i++)
        count_class(t, ((const int32_t *)targets)[i], prediction, i);
    if (t->is.form == GR_FORM_LABELS) count_labels(t, n, targets, prediction);
    if (t->is.form == GR_FORM_DISTRIBUTION) count_distributions(t, n, targets, prediction);
    if (of_numbers(t->is.form)) count_differences(t, n, targets, prediction);
    t->samples += n;
}

/* ---- figures that several ask for ---- */

double gr__tally_error(const gr_tally *t)
{
    if (t->is.form == GR_FORM_CLASS || t->is.form == GR_FORM_LABELS)
        return (double)(t->decisions - t->right) / (double)t->decisions;
    return sqrt(t->square_sum / ((double)t->samples * (double)t->is.outputs));
}

double gr__tally_square_deviation(const gr_tally *t)
{
    double n = (double)t->samples, outputs = (double)t->is.outputs, mean = t->square_sum / n / outputs;
    if (!of_numbers(t->is.form)) return (double)NAN;
    return sqrt(fmax(t->quartic_sum / n / outputs / outputs - mean * mean, 0) / n);
}

double gr__tally_square_about(const gr_tally *t)
{
    double sum = 0, n = (double)t->samples;
    if (!of_numbers(t->is.form)) return (double)NAN;
    for (int64_t k = 0; k < t->is.outputs; k++) {
        const gr_value_sums *v = &t->value[k];
        sum += fmax(v->squares - v->sum * (v->sum / n), 0) / n;
    }
    return sum / (double)t->is.outputs;
}

int gr__targets_positive(const gr_targets *of)
{
    return gr__targets_known(of) && of->classes == 2 && of->count[0] < of->count[1] ? 0 : 1;
}

int gr__tally_positive(const gr_tally *t)
{
    return gr__targets_positive(t->is.targets);
}
