/* Step 17: what normalisations may hide: the network without them.                                  [mission X17]
 *
 * A normalisation takes the scale of what it reads away, and with it the trace of weights that start at a wrong one.
 * Networks with skips grow from layer to layer without, as they must, so each layer is held against what it reads. */
#include <math.h>
#include <string.h>

#include "model/convert.h"
#include "model/stack.h"
#include "study/check/trial.h"

enum { UPDATES = 60, SEED = 901, FEWEST = 32 };
static const double WORK = 2e10; /* floating-point operations of the training */
static const double MOST = 100;  /* times more, or less, than what a layer reads, of the mean square that it gives */

typedef struct worst {
    double gain; /* the farthest from 1, up or down */
    const char *layer;
} worst;

static bool is_weighted(const gr_network *network, const char *layer)
{
    size_t n;
    int64_t numbers = 0;
    const gr_param_info *all = gr__network_params(network, &n);
    for (size_t i = 0; i < n; i++)
        if (!all[i].is_bias && gr__is_of_layer(all[i].entry.name, layer)) numbers += gr_shape_count(all[i].entry.shape);
    return numbers >= FEWEST;
}

static double size_of(const gr_trial *t, const char *what)
{
    gr_shape shape;
    const void *data = gr_plan_output(t->layers, what, &shape);
    double sum = 0;
    int64_t n = gr_shape_count(shape);
    for (int64_t k = 0; k < n; k++) {
        double x = gr__element_at(gr__task_real(&t->task), data, k);
        sum += x * x / (double)n;
    }
    return sum;
}

/* Of layers with weights between others: what they give, by what the layer before gives. */
static worst look(const gr_trial *t)
{
    const gr_stack *s = t->recipe.stack;
    worst w = {.gain = 1};
    for (int i = 0; i < s->n; i++) {
        const gr_stacked *l = &s->layer[i];
        char out[32], in[32];
        if (l->last || l->n_from != 1 || gr__is_input(l->from[0]) || l->member->gated ||
            !is_weighted(t->task.network, l->name))
            continue;
        snprintf(out, sizeof out, "layer%d", i);
        snprintf(in, sizeof in, "layer%d", l->from[0]);
        double gain = size_of(t, out) / size_of(t, in);
        if (gain > 0 && fabs(log(gain)) > fabs(log(w.gain))) w = (worst){gain, l->name};
        if (!isfinite(gain)) return (worst){INFINITY, l->name};
    }
    return w;
}

/* The recipe without what normalises; NULL in *out: nothing does. */
static gr_status convert(gr_check *c, gr_recipe **out, size_t *left_out)
{
    const gr_conversion how = {.no_norm = true};
    gr_converted *changes;
    gr_tree *tree;
    gr__bump *b = gr__bump_create(c->ctx);
    if (!b) return GR_E_MEMORY;
    gr_status st = gr__recipe_convert(c->ctx, b, c->recipe, &how, c->recipe->path, &tree, &changes, left_out);
    if (st == GR_OK && *left_out) st = gr__recipe_from_tree(c->ctx, b, tree, c->recipe->path, c->recipe->folder, out);
    if (st != GR_OK || !*out) gr__bump_destroy(b);
    return st;
}

static void judge(const gr_check *c, const worst *w, double first, const gr_trial *t, size_t n, gr_finding *out)
{
    double gain = fmax(w->gain, 1 / w->gain);
    const char *path = c->recipe->path;
    if (gain > MOST || !isfinite(first)) {
        gr__finding_set(
            out, GR_VERDICT_WARNING, gain, MOST,
            "without its %zu normalisations layer \"%s\" gives %.3g times the mean square of what it reads, "
            "which they hide: its weights start at a wrong scale",
            n, w->layer ? w->layer : "", w->gain);
        gr__finding_fix(out, "init.weights: kaiming");
        gr__finding_fix(out, "gradus convert %s --norm none -o NEW.yaml", path);
        return;
    }
    gr__finding_set(
        out, GR_VERDICT_OK, gain, MOST,
        "without its %zu normalisations layers keep their scale, within %.3g times; the first cost is %.3g, "
        "%s %lld updates %.3g",
        n, gain, first, t->diverged ? "training diverges: after" : "after", (long long)t->step, t->cost);
}

static gr_status judge_without_norms(gr_check *c, gr_finding *out)
{
    gr_recipe *bare = NULL, r;
    size_t n = 0;
    gr_trial t = {0};
    bool more;
    int64_t steps = gr__trials_steps(&c->trials, WORK, 1, UPDATES, NULL);
    const gr_variant v = {.steps = steps, .seed = SEED};
    gr_status st = GR_OK;
    gr__watch(c->o->watch, "without norms", 0);
    GR_TRY(convert(c, &bare, &n));
    if (!bare) {
        gr__finding_set(out, GR_VERDICT_OK, NAN, MOST, "nothing normalises, so nothing is hidden");
        return GR_OK;
    }
    GR_TRY(gr__variant_make(c->ctx, c->memory, bare, &v, &r));
    GR_TRY(gr__trial_open(&c->trials, &r, &(gr_trial_spec){.layers = true}, &t));
    GR_TRY(gr__trial_look(&t, &more));
    worst w = look(&t);
    GR_TRY(gr__trial_step(&t));
    double first = t.cost;
    GR_TRY(gr__trial_run(&t, steps));
    judge(c, &w, first, &t, n, out);
done:
    gr__trial_close(&t);
    if (bare) gr__recipe_close(c->ctx, bare);
    return st;
}

GR_RULE(without_norms) = {
    .head = {.family = "rule",
             .name = "without_norms",
             .title = "Normalisations hide no wrong scale",
             .cite = "the chapter, 4.5.3 step 17",
             .equations =
                 "the network without what normalises (gradus convert --norm none), from its initial weights: of "
                 "each layer with weights\nthe mean square that it gives by that of what it reads; then a short "
                 "training, which is told"},
    .as = {{"X17", "without norms"}},
    .reads = GR_READS_TRAINING,
    .limit = "100",
    .unit = "times, up or down",
    .judge = judge_without_norms,
};
