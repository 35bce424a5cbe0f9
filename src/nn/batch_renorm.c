/* Batch renormalisation: batch normalisation, of which what the batch's statistics differ from the running ones is put
 * right by a factor and an addend that no gradient passes, so that training and evaluation agree. How much is put right
 * grows with the run.                                                                      [Ioffe 2017, algorithm 1] */
#include "nn/norm.h"

static const gr_row rows[] = {
    GR_ROW("momentum", REAL, "0.01", "[0,1]", "1", "how far the running statistics move towards those of each batch"),
    GR_ROW("eps", REAL, "1e-5", "(0,inf)", "1", "is added to the variance"),
    GR_ROW("r_max", REAL, "3", "[1,inf)", "1", "the factor stays within 1/r_max and r_max, in the end"),
    GR_ROW("d_max", REAL, "5", "[0,inf)", "1", "the addend stays within -d_max and d_max, in the end"),
};

/* The paper's updates, for runs of so many; shorter ones take the same shares, but for the first's. */
enum { PAPER = 160000, PLAIN = 5000, R_FULL = 40000, D_FULL = 25000 };

/* Of 0 and 1: 0 until the first of these updates, 1 from the second on, a straight line between them. */
static gr_val ramp(gr_build *b, double from, double to)
{
    gr_graph *g = b->g;
    gr_val way = gr_div(g, gr_sub(g, b->update, gr_const(g, from)), gr_const(g, to - from));
    return gr_min(g, gr_max(g, way, gr_const(g, 0)), gr_const(g, 1));
}

static gr_val within(gr_graph *g, gr_val x, gr_val low, gr_val high)
{
    return gr_min(g, gr_max(g, x, low), high);
}

/* Factor and addend, constants of the batch. */
static void corrections(gr_build *b, const gr_settings *s, gr_val mean, gr_val deviation, gr_val running_mean,
                        gr_val running_std, gr_val *r, gr_val *d)
{
    gr_graph *g = b->g;
    bool shorter = b->updates > 0 && b->updates < PAPER;
    double first = shorter ? 0.03 * b->updates : PLAIN;
    gr_val one = gr_const(g, 1);
    gr_val r_way = ramp(b, first, shorter ? 0.25 * b->updates : R_FULL),
           d_way = ramp(b, first, shorter ? 0.16 * b->updates : D_FULL);
    gr_val r_max = gr_add(g, one, gr_mul(g, r_way, gr_const(g, gr__setting_real(s, "r_max") - 1))),
           d_max = gr_mul(g, d_way, gr_const(g, gr__setting_real(s, "d_max")));
    gr_val ratio = gr_div(g, deviation, running_std), off = gr_div(g, gr_sub(g, mean, running_mean), running_std);
    *r = gr_stop(g, within(g, ratio, gr_recip(g, r_max), r_max));
    *d = gr_stop(g, within(g, off, gr_neg(g, d_max), d_max));
}

static gr_val by_batch(gr_build *b, const gr_settings *s, gr_val x, gr_val weight, gr_val running_mean,
                       gr_val running_std)
{
    gr_graph *g = b->g;
    double eps = gr__setting_real(s, "eps");
    gr_val mean, variance, r, d, moves = gr_const(g, gr__setting_real(s, "momentum"));
    if (!gr__norm_has_variance(b, gr_shape_of(g, x))) return GR_NONE;
    gr__channel_norm(g, x, gr_const(g, 1), eps, &mean, &variance);
    gr_val deviation = gr_sqrt(g, gr_add(g, variance, gr_const(g, eps)));
    corrections(b, s, mean, deviation, running_mean, running_std, &r, &d);
    gr__build_observe(b, "running_mean", mean, moves);
    gr__build_observe(b, "running_std", deviation, moves);
    gr_val y = gr__channel_norm(g, x, gr_mul(g, weight, r), eps, &mean, &variance); /* the same statistics */
    return gr_add(g, y, gr_mul(g, weight, d));
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, in[0]);
    if (shape.rank < 2) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of at least one axis");
    gr_shape channels = GR_SHAPE(shape.dim[shape.rank - 1]);
    gr_val mean = gr__build_state(b, "running_mean", channels, 0),
           deviation = gr__build_state(b, "running_std", channels, 1), weight = gr__norm_weight(b, channels, true);
    bool frozen = gr__build_rests(b, "running_mean") && gr__build_rests(b, "running_std");
    gr_val y = b->mode == GR_MODE_TRAIN && !frozen
                   ? by_batch(b, s, in[0], weight, mean, deviation)
                   : gr_mul(g, gr_sub(g, in[0], mean), gr_mul(g, weight, gr_recip(g, deviation)));
    return gr__norm_shift(b, y, channels, true);
}

GR_LAYER(batch_renorm) = {
    .head =
        {
            .family = "layer",
            .name = "batch_renorm",
            .title = "Batch renormalisation: batch normalisation that agrees with its running statistics",
            .cite = "Ioffe 2017, algorithm 1",
            .equations =
                "training:  mu, s = mean and sqrt(variance + eps) of the channel in the batch\n"
                "           r = s / running_std within [1/R, R], d = (mu - running_mean) / running_std within [-D, D], "
                "constants of the gradient\n"
                "           y = weight ((x - mu) / s r + d) + bias\n"
                "           running_mean += momentum (mu - running_mean);  running_std += momentum (s - running_std)\n"
                "           R from 1 to r_max, D from 0 to d_max: from update 5000 on, until 40000 and 25000; of a run "
                "below 160000 updates from 3 % of it, until 25 and 16 %\n"
                "otherwise, and frozen by groups: y = weight (x - running_mean) / running_std + bias;   they start at "
                "0 and 1",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .normalises = GR_NORMALISES_BATCHES,
    .corrects = true,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
