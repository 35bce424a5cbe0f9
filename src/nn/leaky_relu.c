/* Leaky ReLU: negative values keep a small slope.                                                [Maas, Hannun & Ng
 * 2013] */
#include "nn/layer.h"

static const gr_row rows[] = {GR_ROW("slope", REAL, "0.01", "[0,1]", "1", "what negative values are multiplied by")};

/* As a factor of x, so that the gradient is the same factor: the slope at 0, as in PyTorch. Slope 0 is ReLU, also at
 * infinity where 0 * inf is no number. */
static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    double slope = gr__setting_real(s, "slope");
    if (slope == 0) return gr_relu(g, in[0]);
    return gr_mul(g, in[0], gr_select(g, gr_less(g, gr_const(g, 0), in[0]), gr_const(g, 1), gr_const(g, slope)));
}

GR_LAYER(leaky_relu) = {
    .head =
        {
            .family = "layer",
            .name = "leaky_relu",
            .title = "Leaky ReLU: negative values keep a small slope",
            .cite = "Maas, Hannun & Ng 2013",
            .equations = "y = x where x > 0, else slope x",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .follow = GR_FOLLOW_LEAKY,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
