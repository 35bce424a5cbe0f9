/* Softmax cross-entropy of logits.                                                               [Bridle 1990; PyTorch CrossEntropyLoss]
 * The largest logit is subtracted first and the picked one is selected, never multiplied by 0, so that logits of any size give finite,
 * exact values. Smoothed targets need not sum to 1 (the chapter's form), hence the factor before the logarithm. */
#include <math.h>

#include "cost/cost.h"

static const gr_row rows[] = {
    GR_ROW("label_smoothing", REAL, "0", "[0,1)", "1", "probability taken from the right class in training; evaluation does without"),
    GR_ROW("smoothing", CHOICE, "szegedy", "szegedy|chapter|kminus1", "",
           "where it goes: e/K to all classes; e/K to the others (sums to less than 1); e/(K-1) to the others"),
    GR_ROW("class_weights", TREE, "none", "a list of one number >= 0 a class", "1",
           "how much samples of each class count; the mean divides by their sum"),
};

static gr_val predict(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)s;
    gr_graph *g = b->g;
    int last = gr_shape_of(g, output).rank - 1;
    gr_val e = gr_exp(g, gr_sub(g, output, gr_reduce_max(g, output, &last, 1, true)));
    return gr_div(g, e, gr_sum(g, e, &last, 1, true));
}

/* Probabilities that the target gives to the right class and to each other one. */
static void smooth(const gr_settings *s, int64_t classes, double *right, double *other)
{
    double e = gr__setting_real(s, "label_smoothing"), k = (double)classes;
    *other = gr__setting_is(s, "smoothing", "kminus1") ? e / (k - 1) : e / k;
    *right = gr__setting_is(s, "smoothing", "szegedy") ? 1 - e + e / k : 1 - e;
}

/* The weight of each sample's class, [B]. */
static gr_val weights(gr_build *b, const gr_tree *list, gr_val hot, int64_t classes)
{
    gr_graph *g = b->g;
    int last = 1;
    double *w = gr__bump_alloc(b->memory, sizeof *w * (size_t)classes);
    if (!w) return gr_graph_fail(g, GR_E_MEMORY, "no memory for class weights");
    for (int64_t i = 0; i < classes; i++) w[i] = list->child[i]->number;
    return gr_sum(g, gr_select(g, hot, gr_const_tensor(g, GR_SHAPE(1, classes), w), gr_const(g, 0)), &last, 1, false);
}

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, output);
    const int last = 1;
    if (shape.rank != 2) {
        gr_graph_fail(g, GR_E_SHAPE, "takes one row of logits a sample");
        return (gr_cost_value){GR_NONE, GR_NONE};
    }
    int64_t batch = shape.dim[0], classes = shape.dim[1];
    gr_val hot = gr_equal(g, gr_iota(g, shape, 1), gr_reshape(g, target, GR_SHAPE(batch, 1)));
    gr_val z = gr_sub(g, output, gr_stop(g, gr_reduce_max(g, output, &last, 1, true)));
    gr_val log_sum = gr_log(g, gr_sum(g, gr_exp(g, z), &last, 1, false));
    gr_val picked = gr_sum(g, gr_select(g, hot, z, gr_const(g, 0)), &last, 1, false);
    gr_val each = gr_sub(g, log_sum, picked);
    if (training && gr__setting_real(s, "label_smoothing") > 0) {
        double right, other;
        smooth(s, classes, &right, &other);
        gr_val total = gr_const(g, right + (double)(classes - 1) * other);
        gr_val expected =
            gr_add(g, gr_mul(g, picked, gr_const(g, right - other)), gr_mul(g, gr_sum(g, z, &last, 1, false), gr_const(g, other)));
        each = gr_sub(g, gr_mul(g, log_sum, total), expected);
    }
    const gr_tree *list = gr__setting_tree(s, "class_weights");
    if (!list) return (gr_cost_value){.each = each};
    gr_val weight = weights(b, list, hot, classes);
    return (gr_cost_value){.each = gr_mul(g, each, weight), .weight = weight};
}

static bool check_weights(gr_build *b, const gr_tree *list, int64_t classes)
{
    gr_status st = GR_OK;
    char shown[200];
    if (list->kind != GR_TREE_LIST)
        st = gr__tree_fail(b->ctx, list, GR_E_TYPE, NULL, "%s is not a list of weights", gr__tree_kind_name(list));
    else if (list->n != classes)
        st = gr__tree_fail(b->ctx, list, GR_E_RANGE, NULL, "%d weights are given for %lld classes", list->n, (long long)classes);
    for (int i = 0; st == GR_OK && i < list->n; i++) {
        const gr_tree *w = list->child[i];
        if ((w->kind != GR_TREE_INT && w->kind != GR_TREE_REAL) || !(w->number >= 0) || isinf(w->number))
            st =
                gr__tree_fail(b->ctx, w, GR_E_RANGE, NULL, "%s is not a weight: a number from 0 on", gr__tree_show(w, shown, sizeof shown));
    }
    if (st != GR_OK) gr_graph_fail(b->g, st, "class_weights are refused");
    return st == GR_OK;
}

static bool check(gr_build *b, const gr_settings *s, gr_shape output, int classes)
{
    const gr_tree *list = gr__setting_tree(s, "class_weights");
    if (output.rank != 1)
        gr_graph_fail(b->g, GR_E_SHAPE, "cross-entropy takes one row of logits a sample, but the output has %d axes", output.rank);
    else if (output.dim[0] < 2)
        gr_graph_fail(b->g, GR_E_SHAPE, "cross-entropy wants at least two outputs, but the network has %lld", (long long)output.dim[0]);
    else if (classes > output.dim[0])
        gr_graph_fail(b->g, GR_E_DATA, "the data has %d classes, but the network has %lld outputs", classes, (long long)output.dim[0]);
    else if (list)
        check_weights(b, list, output.dim[0]);
    return gr_graph_status(b->g) == GR_OK;
}

GR_COST(cross_entropy) = {
    .head =
        {
            .family = "cost",
            .name = "cross_entropy",
            .title = "Softmax cross-entropy of logits",
            .cite = "Bridle 1990; Szegedy et al. 2016; PyTorch CrossEntropyLoss",
            .equations = "J_n = -sum_k q_k log p_k = log(sum_k exp(z_k - m)) sum_k q_k - sum_k q_k (z_k - m)        m = max_k z_k\n"
                         "q: 1 for the right class, or smoothed by e: 1 - e + e/K and e/K (szegedy), 1 - e and e/K (chapter), 1 - e and "
                         "e/(K-1) (kminus1)\n"
                         "dJ_n/dz = p sum_k q_k - q\n"
                         "class_weights: J_n times the weight of its class, divided by the sum of weights",
            GR_ROWS(rows),
        },
    .wants_classes = true,
    .prediction = "softmax",
    .predict = predict,
    .build = build,
    .check = check,
};
