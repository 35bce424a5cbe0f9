/* Design check 5, step 7: does the network learn two samples by heart?                        [mission T7, X7]
 *
 * The layers, their start and what the recipe freezes are as they are; all that keeps a network from learning by heart
 * is off, and of three rates of Adam one must do. */
#include <math.h>
#include <string.h>

#include "data/sample.h"
#include "study/check/trial.h"

enum { UPDATES = 500, SEED = 201, STARTS = 2, CANDIDATES = 16 };
static const double SHARE = 0.01, LEAST = 1e-3; /* of the cost at the start; or this */
static const double WORK = 1e11;                /* floating-point operations of all three */

/* ---- two samples that differ ---- */

static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const unsigned char *s = data;
    for (size_t i = 0; i < n; i++) h = (h ^ s[i]) * 1099511628211u;
    return h;
}

/* Of all inputs of a row; 0: it cannot be read. */
static uint64_t inputs_of(const gr_task *t, uint32_t row)
{
    const gr_set *s = t->set_of[GR_PART_TRAIN];
    uint64_t h = 14695981039346656037u;
    for (int i = 0; i < s->n_inputs; i++) {
        const gr_field *x = gr__set_input(s, i);
        gr__samples from;
        bool open = gr__samples_open(t->ctx, x, &from) == GR_OK;
        const void *sample = open ? gr__samples_at(t->ctx, &from, row) : NULL;
        if (sample) h = hash(h, sample, (size_t)gr_shape_count(x->sample) * gr__element_bytes(x->element));
        gr__samples_close(&from);
        if (!sample) return 0;
    }
    return h;
}

static bool targets_equal(const gr_task *t, uint32_t a, uint32_t b)
{
    const gr_set *s = t->set_of[GR_PART_TRAIN];
    for (int h = 0; h < s->n_targets; h++) {
        const gr_field *y = gr__set_target(s, h);
        size_t bytes = (size_t)gr_shape_count(y->sample) * gr__element_bytes(y->element);
        if (memcmp((const char *)y->data + a * bytes, (const char *)y->data + b * bytes, bytes) != 0) return false;
    }
    return true;
}

/* How far targets are apart; those of classes that differ 1. */
static double targets_apart(const gr_task *t, uint32_t a, uint32_t b)
{
    const gr_set *s = t->set_of[GR_PART_TRAIN];
    double sum = 0;
    for (int h = 0; h < s->n_targets; h++) {
        const gr_field *y = gr__set_target(s, h);
        int64_t width = gr_shape_count(y->sample);
        for (int64_t k = 0; k < width && y->kind != GR_TARGET_CLASS; k++)
            sum += fabs(gr__element_at(y->element, y->data, a * width + k) -
                        gr__element_at(y->element, y->data, b * width + k));
    }
    return targets_equal(t, a, b) ? 0 : fmax(sum, 1e-300);
}

/* The first row, and one that differs from it in targets and inputs: of the first few such the one whose targets are
 * the farthest away. */
static bool choose(const gr_task *t, uint32_t pair[2])
{
    const gr_rows *rows = &t->rows[GR_PART_TRAIN];
    double farthest = 0;
    int found = 0;
    if (rows->n < 2) return false;
    pair[0] = rows->row[0];
    uint64_t first = inputs_of(t, pair[0]);
    for (int64_t i = 1; i < rows->n && first && found < CANDIDATES; i++) {
        double apart = targets_apart(t, pair[0], rows->row[i]);
        if (!(apart > 0)) continue;
        uint64_t other = inputs_of(t, rows->row[i]);
        if (other == 0) return false;
        if (other == first) continue;
        found++;
        if (apart > farthest) farthest = apart, pair[1] = rows->row[i];
    }
    return found > 0;
}

/* ---- what cannot move ---- */

/* Why no update would change anything; NULL: some does. */
static const char *still(const gr_check *c)
{
    const gr_recipe *r = c->recipe;
    size_t n;
    const gr_param_info *all = gr__network_params(c->probe.task.network, &n);
    bool rate = false, moves = false, scaled = false;
    for (int i = 0; i < r->optim.n_methods; i++) rate |= r->optim.method[i].lr > 0;
    for (size_t i = 0; i < n; i++) {
        const gr_group *g = gr__groups_find(&r->groups, all[i].entry.name);
        moves |= !g || !g->freeze;
        scaled |= !g || (!g->freeze && g->lr_scale > 0);
    }
    return n == 0    ? "the network has no parameters"
           : !rate   ? "the rate is 0"
           : !moves  ? "every parameter is frozen"
           : !scaled ? "every rate is scaled by 0"
                     : NULL;
}

/* ---- learning ---- */

typedef struct best {
    double start, cost, lr; /* of the rate that came nearest to the goal */
    int64_t steps;
    bool reached;
} best;

/* Targets between yes and no cost something however well they are known. */
static double least_of(const gr_task *t, const uint32_t pair[2])
{
    const gr_set *s = t->set_of[GR_PART_TRAIN];
    double sum = 0;
    for (int h = 0; h < t->recipe->n_heads; h++) {
        const gr_head *head = &t->recipe->head[h];
        const gr_field *y = gr__set_target(s, h);
        int64_t width = gr_shape_count(y->sample);
        if (head->reading.target != GR_FORM_LABELS || !head->cost->reference || y->kind == GR_TARGET_CLASS) continue;
        for (int k = 0; k < 2; k++)
            for (int64_t j = 0; j < width; j++) {
                double p = gr__element_at(y->element, y->data, pair[k] * width + j);
                double z = log(fmax(p, 1e-12)) - log(fmax(1 - p, 1e-12));
                sum += head->weight * head->cost->reference(&head->cost_settings, &z, &p, 1) / (double)width / 2;
            }
    }
    return sum;
}

