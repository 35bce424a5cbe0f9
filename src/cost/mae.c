/* Mean absolute error, L1.                                                                        [Laplace 1774;
 * PyTorch L1Loss] Where an output meets its target the slope is 0, one of the subgradients. */
#include "cost/parts.h"

static const gr_row rows[] = {GR_ROW_PER};

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)training;
    return gr__per(b->g, s, gr_abs(b->g, gr__residual(b->g, output, target)));
}

GR_COST(mae) = {
    .head = {.family = "cost",
             .name = "mae",
             .title = "Mean absolute error (L1)",
             .cite = "Laplace 1774; PyTorch L1Loss",
             .equations = "J_n = mean_k |z[n,k] - y[n,k]|        per: sample: the sum over k\n"
                          "dJ_n/dz = sign(z - y) / K        sign(0) = 0; K outputs a sample",
             GR_ROWS(rows)},
    .reading = gr__read_values,
    .predict = gr__predict_values,
    .build = build,
    .check = gr__check_values,
};
