/* Design check 3: a cost at the start that blind guessing explains.   [mission T5, X8] */
#include <math.h>

#include "study/check/rule.h"
#include "study/check/start.h"

static const double LEAST = 0.5;      /* of the cost that guessing has, which sane weights do not undercut */
static const double ABOVE = 2;        /* classes: nor exceed by more than this */
static const double TIMES = 4;        /* values: nor more than so many times it */
static const double CALM = 4;         /* how many times the mean square of their targets outputs may have */
static const double CHANCE = 3;       /* standard deviations */
enum { MANY = 32 };                   /* terms of an output; samples */
static const double BAND = 0.1;       /* of the entropy that a bias knows */
static const double LOG_SPREAD = 0.1; /* how far outputs must differ between samples to show that each sample's are made
                                         to sum to 1, and not all alike by a bias */
enum { LOG_SAMPLES = 8 };             /* fewer may have a log-sum-exp near 0 by chance */
static const double AGREE = 1e-3;     /* between the cost and its reference, relative: float32 keeps far more */

typedef struct judgement {
    double cost, reference;        /* means, from the plan and from the reference */
    double guess, low, high, most; /* plausible; classes: beyond high, what the outputs' scale explains */
    double scale;                  /* the mean variance of logits, or the mean square of values */
    const char *of;
} judgement;

/* Is the bias something that the guess follows? */
static bool knows(const gr_start *s)
{
    return s->bias && s->cost->guess.known &&
           (s->reading.target == GR_FORM_CLASS || s->reading.target == GR_FORM_VALUES);
}

/* A bias that knows the classes starts near their entropy, however far that is below what is plausible without. Logits
 * of variance v raise the cost of the right class by v / 2 on average (binary: v / 8), and scatter it by sqrt(v) over
 * samples; samples of a class may be so alike that only as many chances count as there are classes. */
static double explained(const gr_start *s, const judgement *j)
{
    double v = fmin(j->scale, CALM), k = s->binary ? 2 : (double)s->width;
    double steep = s->cost->guess.steepness ? s->cost->guess.steepness(s->settings) : 1;
    double scatter = 3 * sqrt(v / fmin(s->n, k)) * (s->binary ? 0.5 : 1) * steep;
    return (1 + BAND) * j->guess + scatter + v / (s->binary ? 8 : 2) * steep;
}

/* What the last layer adds up for an output. */
static double fan_in_of(const gr_start *s)
{
    size_t n;
    double fan_in = INFINITY;
    const gr_param_info *all = gr__network_params(s->p->task.network, &n);
    for (size_t i = 0; i < n; i++)
        if (all[i].last && all[i].head == s->head && !all[i].is_bias) fan_in = (double)GR_MAX(all[i].fan_in, 1);
    return fan_in;
}

/* Few terms make the scale of an output a matter of chance, and few samples the mean of a cost. */
static double chance_of(const gr_start *s)
{
    double fan_in = fan_in_of(s);
    return (fan_in < MANY ? 1 + CHANCE / sqrt(fan_in) : 1) * (s->n < MANY ? 1 + CHANCE / sqrt(s->n) : 1);
}

/* What guessing costs, and how far from it sane initial weights may bring a sample of this size. */
static judgement expect(gr_start *s)
{
    bool informed = knows(s);
    judgement j = {.cost = gr__cost_mean(s->sum, s->weight),
                   .reference = gr__cost_mean(s->reference, s->weight),
                   .guess = gr__cost_mean(s->blind, s->weight),
                   .scale = s->variance / s->n,
                   .of = informed ? s->cost->guess.known : s->cost->guess.blind};
    bool values = s->reading.target == GR_FORM_VALUES;
    if (informed && !values) j.guess = gr__start_informed(s);
    j.low = LEAST * j.guess / (values && s->n < MANY ? chance_of(s) : 1);
    j.high = values ? TIMES * chance_of(s) * j.guess : j.guess + ABOVE * chance_of(s);
    if (informed && !values) j.high = fmin(j.high, explained(s, &j));
    j.most = values ? j.high : fmax(j.high, explained(s, &j));
    return j;
}

/* ---- verdicts ---- */

static bool fails(const judgement *j, gr_finding *out)
{
    if (!(fabs(j->cost - j->reference) <= AGREE * fmax(fabs(j->reference), 1e-3)))
        gr__finding_set(out, GR_VERDICT_FAILED, j->cost, j->reference,
                        "the cost of these outputs should be %.5g, not %.5g: a softmax or sigmoid is applied twice, or "
                        "the reduction over samples is wrong",
                        j->reference, j->cost);
    else if (j->cost > j->high)
        gr__finding_set(out, j->cost > j->most ? GR_VERDICT_FAILED : GR_VERDICT_WARNING, j->cost, j->high,
                        "%.4g before training, at most %.4g is plausible where guessing costs %.4g (%s); outputs start "
                        "too large (mean square %.3g): prepare the data or start with smaller weights",
                        j->cost, j->high, j->guess, j->of, j->scale);
    else if (j->cost < j->low)
        gr__finding_set(out, GR_VERDICT_FAILED, j->cost, j->low,
                        "%.4g before training is less than guessing can reach, %.4g (%s): the inputs may hold the "
                        "answer, or labels are read wrongly",
                        j->cost, j->guess, j->of);
    else
        return false;
    return true;
}

