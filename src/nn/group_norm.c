/* Group normalisation: the channels of every sample in groups, each with mean 0 and variance 1 over its channels and
 * all places, then a scale and a shift a channel. Batches of any size give the same.
 *                                                                                                    [Wu & He 2018] */
#include <stdio.h>

#include "nn/norm.h"

enum { USUAL = 32 };

static const gr_row rows[] = {
    GR_ROW("groups", INT, "none", "[1,1e6]", "1",
           "how many; unless given, 32 or the largest number below it that divides the channels and leaves no value "
           "alone"),
    GR_ROW("eps", REAL, "1e-5", "(0,inf)", "1", "is added to the variance"),
    GR_ROW("affine", BOOL, "true", "", "", "scale and shift are trained"),
};

static int64_t largest_divisor(int64_t channels, int64_t most)
{
    int64_t groups = GR_MIN(channels, most);
    while (groups > 1 && channels % groups != 0) groups--;
    return groups;
}

/* How many groups; 0: refused. */
static int64_t read_groups(gr_build *b, const gr_settings *s, int64_t channels, int64_t places)
{
    const gr_tree *t = gr__setting_tree(s, "groups");
    if (!t) return largest_divisor(channels, GR_MIN(places > 1 ? channels : GR_MAX(channels / 2, 1), USUAL));
    char hint[64];
    int64_t groups = gr__setting_int(s, "groups");
    if (channels % groups == 0) return groups;
    snprintf(hint, sizeof hint, "such as %lld", (long long)largest_divisor(channels, groups));
    gr_status st = gr__tree_fail(b->ctx, t, GR_E_SHAPE, hint, "%lld groups do not divide %lld channels",
                                 (long long)groups, (long long)channels);
    return gr_graph_fail(b->g, st, "the groups are refused"), 0;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, in[0]);
    if (shape.rank < 2) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of at least one axis");
    int64_t channels = shape.dim[shape.rank - 1], places = 1;
    for (int i = 1; i + 1 < shape.rank; i++) places *= shape.dim[i];
    int64_t groups = read_groups(b, s, channels, places);
    if (groups == 0) return GR_NONE;
    gr__norm_note(b, channels / groups * places);
    bool affine = gr__setting_bool(s, "affine");
    gr_val weight = gr__norm_weight(b, GR_SHAPE(channels), affine);
    if (affine) weight = gr_reshape(g, weight, GR_SHAPE(groups, channels / groups));
    gr_val x = gr_reshape(g, in[0], GR_SHAPE(shape.dim[0], places, groups, channels / groups));
    gr_val y = gr__sample_norm(g, x, weight, (int[]){1, 3}, 2, true, gr__setting_real(s, "eps"));
    return gr__norm_shift(b, gr_reshape(g, y, shape), GR_SHAPE(channels), affine);
}

GR_LAYER(group_norm) = {
    .head =
        {
            .family = "layer",
            .name = "group_norm",
            .title = "Group normalisation: groups of channels with mean 0 and variance 1 within each sample",
            .cite = "Wu & He 2018; PyTorch GroupNorm",
            .equations =
                "mu, v = mean and variance of a group of neighbouring channels over all places, of each sample\n"
                "y = weight (x - mu) / sqrt(v + eps) + bias        weight, bias: a number a channel",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .normalises = GR_NORMALISES_SAMPLES,
    .build = build,
};
