/* Kullback-Leibler divergence of the target distribution from the softmax of logits.              [Kullback & Leibler
 * 1951; PyTorch KLDivLoss] The targets' own entropy is part of it, so a perfect answer costs 0; 0 log 0 is 0. */
#include <math.h>

#include "cost/parts.h"

static gr_reading reading(gr_shape output)
{
    (void)output;
    return (gr_reading){GR_FORM_DISTRIBUTION, GR_PREDICT_SHARES};
}

static gr_val predict(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)s;
    return gr_softmax(b->g, output);
}

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)s, (void)training;
    gr_graph *g = b->g;
    gr_logits l;
    const int last = 1;
    if (!gr__logits(g, output, &l)) return (gr_cost_value){GR_NONE, GR_NONE};
    gr_val q = gr__target_values(g, target, gr_shape_of(g, output)), some = gr_less(g, gr_const(g, 0), q);
    gr_val log_q = gr_log(g, gr_select(g, some, q, gr_const(g, 1))),
           log_p = gr_sub(g, l.z, gr_reshape(g, l.log_sum, GR_SHAPE(l.batch, 1)));
    return (gr_cost_value){.each = gr_sum(g, gr_mul(g, q, gr_sub(g, log_q, log_p)), &last, 1, false)};
}

static bool check(gr_build *b, const gr_settings *s, gr_shape output, int classes)
{
    (void)s;
    return gr__check_logits(b, "kl", output, classes);
}

static double reference(const gr_settings *s, const double *z, const double *y, int64_t n)
{
    double sum = 0;
    (void)s;
    for (int64_t k = 0; k < n; k++) sum += y[k] > 0 ? y[k] * (log(y[k]) + gr__minus_log_softmax(z, n, k)) : 0;
    return sum;
}

GR_COST(kl) = {
    .head = {.family = "cost",
             .name = "kl",
             .title = "Kullback-Leibler divergence; targets are distributions, outputs logits",
             .cite = "Kullback & Leibler 1951; PyTorch KLDivLoss",
             .equations = "J_n = sum_k q_k (log q_k - log p_k)        p = softmax(z); 0 log 0 = 0\n"
                          "dJ_n/dz = p sum_k q_k - q"},
    .reading = reading,
    .predict = predict,
    .build = build,
    .check = check,
    .reference = reference,
    .guess = {.blind = "ln K less the targets' own entropy"},
};
