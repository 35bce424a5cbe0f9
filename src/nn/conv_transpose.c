/* Transposed convolution over pictures [height, width, channels] and sequences [length, features]: what the gradient of
 * a convolution's data is.                                                        [Dumoulin & Visin 2016, section 4;
 * PyTorch ConvTranspose2d, ConvTranspose1d] */
#include "nn/window.h"

static const gr_row rows[] = {
    GR_ROW("filters", INT, NULL, "[1,1000000000]", "1", "how many output channels"),
    GR_ROW("kernel", AXES, "3", "[1,1000000]", "pixels", "size of the window; a number, or a list of one an axis"),
    GR_ROW("stride", AXES, "1", "[1,1000000]", "pixels", "distance between the windows in the output"),
    GR_ROW("padding", TREE, "valid", "same, valid, a number, or a list of one an axis", "pixels",
           "outputs that are cut off around; same: input x stride outputs"),
    GR_ROW("output_padding", AXES, "0", "[0,1000000]", "pixels",
           "outputs more at the end; less than stride or dilation, not with padding: same"),
    GR_ROW("dilation", AXES, "1", "[1,1000000]", "pixels", "distance between the window's points"),
    GR_ROW("groups", TREE, "1", "a number that divides channels and filters, or depthwise", "1",
           "parts that see only their own channels; depthwise: one a channel"),
    GR_ROW("bias", BOOL, "true", "", "", "adds one number a filter"),
    GR_ROW("activation", TREE, "none", "the name of an activation, or {type: ..., its settings}", "",
           "what is applied to the sums"),
};

/* Of an axis: the convolution whose data the outputs are has `size` places; `zeros` more follow that no window
 * reaches. */
typedef struct extent {
    int64_t size[2], zeros[2];
} extent;

/* padding: same of a transposed convolution; what a window lacks to reach from one to the next is padded at the end. */
static void pad_same(gr__window *w, int i, int64_t *more)
{
    int64_t over = w->dilation[i] * (w->size[i] - 1) + 1 - w->stride[i];
    w->before[i] = GR_MAX(over, 0) / 2;
    w->after[i] = GR_MAX(over, 0) - w->before[i];
    *more = GR_MAX(-over, 0);
}

/* Outputs more at the end are such that were cut off, and zeros when there are no more of those. */
static bool find_extent(gr_build *b, gr__window *w, const int64_t *more, extent *e)
{
    for (int i = 0; i < 2; i++) {
        int64_t uncut = GR_MIN(more[i], w->after[i]), reach = w->dilation[i] * (w->size[i] - 1) + 1;
        w->after[i] -= uncut;
        e->zeros[i] = more[i] - uncut;
        e->size[i] = (w->in[i] - 1) * w->stride[i] + reach - w->before[i] - w->after[i];
        if (w->in[i] > 0 && e->size[i] > 0) continue;
        gr_graph_fail(b->g, GR_E_SHAPE, "a padding of %lld leaves nothing of %lld outputs", (long long)w->before[i],
                      (long long)GR_MAX((w->in[i] - 1) * w->stride[i] + reach, 0));
        return false;
    }
    return true;
}

static bool read_more(gr_build *b, const gr_settings *s, int axes, bool same, gr__window *w, int64_t *more)
{
    if (!gr__window_axes(b, s, "output_padding", axes, more)) return false;
    for (int i = 0; i < 2; i++) {
        if (more[i] && (same || more[i] >= GR_MAX(w->stride[i], w->dilation[i]))) {
            if (same)
                gr_graph_fail(b->g, GR_E_RANGE, "output_padding is for padding in numbers: same settles the size");
            else
                gr_graph_fail(b->g, GR_E_RANGE, "an output_padding of %lld is not below a stride of %lld%s",
                              (long long)more[i], (long long)w->stride[i],
                              w->dilation[i] > 1 ? ", nor below the dilation" : "");
            return false;
        }
        if (same && i >= 2 - axes) pad_same(w, i, &more[i]);
    }
    return true;
}

/* The weights lie as those of the convolution whose adjoint this is, so a file has PyTorch's [in, out / groups, ...].
 */
static gr_val weights(gr_build *b, const gr__window *w, int axes, int64_t channels, int64_t filters, int64_t groups,
                      int64_t *fan_in)
{
    int64_t area = w->size[0] * w->size[1], apart = w->stride[0] * w->stride[1], depth = filters / groups;
    *fan_in = GR_MAX(channels / groups * area / apart, 1); /* as many windows overlap */
    return gr__build_param(b, "weight", GR_SHAPE(channels, w->size[0], w->size[1], depth), GR_ROLE_WEIGHT,
                           axes == 2 ? GR_LAYOUT_CONV : GR_LAYOUT_CONV1D, *fan_in, depth * area);
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    int axes;
    bool same;
    gr__window w;
    extent e;
    int64_t more[2] = {0, 0}, filters = gr__setting_int(s, "filters"), fan_in;
    gr_val x = gr__picture(b, in[0], &axes);
    if (!x) return GR_NONE;
    gr_shape shape = gr_shape_of(g, x);
    int64_t groups = gr__groups_read(b, s, shape.dim[3], filters);
    if (!groups || !gr__window_rows(b, s, shape, axes, "kernel", true, &same, &w) ||
        !read_more(b, s, axes, same, &w, more) || !find_extent(b, &w, more, &e))
        return GR_NONE;
    gr_conv_attr attr = {.groups = groups};
    for (int i = 0; i < 2; i++) {
        attr.stride[i] = w.stride[i], attr.dilation[i] = w.dilation[i];
        attr.pad_before[i] = w.before[i], attr.pad_after[i] = w.after[i];
    }
    gr__activation_follow(b, gr__setting_tree(s, "activation"));
    gr_val weight = weights(b, &w, axes, shape.dim[3], filters, groups, &fan_in);
    gr_val y = gr_conv_data(g, x, weight, e.size[0], e.size[1], attr);
    for (int i = 0; i < 2; i++)
        if (e.zeros[i]) y = gr_pad(g, y, 1 + i, 0, e.zeros[i]);
    if (gr__setting_bool(s, "bias"))
        y = gr_add(g, y,
                   gr__build_param(b, "bias", GR_SHAPE(filters), GR_ROLE_BIAS, GR_LAYOUT_PLAIN, fan_in,
                                   filters / groups * w.size[0] * w.size[1]));
    return gr__activation_build(b, gr__setting_tree(s, "activation"), gr__unpicture(b, y, axes));
}

GR_LAYER(conv_transpose) = {
    .head =
        {
            .family = "layer",
            .name = "conv_transpose",
            .title = "Transposed convolution: every input adds a window of weights to the output",
            .cite = "Dumoulin & Visin 2016, section 4; PyTorch ConvTranspose2d, ConvTranspose1d",
            .equations =
                "y[i s + u d - p, j s + v d - p, o] += x[i,j,c] W[c,o,u,v]; then + b[o]\n"
                "s stride, d dilation, p padding; c runs over the channels of o's group\n"
                "outputs an axis: (in - 1) s - pads + d (kernel - 1) + 1 + output_padding; padding same: in s\n"
                "fan in: (channels / groups) prod(kernel) / prod(s), as many numbers as an output sums",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .build = build,
};
