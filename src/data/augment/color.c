/* Color: brightness, contrast and saturation, each by a factor of its own. */
#include "data/augment/picture.h"

typedef struct color {
    gr__picture picture;
    double brightness, contrast, saturation;
    bool bytes; /* 0 to 255, and no other numbers */
} color;

static gr_status make(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *scratch)
{
    color *c = gr__bump_alloc(b, sizeof *c);
    (void)scratch;
    if (!c) return gr__error_code(ctx);
    *state = c;
    c->brightness = gr__setting_real(m->settings, "brightness");
    c->contrast = gr__setting_real(m->settings, "contrast");
    c->saturation = gr__setting_real(m->settings, "saturation");
    c->bytes = m->x->element == GR_EL_U8;
    gr_status st = gr__picture_of(ctx, m->shape, "color", &c->picture);
    if (st != GR_OK || c->picture.channels == 3 || c->saturation == 0) return st;
    return gr__tree_fail(ctx, gr__setting_tree(m->settings, "saturation"), GR_E_SHAPE, NULL,
                         "pictures of %lld channel%s have no saturation", (long long)c->picture.channels,
                         c->picture.channels == 1 ? "" : "s");
}

/* ITU-R BT.601. */
static float grey(const float *p)
{
    return 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
}

static float bounded(const color *c, float x)
{
    return c->bytes ? GR_MIN(GR_MAX(x, 0), 255) : x;
}

static float factor(double strength, gr__rng *r)
{
    double low = GR_MAX(1 - strength, 0);
    return (float)(low + (1 + strength - low) * gr__rng_uniform(r));
}

static float mean_grey(const color *c, const float *x, int64_t pixels)
{
    int64_t n = c->picture.channels;
    double sum = 0;
    for (int64_t i = 0; i < pixels; i++) {
        if (n == 3) {
            sum += (double)grey(x + i * 3);
            continue;
        }
        for (int64_t k = 0; k < n; k++) sum += (double)x[i * n + k] / (double)n;
    }
    return (float)(sum / (double)pixels);
}

static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const color *c = state;
    int64_t pixels = c->picture.height * c->picture.width, n = pixels * c->picture.channels;
    float brightness = factor(c->brightness, r), contrast = factor(c->contrast, r), full = factor(c->saturation, r);
    for (int64_t i = 0; i < n && brightness != 1; i++) s->x[i] = bounded(c, s->x[i] * brightness);
    float mean = contrast != 1 ? mean_grey(c, s->x, pixels) : 0;
    for (int64_t i = 0; i < n && contrast != 1; i++) s->x[i] = bounded(c, mean + (s->x[i] - mean) * contrast);
    for (int64_t i = 0; i < pixels && full != 1; i++) {
        float *p = s->x + i * 3, middle = grey(p);
        for (int k = 0; k < 3; k++) p[k] = bounded(c, middle + (p[k] - middle) * full);
    }
}

static const gr_row rows[] = {
    {.name = "brightness",
     .kind = GR_ROW_REAL,
     .value = "0.2",
     .range = "[0,10]",
     .unit = "1",
     .help = "factor up to so far from 1, never below 0"},
    {.name = "contrast",
     .kind = GR_ROW_REAL,
     .value = "0.2",
     .range = "[0,10]",
     .unit = "1",
     .help = "likewise, about the mean of the picture's grey"},
    {.name = "saturation",
     .kind = GR_ROW_REAL,
     .value = "0",
     .range = "[0,10]",
     .unit = "1",
     .help = "likewise, about each pixel's grey; of pictures with three channels"},
};

GR_AUGMENT(color) = {
    .head = {.family = "augment",
             .name = "color",
             .title = "Brightness, contrast and saturation",
             .cite = "torchvision ColorJitter, in this order",
             .equations = "factor f uniform on max(0, 1 - a) to 1 + a: x f, then mean + (x - mean) f, then grey + (x - "
                          "grey) f;\ngrey = 0.299 R + 0.587 G + 0.114 B. Bytes stay within 0 to 255",
             GR_ROWS(rows)},
    .make = make,
    .apply = apply};
