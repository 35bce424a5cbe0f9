/* A forest of regression trees, and the variance of its parts. */
#include "study/tune/importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { TREES = 64, LEAST_LEAF = 2, DEEPEST = 48 };

typedef struct sample {
    double x[GR_MOST_SPACES]; /* shares of the spaces' coordinates, 0 to 1 */
    double y;
} sample;

typedef struct box { /* a leaf: where it holds, and what */
    double low[GR_MOST_SPACES], high[GR_MOST_SPACES], value, volume;
} box;

typedef struct tree {
    const gr_spaces *spaces;
    gr__rng rng;
    const sample **of; /* bootstrapped, put in the order of the leaves as the tree grows */
    box *leaf;
    int n_leaves;
    double *cuts; /* room for the ends of leaves along a space */
} tree;

/* ---- samples ---- */

/* A metric with its trial: who is better comes first. */
typedef struct judged {
    const gr_trial *trial;
    double metric;
} judged;

static int by_metric(const void *a, const void *b)
{
    double x = ((const judged *)a)->metric, y = ((const judged *)b)->metric;
    return (x > y) - (x < y);
}

static double place_in(const gr_space *s, double value)
{
    double low, high;
    gr__space_ends(s, &low, &high);
    if (isnan(value)) return 0.5;
    double x = s->kind == GR_SPACE_CHOICES ? value + 0.5 : gr__space_coordinate(s, value);
    return fmin(fmax((x - low) / (high - low), 0), 1);
}

static int gather(const gr_spaces *spaces, const gr_tuned *t, bool lower, judged *j, sample *out)
{
    int n = 0;
    for (int i = 0; i < t->n; i++) {
        const gr_trial *one = &t->trial[i];
        bool diverged = one->state == GR_TRIAL_DIVERGED;
        bool told = (one->state == GR_TRIAL_DONE || one->state == GR_TRIAL_PRUNED) && !isnan(one->metric);
        if (told || diverged) j[n++] = (judged){one, diverged ? INFINITY : lower ? one->metric : -one->metric};
    }
    qsort(j, (size_t)n, sizeof *j, by_metric);
    for (int i = 0, end; i < n; i = end) { /* equals share the mean of their ranks */
        for (end = i + 1; end < n && j[end].metric == j[i].metric;) end++;
        for (int k = i; k < end; k++) {
            out[k].y = (i + end - 1) / 2.0 / n;
            for (int s = 0; s < spaces->n; s++) out[k].x[s] = place_in(&spaces->at[s], j[k].trial->point.at[s]);
        }
    }
    return n;
}

/* ---- a tree ---- */

static int by_place(const void *a, const void *b, void *along)
{
    int s = *(const int *)along;
    double x = (*(const sample *const *)a)->x[s], y = (*(const sample *const *)b)->x[s];
    return (x > y) - (x < y);
}

/* The best cut of n samples along a space; *gain: by how much the sum of squares falls. */
static double best_cut(const sample **of, int n, int s, double *gain)
{
    double all = 0, left = 0, cut = NAN;
    *gain = 0;
    qsort_r(of, (size_t)n, sizeof *of, by_place, &s);
    for (int i = 0; i < n; i++) all += of[i]->y;
    for (int i = 1; i < n; i++) {
        left += of[i - 1]->y;
        if (i < LEAST_LEAF || n - i < LEAST_LEAF || of[i]->x[s] == of[i - 1]->x[s]) continue;
        double g = left * left / i + (all - left) * (all - left) / (n - i) - all * all / n;
        if (g > *gain + 1e-12) *gain = g, cut = (of[i]->x[s] + of[i - 1]->x[s]) / 2;
    }
    return cut;
}

/* Tries two thirds of the spaces, drawn anew; -1: none cuts. */
static int choose(tree *t, const sample **of, int n, double *cut)
{
    double most = 0, gain;
    uint32_t order[GR_MOST_SPACES];
    int found = -1, tried = (2 * t->spaces->n + 2) / 3;
    gr__rng_permutation(&t->rng, order, (size_t)t->spaces->n);
    for (int i = 0; i < t->spaces->n && (i < tried || found < 0); i++) {
        double x = best_cut(of, n, (int)order[i], &gain);
        if (gain > most) most = gain, found = (int)order[i], *cut = x;
    }
    return found;
}

