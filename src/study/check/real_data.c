/* Design check 4, step 9: does the network learn better from its data than from labels of other samples, or from
 * nothing?                                                                                              [mission T6,
 * X9]
 *
 * Each of three seeds trains three times. They are looked at several times, after twice as many updates each: what is
 * learned soon is seen soon, and a small network that has learned its samples by heart is still judged by what it knew
 * before. */
#include <math.h>

#include "study/check/trial.h"

enum { SEEDS = 3, KINDS = 3, FIRST = 25, MOST = 3200, SEED = 101, FEWEST = 8 };
enum { ENOUGH = 200, MOVED = 8 };  /* updates after which something must have been learned; every weight have moved */
static const double WORK = 3e11;   /* floating-point operations of all trainings */
static const double SURE = 2;      /* standard errors of the seeds' differences */
static const double MARGIN = 0.01; /* of the other cost: what is learned is more than what looking often finds */

typedef struct race {
    gr_trials *ts;
    gr_recipe recipe; /* of the seed at hand */
    int64_t batch;    /* samples of an update; 0: as the recipe has it */
    double cost[SEEDS][KINDS];
    const char *unmoved; /* a parameter that training left as it was; NULL: there is none */
    int64_t done, all;   /* updates of a training, in the rounds before, and in all that there may be */
} race;

/* How far the real data is ahead of the better of the others. */
static double lead(const race *r, int seed)
{
    return fmin(r->cost[seed][GR_TRIAL_SHUFFLED], r->cost[seed][GR_TRIAL_ZERO]) - r->cost[seed][GR_TRIAL_REAL];
}

/* In each seed, by more than the seeds scatter, and by something. */
static bool is_ahead(const race *r)
{
    double mean = 0, square = 0, other = 0;
    for (int s = 0; s < SEEDS; s++) {
        if (!(lead(r, s) > 0)) return false;
        mean += lead(r, s) / SEEDS;
        other += fmin(r->cost[s][GR_TRIAL_SHUFFLED], r->cost[s][GR_TRIAL_ZERO]) / SEEDS;
    }
    if (mean < MARGIN * fabs(other) && isfinite(other)) return false;
    for (int s = 0; s < SEEDS; s++) square += pow(lead(r, s) - mean, 2) / (SEEDS - 1);
    return !(mean < SURE * sqrt(square / SEEDS)); /* those that diverge are infinitely behind */
}

/* Is the parameter to be updated: does a gradient reach it, and no group hold it? */
static bool moves(const gr_check *c, const gr_param_info *p, size_t i)
{
    const gr_group *g = gr__groups_find(&c->recipe->groups, p->entry.name);
    return c->reached[i] && (!g || (!g->freeze && g->lr_scale > 0));
}

/* What each parameter holds: before training; afterwards, which of those that are to move stands where it stood. */
static gr_status look_at_parameters(race *r, const gr_trial *t, uint64_t **before)
{
    size_t n;
    const gr_param_info *all = gr__network_params(t->task.network, &n);
    bool first = !*before;
    if (first) *before = gr__bump_alloc(r->ts->c->memory, sizeof **before * GR_MAX(n, 1));
    if (!*before) return GR_E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = gr__trial_sum(t, gr_store_find(t->engine.store, all[i].entry.name));
        bool same = !first && sum == (*before)[i];
        (*before)[i] = sum;
        if (same && !r->unmoved && moves(r->ts->c, &all[i], i)) /* the trial's names go with it */
            r->unmoved = gr__bump_strdup(r->ts->c->memory, all[i].entry.name);
    }
    return GR_OK;
}

/* One training, to so many updates. */
static gr_status train(race *r, int seed, gr_trial_data data, int64_t steps)
{
    gr_trial t;
    uint64_t *sums = NULL;
    double part = (double)steps / (double)r->all / (SEEDS * KINDS);
    double from = (double)r->done / (double)r->all + (seed * KINDS + (int)data) * part;
    bool looks = seed == 0 && data == GR_TRIAL_REAL && steps >= MOVED;
    gr_status st = gr__trial_open(r->ts, &r->recipe, &(gr_trial_spec){.data = data}, &t);
    if (st == GR_OK && looks) st = look_at_parameters(r, &t, &sums);
    if (st == GR_OK) st = gr__trial_follow(&t, steps, &(gr_trial_follow){"real data", from, from + part, NULL, NULL});
    if (st == GR_OK && looks && !t.diverged) st = look_at_parameters(r, &t, &sums);
    if (st == GR_OK) st = gr__trial_judge(&t, &r->cost[seed][data]);
    gr__trial_close(&t);
    return st;
}

