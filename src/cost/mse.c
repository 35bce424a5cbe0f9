/* Mean squared error: over all outputs of a sample, then over samples.                           [Gauss 1809; PyTorch
 * MSELoss] */
#include "cost/parts.h"

static const gr_row rows[] = {GR_ROW_PER};

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)training;
    return gr__per(b->g, s, gr_square(b->g, gr__residual(b->g, output, target)));
}

GR_COST(mse) = {
    .head = {.family = "cost",
             .name = "mse",
             .title = "Mean squared error",
             .cite = "Gauss 1809; PyTorch MSELoss",
             .equations = "J_n = mean_k (z[n,k] - y[n,k])^2        per: sample: the sum over k\n"
                          "dJ_n/dz = 2 (z - y) / K        K outputs a sample; 2 (z - y) with the sum",
             GR_ROWS(rows)},
    .reading = gr__read_values,
    .predict = gr__predict_values,
    .build = build,
    .check = gr__check_values,
};
