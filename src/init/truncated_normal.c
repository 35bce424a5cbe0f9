/* Truncated normal: normal numbers without the large ones. */
#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("std", REAL, "0.05", "[0,inf)", "1", "standard deviation"),
    GR_ROW("correct", BOOL, "true", "true or false", "",
           "whether the result has it (TensorFlow, JAX): its largest size is then 2.2737 std; or what is cut: the "
           "result has 0.8796 std and "
           "at most 2 std"),
};

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    gr__draw_truncated_normal(t, gr__setting_real(s, "std"), gr__setting_bool(s, "correct"), values);
    return GR_OK;
}

GR_INIT(truncated_normal) = {
    .head =
        {
            .family = "init",
            .name = "truncated_normal",
            .title = "Normal numbers without the large ones",
            .cite = "He et al. 2015; TensorFlow VarianceScaling",
            .equations =
                "w ~ N(0, s^2) redrawn until |w| <= 2 s        s = std / 0.8796256610342398, so that the result has "
                "std; or s = std\n"
                "PyTorch's trunc_normal_(std) cuts at -2 and 2, whatever std is: for a small std that is `normal`",
            GR_ROWS(rows),
        },
    .fill = fill,
};
