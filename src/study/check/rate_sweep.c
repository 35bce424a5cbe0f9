/* Step 13: what other rates would do, constant and cyclic.                                          [mission X13] */
#include <math.h>

#include "base/text.h"
#include "study/check/trial.h"

enum { UPDATES = 60, SEED = 601, FEWEST = 8 };
static const double WORK = 1e11; /* floating-point operations of all trainings */
static const double scale[] = {0.01, 0.1, 1, 10, 100}, usual[] = {1e-3, 1e-1}; /* of the rate; rates */
enum { SCALES = (int)GR_COUNT(scale), RATES = SCALES + (int)GR_COUNT(usual), OWN = 2 };
static const double NOTHING = 0.999, LEARNS = 0.9; /* of the cost at the start: nothing is learned; something is */

typedef struct curve {
    double lr, first, last; /* costs: judged before the first update, and at the end */
    bool cyclic, diverged;
    gr__text *csv; /* where its rows go */
} curve;

static void put_row(void *user, const gr_trial *t)
{
    const curve *k = user;
    gr__text_add(k->csv, "%.9g,%s,%lld,%.9g\n", k->lr, k->cyclic ? "cyclic" : "constant", (long long)t->step, t->cost);
}

static gr_status train(gr_check *c, int64_t steps, int64_t batch, double by, bool cyclic, gr__text *csv, curve *out)
{
    const gr_optim *o = &c->recipe->optim;
    const char *text = gr__bump_format(c->memory, "{type: cyclic, low: %.9g, half_cycle: %lld}",
                                       o->method[0].lr * by / 10, (long long)GR_MAX(steps / 4, 1));
    if (!text) return GR_E_MEMORY;
    const gr_variant v = {
        .lr_scale = by, .schedule = cyclic ? text : NULL, .steps = steps, .batch = batch, .seed = SEED};
    gr_recipe r;
    gr_trial t = {0};
    gr_status st = GR_OK;
    *out = (curve){.lr = o->method[0].lr * by, .cyclic = cyclic, .csv = csv};
    GR_TRY(gr__variant_make(c->ctx, c->memory, c->recipe, &v, &r));
    GR_TRY(gr__trial_open(&c->trials, &r, NULL, &t));
    GR_TRY(gr__trial_judge(&t, &out->first));
    GR_TRY(gr__trial_follow(&t, steps, &(gr_trial_follow){.each = put_row, .user = out}));
    out->diverged = t.diverged;
    GR_TRY(gr__trial_judge(&t, &out->last));
done:
    gr__trial_close(&t);
    return st;
}

/* What is left of the cost. */
static double left(const curve *k)
{
    return k->diverged || !(k->first > 0) ? INFINITY : k->last / k->first;
}

static void judge(const curve *all, int n, int64_t steps, gr_finding *out)
{
    const curve *own = &all[OWN], *best = &all[0];
    for (int i = 1; i < n; i++)
        if (all[i].last < best->last) best = &all[i];
    if (left(own) > NOTHING && left(best) < LEARNS) {
        gr__finding_set(
            out, GR_VERDICT_WARNING, left(own), NOTHING,
            "%s at the recipe's rate %g, where %s%g brings the validation cost to %.3g of its start in %lld updates",
            own->diverged ? "training diverges" : "nothing is learned", own->lr, best->cyclic ? "a cycle up to " : "",
            best->lr, left(best), (long long)steps);
        gr__finding_fix(out, "optimizer.lr: %g", best->lr);
        return;
    }
    gr__finding_set(
        out, GR_VERDICT_OK, left(own), NOTHING,
        "at the recipe's rate %g the validation cost comes to %.3g of its start in %lld updates; the best of "
        "%d, %s at %g, to %.3g",
        own->lr, left(own), (long long)steps, n, best->cyclic ? "cyclic" : "constant", best->lr, left(best));
}

static gr_status judge_rates(gr_check *c, gr_finding *out)
{
    curve all[2 * RATES] = {0};
    int n = 0;
    gr__text csv;
    int64_t batch, steps = gr__trials_steps(&c->trials, WORK, 2 * RATES, UPDATES, &batch);
    gr_status st = GR_OK;
    gr__text_init(&csv, c->ctx);
    gr__text_add(&csv, "lr,schedule,step,cost\n");
    if (!(c->recipe->optim.method[0].lr > 0)) {
        gr__finding_set(out, GR_VERDICT_FAILED, NAN, NOTHING, "the rate is 0: nothing is learned");
        gr__finding_fix(out, "optimizer.lr: 0.001");
        goto done;
    }
    if (c->trials.validation.n < FEWEST) {
        gr__finding_set(out, GR_VERDICT_SKIPPED, NAN, NOTHING, "%lld samples are too few to judge by",
                        (long long)c->trials.validation.n);
        goto done;
    }
    for (int cyclic = 0; cyclic < 2; cyclic++)
        for (int i = 0; i < RATES; i++) {
            gr__watch(c->o->watch, "rates", (double)n / (2 * RATES));
            GR_TRY(train(c, steps, batch, i < SCALES ? scale[i] : usual[i - SCALES] / c->recipe->optim.method[0].lr,
                         cyclic, &csv, &all[n]));
            n++;
        }
    judge(all, n, steps, out);
    if (c->o->sheets) GR_TRY(gr__check_write(c, "rates.csv", &csv));
done:
    gr__text_free(&csv);
    return st;
}

GR_RULE(rate_sweep) = {
    .head = {.family = "rule",
             .name = "rate_sweep",
             .title = "The recipe's rate learns, beside others, constant and cyclic",
             .cite = "the chapter, 4.5.3 step 13; Smith 2017",
             .equations = "short trainings at 0.01, 0.1, 1, 10 and 100 times the rate, at 1e-3 and at 1e-1, constant "
                          "and in cycles from a "
                          "tenth of it;\nwhat is left of the validation cost at the end. --sheets writes rates.csv: "
                          "lr, schedule, step, cost"},
    .as = {{"X13", "rates"}},
    .reads = GR_READS_TRAINING,
    .limit = "0.999, where another rate comes below 0.9",
    .unit = "share left of the validation cost",
    .judge = judge_rates,
};