static void grow(tree *t, const sample **of, int n, const box *within, int depth)
{
    double cut = NAN, sum = 0;
    int s = n >= 2 * LEAST_LEAF && depth < DEEPEST ? choose(t, of, n, &cut) : -1, left = 0;
    if (s < 0) {
        box *leaf = &t->leaf[t->n_leaves++];
        *leaf = *within;
        leaf->volume = 1;
        for (int i = 0; i < n; i++) sum += of[i]->y;
        leaf->value = sum / n;
        for (int k = 0; k < t->spaces->n; k++) leaf->volume *= leaf->high[k] - leaf->low[k];
        return;
    }
    qsort_r(of, (size_t)n, sizeof *of, by_place, &s);
    while (of[left]->x[s] < cut) left++;
    box part = *within;
    part.high[s] = cut;
    grow(t, of, left, &part, depth + 1);
    part.high[s] = within->high[s], part.low[s] = cut;
    grow(t, of + left, n - left, &part, depth + 1);
}

/* ---- variance over the whole space ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the mean over all other spaces, as this one goes along. */
static double main_effect(tree *t, int s, double mean)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < t->n_leaves; i++) t->cuts[n++] = t->leaf[i].low[s];
    t->cuts[n++] = 1;
    qsort(t->cuts, (size_t)n, sizeof *t->cuts, by_value);
    for (int i = 0; i + 1 < n; i++) {
        double wide = t->cuts[i + 1] - t->cuts[i], at = (t->cuts[i + 1] + t->cuts[i]) / 2, here = 0;
        if (wide <= 0) continue;
        for (int k = 0; k < t->n_leaves; k++) {
            const box *leaf = &t->leaf[k];
            if (leaf->low[s] < at && at < leaf->high[s])
                here += leaf->value * leaf->volume / (leaf->high[s] - leaf->low[s]);
        }
        sum += wide * (here - mean) * (here - mean);
    }
    return sum;
}

static void add_tree(tree *t, double *effect, double *total)
{
    double mean = 0, all = 0;
    for (int i = 0; i < t->n_leaves; i++) mean += t->leaf[i].value * t->leaf[i].volume;
    for (int i = 0; i < t->n_leaves; i++) all += t->leaf[i].volume * pow(t->leaf[i].value - mean, 2);
    if (all <= 0) return;
    *total += all;
    for (int s = 0; s < t->spaces->n; s++) effect[s] += main_effect(t, s, mean);
}

/* ---- the forest ---- */

static gr_status judge(gr__bump *b, const gr_spaces *spaces, const sample *all, int n, gr_importance *out)
{
    tree t = {.spaces = spaces,
              .of = gr__bump_alloc(b, (size_t)n * sizeof *t.of),
              .leaf = gr__bump_alloc(b, (size_t)n * sizeof *t.leaf),
              .cuts = gr__bump_alloc(b, (size_t)(n + 1) * sizeof *t.cuts)};
    double effect[GR_MOST_SPACES] = {0}, total = 0, sum = 0;
    box whole = {.value = 0};
    if (!t.of || !t.leaf || !t.cuts) return GR_E_MEMORY;
    for (int s = 0; s < spaces->n; s++) whole.high[s] = 1;
    for (int i = 0; i < TREES; i++) {
        t.rng = gr__rng_make(0, "tune/importance", (uint32_t)i, 0);
        t.n_leaves = 0;
        for (int k = 0; k < n; k++) t.of[k] = &all[gr__rng_below(&t.rng, (uint64_t)n)];
        grow(&t, t.of, n, &whole, 0);
        add_tree(&t, effect, &total);
    }
    for (int s = 0; s < spaces->n; s++) sum += effect[s];
    for (int s = 0; s < spaces->n; s++) out->share[s] = sum > 0 ? effect[s] / sum : 0;
    out->together = total > 0 ? fmax(1 - sum / total, 0) : 0;
    return GR_OK;
}

gr_status gr__importance(gr_context *ctx, const gr_spaces *spaces, const gr_tuned *t, bool lower, gr_importance *out)
{
    gr__bump *b = gr__bump_create(ctx);
    size_t room = (size_t)GR_MAX(t->n, 1);
    judged *j = b ? gr__bump_alloc(b, room * sizeof *j) : NULL;
    sample *all = j ? gr__bump_alloc(b, room * sizeof *all) : NULL;
    gr_status st = all ? GR_OK : GR_E_MEMORY;
    *out = (gr_importance){.judged = all ? gather(spaces, t, lower, j, all) : 0};
    if (st == GR_OK && out->judged < GR_LEAST_JUDGED)
        st = gr__fail(ctx, GR_E_DATA, "%d trials have a metric; what mattered can be told of %d and more", out->judged,
                      GR_LEAST_JUDGED);
    if (st == GR_OK) st = judge(b, spaces, all, out->judged, out);
    gr__bump_destroy(b);
    return st;
}
