/* Gathers what a start is: sums over the samples of the first batches. */
#include <math.h>

#include "cost/parts.h"
#include "study/check/start.h"

enum { SAMPLES = 1024, FEWER = 256 }; /* of the recipe's own initial weights; of further draws */
static const double LOG_LIMIT = 1e-3; /* of log-probabilities' log-sum-exp, which is 0 */
static const double SUM_LIMIT = 1e-4; /* of probabilities from 1 */
static const double SELDOM = 1e-12;   /* a frequency that is 0 */

static bool values(const gr_start *s)
{
    return s->reading.target == GR_FORM_VALUES;
}

/* What the last layer's bias gives to output k. */
static double bias_at(const gr_start *s, int64_t k)
{
    return s->bias ? gr__probe_real(s->p, s->bias->data, k) : 0;
}

static const gr_entry *last_bias(const gr_probe *p, int head, int64_t outputs)
{
    size_t n;
    const gr_param_info *all = gr__network_params(p->task.network, &n);
    for (size_t i = 0; i < n; i++) {
        const gr_entry *e = gr_store_find(p->store, all[i].entry.name);
        if (!all[i].is_bias || !all[i].last || all[i].head != head || e->count != outputs) continue;
        for (int64_t k = 0; k < e->count; k++)
            if (gr__probe_real(p, e->data, k) != 0) return e;
    }
    return NULL;
}

/* What a sample of this class weighs in the mean; label -1: its target is no class. */
static double weigh(const gr_start *s, int label)
{
    return s->cost->weigh && label >= 0 ? s->cost->weigh(s->settings, &s->p->task.targets[s->head], label) : 1;
}

/* ---- one sample ---- */

/* Row i of a batch as numbers; gives its class, or -1. */
static int read_sample(gr_start *s, const void *z, const gr_batch *b, int64_t i)
{
    const void *targets = b->field[s->p->recipe->n_inputs + s->head];
    int label = s->reading.target == GR_FORM_CLASS ? ((const int32_t *)targets)[i] : -1;
    for (int64_t k = 0; k < s->width; k++) {
        s->z[k] = gr__probe_real(s->p, z, i * s->width + k);
        if (label < 0)
            s->y[k] =
                gr__targets_standard(&s->p->task.targets[s->head], k, gr__probe_real(s->p, targets, i * s->width + k));
        else
            s->y[k] = s->binary ? label : k == label;
    }
    return label;
}

/* Is this a sample of log-probabilities, and how far is it from the first one? */
static void count_logs(gr_start *s)
{
    s->logs += s->width > 1 && fabs(gr__log_sum_exp(s->z, s->width)) < LOG_LIMIT;
    for (int64_t k = 0; k < s->width; k++) {
        if (s->seen == 0) s->first[k] = s->z[k];
        s->spread = fmax(s->spread, fabs(s->z[k] - s->first[k]));
    }
}

static void count_target(gr_start *s)
{
    double width = (double)s->width;
    for (int64_t k = 0; k < s->width; k++) {
        double left = values(s) ? s->y[k] - bias_at(s, k) : s->y[k];
        s->squares += left * left / width;
        if (values(s)) continue;
        if (s->binary)
            s->count[1] += s->y[k] / width, s->count[0] += (1 - s->y[k]) / width;
        else
            s->count[k] += s->y[k];
    }
}

static void count_output(gr_start *s)
{
    double mean = 0, square = 0, total = 0, own = 0, width = (double)s->width;
    bool within = true;
    for (int64_t k = 0; k < s->width; k++) {
        total += s->z[k];
        own += s->z[k] - bias_at(s, k);
        within &= s->z[k] >= 0 && s->z[k] <= 1;
    }
    if (!s->binary && !values(s)) mean = own / width;
    for (int64_t k = 0; k < s->width; k++) square += pow(s->z[k] - bias_at(s, k) - mean, 2);
    s->variance += square / width;
    s->probabilities += within && fabs(total - 1) < SUM_LIMIT;
}

static double cost_of(const gr_start *s, const double *z, const double *y)
{
    return s->cost->reference(s->settings, z, y, s->width);
}

