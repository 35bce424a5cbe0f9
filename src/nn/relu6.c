/* ReLU6: the positive part, at most 6. At 0 and at 6 the gradient is 0, as in PyTorch. */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_min(b->g, gr_const(b->g, 6), gr_relu(b->g, in[0]));
}

GR_LAYER(relu6) = {
    .head =
        {
            .family = "layer",
            .name = "relu6",
            .title = "ReLU6: the positive part, at most 6",
            .cite = "Krizhevsky 2010; PyTorch ReLU6",
            .equations = "y = min(max(x, 0), 6)",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .pointwise = true,
    .takes_lengths = true,
    .follow = GR_FOLLOW_RELU,
    .build = build,
};
