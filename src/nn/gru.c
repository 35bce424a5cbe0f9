/* GRU: gates decide how much of the state is kept, and how much of it the new content sees.       [Cho et al. 2014;
 * PyTorch GRU, which resets what the state gives after its product and bias] */
#include "nn/recurrent.h"

static const gr_row rows[] = {GR__RECURRENT_ROWS};

enum { RESET, UPDATE, NEW, GATES };

static void step(gr_graph *g, const gr_val *input, const gr_val *hidden, const gr_val *bias, gr_val *state)
{
    gr_val reset = gr_sigmoid(g, gr_add(g, input[RESET], hidden[RESET])),
           update = gr_sigmoid(g, gr_add(g, input[UPDATE], hidden[UPDATE]));
    gr_val seen = gr_mul(g, reset, gr_add(g, hidden[NEW], bias[NEW])), fresh = gr_tanh(g, gr_add(g, input[NEW], seen));
    state[0] = gr_add(g, fresh, gr_mul(g, update, gr_sub(g, state[0], fresh)));
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    static const gr__cell cell = {
        .gates = GATES, .carried = 1, .inner_bias = 1u << NEW, .follow = GR_FOLLOW_SIGMOID, .step = step};
    (void)n_in;
    return gr__recurrent_build(b, s, in[0], &cell);
}

GR_LAYER(gru) = {
    .head =
        {
            .family = "layer",
            .name = "gru",
            .title = "GRU: recurrent, with gates for what is kept and what is seen",
            .cite = "Cho et al. 2014; PyTorch GRU",
            .equations =
                "r, z = sigmoid(W x_t + b + R h_{t-1} + d), n = tanh(W x_t + b + r (R h_{t-1} + d))   each with its "
                "own third of W, R, b, d, in the order r, z, n\n"
                "h_t = (1 - z) n + z h_{t-1}        h_0 = 0\n"
                "W weight_ih_l0 [3 units, inputs], R weight_hh_l0 [3 units, units], b bias_ih_l0, d bias_hh_l0",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .takes_lengths = true,
    .gated = true,
    .build = build,
};
