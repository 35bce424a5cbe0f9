/* LSTM: a cell whose content is kept, let go, written and read by gates, so that what matters later is not multiplied
 * away on its way.                              [Hochreiter & Schmidhuber 1997; Gers et al. 2000; PyTorch LSTM] */
#include "nn/recurrent.h"

static const gr_row rows[] = {GR__RECURRENT_ROWS};

enum { INPUT, FORGET, CELL, OUTPUT, GATES };

static void step(gr_graph *g, const gr_val *input, const gr_val *hidden, const gr_val *bias, gr_val *state)
{
    gr_val gate[GATES];
    (void)bias;
    for (int k = 0; k < GATES; k++) {
        gr_val sum = gr_add(g, input[k], hidden[k]);
        gate[k] = k == CELL ? gr_tanh(g, sum) : gr_sigmoid(g, sum);
    }
    state[1] = gr_add(g, gr_mul(g, gate[FORGET], state[1]), gr_mul(g, gate[INPUT], gate[CELL]));
    state[0] = gr_mul(g, gate[OUTPUT], gr_tanh(g, state[1]));
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    static const gr__cell cell = {
        .gates = GATES, .carried = 2, .usual_bias = "lstm", .follow = GR_FOLLOW_SIGMOID, .step = step};
    (void)n_in;
    return gr__recurrent_build(b, s, in[0], &cell);
}

GR_LAYER(lstm) = {
    .head =
        {
            .family = "layer",
            .name = "lstm",
            .title = "LSTM: recurrent, with a cell that gates keep, fill and read",
            .cite = "Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000; PyTorch LSTM",
            .equations =
                "i, f, o = sigmoid(W x_t + b + R h_{t-1} + d), g = tanh(likewise)   each with its own quarter of W, "
                "R, b, d, in the order i, f, g, o\n"
                "c_t = f c_{t-1} + i g        h_t = o tanh(c_t)        h_0 = c_0 = 0\n"
                "W weight_ih_l0 [4 units, inputs], R weight_hh_l0 [4 units, units], b bias_ih_l0, d bias_hh_l0",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .takes_lengths = true,
    .gated = true,
    .build = build,
};
