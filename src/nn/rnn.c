/* RNN: the plain recurrent layer.                                                       [Elman 1990; PyTorch RNN] */
#include "nn/recurrent.h"

#include <string.h>

static const gr_row rows[] = {
    GR__RECURRENT_ROWS,
    GR_ROW("nonlinearity", CHOICE, "tanh", "tanh|relu", "", "what the sums go through"),
};

static void step_tanh(gr_graph *g, const gr_val *input, const gr_val *hidden, const gr_val *bias, gr_val *state)
{
    (void)bias;
    state[0] = gr_tanh(g, gr_add(g, input[0], hidden[0]));
}

static void step_relu(gr_graph *g, const gr_val *input, const gr_val *hidden, const gr_val *bias, gr_val *state)
{
    (void)bias;
    state[0] = gr_relu(g, gr_add(g, input[0], hidden[0]));
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    static const gr__cell by_tanh = {.gates = 1, .carried = 1, .follow = GR_FOLLOW_TANH, .step = step_tanh},
                          by_relu = {.gates = 1, .carried = 1, .follow = GR_FOLLOW_RELU, .step = step_relu};
    (void)n_in;
    bool relu = strcmp(gr__setting_text(s, "nonlinearity"), "relu") == 0;
    return gr__recurrent_build(b, s, in[0], relu ? &by_relu : &by_tanh);
}

GR_LAYER(rnn) = {
    .head =
        {
            .family = "layer",
            .name = "rnn",
            .title = "RNN: recurrent, plain",
            .cite = "Elman 1990; PyTorch RNN",
            .equations = "h_t = tanh(W x_t + b + R h_{t-1} + d)        h_0 = 0\n"
                         "W weight_ih_l0 [units, inputs], R weight_hh_l0 [units, units], b bias_ih_l0, d bias_hh_l0",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .takes_lengths = true,
    .build = build,
};