static void add_sample(gr_start *s, const void *z, const gr_batch *b, int64_t i)
{
    const gr_recipe *r = s->p->recipe;
    double w = weigh(s, read_sample(s, z, b, i));
    if (s->p->task.weighted) w *= gr__probe_real(s->p, b->field[r->n_inputs + r->n_heads], i / s->rows);
    count_target(s);
    count_output(s);
    count_logs(s);
    s->seen++;
    s->reference += w * cost_of(s, s->z, s->y);
    s->blind += w * cost_of(s, s->still, s->y);
    if (values(s)) s->alone += cost_of(s, s->z, s->still);
}

/* ---- all ---- */

static void add_batch(gr_start *s, const gr_batch *b)
{
    const void *z = gr__probe_head(s->p, s->head, "output", NULL);
    s->sum += *(const double *)gr__probe_head(s->p, s->head, "cost_sum", NULL);
    s->weight += *(const double *)gr__probe_head(s->p, s->head, "weight_sum", NULL);
    const int32_t *length =
        s->lengths < 0 ? NULL : b->field[gr__length_place(s->p->recipe->n_inputs, s->p->recipe->n_heads, s->lengths)];
    for (int64_t i = 0; i < b->n; i++) {
        int64_t rows = length ? s->rows / s->p->recipe->head[s->head].output.dim[0] * length[i] : s->rows;
        s->n += (double)rows;
        for (int64_t k = 0; k < rows && s->cost->reference; k++) add_sample(s, z, b, i * s->rows + k);
    }
}

static int64_t classes_of(const gr_start *s)
{
    return GR_MAX(s->width, 2);
}

static gr_status take_room(gr_start *s)
{
    s->count = gr__alloc(s->p->ctx, sizeof *s->count * (size_t)(classes_of(s) + 4 * s->width));
    if (!s->count) return GR_E_MEMORY;
    s->z = s->count + classes_of(s);
    s->y = s->z + s->width;
    s->still = s->y + s->width;
    s->first = s->still + s->width;
    return GR_OK;
}

gr_status gr__start_take(gr_probe *p, int head, gr_start *s)
{
    const gr_head *h = &p->recipe->head[head];
    int lengths = gr__network_lengths(p->task.network, head);
    int64_t outputs = gr_shape_count(h->output), of_step = lengths < 0 ? outputs : outputs / h->output.dim[0];
    bool positions = h->output.rank > 1 && h->reading.prediction == GR_PREDICT_SHARES;
    double most = p->draw ? FEWER : SAMPLES;
    gr_batch b = {0};
    gr_status st = GR_OK;
    *s = (gr_start){.p = p,
                    .head = head,
                    .cost = h->cost,
                    .settings = &h->cost_settings,
                    .reading = h->reading,
                    .binary = h->reading.prediction == GR_PREDICT_LABELS,
                    .lengths = lengths,
                    .width = positions ? h->output.dim[h->output.rank - 1] : of_step};
    s->rows = outputs / s->width;
    GR_TRY(take_room(s));
    s->bias = last_bias(p, head, s->width);
    for (int64_t k = 0; k < s->width && values(s); k++) s->still[k] = bias_at(s, k);
    gr__loader_seek(p->loader, 0, 0);
    for (int64_t i = 0; i < p->batches && s->n < most; i++) {
        gr__watch(p->watch, "initial cost", s->n / most);
        GR_TRY(p->next(p->source, &b));
        if (b.n != p->batch) break; /* the last, short one */
        GR_TRY(gr__probe_run(p, p->evaluate, &b));
        add_batch(s, &b);
    }
done:
    return st;
}

void gr__start_release(gr_start *s)
{
    if (s->count) gr__free(s->p->ctx, s->count, sizeof *s->count * (size_t)(classes_of(s) + 4 * s->width));
    s->count = NULL;
}

double gr__start_informed(gr_start *s)
{
    double sum = 0, weight = 0;
    int64_t classes = s->binary ? 2 : s->width;
    for (int64_t k = 0; k < s->width; k++) s->z[k] = log(fmax(s->count[s->binary ? 1 : k] / s->n, SELDOM));
    if (s->binary) s->z[0] -= log(fmax(s->count[0] / s->n, SELDOM));
    for (int64_t c = 0; c < classes; c++) {
        if (s->count[c] == 0) continue;
        for (int64_t k = 0; k < s->width; k++) s->y[k] = s->binary ? (double)c : k == c;
        double w = s->count[c] * weigh(s, (int)c);
        sum += w * cost_of(s, s->z, s->y);
        weight += w;
    }
    return sum / weight;
}
