/* Uniform: every number within a bound is as likely. */
#include "init/draw.h"

static const gr_row rows[] = {GR_ROW("bound", REAL, "0.05", "[0,inf)", "1", "the largest size")};

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    gr__draw_uniform(t, gr__setting_real(s, "bound"), values);
    return GR_OK;
}

GR_INIT(uniform) = {
    .head =
        {
            .family = "init",
            .name = "uniform",
            .title = "Uniform numbers within a bound",
            .cite = "LeCun et al. 1998, Efficient BackProp",
            .equations = "w ~ U[-bound, bound)",
            GR_ROWS(rows),
        },
    .fill = fill,
};
