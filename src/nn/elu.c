/* ELU: negative values approach -alpha smoothly.                              [Clevert, Unterthiner & Hochreiter 2016]
 */
#include "nn/layer.h"

static const gr_row rows[] = {GR_ROW("alpha", REAL, "1", "[0,inf)", "1", "where the values end, below 0")};

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    double alpha = gr__setting_real(s, "alpha");
    gr_val y = gr_elu(g, in[0]);
    if (alpha == 1) return y;
    return gr_mul(g, y, gr_select(g, gr_less(g, gr_const(g, 0), y), gr_const(g, 1), gr_const(g, alpha)));
}

GR_LAYER(elu) = {
    .head =
        {
            .family = "layer",
            .name = "elu",
            .title = "ELU: negative values approach -alpha smoothly",
            .cite = "Clevert, Unterthiner & Hochreiter 2016",
            .equations = "y = x where x > 0, else alpha (exp(x) - 1)",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .follow = GR_FOLLOW_RELU,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