static gr_status learn(gr_check *c, const uint32_t pair[2], const char *optimizer, double lr, int64_t steps, int turn,
                       int from, best *out)
{
    const gr_variant v = {.optimizer = optimizer,
                          .schedule = "{type: constant}",
                          .plain = true,
                          .standardize = true,
                          .batch = 2,
                          .steps = steps,
                          .seed = SEED + from};
    const gr_rows rows = {(uint32_t *)pair, 2};
    double least = least_of(&c->probe.task, pair), start = NAN;
    gr_recipe r;
    gr_trial t = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__variant_make(c->ctx, c->memory, c->recipe, &v, &r));
    GR_TRY(gr__trial_open(&c->trials, &r, &(gr_trial_spec){.rows = &rows}, &t));
    while (t.step < steps && !t.diverged && !out->reached) {
        if (t.step % 16 == 0)
            gr__watch(c->o->watch, "two samples", (from * 3 + turn + (double)t.step / (double)steps) / (3 * STARTS));
        GR_TRY(gr__trial_step(&t));
        double cost = t.cost - least;
        if (t.step == 1) start = cost;
        if (!isnan(out->cost) && !(cost < out->cost)) continue;
        *out = (best){start, cost, lr, t.step, t.step > 1 && cost < fmax(SHARE * start, LEAST)};
    }
done:
    gr__trial_close(&t);
    return st;
}

static void judge(const gr_check *c, const best *b, int64_t steps, gr_finding *out)
{
    double limit = fmax(SHARE * b->start, LEAST);
    if (b->reached) {
        gr__finding_set(
            out, GR_VERDICT_OK, b->cost, limit,
            "two samples are learned by heart: the cost falls from %.3g to %.3g in %lld updates of Adam at %g",
            b->start, b->cost, (long long)b->steps, b->lr);
        return;
    }
    bool all = steps >= UPDATES;
    gr__finding_set(
        out, all ? GR_VERDICT_FAILED : GR_VERDICT_WARNING, b->cost, limit,
        "two samples are not learned by heart: from %.3g the cost came to %.3g within %lld updates (Adam at "
        "1e-3, 1e-2, 1e-1)%s",
        b->start, b->cost, (long long)steps,
        all ? "; a gradient is lost on the way, a layer is frozen, or the outputs cannot be what the "
              "targets are"
            : "; more of them may do");
    if (all)
        gr__finding_fix(out, "gradus check %s --only P4,I2,X18", c->recipe->path);
    else
        gr__finding_fix(out, "gradus check %s --only T7 --steps %d", c->recipe->path, UPDATES);
}

static void say_still(const gr_check *c, const char *why, gr_finding *out)
{
    bool rate = false;
    for (int i = 0; i < c->recipe->optim.n_methods; i++) rate |= c->recipe->optim.method[i].lr > 0;
    gr__finding_set(out, GR_VERDICT_FAILED, NAN, NAN, "nothing can be learned: %s", why);
    if (!rate)
        gr__finding_fix(out, "optimizer.lr: 0.001");
    else if (c->recipe->groups.n)
        gr__finding_fix(out, "groups: none");
}

static gr_status judge_two_samples(gr_check *c, gr_finding *out)
{
    static const struct {
        const char *optimizer;
        double lr;
    } tried[] = {{"{type: adam, lr: 0.01}", 1e-2}, {"{type: adam, lr: 0.001}", 1e-3}, {"{type: adam, lr: 0.1}", 1e-1}};
    uint32_t pair[2];
    best b = {.cost = NAN};
    gr_status st = GR_OK;
    const char *why = still(c);
    if (why) {
        say_still(c, why, out);
        return GR_OK;
    }
    if (!choose(&c->probe.task, pair)) {
        gr__finding_set(out, GR_VERDICT_SKIPPED, NAN, NAN,
                        "no two training samples differ in inputs and targets: there is nothing to tell apart");
        return GR_OK;
    }
    double share = 2.0 / (double)gr__task_batch(&c->probe.task) / (double)c->recipe->accumulate;
    int64_t steps = gr__trials_steps(&c->trials, WORK / fmin(share, 1), (int)GR_COUNT(tried) * STARTS, UPDATES, NULL);
    for (int from = 0; from < STARTS; from++) /* a few units may all be off by chance */
        for (size_t i = 0; i < GR_COUNT(tried) && st == GR_OK && !b.reached; i++)
            st = learn(c, pair, tried[i].optimizer, tried[i].lr, steps, (int)i, from, &b);
    if (st == GR_OK) judge(c, &b, steps, out);
    return st;
}

GR_RULE(two_samples) = {
    .head = {.family = "rule",
             .name = "two_samples",
             .title = "The network learns two samples by heart",
             .cite = "the chapter, 4.5.2 check 5 and 4.5.3 step 7",
             .equations = "two training samples of different targets, values standardized; no penalty, smoothing, "
                          "dropout, clipping, augmentation;\nthe best of Adam at 1e-3, 1e-2 and 1e-1 within 500 "
                          "updates, from two starts. What the recipe freezes stays frozen"},
    .as = {{"T7", "two samples"}, {"X7", "two samples"}},
    .reads = GR_READS_TRAINING,
    .limit = "below 1 % of the cost at the start, or 1e-3",
    .unit = "training cost a sample",
    .judge = judge_two_samples,
};
