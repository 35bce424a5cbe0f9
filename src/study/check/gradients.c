/* Gradient check: every parameter of the recipe's own model against central differences in float64 on its first batch.
 * [mission P4]
 *
 * Rules are what is checked, not one point. So the weights are moved off where they start: there many values stand
 * exactly at a kink (a zero bias under a picture's dark corner is a ReLU's 0) or say nothing (weights of 0). What is
 * near a kink all the same is looked at again from other points, and what no point judges is told. */
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "study/derivative/difference.h"
#include "study/check/rule.h"

enum { SAMPLES = 8, FEWEST = 2, POINTS = 9, MISSES = 2 };
/* POINTS: from which what was not judged is looked at; MISSES: in a row, after which a further one is left */
static const double ENOUGH = 0.1; /* of the limit: a nearer quotient is not sought */
static const double MOVED = 0.1;  /* of a tensor's usual size: far beyond the widths of differences */
static const double WORK = 5e9;   /* unless told otherwise, for a few comparisons a parameter */
static const double MORE = 2.5;   /* times that, for more of them */
static const double AGAIN = 2;    /* times the work, that all further points may take together */

typedef struct probe {
    int64_t at; /* the element; -1: a line along which all elements go, each by as much, up or down by chance */
    double slope;
} probe;

typedef struct tensor {
    const gr_param_info *param;
    const gr_entry *entry;
    probe *probe;
    int64_t n;
    double scale;
    bool found; /* the slopes: gr__slopes_found */
} tensor;

typedef struct check {
    gr_slopes s;
    int most;
    double work;
    gr__bump *memory;
    tensor *tensor;
    gr_gradient_row *row;
    double *along, *kept; /* room for the largest tensor */
} check;

/* ---- how much ---- */

/* How many comparisons the bound on work allows. */
static double allowed(const check *c)
{
    return c->work / (2 * gr__slopes_flops(c->s.cost) + 1);
}

/* Opens the recipe with as many samples as leave a comparison a parameter, and at least two. */
static gr_status open_within(gr_context *ctx, const gr_recipe *r, check *c)
{
    gr_slopes_options o = {.mode = GR_MODE_TRAIN, .batch = SAMPLES};
    gr_status st = gr__slopes_open(ctx, r, &o, &c->s);
    if (st != GR_OK || c->s.n == 0) return st;
    double affordable = SAMPLES * allowed(c) / (double)c->s.n;
    if (affordable >= SAMPLES) return st;
    gr__slopes_close(&c->s);
    o.batch = GR_MAX(FEWEST, (int64_t)affordable);
    return gr__slopes_open(ctx, r, &o, &c->s);
}

/* Shares the comparisons out: as many for each parameter, or one for each of some that lie evenly among all. */
static void share_out(check *c)
{
    double total = fmax(floor(allowed(c)), 1), n = (double)c->s.n;
    int64_t each = total >= n ? (int64_t)fmin(floor(total / n), c->most) : 1;
    double stride = total >= n ? 1 : n / total, next = 0;
    for (size_t i = 0; i < c->s.n; i++) {
        tensor *t = &c->tensor[i];
        t->param = &c->s.params[i];
        t->entry = gr_store_find(c->s.store, t->param->entry.name);
        if ((double)i < next) continue;
        next += stride;
        t->n = GR_MIN(t->entry->count, each);
    }
}

/* ---- where ---- */

static void move_off_kinks(gr_slopes *s, int point)
{
    for (size_t i = 0; i < s->n; i++) {
        const gr_entry *e = gr_store_find(s->store, s->params[i].entry.name);
        gr__rng rng = gr__rng_make(s->recipe.seed, e->spec.name, 2, (uint32_t)point);
        double *w = e->data, square = 0;
        for (int64_t k = 0; k < e->count; k++) square += w[k] * w[k] / (double)e->count;
        double size = square > 0 ? sqrt(square) : 1 / sqrt((double)GR_MAX(s->params[i].fan_in, 1));
        for (int64_t k = 0; k < e->count; k++) {
            double u = gr__rng_uniform(&rng) - 0.5;
            w[k] += MOVED * size * (u < 0 ? u - 0.5 : u + 0.5);
        }
    }
}

/* Is it read, but by no gradient: the row of an index that stands for nothing? */
static bool is_blank(const tensor *t, int64_t element)
{
    return element >= t->param->blank_at && element < t->param->blank_at + t->param->n_blank;
}

/* The line of a probe; its length is 1, or less where elements are blank. */
static gr_line line_of(const check *c, const tensor *t, const probe *p)
{
    double *w = t->entry->data;
    int64_t n = t->entry->count;
    if (p->at >= 0) {
        c->along[0] = 1;
        return (gr_line){w + p->at, c->along, c->kept, 1};
    }
    gr__rng rng = gr__rng_make(c->s.recipe.seed, t->entry->spec.name, 1, 0);
    for (int64_t k = 0; k < n; k++)
        c->along[k] = (gr__rng_u32(&rng) & 1 ? 1 : -1) * (is_blank(t, k) ? 0 : 1 / sqrt((double)n));
    return (gr_line){w, c->along, c->kept, n};
}

