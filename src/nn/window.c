#include <string.h>

#include "nn/window.h"

enum { MOST_PLACES = 1 << 24 }; /* of a window: a plan has a row of a table for each */

gr_val gr__picture(gr_build *b, gr_val x, int *axes)
{
    gr_shape s = gr_shape_of(b->g, x);
    *axes = s.rank - 2;
    if (s.rank == 4) return x;
    if (s.rank == 3) return gr_reshape(b->g, x, GR_SHAPE(s.dim[0], 1, s.dim[1], s.dim[2]));
    return gr_graph_fail(b->g, GR_E_SHAPE,
                         "takes [height, width, channels] or [length, features], but a sample has %d %s", s.rank - 1,
                         s.rank == 2 ? "axis" : "axes");
}

gr_val gr__unpicture(gr_build *b, gr_val y, int axes)
{
    gr_shape s = gr_shape_of(b->g, y);
    return axes == 2 || s.rank != 4 ? y : gr_reshape(b->g, y, GR_SHAPE(s.dim[0], s.dim[2], s.dim[3]));
}

bool gr__window_axes(gr_build *b, const gr_settings *s, const char *row, int axes, int64_t *values)
{
    int64_t read[2] = {0, 0};
    if (gr__setting_axes(b->ctx, s, row, read, axes))
        for (int i = 0; i < axes; i++) values[2 - axes + i] = read[i];
    else if (gr__error_code(b->ctx) != GR_OK)
        gr_graph_fail(b->g, gr__error_code(b->ctx), "%s is refused", row);
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

/* A whole number from 0 on, or a list of them. */
static bool is_padding(const gr_tree *t)
{
    int64_t p;
    if (t->kind != GR_TREE_LIST) return gr__tree_int(t, &p) && p >= 0 && p <= 1000000;
    for (int i = 0; i < t->n; i++)
        if (t->child[i]->kind == GR_TREE_LIST || !is_padding(t->child[i])) return false;
    return t->n > 0;
}

static bool read_padding(gr_build *b, const gr_settings *s, int axes, bool *same, gr__window *w)
{
    const gr_tree *t = gr__setting_tree(s, "padding");
    const char *word = t && t->kind == GR_TREE_TEXT ? t->text : "";
    char shown[200];
    *same = strcmp(word, "same") == 0;
    if (!t || *same || strcmp(word, "valid") == 0) return true;
    if (!is_padding(t)) {
        gr_status st =
            gr__tree_fail(b->ctx, t, GR_E_RANGE, "write same, valid, a whole number, or a list of one an axis",
                          "%s is no padding", gr__tree_show(t, shown, sizeof shown));
        gr_graph_fail(b->g, st, "padding is refused");
        return false;
    }
    if (!gr__window_axes(b, s, "padding", axes, w->before)) return false;
    for (int i = 0; i < 2; i++) w->after[i] = w->before[i];
    return true;
}

bool gr__window_rows(gr_build *b, const gr_settings *s, gr_shape picture, int axes, const char *size_row, bool dilated,
                     bool *same, gr__window *out)
{
    gr__window w = {.in = {picture.dim[1], picture.dim[2]}, .size = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    if (!gr__window_axes(b, s, size_row, axes, w.size)) return false;
    for (int i = 2 - axes; i < 2; i++)
        w.stride[i] = dilated ? 1 : w.size[i]; /* pooling windows tile the picture unless told otherwise */
    if (!gr__window_axes(b, s, "stride", axes, w.stride)) return false;
    if (dilated && !gr__window_axes(b, s, "dilation", axes, w.dilation)) return false;
    if (!read_padding(b, s, axes, same, &w)) return false;
    *out = w;
    if (w.size[0] * w.size[1] <= MOST_PLACES) return true;
    gr__tree_fail(b->ctx, gr__setting_tree(s, size_row), GR_E_RANGE, NULL,
                  "a window of %lld places is larger than any that can be planned, %d",
                  (long long)(w.size[0] * w.size[1]), MOST_PLACES);
    gr_graph_fail(b->g, GR_E_RANGE, "%s is refused", size_row);
    return false;
}

bool gr__window_read(gr_build *b, const gr_settings *s, gr_shape picture, int axes, const char *size_row, bool dilated,
                     gr__window *out)
{
    gr__window w;
    bool same;
    if (!gr__window_rows(b, s, picture, axes, size_row, dilated, &same, &w)) return false;
    for (int i = 2 - axes; i < 2 && same; i++) pad_same(&w, i);
    for (int i = 2 - axes; i < 2; i++) {
        int64_t reach = w.dilation[i] * (w.size[i] - 1) + 1, room = w.in[i] + w.before[i] + w.after[i];
        if (reach <= room) continue;
        gr_graph_fail(b->g, GR_E_SHAPE, "a %s of %lld reaches over %lld, but its input has %lld%s", size_row,
                      (long long)w.size[i], (long long)reach, (long long)room,
                      room > w.in[i] ? ", padding included" : "");
        return false;
    }
    *out = w;
    return true;
}

int64_t gr__groups_read(gr_build *b, const gr_settings *s, int64_t channels, int64_t filters)
{
    const gr_tree *t = gr__setting_tree(s, "groups");
    int64_t groups = 1;
    char shown[200];
    if (t && t->kind == GR_TREE_TEXT && strcmp(t->text, "depthwise") == 0)
        groups = channels;
    else if (t && (!gr__tree_int(t, &groups) || groups < 1)) {
        gr_graph_fail(b->g,
                      gr__tree_fail(b->ctx, t, GR_E_RANGE, NULL, "%s is neither a number of groups nor depthwise",
                                    gr__tree_show(t, shown, sizeof shown)),
                      "groups are refused");
        return 0;
    }
    if (channels % groups == 0 && filters % groups == 0) return groups;
    gr_graph_fail(b->g, GR_E_SHAPE, "%lld groups do not divide %lld channels and %lld filters", (long long)groups,
                  (long long)channels, (long long)filters);
    return 0;
}
