/* Design checks 2 and 3: outputs that are what their cost says they are, and a cost at the start that blind guessing
 * explains.   [mission T4, T5, X8] */
#include <math.h>
#include <string.h>

#include "study/study.h"

enum { COST_SAMPLES = 1024 };
static const double SUM_LIMIT = 1e-5; /* of probabilities from 1 */
static const double BAND = 0.1;       /* of the cost that guessing has */
static const double CALM = 4;         /* the variance of logits that an initialiser may give: Xavier's is near 1 or 2 */
static const double LOG_LIMIT = 1e-3; /* of log-probabilities' log-sum-exp, which is 0 */
static const double LOG_SPREAD = 0.1; /* how far outputs must differ between samples to show that each sample's are made
                                         to sum to 1, and not all alike by a bias */
enum { LOG_SAMPLES = 8 };             /* fewer may have a log-sum-exp near 0 by chance */
static const double AGREE = 1e-3;     /* between the cost and its formula, relative: float32 keeps far more */

static double real(const gr_probe *p, const void *data, int64_t i)
{
    return gr__probe_real(p, data, i);
}

/* ---- outputs ---- */

typedef struct ranges {
    int64_t bad, outside;
    double off;
} ranges; /* not finite; outside [0,1]; the largest distance of a row's sum from 1 */

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
    const char *kind = p->recipe->reading.as;
    gr_target_form form = p->recipe->reading.target;
    bool softmax = strcmp(kind, "softmax") == 0, sigmoid = strcmp(kind, "sigmoid") == 0;
    int64_t last = shape.rank ? shape.dim[shape.rank - 1] : 1, all = gr_shape_count(shape),
            wanted = form == GR_FORM_CLASS ? p->task.classes : gr_shape_count(p->task.target_sample);
    bool sums = softmax || (sigmoid && last == 2 && form == GR_FORM_CLASS);
    ranges r = look(p, v, last ? all / last : 0, last);
    bool fits = shape.rank > 0 && shape.dim[0] == p->batch &&
                (form == GR_FORM_DISTRIBUTION ? last == wanted
                 : softmax                    ? last >= GR_MAX(wanted, 2)
                                              : sums || all == p->batch * wanted);
    if (!fits)
        gr__finding_set(out, GR_VERDICT_FAILED, (double)last, (double)wanted,
                        "a sample gives %lld outputs where the targets want %lld; check the last layer's units",
                        (long long)(all / p->batch), (long long)wanted);
    else if (r.bad)
        gr__finding_set(
            out, GR_VERDICT_FAILED, (double)r.bad, 0,
            "%lld of %lld outputs are not finite; prepare the data (standardize) or start with smaller weights",
            (long long)r.bad, (long long)all);
    else if ((softmax || sigmoid) && r.outside)
        gr__finding_set(out, GR_VERDICT_FAILED, (double)r.outside, 0,
                        "%lld of %lld probabilities lie outside 0 to 1: the output is not read through %s",
                        (long long)r.outside, (long long)all, kind);
    else if (sums && !(r.off <= SUM_LIMIT))
        gr__finding_set(out, GR_VERDICT_FAILED, r.off, SUM_LIMIT,
                        "a sample's probabilities miss the sum of 1 by %.2g: the output is not read through %s", r.off,
                        kind);
    else if (sums)
        gr__finding_set(out, GR_VERDICT_OK, r.off, SUM_LIMIT,
                        "%lld probabilities a sample, finite, within 0 to 1, summing to 1", (long long)last);
    else
        gr__finding_set(out, GR_VERDICT_OK, 0, 0, "%lld outputs a sample, finite%s", (long long)(all / p->batch),
                        sigmoid ? ", within 0 to 1" : "");
    return GR_OK;
}

/* ---- the initial cost ---- */

typedef struct start start;

/* A cost written down once more, for one sample: its outputs z and targets y, `width` of each; y of classes is 1 at the
 * right one. Weights that the mean divides by are left to the caller. */
typedef double each_cost(const start *s, const double *z, const double *y);

