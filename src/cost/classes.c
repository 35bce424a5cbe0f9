/* What costs of classes share: softmax parts, one-hot sums, lists of a number a class. */
#include <math.h>

#include "cost/parts.h"

bool gr__logits(gr_graph *g, gr_val output, gr_logits *out)
{
    gr_shape shape = gr_shape_of(g, output);
    const int last = 1;
    *out = (gr_logits){0};
    if (shape.rank != 2) return gr_graph_fail(g, GR_E_SHAPE, "takes one row of logits a sample") != GR_NONE;
    out->batch = shape.dim[0];
    out->classes = shape.dim[1];
    out->z = gr_sub(g, output, gr_stop(g, gr_reduce_max(g, output, &last, 1, true)));
    out->exp = gr_exp(g, out->z);
    out->log_sum = gr_log(g, gr_sum(g, out->exp, &last, 1, false));
    return true;
}

gr_val gr__one_hot(gr_graph *g, const gr_logits *l, gr_val target)
{
    return gr_equal(g, gr_iota(g, GR_SHAPE(l->batch, l->classes), 1), gr_reshape(g, target, GR_SHAPE(l->batch, 1)));
}

gr_val gr__sum_where(gr_graph *g, gr_val condition, gr_val x)
{
    const int last = 1;
    return gr_sum(g, gr_select(g, condition, x, gr_const(g, 0)), &last, 1, false);
}

gr_val gr__predict_two(gr_graph *g, gr_val output)
{
    gr_val z = gr_reshape(g, output, GR_SHAPE(gr_shape_of(g, output).dim[0], 1));
    gr_val both[2] = {gr_sigmoid(g, gr_neg(g, z)), gr_sigmoid(g, z)};
    return gr_concat(g, both, 2, 1);
}

/* The larger of z and 0, and of 0 and -z, is taken out; the rest is common. Those maxima are the only kinks: at z = 0
 * both ties go so that the slopes are 1/2 and -1/2. Writing the second as max(z, 0) - z would be as exact, but its
 * slope would be a difference of large numbers.
 */
void gr__softplus_both(gr_graph *g, gr_val z, gr_val *of_z, gr_val *of_minus_z)
{
    gr_val top = gr_max(g, z, gr_const(g, 0)), bottom = gr_max(g, gr_const(g, 0), gr_neg(g, z));
    gr_val tail = gr_log1p(g, gr_exp(g, gr_sub(g, z, gr_add(g, top, top)))); /* z - 2 max(z, 0) = -|z| */
    *of_z = gr_add(g, top, tail);
    *of_minus_z = gr_add(g, bottom, tail);
}

double gr__softplus(double z)
{
    return fmax(z, 0) + log1p(exp(-fabs(z)));
}

double gr__log_sum_exp(const double *z, int64_t n)
{
    double top = -INFINITY, sum = 0;
    for (int64_t k = 0; k < n; k++) top = fmax(top, z[k]);
    for (int64_t k = 0; k < n; k++) sum += exp(z[k] - top);
    return top + log(sum);
}

double gr__minus_log_softmax(const double *z, int64_t n, int64_t k)
{
    double top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) top = fmax(top, z[i]);
    for (int64_t i = 0; i < n; i++) sum += i == k ? 0 : exp(z[i] - top);
    return z[k] == top ? log1p(sum) : top - z[k] + log(sum + exp(z[k] - top));
}

bool gr__check_logits(gr_build *b, const char *what, gr_shape output, int classes)
{
    if (output.rank != 1)
        gr_graph_fail(b->g, GR_E_SHAPE, "%s takes one row of logits a sample, but the output has %d axes", what,
                      output.rank);
    else if (output.dim[0] < 2)
        gr_graph_fail(b->g, GR_E_SHAPE, "%s wants at least two outputs, but the network has %lld", what,
                      (long long)output.dim[0]);
    else if (classes > output.dim[0])
        gr_graph_fail(b->g, GR_E_DATA, "the data has %d classes, but the network has %lld outputs", classes,
                      (long long)output.dim[0]);
    return gr_graph_status(b->g) == GR_OK;
}

static gr_status check_list(gr_context *ctx, const gr_tree *list, const char *hint, int64_t classes)
{
    char shown[200];
    bool any = false;
    if (list->kind != GR_TREE_LIST)
        return gr__tree_fail(ctx, list, GR_E_TYPE, hint, "%s is not a list of weights", gr__tree_kind_name(list));
    if (list->n != classes)
        return gr__tree_fail(ctx, list, GR_E_RANGE, NULL, "%d weights are given for %lld classes", list->n,
                             (long long)classes);
    for (int i = 0; i < list->n; i++) {
        const gr_tree *w = list->child[i];
        if ((w->kind != GR_TREE_INT && w->kind != GR_TREE_REAL) || !(w->number >= 0) || isinf(w->number))
            return gr__tree_fail(ctx, w, GR_E_RANGE, NULL, "%s is not a weight: a number from 0 on",
                                 gr__tree_show(w, shown, sizeof shown));
        any |= w->number > 0;
    }
    return any ? GR_OK : gr__tree_fail(ctx, list, GR_E_RANGE, NULL, "every weight is 0: no class would count");
}

bool gr__check_class_list(gr_build *b, const char *key, const char *hint, const gr_tree *list, int64_t classes)
{
    gr_status st = check_list(b->ctx, list, hint, classes);
    if (st != GR_OK) gr_graph_fail(b->g, st, "%s are refused", key);
    return st == GR_OK;
}

gr_val gr__class_list(gr_build *b, const gr_tree *list, int64_t classes)
{
    double *w = gr__bump_alloc(b->memory, sizeof *w * (size_t)classes);
    if (!w) return gr_graph_fail(b->g, GR_E_MEMORY, "no memory for a number a class");
    for (int64_t i = 0; i < classes; i++) w[i] = list->child[i]->number;
    return gr_const_tensor(b->g, GR_SHAPE(1, classes), w);
}
