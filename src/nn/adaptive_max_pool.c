/* Adaptive max-pooling: as many windows as are asked for, whatever the size of the input.        [PyTorch
 * AdaptiveMaxPool2d, AdaptiveMaxPool1d] */
#include "nn/pool.h"

static const gr_row rows[] = {GR__ADAPTIVE_ROWS};

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    int axes;
    gr_pool_attr attr;
    gr_val x = gr__picture(b, in[0], &axes);
    if (!x || !gr__adaptive_read(b, s, axes, &attr)) return GR_NONE;
    return gr__unpicture(b, gr_max_pool(b->g, x, attr, NULL), axes);
}

GR_LAYER(adaptive_max_pool) = {
    .head =
        {
            .family = "layer",
            .name = "adaptive_max_pool",
            .title = "Adaptive max-pooling: so many maxima, whatever the size of the input",
            .cite = "PyTorch AdaptiveMaxPool2d, AdaptiveMaxPool1d",
            .equations =
                "y[i,j,c] = max of x[u,v,c], floor(i H / h) <= u < ceil((i + 1) H / h), and v likewise of W, w\n"
                "h, w: size; H, W: of the input, which may be smaller; the gradient goes to the first largest",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