/* All elements of a small tensor; of a large one the line along all, and some of them alone, one from each part. */
static gr_status pick(check *c, size_t i, double cost)
{
    tensor *t = &c->tensor[i];
    const double *slope = gr__slopes_gradient(&c->s, i);
    gr__rng rng = gr__rng_make(c->s.recipe.seed, t->entry->spec.name, 0, 0);
    int64_t count = t->entry->count, lines = t->n < count, alone = t->n - lines;
    t->probe = gr__bump_alloc(c->memory, sizeof *t->probe * (size_t)t->n);
    if (!t->probe) return GR_E_MEMORY;
    t->scale = gr__slopes_scale(slope, count, cost);
    t->found = gr__slopes_found(&c->s, i);
    for (int64_t k = 0; k < t->n; k++) {
        probe *p = &t->probe[k];
        int64_t low = k < lines ? 0 : (k - lines) * count / alone,
                high = k < lines ? 0 : (k - lines + 1) * count / alone;
        p->at = k < lines ? -1 : low + (int64_t)gr__rng_below(&rng, (uint64_t)(high - low));
        if (p->at >= 0 && is_blank(t, p->at))
            p->at = t->param->n_blank < count ? (t->param->blank_at + t->param->n_blank) % count : -1;
        gr_line l = line_of(c, t, p);
        for (int64_t e = 0; e < l.n; e++) p->slope += l.along[e] * slope[GR_MAX(p->at, 0) + e];
    }
    return GR_OK;
}

static gr_status prepare(check *c)
{
    int64_t largest = 1;
    for (size_t i = 0; i < c->s.n; i++) largest = GR_MAX(largest, gr_shape_count(c->s.params[i].entry.shape));
    c->tensor = gr__bump_alloc(c->memory, sizeof *c->tensor * c->s.n);
    c->row = gr__bump_alloc(c->memory, sizeof *c->row * c->s.n);
    c->along = gr__bump_alloc(c->s.task.memory, sizeof *c->along * (size_t)largest);
    c->kept = gr__bump_alloc(c->s.task.memory, sizeof *c->kept * (size_t)largest);
    if (!c->tensor || !c->row || !c->along || !c->kept) return GR_E_MEMORY;
    share_out(c);
    for (size_t i = 0; i < c->s.n; i++) {
        const gr_entry *e = c->tensor[i].entry;
        c->row[i] = (gr_gradient_row){.name = gr__bump_strdup(c->memory, e->spec.name), .count = e->count};
        if (!c->row[i].name) return GR_E_MEMORY;
    }
    return GR_OK;
}

/* ---- comparing ---- */

/* One tensor. Differences that disagree take more runs than planned: once the work is done, a slope that is wrong needs
 * no other beside it. */
static gr_status compare(check *c, size_t i)
{
    const tensor *t = &c->tensor[i];
    gr_gradient_row *row = &c->row[i];
    gr_status st = GR_OK;
    for (int64_t k = 0; k < t->n && !(row->wrong && c->s.work > c->work); k++) {
        gr_line l = line_of(c, t, &t->probe[k]);
        double limit = GR_GRADIENT_LIMIT * t->scale, slope = t->probe[k].slope;
        gr_difference d;
        GR_TRY(gr__difference(&c->s, &l, slope, ENOUGH * limit, limit, &d));
        row->checked++;
        if (d.told == GR_TOLD_NOTHING || (d.told == GR_TOLD_WRONG && !t->found)) continue;
        double error = fabs(d.value - slope) / t->scale;
        row->judged++;
        row->wrong |= d.told == GR_TOLD_WRONG;
        row->error = error <= row->error ? row->error : error; /* NaN stays */
    }
done:
    return st;
}

/* Is it looked at and not judged yet? */
static bool is_open(const gr_gradient_row *row)
{
    return row->judged == 0;
}

/* All that is open, from one point: the initial weights, or others, moved off their kinks. */
static gr_status look_from(check *c, int point, const gr_watch *watch)
{
    gr_slopes *s = &c->s;
    double cost;
    int misses = 0;
    gr_status st = GR_OK;
    if (point > 0) GR_TRY(gr__network_draw(s->task.network, gr__check_seed(s->recipe.seed, point), s->store));
    move_off_kinks(s, point);
    GR_TRY(gr__slopes_run(s, s->slope, &cost));
    for (size_t i = 0; i < s->n; i++) /* before other runs reuse the arena */
        if (is_open(&c->row[i])) GR_TRY(pick(c, i, cost));
    for (size_t i = 0; i < s->n; i++) {
        gr__watch(watch, "gradients", (double)i / (double)s->n);
        if (!is_open(&c->row[i])) continue;
        GR_TRY(compare(c, i));
        misses = c->row[i].checked > 0 && is_open(&c->row[i]) ? misses + 1 : 0;
        if (point > 0 && misses >= MISSES) break; /* no equilibrium is found from here, or all is kinks */
    }
done:
    return st;
}

