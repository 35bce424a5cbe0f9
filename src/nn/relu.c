/* ReLU: negative values become 0, and 0 has gradient 0, as in PyTorch. */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_relu(b->g, in[0]);
}

GR_LAYER(relu) = {
    .head =
        {
            .family = "layer",
            .name = "relu",
            .title = "ReLU: the positive part",
            .cite = "Nair & Hinton 2010",
            .equations = "y = max(x, 0)",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .follow = GR_FOLLOW_RELU,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
