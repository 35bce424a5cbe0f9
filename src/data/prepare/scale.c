/* Scale: every value times a constant; bytes become [0,1] with 1/255. */
#include <string.h>

#include "data/data.h"

static gr_status fit(gr_context *ctx, gr__bump *b, const gr_settings *s, const gr_field *x, const gr_rows *train,
                     const gr_prepared *before, int n_before, gr_shape model_input, gr_prepared *out)
{
    (void)x, (void)train, (void)before, (void)n_before, (void)model_input;
    *out = (gr_prepared){.n = 1, .mul = gr__bump_alloc(b, sizeof(double))};
    if (!out->mul) return gr__error_code(ctx);
    out->mul[0] = gr__setting_real(s, "by");
    return GR_OK;
}

static const gr_row rows[] = {
    {.name = "by",
     .kind = GR_ROW_REAL,
     .value = "1/255",
     .range = "(-inf,inf)",
     .unit = "",
     .help = "what every value is multiplied by"},
};

GR_PREPARE(scale) = {
    .head = {.family = "prepare",
             .name = "scale",
             .title = "Scale by a constant",
             .cite = "",
             .equations = "y = x * by",
             GR_ROWS(rows)},
    .fit = fit,
};
