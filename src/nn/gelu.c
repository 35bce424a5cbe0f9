/* GELU: x times the share of a normal distribution that lies below x.                       [Hendrycks & Gimpel 2016]
 */
#include "nn/layer.h"

static const gr_row rows[] = {
    GR_ROW("form", CHOICE, "exact", "exact|tanh", "", "the function itself, or what GPT-2 takes for it")};

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    return gr__setting_is(s, "form", "tanh") ? gr_gelu_tanh(b->g, in[0]) : gr_gelu(b->g, in[0]);
}

GR_LAYER(gelu) = {
    .head =
        {
            .family = "layer",
            .name = "gelu",
            .title = "GELU: x times the share of a normal distribution below x",
            .cite = "Hendrycks & Gimpel 2016",
            .equations = "exact: y = x (1 + erf(x / sqrt(2))) / 2\n"
                         "tanh:  y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .follow = GR_FOLLOW_RELU,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
