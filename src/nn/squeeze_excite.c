/* Squeeze and excite: each channel is weighed by what all of them are on average.                 [Hu, Shen & Sun 2018;
 * torchvision SqueezeExcitation] */
#include "nn/block.h"

static const gr_row rows[] = {
    GR_ROW("units", INT, "none", "[1,1000000000]", "1", "how narrow it becomes between; channels / ratio unless given"),
    GR_ROW("ratio", INT, "16", "[1,1000000]", "1", "how many channels share one such unit, at least one unit",
           .idle = "units"),
    GR_ROW("activation", TREE, "relu", "the name of an activation, or {type: ..., its settings}", "",
           "between the two dense layers"),
    GR_ROW("gate", TREE, "sigmoid", "the name of an activation, or {type: ..., its settings}", "",
           "makes weights of the last sums"),
};

/* called: what the activation's parameters are called by. */
static gr_val dense(gr_build *b, const gr_settings *s, const char *name, int64_t filters, const char *then,
                    const char *called, gr_val x)
{
    const gr_tree *activation = gr__setting_tree(s, then);
    const char *text = gr__bump_format(b->memory, "{type: conv, filters: %lld, kernel: 1}", (long long)filters);
    gr_val y = gr__build_before(b, name, gr__layer_made(b, s->tree, text), activation, &x, 1);
    return gr__activation_named(b, called, activation, y);
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, in[0]);
    if (shape.rank != 3 && shape.rank != 4)
        return gr_graph_fail(g, GR_E_SHAPE, "takes [height, width, channels] or [length, features]");
    int64_t channels = shape.dim[shape.rank - 1], units = gr__setting_int(s, "units");
    if (units < 1) units = GR_MAX(channels / gr__setting_int(s, "ratio"), 1);
    gr_val mean = gr__build_inner(b, "avgpool", gr__layer_made(b, s->tree, "global_avg_pool"), in, 1);
    for (int i = 1; i + 1 < shape.rank; i++) shape.dim[i] = 1;
    gr_val y = dense(b, s, "fc1", units, "activation", "activation", gr_reshape(g, mean, shape));
    return gr_mul(g, in[0], dense(b, s, "fc2", channels, "gate", "scale_activation", y));
}

GR_LAYER(squeeze_excite) = {
    .head =
        {
            .family = "layer",
            .name = "squeeze_excite",
            .title = "Squeeze and excite: channels weighed by their means",
            .cite = "Hu, Shen & Sun 2018; torchvision SqueezeExcitation",
            .equations = "y[i,j,c] = x[i,j,c] g[c],    g = gate(fc2(activation(fc1(mean_{i,j} x[i,j,:]))))\n"
                         "fc1, fc2: convolutions of 1 x 1",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .inner_activation = true,
    .build = build,
};
