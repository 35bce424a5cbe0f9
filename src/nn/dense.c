/* Dense: every output is a weighted sum of all inputs.                                          [chapter 4.1; PyTorch
 * Linear] Works on the last axis, whatever the rank: on [length, features] the same weights serve every position. */
#include "graph/shape.h"
#include "nn/adapter.h"

static const gr_row rows[] = {
    GR_ROW("units", INT, NULL, "[1,1000000000]", "1", "how many outputs"),
    GR_ROW("bias", BOOL, "true", "", "", "adds one number an output"),
    GR_ROW("tied", TEXT, "none", "the name of a layer", "",
           "its weight is that layer's own, such as an embedding's of as many words and units"),
    GR_ROW("activation", TREE, "none", "the name of an activation, or {type: ..., its settings}", "",
           "what is applied to the sums"),
};

/* Its own, or that of the layer that it is tied to. */
static gr_val take_weight(gr_build *b, const gr_settings *s, int64_t units, int64_t features)
{
    const gr_tree *tied = gr__setting_tree(s, "tied"), *at = gr__tree_get(s->tree, "tied");
    gr_shape shape = GR_SHAPE(units, features);
    char here[96], there[96];
    if (gr__tree_none(tied))
        return gr__build_param(b, "weight", shape, GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, features, units);
    const gr_param_info *p = gr__build_shared(b, tied->text, "weight");
    if (p && gr__shape_equal(p->entry.shape, shape)) return gr__build_leaf(b, p);
    if (p)
        gr__tree_fail(b->ctx, at, GR_E_SHAPE, NULL, "%s is %s, wanted %s: units and features", p->entry.name,
                      gr__shape_text(p->entry.shape, there), gr__shape_text(shape, here));
    else
        gr__tree_fail(b->ctx, at, GR_E_NAME, "it names a layer before this one that has weights",
                      "no layer \"%s\" has a weight to share", tied->text);
    return gr_graph_fail(b->g, p ? GR_E_SHAPE : GR_E_NAME, "tied is refused");
}

/* x [samples, ..., features] by one matrix, or by one a sample. */
static gr_val multiply(gr_build *b, gr_val x, gr_val w)
{
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, x), weights = gr_shape_of(g, w);
    int64_t features = shape.dim[shape.rank - 1], each = 1;
    for (int i = 1; i + 1 < shape.rank; i++) each *= shape.dim[i];
    bool one = weights.rank == 2;
    x = gr_reshape(g, x, one ? GR_SHAPE(shape.dim[0] * each, features) : GR_SHAPE(shape.dim[0], each, features));
    return one ? gr__adapter_multiply(b, "weight", x, w, 0) : gr_matmul(g, x, w, false, true);
}

/* What is added has an axis of samples where there is one a sample. */
static gr_val add_bias(gr_graph *g, gr_val y, gr_val bias)
{
    gr_shape s = gr_shape_of(g, bias);
    return gr_add(g, y, s.rank == 1 ? bias : gr_reshape(g, bias, GR_SHAPE(s.dim[0], 1, s.dim[1])));
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, in[0]);
    int64_t units = gr__setting_int(s, "units");
    if (shape.rank < 2) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of at least one axis");
    if (!gr__build_has_features(b, in[0])) return GR_NONE;
    int64_t features = shape.dim[shape.rank - 1];
    gr__activation_follow(b, gr__setting_tree(s, "activation"));
    gr_val w = take_weight(b, s, units, features);
    gr_val y = multiply(b, in[0], w);
    if (gr__setting_bool(s, "bias"))
        y = add_bias(g, y, gr__build_param(b, "bias", GR_SHAPE(units), GR_ROLE_BIAS, GR_LAYOUT_PLAIN, features, units));
    shape.dim[shape.rank - 1] = units;
    return gr__activation_build(b, gr__setting_tree(s, "activation"), gr_reshape(g, y, shape));
}

GR_LAYER(dense) = {
    .head =
        {
            .family = "layer",
            .name = "dense",
            .title = "Dense: weighted sums of all inputs",
            .cite = "Rosenblatt 1958; PyTorch Linear",
            .equations = "y = x W^T + b            W [units, inputs], b [units]\n"
                         "applied to the last axis of x",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .takes_lengths = true,
    .weights_a_sample = true,
    .names = "tied",
    .channels = GR_CHANNELS_SUMMED,
    .build = build,
};
