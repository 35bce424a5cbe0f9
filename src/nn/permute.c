/* Permute: a sample's axes in another order. */
#include "graph/shape.h"
#include "nn/join.h"

static const gr_row rows[] = {
    GR_ROW("axes", AXES, NULL, "[0,4]", "1", "axis i of the result is this axis of the sample, such as [2, 0, 1]"),
};

/* What is wrong with the list; NULL: nothing. */
static const char *read_axes(const gr_tree *t, int axes, int *out)
{
    unsigned seen = 0;
    int n = t->kind == GR_TREE_LIST ? t->n : 1;
    if (n != axes) return "each axis of the sample is named once";
    out[0] = 0;
    for (int i = 0; i < n; i++) {
        int64_t axis = 0;
        gr__tree_int(t->kind == GR_TREE_LIST ? t->child[i] : t, &axis);
        if (axis >= axes) return "there is no such axis; they count from 0";
        if (seen >> axis & 1) return "an axis is named twice";
        seen |= 1u << axis;
        out[i + 1] = (int)axis + 1;
    }
    return NULL;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    const gr_tree *t = gr__setting_tree(s, "axes");
    gr_shape from = gr_shape_of(b->g, in[0]);
    int axes[GR_MAX_RANK + 1];
    char shape[96];
    const char *wrong = read_axes(t, from.rank - 1, axes);
    if (wrong) {
        gr_status st = gr__tree_fail(b->ctx, t, GR_E_RANGE, wrong, "these are not the axes of a sample %s",
                                     gr__shape_text(gr__join_sample(from), shape));
        return gr_graph_fail(b->g, st, "the axes are refused");
    }
    if (axes[1] != 1 && !gr__join_moves_steps(b)) return GR_NONE;
    return gr_permute(b->g, in[0], axes);
}

GR_LAYER(permute) = {
    .head =
        {
            .family = "layer",
            .name = "permute",
            .title = "Permute: a sample's axes in another order",
            .cite = "PyTorch permute",
            .equations = "y[i_0,i_1,..] = x[j_0,j_1,..]        j_axes[k] = i_k; axes count from 0, without the batch",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .reorders = true,
    .takes_lengths = true,
    .build = build,
};
