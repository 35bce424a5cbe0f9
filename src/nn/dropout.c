/* Dropout: in training each value is dropped with probability `rate`, and the others grow so that the mean stays;
 * otherwise nothing happens. The mask is a function of (seed, layer, update, sample, element): the same for any
 * threads, micro-batches and after any resume. Uniform numbers have 24 bits and are held against a whole number of
 * 2^-24, so that float32 and float64 drop the same values. [Srivastava et al. 2014] */
#include <math.h>

#include "nn/layer.h"

static const gr_row rows[] = {
    GR_ROW("rate", REAL, "0.5", "[0,1)", "1", "probability to be dropped"),
    GR_ROW("channels", BOOL, "false", "", "", "drops whole channels of a sample, the last axis, not single values"),
};

/* What is drawn for: each value, or each channel of a sample. */
static gr_val draws(gr_build *b, gr_shape shape, bool channels)
{
    if (!channels) return gr__build_random(b, "mask", shape);
    gr_shape one = shape;
    for (int i = 1; i + 1 < shape.rank; i++) one.dim[i] = 1;
    gr_val drawn = gr__build_random(b, "mask", GR_SHAPE(shape.dim[0], shape.dim[shape.rank - 1]));
    return gr_reshape(b->g, drawn, one);
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    double rate = gr__setting_real(s, "rate");
    if (b->mode != GR_MODE_TRAIN || rate == 0) return in[0];
    double threshold = ldexp(ceil(ldexp(rate, 24)), -24);
    bool channels = gr__setting_bool(s, "channels");
    gr_shape shape = gr_shape_of(g, in[0]);
    if (channels && shape.rank < 2) return gr_graph_fail(g, GR_E_SHAPE, "takes samples of at least one axis");
    gr_val drop = gr_less(g, draws(b, shape, channels), gr_const(g, threshold));
    return gr_select(g, drop, gr_const(g, 0), gr_mul(g, in[0], gr_const(g, 1 / (1 - rate))));
}

GR_LAYER(dropout) = {
    .head =
        {
            .family = "layer",
            .name = "dropout",
            .title = "Dropout: values left out at random in training",
            .cite = "Srivastava et al. 2014",
            .equations = "training:  y = 0 with probability rate, else x / (1 - rate); channels: each channel of a "
                         "sample as one\n"
                         "otherwise: y = x",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .takes_lengths = true,
    .transparent = true,
    .pointwise = true,
    .drops = true,
    .drop_rate = "rate",
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
