/* Hyperbolic tangent: squeezes into (-1, 1). */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_tanh(b->g, in[0]);
}

GR_LAYER(tanh) = {
    .head =
        {
            .family = "layer",
            .name = "tanh",
            .title = "Hyperbolic tangent: squeezes into (-1, 1)",
            .cite = "LeCun et al. 1998, Efficient BackProp",
            .equations = "y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .low = -1,
    .high = 1,
    .follow = GR_FOLLOW_TANH,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