typedef struct judged {
    const char *name;
    each_cost *each;
} judged;

struct start {
    gr_probe *p;
    const judged *cost; /* NULL: none that is known here */
    gr_target_form target;
    bool binary;           /* probabilities are sigmoids */
    int64_t width;         /* outputs a sample */
    double *z, *y, *still; /* of one sample; the outputs that guess: 0, for values the last layer's bias */
    const gr_entry *bias;  /* the last layer's, where it has a number an output and one is not 0, as one sets it for
                              unbalanced data; else NULL */
    double *count; /* of each class: samples, or shares of distributions; binary: count[1] of yes, count[0] of no */
    double n, sum, weight; /* samples; the sums that the plan gives */
    double formula;        /* the same cost from outputs and targets, written down once more */
    double blind;          /* the cost of outputs that guess */
    double alone;          /* VALUES: the cost of the outputs where targets are what guesses */
    double variance; /* sum over samples of the variance of its outputs (softmax), or of their mean square; of what they
                        are beside the bias */
    double squares;  /* sum over samples of the mean square of its targets; VALUES: beside the bias */
    int64_t probabilities; /* samples whose outputs are probabilities already */
    int64_t seen, logs;    /* samples; those whose outputs have the log-sum-exp of log-probabilities */
    double *first, spread; /* the first sample's outputs; how far an output gets from that */
};

static double setting(const start *s, const char *name)
{
    return gr__setting_real(&s->p->recipe->cost_settings, name);
}

static double softplus(double z)
{
    return fmax(z, 0) + log1p(exp(-fabs(z)));
}

static double log_sum_exp(const double *z, int64_t n)
{
    double top = -INFINITY, sum = 0;
    for (int64_t k = 0; k < n; k++) top = fmax(top, z[k]);
    for (int64_t k = 0; k < n; k++) sum += exp(z[k] - top);
    return top + log(sum);
}

static double cross_entropy(const start *s, const double *z, const double *y)
{
    double sum = 0, log_sum = log_sum_exp(z, s->width);
    for (int64_t k = 0; k < s->width; k++) sum += y[k] == 0 ? 0 : y[k] * (log_sum - z[k]);
    return sum;
}

static double kl(const start *s, const double *z, const double *y)
{
    double entropy = 0;
    for (int64_t k = 0; k < s->width; k++) entropy -= y[k] > 0 ? y[k] * log(y[k]) : 0;
    return cross_entropy(s, z, y) - entropy;
}

static double focal(const start *s, const double *z, const double *y)
{
    const gr_tree *alpha = gr__setting_tree(&s->p->recipe->cost_settings, "alpha");
    double a = 1, cost = s->binary ? softplus(y[0] > 0.5 ? -z[0] : z[0]) : cross_entropy(s, z, y);
    if (alpha && s->binary) a = y[0] > 0.5 ? alpha->number : 1 - alpha->number;
    for (int64_t k = 0; alpha && !s->binary && k < s->width; k++)
        if (y[k] > 0) a = alpha->child[k]->number;
    return a * pow(1 - exp(-cost), setting(s, "gamma")) * cost;
}

/* The mean over a sample's outputs of f, or the sum where the cost says so. */
static double over_outputs(const start *s, double (*f)(const start *s, double z, double y), const double *z,
                           const double *y)
{
    double sum = 0;
    bool per_sample = s->target == GR_FORM_VALUES && gr__setting_is(&s->p->recipe->cost_settings, "per", "sample");
    for (int64_t k = 0; k < s->width; k++) sum += f(s, z[k], y[k]);
    return per_sample ? sum : sum / (double)s->width;
}

static double one_binary(const start *s, double z, double y)
{
    return setting(s, "positive_weight") * y * softplus(-z) + (1 - y) * softplus(z);
}

static double one_square(const start *s, double z, double y)
{
    (void)s;
    return (z - y) * (z - y);
}

static double one_absolute(const start *s, double z, double y)
{
    (void)s;
    return fabs(z - y);
}

static double one_huber(const start *s, double z, double y)
{
    double r = fabs(z - y), delta = setting(s, "delta");
    return r <= delta ? r * r / 2 : delta * (r - delta / 2);
}

