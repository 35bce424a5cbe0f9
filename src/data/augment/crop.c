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
    *scratch = (size_t)((c->pad + 1) * c->picture.width * c->picture.channels) * sizeof(float);
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

/* Pixels from `first` on, before `end`, of a row moved by dx. */
static void fill_border(const crop *c, const float *from, int64_t dx, int64_t first, int64_t end, float *to)
{
    int64_t n = c->picture.channels;
    for (int64_t x = first; x < end; x++) {
        int64_t column = source(x + dx, c->picture.width, c->reflect);
        for (int64_t k = 0; k < n; k++) to[x * n + k] = column < 0 ? 0 : from[column * n + k];
    }
}

/* from: apart from `to`; NULL: zeros. */
static void move_row(const crop *c, const float *from, int64_t dx, float *to)
{
    int64_t w = c->picture.width, n = c->picture.channels;
    int64_t left = GR_MAX(-dx, 0), right = w - GR_MAX(dx, 0);
    if (!from) {
        memset(to, 0, (size_t)(w * n) * sizeof *to);
        return;
    }
    memcpy(to + left * n, from + (left + dx) * n, (size_t)((right - left) * n) * sizeof *to);
    fill_border(c, from, dx, 0, left, to);
    fill_border(c, from, dx, right, w, to);
}

/* Rows move within the picture, from the side on that they move to, so each is read before another takes its place; but
 * those of which the border is the mirror image are put aside. */
static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const crop *c = state;
    int64_t h = c->picture.height, row = c->picture.width * c->picture.channels;
    int64_t dy = (int64_t)gr__rng_below(r, (uint64_t)(2 * c->pad + 1)) - c->pad,
            dx = (int64_t)gr__rng_below(r, (uint64_t)(2 * c->pad + 1)) - c->pad;
    int64_t n_kept = GR_MAX(dy, -dy), first_kept = dy > 0 ? h - 1 - dy : 1;
    float *line = s->scratch, *kept = line + row;
    if (dy == 0 && dx == 0) return;
    if (c->reflect) memcpy(kept, s->x + first_kept * row, (size_t)(n_kept * row) * sizeof *kept);
    for (int64_t i = 0; i < h; i++) {
        int64_t y = dy > 0 ? i : h - 1 - i, is = source(y + dy, h, c->reflect);
        bool inside = y + dy >= 0 && y + dy < h;
        const float *from = inside ? s->x + is * row : c->reflect ? kept + (is - first_kept) * row : NULL;
        if (dy == 0) from = memcpy(line, from, (size_t)row * sizeof *line);
        move_row(c, from, dx, s->x + y * row);
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
