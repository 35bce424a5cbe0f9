/* Xavier: keeps the size of activations and gradients through sigmoid, tanh and linear layers.   [Glorot & Bengio 2010,
 * eq. 16] */
#include <math.h>

#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("distribution", CHOICE, "uniform", "uniform|normal|truncated_normal", "", "which numbers are drawn"),
    GR_ROW_CORRECT,
    GR_ROW("gain", TREE, "1", "a number > 0, or auto", "1",
           "multiplies them; auto: PyTorch's, by what follows: 5/3 before tanh, sqrt(2) before ReLU, sqrt(2/(1+a^2)) "
           "before a leaky one, "
           "else 1"),
};

static gr_status check(gr_context *ctx, const gr_settings *s)
{
    gr_status st = gr__gain_check(ctx, s);
    return st == GR_OK ? gr__draw_check(ctx, s) : st;
}

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    double fans = (double)t->param->fan_in + (double)t->param->fan_out;
    gr__draw(t, s, gr__gain(s, t->param) * sqrt(2 / fmax(fans, 1)), values);
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
    .check = check,
    .fill = fill,
};
