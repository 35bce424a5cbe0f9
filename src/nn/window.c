#include <string.h>

#include "nn/window.h"

gr_val gr__picture(gr_build *b, gr_val x, int *axes)
{
    gr_shape s = gr_shape_of(b->g, x);
    *axes = s.rank - 2;
    if (s.rank == 4) return x;
    if (s.rank == 3) return gr_reshape(b->g, x, GR_SHAPE(s.dim[0], 1, s.dim[1], s.dim[2]));
    return gr_graph_fail(b->g, GR_E_SHAPE, "takes [height, width, channels] or [length, features], but a sample has %d %s", s.rank - 1, s.rank == 2 ? "axis" : "axes");
}

gr_val gr__unpicture(gr_build *b, gr_val y, int axes)
{
    gr_shape s = gr_shape_of(b->g, y);
    return axes == 2 || s.rank != 4 ? y : gr_reshape(b->g, y, GR_SHAPE(s.dim[0], s.dim[2], s.dim[3]));
}

/* Reads a row of one number an axis into the last `axes` of two places; absent leaves them. */
static bool read_axes(gr_build *b, const gr_settings *s, const char *row, int axes, int64_t *values)
{
    int64_t read[2];
    if (gr__setting_axes(b->ctx, s, row, read, axes))
        for (int i = 0; i < axes; i++) values[2 - axes + i] = read[i];
    else if (gr__error_code(b->ctx) != GR_OK) gr_graph_fail(b->g, gr__error_code(b->ctx), "%s is refused", row);
    return gr_graph_status(b->g) == GR_OK;
}

static void pad_same(gr__window *w, int i)
{
    int64_t out = (w->in[i] + w->stride[i] - 1) / w->stride[i];
    int64_t reach = (out - 1) * w->stride[i] + w->dilation[i] * (w->size[i] - 1) + 1;
    int64_t total = GR_MAX(reach - w->in[i], 0);
    w->before[i] = total / 2;
    w->after[i] = total - total / 2;
}

static bool read_padding(gr_build *b, const gr_settings *s, int axes, gr__window *w)
{
    const gr_tree *t = gr__setting_tree(s, "padding");
    const char *word = t && t->kind == GR_TREE_TEXT ? t->text : NULL;
    if (!t || (word && strcmp(word, "valid") == 0)) return true;
    if (word && strcmp(word, "same") == 0) {
        for (int i = 2 - axes; i < 2; i++) pad_same(w, i);
        return true;
    }
    if (word) {
        gr_status st = gr__tree_fail(b->ctx, t, GR_E_RANGE, NULL, "\"%s\" is no padding: same, valid, a number, or a list of one an axis", word);
        return gr_graph_fail(b->g, st, "padding is refused") != GR_NONE;
    }
    if (!read_axes(b, s, "padding", axes, w->before)) return false;
    for (int i = 0; i < 2; i++) {
        w->after[i] = w->before[i];
        if (w->before[i] < 0) return gr_graph_fail(b->g, GR_E_RANGE, "a padding of %lld is less than 0", (long long)w->before[i]) != GR_NONE;
    }
    return true;
}

bool gr__window_read(gr_build *b, const gr_settings *s, gr_shape picture, int axes, const char *size_row, bool dilated, gr__window *out)
{
    gr__window w = {.in = {picture.dim[1], picture.dim[2]}, .size = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    if (!read_axes(b, s, size_row, axes, w.size)) return false;
    for (int i = 2 - axes; i < 2; i++) w.stride[i] = dilated ? 1 : w.size[i]; /* pooling windows tile the picture unless told otherwise */
    if (!read_axes(b, s, "stride", axes, w.stride)) return false;
    if (dilated && !read_axes(b, s, "dilation", axes, w.dilation)) return false;
    if (!read_padding(b, s, axes, &w)) return false;
    for (int i = 2 - axes; i < 2; i++) {
        int64_t reach = w.dilation[i] * (w.size[i] - 1) + 1, room = w.in[i] + w.before[i] + w.after[i];
        if (reach <= room) continue;
        gr_graph_fail(b->g, GR_E_SHAPE, "a %s of %lld reaches over %lld, but its input has %lld%s", size_row, (long long)w.size[i], (long long)reach, (long long)room,
                      room > w.in[i] ? ", padding included" : "");
        return false;
    }
    *out = w;
    return true;
}
