/* Huber's cost: squared up to delta, linear beyond, so that outliers pull no harder than delta.   [Huber 1964, eq. 2.5;
 * PyTorch HuberLoss] With c, the residual r limited to +-delta, both pieces are c (r - c/2); there is no absolute
 * value, so the curvature at r = 0 is there too. */
#include "cost/parts.h"

static const gr_row rows[] = {
    GR_ROW("delta", REAL, "1", "(0,inf)", "target", "residuals beyond it count linearly"),
    GR_ROW_PER,
};

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)training;
    gr_graph *g = b->g;
    double delta = gr__setting_real(s, "delta");
    gr_val r = gr__residual(g, output, target), c = gr_max(g, gr_min(g, r, gr_const(g, delta)), gr_const(g, -delta));
    return gr__per(g, s, gr_mul(g, c, gr_sub(g, r, gr_mul(g, c, gr_const(g, 0.5)))));
}

GR_COST(huber) = {
    .head = {.family = "cost",
             .name = "huber",
             .title = "Huber's cost: squared, linear beyond delta",
             .cite = "Huber 1964; PyTorch HuberLoss",
             .equations = "J_n = mean_k r^2 / 2 where |r| <= delta, else delta (|r| - delta / 2)        r = z[n,k] - "
                          "y[n,k]; per: sample: the sum\n"
                          "dJ_n/dz = r limited to -delta..delta, / K        K outputs a sample",
             GR_ROWS(rows)},
    .reading = gr__read_values,
    .predict = gr__predict_values,
    .build = build,
    .check = gr__check_values,
};
