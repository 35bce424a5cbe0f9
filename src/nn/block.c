/* Blocks of convolutional networks: a convolution with what stands behind it, and the way past a block. */
#include "nn/block.h"

#include <stdio.h>

int64_t gr__block_channels(gr_build *b, gr_val x)
{
    gr_shape s = gr_shape_of(b->g, x);
    return s.rank > 0 ? s.dim[s.rank - 1] : 0;
}

static const char *conv_text(gr_build *b, const gr__block_conv *c, bool bias)
{
    char padding[32] = "same";
    if (!c->same) snprintf(padding, sizeof padding, "%lld", (long long)(c->kernel - 1) / 2);
    return gr__bump_format(b->memory,
                           "{type: conv, filters: %lld, kernel: %lld, stride: %lld, padding: %s, groups: %s, bias: %s}",
                           (long long)c->filters, (long long)c->kernel, (long long)c->stride, padding,
                           c->depthwise ? "depthwise" : "1", bias ? "true" : "false");
}

gr_val gr__block_conv_build(gr_build *b, const gr_settings *s, gr_val x, const gr__block_conv *c)
{
    const gr_tree *norm = gr__setting_tree(s, "norm");
    const gr_tree *activation = c->activation ? gr__setting_tree(s, "activation") : NULL;
    if (gr_graph_status(b->g) != GR_OK) return GR_NONE;
    if (gr__tree_none(norm)) norm = NULL;
    gr_val y = gr__build_before(b, c->conv, gr__layer_made(b, s->tree, conv_text(b, c, !norm)), activation, &x, 1);
    if (norm && y) y = gr__build_norm(b, c->norm, norm, activation, y);
    return c->activation ? gr__activation_named(b, c->activation, activation, y) : y;
}

gr_val gr__block_shortcut(gr_build *b, const gr_settings *s, gr_val x, int64_t filters, int64_t stride)
{
    if (stride == 1 && gr__block_channels(b, x) == filters) return x;
    const gr__block_conv c = {
        .conv = "downsample.0", .norm = "downsample.1", .filters = filters, .kernel = 1, .stride = stride};
    return gr__block_conv_build(b, s, x, &c);
}
