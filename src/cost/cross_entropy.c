/* Softmax cross-entropy of logits.                                                               [Bridle 1990; PyTorch
 * CrossEntropyLoss] The largest logit is subtracted first and the picked one is selected, never multiplied by 0, so
 * that logits of any size give finite, exact values. Smoothed targets need not sum to 1 (the chapter's form), hence the
 * factor before the logarithm. */
#include <string.h>

#include "cost/parts.h"

static const gr_row rows[] = {
    GR_ROW("label_smoothing", REAL, "0", "[0,1)", "1",
           "probability taken from the right class in training; evaluation does without"),
    GR_ROW("smoothing", CHOICE, "szegedy", "szegedy|chapter|kminus1", "",
           "where it goes: e/K to all classes; e/K to the others (sums to less than 1); e/(K-1) to the others"),
    GR_ROW("class_weights", TREE, "none", "balanced, or a list of one number >= 0 a class", "1",
           "how much samples of each class count; balanced: N / (K n_k) of the training rows; the mean divides by "
           "their sum"),
};

static gr_reading reading(gr_shape output)
{
    (void)output;
    return (gr_reading){GR_FORM_CLASS, GR_PREDICT_SHARES};
}

static gr_val predict(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)s;
    return gr_softmax(b->g, output);
}

/* Probabilities that the target gives to the right class and to each other one. */
static void smooth(const gr_settings *s, int64_t classes, double *right, double *other)
{
    double e = gr__setting_real(s, "label_smoothing"), k = (double)classes;
    *other = gr__setting_is(s, "smoothing", "kminus1") ? e / (k - 1) : e / k;
    *right = gr__setting_is(s, "smoothing", "szegedy") ? 1 - e + e / k : 1 - e;
}

static bool is_balanced(const gr_tree *weights)
{
    return weights->kind == GR_TREE_TEXT && strcmp(weights->text, "balanced") == 0;
}

/* N / (K n_k) over the K classes that the training rows have; one that they lack counts once. Such weights have the
 * mean 1 over those rows.
 */
static gr_val balanced(gr_build *b, int64_t classes)
{
    double *w = gr__bump_alloc(b->memory, sizeof *w * (size_t)classes), n = 0, seen = 0;
    if (!w) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for class weights");
    for (int64_t k = 0; k < classes; k++) {
        w[k] = (double)gr__targets_count(b->targets, k);
        n += w[k];
        seen += w[k] > 0;
    }
    for (int64_t k = 0; k < classes; k++) w[k] = w[k] > 0 ? n / (seen * w[k]) : 1;
    return gr_const_tensor(b->g, GR_SHAPE(1, classes), w);
}

static gr_cost_value build(gr_build *b, const gr_settings *s, gr_val output, gr_val target, bool training)
{
    gr_graph *g = b->g;
    gr_logits l;
    const int last = 1;
    if (!gr__logits(g, output, &l)) return (gr_cost_value){GR_NONE, GR_NONE};
    gr_val hot = gr__one_hot(g, &l, target), picked = gr__sum_where(g, hot, l.z), each = gr_sub(g, l.log_sum, picked);
    if (training && gr__setting_real(s, "label_smoothing") > 0) {
        double right, other;
        smooth(s, l.classes, &right, &other);
        gr_val total = gr_const(g, right + (double)(l.classes - 1) * other);
        gr_val expected = gr_add(g, gr_mul(g, picked, gr_const(g, right - other)),
                                 gr_mul(g, gr_sum(g, l.z, &last, 1, false), gr_const(g, other)));
        each = gr_sub(g, gr_mul(g, l.log_sum, total), expected);
    }
    const gr_tree *given = gr__setting_tree(s, "class_weights");
    if (!given) return (gr_cost_value){.each = each};
    gr_val weight =
        gr__sum_where(g, hot, is_balanced(given) ? balanced(b, l.classes) : gr__class_list(b, given, l.classes));
    return (gr_cost_value){.each = gr_mul(g, each, weight), .weight = weight};
}

static bool check(gr_build *b, const gr_settings *s, gr_shape output, int classes)
{
    const gr_tree *given = gr__setting_tree(s, "class_weights");
    if (given && is_balanced(given) && b->targets && b->targets->n < 0) {
        gr_graph_fail(b->g,
                      gr__tree_fail(b->ctx, given, GR_E_UNSUPPORTED, "give one number a class: class_weights: [1, 2.5]",
                                    "how often each class is in the training data is not known here"),
                      "class weights are refused");
        return false;
    }
    return gr__check_logits(b, "cross-entropy", output, classes) &&
           (!given || is_balanced(given) ||
            gr__check_class_list(b, "class_weights", "class_weights: balanced, or one number a class: [1, 2.5]", given,
                                 output.dim[0]));
}

static double reference(const gr_settings *s, const double *z, const double *y, int64_t n)
{
    double sum = 0;
    (void)s;
    for (int64_t k = 0; k < n; k++) sum += y[k] == 0 ? 0 : y[k] * gr__minus_log_softmax(z, n, k);
    return sum;
}

static double weigh(const gr_settings *s, const gr_targets *t, int64_t label)
{
    const gr_tree *given = gr__setting_tree(s, "class_weights");
    double seen = 0;
    if (!given) return 1;
    if (!is_balanced(given)) return given->child[label]->number;
    for (int64_t k = 0; k < t->classes; k++) seen += t->count[k] > 0;
    return t->count[label] > 0 ? (double)t->n / (seen * (double)t->count[label]) : 1;
}

GR_COST(cross_entropy) = {
    .head =
        {
            .family = "cost",
            .name = "cross_entropy",
            .title = "Softmax cross-entropy of logits",
            .cite = "Bridle 1990; Szegedy et al. 2016; PyTorch CrossEntropyLoss",
            .equations = "J_n = -sum_k q_k log p_k = log(sum_k exp(z_k - m)) sum_k q_k - sum_k q_k (z_k - m)        m "
                         "= max_k z_k\n"
                         "q: 1 for the right class, or smoothed by e: 1 - e + e/K and e/K (szegedy), 1 - e and e/K "
                         "(chapter), 1 - e and "
                         "e/(K-1) (kminus1)\n"
                         "dJ_n/dz = p sum_k q_k - q\n"
                         "class_weights: J_n times the weight of its class, divided by the sum of weights",
            GR_ROWS(rows),
        },
    .reading = reading,
    .predict = predict,
    .build = build,
    .check = check,
    .reference = reference,
    .weigh = weigh,
    .likelihood = true,
    .guess = {.blind = "ln K", .known = "the entropy of the class frequencies"},
};
