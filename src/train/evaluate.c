/* Evaluation: cost, error, metrics and confusion of one part, with the store's present values. It reads and never writes training state. */
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

typedef struct tally {
    gr_evaluation *ev;
    gr_element real;
    int64_t width;      /* numbers a sample */
    double square_sum, absolute_sum;
    int64_t right, labels;
} tally;

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

static void conclude(tally *t, double weight_sum)
{
    gr_evaluation *ev = t->ev;
    ev->cost_mean = ev->cost_sum / weight_sum;
    if (ev->confusion) {
        ev->accuracy = (double)t->right / (double)t->labels;
        ev->error = (double)(t->labels - t->right) / (double)t->labels;
        ev->f1 = macro_f1(ev->confusion, ev->classes);
    } else {
        double n = (double)ev->samples * (double)t->width;
        ev->rmse = sqrt(t->square_sum / n);
        ev->mae = t->absolute_sum / n;
        ev->error = ev->rmse;
    }
}

gr_status gr__evaluate(gr_engine *e, int view, gr_loader *loader, gr_part part, const volatile sig_atomic_t *stop, gr_evaluation *out)
{
    const gr_task *t = e->task;
    bool classes = t->recipe->cost->wants_classes;
    *out = (gr_evaluation){.accuracy = NAN, .f1 = NAN, .rmse = NAN, .mae = NAN};
    tally ta = {.ev = out, .real = gr_backend_real_bytes(t->backend) == 8 ? GR_EL_F64 : GR_EL_F32};
    double weight_sum = 0;
    gr_status st = GR_OK;
    gr__loader_seek(loader, 0, 0);
    for (gr_batch b = {0}; !b.last;) {
        if (stop && *stop) GR_TRY(GR_E_INTERRUPTED);
        GR_TRY(gr__loader_next(loader, &b));
        gr_engine_plan *p = gr__engine_find(e, GR_RUN_EVALUATE, b.n, view);
        if (!p) GR_TRY(gr__fail(t->ctx, GR_E_INTERNAL, "no plan to evaluate a %s batch of %lld", gr__part_name(part), (long long)b.n));
        if (p->x) memcpy(p->x, b.inputs, p->x_bytes);
        if (p->y) memcpy(p->y, b.targets, p->y_bytes);
        GR_TRY(gr_plan_run(p->plan));
        out->samples += b.n;
        out->cost_sum += *p->cost_sum;
        weight_sum += *p->weight_sum;
        if (!ta.width) {
            gr_shape s;
            gr_plan_output(p->plan, "prediction", &s);
            ta.width = gr_shape_count(s) / b.n;
            if (classes) {
                out->classes = (int)s.dim[s.rank - 1];
                out->confusion = gr__alloc(t->ctx, sizeof *out->confusion * (size_t)out->classes * (size_t)out->classes);
                if (!out->confusion) GR_TRY(GR_E_MEMORY);
            }
        }
        if (classes) count_classes(&ta, &b, p->prediction);
        else count_values(&ta, &b, p->prediction);
    }
    conclude(&ta, weight_sum);
done:
    if (st != GR_OK) gr__evaluation_free(t->ctx, out);
    return st;
}

void gr__evaluation_free(gr_context *ctx, gr_evaluation *ev)
{
    if (ev->confusion) gr__free(ctx, ev->confusion, sizeof *ev->confusion * (size_t)ev->classes * (size_t)ev->classes);
    ev->confusion = NULL;
}

static double accuracy(const gr_evaluation *ev) { return ev->accuracy; }
static double f1(const gr_evaluation *ev) { return ev->f1; }
static double rmse(const gr_evaluation *ev) { return ev->rmse; }
static double mae(const gr_evaluation *ev) { return ev->mae; }

const gr_metric *gr__metrics(int *n)
{
    static const gr_metric metrics[] = {
        {"accuracy", "share of right classes", true, accuracy},
        {"f1", "F1, mean over the classes", true, f1},
        {"mae", "mean absolute error", false, mae},
        {"rmse", "root mean square error", false, rmse},
    };
    *n = (int)GR_COUNT(metrics);
    return metrics;
}
