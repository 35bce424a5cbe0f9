/* Initial weights: does every layer keep the scale of what runs through it, forward and backward, and do its units
 * differ?            [mission I1, I2] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/stack.h"
#include "study/check/rule.h"

static const double FADED = 10; /* a variance this far from 1, up or down, is worth a warning */
static const double LOST = 1e4; /* and this far nothing gets through */
enum { ENOUGH = 32 };           /* values, and weights, for a variance that says anything */
enum { UNITS = 4 };             /* and units: one or two may be off, or small, by chance */
enum { LOOKS = 16 };            /* batches that are looked at where no gradient arrives */
static const double ROUNDING = 1e-5;

/* ---- [I1] ---- */

static bool is_weight(const gr_param_info *p)
{
    return !p->is_bias && p->entry.shape.rank >= 2;
}

/* Are the rows (one a unit, the first axis) alike, to rounding of their largest number? */
static bool rows_equal(const gr_probe *p, const void *data, gr_shape shape, double rounding)
{
    int64_t units = shape.dim[0], row = units ? gr_shape_count(shape) / units : 0;
    double largest = 0, apart = 0;
    for (int64_t i = 0; i < units * row; i++) {
        double x = gr__probe_real(p, data, i);
        largest = fmax(largest, fabs(x));
        apart = fmax(apart, fabs(x - gr__probe_real(p, data, i % row)));
    }
    return units > 1 && row > 0 && apart <= rounding * largest;
}

static bool all_equal(const gr_probe *p, const gr_entry *e)
{
    for (int64_t i = 1; i < e->count; i++)
        if (gr__probe_real(p, e->data, i) != gr__probe_real(p, e->data, 0)) return false;
    return true;
}

/* Units that start equal stay so where they get equal gradients: since nothing behind them tells one from another, be
 * it seen in the gradients (which dropout scatters) or in the weights. Those of the last layer have targets of their
 * own. */
static bool stays_equal(const gr_probe *p, const gr_param_info *all, size_t n, size_t i)
{
    const gr_entry *e = gr_store_find(p->store, all[i].entry.name);
    char name[32];
    gr_shape shape;
    if (!is_weight(&all[i]) || all[i].last || !rows_equal(p, e->data, e->spec.shape, 0)) return false;
    snprintf(name, sizeof name, "gradient%zu", i);
    const void *gradient = gr_plan_output(p->train, name, &shape);
    if (rows_equal(p, gradient, shape, ROUNDING)) return true;
    for (size_t k = i + 1; k < n; k++)
        if (is_weight(&all[k]) && !all_equal(p, gr_store_find(p->store, all[k].entry.name))) return false;
    return true;
}

static gr_status run_first(gr_probe *p, gr_batch *b)
{
    gr__loader_seek(p->loader, 0, 0);
    gr_status st = p->next(p->source, b);
    return st == GR_OK ? gr__probe_run(p, p->train, b) : st;
}

gr_status gr__check_symmetry(gr_probe *p, gr_finding *out)
{
    size_t n;
    int equal = 0, weights = 0;
    const char *first = "";
    gr_batch b;
    const gr_param_info *all = gr__network_params(p->task.network, &n);
    gr_status st = run_first(p, &b);
    if (st != GR_OK) return st;
    for (size_t i = 0; i < n; i++) {
        weights += is_weight(&all[i]);
        if (stays_equal(p, all, n, i) && !equal++) first = all[i].entry.name;
    }
    if (equal) {
        gr__finding_set(out, GR_VERDICT_WARNING, equal, 0,
                        "%d of %d weights (%s) start with all units equal: equal units get equal gradients and stay "
                        "equal for ever; start from a random init.weights",
                        equal, weights, first);
        gr__finding_fix(out, "init.weights: kaiming");
    } else
        gr__finding_set(out, GR_VERDICT_OK, 0, 0, "no layer's units start equal and stay so");
    return GR_OK;
}

/* ---- [I2] ---- */

/* units, may be NULL: along the last axis. */
static gr_spread spread_of(const gr_probe *p, const char *prefix, int i, int64_t *units)
{
    char name[32];
    gr_shape shape;
    snprintf(name, sizeof name, "%s%d", prefix, i);
    const void *data = gr_plan_output(p->train, name, &shape);
    int64_t n = gr_shape_count(shape);
    gr_spread s = {.count = n};
    if (units) *units = shape.rank ? shape.dim[shape.rank - 1] : 1;
    for (int64_t k = 0; k < n; k++) s.mean += gr__probe_real(p, data, k) / (double)n;
    for (int64_t k = 0; k < n; k++) {
        double x = gr__probe_real(p, data, k);
        s.variance += (x - s.mean) * (x - s.mean) / (double)n;
        s.square += x * x / (double)n;
    }
    return s;
}

static bool is_zero(const gr_probe *p, const gr_param_info *info)
{
    const gr_entry *e = gr_store_find(p->store, info->entry.name);
    return e->count > 0 && gr__probe_real(p, e->data, 0) == 0 && all_equal(p, e);
}

