/* Batch normalisation: each channel gets mean 0 and variance 1 within the batch, then a scale and a shift that are
 * trained. Outside training the running statistics stand for the batch's.                                  [Ioffe &
 * Szegedy 2015, algorithms 1 and 2] */
#include "nn/layer.h"

static const gr_row rows[] = {
    GR_ROW("momentum", REAL, "0.1", "[0,1]", "1", "how far the running statistics move towards those of each batch"),
    GR_ROW("eps", REAL, "1e-5", "(0,inf)", "1", "is added to the variance"),
};

/* The means over all axes but the last, over the steps that count. */
static gr_val mean(gr_build *b, gr_val x, double count)
{
    gr_graph *g = b->g;
    int axes[GR_MAX_RANK], n = gr_shape_of(g, x).rank - 1;
    for (int i = 0; i < n; i++) axes[i] = i;
    gr_val sum = gr_sum(g, gr__build_counted(b, x, 0), axes, n, false);
    return b->lengths ? gr_div(g, sum, gr__build_counts(b, x)) : gr_mul(g, sum, gr_const(g, 1 / count));
}

/* What makes the variance of m values of x that of all: m / (m - 1). */
static gr_val unbiased(gr_build *b, gr_val x, double count)
{
    gr_graph *g = b->g;
    if (!b->lengths) return gr_const(g, count / (count - 1));
    gr_val m = gr__build_counts(b, x), one = gr_const(g, 1);
    return gr_div(g, m, gr_max(g, gr_sub(g, m, one), one)); /* of one value it is 0 all the same */
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    gr_val x = in[0], centred, variance;
    gr_shape shape = gr_shape_of(g, x);
    if (shape.rank < 2) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of at least one axis");
    if (!gr__build_has_features(b, x)) return GR_NONE;
    int64_t channels = shape.dim[shape.rank - 1];
    double count = 1, momentum = gr__setting_real(s, "momentum");
    for (int i = 0; i + 1 < shape.rank; i++) count *= (double)shape.dim[i];
    gr_val running_mean = gr__build_state(b, "running_mean", GR_SHAPE(channels), 0),
           running_var = gr__build_state(b, "running_var", GR_SHAPE(channels), 1);
    if (b->mode == GR_MODE_TRAIN) {
        if (count < 2 && !b->sketch)
            return gr_graph_fail(g, GR_E_SHAPE,
                                 "a training batch with one value a channel has no variance: larger batches are "
                                 "needed, and data.drop_last: "
                                 "true where only the last one is short");
        gr_val m = mean(b, x, count);
        centred = gr_sub(g, x, m);
        variance = mean(b, gr_square(g, centred), count);
        gr__build_observe(b, "running_mean", m, momentum);
        gr__build_observe(b, "running_var", gr_mul(g, variance, unbiased(b, x, count)), momentum);
    } else {
        centred = gr_sub(g, x, running_mean);
        variance = running_var;
    }
    gr_val scale = gr__build_param(b, "weight", GR_SHAPE(channels), GR_ROLE_NORM_SCALE, GR_LAYOUT_PLAIN, 1, 1),
           shift = gr__build_param(b, "bias", GR_SHAPE(channels), GR_ROLE_NORM_SHIFT, GR_LAYOUT_PLAIN, 1, 1);
    gr_val factor =
        gr_mul(g, scale, gr_recip(g, gr_sqrt(g, gr_add(g, variance, gr_const(g, gr__setting_real(s, "eps"))))));
    return gr_add(g, gr_mul(g, centred, factor), shift);
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
                         "otherwise: the same with running_mean and running_var;   they start at 0 and 1\n"
                         "of sequences with lengths: over the steps that count",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .normalises = GR_NORMALISES_BATCHES,
    .takes_lengths = true,
    .build = build,
};