static double binary_cross_entropy(const start *s, const double *z, const double *y)
{
    return over_outputs(s, one_binary, z, y);
}

static double mse(const start *s, const double *z, const double *y)
{
    return over_outputs(s, one_square, z, y);
}

static double mae(const start *s, const double *z, const double *y)
{
    return over_outputs(s, one_absolute, z, y);
}

static double huber(const start *s, const double *z, const double *y)
{
    return over_outputs(s, one_huber, z, y);
}

static const judged *find(const gr_recipe *r)
{
    static const judged all[] = {{"binary_cross_entropy", binary_cross_entropy},
                                 {"cross_entropy", cross_entropy},
                                 {"focal", focal},
                                 {"huber", huber},
                                 {"kl", kl},
                                 {"mae", mae},
                                 {"mse", mse}};
    for (size_t i = 0; i < GR_COUNT(all); i++)
        if (strcmp(r->cost->head.name, all[i].name) == 0) return &all[i];
    return NULL;
}

/* What a sample of this class weighs in the mean. */
static double class_weight(const start *s, int label)
{
    if (strcmp(s->cost->name, "cross_entropy") != 0) return 1;
    const gr_tree *given = gr__setting_tree(&s->p->recipe->cost_settings, "class_weights");
    const gr_targets *t = s->p->task.targets;
    if (!given) return 1;
    if (given->kind == GR_TREE_LIST) return given->child[label]->number;
    double seen = 0;
    for (int64_t k = 0; k < t->classes; k++) seen += t->count[k] > 0;
    return (double)t->n / (seen * (double)t->count[label]);
}

/* What the last layer's bias gives to output k. */
static double bias_at(const start *s, int64_t k)
{
    return s->bias ? real(s->p, s->bias->data, k) : 0;
}

/* Row i of a batch as numbers; gives its class, or -1. */
static int read_sample(start *s, const void *z, const gr_batch *b, int64_t i)
{
    int label = s->target == GR_FORM_CLASS ? ((const int32_t *)b->targets)[i] : -1;
    for (int64_t k = 0; k < s->width; k++) {
        s->z[k] = real(s->p, z, i * s->width + k);
        s->y[k] = label < 0 ? real(s->p, b->targets, i * s->width + k) : s->binary ? label : k == label;
    }
    return label;
}

/* Is this a sample of log-probabilities, and how far is it from the first one? */
static void count_logs(start *s)
{
    s->logs += s->width > 1 && fabs(log_sum_exp(s->z, s->width)) < LOG_LIMIT;
    for (int64_t k = 0; k < s->width; k++) {
        if (s->seen == 0) s->first[k] = s->z[k];
        s->spread = fmax(s->spread, fabs(s->z[k] - s->first[k]));
    }
    s->seen++;
}

static bool are_logs(const start *s)
{
    return s->logs == s->seen && s->seen >= LOG_SAMPLES && s->spread > LOG_SPREAD;
}

static void count_sample(start *s)
{
    double mean = 0, square = 0, total = 0, own = 0, width = (double)s->width;
    bool within = true;
    for (int64_t k = 0; k < s->width; k++) {
        if (s->binary)
            s->count[1] += s->y[k] / width, s->count[0] += (1 - s->y[k]) / width;
        else if (s->target != GR_FORM_VALUES)
            s->count[k] += s->y[k];
        total += s->z[k];
        own += s->z[k] - bias_at(s, k);
        within &= s->z[k] >= 0 && s->z[k] <= 1;
        double left = s->target == GR_FORM_VALUES ? s->y[k] - bias_at(s, k) : s->y[k];
        s->squares += left * left / width;
    }
    if (!s->binary && s->target != GR_FORM_VALUES) mean = own / width;
    for (int64_t k = 0; k < s->width; k++) square += pow(s->z[k] - bias_at(s, k) - mean, 2);
    s->variance += square / width;
    s->probabilities += within && fabs(total - 1) < 1e-4;
    count_logs(s);
}

