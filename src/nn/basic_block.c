/* Basic block of a residual network: two convolutions of 3 x 3 and the input added.               [He et al. 2016,
 * figure 5 left; torchvision BasicBlock] */
#include "nn/block.h"

static const gr_row rows[] = {
    GR_ROW("filters", INT, NULL, "[1,1000000000]", "1", "how many output channels"),
    GR_ROW("stride", INT, "1", "[1,1000000]", "pixels", "of the first convolution, and of the shortcut"),
    GR__BLOCK_ROWS("relu"),
};

extern const gr_layer gr__layer_basic_block;

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    if (!gr__block_check(b, &gr__layer_basic_block, s, in[0])) return GR_NONE;
    int64_t filters = gr__setting_int(s, "filters"), stride = gr__setting_int(s, "stride");
    gr_val y = gr__block_conv_build(
        b, s, in[0],
        &(gr__block_conv){
            .conv = "conv1", .norm = "bn1", .filters = filters, .kernel = 3, .stride = stride, .activation = "act1"});
    y = gr__block_conv_build(
        b, s, y, &(gr__block_conv){.conv = "conv2", .norm = "bn2", .filters = filters, .kernel = 3, .stride = 1});
    gr_val sum = gr_add(b->g, y, gr__block_shortcut(b, s, in[0], filters, stride));
    return gr__activation_named(b, "act2", gr__setting_tree(s, "activation"), sum);
}

GR_LAYER(basic_block) = {
    .head =
        {
            .family = "layer",
            .name = "basic_block",
            .title = "Basic block: two convolutions of 3 x 3, and the input added",
            .cite = "He et al. 2016, figure 5 left; torchvision BasicBlock",
            .equations = "y = a(bn2(conv2(a(bn1(conv1(x))))) + x)        a: activation\n"
                         "where stride or channels differ, downsample(x), a convolution of 1 x 1, stands for x",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .build = build,
};
