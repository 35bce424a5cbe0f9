/* Softplus: a rectifier without a corner.                                                          [Dugas et al. 2001]
 */
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    return gr_softplus(b->g, in[0]);
}

GR_LAYER(softplus) = {
    .head =
        {
            .family = "layer",
            .name = "softplus",
            .title = "Softplus: a rectifier without a corner",
            .cite = "Dugas et al. 2001",
            .equations = "y = log(1 + exp(x)), as max(x, 0) + log(1 + exp(-|x|))",
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .follow = GR_FOLLOW_RELU,
    .build = build,
};
