/* Impute: a value in the place of a missing one. Missing values are NaN in a set, and only where the source declares
 * what stands for them. */
#include <math.h>

#include "data/moments.h"

static gr_status means(gr_context *ctx, const gr_field *x, const gr_rows *train, const gr_prepared *before,
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
    for (int i = 0; i < p->n && st == GR_OK; i++) p->fill[i] = m[i].mean;
    gr__free(ctx, m, bytes);
    return st;
}

static gr_status fit(gr_context *ctx, gr__bump *b, const gr_settings *s, const gr_field *x, const gr_rows *train,
                     const gr_prepared *before, int n_before, gr_shape model_input, gr_prepared *out)
{
    double value = gr__setting_real(s, "value");
    int64_t n = isnan(value) && model_input.rank ? model_input.dim[model_input.rank - 1] : 1;
    *out = (gr_prepared){.n = (int)n, .fill = gr__bump_alloc(b, (size_t)n * sizeof(double))};
    if (!out->fill) return gr__error_code(ctx);
    for (int64_t i = 0; i < n; i++) out->fill[i] = isnan(value) ? 0.3 + 1e-3 * (double)i : value;
    return x && isnan(value) ? means(ctx, x, train, before, n_before, out) : GR_OK;
}

static const gr_row rows[] = {
    {.name = "value",
     .kind = GR_ROW_REAL,
     .value = "none",
     .range = "(-inf,inf)",
     .unit = "",
     .help = "what missing values become; the column's mean over the training rows unless given"},
};

GR_PREPARE(impute) = {
    .head = {.family = "prepare",
             .name = "impute",
             .title = "Fill missing values",
             .cite = "",
             .equations = "y = x where x is a number, else the mean or `value`",
             GR_ROWS(rows)},
    .fills = true,
    .fit = fit,
};
