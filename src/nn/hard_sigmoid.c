/* Hard sigmoid: a sigmoid of three straight pieces.                                              [Howard et al. 2019]
 */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_hard_sigmoid(b->g, in[0]);
}

GR_LAYER(hard_sigmoid) = {
    .head =
        {
            .family = "layer",
            .name = "hard_sigmoid",
            .title = "Hard sigmoid: a sigmoid of three straight pieces",
            .cite = "Howard et al. 2019; PyTorch Hardsigmoid",
            .equations = "y = min(max(x + 3, 0), 6) / 6",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .low = 0,
    .high = 1,
    .follow = GR_FOLLOW_SIGMOID,
    .build = build,
};
