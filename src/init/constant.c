/* Constant: one value for all. Units of a layer then stay equal and learn nothing of their own, which `gradus lab` may
 * want to show. */
#include "init/init.h"

static const gr_row rows[] = {GR_ROW("value", REAL, "0.1", "(-inf,inf)", "1", "the value")};

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    double value = gr__setting_real(s, "value");
    for (int64_t i = 0; i < t->count; i++) values[i] = value;
    return GR_OK;
}

GR_INIT(constant) = {
    .head =
        {
            .family = "init",
            .name = "constant",
            .title = "One value for all",
            .cite = "PyTorch nn.init.constant_",
            .equations = "w = value",
            GR_ROWS(rows),
        },
    .fill = fill,
};
