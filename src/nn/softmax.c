/* Softmax over the last axis: positive numbers that sum to 1.                                    [Bridle 1990] */
#include "nn/join.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr__join_last(b, in[0]) ? gr_softmax(b->g, in[0]) : GR_NONE;
}

GR_LAYER(softmax) = {
    .head =
        {
            .family = "layer",
            .name = "softmax",
            .title = "Softmax: positive numbers that sum to 1",
            .cite = "Bridle 1990",
            .equations = "y[k] = exp(x[k] - m) / sum_j exp(x[j] - m)        m = max_j x[j]; over the last axis",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .gives = GR_PREDICT_SHARES,
    .follow = GR_FOLLOW_NOTHING,
    .build = build,
};
