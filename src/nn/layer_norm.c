/* Layer normalisation: every sample, or every step of one, gets mean 0 and variance 1 over its features, then a scale
 * and a shift that are trained. The same in training and evaluation.                     [Ba, Kiros & Hinton 2016] */
#include "nn/norm.h"

static const gr_row rows[] = {
    GR_ROW("axes", TREE, "last", "last, an axis of a sample from 0, or a list", "1",
           "over which axes; each has its own weights"),
    GR_ROW("eps", REAL, "1e-5", "(0,inf)", "1", "is added to the variance"),
    GR_ROW("affine", BOOL, "true", "", "", "scale and shift are trained"),
    GR_ROW("bias", BOOL, "true", "", "", "with a shift, where there is a scale", .idle = "affine: false"),
};

/* The axes of the batch that `axes` names, in order; how many, 0: refused. */
static int read_axes(gr_build *b, const gr_tree *t, gr_shape shape, int *axes)
{
    bool named[GR_MAX_RANK] = {false};
    int n = t->kind == GR_TREE_LIST ? t->n : 1, found = 0;
    for (int i = 0; i < n; i++) {
        const gr_tree *one = t->kind == GR_TREE_LIST ? t->child[i] : t;
        int axis = gr__join_axis(b, one, shape);
        if (!axis) return 0;
        if (named[axis]) {
            gr_status st = gr__tree_fail(b->ctx, one, GR_E_RANGE, "each axis once",
                                         "axis %d of a sample is named twice", axis - 1);
            return gr_graph_fail(b->g, st, "the axes are refused"), 0;
        }
        named[axis] = true;
    }
    for (int i = 1; i < shape.rank; i++)
        if (named[i]) axes[found++] = i;
    return found;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_shape shape = gr_shape_of(b->g, in[0]), weights = {.rank = 0};
    int axes[GR_MAX_RANK];
    if (!gr__join_last(b, in[0])) return GR_NONE;
    int n = read_axes(b, gr__setting_tree(s, "axes"), shape, axes);
    if (n == 0) return gr_graph_status(b->g) == GR_OK ? gr_graph_fail(b->g, GR_E_RANGE, "there is no axis") : GR_NONE;
    if (axes[0] == 1 && !gr__join_moves_steps(b)) return GR_NONE;
    for (int i = 0; i < n; i++) weights.dim[weights.rank++] = shape.dim[axes[i]];
    gr__norm_note(b, gr_shape_count(weights));
    bool affine = gr__setting_bool(s, "affine"), shifts = affine && gr__setting_bool(s, "bias"),
         channels = shape.rank == 4 && n > 1 && axes[n - 1] == 3;
    gr_layout layout = channels ? GR_LAYOUT_CHANNELS : GR_LAYOUT_PLAIN;
    gr_shape along = shape; /* the weights beside a sample */
    along.rank = 0;
    for (int i = axes[0], k = 0; i < shape.rank; i++)
        along.dim[along.rank++] = k < n && axes[k] == i ? shape.dim[axes[k++]] : 1;
    gr_val weight =
        affine ? gr__build_param(b, "weight", weights, GR_ROLE_NORM_SCALE, layout, 1, 1) : gr_const(b->g, 1);
    if (affine) weight = gr_reshape(b->g, weight, along);
    gr_val y = gr__sample_norm(b->g, in[0], weight, axes, n, true, gr__setting_real(s, "eps"));
    if (!shifts) return y;
    gr_val shift = gr__build_param(b, "bias", weights, GR_ROLE_NORM_SHIFT, layout, 1, 1);
    return gr_add(b->g, y, gr_reshape(b->g, shift, along));
}

GR_LAYER(layer_norm) = {
    .head =
        {
            .family = "layer",
            .name = "layer_norm",
            .title = "Layer normalisation: every sample with mean 0 and variance 1 over its features",
            .cite = "Ba, Kiros & Hinton 2016; PyTorch LayerNorm",
            .equations = "mu, v = mean and variance over the axes, of each sample (and of each step and place that is "
                         "not among them)\n"
                         "y = weight (x - mu) / sqrt(v + eps) + bias",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .normalises = GR_NORMALISES_SAMPLES,
    .takes_lengths = true,
    .build = build,
};
