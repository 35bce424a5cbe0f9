/* Softmax over the last axis: positive numbers that sum to 1.                                    [Bridle 1990]
 * The largest is subtracted first, so that nothing overflows; the result does not depend on it, so no gradient passes
 * there. */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    gr_graph *g = b->g;
    int last = gr_shape_of(g, in[0]).rank - 1;
    if (last < 1) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of at least one axis");
    gr_val e = gr_exp(g, gr_sub(g, in[0], gr_stop(g, gr_reduce_max(g, in[0], &last, 1, true))));
    return gr_div(g, e, gr_sum(g, e, &last, 1, true));
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