static gr_status run(race *r, int64_t steps)
{
    gr_check *c = r->ts->c;
    gr_status st = GR_OK;
    for (int s = 0; s < SEEDS; s++) {
        const gr_variant v = {.standardize = true, .steps = steps, .seed = SEED + s, .batch = r->batch};
        GR_TRY(gr__variant_make(c->ctx, c->memory, c->recipe, &v, &r->recipe));
        for (int k = 0; k < KINDS; k++) GR_TRY(train(r, s, (gr_trial_data)k, steps));
    }
done:
    return st;
}

/* The seed that has the least lead. */
static int closest(const race *r)
{
    int worst = 0;
    for (int s = 1; s < SEEDS; s++)
        if (!(lead(r, s) >= lead(r, worst))) worst = s;
    return worst;
}

static void judge(const race *r, int64_t steps, gr_finding *out)
{
    int s = closest(r);
    const double *cost = r->cost[s];
    double other = fmin(cost[GR_TRIAL_SHUFFLED], cost[GR_TRIAL_ZERO]);
    const char *which = cost[GR_TRIAL_SHUFFLED] < cost[GR_TRIAL_ZERO] ? "labels of other samples" : "inputs of 0";
    if (r->unmoved) {
        gr__finding_set(out, GR_VERDICT_FAILED, cost[GR_TRIAL_REAL], other,
                        "%lld updates leave \"%s\" as it was, to the bit, though a gradient reaches it and no group "
                        "freezes it: the optimizer skips it, or its rate is lost in rounding",
                        (long long)steps, r->unmoved);
        gr__finding_fix(out, "gradus check %s --only X13", r->ts->c->recipe->path);
        return;
    }
    if (is_ahead(r)) {
        gr__finding_set(out, GR_VERDICT_OK, cost[GR_TRIAL_REAL], other,
                        "after %lld updates real data costs %.4g, shuffled labels %.4g, zero inputs %.4g in the "
                        "closest of %d seeds",
                        (long long)steps, cost[GR_TRIAL_REAL], cost[GR_TRIAL_SHUFFLED], cost[GR_TRIAL_ZERO], SEEDS);
        return;
    }
    bool enough = steps >= ENOUGH;
    gr__finding_set(out, enough ? GR_VERDICT_FAILED : GR_VERDICT_WARNING, cost[GR_TRIAL_REAL], other,
                    "after %lld updates real data (%.4g) is not surely ahead of %s (%.4g): %s", (long long)steps,
                    cost[GR_TRIAL_REAL], which, other,
                    enough ? "inputs and labels do not belong together, or the network does not use them; look at "
                             "samples as training has them"
                           : "more of them may tell");
    if (enough)
        gr__finding_fix(out, "gradus data view %s -o samples.html", r->ts->c->recipe->path);
    else
        gr__finding_fix(out, "gradus check %s --only T6 --steps %d", r->ts->c->recipe->path, ENOUGH);
}

static gr_status judge_real_data(gr_check *c, gr_finding *out)
{
    race r = {.ts = &c->trials};
    if (c->trials.validation.n < FEWEST || !gr__trials_vary(&c->trials)) {
        gr__finding_set(out, GR_VERDICT_SKIPPED, NAN, NAN,
                        c->trials.validation.n < FEWEST ? "%lld samples are too few to judge by"
                                                        : "every target is the same: there is nothing to learn",
                        (long long)c->trials.validation.n);
        return GR_OK;
    }
    int64_t last = gr__trials_steps(r.ts, WORK / 2, SEEDS * KINDS, MOST, &r.batch), steps = GR_MIN(FIRST, last);
    for (int64_t n = steps; n < last; n = GR_MIN(2 * n, last)) r.all += n;
    r.all += last;
    gr_status st = run(&r, steps);
    while (st == GR_OK && steps < last && !is_ahead(&r) && !r.unmoved) {
        r.done += steps;
        steps = GR_MIN(2 * steps, last);
        st = run(&r, steps);
    }
    if (st == GR_OK) judge(&r, steps, out);
    return st;
}

GR_RULE(real_data) = {
    .head = {.family = "rule",
             .name = "real_data",
             .title = "The network learns better from its data than from wrong labels, or from nothing",
             .cite = "the chapter, 4.5.2 check 4 and 4.5.3 step 9",
             .equations =
                 "three seeds train on the data, on the same with labels of other samples, and on inputs of 0;"
                 "\nof as many updates real data must have the lowest validation cost in each seed, by more than "
                 "two standard errors and 1 %; and every parameter that a gradient reaches and no group freezes must "
                 "move.\nWhere "
                 "it has not, twice as many updates are taken, up to a bound"},
    .as = {{"T6", "real data"}, {"X9", "real data"}},
    .reads = GR_READS_TRAINING,
    .limit = "below the cost of shuffled labels and of zero inputs, in each of three seeds",
    .unit = "validation cost a sample",
    .judge = judge_real_data,
};
