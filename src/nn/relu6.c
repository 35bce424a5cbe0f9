/* ReLU6: a rectifier that stops at 6; gradient 0 at both ends, as in PyTorch.                    [Howard et al. 2017]
 */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_relu6(b->g, in[0]);
}

GR_LAYER(relu6) = {
    .head =
        {
            .family = "layer",
            .name = "relu6",
            .title = "ReLU6: the positive part, at most 6",
            .cite = "Howard et al. 2017",
            .equations = "y = min(max(x, 0), 6)",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .low = 0,
    .high = 6,
    .follow = GR_FOLLOW_RELU,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