/* How many times the targets' mean square outputs may have at the start: more where few inputs of the last layer, or
 * few samples, make it a matter of chance. */
static double calm(const gr_start *s)
{
    return CALM * (1 + CHANCE / sqrt(fan_in_of(s))) * (1 + CHANCE / sqrt(s->n));
}

static bool warns(const gr_start *s, const judgement *j, gr_finding *out)
{
    const char *name = s->cost->head.name;
    bool values = s->reading.target == GR_FORM_VALUES, logits = !values && !s->binary;
    double targets = fmax(s->squares / s->n, 1e-30);
    if (logits && s->probabilities == s->seen)
        gr__finding_set(out, GR_VERDICT_WARNING, j->cost, j->guess,
                        "the outputs are probabilities already, and %s applies softmax once more; give it logits",
                        name);
    else if (logits && s->logs == s->seen && s->seen >= LOG_SAMPLES && s->spread > LOG_SPREAD)
        gr__finding_set(out, GR_VERDICT_WARNING, j->cost, j->guess,
                        "the outputs are log-probabilities already, and the softmax of %s gives them back as they are; "
                        "give it logits",
                        name);
    else if (values && j->scale > calm(s) * targets)
        gr__finding_set(out, GR_VERDICT_WARNING, j->cost, j->guess,
                        "outputs start with a mean square of %.3g where the targets have %.3g; prepare the data or "
                        "start with smaller weights",
                        j->scale, s->squares / s->n);
    else
        return false;
    return true;
}

/* What mends it, by what is wrong. */
static void mend(const gr_start *s, const judgement *j, gr_finding *out)
{
    const gr_recipe *r = s->p->recipe;
    bool differs = !(fabs(j->cost - j->reference) <= AGREE * fmax(fabs(j->reference), 1e-3));
    if (out->verdict == GR_VERDICT_OK) return;
    if (differs || s->probabilities == s->seen || s->logs == s->seen)
        gr__finding_fix(out, "gradus check %s --only X18,P4", r->path);
    else if (j->cost < j->low)
        gr__finding_fix(out, "gradus data check %s", r->path);
    else
        gr__finding_fix_scale(r, out);
}

static void judge(gr_start *s, gr_finding *out)
{
    double cost = gr__cost_mean(s->sum, s->weight);
    if (!isfinite(cost)) {
        gr__finding_set(
            out, GR_VERDICT_FAILED, cost, NAN,
            "the cost before training is not finite; prepare the data (standardize) or start with smaller weights");
        gr__finding_fix_scale(s->p->recipe, out);
        return;
    }
    if (!s->cost->reference || s->weight == 0) {
        gr__finding_set(out, GR_VERDICT_OK, cost, NAN, "%.4g before training; what guessing costs is not known for %s",
                        cost, s->cost->head.name);
        return;
    }
    judgement j = expect(s);
    if (!fails(&j, out) && !warns(s, &j, out))
        gr__finding_set(out, GR_VERDICT_OK, j.cost, j.guess,
                        "%.4g before training, where guessing costs %.4g (%s) and %.4g to %.4g is plausible", j.cost,
                        j.guess, j.of, fmax(j.low, 0), j.high);
    mend(s, &j, out);
}

gr_status gr__check_cost(gr_probe *p, gr_finding *out)
{
    gr_status st = GR_OK;
    for (int h = 0; h < p->recipe->n_heads && st == GR_OK; h++) {
        gr_start s;
        gr_finding f = {0};
        st = gr__start_take(p, h, &s);
        if (st == GR_OK) judge(&s, &f);
        if (st == GR_OK) gr__finding_worse(p->recipe, h, &f, out);
        gr__start_release(&s);
    }
    return st;
}

static gr_status judge_start(gr_check *c, gr_finding *out)
{
    return gr__check_cost(&c->probe, out);
}

GR_RULE(expected_cost) = {
    .head =
        {.family = "rule",
         .name = "expected_cost",
         .title = "The cost before training is that of guessing",
         .cite = "the chapter, 4.5.2 check 3 and 4.5.3 step 8",
         .equations =
             "guess: ln K for K classes, ln 2, the mean square of the targets; with a bias that knows them the "
             "entropy, the variance.\nThe same cost is worked out from outputs and targets in float64 and must agree"},
    .as = {{"T5", "initial cost"}, {"X8", "initial cost"}},
    .reads = GR_READS_PROBE,
    .limit = "within [guess/2, guess + 2], of values [guess/2, 4 guess]",
    .draws = GR_DRAWS_OF_WEIGHTS,
    .unit = "cost a sample",
    .judge = judge_start,
};