static void add_sample(start *s, const void *z, const gr_batch *b, int64_t i)
{
    int label = read_sample(s, z, b, i);
    double w = label < 0 ? 1 : class_weight(s, label);
    count_sample(s);
    s->formula += w * s->cost->each(s, s->z, s->y);
    s->blind += w * s->cost->each(s, s->still, s->y);
    if (s->target == GR_FORM_VALUES) s->alone += s->cost->each(s, s->z, s->still);
}

static void add_batch(start *s, const gr_batch *b)
{
    const void *z = gr_plan_output(s->p->evaluate, "output", NULL);
    s->sum += *(const double *)gr_plan_output(s->p->evaluate, "cost_sum", NULL);
    s->weight += *(const double *)gr_plan_output(s->p->evaluate, "weight_sum", NULL);
    s->n += (double)b->n;
    for (int64_t i = 0; i < b->n && s->cost; i++) add_sample(s, z, b, i);
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

/* The cost of one guess for all that knows how often each class comes: logits of the frequencies. */
static double informed(start *s)
{
    double sum = 0, weight = 0, seldom = 1e-12;
    int64_t classes = s->binary ? 2 : s->width;
    for (int64_t k = 0; k < s->width; k++) s->z[k] = log(fmax(s->count[s->binary ? 1 : k] / s->n, seldom));
    if (s->binary) s->z[0] -= log(fmax(s->count[0] / s->n, seldom));
    for (int64_t c = 0; c < classes; c++) {
        if (s->count[c] == 0) continue;
        for (int64_t k = 0; k < s->width; k++) s->y[k] = s->binary ? (double)c : k == c;
        double w = s->count[c] * class_weight(s, (int)c);
        sum += w * s->cost->each(s, s->z, s->y);
        weight += w;
    }
    return sum / weight;
}

/* What guessing costs, and how far from it sane initial weights may bring a sample of this size.
 * Logits of variance v raise the cost of the right class by v / 2 on average (binary: v / 8), and scatter it by sqrt(v)
 * over samples; samples of a class may be so alike that only as many chances count as there are classes. */
static void expect(start *s, bool biased, double *guess, double *low, double *high)
{
    double v = s->variance / s->n, k = s->binary ? 2 : (double)s->width;
    *guess = s->blind / s->weight;
    if (s->target == GR_FORM_VALUES) { /* the root of these costs of z - y is at most the sum of the roots for z and for
                                          y, and at least their difference */
        double y = sqrt(*guess), z = sqrt(s->alone / s->n);
        *low = (1 - BAND) * (y - z) * (y - z);
        *high = (1 + BAND) * (y + z) * (y + z);
        return;
    }
    if (biased && s->target == GR_FORM_CLASS) *guess = informed(s);
    double steep = s->binary && strcmp(s->cost->name, "focal") != 0 ? fmax(setting(s, "positive_weight"), 1) : 1;
    if (strcmp(s->cost->name, "focal") == 0)
        steep = 1 + setting(s, "gamma") * exp(-1); /* d/dc of (1 - p)^gamma c, where c = -log p */
    v = fmin(v, CALM);
    double scatter = 3 * sqrt(v / fmin(s->n, k)) * (s->binary ? 0.5 : 1) * steep;
    *low = (1 - BAND) * *guess - scatter;
    *high = (1 + BAND) * *guess + scatter + v / (s->binary ? 8 : 2) * steep;
}

/* What guessing amounts to, in words. */
static const char *guess_of(const start *s, bool biased)
{
    if (s->target == GR_FORM_VALUES && biased)
        return strcmp(s->cost->name, "mse") == 0 ? "the targets' mean square about the last layer's bias"
                                                 : "the last layer's bias";
    if (s->target == GR_FORM_VALUES)
        return strcmp(s->cost->name, "mse") == 0 ? "the targets' variance and squared mean" : "outputs of 0";
    if (strcmp(s->cost->name, "focal") == 0) return biased ? "the class frequencies" : "every class alike";
    if (s->target == GR_FORM_DISTRIBUTION) return "ln K less the targets' own entropy";
    return biased && s->target == GR_FORM_CLASS ? "the entropy of the class frequencies" : s->binary ? "ln 2" : "ln K";
}

static void judge(start *s, gr_finding *out)
{
    const char *name = s->p->recipe->cost->head.name;
    double cost = gr__cost_mean(s->sum, s->weight), guess, low, high;
    bool biased = s->bias != NULL;
    if (!isfinite(cost)) {
        gr__finding_set(
            out, GR_VERDICT_FAILED, cost, NAN,
            "the cost before training is not finite; prepare the data (standardize) or start with smaller weights");
        return;
    }
    if (!s->cost || s->weight == 0) {
        gr__finding_set(out, GR_VERDICT_OK, cost, NAN, "%.4g before training; what guessing costs is not known for %s",
                        cost, name);
        return;
    }
    expect(s, biased, &guess, &low, &high);
    double again = s->formula / s->weight, v = s->variance / s->n;
    const char *of = guess_of(s, biased);
    if (!(fabs(cost - again) <= AGREE * fmax(fabs(again), 1e-3)))
        gr__finding_set(out, GR_VERDICT_FAILED, cost, again,
                        "the cost of these outputs should be %.5g, not %.5g: a softmax or sigmoid is applied twice, or "
                        "the reduction over samples is wrong",
                        again, cost);
    else if (cost > high)
        gr__finding_set(out, GR_VERDICT_FAILED, cost, high,
                        "%.4g before training, at most %.4g is plausible where guessing costs %.4g (%s); outputs start "
                        "too large (mean square %.3g): prepare the data or start with smaller weights",
                        cost, high, guess, of, v);
    else if (cost < low)
        gr__finding_set(out, GR_VERDICT_FAILED, cost, low,
                        "%.4g before training is less than guessing can reach, %.4g (%s): the inputs may hold the "
                        "answer, or labels are read wrongly",
                        cost, guess, of);
    else if (s->probabilities == (int64_t)s->n && s->n > 0 && s->target != GR_FORM_VALUES && !s->binary)
        gr__finding_set(out, GR_VERDICT_WARNING, cost, guess,
                        "the outputs are probabilities already, and %s applies softmax once more; give it logits",
                        name);
    else if (are_logs(s) && s->target != GR_FORM_VALUES && !s->binary)
        gr__finding_set(out, GR_VERDICT_WARNING, cost, guess,
                        "the outputs are log-probabilities already, and the softmax of %s gives them back as they are; "
                        "give it logits",
                        name);
    else if (s->target == GR_FORM_VALUES && v > CALM * fmax(s->squares / s->n, 1e-30))
        gr__finding_set(out, GR_VERDICT_WARNING, cost, guess,
                        "outputs start with a mean square of %.3g where the targets have %.3g; prepare the data or "
                        "start with smaller weights",
                        v, s->squares / s->n);
    else
        gr__finding_set(out, GR_VERDICT_OK, cost, guess,
                        "%.4g before training, where guessing costs %.4g (%s) and %.4g to %.4g is plausible", cost,
                        guess, of, fmax(low, 0), high);
}

gr_status gr__check_cost(gr_probe *p, gr_finding *out)
{
    const gr_recipe *r = p->recipe;
    int64_t width = gr_shape_count(gr__network_output(p->task.network)), classes = GR_MAX(width, 2);
    start s = {.p = p,
               .cost = find(r),
               .target = r->reading.target,
               .binary = strcmp(r->reading.as, "sigmoid") == 0,
               .width = width};
    gr_batch b = {0};
    gr_status st = GR_OK;
    size_t bytes = sizeof *s.count * (size_t)(classes + 4 * width);
    s.count = gr__alloc(p->ctx, bytes);
    if (!s.count) return GR_E_MEMORY;
    s.z = s.count + classes, s.y = s.z + width, s.still = s.y + width, s.first = s.still + width;
    s.bias = last_bias(p, width);
    for (int64_t k = 0; k < width && s.target == GR_FORM_VALUES; k++) s.still[k] = bias_at(&s, k);
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
