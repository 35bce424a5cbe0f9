/* What training rows say of their targets: how many of each class, or mean and variance of each value. */
#include "data/data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- their shape ---- */

static bool same(gr_shape a, gr_shape b)
{
    return a.rank == b.rank && memcmp(a.dim, b.dim, sizeof a.dim[0] * (size_t)a.rank) == 0;
}

/* Of all samples: "[N,28,28]". */
static const char *batch_text(gr_shape s, char *text, size_t n)
{
    size_t used = (size_t)snprintf(text, n, "[N");
    for (int i = 0; i < s.rank; i++) used += (size_t)snprintf(text + used, n - used, ",%lld", (long long)s.dim[i]);
    snprintf(text + used, n - used, "]");
    return text;
}

/* Where classes are: the output's shape without its last axis. */
static gr_shape places(gr_shape output)
{
    gr_shape s = output;
    s.rank = GR_MAX(s.rank - 1, 0);
    return s;
}

static bool fits(const gr_wanted *w, gr_shape target)
{
    gr_shape at = places(w->output);
    if (w->form != GR_FORM_CLASS)
        return same(target, w->output) || (target.rank <= 1 && gr_shape_count(target) == gr_shape_count(w->output));
    return same(target, at) || (at.rank == 0 && target.rank == 1 && target.dim[0] == 1);
}

/* Would another number of units do? */
static bool units_differ(gr_shape target, gr_shape output)
{
    if (output.rank <= 1) return true;
    gr_shape other = target;
    if (target.rank != output.rank) return false;
    other.dim[other.rank - 1] = output.dim[other.rank - 1];
    return same(other, output);
}

/* One sentence on what the mistake probably is. */
static void hint(gr_context *ctx, const gr_wanted *w, gr_shape target)
{
    char want[160];
    int64_t given = gr_shape_count(target), outputs = gr_shape_count(w->output);
    batch_text(w->form == GR_FORM_CLASS ? places(w->output) : w->output, want, sizeof want);
    if (w->form == GR_FORM_CLASS && given > 1 && (given == outputs || (outputs == 1 && given == 2)))
        gr__error_hint(ctx,
                       "one-hot targets become class numbers (in NumPy: y.argmax(axis=-1)), %s; distributions over "
                       "the classes want cost: kl",
                       want);
    else if (w->form == GR_FORM_CLASS && w->output.rank > 1 && given == 1)
        gr__error_hint(
            ctx,
            "one class a sample wants one row of outputs: flatten, or pool, before the last layer; a class a "
            "position is %s",
            want);
    else if (w->form == GR_FORM_CLASS)
        gr__error_hint(ctx, "%s wants the number of its class for each %s, %s; values want another cost, mse say",
                       w->cost, w->output.rank > 1 ? "position" : "sample", want);
    else if (given == outputs)
        gr__error_hint(ctx, "the same numbers in other axes: store them as %s%s", want,
                       w->output.rank > 1 ? ", or flat" : "");
    else if (w->output.rank > 1 && same(target, places(w->output)))
        gr__error_hint(ctx, "%s wants %s; class numbers want cost: cross_entropy", w->cost, want);
    else if (!units_differ(target, w->output))
        gr__error_hint(ctx, "%s wants %s", w->cost, want);
    else if (w->form == GR_FORM_VALUES)
        gr__error_hint(ctx, "%s wants %s; give the last layer %lld unit%s", w->cost, want, (long long)given,
                       given == 1 ? ", or class numbers the cost cross_entropy" : "s");
    else if (given == 1)
        gr__error_hint(ctx, "%s wants %s; class numbers want cost: cross_entropy", w->cost, want);
    else
        gr__error_hint(ctx, "%s wants %s; give the last layer %lld units", w->cost, want, (long long)given);
}

gr_status gr__targets_fit(gr_context *ctx, const gr_wanted *w, gr_shape target, const char *what)
{
    char given[160], output[160];
    if (w->any || fits(w, target)) return GR_OK;
    gr_status st =
        gr__fail(ctx, GR_E_DATA, "%s has targets of shape %s, but the network gives %s and %s wants %s", what,
                 batch_text(target, given, sizeof given), batch_text(w->output, output, sizeof output), w->cost,
                 w->form != GR_FORM_CLASS ? "as many numbers"
                 : w->output.rank > 1     ? "a class a position"
                                          : "a class a sample");
    hint(ctx, w, target);
    return st;
}

/* ---- what rows say of them ---- */

static gr_status take_classes(gr__bump *b, const gr_field *f, const gr_rows *rows, int64_t classes, gr_targets *out)
{
    const int32_t *label = f->data;
    int64_t width = gr_shape_count(f->sample), *count = gr__bump_alloc(b, sizeof *count * (size_t)classes);
    if (!count) return GR_E_MEMORY;
    int64_t all = 0;
    for (int64_t i = 0; i < rows->n; i++) {
        int64_t n = gr__field_counts(f, rows->row[i], width);
        for (int64_t k = 0; k < n; k++) count[label[rows->row[i] * width + k]]++;
        all += n;
    }
    *out = (gr_targets){.n = all, .classes = classes, .count = count};
    return GR_OK;
}

/* One pass of sums about the first row: a constant has variance 0 exactly, and a large common offset costs no digits.
 * Of sequences of different lengths every step that counts is a row. */
static gr_status take_values(gr__bump *b, const gr_field *f, const gr_rows *rows, gr_targets *out)
{
    int64_t all = gr_shape_count(f->sample), width = f->length ? all / f->steps : all, seen = 0;
    double *mean = gr__bump_alloc(b, 2 * sizeof *mean * (size_t)width), *variance = mean + width;
    if (!mean) return GR_E_MEMORY;
    int64_t first = rows->row[0] * all;
    for (int64_t i = 0; i < rows->n; i++) {
        int64_t n = gr__field_counts(f, rows->row[i], all);
        for (int64_t k = 0; k < n; k++) {
            double d = gr__element_at(f->element, f->data, rows->row[i] * all + k) -
                       gr__element_at(f->element, f->data, first + k % width);
            mean[k % width] += d;
            variance[k % width] += d * d;
        }
        seen += n / width;
    }
    double n = (double)seen;
    for (int64_t k = 0; k < width; k++) {
        double sum = mean[k];
        mean[k] = gr__element_at(f->element, f->data, first + k) + sum / n;
        variance[k] = GR_MAX(variance[k] - sum * (sum / n), 0) / n;
    }
    *out = (gr_targets){.n = seen, .values = width, .mean = mean, .variance = variance};
    return GR_OK;
}

gr_status gr__targets_take(gr__bump *b, const gr_field *f, const gr_rows *rows, int64_t classes, gr_targets *out)
{
    *out = (gr_targets){0};
    if (rows->n == 0 || !f || f->kind == GR_TARGET_NONE) return GR_OK;
    return f->kind == GR_TARGET_CLASS ? take_classes(b, f, rows, classes, out) : take_values(b, f, rows, out);
}

gr_status gr__targets_standardize(gr_context *ctx, gr__bump *b, gr_targets *t)
{
    double *shift = gr__bump_alloc(b, 2 * sizeof *shift * (size_t)GR_MAX(t->values, 1)), *spread = shift + t->values;
    if (!shift) return gr__error_code(ctx);
    for (int64_t i = 0; i < t->values; i++) {
        double deviation = sqrt(t->variance[i]);
        shift[i] = t->mean[i];
        spread[i] = isfinite((float)(1 / deviation)) ? deviation : 1;
    }
    t->shift = shift;
    t->spread = spread;
    return GR_OK;
}
