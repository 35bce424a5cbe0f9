/* Average-pooling: the mean of each window.                                                      [PyTorch AvgPool2d,
 * AvgPool1d] */
#include "nn/pool.h"

static const gr_row rows[] = {
    GR__POOL_ROWS,
    GR_ROW("count_padding", BOOL, "false", "", "",
           "the mean divides by places of the padding too; never by what ceil adds behind it"),
};

/* Of window i of an axis: how many of its places stand before what ceil mode added. */
static int64_t counted(const gr_pool_attr *a, int64_t in, int64_t ceil_pad, int axis, int64_t i)
{
    int64_t start = i * a->stride[axis], end = a->pad_before[axis] + in + a->pad_after[axis] - ceil_pad;
    return GR_MIN(a->size[axis], end - start);
}

/* With padding counted and ceil mode, PyTorch divides a window at the end by its places before the added ones alone: a
 * factor [OH,OW,1] corrects the full division. */
static gr_val correct_end(gr_build *b, gr_val y, const gr_pool_attr *a, gr_shape picture, const int64_t *ceil_pads)
{
    gr_shape s = gr_shape_of(b->g, y);
    int64_t h = s.dim[1], w = s.dim[2];
    double *factor =
        gr_graph_status(b->g) == GR_OK ? gr__bump_alloc(b->memory, sizeof(double) * (size_t)(h * w)) : NULL;
    if (!factor) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for the ends of the windows");
    for (int64_t i = 0; i < h; i++)
        for (int64_t j = 0; j < w; j++)
            factor[i * w + j] =
                (double)(a->size[0] * a->size[1]) / (double)(counted(a, picture.dim[1], ceil_pads[0], 0, i) *
                                                             counted(a, picture.dim[2], ceil_pads[1], 1, j));
    return gr_mul(b->g, y, gr_const_tensor(b->g, GR_SHAPE(h, w, 1), factor));
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    int axes;
    int64_t ceil_pads[2];
    gr_pool_attr attr;
    gr_val x = gr__picture(b, in[0], &axes);
    gr_shape shape = gr_shape_of(b->g, x);
    if (!x || !gr__pool_read(b, s, shape, axes, &attr, ceil_pads)) return GR_NONE;
    attr.count_padding = gr__setting_bool(s, "count_padding");
    gr_val y = gr_avg_pool(b->g, x, attr);
    if (attr.count_padding && (ceil_pads[0] || ceil_pads[1])) y = correct_end(b, y, &attr, shape, ceil_pads);
    return gr__unpicture(b, y, axes);
}

GR_LAYER(avg_pool) = {
    .head =
        {
            .family = "layer",
            .name = "avg_pool",
            .title = "Average-pooling: the mean of each window",
            .cite = "LeCun et al. 1998; PyTorch AvgPool2d, AvgPool1d",
            .equations = "y[i,j,c] = mean_{u,v < size} x[i s + u - p, j s + v - p, c]\n"
                         "over the places inside the input; count_padding: over those of the padding too, as zeros",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .build = build,
};
