/* Bottleneck of a residual network: narrow, convolve, widen, and the input added.                 [He et al. 2016,
 * figure 5 right; torchvision Bottleneck, whose stride stands at the convolution of 3 x 3] */
#include "nn/block.h"

static const gr_row rows[] = {
    GR_ROW("filters", INT, NULL, "[1,100000000]", "1", "how many channels the convolution of 3 x 3 has"),
    GR_ROW("stride", INT, "1", "[1,1000000]", "pixels", "of the convolution of 3 x 3, and of the shortcut"),
    GR_ROW("expansion", INT, "4", "[1,1000]", "1", "output channels are so many times the filters"),
    GR__BLOCK_ROWS("relu"),
};

extern const gr_layer gr__layer_bottleneck;

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    if (!gr__block_check(b, &gr__layer_bottleneck, s, in[0])) return GR_NONE;
    int64_t filters = gr__setting_int(s, "filters"), stride = gr__setting_int(s, "stride");
    int64_t wide = filters * gr__setting_int(s, "expansion");
    gr_val y = gr__block_conv_build(
        b, s, in[0],
        &(gr__block_conv){
            .conv = "conv1", .norm = "bn1", .filters = filters, .kernel = 1, .stride = 1, .activation = "act1"});
    y = gr__block_conv_build(
        b, s, y,
        &(gr__block_conv){
            .conv = "conv2", .norm = "bn2", .filters = filters, .kernel = 3, .stride = stride, .activation = "act2"});
    y = gr__block_conv_build(
        b, s, y, &(gr__block_conv){.conv = "conv3", .norm = "bn3", .filters = wide, .kernel = 1, .stride = 1});
    gr_val sum = gr_add(b->g, y, gr__block_shortcut(b, s, in[0], wide, stride));
    return gr__activation_named(b, "act3", gr__setting_tree(s, "activation"), sum);
}

GR_LAYER(bottleneck) = {
    .head =
        {
            .family = "layer",
            .name = "bottleneck",
            .title = "Bottleneck: convolutions of 1 x 1, 3 x 3 and 1 x 1, and the input added",
            .cite = "He et al. 2016, figure 5 right; torchvision Bottleneck",
            .equations = "y = a(bn3(conv3(a(bn2(conv2(a(bn1(conv1(x)))))))) + x)        a: activation\n"
                         "where stride or channels differ, downsample(x), a convolution of 1 x 1, stands for x",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .build = build,
};
