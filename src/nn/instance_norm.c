/* Instance normalisation: every channel of every sample gets mean 0 and variance 1 over its places. The same in
 * training and evaluation.                                                          [Ulyanov, Vedaldi & Lempitsky 2016]
 */
#include "nn/norm.h"

static const gr_row rows[] = {
    GR_ROW("affine", BOOL, "false", "", "", "scale and shift are trained"),
    GR_ROW("eps", REAL, "1e-5", "(0,inf)", "1", "is added to the variance"),
};

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, in[0]);
    if (shape.rank < 3)
        return gr_graph_fail(g, GR_E_SHAPE,
                             "takes [height, width, channels] or [length, features]: a channel has one value here");
    int64_t channels = shape.dim[shape.rank - 1], places = 1;
    for (int i = 1; i + 1 < shape.rank; i++) places *= shape.dim[i];
    if (places == 1) return gr_graph_fail(g, GR_E_SHAPE, "a channel of a sample has one value, which has no variance");
    bool affine = gr__setting_bool(s, "affine");
    gr_val x = gr_reshape(g, in[0], GR_SHAPE(shape.dim[0], places, channels));
    gr_val weight = gr__norm_weight(b, GR_SHAPE(channels), affine);
    gr_val y = gr__sample_norm(g, x, weight, (int[]){1}, 1, true, gr__setting_real(s, "eps"));
    return gr__norm_shift(b, gr_reshape(g, y, shape), GR_SHAPE(channels), affine);
}

GR_LAYER(instance_norm) = {
    .head =
        {
            .family = "layer",
            .name = "instance_norm",
            .title = "Instance normalisation: every channel of a sample with mean 0 and variance 1",
            .cite = "Ulyanov, Vedaldi & Lempitsky 2016; PyTorch InstanceNorm2d",
            .equations = "mu, v = mean and variance of a channel over all places, of each sample\n"
                         "y = weight (x - mu) / sqrt(v + eps) + bias        weight 1 and bias 0 unless affine",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .normalises = GR_NORMALISES_SAMPLES,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