/* What a layer's own weights say of its row. Weights of 0 that a gradient reaches are a start like another. */
static void look_at_weights(const gr_probe *p, gr_init_row *row, int64_t units)
{
    size_t n;
    int64_t weights = 0;
    bool starting = false;
    const gr_param_info *all = gr__network_params(p->task.network, &n);
    for (size_t i = 0; i < n; i++) {
        if (all[i].is_bias || !gr__is_of_layer(all[i].entry.name, row->name)) continue;
        row->weighted = true;
        weights += gr_shape_count(all[i].entry.shape);
        starting |= is_zero(p, &all[i]) && gr__probe_reached(p, i);
    }
    row->tells = weights >= ENOUGH && units >= UNITS && row->activation.count >= ENOUGH && !starting;
}

/* Weights of 0 pass no gradient on; weights that are all alike one in which slopes may cancel. */
static bool holds(const gr_probe *p, const gr_param_info *all, size_t i)
{
    const gr_entry *e = gr_store_find(p->store, all[i].entry.name);
    bool alike = is_zero(p, &all[i]) || (is_weight(&all[i]) && all_equal(p, e));
    return !all[i].is_bias && alike && gr__probe_reached(p, i);
}

/* Of every layer: are there such behind it, which learn from the first update on? */
static void look_behind(const gr_probe *p, gr_init_row *rows, int n_rows)
{
    size_t n;
    bool held = false;
    const gr_param_info *all = gr__network_params(p->task.network, &n);
    for (int i = n_rows; i-- > 0;) {
        rows[i].held = held;
        for (size_t k = 0; k < n; k++) held |= gr__is_of_layer(all[k].entry.name, rows[i].name) && holds(p, all, k);
    }
}

/* Does a layer that keeps statistics read it, and nothing else? It gives the same whatever the scale of what it reads.
 */
static bool is_normalised(const gr_probe *p, int i)
{
    const gr_stack *s = p->recipe->stack;
    size_t n;
    const gr_entry_spec *states = gr__network_states(p->task.network, &n);
    int readers = 0, normalising = 0;
    for (int k = 0; k < s->n; k++) {
        bool keeps = false, reads = false;
        for (int j = 0; j < s->layer[k].n_from; j++) reads |= s->layer[k].from[j] == i;
        for (size_t j = 0; j < n; j++) keeps |= gr__is_of_layer(states[j].name, s->layer[k].name);
        readers += reads;
        normalising += reads && keeps;
    }
    return readers > 0 && readers == normalising;
}

/* Which layers lead to heads of weight 0 alone: these are evaluated and train nothing, as the recipe says. */
static void look_ahead(const gr_probe *p, gr_init_row *rows)
{
    const gr_stack *s = p->recipe->stack;
    for (int i = 0; i < s->n; i++) rows[i].aside = true;
    for (int h = 0; h < p->recipe->n_heads; h++)
        if (p->recipe->head[h].weight > 0 && p->recipe->head[h].from >= 0) rows[p->recipe->head[h].from].aside = false;
    for (int i = s->n; i-- > 0;)
        for (int j = 0; j < s->layer[i].n_from && !rows[i].aside; j++)
            if (s->layer[i].from[j] >= 0) rows[s->layer[i].from[j]].aside = false;
}

/* The scale that reaches each layer: gated layers have one of their own, which those behind them keep as others keep
 * 1, until something normalises. */
static void look_at_gates(const gr_probe *p, gr_init_row *rows, gr__bump *memory)
{
    const gr_stack *s = p->recipe->stack;
    double *gives = gr__bump_alloc(memory, (size_t)s->n * sizeof *gives);
    for (int i = 0; i < s->n; i++) {
        const gr_stacked *l = &s->layer[i];
        double takes = 0, own = rows[i].activation.variance;
        for (int j = 0; j < l->n_from; j++) takes = fmax(takes, l->from[j] >= 0 && gives ? gives[l->from[j]] : 1);
        rows[i].least = l->member->gated ? (double)NAN : takes;
        if (!gives) continue;
        gives[i] = l->member->normalises ? 1 : !l->member->gated ? takes : own > 0 && own < 1 ? own : 1;
    }
}

/* What the variance is of the nearest that is wanted. */
static double share_of(const gr_init_row *row)
{
    double v = row->activation.variance;
    return isnan(v) || v > 1 ? v : v < row->least ? v / row->least : 1;
}

/* How many times too much, or too little. */
static double away(const gr_init_row *row)
{
    double share = share_of(row);
    return share > 0 && isfinite(share) ? fmax(share, 1 / share) : INFINITY;
}

static bool arrives(const gr_init_row *row)
{
    return row->gradient.square > 0 && isfinite(row->gradient.square);
}

