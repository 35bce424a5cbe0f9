/* Evaluation: cost, error, metrics and confusion of one part, with the store's present values. It reads and never
 * writes training state. */
#include <math.h>
#include <string.h>

#include "train/train.h"

static double as_real(const void *data, gr_element e, int64_t i)
{
    return e == GR_EL_F64 ? ((const double *)data)[i] : ((const float *)data)[i];
}

/* The index of the largest number; the first wins, NaN never does. */
static int largest(const void *data, gr_element e, int64_t at, int64_t n)
{
    int best = 0;
    double top = -INFINITY;
    for (int64_t k = 0; k < n; k++) {
        double x = as_real(data, e, at + k);
        if (x > top) top = x, best = (int)k;
    }
    return best;
}

typedef struct label_count {
    int64_t both, only_one;
} label_count; /* truth and prediction say yes; one of them does */

typedef struct tally {
    gr_context *ctx;
    gr_evaluation *ev;
    gr_target_form form;
    gr_element real;
    int64_t width; /* numbers a sample */
    double square_sum, absolute_sum;
    int64_t right, labels;
    label_count *label; /* one a label; LABELS */
} tally;

static gr_status tally_begin(tally *t, gr_shape prediction, int64_t batch)
{
    gr_evaluation *ev = t->ev;
    size_t n = (size_t)(t->width = gr_shape_count(prediction) / batch);
    if (t->form == GR_FORM_CLASS) {
        ev->classes = (int)prediction.dim[prediction.rank - 1];
        n = (size_t)ev->classes;
        ev->confusion = gr__alloc(t->ctx, sizeof *ev->confusion * n * n);
        return ev->confusion ? GR_OK : GR_E_MEMORY;
    }
    if (t->form != GR_FORM_LABELS) return GR_OK;
    ev->classes = (int)n;
    t->label = gr__alloc(t->ctx, sizeof *t->label * n);
    return t->label ? GR_OK : GR_E_MEMORY;
}

static void tally_end(tally *t)
{
    if (t->label) gr__free(t->ctx, t->label, sizeof *t->label * (size_t)t->width);
}

static void count_classes(tally *t, const gr_batch *b, const void *prediction)
{
    const int32_t *label = b->targets;
    int k = t->ev->classes;
    int64_t positions = t->width / k; /* a class a sample, or a class a position */
    for (int64_t i = 0; i < b->n * positions; i++) {
        int guess = largest(prediction, t->real, i * k, k);
        t->right += guess == label[i];
        t->labels++;
        t->ev->confusion[(int64_t)label[i] * k + guess]++;
    }
}

static void count_labels(tally *t, const gr_batch *b, const void *prediction)
{
    for (int64_t i = 0; i < b->n * t->width; i++) {
        bool truth = as_real(b->targets, t->real, i) >= 0.5, guess = as_real(prediction, t->real, i) >= 0.5;
        label_count *l = &t->label[i % t->width];
        t->right += guess == truth;
        t->labels++;
        l->both += guess && truth;
        l->only_one += guess != truth;
    }
}

/* Right is the class that the target gives the most. */
static void count_distributions(tally *t, const gr_batch *b, const void *prediction)
{
    for (int64_t i = 0; i < b->n; i++) {
        t->right += largest(prediction, t->real, i * t->width, (int)t->width) ==
                    largest(b->targets, t->real, i * t->width, (int)t->width);
        t->labels++;
    }
}

static void count_values(tally *t, const gr_batch *b, const void *prediction)
{
    for (int64_t i = 0; i < b->n * t->width; i++) {
        double d = as_real(prediction, t->real, i) - as_real(b->targets, t->real, i);
        t->square_sum += d * d;
        t->absolute_sum += fabs(d);
    }
}

/* F1 = 2 C_kk / (2 C_kk + FP + FN), averaged over the classes that occur in truth or prediction. */
static double macro_f1(const int64_t *c, int k)
{
    double sum = 0;
    int seen = 0;
    for (int a = 0; a < k; a++) {
        int64_t row = 0, column = 0;
        for (int b = 0; b < k; b++) row += c[(int64_t)a * k + b], column += c[(int64_t)b * k + a];
        if (row + column == 0) continue;
        seen++;
        sum += 2.0 * (double)c[(int64_t)a * k + a] / (double)(row + column);
    }
    return seen ? sum / seen : NAN;
}

/* F1 of each label's yes, averaged over the labels that occur in truth or prediction. */
static double label_f1(const tally *t)
{
    double sum = 0;
    int seen = 0;
    for (int64_t k = 0; k < t->width; k++) {
        const label_count *l = &t->label[k];
        if (l->both + l->only_one == 0) continue;
        seen++;
        sum += 2.0 * (double)l->both / (double)(2 * l->both + l->only_one);
    }
    return seen ? sum / seen : NAN;
}

