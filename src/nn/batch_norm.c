/* Batch normalisation: each channel gets mean 0 and variance 1 within the batch, then a scale and a shift that are
 * trained. Outside training, and where it is frozen, the running statistics stand for the batch's.        [Ioffe &
 * Szegedy 2015, algorithms 1 and 2] */
#include <string.h>

#include "nn/norm.h"

static const gr_row rows[] = {
    GR_ROW(
        "momentum", TREE, "0.1", "0 to 1, or cumulative", "1",
        "how far the running statistics move towards those of each batch; cumulative: they are means over all batches",
        .idle = "frozen: true"),
    GR_ROW("eps", REAL, "1e-5", "(0,inf)", "1", "is added to the variance"),
    GR_ROW("frozen", BOOL, "false", "", "", "normalises by the running statistics in training too, and leaves them"),
};

/* How far the running statistics move with this batch, of rank 0. */
static gr_val share(gr_build *b, const gr_tree *t)
{
    char shown[200];
    gr_graph *g = b->g;
    if (t->kind == GR_TREE_TEXT && strcmp(t->text, "cumulative") == 0) {
        if (b->mode != GR_MODE_TRAIN) return gr_const(g, 0);
        return gr_recip(g, gr_add(g, gr__build_count(b, "batches"), gr_const(g, 1)));
    }
    bool number = gr__tree_is_number(t);
    if (number && t->number >= 0 && t->number <= 1) return gr_const(g, t->number);
    gr_status st = gr__tree_fail(b->ctx, t, GR_E_RANGE, "a number from 0 to 1, or cumulative", "%s is no momentum",
                                 gr__tree_show(t, shown, sizeof shown));
    return gr_graph_fail(g, st, "the momentum is refused");
}

/* x less this mean, by the root of this variance. */
static gr_val by(gr_build *b, const gr_settings *s, gr_val x, gr_val mean, gr_val variance, gr_val weight)
{
    gr_graph *g = b->g;
    gr_val root = gr_sqrt(g, gr_add(g, variance, gr_const(g, gr__setting_real(s, "eps"))));
    return gr_mul(g, gr_sub(g, x, mean), gr_mul(g, weight, gr_recip(g, root)));
}

/* The means over all axes but the last, over the steps that count. */
static gr_val counted_mean(gr_build *b, gr_val x)
{
    int axes[GR_MAX_RANK], n = gr_shape_of(b->g, x).rank - 1;
    for (int i = 0; i < n; i++) axes[i] = i;
    return gr_div(b->g, gr_sum(b->g, gr__build_counted(b, x, 0), axes, n, false), gr__build_counts(b, x));
}

/* By the batch, in training. `all` makes the variance of its m values that of all values: m / (m - 1). */
static gr_val by_batch(gr_build *b, const gr_settings *s, gr_val x, gr_val weight, gr_val moves)
{
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, x);
    gr_val mean, variance, y, all;
    if (!gr__norm_has_variance(b, shape)) return GR_NONE;
    if (b->lengths) {
        gr_val m = gr__build_counts(b, x), one = gr_const(g, 1);
        mean = counted_mean(b, x);
        variance = counted_mean(b, gr_square(g, gr_sub(g, x, mean)));
        y = by(b, s, x, mean, variance, weight);
        all = gr_div(g, m, gr_max(g, gr_sub(g, m, one), one)); /* of one value it is 0 all the same */
    } else {
        double m = (double)(gr_shape_count(shape) / shape.dim[shape.rank - 1]);
        y = gr__channel_norm(g, x, weight, gr__setting_real(s, "eps"), &mean, &variance);
        all = gr_const(g, m / (m - 1));
    }
    gr__build_observe(b, "running_mean", mean, moves);
    gr__build_observe(b, "running_var", gr_mul(g, variance, all), moves);
    return y;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, in[0]);
    if (!gr__join_last(b, in[0])) return GR_NONE;
    gr_shape channels = GR_SHAPE(shape.dim[shape.rank - 1]);
    gr_val mean = gr__build_state(b, "running_mean", channels, 0), var = gr__build_state(b, "running_var", channels, 1);
    gr_val weight = gr__norm_weight(b, channels, true);
    bool frozen =
        gr__setting_bool(s, "frozen") || (gr__build_rests(b, "running_mean") && gr__build_rests(b, "running_var"));
    gr_val moves = frozen ? gr_const(g, 0) : share(b, gr__setting_tree(s, "momentum"));
    bool trains = b->mode == GR_MODE_TRAIN && !frozen;
    gr_val y = trains ? by_batch(b, s, in[0], weight, moves) : by(b, s, in[0], mean, var, weight);
    return gr__norm_shift(b, y, channels, true);
}

GR_LAYER(batch_norm) = {
    .head =
        {
            .family = "layer",
            .name = "batch_norm",
            .title = "Batch normalisation: every channel with mean 0 and variance 1 within the batch",
            .cite = "Ioffe & Szegedy 2015, algorithms 1 and 2; PyTorch BatchNorm2d",
            .equations = "training:  mu, v = mean and variance of the channel over the batch's m values\n"
                         "           y = weight (x - mu) / sqrt(v + eps) + bias\n"
                         "           running_mean += momentum (mu - running_mean);  running_var += momentum (v m/(m-1) "
                         "- running_var)\n"
                         "           momentum: cumulative is 1/n in the n-th batch\n"
                         "otherwise, and frozen, by `frozen` or by groups: the same with running_mean and running_var; "
                         "  they start at 0 and 1\n"
                         "of sequences with lengths: over the steps that count",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .normalises = GR_NORMALISES_BATCHES,
    .takes_lengths = true,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
