/* Design checks 2 and 3: outputs that are what their cost says they are, and a cost at the start that blind guessing explains.   [mission T4, T5, X8] */
#include <math.h>
#include <string.h>

#include "study/study.h"

enum { COST_SAMPLES = 1024 };
static const double SUM_LIMIT = 1e-5; /* of probabilities from 1 */
static const double BAND = 0.1;       /* of the cost that guessing has */
static const double CALM = 4;         /* the variance of logits that an initialiser may give: Xavier's is near 1 or 2 */
static const double AGREE = 1e-3;     /* between the cost and its formula, relative: float32 keeps far more */

static double real(const gr_probe *p, const void *data, int64_t i)
{
    return gr__probe_real(p, data, i);
}

/* ---- outputs ---- */

typedef struct ranges { int64_t bad, outside; double off; } ranges; /* not finite; outside [0,1]; the largest distance of a row's sum from 1 */

static ranges look(const gr_probe *p, const void *v, int64_t rows, int64_t width)
{
    ranges r = {0};
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++) {
            double x = real(p, v, i * width + k);
            r.bad += !isfinite(x);
            r.outside += !(x >= 0 && x <= 1);
            sum += x;
        }
        if (!(fabs(sum - 1) <= r.off)) r.off = fabs(sum - 1);
    }
    return r;
}

gr_status gr__check_outputs(gr_probe *p, gr_finding *out)
{
    gr_batch b;
    gr_shape shape;
    gr__loader_seek(p->loader, 0, 0);
    gr_status st = p->next(p->source, &b);
    if (st == GR_OK) st = gr__probe_run(p, p->evaluate, &b);
    if (st != GR_OK) return st;
    const void *v = gr_plan_output(p->evaluate, "prediction", &shape);
    const char *kind = p->recipe->cost->prediction;
    bool softmax = strcmp(kind, "softmax") == 0, sigmoid = strcmp(kind, "sigmoid") == 0;
    int64_t last = shape.rank ? shape.dim[shape.rank - 1] : 1, all = gr_shape_count(shape), wanted = softmax ? p->task.classes : gr_shape_count(p->task.target_sample);
    bool sums = softmax || (sigmoid && last == 2 && p->recipe->cost->wants_classes);
    ranges r = look(p, v, last ? all / last : 0, last);
    bool fits = shape.rank > 0 && shape.dim[0] == p->batch && (softmax ? last >= GR_MAX(wanted, 2) : sums || all == p->batch * wanted);
    if (!fits)
        gr__finding_set(out, GR_VERDICT_FAILED, (double)last, (double)wanted, "a sample gives %lld outputs where the targets want %lld; check the last layer's units", (long long)(all / p->batch), (long long)wanted);
    else if (r.bad)
        gr__finding_set(out, GR_VERDICT_FAILED, (double)r.bad, 0, "%lld of %lld outputs are not finite; prepare the data (standardize) or start with smaller weights", (long long)r.bad, (long long)all);
    else if ((softmax || sigmoid) && r.outside)
        gr__finding_set(out, GR_VERDICT_FAILED, (double)r.outside, 0, "%lld of %lld probabilities lie outside 0 to 1: the output is not read through %s", (long long)r.outside, (long long)all, kind);
    else if (sums && !(r.off <= SUM_LIMIT))
        gr__finding_set(out, GR_VERDICT_FAILED, r.off, SUM_LIMIT, "a sample's probabilities miss the sum of 1 by %.2g: the output is not read through %s", r.off, kind);
    else if (sums)
        gr__finding_set(out, GR_VERDICT_OK, r.off, SUM_LIMIT, "%lld probabilities a sample, finite, within 0 to 1, summing to 1", (long long)last);
    else
        gr__finding_set(out, GR_VERDICT_OK, 0, 0, "%lld outputs a sample, finite%s", (long long)(all / p->batch), sigmoid ? ", within 0 to 1" : "");
    return GR_OK;
}

/* ---- the initial cost ---- */

typedef enum form { FORM_CLASSES, FORM_BINARY, FORM_VALUES, FORM_OTHER } form;

typedef struct start {
    gr_probe *p;
    form form;
    int64_t width;             /* outputs a sample */
    double *count;             /* of each class */
    double n, cost, weight;    /* samples; the sums that the plan gives */
    double formula;            /* the same cost from outputs and targets, written down once more */
    const gr_entry *bias;      /* the last layer's, where it has a number an output and one is not 0, as one sets it for unbalanced data; else NULL */
    double variance;           /* sum over samples of the variance of its outputs (CLASSES), or of their squares; of what they are beside the bias */
    double squares;            /* sum over samples of the mean square of its targets, beside the bias too for values */
    int64_t probabilities;     /* samples whose outputs are probabilities already */
    const gr_tree *class_weights;
} start;

