/* Flip: the picture's mirror image. */
#include "data/augment/picture.h"

typedef struct flip {
    gr__picture picture;
    bool vertical;
    double p;
} flip;

static gr_status make(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *scratch)
{
    flip *f = gr__bump_alloc(b, sizeof *f);
    (void)scratch;
    if (!f) return gr__error_code(ctx);
    *state = f;
    f->vertical = gr__setting_is(m->settings, "axis", "vertical");
    f->p = gr__setting_real(m->settings, "p");
    return gr__picture_of(ctx, m->shape, "flip", &f->picture);
}

static inline void swap(float *a, float *b, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        float x = a[k];
        a[k] = b[k];
        b[k] = x;
    }
}

static inline void mirror(float *row, int64_t width, int64_t channels)
{
    for (int64_t x = 0; x < width / 2; x++) swap(row + x * channels, row + (width - 1 - x) * channels, channels);
}

static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const flip *f = state;
    int64_t h = f->picture.height, w = f->picture.width, c = f->picture.channels;
    if (gr__rng_uniform(r) >= f->p) return;
    for (int64_t y = 0; y < h / 2 && f->vertical; y++) swap(s->x + y * w * c, s->x + (h - 1 - y) * w * c, w * c);
    for (int64_t y = 0; y < h && !f->vertical; y++) {
        if (c == 3)
            mirror(s->x + y * w * c, w, 3);
        else
            mirror(s->x + y * w * c, w, c);
    }
}

static const gr_row rows[] = {
    {.name = "axis",
     .kind = GR_ROW_CHOICE,
     .value = "horizontal",
     .range = "horizontal|vertical",
     .unit = "",
     .help = "horizontal swaps left and right, vertical top and bottom"},
    {.name = "p", .kind = GR_ROW_REAL, .value = "0.5", .range = "[0,1]", .unit = "1", .help = "how likely it is"},
};

GR_AUGMENT(flip) = {.head = {.family = "augment",
                             .name = "flip",
                             .title = "Mirror image of a picture",
                             .cite = "",
                             .equations = "with probability p: y[i, j] = x[i, W - 1 - j], or x[H - 1 - i, j]",
                             GR_ROWS(rows)},
                    .make = make,
                    .apply = apply};
