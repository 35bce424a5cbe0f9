/* Scale: every value times a constant; bytes become [0,1] with 1/255. */
#include "data/prepare/prepare.h"

static gr_status fit(const gr__fitting *f, gr_prepared *out)
{
    const bool *mask;
    gr_status st = gr__fitting_mask(f, false, &mask);
    if (st != GR_OK) return st;
    int n = gr__mask_groups(f, mask, 1);
    double *mul = gr__bump_alloc(f->b, (size_t)n * sizeof *mul);
    if (!mul) return gr__error_code(f->ctx);
    for (int i = 0; i < n; i++) mul[i] = !mask || mask[i] ? gr__setting_real(f->s, "by") : 1;
    out->state[GR__MUL] = mul;
    out->n[GR__MUL] = n;
    return GR_OK;
}

static const gr_row rows[] = {
    {.name = "by",
     .kind = GR_ROW_REAL,
     .value = "1/255",
     .range = "(-inf,inf)",
     .unit = "",
     .help = "what every value is multiplied by"},
    GR__COLUMNS_ROW,
};

GR_PREPARE(scale) = {
    .head = {.family = "prepare",
             .name = "scale",
             .title = "Scale by a constant",
             .cite = "",
             .equations = "y = x * by",
             GR_ROWS(rows)},
    .affine = true,
    .state = {"sub", "mul"},
    .fit = fit,
    .build = gr__affine_build,
    .values = gr__affine_values,
    .undo = gr__affine_undo,
};
