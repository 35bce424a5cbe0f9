/* RMS normalisation: the features of every sample, or of every step of one, are divided by the root of their mean
 * square, then scaled; no mean is taken away.                                             [Zhang & Sennrich 2019] */
#include "nn/norm.h"

static const gr_row rows[] = {
    GR_ROW("eps", REAL, "1e-5", "(0,inf)", "1", "is added to the mean square"),
    GR_ROW("affine", BOOL, "true", "", "", "a scale is trained"),
};

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    if (!gr__join_last(b, in[0])) return GR_NONE;
    gr_shape shape = gr_shape_of(b->g, in[0]);
    int last = shape.rank - 1;
    gr_val weight = gr__norm_weight(b, GR_SHAPE(shape.dim[last]), gr__setting_bool(s, "affine"));
    return gr__sample_norm(b->g, in[0], weight, &last, 1, false, gr__setting_real(s, "eps"));
}

GR_LAYER(rms_norm) = {
    .head =
        {
            .family = "layer",
            .name = "rms_norm",
            .title = "RMS normalisation: features divided by the root of their mean square",
            .cite = "Zhang & Sennrich 2019; PyTorch RMSNorm",
            .equations = "y = weight x / sqrt(mean_k x[k]^2 + eps)        over the last axis",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .normalises = GR_NORMALISES_SAMPLES,
    .unshifted = true,
    .takes_lengths = true,
    .build = build,
};