static double softplus(double z)
{
    return fmax(z, 0) + log1p(exp(-fabs(z)));
}

/* What the last layer's bias gives to output k. */
static double bias_at(const start *s, int64_t k)
{
    return s->bias ? real(s->p, s->bias->data, k) : 0;
}

static double add_classes(start *s, const void *z, int64_t at, int label)
{
    double top = -INFINITY, sum = 0, mean = 0, square = 0, total = 0;
    bool within = true;
    for (int64_t k = 0; k < s->width; k++) top = fmax(top, real(s->p, z, at + k));
    for (int64_t k = 0; k < s->width; k++) {
        double x = real(s->p, z, at + k);
        sum += exp(x - top);
        mean += (x - bias_at(s, k)) / (double)s->width;
        total += x;
        within &= x >= 0 && x <= 1;
    }
    for (int64_t k = 0; k < s->width; k++) square += pow(real(s->p, z, at + k) - bias_at(s, k) - mean, 2);
    s->variance += square / (double)s->width;
    s->probabilities += within && fabs(total - 1) < 1e-4;
    s->count[label]++;
    double w = s->class_weights ? s->class_weights->child[label]->number : 1;
    return w * (log(sum) + top - real(s->p, z, at + label));
}

static double add_values(start *s, const void *z, const gr_batch *b, int64_t at)
{
    double each = 0, a = s->form == FORM_BINARY ? gr__setting_real(&s->p->recipe->cost_settings, "positive_weight") : 1;
    bool classes = s->p->recipe->cost->wants_classes;
    for (int64_t k = 0; k < s->width; k++) {
        double x = real(s->p, z, at + k), y = classes ? ((const int32_t *)b->targets)[at + k] : real(s->p, b->targets, at + k);
        each += s->form == FORM_BINARY ? a * y * softplus(-x) + (1 - y) * softplus(x) : (x - y) * (x - y);
        double own = x - bias_at(s, k), left = s->form == FORM_VALUES ? y - bias_at(s, k) : y;
        s->variance += own * own / (double)s->width;
        s->squares += left * left / (double)s->width;
        if (classes) s->count[y > 0.5]++;
    }
    return each / (double)s->width;
}

static void add_batch(start *s, const gr_batch *b)
{
    const void *z = gr_plan_output(s->p->evaluate, "output", NULL);
    s->cost += *(const double *)gr_plan_output(s->p->evaluate, "cost_sum", NULL);
    s->weight += *(const double *)gr_plan_output(s->p->evaluate, "weight_sum", NULL);
    s->n += (double)b->n;
    for (int64_t i = 0; i < b->n && s->form != FORM_OTHER; i++)
        s->formula += s->form == FORM_CLASSES ? add_classes(s, z, i * s->width, ((const int32_t *)b->targets)[i]) : add_values(s, z, b, i * s->width);
}

static form form_of(const gr_recipe *r)
{
    const char *name = r->cost->head.name;
    return strcmp(name, "cross_entropy") == 0 ? FORM_CLASSES : strcmp(name, "binary_cross_entropy") == 0 ? FORM_BINARY : strcmp(name, "mse") == 0 ? FORM_VALUES : FORM_OTHER;
}

static const gr_entry *last_bias(const gr_probe *p, int64_t outputs)
{
    size_t n;
    const gr_param_info *all = gr__network_params(p->task.network, &n);
    for (size_t i = 0; i < n; i++) {
        const gr_entry *e = gr_store_find(p->store, all[i].entry.name);
        if (!all[i].is_bias || !all[i].last || e->count != outputs) continue;
        for (int64_t k = 0; k < e->count; k++)
            if (real(p, e->data, k) != 0) return e;
    }
    return NULL;
}

/* What guessing costs, and how far from it sane initial weights may bring a sample of this size.
 * Logits of variance v raise the cost of the right class by v / 2 on average (binary: v / 8), and scatter it by sqrt(v) over samples; samples of a class may
 * be so alike that only as many chances count as there are classes. */
