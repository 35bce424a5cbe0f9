/* Binary cross-entropy of logits: two classes from one output, or several outputs that each say yes or no.   [PyTorch
 * BCEWithLogitsLoss] */
#include <math.h>

#include "cost/parts.h"

static const gr_row rows[] = {
    GR_ROW("positive_weight", REAL, "1", "(0,inf)", "1", "how much more the samples of class 1 count")};

static gr_reading reading(gr_shape output)
{
    return (gr_reading){gr_shape_count(output) == 1 ? GR_FORM_CLASS : GR_FORM_LABELS, GR_PREDICT_LABELS};
}

static gr_val predict(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)s;
    gr_shape shape = gr_shape_of(b->g, output);
    return gr_shape_count(shape) == shape.dim[0] ? gr__predict_two(b->g, output) : gr_sigmoid(b->g, output);
}

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)training;
    gr_graph *g = b->g;
    gr_val y = gr__target_values(g, target, gr_shape_of(g, output)), of_one, of_zero;
    gr__softplus_both(g, output, &of_zero, &of_one);
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

static double reference(const gr_settings *s, const double *z, const double *y, int64_t n)
{
    double sum = 0, a = gr__setting_real(s, "positive_weight");
    for (int64_t k = 0; k < n; k++) sum += a * y[k] * gr__softplus(-z[k]) + (1 - y[k]) * gr__softplus(z[k]);
    return sum / (double)n;
}

static double steepness(const gr_settings *s)
{
    return fmax(gr__setting_real(s, "positive_weight"), 1);
}

GR_COST(binary_cross_entropy) = {
    .head =
        {
            .family = "cost",
            .name = "binary_cross_entropy",
            .title = "Binary cross-entropy of logits",
            .cite = "Cox 1958; PyTorch BCEWithLogitsLoss",
            .equations =
                "J_n = mean_k [a y log(1 + exp(-z)) + (1 - y) log(1 + exp(z))]        a: positive_weight\n"
                "dJ_n/dz = (sigmoid(z) - y) / K                                      a = 1; K outputs a sample\n"
                "one output: the target is class 0 or 1; several: a number from 0 to 1 for each",
            GR_ROWS(rows),
        },
    .reading = reading,
    .predict = predict,
    .build = build,
    .check = check,
    .reference = reference,
    .guess = {.blind = "ln 2", .known = "the entropy of the class frequencies", .steepness = steepness},
};
