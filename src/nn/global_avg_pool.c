/* Global average-pooling: one mean a channel.                                                    [Lin, Chen & Yan 2014,
 * section 3.2] */
#include "nn/pool.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    static const int axes[] = {1, 2};
    gr_shape shape = gr_shape_of(b->g, in[0]);
    if (shape.rank != 3 && shape.rank != 4)
        return gr_graph_fail(b->g, GR_E_SHAPE, "takes [height, width, channels] or [length, features]");
    double places = (double)shape.dim[1] * (shape.rank == 4 ? (double)shape.dim[2] : 1);
    if (places == 0) return gr_graph_fail(b->g, GR_E_SHAPE, "has no places to average over");
    gr_val lengths = b->lengths, sum = gr_sum(b->g, gr__build_counted(b, in[0], 0), axes, shape.rank - 2, false);
    b->lengths = GR_NONE;
    if (!lengths) return gr_mul(b->g, sum, gr_const(b->g, 1 / places));
    gr_val counts = gr_real(b->g, gr_reshape(b->g, lengths, GR_SHAPE(shape.dim[0], 1)));
    return gr_div(b->g, sum, gr_mul(b->g, counts, gr_const(b->g, places / (double)shape.dim[1])));
}

GR_LAYER(global_avg_pool) = {
    .head =
        {
            .family = "layer",
            .name = "global_avg_pool",
            .title = "Global average-pooling: one mean a channel",
            .cite = "Lin, Chen & Yan 2014, section 3.2",
            .equations = "y[c] = mean_{i,j} x[i,j,c]\n"
                         "of a sequence with a length: over its steps",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .takes_lengths = true,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
