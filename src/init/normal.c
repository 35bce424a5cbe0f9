/* Normal: the same spread for every parameter, whatever its size. */
#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("mean", REAL, "0", "(-inf,inf)", "1", "mean"),
    GR_ROW("std", REAL, "0.05", "[0,inf)", "1", "standard deviation"),
};

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    gr__draw_normal(t, gr__setting_real(s, "mean"), gr__setting_real(s, "std"), values);
    return GR_OK;
}

GR_INIT(normal) = {
    .head =
        {
            .family = "init",
            .name = "normal",
            .title = "Normal numbers of one spread",
            .cite = "Krizhevsky et al. 2012, section 5",
            .equations = "w ~ N(mean, std^2)",
            GR_ROWS(rows),
        },
    .fill = fill,
};
