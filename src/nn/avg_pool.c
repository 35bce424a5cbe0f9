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

/* What corrects the windows of an axis, along it. */
static gr_val factors(gr_build *b, const gr_pool_attr *a, int64_t windows, int64_t in, int64_t ceil_pad, int axis)
{
    double *factor = gr__bump_alloc(b->memory, sizeof(double) * (size_t)windows);
    if (!factor) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for the ends of the windows");
    for (int64_t i = 0; i < windows; i++) factor[i] = (double)a->size[axis] / (double)counted(a, in, ceil_pad, axis, i);
    return gr_const_tensor(b->g, axis ? GR_SHAPE(1, windows, 1) : GR_SHAPE(windows, 1, 1), factor);
}

/* With padding counted and ceil mode, PyTorch divides a window at the end by its places before the added ones alone:
 * factors of each axis correct the full division. */
static gr_val correct_end(gr_build *b, gr_val y, const gr_pool_attr *a, gr_shape picture, const int64_t *ceil_pads)
{
    gr_shape s = gr_shape_of(b->g, y);
    for (int axis = 0; axis < 2 && gr_graph_status(b->g) == GR_OK; axis++)
        if (ceil_pads[axis])
            y = gr_mul(b->g, y, factors(b, a, s.dim[axis + 1], picture.dim[axis + 1], ceil_pads[axis], axis));
    return y;
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
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
