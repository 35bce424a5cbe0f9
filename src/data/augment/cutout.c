/* Cutout: a square of the picture made uniform. */
#include "data/augment/picture.h"

#include <math.h>

typedef struct cutout {
    gr__picture picture;
    int64_t size;
    double fill; /* NaN: the mean of each channel */
} cutout;

static gr_status make(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *scratch)
{
    cutout *c = gr__bump_alloc(b, sizeof *c);
    if (!c) return gr__error_code(ctx);
    *state = c;
    c->size = gr__setting_int(m->settings, "size");
    c->fill = gr__setting_real(m->settings, "fill");
    gr_status st = gr__picture_of(ctx, m->shape, "cutout", &c->picture);
    if (st == GR_OK) *scratch = (size_t)c->picture.channels * sizeof(double);
    return st;
}

static void fill_of(const cutout *c, const float *x, double *fill)
{
    int64_t n = c->picture.channels, pixels = c->picture.height * c->picture.width;
    for (int64_t k = 0; k < n; k++) fill[k] = isnan(c->fill) ? 0 : c->fill;
    for (int64_t i = 0; i < pixels && isnan(c->fill); i++)
        for (int64_t k = 0; k < n; k++) fill[k] += (double)x[i * n + k] / (double)pixels;
}

static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const cutout *c = state;
    const gr__picture *p = &c->picture;
    double *fill = s->scratch;
    int64_t y = (int64_t)gr__rng_below(r, (uint64_t)p->height) - c->size / 2,
            x = (int64_t)gr__rng_below(r, (uint64_t)p->width) - c->size / 2;
    if (c->size == 0) return;
    fill_of(c, s->x, fill);
    for (int64_t i = GR_MAX(y, 0); i < GR_MIN(y + c->size, p->height); i++)
        for (int64_t j = GR_MAX(x, 0); j < GR_MIN(x + c->size, p->width); j++)
            for (int64_t k = 0; k < p->channels; k++) s->x[(i * p->width + j) * p->channels + k] = (float)fill[k];
}

static const gr_row rows[] = {
    {.name = "size",
     .kind = GR_ROW_INT,
     .range = "[0,1000000]",
     .unit = "pixels",
     .help = "side of the square, whose centre may lie anywhere in the picture"},
    {.name = "fill",
     .kind = GR_ROW_REAL,
     .value = "none",
     .range = "(-inf,inf)",
     .unit = "",
     .help = "what stands in it; the mean of the picture's channel unless given"},
};

GR_AUGMENT(cutout) = {
    .head = {.family = "augment",
             .name = "cutout",
             .title = "A square of a picture left out",
             .cite = "DeVries & Taylor 2017",
             .equations = "the centre is uniform over all pixels, so the square may reach beyond the border",
             GR_ROWS(rows)},
    .make = make,
    .apply = apply};