static void judge(const gr_init_row *rows, size_t n, gr_finding *out)
{
    const gr_init_row *worst = NULL;
    bool silent = false;
    for (size_t i = 0; i < n; i++) {
        bool judged = rows[i].weighted && rows[i].tells && !rows[i].last && !rows[i].normalised &&
                      !isnan(rows[i].least); /* what the last layer gives is the initial cost's matter */
        if (judged && (!worst || away(&rows[i]) > away(worst))) worst = &rows[i];
        silent |= rows[i].weighted && !rows[i].held && !rows[i].aside && !arrives(&rows[i]);
    }
    if (!worst) {
        gr__finding_set(out, silent ? GR_VERDICT_FAILED : GR_VERDICT_OK, NAN, FADED,
                        silent ? "no gradient reaches the weights" : "no hidden layer large enough to tell");
        return;
    }
    double v = worst->activation.variance, factor = away(worst), share = share_of(worst);
    gr_verdict verdict = factor > LOST || silent ? GR_VERDICT_FAILED
                         : factor > FADED        ? GR_VERDICT_WARNING
                                                 : GR_VERDICT_OK;
    char wanted[48] = "1";
    if (worst->least < 1) snprintf(wanted, sizeof wanted, "%.3g to 1", worst->least);
    if (verdict == GR_VERDICT_OK)
        gr__finding_set(out, verdict, share, FADED,
                        "activations keep their scale: the variance farthest from %s is %.3g, in layer \"%s\"", wanted,
                        v, worst->name);
    else if (silent && factor <= LOST)
        gr__finding_set(
            out, verdict, share, FADED,
            "no gradient reaches some layers with weights; gradus check --init shows which: try init.weights kaiming");
    else
        gr__finding_set(out, verdict, share, FADED,
                        "activations %s: layer \"%s\" gives a variance of %.3g where %s is wanted; prepare the data "
                        "(standardize) and try init.weights kaiming, or xavier before tanh and sigmoid",
                        share > 1 ? "explode" : "fade", worst->name, v, wanted);
}

/* A batch may be one at which a few units are all off: others are asked before a layer is called silent. */
static gr_status ask_others(gr_probe *p, gr_init_row *rows, int n)
{
    gr_status st = GR_OK;
    for (int look = 1; look < GR_MIN(LOOKS, p->batches) && st == GR_OK; look++) {
        gr_batch b;
        bool silent = false;
        for (int i = 0; i < n; i++) silent |= rows[i].weighted && !rows[i].aside && rows[i].gradient.square == 0;
        if (!silent) break;
        st = p->next(p->source, &b);
        if (st != GR_OK || b.n != p->batch) break;
        st = gr__probe_run(p, p->train, &b);
        for (int i = 0; i < n && st == GR_OK; i++)
            if (rows[i].gradient.square == 0) rows[i].gradient = spread_of(p, "slope", i, NULL);
    }
    return st;
}

gr_status gr__check_init(gr_probe *p, gr__bump *memory, gr_init_row **rows, size_t *n, gr_finding *out)
{
    const gr_stack *s = p->recipe->stack;
    gr_batch b;
    gr_init_row *r = gr__bump_alloc(memory, sizeof *r * (size_t)GR_MAX(s->n, 1));
    if (!r) return GR_E_MEMORY;
    gr_status st = run_first(p, &b);
    if (st != GR_OK) return st;
    for (int i = 0; i < s->n; i++) {
        int64_t units;
        r[i] = (gr_init_row){.name = s->layer[i].name,
                             .type = s->layer[i].member->head.name,
                             .last = s->layer[i].last,
                             .normalised = is_normalised(p, i),
                             .activation = spread_of(p, "layer", i, &units),
                             .gradient = spread_of(p, "slope", i, NULL)};
        look_at_weights(p, &r[i], units);
    }
    look_behind(p, r, s->n);
    look_ahead(p, r);
    look_at_gates(p, r, memory);
    st = ask_others(p, r, s->n);
    if (st != GR_OK) return st;
    judge(r, (size_t)s->n, out);
    if (out->verdict != GR_VERDICT_OK) gr__finding_fix_scale(p->recipe, out);
    *rows = r;
    *n = (size_t)s->n;
    return GR_OK;
}

static gr_status judge_symmetry(gr_check *c, gr_finding *out)
{
    return gr__check_symmetry(&c->probe, out);
}

GR_RULE(equal_units) = {
    .head = {.family = "rule",
             .name = "equal_units",
             .title = "Units do not start equal and stay so",
             .cite = "the chapter, 4.2.2",
             .equations = "rows of a tensor of weights that are equal and get equal gradients"},
    .as = {{"I1", "symmetry"}},
    .reads = GR_READS_PROBE,
    .limit = "0",
    .unit = "tensors of weights",
    .judge = judge_symmetry,
};

static gr_status judge_init(gr_check *c, gr_finding *out)
{
    gr_init_row *rows;
    size_t n;
    return gr__check_init(&c->probe, c->memory, &rows, &n, out);
}

GR_RULE(kept_scale) = {
    .head = {.family = "rule",
             .name = "kept_scale",
             .title = "Activations keep their scale through the layers",
             .cite = "the chapter, 4.2.2; He et al. 2015",
             .equations = "variance of what each layer with weights gives for the first batch, against 1; a gradient "
                          "must reach all weights"},
    .as = {{"I2", "initialisation"}},
    .reads = GR_READS_PROBE,
    .limit = "a factor of 10 is a warning, of 1e4 a failure",
    .draws = GR_DRAWS_OF_WEIGHTS,
    .unit = "variance of the activations",
    .judge = judge_init,
};
