/* Sigmoid: squeezes into (0, 1). */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_sigmoid(b->g, in[0]);
}

GR_LAYER(sigmoid) = {
    .head =
        {
            .family = "layer",
            .name = "sigmoid",
            .title = "Sigmoid: squeezes into (0, 1)",
            .cite = "Rumelhart, Hinton & Williams 1986",
            .equations = "y = 1 / (1 + exp(-x))",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .low = 0,
    .high = 1,
    .gives = GR_PREDICT_LABELS,
    .follow = GR_FOLLOW_SIGMOID,
    .build = build,
};
