/* Step 16: does the gradient have peaks that call for clipping?                                      [mission X16]
 *
 * What is learned by heart has next to no gradient, and a sample that is not yet learned is a thousand times that: so
 * the running median counts for no less than that of the first updates, whose steps training took unharmed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/check/trial.h"

enum { UPDATES = 200, FEWEST = 10, SEED = 401 };
static const double MOST = 10;   /* times the running median */
static const double CALM = 5;    /* the same with another seed, which shows that a peak was a chance */
static const double SAMPLES = 8; /* an update, below which chance makes peaks */
static const double ROOM = 2;    /* times the median, that clipping leaves */
static const double WORK = 5e10; /* floating-point operations */

typedef struct peaks {
    double sorted[UPDATES]; /* norms so far */
    int n;
    double start;           /* the median of the first FEWEST */
    double largest, median; /* the largest ratio, and the median then */
    int64_t at;             /* the update */
    bool diverged;
} peaks;

static void add(void *user, const gr_trial *t)
{
    peaks *p = user;
    double norm = t->norm;
    double median = p->n % 2 ? p->sorted[p->n / 2] : p->n ? (p->sorted[p->n / 2 - 1] + p->sorted[p->n / 2]) / 2 : 0;
    if (p->n == FEWEST) p->start = median;
    median = fmax(median, p->start);
    if (p->n >= FEWEST && median > 0 && norm / median > p->largest) {
        p->largest = norm / median;
        p->median = median;
        p->at = t->step;
    }
    int i = p->n++;
    for (; i > 0 && p->sorted[i - 1] > norm; i--) p->sorted[i] = p->sorted[i - 1];
    p->sorted[i] = norm;
}

static gr_status run(gr_check *c, int64_t steps, peaks *p)
{
    const gr_variant v = {.own_schedule = true, .steps = steps, .seed = SEED, .draw = c->draw};
    gr_recipe r;
    gr_trial t = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__variant_make(c->ctx, c->memory, c->recipe, &v, &r));
    GR_TRY(gr__trial_open(&c->trials, &r, NULL, &t));
    GR_TRY(gr__trial_follow(&t, steps, &(gr_trial_follow){"gradient peaks", 0, 1, add, p}));
    p->diverged = t.diverged;
    p->at = t.diverged ? t.step : p->at;
done:
    gr__trial_close(&t);
    return st;
}

/* To two digits, so that it can be read. */
static double round_off(double x)
{
    double unit = pow(10, floor(log10(fmax(x, 1e-30))) - 1);
    return round(x / unit) * unit;
}

/* Gradients of few samples scatter more. */
static double most_of(const gr_check *c)
{
    double samples = (double)(gr__task_batch(&c->probe.task) * c->recipe->accumulate);
    return (c->draw ? CALM : MOST) * fmax(1, sqrt(SAMPLES / samples));
}

static gr_status judge_peaks(gr_check *c, gr_finding *out)
{
    peaks p = {0};
    double most = most_of(c);
    int64_t steps = gr__trials_steps(&c->trials, WORK, 1, UPDATES, NULL);
    gr_status st = run(c, steps, &p);
    if (st != GR_OK) return st;
    bool clipped = c->recipe->clip.kind != GR_CLIP_NONE;
    if (p.diverged) {
        double median = p.n ? p.sorted[p.n / 2] : 1;
        gr__finding_set(out, GR_VERDICT_WARNING, INFINITY, most,
                        "the gradient or the cost is not finite in update %lld%s: a lower rate, or clipping",
                        (long long)p.at, clipped ? ", though it is clipped" : "");
        if (!clipped) gr__finding_fix(out, "clip: {norm: %g}", round_off(ROOM * fmax(median, 1e-6)));
        for (int i = 0; i < c->recipe->optim.n_methods && i < 1; i++)
            gr__finding_fix(out, "optimizer.lr: %g", c->recipe->optim.method[i].lr / 10);
    } else if (p.n <= FEWEST)
        gr__finding_set(out, GR_VERDICT_OK, NAN, most, "%d updates are too few for a median", p.n);
    else if (p.largest > most && !clipped) {
        gr__finding_set(out, GR_VERDICT_WARNING, p.largest, most,
                        "in update %lld of %d the gradient's norm is %.3g times its median so far (%.3g); clip it",
                        (long long)p.at, p.n, p.largest, p.median);
        gr__finding_fix(out, "clip: {norm: %g}", round_off(ROOM * p.median));
    } else
        gr__finding_set(out, GR_VERDICT_OK, p.largest, most,
                        "in %d updates the gradient's norm is at most %.3g times its median so far%s", p.n, p.largest,
                        clipped ? "; it is clipped" : "");
    return GR_OK;
}

GR_RULE(gradient_peaks) = {
    .head = {.family = "rule",
             .name = "gradient_peaks",
             .title = "The gradient has no peaks that call for clipping",
             .cite = "the chapter, 4.5.3 step 16; Pascanu et al. 2013",
             .equations =
                 "a short training as the recipe has it: ||g_t|| / median(||g_1||, ..., ||g_{t-1}||), the "
                 "largest,\nthe median "
                 "no less than that of the first ten; a further seed that stays below 5 shows that it was chance"},
    .as = {{"X16", "gradient peaks"}},
    .reads = GR_READS_TRAINING,
    .limit = "10; clipped gradients may have higher ones",
    .draws = 1,
    .unit = "times the running median of the norm",
    .judge = judge_peaks,
};
