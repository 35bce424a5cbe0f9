/* Concat: several outputs side by side, as where branches meet.                              [Szegedy et al. 2015] */
#include "nn/join.h"

static const gr_row rows[] = {
    GR_ROW("axis", TREE, "last", "last, or an axis of a sample from 0", "1", "along which axis; all others are equal"),
};

static bool fits(gr_shape a, gr_shape c, int axis)
{
    bool equal = a.rank == c.rank;
    for (int i = 1; equal && i < a.rank; i++) equal = i == axis || a.dim[i] == c.dim[i];
    return equal;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    gr_shape first = gr_shape_of(b->g, in[0]);
    int axis = gr__join_axis(b, gr__setting_tree(s, "axis"), first);
    if (!axis || (axis == 1 && !gr__join_moves_steps(b))) return GR_NONE;
    for (int i = 1; i < n_in; i++)
        if (!fits(first, gr_shape_of(b->g, in[i]), axis))
            return gr__join_refuse(b, in, 0, i,
                                   axis == first.rank - 1 ? "but for the last axis they must be alike"
                                                          : "but for the joined axis they must be alike");
    return gr_concat(b->g, in, n_in, axis);
}

GR_LAYER(concat) = {
    .head =
        {
            .family = "layer",
            .name = "concat",
            .title = "Concat: several outputs side by side",
            .cite = "Szegedy et al. 2015; PyTorch cat",
            .equations = "y = [x_1, x_2, ...]        along the axis, in the order of `from`",
            GR_ROWS(rows),
        },
    .min_inputs = 2,
    .max_inputs = INT32_MAX,
    .transparent = true,
    .takes_lengths = true,
    .channels = GR_CHANNELS_BESIDE,
    .build = build,
};
