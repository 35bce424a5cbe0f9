/* Normalisations, said by simpler operations. Their rules are here because of what they keep: the backward pass reads
 * the operand alone, and statistics that are small. What it makes of the operand anew is written as mean - x where the
 * forward pass has x - mean: equal nodes would be one value, a tensor as large as the operand, stored in between. */
#include "graph/norm.h"
#include "graph/op.h"

/* ---- means ---- */

/* Over the axes of the mask, which stay with size 1. */
static gr_val mean_over(gr_graph *g, gr_val x, int64_t mask)
{
    gr_shape s = gr_shape_of(g, x);
    int axes[GR_MAX_RANK], n = 0;
    double count = 1;
    for (int i = 0; i < s.rank; i++)
        if (mask >> i & 1) axes[n++] = i, count *= (double)s.dim[i];
    return gr_mul(g, gr_sum(g, x, axes, n, true), gr_const(g, 1 / count));
}

/* Over all axes but the last. */
static gr_val sum_columns(gr_graph *g, gr_val x)
{
    static const int axes[GR_MAX_RANK] = {0, 1, 2, 3, 4, 5};
    return gr_sum(g, x, axes, gr_shape_of(g, x).rank - 1, false);
}

static gr_val scaled(gr_graph *g, gr_val x, double by)
{
    return gr_mul(g, x, gr_const(g, by));
}

static gr_val inverse_root(gr_graph *g, gr_val variance, double eps)
{
    return gr_recip(g, gr_sqrt(g, gr_add(g, variance, gr_const(g, eps))));
}

/* ---- within a sample: x / sqrt(mean of x^2 + eps) weight, x less its mean first where `centred` ---- */

typedef struct within {
    gr_val mean, inverse; /* GR_NONE: not centred */
} within;

static within statistics(gr_graph *g, const gr_attr *attr, gr_val x)
{
    within w = {.mean = attr->i[1] ? mean_over(g, x, attr->i[0]) : GR_NONE};
    gr_val centred = w.mean ? gr_sub(g, x, w.mean) : x;
    w.inverse = inverse_root(g, mean_over(g, gr_square(g, centred), attr->i[0]), attr->f[0]);
    return w;
}

static void sample_norm_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    (void)n_in;
    within w = statistics(g, attr, in[0]);
    gr_val centred = w.mean ? gr_sub(g, in[0], w.mean) : in[0];
    out[0] = gr_mul(g, gr_mul(g, centred, w.inverse), in[1]);
}

/* dx = (t - mean t - h mean(t h)) / sqrt(variance + eps), t = dy weight, h the normalised x; without mean t where it is
 * not centred. The sign of h does not matter. */
static void sample_norm_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    gr_val x = n->in[0], dy = dout[0];
    within w = statistics(g, &n->attr, x);
    gr_val minus_h = gr_mul(g, w.mean ? gr_sub(g, w.mean, x) : gr_neg(g, x), w.inverse);
    if (gr__wanted(g, n, 0)) {
        gr_val t = gr_mul(g, dy, n->in[1]), along = mean_over(g, gr_mul(g, t, minus_h), n->attr.i[0]);
        gr_val free = w.mean ? gr_sub(g, t, mean_over(g, t, n->attr.i[0])) : t;
        din[0] = gr_mul(g, gr_sub(g, free, gr_mul(g, minus_h, along)), w.inverse);
    }
    if (gr__wanted(g, n, 1)) din[1] = gr_neg(g, gr__sum_to(g, gr_mul(g, dy, minus_h), gr_shape_of(g, n->in[1])));
}

/* ---- within a batch: each channel, the last axis, over all others ----
 *
 * Mean and variance come from one pass over x: of x - c, for a c that is near the mean, so that squares lose nothing.
 * c is the first sample's mean; neither result depends on it. */

static gr_val near_mean(gr_graph *g, gr_val x)
{
    gr_shape s = gr_shape_of(g, x);
    double count = 1;
    for (int i = 1; i + 1 < s.rank; i++) count *= (double)s.dim[i];
    gr_val first = gr_slice(g, x, 0, 0, GR_MIN(s.dim[0], 1));
    return gr_stop(g, scaled(g, sum_columns(g, first), 1 / count));
}

static double rows_of(gr_shape s)
{
    double m = 1;
    for (int i = 0; i + 1 < s.rank; i++) m *= (double)s.dim[i];
    return m;
}

