/* Raw input against what training saw: numbers that were prepared already come out of the preparation far from mean 0,
 * or with no spread.   [mission D18] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/moments.h"
#include "data/sample.h"
#include "study/check/check.h"

enum { ENOUGH = 20 };                  /* values, to say anything */
static const double FAR = 10;          /* standard deviations of the training from its mean */
static const double NARROW = 1.0 / 20; /* of the training's standard deviation */

/* Mean and spread, in the training's, of group `first` of `groups`: the values first, first + groups, ... of every
 * sample. */
static gr__moments moments_of(gr__samples *from, const gr_prepared *prepared, int n, int64_t samples, int64_t first,
                              int64_t groups)
{
    const gr_field *x = from->x;
    const void *sample;
    gr_shape given = gr__prepare_takes(prepared, n, x->sample);
    for (int k = 0; k < n; k++)
        if (prepared[k].step->reshapes) given = prepared[k].gives;
    int64_t width = gr_shape_count(given);
    gr__moments m = {0};
    for (int64_t i = 0; i < samples && (sample = gr__samples_at(from->ctx, from, i)); i++)
        for (int64_t e = first; e < width; e += groups) {
            gr__before in = gr__before_of(prepared, n, x->element, sample);
            gr__moments one = {1, 0, 0};
            gr__prepare_read(&in, e, &one.mean, 1);
            if (isfinite(one.mean)) gr__moments_merge(&m, &one);
        }
    return m;
}

static bool is_unusual(gr__samples *from, const gr_prepared *prepared, int n_prepared, int64_t n, char *text,
                       size_t size)
{
    int k = n_prepared - 1, groups = 0;
    while (k >= 0 && !gr__prepared_list(&prepared[k], "mean", NULL)) k--;
    const double *std = k >= 0 ? gr__prepared_list(&prepared[k], "std", &groups) : NULL;
    for (int64_t g = 0; g < groups; g++) {
        bool constant = !(std[g] > 0); /* training had one value there: no scale to compare with */
        gr__moments m = moments_of(from, prepared, k + 1, n, g, groups);
        double spread = m.n > 0 ? sqrt(m.m2 / m.n) : 0;
        if (constant || m.n < ENOUGH || (fabs(m.mean) <= FAR && spread >= NARROW)) continue;
        snprintf(text, size,
                 "its numbers are not like the training's: their mean lies %.3g standard deviations from the "
                 "training's, their spread is %.3g of it; give raw input, "
                 "as the training's source had it: the model prepares it itself",
                 m.mean, spread);
        return true;
    }
    return false;
}

bool gr__raw_is_unusual(gr_context *ctx, const gr_prepared *prepared, int n_prepared, const gr_field *x, int64_t n,
                        char *text, size_t size)
{
    gr__samples from;
    bool unusual = gr__samples_open(ctx, x, &from) == GR_OK && is_unusual(&from, prepared, n_prepared, n, text, size);
    gr__samples_close(&from);
    return unusual;
}
