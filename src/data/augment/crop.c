/* Crop: the picture with a border around it, cut to its size again at a random place. */
#include <string.h>

#include "data/augment/picture.h"

typedef struct crop {
    gr__picture picture;
    int64_t pad;
    bool reflect;
} crop;

static gr_status make(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *scratch)
{
    crop *c = gr__bump_alloc(b, sizeof *c);
    if (!c) return gr__error_code(ctx);
    *state = c;
    c->pad = gr__setting_int(m->settings, "pad");
    c->reflect = gr__setting_is(m->settings, "fill", "reflect");
    gr_status st = gr__picture_of(ctx, m->shape, "crop", &c->picture);
    if (st != GR_OK) return st;
    *scratch = gr__picture_bytes(&c->picture);
    int64_t least = GR_MIN(c->picture.height, c->picture.width);
    if (c->pad < least) return GR_OK;
    return gr__tree_fail(ctx, gr__setting_tree(m->settings, "pad"), GR_E_RANGE, NULL,
                         "a border of %lld pixels does not go with pictures of %lld x %lld", (long long)c->pad,
                         (long long)c->picture.height, (long long)c->picture.width);
}

/* The pixel of 0..n-1 that stands at place i, which may lie in the border; -1: none. */
static int64_t source(int64_t i, int64_t n, bool reflect)
{
    if (i >= 0 && i < n) return i;
    if (!reflect) return -1;
    return i < 0 ? -i : 2 * (n - 1) - i;
}

static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const crop *c = state;
    int64_t h = c->picture.height, w = c->picture.width, n = c->picture.channels;
    int64_t dy = (int64_t)gr__rng_below(r, (uint64_t)(2 * c->pad + 1)) - c->pad,
            dx = (int64_t)gr__rng_below(r, (uint64_t)(2 * c->pad + 1)) - c->pad;
    const float *from = s->scratch;
    float *to = s->x;
    if (dy == 0 && dx == 0) return;
    memcpy(s->scratch, s->x, gr__picture_bytes(&c->picture));
    for (int64_t y = 0; y < h; y++) {
        int64_t row = source(y + dy, h, c->reflect);
        for (int64_t x = 0; x < w; x++, to += n) {
            int64_t column = source(x + dx, w, c->reflect);
            const float *pixel = row < 0 || column < 0 ? NULL : from + (row * w + column) * n;
            for (int64_t k = 0; k < n; k++) to[k] = pixel ? pixel[k] : 0;
        }
    }
}

static const gr_row rows[] = {
    {.name = "pad",
     .kind = GR_ROW_INT,
     .value = "4",
     .range = "[0,1000000]",
     .unit = "pixels",
     .help = "how wide the border is, so how far the picture moves at most"},
    {.name = "fill",
     .kind = GR_ROW_CHOICE,
     .value = "reflect",
     .range = "reflect|zero",
     .unit = "",
     .help = "what the border holds: the picture's mirror image, or zeros"},
};

GR_AUGMENT(crop) = {
    .head = {.family = "augment",
             .name = "crop",
             .title = "Picture moved by some pixels",
             .cite = "He et al. 2016, 4.2",
             .equations = "dy, dx uniform on -pad to pad: y[i, j] = x[i + dy, j + dx] of the picture with its border",
             GR_ROWS(rows)},
    .make = make,
    .apply = apply};
