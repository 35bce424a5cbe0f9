/* Inverted residual: widen, convolve each channel alone, narrow, and the input added where it fits. [Sandler et al.
 * 2018; torchvision InvertedResidual; with squeeze and excite Tan & Le 2019] */
#include "nn/block.h"

static const gr_row rows[] = {
    GR_ROW("filters", INT, NULL, "[1,1000000000]", "1", "how many output channels"),
    GR_ROW("expansion", INT, "6", "[1,1000]", "1", "how many times as wide it is inside; 1: nothing is widened"),
    GR_ROW("kernel", INT, "3", "{1,3,5,7,9,11}", "pixels", "of the convolution of each channel"),
    GR_ROW("stride", INT, "1", "[1,1000000]", "pixels", "of the convolution of each channel"),
    GR_ROW("padding", CHOICE, "symmetric", "symmetric|same", "",
           "(kernel - 1) / 2 on both sides; same: the odd pixel at the end, as in TensorFlow"),
    GR_ROW("excite", TREE, "none", "none, or a layer, such as {type: squeeze_excite, ratio: 4}", "",
           "what stands behind the convolution of each channel"),
    GR__BLOCK_ROWS("relu6"),
    GR_ROW("names", CHOICE, "torchvision", "torchvision|efficientnet", "", "what the parameters are called in files"),
};

typedef struct part {
    const char *conv, *norm, *activation;
} part;

/* torchvision's names, where nothing is widened and where something is, and EfficientNet's. */
static const part plain[2][3] = {
    {{"", "", ""}, {"conv.0.0", "conv.0.1", "conv.0.2"}, {"conv.1", "conv.2", NULL}},
    {{"conv.0.0", "conv.0.1", "conv.0.2"}, {"conv.1.0", "conv.1.1", "conv.1.2"}, {"conv.2", "conv.3", NULL}}};
static const part efficient[3] = {
    {"_expand_conv", "_bn0", "_act0"}, {"_depthwise_conv", "_bn1", "_act1"}, {"_project_conv", "_bn2", NULL}};

extern const gr_layer gr__layer_inverted_residual;

static const part *parts_of(const gr_settings *s, bool widens)
{
    return gr__setting_is(s, "names", "efficientnet") ? efficient : plain[widens];
}

/* Where nothing is widened, what is convolved alone are the channels of the input. */
void gr__inverted_banks(const gr_settings *s, int64_t channels, gr__block_bank out[GR__BLOCK_BANKS], int *n)
{
    bool widens = gr__setting_int(s, "expansion") != 1 && channels > 0;
    const part *p = parts_of(s, widens);
    *n = 0;
    if (!widens) return;
    out[(*n)++] = (gr__block_bank){.conv = p[0].conv,
                                   .norm = p[0].norm,
                                   .activation = p[0].activation,
                                   .depth = p[1].conv,
                                   .depth_norm = p[1].norm,
                                   .depth_activation = p[1].activation,
                                   .next = p[2].conv,
                                   .held = !gr__tree_none(gr__setting_tree(s, "excite"))};
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    if (!gr__block_check(b, &gr__layer_inverted_residual, s, in[0])) return GR_NONE;
    int64_t filters = gr__setting_int(s, "filters"), stride = gr__setting_int(s, "stride");
    int64_t channels = gr__block_channels(b, in[0]), wide = channels * gr__setting_int(s, "expansion");
    bool widens = wide != channels, same = gr__setting_is(s, "padding", "same");
    const gr_tree *excite = gr__setting_tree(s, "excite");
    const part *p = parts_of(s, widens);
    gr_val y = in[0];
    if (widens)
        y = gr__block_conv_build(b, s, y,
                                 &(gr__block_conv){.conv = p[0].conv,
                                                   .norm = p[0].norm,
                                                   .filters = wide,
                                                   .kernel = 1,
                                                   .stride = 1,
                                                   .activation = p[0].activation});
    y = gr__block_conv_build(b, s, y,
                             &(gr__block_conv){.conv = p[1].conv,
                                               .norm = p[1].norm,
                                               .filters = wide,
                                               .kernel = gr__setting_int(s, "kernel"),
                                               .stride = stride,
                                               .same = same,
                                               .depthwise = true,
                                               .activation = p[1].activation});
    if (!gr__tree_none(excite) && y) y = gr__build_inner(b, "se", excite, &y, 1);
    y = gr__block_conv_build(
        b, s, y, &(gr__block_conv){.conv = p[2].conv, .norm = p[2].norm, .filters = filters, .kernel = 1, .stride = 1});
    return stride == 1 && channels == filters ? gr_add(b->g, y, in[0]) : y;
}

GR_LAYER(inverted_residual) = {
    .head =
        {
            .family = "layer",
            .name = "inverted_residual",
            .title = "Inverted residual: wide inside, each channel convolved alone, and the input added",
            .cite = "Sandler et al. 2018; torchvision InvertedResidual",
            .equations = "y = project(depthwise(expand(x))) + x        each a convolution and its normalisation\n"
                         "the activation follows the first two; x is added where stride is 1 and channels are equal",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .inner_activation = true,
    .build = build,
};
