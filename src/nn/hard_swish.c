/* Hard swish: x times its hard sigmoid.                                                          [Howard et al. 2019]
 */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_hard_swish(b->g, in[0]);
}

GR_LAYER(hard_swish) = {
    .head =
        {
            .family = "layer",
            .name = "hard_swish",
            .title = "Hard swish: x times its hard sigmoid",
            .cite = "Howard et al. 2019; PyTorch Hardswish",
            .equations = "y = x min(max(x + 3, 0), 6) / 6",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .follow = GR_FOLLOW_RELU,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
