/* Softmax over the last axis: positive numbers that sum to 1.                                    [Bridle 1990] */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    gr_graph *g = b->g;
    if (gr_shape_of(g, in[0]).rank < 2) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of at least one axis");
    if (!gr__build_has_features(b, in[0])) return GR_NONE;
    return gr_softmax(g, in[0]);
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