static void conclude(tally *t, double weight_sum)
{
    gr_evaluation *ev = t->ev;
    double n = (double)ev->samples * (double)t->width;
    ev->cost_mean = gr__cost_mean(ev->cost_sum, weight_sum);
    if (t->labels) {
        ev->accuracy = (double)t->right / (double)t->labels;
        ev->error = (double)(t->labels - t->right) / (double)t->labels;
    }
    if (t->form == GR_FORM_CLASS) ev->f1 = macro_f1(ev->confusion, ev->classes);
    if (t->form == GR_FORM_LABELS) ev->f1 = label_f1(t);
    if (t->form == GR_FORM_VALUES || t->form == GR_FORM_DISTRIBUTION) {
        ev->rmse = sqrt(t->square_sum / n);
        ev->mae = t->absolute_sum / n;
        ev->error = ev->rmse;
    }
}

gr_status gr__evaluate(gr_engine *e, int view, gr_loader *loader, gr_part part, const volatile sig_atomic_t *stop,
                       gr_evaluation *out)
{
    const gr_task *t = e->task;
    *out = (gr_evaluation){.accuracy = NAN, .f1 = NAN, .rmse = NAN, .mae = NAN};
    tally ta = {.ctx = t->ctx,
                .ev = out,
                .form = t->recipe->reading.target,
                .real = gr_backend_real_bytes(t->backend) == 8 ? GR_EL_F64 : GR_EL_F32};
    double weight_sum = 0;
    gr_status st = GR_OK;
    gr__loader_seek(loader, 0, 0);
    for (gr_batch b = {0}; !b.last;) {
        if (stop && *stop) GR_TRY(GR_E_INTERRUPTED);
        GR_TRY(gr__loader_next(loader, &b));
        gr_engine_plan *p = gr__engine_find(e, GR_RUN_EVALUATE, b.n, view);
        if (!p)
            GR_TRY(gr__fail(t->ctx, GR_E_INTERNAL, "no plan to evaluate a %s batch of %lld", gr__part_name(part),
                            (long long)b.n));
        if (p->x) memcpy(p->x, b.inputs, p->x_bytes);
        if (p->y) memcpy(p->y, b.targets, p->y_bytes);
        GR_TRY(gr_plan_run(p->plan));
        out->samples += b.n;
        out->cost_sum += *p->cost_sum;
        weight_sum += *p->weight_sum;
        if (!ta.width) {
            gr_shape s;
            gr_plan_output(p->plan, "prediction", &s);
            GR_TRY(tally_begin(&ta, s, b.n));
        }
        if (ta.form == GR_FORM_CLASS)
            count_classes(&ta, &b, p->prediction);
        else if (ta.form == GR_FORM_LABELS)
            count_labels(&ta, &b, p->prediction);
        else
            count_values(&ta, &b, p->prediction);
        if (ta.form == GR_FORM_DISTRIBUTION) count_distributions(&ta, &b, p->prediction);
    }
    conclude(&ta, weight_sum);
done:
    tally_end(&ta);
    if (st != GR_OK) gr__evaluation_free(t->ctx, out);
    return st;
}

void gr__evaluation_free(gr_context *ctx, gr_evaluation *ev)
{
    if (ev->confusion) gr__free(ctx, ev->confusion, sizeof *ev->confusion * (size_t)ev->classes * (size_t)ev->classes);
    ev->confusion = NULL;
}

static double accuracy(const gr_evaluation *ev)
{
    return ev->accuracy;
}
static double f1(const gr_evaluation *ev)
{
    return ev->f1;
}
static double rmse(const gr_evaluation *ev)
{
    return ev->rmse;
}
static double mae(const gr_evaluation *ev)
{
    return ev->mae;
}

const gr_metric *gr__metrics(int *n)
{
    enum {
        LABELLED = 1 << GR_FORM_CLASS | 1 << GR_FORM_LABELS,
        MEASURED = 1 << GR_FORM_DISTRIBUTION | 1 << GR_FORM_VALUES
    };
    static const gr_metric metrics[] = {
        {"accuracy", "share of right classes or labels", LABELLED | 1 << GR_FORM_DISTRIBUTION, accuracy},
        {"f1", "F1, mean over the classes or labels", LABELLED, f1},
        {"mae", "mean absolute error", MEASURED, mae},
        {"rmse", "root mean square error", MEASURED, rmse},
    };
    *n = (int)GR_COUNT(metrics);
    return metrics;
}
