/* Noise: a normal number is added to every number of a sample. */
#include "data/augment.h"

static gr_status make(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *scratch)
{
    (void)scratch;
    double *std = gr__bump_alloc(b, sizeof *std);
    if (!std) return gr__error_code(ctx);
    *std = gr__setting_real(m->settings, "std");
    *state = std;
    return GR_OK;
}

/* What lies beyond the steps that count stays as it is. */
static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    double std = *(const double *)state;
    int64_t n = gr_shape_count(s->shape);
    if (s->shape.rank && s->shape.dim[0]) n = n / s->shape.dim[0] * s->counts;
    if (std > 0)
        for (int64_t i = 0; i < n; i++) s->x[i] = (float)(s->x[i] + std * gr__rng_normal(r));
}

static const gr_row rows[] = {
    {.name = "std",
     .kind = GR_ROW_REAL,
     .range = "[0,inf)",
     .unit = "",
     .help = "standard deviation of what is added, in the unit of the sample's numbers"},
};

GR_AUGMENT(noise) = {
    .head = {.family = "augment",
             .name = "noise",
             .title = "Normal noise on every number",
             .cite = "Bishop 1995, Training with noise is equivalent to Tikhonov regularization",
             .equations = "x + std e, e ~ N(0, 1), another for every number and epoch",
             GR_ROWS(rows)},
    .make = make,
    .apply = apply,
};
