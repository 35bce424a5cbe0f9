/* Pictures turned and stretched. */
#include "data/augment/picture.h"

#include <math.h>
#include <string.h>

#include "graph/shape.h"

gr_status gr__picture_of(gr_context *ctx, gr_shape shape, const char *what, gr__picture *out)
{
    bool flat = shape.rank == 2, picture = shape.rank == 3;
    if (!flat && !picture) {
        char text[160];
        return gr__fail(ctx, GR_E_SHAPE, "%s is for pictures, [height, width, channels], but samples are %s", what,
                        gr__shape_text(shape, text));
    }
    *out = (gr__picture){shape.dim[0], shape.dim[1], flat ? 1 : shape.dim[2]};
    return GR_OK;
}

gr_status gr__between_of(gr_context *ctx, const gr_settings *s, const char *row, double centre, gr__between *out)
{
    const gr_tree *t = gr__setting_tree(s, row);
    char shown[200];
    bool list =
        t && t->kind == GR_TREE_LIST && t->n == 2 && gr__tree_is_number(t->child[0]) && gr__tree_is_number(t->child[1]);
    if (list) {
        *out = (gr__between){t->child[0]->number, t->child[1]->number};
        if (out->low <= out->high && isfinite(out->low) && isfinite(out->high)) return GR_OK;
        return gr__tree_fail(ctx, t, GR_E_RANGE, "such as [-10, 20]", "%s does not rise from the first to the second",
                             gr__tree_show(t, shown, sizeof shown));
    }
    if (!t || !gr__tree_is_number(t))
        return gr__tree_fail(ctx, t, GR_E_TYPE, "such as 10, or [-5, 15]", "%s is neither a number nor [low, high]",
                             gr__tree_show(t, shown, sizeof shown));
    if (!(t->number >= 0) || !isfinite(t->number))
        return gr__tree_fail(ctx, t, GR_E_RANGE, "such as 10, or [-5, 15]", "%s is not from 0 on", t->text);
    *out = (gr__between){centre - t->number, centre + t->number};
    return GR_OK;
}

double gr__between_draw(const gr__between *b, gr__rng *r)
{
    return b->low + (b->high - b->low) * gr__rng_uniform(r);
}

size_t gr__picture_bytes(const gr__picture *p)
{
    return (size_t)(p->height * p->width * p->channels) * sizeof(float);
}

/* Where between which two of n pixels a place lies. */
static int64_t between(double at, int64_t n, int64_t *next, float *share)
{
    double low = floor(GR_MIN(GR_MAX(at, 0), (double)(n - 1)));
    int64_t i = (int64_t)low;
    *next = GR_MIN(i + 1, n - 1);
    *share = (float)(GR_MIN(GR_MAX(at, 0), (double)(n - 1)) - low);
    return i;
}

void gr__picture_turn(const gr__picture *p, const gr__turn *t, float *x, float *copy)
{
    double cy = (double)(p->height - 1) / 2, cx = (double)(p->width - 1) / 2;
    int64_t c = p->channels, row = p->width * c;
    memcpy(copy, x, gr__picture_bytes(p));
    for (int64_t i = 0; i < p->height; i++) {
        for (int64_t j = 0; j < p->width; j++, x += c) {
            double dy = (double)i - cy, dx = (double)j - cx;
            int64_t y1, x1;
            float v, u;
            int64_t y0 = between(cy + t->yy * dy + t->yx * dx, p->height, &y1, &v),
                    x0 = between(cx + t->xy * dy + t->xx * dx, p->width, &x1, &u);
            const float *a = copy + y0 * row + x0 * c, *b = copy + y0 * row + x1 * c, *d = copy + y1 * row + x0 * c,
                        *e = copy + y1 * row + x1 * c;
            for (int64_t k = 0; k < c; k++) {
                float top = a[k] + (b[k] - a[k]) * u, bottom = d[k] + (e[k] - d[k]) * u;
                x[k] = top + (bottom - top) * v;
            }
        }
    }
}
