/* What a batch is mixed by: drawn for each micro-batch of each update. */
#include <math.h>

#include "data/augment.h"

/* Gamma of shape a, scale 1 (Marsaglia & Tsang 2000; below 1 by a power of a uniform number). */
static double draw_gamma(gr__rng *r, double a)
{
    double boost = a < 1 ? pow(1 - gr__rng_uniform(r), 1 / a) : 1, d = (a < 1 ? a + 1 : a) - 1.0 / 3,
           c = 1 / sqrt(9 * d);
    for (;;) {
        double x = gr__rng_normal(r), v = 1 + c * x, u = 1 - gr__rng_uniform(r);
        v = v * v * v;
        if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v)) return boost * d * v;
    }
}

/* Beta(a, a). Where both gammas of a very small shape are 0, one of the ends. */
static double draw_share(gr__rng *r, double a)
{
    double x = draw_gamma(r, a), y = draw_gamma(r, a);
    return x + y > 0 ? x / (x + y) : gr__rng_below(r, 2) ? 1 : 0;
}

static void draw_patch(gr__rng *r, int64_t height, int64_t width, gr_mixture_draw *out)
{
    double part = sqrt(1 - out->share);
    int64_t h = (int64_t)(part * (double)height), w = (int64_t)(part * (double)width);
    int64_t y = (int64_t)gr__rng_below(r, (uint64_t)height) - h / 2,
            x = (int64_t)gr__rng_below(r, (uint64_t)width) - w / 2;
    int64_t top = GR_MAX(y, 0), left = GR_MAX(x, 0), bottom = GR_MIN(y + h, height), right = GR_MIN(x + w, width);
    out->top = (double)top;
    out->left = (double)left;
    out->bottom = (double)bottom;
    out->right = (double)right;
    out->share = 1 - (double)((bottom - top) * (right - left)) / (double)(height * width);
}

void gr__mixture_draw(const gr_mixture *m, uint64_t seed, int64_t update, int64_t position, int64_t n,
                      gr_mixture_draw *out, int32_t *partner)
{
    gr__rng r = gr__rng_make(seed, "mixture", (uint32_t)update, (uint32_t)position);
    *out = (gr_mixture_draw){.share = draw_share(&r, m->alpha)};
    if (m->kind == GR_MIX_PATCH) draw_patch(&r, m->height, m->width, out);
    gr__rng_permutation(&r, (uint32_t *)partner, (size_t)n);
}
