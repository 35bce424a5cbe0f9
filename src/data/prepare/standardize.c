/* Standardize: mean 0 and deviation 1 over the training rows, with the same numbers ever after. */
#include <math.h>

#include "base/text.h"
#include "data/prepare/prepare.h"

enum { MEAN = GR__MUL + 1, STD }; /* population statistics: sub = mean, mul = 1 / std, or 1 where std is 0 */

/* How many groups of elements have a mean of their own; element e belongs to group e % groups. */
static int64_t groups_of(const gr__fitting *f)
{
    if (gr__setting_is(f->s, "per", "all")) return 1;
    if (gr__setting_is(f->s, "per", "element")) return gr_shape_count(f->sample);
    return gr__fitting_channels(f);
}

static gr_status measure(const gr__fitting *f, int n, gr_prepared *p)
{
    gr_status st = gr__fitting_divides(f, n);
    if (st != GR_OK) return st;
    gr__moments *m = gr__alloc(f->ctx, (size_t)n * sizeof *m);
    if (!m) return GR_E_MEMORY;
    st = gr__moments_take(f, n, m);
    for (int i = 0; i < n && st == GR_OK; i++) {
        p->state[MEAN][i] = m[i].mean;
        p->state[STD][i] = m[i].n > 0 ? sqrt(m[i].m2 / m[i].n) : 0;
    }
    gr__free(f->ctx, m, (size_t)n * sizeof *m);
    return st;
}

/* One mean of all is not that of columns that are left out. */
static gr_status all_of_some(const gr__fitting *f, const bool *mask)
{
    if (!mask || !gr__setting_is(f->s, "per", "all")) return GR_OK;
    return gr__tree_fail(f->ctx, f->s->tree, GR_E_CONFLICT, "per: channel has one mean a column",
                         "one mean of all values would take in columns that are left out");
}

static gr_status fit(const gr__fitting *f, gr_prepared *out)
{
    const bool *mask;
    gr_status st = gr__fitting_mask(f, false, &mask);
    if (st == GR_OK) st = all_of_some(f, mask);
    if (st != GR_OK) return st;
    int64_t n = groups_of(f);
    if (n > INT32_MAX) return gr__fail(f->ctx, GR_E_RANGE, "a sample has too many values to standardize each");
    if (!gr__step_lists(f, out, STD + 1, (int)n)) return gr__error_code(f->ctx);
    for (int64_t i = 0; i < n; i++) { /* placeholders: nothing that simplifies away, no two alike */
        out->state[MEAN][i] = 0.3 + 1e-3 * (double)i;
        out->state[STD][i] = 0.2 + 1e-3 * (double)i;
    }
    if (f->train) st = measure(f, (int)n, out);
    for (int64_t i = 0; i < n && st == GR_OK; i++) {
        if (mask && !mask[i]) out->state[MEAN][i] = out->state[STD][i] = 0;
        out->state[GR__SUB][i] = out->state[MEAN][i];
        out->state[GR__MUL][i] = gr__by_spread(out->state[STD][i]); /* a constant becomes 0 */
    }
    return st;
}

/* ---- read from a file ---- */

/* Other tools need write no more than what it is by. */
static gr_status complete(gr_context *ctx, gr__bump *b, gr_prepared *p)
{
    int n = p->n[MEAN];
    double *mul = gr__bump_alloc(b, (size_t)n * sizeof *mul);
    if (!mul) return gr__error_code(ctx);
    for (int i = 0; i < n; i++) mul[i] = gr__by_spread(p->state[STD][i]);
    p->state[GR__SUB] = p->state[MEAN];
    p->state[GR__MUL] = mul;
    p->n[GR__SUB] = p->n[GR__MUL] = n;
    return GR_OK;
}

/* Equal but for what is lost where one is worked out from the other. */
static bool alike(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* Inputs are prepared by `sub` and `mul`; where statistics stand beside them, they say the same. */
static gr_status settle(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p)
{
    static const char hint[] = "a step of its own numbers may leave mean and std out, or have them alone";
    const double *mean = p->state[MEAN], *std = p->state[STD];
    char x[32], y[32];
    for (int i = 0; std && i < p->n[STD]; i++)
        if (std[i] < 0) return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation holds a deviation below 0");
    if (mean && std && !p->state[GR__SUB] && !p->state[GR__MUL]) return complete(ctx, b, p);
    const double *sub = p->state[GR__SUB], *mul = p->state[GR__MUL];
    if (mean && !sub)
        return gr__tree_fail(ctx, t, GR_E_FORMAT, hint, "the preparation has a mean, but no sub that subtracts it");
    if (std && !mul)
        return gr__tree_fail(ctx, t, GR_E_FORMAT, hint, "the preparation has a std, but no mul that divides by it");
    for (int i = 0, n = gr__step_n(p); i < n; i++) {
        if (mean && !alike(mean[i], sub[i]))
            return gr__tree_fail(ctx, t, GR_E_FORMAT, hint,
                                 "the preparation contradicts itself: mean[%d] is %s, sub[%d] is %s", i,
                                 gr__double_text(mean[i], x), i, gr__double_text(sub[i], y));
        if (std && !alike(gr__by_spread(std[i]), mul[i]))
            return gr__tree_fail(ctx, t, GR_E_FORMAT, hint,
                                 "the preparation contradicts itself: std[%d] is %s, mul[%d] is %s", i,
                                 gr__double_text(std[i], x), i, gr__double_text(mul[i], y));
    }
    return GR_OK;
}

static const gr_row rows[] = {
    {.name = "per",
     .kind = GR_ROW_CHOICE,
     .value = "channel",
     .range = "channel|element|all",
     .unit = "",
     .help = "what has a mean of its own: each channel (last axis; a column of a table), each value of a sample, or "
             "nothing"},
    GR__COLUMNS_ROW,
};

GR_PREPARE(standardize) = {
    .head = {.family = "prepare",
             .name = "standardize",
             .title = "Mean 0 and standard deviation 1",
             .cite = "",
             .equations = "y = (x - mean) / std, population statistics of the training rows\na constant becomes 0",
             GR_ROWS(rows)},
    .affine = true,
    .state = {"sub", "mul", "mean", "std"},
    .fit = fit,
    .build = gr__affine_build,
    .values = gr__affine_values,
    .undo = gr__affine_undo,
    .settle = settle,
};
