/* Log-softmax over the last axis: logarithms of numbers that sum to 1, also where these underflow. */
#include "nn/join.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr__join_last(b, in[0]) ? gr_log_softmax(b->g, in[0]) : GR_NONE;
}

GR_LAYER(log_softmax) = {
    .head =
        {
            .family = "layer",
            .name = "log_softmax",
            .title = "Log-softmax: the logarithm of softmax",
            .cite = "Bridle 1990; PyTorch LogSoftmax",
            .equations = "y[k] = x[k] - m - log(sum_j exp(x[j] - m))        m = max_j x[j]; over the last axis",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .follow = GR_FOLLOW_NOTHING,
    .build = build,
};
