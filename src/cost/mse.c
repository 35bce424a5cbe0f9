/* Mean squared error: over all outputs of a sample, then over samples.                           [Gauss 1809; PyTorch MSELoss] */
#include "cost/cost.h"

static gr_val predict(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)b, (void)s;
    return output;
}

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)s, (void)training;
    gr_val error = gr_sub(b->g, output, gr__target_values(b->g, target, gr_shape_of(b->g, output)));
    return (gr_cost_value){.each = gr__mean_per_sample(b->g, gr_square(b->g, error))};
}

static bool check(gr_build *b, const gr_settings *s, gr_shape output, int classes)
{
    (void)s, (void)classes;
    if (gr_shape_count(output) < 1) gr_graph_fail(b->g, GR_E_SHAPE, "the network has no outputs");
    return gr_graph_status(b->g) == GR_OK;
}

GR_COST(mse) = {
    .head = {.family = "cost",
             .name = "mse",
             .title = "Mean squared error",
             .cite = "Gauss 1809; PyTorch MSELoss",
             .equations = "J_n = mean_k (z[n,k] - y[n,k])^2\n"
                          "dJ_n/dz = 2 (z - y) / K        K outputs a sample"},
    .wants_classes = false,
    .prediction = "value",
    .predict = predict,
    .build = build,
    .check = check,
};
