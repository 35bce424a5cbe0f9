/* Step 18: do cost and outputs go together?                                                         [mission X18]
 *
 * A softmax or sigmoid right before a cost that has it is refused as the recipe is read. What is left are outputs that
 * are probabilities, or their logarithms, by another way, and outputs that cannot be what their targets are. */
#include <math.h>
#include <string.h>

#include "model/stack.h"
#include "study/check/rule.h"
#include "study/check/start.h"

enum { ENOUGH = 64, SAMPLES = 8 }; /* numbers; samples */
static const double SOME = 0.05;   /* of the targets, that outputs cannot reach */
static const double DIFFERS = 0.1; /* outputs between samples, to show that each sample's sum to 1, not a bias */

typedef struct outputs {
    double low, high; /* of the first batch */
    int64_t n, zeros;
    const char *ends;  /* the activation at the end: its name, "": none */
    const gr_tree *at; /* where it is written */
    gr_follow follow;
    double beyond; /* share of the targets that lie where such an activation never comes */
} outputs;

/* What such an activation gives, and so the network; a rectifier's is seen in the outputs. */
static void bounds_of(const outputs *o, double *low, double *high)
{
    bool rectified = o->n >= ENOUGH && o->low >= 0 && o->zeros > 0;
    *low = o->follow == GR_FOLLOW_TANH ? -1 : o->follow == GR_FOLLOW_SIGMOID || rectified ? 0 : -INFINITY;
    *high = o->follow == GR_FOLLOW_TANH || o->follow == GR_FOLLOW_SIGMOID ? 1 : INFINITY;
}

static void find_end(const gr_probe *p, int head, outputs *o)
{
    const gr_tree *at = NULL;
    o->ends = gr__stack_ends_with(p->recipe->stack, p->recipe->head[head].from, &at);
    o->at = at;
    gr__bump *b = p->task.memory;
    const gr_tree *name = o->ends[0] ? gr__tree_text(b, o->ends) : NULL;
    const gr_layer *m = name ? (const gr_layer *)gr__family_peek(p->ctx, &gr__family_layer, name) : NULL;
    o->follow = m && m->activation_only ? m->follow : GR_FOLLOW_NOTHING;
}

static gr_status look(gr_probe *p, int head, outputs *o)
{
    gr_batch b;
    gr_shape shape;
    *o = (outputs){.low = INFINITY, .high = -INFINITY};
    find_end(p, head, o);
    gr__loader_seek(p->loader, 0, 0);
    gr_status st = p->next(p->source, &b);
    if (st == GR_OK) st = gr__probe_run(p, p->evaluate, &b);
    if (st != GR_OK) return st;
    const void *z = gr__probe_head(p, head, "output", &shape);
    o->n = gr_shape_count(shape);
    for (int64_t i = 0; i < o->n; i++) {
        double x = gr__probe_real(p, z, i);
        o->low = fmin(o->low, x), o->high = fmax(o->high, x);
        o->zeros += x == 0;
    }
    if (p->recipe->head[head].reading.target != GR_FORM_VALUES) return GR_OK;
    double low, high;
    int64_t beyond = 0;
    bounds_of(o, &low, &high);
    for (int64_t i = 0; i < o->n; i++) {
        double y = gr__probe_real(p, b.field[p->recipe->n_inputs + head], i);
        y = gr__targets_standard(&p->task.targets[head], i % (o->n / b.n), y);
        beyond += y < low || y > high;
    }
    o->beyond = (double)beyond / (double)GR_MAX(o->n, 1);
    return GR_OK;
}

/* The activation can be left out by a key where a layer names it. */
static void fix_end(const outputs *o, const gr_recipe *r, gr_finding *out)
{
    char path[200];
    size_t n = o->at ? strlen(gr__tree_path(o->at, path, sizeof path)) : 0, tail = strlen(".activation");
    if (n > tail && strcmp(path + n - tail, ".activation") == 0)
        gr__finding_fix(out, "%s: none", path);
    else
        gr__finding_fix(out, "gradus explain %s", r->head[0].cost->head.name);
}

static void judge(const gr_probe *p, int head, const gr_start *s, const outputs *o, gr_finding *out)
{
    const gr_recipe *r = p->recipe;
    const char *cost = r->head[head].cost->head.name;
    gr_reading reading = r->head[head].reading;
    bool values = reading.target == GR_FORM_VALUES, shares = reading.prediction == GR_PREDICT_SHARES;
    double low, high;
    bounds_of(o, &low, &high);
    if (shares && s->width == 1) {
        gr__finding_set(out, GR_VERDICT_FAILED, 1, 0,
                        "%s of one output is always 0: a softmax of one number is 1; two classes by one output are "
                        "binary_cross_entropy's",
                        cost);
        gr__finding_fix(out, "cost: binary_cross_entropy");
    } else if (shares && s->seen > 0 && s->probabilities == s->seen) {
        gr__finding_set(out, GR_VERDICT_FAILED, 1, 0,
                        "the outputs are probabilities already, and %s takes their softmax once more: give it logits",
                        cost);
        fix_end(o, r, out);
    } else if (shares && s->logs == s->seen && s->seen >= SAMPLES && s->spread > DIFFERS) {
        gr__finding_set(out, GR_VERDICT_WARNING, 1, 0,
                        "the outputs are log-probabilities already, which %s takes as logits: one of the two softmaxes "
                        "is for nothing",
                        cost);
        fix_end(o, r, out);
    } else if (!values && low >= 0 && o->n >= ENOUGH) {
        gr__finding_set(out, GR_VERDICT_WARNING, 1, 0,
                        "the outputs end in \"%s\" and are never below 0, where %s takes logits of either sign",
                        o->ends, cost);
        fix_end(o, r, out);
    } else if (values && o->beyond > SOME) {
        gr__finding_set(out, GR_VERDICT_FAILED, o->beyond, SOME,
                        "%.3g %% of the targets lie where outputs that end in \"%s\" never come (%g to %g)",
                        100 * o->beyond, o->ends, low, high);
        fix_end(o, r, out);
    } else
        gr__finding_set(out, GR_VERDICT_OK, values ? o->beyond : 0, values ? SOME : 0,
                        "%s takes the outputs as they are", cost);
}

static gr_status judge_cost(gr_check *c, gr_finding *out)
{
    gr_status st = GR_OK;
    c->probe.watch = NULL; /* the same pass as that of the initial cost */
    for (int h = 0; h < c->recipe->n_heads && st == GR_OK; h++) {
        gr_start s;
        outputs o;
        gr_finding f = {0};
        st = gr__start_take(&c->probe, h, &s);
        if (st == GR_OK) st = look(&c->probe, h, &o);
        if (st == GR_OK) judge(&c->probe, h, &s, &o, &f);
        if (st == GR_OK) gr__finding_worse(c->recipe, h, &f, out);
        gr__start_release(&s);
    }
    c->probe.watch = c->o->watch;
    return st;
}

GR_RULE(right_cost) = {
    .head = {.family = "rule",
             .name = "right_cost",
             .title = "Cost and outputs go together",
             .cite = "the chapter, 4.4 and 4.5.3 step 18",
             .equations =
                 "outputs before training: logits where the cost has the softmax (neither probabilities nor their "
                 "logarithms, of either sign),\nand no end that keeps them from their targets"},
    .as = {{"X18", "cost, outputs"}},
    .reads = GR_READS_PROBE,
    .limit = "0; of values 0.05",
    .unit = "share of the targets that outputs cannot be",
    .judge = judge_cost,
};
