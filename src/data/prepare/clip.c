/* Clip: numbers beyond two bounds become these. */
#include <math.h>

#include "base/text.h"
#include "data/prepare/prepare.h"

enum { LOW, HIGH, FOR };

typedef struct bounds {
    double low, high; /* NaN: none */
    bool shares;      /* they are shares of the training values, not values */
} bounds;

static gr_status read_shares(const gr__fitting *f, const gr_tree *t, bounds *b)
{
    char shown[200];
    bool pair =
        t->kind == GR_TREE_LIST && t->n == 2 && gr__tree_is_number(t->child[0]) && gr__tree_is_number(t->child[1]);
    if (!pair)
        return gr__tree_fail(f->ctx, t, GR_E_TYPE, "such as quantiles: [0.01, 0.99]", "%s is not a list of two shares",
                             gr__tree_show(t, shown, sizeof shown));
    *b = (bounds){t->child[0]->number, t->child[1]->number, true};
    if (b->low >= 0 && b->high <= 1 && b->low < b->high) return GR_OK;
    return gr__tree_fail(f->ctx, t, GR_E_RANGE, "such as quantiles: [0.01, 0.99]",
                         "quantiles lie in [0,1], the lower one first");
}

static gr_status read_bounds(const gr__fitting *f, bounds *b)
{
    const gr_tree *t = gr__setting_tree(f->s, "quantiles");
    *b = (bounds){gr__setting_real(f->s, "low"), gr__setting_real(f->s, "high"), false};
    if (!gr__tree_none(t)) {
        if (!isnan(b->low) || !isnan(b->high))
            return gr__tree_fail(f->ctx, t, GR_E_CONFLICT, NULL, "quantiles stand beside low or high");
        return read_shares(f, t, b);
    }
    if (isnan(b->low) && isnan(b->high))
        return gr__tree_fail(f->ctx, f->s->tree, GR_E_MISSING, "such as {type: clip, quantiles: [0.01, 0.99]}",
                             "clip needs low, high or quantiles");
    if (b->low >= b->high) return gr__tree_fail(f->ctx, f->s->tree, GR_E_RANGE, NULL, "clip: low is not below high");
    return GR_OK;
}

static gr_status check(gr_context *ctx, const gr_settings *s)
{
    const gr_tree *t = gr__setting_tree(s, "quantiles");
    bounds b;
    return gr__tree_none(t) ? GR_OK : read_shares(&(gr__fitting){.ctx = ctx, .s = s}, t, &b);
}

static gr_status measure(const gr__fitting *f, const bounds *b, int n, const bool *mask, gr_prepared *out)
{
    gr_status st = gr__fitting_divides(f, n);
    gr__extent *e = st == GR_OK ? gr__alloc(f->ctx, (size_t)n * sizeof *e) : NULL;
    if (!e) return st == GR_OK ? GR_E_MEMORY : st;
    st = gr__fitting_extents(f, n, e);
    for (int i = 0; i < n && st == GR_OK; i++) {
        double *low = &out->state[LOW][i], *high = &out->state[HIGH][i];
        *low = *high = 0;
        if (e[i].n == 0 || (mask && !mask[i])) continue;
        st = gr__fitting_quantile(f, n, i, e[i].n, b->low, low);
        if (st == GR_OK) st = gr__fitting_quantile(f, n, i, e[i].n, b->high, high);
    }
    gr__free(f->ctx, e, (size_t)n * sizeof *e);
    return st;
}

static gr_status fit(const gr__fitting *f, gr_prepared *out)
{
    bounds b;
    const bool *mask;
    gr_status st = read_bounds(f, &b);
    if (st == GR_OK) st = gr__fitting_mask(f, false, &mask);
    if (st != GR_OK) return st;
    int n = b.shares ? (int)gr__fitting_channels(f) : gr__mask_groups(f, mask, 1);
    if (!gr__step_lists(f, out, mask ? FOR + 1 : HIGH + 1, n)) return gr__error_code(f->ctx);
    for (int i = 0; i < n; i++) {
        out->state[LOW][i] = b.shares ? 0.3 + 1e-3 * i : b.low;
        out->state[HIGH][i] = b.shares ? 1.5 + 1e-3 * i : b.high;
        if (mask) out->state[FOR][i] = mask[i];
    }
    if (isnan(b.low)) out->state[LOW] = NULL, out->n[LOW] = 0;
    if (isnan(b.high)) out->state[HIGH] = NULL, out->n[HIGH] = 0;
    return b.shares && f->train ? measure(f, &b, n, mask, out) : GR_OK;
}

/* Comparing, unlike a maximum, leaves what is missing as it is. */
static gr_val build(gr_graph *g, const gr_prepared *p, gr_val x)
{
    gr_val y = x;
    if (p->state[LOW]) {
        gr_val low = gr__step_spread(g, x, p, LOW);
        y = gr_select(g, gr_less(g, y, low), low, y);
    }
    if (p->state[HIGH]) {
        gr_val high = gr__step_spread(g, x, p, HIGH);
        y = gr_select(g, gr_less(g, high, y), high, y);
    }
    return gr__step_only(g, x, y, p, FOR);
}

static void values(const gr_prepared *p, const gr__before *in, int64_t first, double *x, int64_t count)
{
    const double *low = p->state[LOW], *high = p->state[HIGH], *only = p->state[FOR];
    int n = gr__step_n(p);
    gr__prepare_read(in, first, x, count);
    for (int64_t done = 0, k, run; done < count; done += run) {
        run = gr__step_run(n, first + done, count - done, &k);
        for (int64_t i = 0; i < run; i++) {
            int64_t j = n == 1 ? 0 : k + i;
            double *y = &x[done + i];
            if (only && only[j] == 0) continue;
            if (low && *y < low[j]) *y = low[j];
            if (high && high[j] < *y) *y = high[j];
        }
    }
}

static gr_status settle(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p)
{
    (void)b;
    if (p->state[LOW] || p->state[HIGH]) return GR_OK;
    return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation clips by nothing");
}

static const gr_row rows[] = {
    {.name = "low",
     .kind = GR_ROW_REAL,
     .value = "none",
     .range = "(-inf,inf)",
     .unit = "",
     .help = "what numbers below it become; none: they stay"},
    {.name = "high",
     .kind = GR_ROW_REAL,
     .value = "none",
     .range = "(-inf,inf)",
     .unit = "",
     .help = "what numbers above it become; none: they stay"},
    {.name = "quantiles",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "[LOW, HIGH] in [0,1]",
     .unit = "",
     .help = "instead: the bounds are these quantiles of the training rows, a pair for each channel (a column of a "
             "table)"},
    GR__COLUMNS_ROW,
};

GR_PREPARE(clip) = {
    .head = {.family = "prepare",
             .name = "clip",
             .title = "Bounds for outliers",
             .cite = "",
             .equations = "y = min(max(x, low), high)\n"
                          "quantiles are between two training values by their distance, as NumPy's",
             GR_ROWS(rows)},
    .state = {"low", "high", "for"},
    .check = check,
    .fit = fit,
    .build = build,
    .values = values,
    .undo = gr__same_undo,
    .settle = settle,
};
