/* Truncated normal: normal numbers without the large ones. */
#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("std", REAL, "0.05", "[0,inf)", "1", "standard deviation of the result; the largest size is 2.2737 times it")};

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    gr__draw_truncated_normal(t, gr__setting_real(s, "std"), values);
    return GR_OK;
}

GR_INIT(truncated_normal) = {
    .head =
        {
            .family = "init",
            .name = "truncated_normal",
            .title = "Normal numbers without the large ones",
            .cite = "He et al. 2015; TensorFlow VarianceScaling",
            .equations = "w ~ N(0, s^2) redrawn until |w| <= 2 s        s = std / 0.8796256610342398, so that the result has std",
            GR_ROWS(rows),
        },
    .fill = fill,
};