static void channel_norm_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out)
{
    (void)n_in;
    gr_val x = in[0];
    if (gr_shape_of(g, x).rank < 2) {
        gr_graph_fail(g, GR_E_SHAPE, "wants a batch of channels");
        return;
    }
    double m = rows_of(gr_shape_of(g, x));
    gr_val near = near_mean(g, x), off = gr_sub(g, x, near);
    gr_val moved = scaled(g, sum_columns(g, off), 1 / m);
    gr_val square = scaled(g, sum_columns(g, gr_square(g, off)), 1 / m);
    gr_val mean = gr_add(g, near, moved);
    gr_val variance = gr_max(g, gr_sub(g, square, gr_square(g, moved)), gr_const(g, 0));
    out[0] = gr_mul(g, gr_sub(g, x, mean), gr_mul(g, in[1], inverse_root(g, variance, attr->f[0])));
    out[1] = mean;
    out[2] = variance;
}

/* Everything that is one number a channel goes into three of them, so that the second pass reads x and dy alone:
 * dx = dy f + x k + rest. */
static void channel_norm_gradient(gr_graph *g, const gr_node *n, const gr_val *dout, gr_val *din)
{
    gr_val x = n->in[0], mean = gr__node_output(g, n->out, 1), variance = gr__node_output(g, n->out, 2), dy = dout[0];
    double each = 1 / rows_of(gr_shape_of(g, x));
    gr_val inverse = inverse_root(g, variance, n->attr.f[0]), f = gr_mul(g, n->in[1], inverse);
    gr_val k = gr_const(g, 0), rest = gr_const(g, 0), dx = gr_const(g, 0);
    if (dy) {
        gr_val sum = sum_columns(g, dy), along = sum_columns(g, gr_mul(g, dy, gr_sub(g, mean, x)));
        if (gr__wanted(g, n, 1)) din[1] = gr_neg(g, gr__sum_to(g, gr_mul(g, inverse, along), gr_shape_of(g, n->in[1])));
        k = gr_mul(g, scaled(g, gr_mul(g, f, gr_square(g, inverse)), each), along);
        rest = gr_neg(g, scaled(g, gr_mul(g, f, sum), each));
        dx = gr_mul(g, dy, f);
    }
    if (!gr__wanted(g, n, 0)) return;
    if (dout[2]) k = gr_add(g, k, scaled(g, dout[2], 2 * each));
    if (dout[1]) rest = gr_add(g, rest, scaled(g, dout[1], each));
    rest = gr_sub(g, rest, gr_mul(g, mean, k));
    din[0] = gr_broadcast(g, gr_add(g, gr_add(g, dx, gr_mul(g, x, k)), rest), gr_shape_of(g, x));
}

/* ---- the table ---- */

static const gr__field sample_norm_fields[] = {
    {GR__FIELD_AXIS_SET, 0, 1, "axes", GR__SHOWN},
    {GR__FIELD_INTEGERS, 1, 1, "centred", GR__SHOWN},
    {GR__FIELD_REAL, 0, 1, "eps", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field channel_norm_fields[] = {
    {GR__FIELD_REAL, 0, 1, "eps", GR__SHOWN},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__norm_ops[] = {
    {.code = GR_OP_SAMPLE_NORM,
     .class = GR_CLASS_COMPOSED,
     .name = "sample_norm",
     .n_in = 2,
     .n_out = 1,
     .gradient = sample_norm_gradient,
     .decompose = sample_norm_decompose,
     .domain = {-2, 2},
     .branches = GR__BRANCHES_ONE,
     .fields = sample_norm_fields},
    {.code = GR_OP_CHANNEL_NORM,
     .class = GR_CLASS_COMPOSED,
     .name = "channel_norm",
     .n_in = 2,
     .n_out = 3,
     .gradient = channel_norm_gradient,
     .decompose = channel_norm_decompose,
     .domain = {-2, 2},
     .branches = GR__BRANCHES_ONE,
     .fields = channel_norm_fields},
};

/* ---- builders ---- */

gr_val gr__sample_norm(gr_graph *g, gr_val x, gr_val weight, const int *axes, int n, bool centred, double eps)
{
    gr_attr attr = {.i = {0, centred}, .f = {eps}};
    if (!gr__usable(g, GR_OP_SAMPLE_NORM, x) || !gr__usable(g, GR_OP_SAMPLE_NORM, weight)) return GR_NONE;
    for (int i = 0; i < n; i++) attr.i[0] |= (int64_t)1 << axes[i];
    return gr__node_add(g, GR_OP_SAMPLE_NORM, (gr_val[]){x, weight}, 2, &attr, NULL);
}

gr_val gr__channel_norm(gr_graph *g, gr_val x, gr_val weight, double eps, gr_val *mean, gr_val *variance)
{
    if (!gr__usable(g, GR_OP_CHANNEL_NORM, x) || !gr__usable(g, GR_OP_CHANNEL_NORM, weight)) return GR_NONE;
    gr_val y = gr__node_add(g, GR_OP_CHANNEL_NORM, (gr_val[]){x, weight}, 2, &(gr_attr){.f = {eps}}, NULL);
    *mean = y ? gr__node_output(g, y, 1) : GR_NONE;
    *variance = y ? gr__node_output(g, y, 2) : GR_NONE;
    return y;
}
