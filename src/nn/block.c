/* Blocks of convolutional networks: a convolution with what stands behind it, and the way past a block. */
#include "nn/block.h"

#include <stdio.h>
#include <string.h>

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

/* ---- filters within ---- */

extern const gr_layer gr__layer_basic_block, gr__layer_bottleneck, gr__layer_inverted_residual;

int gr__block_banks(const gr_layer *m, const gr_settings *s, int64_t channels, gr__block_bank out[GR__BLOCK_BANKS])
{
    int n = 0;
    if (m == &gr__layer_basic_block || m == &gr__layer_bottleneck)
        out[n++] = (gr__block_bank){.conv = "conv1", .norm = "bn1", .activation = "act1", .next = "conv2"};
    if (m == &gr__layer_bottleneck)
        out[n++] = (gr__block_bank){.conv = "conv2", .norm = "bn2", .activation = "act2", .next = "conv3"};
    if (m == &gr__layer_inverted_residual) gr__inverted_banks(s, channels, out, &n);
    return n;
}

bool gr__block_check(gr_build *b, const gr_layer *m, const gr_settings *s, gr_val x)
{
    const gr_tree *t = gr__setting_tree(s, "inside");
    gr__block_bank bank[GR__BLOCK_BANKS];
    int n = gr__block_banks(m, s, gr__block_channels(b, x), bank);
    if (gr__tree_none(t)) return true;
    if (t->kind != GR_TREE_MAP) {
        gr_graph_fail(b->g,
                      gr__tree_fail(b->ctx, t, GR_E_TYPE, "inside: {NAME: 32}", "%s is not a map of filters",
                                    gr__tree_kind_name(t)),
                      "inside is refused");
        return false;
    }
    for (int i = 0; i < t->n; i++) {
        int k = 0;
        while (k < n && strcmp(bank[k].conv, t->key[i]) != 0) k++;
        if (k < n) continue;
        gr_graph_fail(b->g,
                      gr__tree_fail(b->ctx, t->child[i], GR_E_KEY, n ? bank[0].conv : NULL,
                                    "no convolution within of which the filters are free is called \"%s\"", t->key[i]),
                      "inside is refused");
        return false;
    }
    return true;
}

/* How many the convolution has: those said, or as usual. 0: refused. */
static int64_t filters_of(gr_build *b, const gr_settings *s, const gr__block_conv *c, gr_val x)
{
    const gr_tree *t = gr__setting_tree(s, "inside"), *own = gr__tree_none(t) ? NULL : gr__tree_get(t, c->conv);
    int64_t filters = c->depthwise ? gr__block_channels(b, x) : c->filters;
    char shown[200];
    if (!own || (gr__tree_int(own, &filters) && filters >= 1 && filters <= 1000000000)) return filters;
    gr_graph_fail(b->g,
                  gr__tree_fail(b->ctx, own, GR_E_RANGE, NULL, "%s is no number of filters, 1 to 1000000000",
                                gr__tree_show(own, shown, sizeof shown)),
                  "inside is refused");
    return 0;
}

gr_val gr__block_conv_build(gr_build *b, const gr_settings *s, gr_val x, const gr__block_conv *usual)
{
    gr__block_conv changed = *usual;
    const gr__block_conv *c = &changed;
    if (gr_graph_status(b->g) == GR_OK && !(changed.filters = filters_of(b, s, usual, x))) return GR_NONE;
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
