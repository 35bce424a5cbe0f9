/* Flatten: all values of a sample in one row, in the order of files: a picture by channel, then height, then width, so
 * that a dense layer after it has the weights that PyTorch's has. [PyTorch Flatten on NCHW] */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    static const int channels_first[] = {0, 3, 1, 2};
    gr_shape shape = gr_shape_of(b->g, in[0]);
    int64_t values = 1;
    if (shape.rank < 1) return gr_graph_fail(b->g, GR_E_SHAPE, "takes a batch of samples");
    for (int i = 1; i < shape.rank; i++) values *= shape.dim[i];
    gr_val x = shape.rank == 4 ? gr_permute(b->g, in[0], channels_first) : in[0];
    return gr_reshape(b->g, x, GR_SHAPE(shape.dim[0], values));
}

GR_LAYER(flatten) = {
    .head = {.family = "layer",
             .name = "flatten",
             .title = "Flatten: all values of a sample in one row",
             .cite = "PyTorch Flatten",
             .equations = "y[(c H + i) W + j] = x[i,j,c]        pictures, channels first as in files\n"
                          "y[t F + f] = x[t,f]                  sequences"},
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .flattens = true,
    .channels = GR_CHANNELS_FLAT,
    .build = build,
};
