/* Global average-pooling: one mean a channel.                                                    [Lin, Chen & Yan 2014,
 * section 3.2] */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    static const int axes[] = {1, 2};
    gr_shape shape = gr_shape_of(b->g, in[0]);
    if (shape.rank != 3 && shape.rank != 4)
        return gr_graph_fail(b->g, GR_E_SHAPE, "takes [height, width, channels] or [length, features]");
    double places = (double)shape.dim[1] * (shape.rank == 4 ? (double)shape.dim[2] : 1);
    if (places == 0) return gr_graph_fail(b->g, GR_E_SHAPE, "has no places to average over");
    return gr_mul(b->g, gr_sum(b->g, in[0], axes, shape.rank - 2, false), gr_const(b->g, 1 / places));
}

GR_LAYER(global_avg_pool) = {
    .head =
        {
            .family = "layer",
            .name = "global_avg_pool",
            .title = "Global average-pooling: one mean a channel",
            .cite = "Lin, Chen & Yan 2014, section 3.2",
            .equations = "y[c] = mean_{i,j} x[i,j,c]",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .build = build,
};
