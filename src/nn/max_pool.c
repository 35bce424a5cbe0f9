/* Max-pooling: the largest value of each window.                                                 [PyTorch MaxPool2d,
 * MaxPool1d] */
#include "nn/pool.h"

static const gr_row rows[] = {GR__POOL_ROWS};

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    int axes;
    gr_pool_attr attr;
    gr_val x = gr__picture(b, in[0], &axes);
    if (!x || !gr__pool_read(b, s, gr_shape_of(b->g, x), axes, &attr, NULL)) return GR_NONE;
    return gr__unpicture(b, gr_max_pool(b->g, x, attr, NULL), axes);
}

GR_LAYER(max_pool) = {
    .head =
        {
            .family = "layer",
            .name = "max_pool",
            .title = "Max-pooling: the largest value of each window",
            .cite = "Ranzato et al. 2007; PyTorch MaxPool2d, MaxPool1d",
            .equations = "y[i,j,c] = max_{u,v < size} x[i s + u - p, j s + v - p, c]\n"
                         "padding is never the largest; the gradient goes to the first largest",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
