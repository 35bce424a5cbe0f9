/* Global max-pooling: the largest number of each channel.                                        [PyTorch
 * AdaptiveMaxPool2d of size 1] */
#include <math.h>

#include "nn/pool.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    int axes;
    gr_val x = gr__build_counted(b, in[0], -INFINITY);
    b->lengths = GR_NONE;
    x = gr__picture(b, x, &axes);
    if (!x) return GR_NONE;
    gr_shape shape = gr_shape_of(b->g, x);
    return gr_reshape(b->g, gr_max_pool(b->g, x, (gr_pool_attr){.size = {1, 1}}, NULL),
                      GR_SHAPE(shape.dim[0], shape.dim[3]));
}

GR_LAYER(global_max_pool) = {
    .head =
        {
            .family = "layer",
            .name = "global_max_pool",
            .title = "Global max-pooling: the largest number of each channel",
            .cite = "PyTorch AdaptiveMaxPool2d of size 1",
            .equations = "y[c] = max_{i,j} x[i,j,c]\n"
                         "of a sequence with a length: over its steps; the gradient goes to the first largest",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .takes_lengths = true,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
