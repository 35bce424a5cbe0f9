/* Slice: a part of an axis, as the last step or half of the channels. */
#include "graph/shape.h"
#include "nn/join.h"

static const gr_row rows[] = {
    GR_ROW("axis", TREE, "last", "last, or an axis of a sample from 0", "1", "which axis is cut"),
    GR_ROW("start", INT, "0", "[-1e9,1e9]", "1", "the first that stays; from the end where negative: -1 is the last"),
    GR_ROW("count", INT, "none", "[1,1e9]", "1", "how many stay; all from there on unless given"),
};

static gr_val refuse(gr_build *b, const gr_settings *s, const char *row, int axis, gr_shape shape)
{
    char shown[200], text[96];
    const gr_tree *t = gr__setting_tree(s, row);
    gr_status st =
        gr__tree_fail(b->ctx, t, GR_E_RANGE, NULL, "%s %s reaches beyond axis %d of a sample %s", row,
                      gr__tree_show(t, shown, sizeof shown), axis - 1, gr__shape_text(gr__join_sample(shape), text));
    return gr_graph_fail(b->g, st, "the slice is refused");
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_shape shape = gr_shape_of(b->g, in[0]);
    int axis = gr__join_axis(b, gr__setting_tree(s, "axis"), shape);
    if (!axis || (axis == 1 && !gr__join_moves_steps(b))) return GR_NONE;
    int64_t size = shape.dim[axis], start = gr__setting_int(s, "start"), count = gr__setting_int(s, "count");
    if (start < 0) start += size;
    if (start < 0 || start >= size) return refuse(b, s, "start", axis, shape);
    if (!gr__setting_tree(s, "count")) count = size - start;
    if (count > size - start) return refuse(b, s, "count", axis, shape);
    return gr_slice(b->g, in[0], axis, start, count);
}

/* All of the last axis, whatever it is. */
gr_tree *gr__layer_idle(gr__bump *b)
{
    return gr__tree_flow(b, "{type: slice, axis: last, start: 0}");
}

GR_LAYER(slice) = {
    .head =
        {
            .family = "layer",
            .name = "slice",
            .title = "Slice: a part of an axis",
            .cite = "PyTorch narrow",
            .equations = "y[..,i,..] = x[..,start + i,..]        0 <= i < count, on the axis; the axis stays",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .takes_lengths = true,
    .build = build,
};