static void expect(const start *s, bool biased, double *guess, double *low, double *high)
{
    double v = s->variance / s->n, entropy = 0, k = s->form == FORM_BINARY ? 2 : (double)s->width;
    for (int64_t c = 0; s->form != FORM_VALUES && s->n > 0 && c < (int64_t)k; c++) {
        double f = s->count[c] / s->n;
        if (f > 0) entropy -= f * log(f);
    }
    if (s->form == FORM_VALUES) { /* outputs z near 0: mean (z - y)^2 lies between (|y| - |z|)^2 and (|y| + |z|)^2 */
        double y = sqrt(s->squares / s->n), z = sqrt(v);
        *guess = y * y;
        *low = (1 - BAND) * (y - z) * (y - z);
        *high = (1 + BAND) * (y + z) * (y + z);
        return;
    }
    bool known = s->count[0] + s->count[1] > 0 || s->form == FORM_CLASSES;
    *guess = biased && known ? entropy : log(k);
    double a = s->form == FORM_BINARY ? gr__setting_real(&s->p->recipe->cost_settings, "positive_weight") : 1;
    if (a != 1) *guess *= a * s->squares / s->n + 1 - s->squares / s->n;
    v = fmin(v, CALM);
    double scatter = 3 * sqrt(v / fmin(s->n, k)) * (s->form == FORM_BINARY ? 0.5 * fmax(a, 1) : 1);
    *low = (1 - BAND) * *guess - scatter;
    *high = (1 + BAND) * *guess + scatter + v / (s->form == FORM_BINARY ? 8 : 2) * fmax(a, 1);
}

static void judge(const start *s, gr_finding *out)
{
    double cost = s->cost / s->weight, guess, low, high;
    bool biased = s->bias != NULL;
    if (!isfinite(cost)) {
        gr__finding_set(out, GR_VERDICT_FAILED, cost, NAN, "the cost before training is not finite; prepare the data (standardize) or start with smaller weights");
        return;
    }
    if (s->form == FORM_OTHER) {
        gr__finding_set(out, GR_VERDICT_OK, cost, NAN, "%.4g before training; what guessing costs is not known for %s", cost, s->p->recipe->cost->head.name);
        return;
    }
    expect(s, biased, &guess, &low, &high);
    double again = s->formula / s->weight, v = s->variance / s->n;
    const char *of = s->form == FORM_VALUES ? biased ? "the targets' mean square about the last layer's bias" : "the targets' variance and squared mean" : biased ? "the entropy of the class frequencies" : s->form == FORM_BINARY ? "ln 2" : "ln K";
    if (!(fabs(cost - again) <= AGREE * fmax(fabs(again), 1e-3)))
        gr__finding_set(out, GR_VERDICT_FAILED, cost, again, "the cost of these outputs should be %.5g, not %.5g: a softmax or sigmoid is applied twice, or the reduction over samples is wrong", again, cost);
    else if (cost > high)
        gr__finding_set(out, GR_VERDICT_FAILED, cost, high, "%.4g before training, at most %.4g is plausible where guessing costs %.4g (%s); outputs start too large (mean square %.3g): prepare the data or start with smaller weights", cost, high, guess, of, v);
    else if (cost < low)
        gr__finding_set(out, GR_VERDICT_FAILED, cost, low, "%.4g before training is less than guessing can reach, %.4g (%s): the inputs may hold the answer, or labels are read wrongly", cost, guess, of);
    else if (s->probabilities == (int64_t)s->n && s->n > 0 && s->form == FORM_CLASSES)
        gr__finding_set(out, GR_VERDICT_WARNING, cost, guess, "the outputs are probabilities already, and cross_entropy applies softmax once more; give it logits");
    else if (s->form == FORM_VALUES && v > CALM * fmax(guess, 1e-30))
        gr__finding_set(out, GR_VERDICT_WARNING, cost, guess, "outputs start with a mean square of %.3g where the targets have %.3g; prepare the data or start with smaller weights", v, guess);
    else
        gr__finding_set(out, GR_VERDICT_OK, cost, guess, "%.4g before training, where guessing costs %.4g (%s) and %.4g to %.4g is plausible", cost, guess, of, fmax(low, 0), high);
}

gr_status gr__check_cost(gr_probe *p, gr_finding *out)
{
    start s = {.p = p, .form = form_of(p->recipe), .width = gr_shape_count(gr__network_output(p->task.network))};
    s.bias = last_bias(p, s.width);
    gr_batch b = {0};
    gr_status st = GR_OK;
    size_t bytes = sizeof *s.count * (size_t)GR_MAX(s.width, 2);
    s.count = gr__alloc(p->ctx, bytes);
    if (!s.count) return GR_E_MEMORY;
    if (s.form == FORM_CLASSES) s.class_weights = gr__setting_tree(&p->recipe->cost_settings, "class_weights");
    gr__loader_seek(p->loader, 0, 0);
    for (int64_t i = 0; i < p->batches && s.n < COST_SAMPLES; i++) {
        GR_TRY(p->next(p->source, &b));
        if (b.n != p->batch) break; /* the last, short one */
        GR_TRY(gr__probe_run(p, p->evaluate, &b));
        add_batch(&s, &b);
    }
    judge(&s, out);
done:
    gr__free(p->ctx, s.count, bytes);
    return st;
}
