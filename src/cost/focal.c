/* Focal cost: cross-entropy that looks away from what is right already.                          [Lin et al. 2017, eq.
 * 5, https://arxiv.org/abs/1708.02002] With one output p is its sigmoid, with several their softmax. That is the
 * sigmoid of u, the right logit minus the logarithm of the others' summed exponentials, so both are written alike: -log
 * p = log(1 + exp(-u)), -log(1 - p) = log(1 + exp(u)), exact for p near 0 and near 1. The paper normalises by the
 * number of anchors; here the mean is over samples, alpha in it. */
#include <math.h>

#include "cost/parts.h"

static const gr_row rows[] = {
    GR_ROW("gamma", REAL, "2", "[0,inf)", "1", "how quickly right answers lose weight; 0 is cross-entropy"),
    GR_ROW("alpha", TREE, "none",
           "one output: a number in (0,1), the weight of class 1, leaving 1 - alpha to class 0; else a list of a "
           "number a class",
           "1", "weights against unbalanced classes; evaluation keeps them"),
};

static gr_reading reading(gr_shape output)
{
    return gr_shape_count(output) == 1 ? (gr_reading){GR_FORM_CLASS, GR_PREDICT_LABELS}
                                       : (gr_reading){GR_FORM_CLASS, GR_PREDICT_SHARES};
}

static gr_val predict(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)s;
    gr_shape shape = gr_shape_of(b->g, output);
    return shape.rank == 2 && shape.dim[1] == 1 ? gr__predict_two(b->g, output) : gr_softmax(b->g, output);
}

/* (1 - p)^gamma * cost, given log(1 - p). */
static gr_val focus(gr_graph *g, double gamma, gr_val log_rest, gr_val cost)
{
    return gamma == 0 ? cost : gr_mul(g, gr_exp(g, gr_mul(g, log_rest, gr_const(g, gamma))), cost);
}

static gr_cost_value build_one(gr_build *b, const gr_settings *s, gr_val output, gr_val target)
{
    gr_graph *g = b->g;
    double gamma = gr__setting_real(s, "gamma");
    const gr_tree *alpha = gr__setting_tree(s, "alpha");
    gr_val y = gr__target_values(g, target, gr_shape_of(g, output)), of_one, of_zero;
    gr__softplus_both(g, output, &of_zero, &of_one); /* -log(1 - p) and -log p */
    gr_val one = focus(g, gamma, gr_neg(g, of_zero), of_one), zero = focus(g, gamma, gr_neg(g, of_one), of_zero);
    if (alpha) {
        one = gr_mul(g, one, gr_const(g, alpha->number));
        zero = gr_mul(g, zero, gr_const(g, 1 - alpha->number));
    }
    gr_val each = gr_add(g, gr_mul(g, y, one), gr_mul(g, gr_sub(g, gr_const(g, 1), y), zero));
    return (gr_cost_value){.each = gr__mean_per_sample(g, each)};
}

/* The right logit minus the log-sum-exp of the others, each with its own largest one subtracted first: [B]. */
static gr_val margin(gr_graph *g, const gr_logits *l, gr_val hot)
{
    const int last = 1;
    gr_val others = gr_equal(g, hot, gr_const(g, 0));
    gr_val top = gr_stop(g, gr_reduce_max(g, gr_select(g, others, l->z, gr_const(g, -INFINITY)), &last, 1, true));
    gr_val e =
        gr_exp(g, gr_sub(g, gr_select(g, others, l->z, top), top)); /* 1 for the right one, which is then left out */
    gr_val rest = gr_add(g, gr_reshape(g, top, GR_SHAPE(l->batch)), gr_log(g, gr__sum_where(g, others, e)));
    return gr_sub(g, gr__sum_where(g, hot, l->z), rest);
}

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    (void)training;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, output);
    gr_logits l;
    if (shape.rank == 2 && shape.dim[1] == 1) return build_one(b, s, output, target);
    if (!gr__logits(g, output, &l)) return (gr_cost_value){GR_NONE, GR_NONE};
    gr_val hot = gr__one_hot(g, &l, target), of_wrong, of_right;
    gr__softplus_both(g, margin(g, &l, hot), &of_wrong, &of_right);
    gr_val each = focus(g, gr__setting_real(s, "gamma"), gr_neg(g, of_wrong), of_right);
    const gr_tree *alpha = gr__setting_tree(s, "alpha");
    if (alpha) each = gr_mul(g, each, gr__sum_where(g, hot, gr__class_list(b, alpha, l.classes)));
    return (gr_cost_value){.each = each};
}

static bool check_one(gr_build *b, const gr_tree *alpha, int classes)
{
    gr_status st = GR_OK;
    char shown[200];
    if (classes > 2)
        gr_graph_fail(b->g, GR_E_DATA, "one output tells two classes, but the data has %d", classes);
    else if (alpha &&
             !((alpha->kind == GR_TREE_INT || alpha->kind == GR_TREE_REAL) && alpha->number > 0 && alpha->number < 1))
        st = gr__tree_fail(b->ctx, alpha, GR_E_RANGE, NULL, "%s is not in (0,1), as alpha is for one output",
                           gr__tree_show(alpha, shown, sizeof shown));
    if (st != GR_OK) gr_graph_fail(b->g, st, "alpha is refused");
    return gr_graph_status(b->g) == GR_OK;
}

static bool check(gr_build *b, const gr_settings *s, gr_shape output, int classes)
{
    const gr_tree *alpha = gr__setting_tree(s, "alpha");
    if (output.rank == 1 && output.dim[0] == 1) return check_one(b, alpha, classes);
    return gr__check_logits(b, "focal", output, classes) &&
           (!alpha || gr__check_class_list(b, "alpha", "several outputs take one number a class: [1, 2.5]", alpha,
                                           output.dim[0]));
}

static double reference(const gr_settings *s, const double *z, const double *y, int64_t n)
{
    const gr_tree *alpha = gr__setting_tree(s, "alpha");
    int64_t k = 0;
    while (n > 1 && k + 1 < n && y[k] == 0) k++;
    bool yes = y[k] > 0.5;
    double cost = n > 1 ? gr__minus_log_softmax(z, n, k) : gr__softplus(yes ? -z[0] : z[0]), a = 1;
    if (alpha && n > 1) a = alpha->child[k]->number;
    if (alpha && n == 1) a = yes ? alpha->number : 1 - alpha->number;
    return a * pow(-expm1(-cost), gr__setting_real(s, "gamma")) * cost;
}

/* d/dc of (1 - p)^gamma c, where c = -log p, at p = 1/e. */
static double steepness(const gr_settings *s)
{
    return 1 + gr__setting_real(s, "gamma") * exp(-1);
}

GR_COST(focal) = {
    .head = {.family = "cost",
             .name = "focal",
             .title = "Focal cost: cross-entropy with less weight on what is right already",
             .cite = "Lin et al. 2017",
             .equations = "J_n = -alpha_y (1 - p_y)^gamma log p_y        p = softmax(z); with one output p_1 = "
                          "sigmoid(z), p_0 = 1 - p_1\n"
                          "dJ_n/dz_k = alpha_y (1 - p_y)^gamma (gamma p_y log p_y / (1 - p_y) - 1) ([k = y] - p_k)",
             GR_ROWS(rows)},
    .reading = reading,
    .predict = predict,
    .build = build,
    .check = check,
    .reference = reference,
    .guess = {.blind = "every class alike", .known = "the class frequencies", .steepness = steepness},
};
