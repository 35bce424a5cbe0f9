/* SiLU, also called swish.                                   [Elfwing, Uchibe & Doya 2018; Ramachandran, Zoph & Le
 * 2017] */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_silu(b->g, in[0]);
}

GR_LAYER(silu) = {
    .head =
        {
            .family = "layer",
            .name = "silu",
            .title = "SiLU: x times its sigmoid",
            .cite = "Elfwing, Uchibe & Doya 2018",
            .equations = "y = x / (1 + exp(-x))",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .follow = GR_FOLLOW_RELU,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
