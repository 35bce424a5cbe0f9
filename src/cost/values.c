/* What costs of values share: targets in the output's shape, means and sums over a sample's outputs. */
#include "cost/parts.h"
#include "graph/shape.h"

/* [B, ...] -> [B, values of a sample]. */
static gr_val flat(gr_graph *g, gr_val x, int64_t *values)
{
    gr_shape s = gr_shape_of(g, x);
    *values = s.rank > 0 && s.dim[0] > 0 ? gr_shape_count(s) / s.dim[0] : 1;
    return gr_reshape(g, x, GR_SHAPE(s.dim[0], *values));
}

/* [B, ...] -> [B]: the sum over a sample's values. */
static gr_val sum_per_sample(gr_graph *g, gr_val x)
{
    static const int second[] = {1};
    int64_t values;
    gr_shape s = gr_shape_of(g, x);
    if (s.rank < 2) return x;
    x = flat(g, x, &values);
    return values == 1 ? gr_reshape(g, x, GR_SHAPE(s.dim[0])) : gr_sum(g, x, second, 1, false);
}

gr_val gr__mean_per_sample(gr_graph *g, gr_val x)
{
    int64_t values;
    if (gr_shape_of(g, x).rank < 2) return x;
    flat(g, x, &values);
    gr_val sum = sum_per_sample(g, x);
    return values == 1 ? sum : gr_mul(g, sum, gr_const(g, 1 / (double)values));
}

gr_cost_value gr__per(gr_graph *g, const gr_settings *s, gr_val x)
{
    return (gr_cost_value){.each =
                               gr__setting_is(s, "per", "sample") ? sum_per_sample(g, x) : gr__mean_per_sample(g, x)};
}

double gr__per_reference(const gr_settings *s, double sum, int64_t n)
{
    return gr__setting_is(s, "per", "sample") ? sum : sum / (double)n;
}

gr_val gr__target_values(gr_graph *g, gr_val target, gr_shape output)
{
    gr_shape s = gr_shape_of(g, target);
    char a[96], b[96];
    if (gr_shape_count(s) != gr_shape_count(output))
        return gr_graph_fail(g, GR_E_SHAPE, "targets of shape %s do not fit an output of shape %s",
                             gr__shape_text(s, a), gr__shape_text(output, b));
    return gr_reshape(g, gr_real(g, target), output);
}

gr_val gr__residual(gr_graph *g, gr_val output, gr_val target)
{
    return gr_sub(g, output, gr__target_values(g, target, gr_shape_of(g, output)));
}

gr_reading gr__read_values(gr_shape output)
{
    (void)output;
    return (gr_reading){GR_FORM_VALUES, GR_PREDICT_VALUES};
}

gr_val gr__predict_values(gr_build *b, const gr_settings *s, gr_val output)
{
    (void)b, (void)s;
    return output;
}

bool gr__check_values(gr_build *b, const gr_settings *s, gr_shape output, int classes)
{
    (void)s, (void)classes;
    if (gr_shape_count(output) < 1) gr_graph_fail(b->g, GR_E_SHAPE, "the network has no outputs");
    return gr_graph_status(b->g) == GR_OK;
}
