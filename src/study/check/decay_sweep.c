/* Step 12: does more weight decay cost training error, as it must?                                  [mission X12] */
#include <math.h>

#include "study/check/trial.h"

enum { UPDATES = 100, SEEDS = 2, SEED = 501 };
static const double WORK = 1e11;                   /* floating-point operations of all trainings */
static const double lambda[] = {0, 1e-4, 1e-2, 1}; /* from none to far too much */
enum { LAMBDAS = (int)GR_COUNT(lambda) };
static const double CHANCE = 3, ROUNDING = 0.02; /* standard deviations of the seeds; of the cost */
static const double TOO_MUCH = 2;                /* times the cost without any decay */

typedef struct sweep {
    double cost[LAMBDAS][SEEDS]; /* of training: the mean of the last third of the updates, without penalties */
} sweep;

/* The costs of the updates after `from`. */
typedef struct tail {
    int64_t from;
    double sum;
} tail;

static void add(void *user, const gr_trial *t)
{
    tail *end = user;
    if (t->step > end->from) end->sum += t->cost;
}

static gr_status train(gr_check *c, double decay, int seed, int64_t steps, int64_t batch, double *cost)
{
    const gr_variant v = {
        .has_decay = true, .weight_decay = decay, .steps = steps, .batch = batch, .seed = SEED + seed, .draw = c->draw};
    gr_recipe r;
    gr_trial t = {0};
    gr_status st = GR_OK;
    tail end = {.from = steps - GR_MAX(steps / 3, 1)};
    GR_TRY(gr__variant_make(c->ctx, c->memory, c->recipe, &v, &r));
    r.penalties = (gr_penalties){0};
    GR_TRY(gr__trial_open(&c->trials, &r, NULL, &t));
    GR_TRY(gr__trial_follow(&t, steps, &(gr_trial_follow){.each = add, .user = &end}));
    *cost = t.diverged ? INFINITY : end.sum / (double)(steps - end.from);
done:
    gr__trial_close(&t);
    return st;
}

static double mean_of(const sweep *s, int l)
{
    double mean = 0;
    for (int k = 0; k < SEEDS; k++) mean += s->cost[l][k] / SEEDS;
    return mean;
}

/* How far seeds are apart, of all decays together. */
static double scatter(const sweep *s)
{
    double square = 0;
    for (int l = 0; l < LAMBDAS; l++)
        for (int k = 0; k < SEEDS; k++) square += pow(s->cost[l][k] - mean_of(s, l), 2) / (LAMBDAS * (SEEDS - 1));
    return isfinite(square) ? sqrt(square) : 0;
}

static bool is_idle(const sweep *s)
{
    for (int k = 0; k < SEEDS; k++)
        for (int l = 1; l < LAMBDAS; l++)
            if (s->cost[l][k] != s->cost[0][k]) return false;
    return true;
}

/* A decay of the recipe's own that is as much as the most tried, where that keeps the network from learning. */
static bool is_too_much(const gr_check *c, const sweep *s, double none, double most)
{
    double own = c->recipe->optim.method[0].weight_decay;
    return own >= lambda[LAMBDAS - 1] && most > TOO_MUCH * none && most > none + CHANCE * scatter(s);
}

static void judge(const gr_check *c, const sweep *s, int64_t steps, gr_finding *out)
{
    double none = mean_of(s, 0), most = mean_of(s, LAMBDAS - 1), fall = none - most;
    double room = CHANCE * scatter(s) + ROUNDING * fabs(none);
    if (!isfinite(none)) {
        gr__finding_set(out, GR_VERDICT_SKIPPED, NAN, NAN,
                        "training diverges without any decay: there is nothing to compare");
        return;
    }
    if (is_idle(s)) {
        gr__finding_set(out, GR_VERDICT_WARNING, 0, 0,
                        "weight decay changes nothing: the rate is 0, or groups set or freeze every parameter");
        if (c->recipe->groups.n) gr__finding_fix(out, "groups: none");
        return;
    }
    if (is_too_much(c, s, none, most)) {
        gr__finding_set(out, GR_VERDICT_WARNING, fall, room,
                        "the recipe's weight decay is %g, where %g leaves a training cost of %.4g after %lld updates, "
                        "and none %.4g",
                        c->recipe->optim.method[0].weight_decay, lambda[LAMBDAS - 1], most, (long long)steps, none);
        gr__finding_fix(out, "optimizer.weight_decay: 0.01");
    } else if (fall > room)
        gr__finding_set(out, GR_VERDICT_FAILED, fall, room,
                        "the training cost falls as weight decay grows: %.4g without, %.4g at %g after %lld updates; "
                        "weights start too large, or the decay has the wrong sign",
                        none, most, lambda[LAMBDAS - 1], (long long)steps);
    else
        gr__finding_set(
            out, GR_VERDICT_OK, fall, room,
            "more weight decay does not lower the training cost: %.4g without, %.4g at %g after %lld updates", none,
            most, lambda[LAMBDAS - 1], (long long)steps);
    if (fall > room) gr__finding_fix(out, "init.weights: kaiming");
}

static gr_status judge_decay(gr_check *c, gr_finding *out)
{
    sweep s = {0};
    int longer = 1 << c->draw; /* less of what the start alone does */
    int64_t batch, steps = gr__trials_steps(&c->trials, WORK * longer, LAMBDAS * SEEDS, UPDATES * longer, &batch);
    gr_status st = GR_OK;
    for (int l = 0; l < LAMBDAS; l++)
        for (int k = 0; k < SEEDS; k++) {
            gr__watch(c->o->watch, "weight decay", (double)(l * SEEDS + k) / (LAMBDAS * SEEDS));
            GR_TRY(train(c, lambda[l], k, steps, batch, &s.cost[l][k]));
        }
    judge(c, &s, steps, out);
done:
    return st;
}

GR_RULE(decay_sweep) = {
    .head = {.family = "rule",
             .name = "decay_sweep",
             .title = "More weight decay does not lower the training cost",
             .cite = "the chapter, 4.5.3 step 12",
             .equations =
                 "short trainings of two seeds at weight decay 0, 1e-4, 1e-2 and 1: the training cost without "
                 "any against that with the most,\nby more than three standard deviations of the seeds and 2 %"},
    .as = {{"X12", "weight decay"}},
    .reads = GR_READS_TRAINING,
    .limit = "3 standard deviations of the seeds, and 2 % of the cost",
    .draws = GR_DRAWS_OF_TRAININGS,
    .unit = "training cost a sample, how far it falls",
    .judge = judge_decay,
};
