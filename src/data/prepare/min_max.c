/* Min-max: the least training value becomes the lower end of a range, the greatest the upper one. */
#include <math.h>

#include "data/prepare/prepare.h"

static gr_status range_of(const gr__fitting *f, double *low, double *high)
{
    const gr_tree *t = gr__setting_tree(f->s, "to");
    bool pair = t->kind == GR_TREE_LIST && t->n == 2 && gr__tree_is_number(t->child[0]) &&
                gr__tree_is_number(t->child[1]) && isfinite(t->child[0]->number) && isfinite(t->child[1]->number);
    char shown[200];
    if (!pair)
        return gr__tree_fail(f->ctx, t, GR_E_TYPE, "such as to: [-1, 1]", "%s is not a range of two numbers",
                             gr__tree_show(t, shown, sizeof shown));
    *low = t->child[0]->number;
    *high = t->child[1]->number;
    if (*low < *high) return GR_OK;
    return gr__tree_fail(f->ctx, t, GR_E_RANGE, "such as to: [-1, 1]", "%s is not below %s", t->child[0]->text,
                         t->child[1]->text);
}

static gr_status measure(const gr__fitting *f, int n, gr__extent *e)
{
    for (int i = 0; i < n; i++) e[i] = (gr__extent){1, 0.3 + 1e-3 * (double)i, 1.5 + 1e-3 * (double)i};
    if (!f->train) return GR_OK;
    gr_status st = gr__fitting_divides(f, n);
    return st == GR_OK ? gr__fitting_extents(f, n, e) : st;
}

static gr_status fit(const gr__fitting *f, gr_prepared *out)
{
    const bool *mask;
    double low = 0, high = 1;
    gr_status st = gr__fitting_mask(f, false, &mask);
    if (st == GR_OK) st = range_of(f, &low, &high);
    if (st != GR_OK) return st;
    int n = (int)(gr__setting_is(f->s, "per", "element") ? gr_shape_count(f->sample) : gr__fitting_channels(f));
    gr__extent *e = gr__bump_alloc(f->b, (size_t)n * sizeof *e);
    if (!e || !gr__step_lists(f, out, low == 0 ? GR__ADD : GR__ADD + 1, n)) return gr__error_code(f->ctx);
    st = measure(f, n, e);
    for (int i = 0; i < n && st == GR_OK; i++) {
        bool taken = (!mask || mask[i]) && e[i].n > 0;
        out->state[GR__SUB][i] = taken ? e[i].least : 0;
        out->state[GR__MUL][i] = taken ? gr__by_spread((e[i].most - e[i].least) / (high - low)) : 1;
        if (low != 0) out->state[GR__ADD][i] = taken ? low : 0;
    }
    return st;
}

static gr_status check(gr_context *ctx, const gr_settings *s)
{
    double low, high;
    return range_of(&(gr__fitting){.ctx = ctx, .s = s}, &low, &high);
}

static const gr_row rows[] = {
    {.name = "to",
     .kind = GR_ROW_TREE,
     .value = "[0, 1]",
     .range = "[LOW, HIGH]",
     .unit = "",
     .help = "the range of the training values afterwards; others may lie outside"},
    {.name = "per",
     .kind = GR_ROW_CHOICE,
     .value = "channel",
     .range = "channel|element",
     .unit = "",
     .help = "what has a range of its own: each channel (last axis; a column of a table), or each value of a sample"},
    GR__COLUMNS_ROW,
};

GR_PREPARE(min_max) = {
    .head = {.family = "prepare",
             .name = "min_max",
             .title = "The range of the training values to [0,1], or another",
             .cite = "",
             .equations = "y = (x - min) / (max - min) * (high - low) + low, min and max of the training rows\n"
                          "a constant becomes low",
             GR_ROWS(rows)},
    .affine = true,
    .state = {"sub", "mul", "plus"},
    .check = check,
    .fit = fit,
    .build = gr__affine_build,
    .values = gr__affine_values,
    .undo = gr__affine_undo,
};
