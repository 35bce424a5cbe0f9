/* Binary cross-entropy of logits: two classes, one output.                                       [PyTorch BCEWithLogitsLoss]
 * log(1 + exp(z)) is written with the larger of z and 0 taken out, so that nothing overflows; the maximum is the only kink, and there both
 * sides of the tie agree: the gradient at 0 is exactly 1/2 - y. */
#include "cost/cost.h"

static const gr_row rows[] = {GR_ROW("positive_weight", REAL, "1", "(0,inf)", "1", "how much more the samples of class 1 count")};

static gr_val predict(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)s;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, output);
    gr_val both[2] = {gr_sigmoid(g, gr_neg(g, output)), gr_sigmoid(g, output)};
    return shape.rank == 2 && shape.dim[1] == 1 ? gr_concat(g, both, 2, 1) : both[1];
}

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)training;
    gr_graph *g = b->g;
    gr_val z = output, y = gr__target_values(g, target, gr_shape_of(g, output)), top = gr_max(g, z, gr_const(g, 0));
    gr_val tail = gr_log1p(g, gr_exp(g, gr_sub(g, z, gr_add(g, top, top)))); /* z - 2 max(z, 0) = -|z| */
    gr_val of_one = gr_add(g, gr_sub(g, top, z), tail), of_zero = gr_add(g, top, tail);
    double a = gr__setting_real(s, "positive_weight");
    if (a != 1) of_one = gr_mul(g, of_one, gr_const(g, a));
    gr_val each = gr_add(g, gr_mul(g, y, of_one), gr_mul(g, gr_sub(g, gr_const(g, 1), y), of_zero));
    return (gr_cost_value){.each = gr__mean_per_sample(g, each)};
}

static bool check(gr_build *b, const gr_settings *s, gr_shape output, int classes)
{
    (void)s;
    if (classes > 2)
        gr_graph_fail(b->g, GR_E_DATA, "binary cross-entropy tells two classes, but the data has %d", classes);
    else if (gr_shape_count(output) < 1 || (classes > 0 && gr_shape_count(output) != 1))
        gr_graph_fail(b->g, GR_E_SHAPE, "binary cross-entropy takes one output a sample, but the network has %lld",
                      (long long)gr_shape_count(output));
    return gr_graph_status(b->g) == GR_OK;
}

GR_COST(binary_cross_entropy) = {
    .head =
        {
            .family = "cost",
            .name = "binary_cross_entropy",
            .title = "Binary cross-entropy of logits",
            .cite = "Cox 1958; PyTorch BCEWithLogitsLoss",
            .equations = "J_n = mean_k [a y log(1 + exp(-z)) + (1 - y) log(1 + exp(z))]        a: positive_weight\n"
                         "dJ_n/dz = (sigmoid(z) - y) / K                                      a = 1; K outputs a sample",
            GR_ROWS(rows),
        },
    .wants_classes = true,
    .prediction = "sigmoid",
    .predict = predict,
    .build = build,
    .check = check,
};
