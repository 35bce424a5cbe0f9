/* Standardize: mean 0 and deviation 1 over the training rows, with the same numbers ever after.
 * Subtracting first keeps the digits that x / std - mean / std cancels away where the mean is large. */
#include <math.h>

#include "data/moments.h"

/* How many groups of elements have a mean of their own; element e belongs to group e % groups. */
static int64_t groups_of(const gr_settings *s, gr_shape input)
{
    if (gr__setting_is(s, "per", "all")) return 1;
    if (gr__setting_is(s, "per", "element")) return gr_shape_count(input);
    return input.rank ? input.dim[input.rank - 1] : 1;
}

static gr_status measure(gr_context *ctx, const gr_field *x, const gr_rows *train, const gr_prepared *before,
                         int n_before, gr_prepared *p)
{
    int64_t width = gr_shape_count(x->sample);
    if (width % p->n)
        return gr__fail(ctx, GR_E_DATA, "samples of %lld values do not divide into %d channels of model.input",
                        (long long)width, p->n);
    size_t bytes = (size_t)width * sizeof(gr__moments);
    gr__moments *m = gr__alloc(ctx, bytes);
    if (!m) return GR_E_MEMORY;
    gr_status st = gr__moments_take(ctx, x, train, before, n_before, m, width);
    for (int64_t e = p->n; e < width && st == GR_OK; e++) gr__moments_merge(&m[e % p->n], &m[e]);
    for (int i = 0; i < p->n && st == GR_OK; i++) {
        p->mean[i] = m[i].mean;
        p->std[i] = m[i].n > 0 ? sqrt(m[i].m2 / m[i].n) : 0;
    }
    gr__free(ctx, m, bytes);
    return st;
}

static gr_status fit(gr_context *ctx, gr__bump *b, const gr_settings *s, const gr_field *x, const gr_rows *train,
                     const gr_prepared *before, int n_before, gr_shape model_input, gr_prepared *out)
{
    int64_t n = groups_of(s, model_input);
    if (n > INT32_MAX) return gr__fail(ctx, GR_E_RANGE, "a sample has too many values to standardize each");
    *out = (gr_prepared){.n = (int)n};
    double *all = gr__bump_alloc(b, (size_t)n * 4 * sizeof *all);
    if (!all) return gr__error_code(ctx);
    out->mean = all;
    out->std = all + n;
    out->sub = all + 2 * n;
    out->mul = all + 3 * n;
    for (int64_t i = 0; i < n; i++) { /* placeholders: nothing that simplifies away, no two alike */
        out->mean[i] = 0.3 + 1e-3 * (double)i;
        out->std[i] = 0.2 + 1e-3 * (double)i;
    }
    gr_status st = x ? measure(ctx, x, train, before, n_before, out) : GR_OK;
    for (int64_t i = 0; i < n && st == GR_OK; i++) {
        out->sub[i] = out->mean[i];
        out->mul[i] = isfinite((float)(1 / out->std[i])) ? 1 / out->std[i] : 1; /* a constant becomes 0 */
    }
    return st;
}

static const gr_row rows[] = {
    {.name = "per",
     .kind = GR_ROW_CHOICE,
     .value = "channel",
     .range = "channel|element|all",
     .unit = "",
     .help = "what has a mean of its own: each channel (last axis; a column of a table), each value of a sample, or "
             "nothing"},
};

GR_PREPARE(standardize) = {
    .head = {.family = "prepare",
             .name = "standardize",
             .title = "Mean 0 and standard deviation 1",
             .cite = "",
             .equations = "y = (x - mean) / std, population statistics of the training rows\na constant becomes 0",
             GR_ROWS(rows)},
    .fit = fit,
};