static bool any_open(const check *c)
{
    bool any = false;
    for (size_t i = 0; i < c->s.n; i++) any |= c->row[i].checked > 0 && is_open(&c->row[i]);
    return any;
}

static void judge(const gr_gradient_row *rows, size_t n, gr_finding *out)
{
    size_t bad = 0, worst = 0, looked = 0, open = 0, first = n;
    int64_t checked = 0, judged = 0;
    char left[160] = "";
    for (size_t i = 0; i < n; i++) {
        bool worse = rows[i].wrong > rows[worst].wrong ||
                     (rows[i].wrong == rows[worst].wrong && !(rows[i].error <= rows[worst].error));
        if (worse) worst = i;
        bad += rows[i].wrong;
        looked += rows[i].checked > 0;
        checked += rows[i].checked, judged += rows[i].judged;
        if (rows[i].checked == 0 || rows[i].judged > 0) continue;
        open++;
        first = GR_MIN(first, i);
    }
    if (judged < checked)
        snprintf(left, sizeof left, "; %lld of %lld comparisons stand at a kink and say nothing",
                 (long long)(checked - judged), (long long)checked);
    if (n == 0)
        gr__finding_set(out, GR_VERDICT_OK, 0, GR_GRADIENT_LIMIT, "the model has no parameters");
    else if (bad)
        gr__finding_set(out, GR_VERDICT_FAILED, rows[worst].error, GR_GRADIENT_LIMIT,
                        "%zu of %zu gradients differ from central differences, the worst is %s; an operation's "
                        "gradient rule is wrong: gradus check --gradients shows all",
                        bad, n, rows[worst].name);
    else if (open)
        gr__finding_set(out, GR_VERDICT_WARNING, rows[worst].error, GR_GRADIENT_LIMIT,
                        "%zu of %zu gradients could not be judged, the first is %s: the cost is not finite, has a kink "
                        "(a ReLU, a max-pool) within every difference, or an equilibrium is not found; prepare the "
                        "data, or try another seed",
                        open, n, rows[first].name);
    else if (looked < n)
        gr__finding_set(out, GR_VERDICT_OK, rows[worst].error, GR_GRADIENT_LIMIT,
                        "back-propagation agrees with central differences in %zu of %zu parameters; the network is too "
                        "large to look at all%s",
                        looked, n, left);
    else
        gr__finding_set(out, GR_VERDICT_OK, rows[worst].error, GR_GRADIENT_LIMIT,
                        "back-propagation agrees with central differences in all %zu parameters%s", n, left);
}

gr_status gr__check_gradients(gr_context *ctx, const gr_recipe *r, const gr_gradient_options *o, gr_gradient_row **rows,
                              size_t *n, gr__bump *memory, gr_finding *out)
{
    check c = {.memory = memory, .most = o->most, .work = o->work};
    gr_status st = GR_OK;
    if (c.work == 0) c.work = o->most > GR_GRADIENT_FEW ? MORE * WORK : WORK;
    GR_TRY(open_within(ctx, r, &c));
    GR_TRY(prepare(&c));
    GR_TRY(look_from(&c, 0, o->watch));
    double most = c.s.work + AGAIN * c.work;
    for (int point = 1; point < POINTS && any_open(&c) && c.s.work < most; point++)
        GR_TRY(look_from(&c, point, o->watch));
    *n = c.s.n;
    *rows = c.row;
    judge(*rows, *n, out);
done:
    gr__slopes_close(&c.s);
    return st;
}

static gr_status judge_gradients(gr_check *c, gr_finding *out)
{
    gr_gradient_row *rows;
    size_t n;
    const gr_gradient_options o = {GR_GRADIENT_FEW, 0, c->o->watch};
    gr_status st = gr__check_gradients(c->ctx, c->recipe, &o, &rows, &n, c->memory, out);
    if (st == GR_OK && out->verdict != GR_VERDICT_OK)
        gr__finding_fix(out, "gradus check %s --gradients", c->recipe->path);
    return st;
}

GR_RULE(gradient_rules) = {
    .head = {.family = "rule",
             .name = "gradient_rules",
             .title = "Back-propagation agrees with differences",
             .cite = "the chapter, 4.1; central differences in float64, h = 1e-5",
             .equations = "(J(w + h) - J(w - h)) / 2h near the initial weights, against the gradient, where no kink "
                          "lies between;\nthe error is relative to the largest slope of the tensor"},
    .as = {{"P4", "gradients"}},
    .reads = GR_READS_TRAINING,
    .limit = "1e-6",
    .unit = "relative error",
    .judge = judge_gradients,
};
