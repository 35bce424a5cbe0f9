/* Dense: every output is a weighted sum of all inputs.                                          [chapter 4.1; PyTorch
 * Linear] Works on the last axis, whatever the rank: on [length, features] the same weights serve every position. */
#include "nn/layer.h"

static const gr_row rows[] = {
    GR_ROW("units", INT, NULL, "[1,1000000000]", "1", "how many outputs"),
    GR_ROW("bias", BOOL, "true", "", "", "adds one number an output"),
    GR_ROW("activation", TREE, "none", "the name of an activation, or {type: ..., its settings}", "",
           "what is applied to the sums"),
};

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, in[0]);
    int64_t units = gr__setting_int(s, "units");
    if (shape.rank < 2) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of at least one axis");
    if (!gr__build_has_features(b, in[0])) return GR_NONE;
    int64_t features = shape.dim[shape.rank - 1], positions = 1;
    for (int i = 0; i + 1 < shape.rank; i++) positions *= shape.dim[i];
    gr__activation_follow(b, gr__setting_tree(s, "activation"));
    gr_val w =
        gr__build_param(b, "weight", GR_SHAPE(units, features), GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, features, units);
    gr_val y = gr_matmul(g, gr_reshape(g, in[0], GR_SHAPE(positions, features)), w, false, true);
    if (gr__setting_bool(s, "bias"))
        y = gr_add(g, y, gr__build_param(b, "bias", GR_SHAPE(units), GR_ROLE_BIAS, GR_LAYOUT_PLAIN, features, units));
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
    .build = build,
};
