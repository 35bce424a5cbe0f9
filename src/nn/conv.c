/* Convolution over pictures [height, width, channels] and sequences [length, features].          [LeCun et al. 1998;
 * PyTorch Conv2d, Conv1d] */
#include "nn/window.h"

static const gr_row rows[] = {
    GR_ROW("filters", INT, NULL, "[1,1000000000]", "1", "how many output channels"),
    GR_ROW("kernel", AXES, "3", "[1,1000000]", "pixels", "size of the window; a number, or a list of one an axis"),
    GR_ROW("stride", AXES, "1", "[1,1000000]", "pixels", "step of the window"),
    GR_ROW("padding", TREE, "valid", "same, valid, a number, or a list of one an axis", "pixels",
           "zeros around; same: ceil(input / stride) outputs, the odd one at the end"),
    GR_ROW("dilation", AXES, "1", "[1,1000000]", "pixels", "distance between the window's points"),
    GR_ROW("groups", TREE, "1", "a number that divides channels and filters, or depthwise", "1",
           "parts that see only their own channels; depthwise: one a channel"),
    GR_ROW("bias", BOOL, "true", "", "", "adds one number a filter"),
    GR_ROW("activation", TREE, "none", "the name of an activation, or {type: ..., its settings}", "",
           "what is applied to the sums"),
};

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    int axes;
    gr__window w;
    gr_val x = gr__picture(b, in[0], &axes);
    if (!x) return GR_NONE;
    gr_shape shape = gr_shape_of(g, x);
    int64_t filters = gr__setting_int(s, "filters"), groups;
    if (!gr__window_read(b, s, shape, axes, "kernel", true, &w) ||
        !(groups = gr__groups_read(b, s, shape.dim[3], filters)))
        return GR_NONE;
    int64_t depth = shape.dim[3] / groups, area = w.size[0] * w.size[1];
    gr_conv_attr attr = {.groups = groups};
    for (int i = 0; i < 2; i++) {
        attr.stride[i] = w.stride[i], attr.dilation[i] = w.dilation[i];
        attr.pad_before[i] = w.before[i], attr.pad_after[i] = w.after[i];
    }
    gr__activation_follow(b, gr__setting_tree(s, "activation"));
    gr_val weight = gr__build_param(b, "weight", GR_SHAPE(filters, w.size[0], w.size[1], depth), GR_ROLE_WEIGHT,
                                    axes == 2 ? GR_LAYOUT_CONV : GR_LAYOUT_CONV1D, depth * area, filters * area);
    gr_val y = gr_conv(g, x, weight, attr);
    if (gr__setting_bool(s, "bias"))
        y = gr_add(
            g, y,
            gr__build_param(b, "bias", GR_SHAPE(filters), GR_ROLE_BIAS, GR_LAYOUT_PLAIN, depth * area, filters * area));
    return gr__activation_build(b, gr__setting_tree(s, "activation"), gr__unpicture(b, y, axes));
}

GR_LAYER(conv) = {
    .head =
        {
            .family = "layer",
            .name = "conv",
            .title = "Convolution: the same window of weights at every place",
            .cite = "LeCun et al. 1998; PyTorch Conv2d, Conv1d",
            .equations = "y[i,j,o] = b[o] + sum_{u,v,c} x[i s + u d - p, j s + v d - p, c] W[o,c,u,v]\n"
                         "s stride, d dilation, p padding; c runs over the channels of o's group\n"
                         "outputs an axis: floor((in + pads - d (kernel - 1) - 1) / s) + 1; padding same: ceil(in / s)",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .channels = GR_CHANNELS_FILTERED,
    .build = build,
};
