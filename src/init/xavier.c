/* Xavier: keeps the size of activations and gradients through sigmoid, tanh and linear layers.   [Glorot & Bengio 2010, eq. 16] */
#include <math.h>

#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("distribution", CHOICE, "uniform", "uniform|normal|truncated_normal", "", "which numbers are drawn"),
    GR_ROW("gain", REAL, "1", "(0,inf)", "1", "multiplies them; PyTorch recommends 5/3 before tanh"),
};

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    double fans = (double)t->param->fan_in + (double)t->param->fan_out;
    gr__draw(t, gr__setting_text(s, "distribution"), gr__setting_real(s, "gain") * sqrt(2 / fmax(fans, 1)), values);
    return GR_OK;
}

GR_INIT(xavier) = {
    .head =
        {
            .family = "init",
            .name = "xavier",
            .title = "Xavier: keeps activations and gradients through sigmoid and tanh",
            .cite = "Glorot & Bengio 2010, eq. 16",
            .equations = "uniform: U[-k, k], k = gain sqrt(6 / (inputs + outputs))\n"
                         "normal:  std = gain sqrt(2 / (inputs + outputs))",
            GR_ROWS(rows),
        },
    .fill = fill,
};
