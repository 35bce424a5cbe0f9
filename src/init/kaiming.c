/* Kaiming: keeps the size of activations through layers of ReLU.                [He et al. 2015, eq. 10 (fan in), 14
 * (fan out)] Truncated by default: no large weights; the result keeps the standard deviation that is asked for
 * (PyTorch's trunc_normal_ does not: `correct: false`). */
#include <math.h>

#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("fan", CHOICE, "in", "in|out|average", "",
           "inputs of a unit (keeps activations), outputs (keeps gradients), or their mean"),
    GR_ROW("distribution", CHOICE, "truncated_normal", "truncated_normal|normal|uniform", "",
           "truncated_normal is cut at twice its standard deviation before the cut"),
    GR_ROW_CORRECT,
};

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    const gr_param_info *p = t->param;
    double in = (double)p->fan_in, out = (double)p->fan_out, slope = p->follow == GR_FOLLOW_LEAKY ? p->slope : 0;
    double fan = gr__setting_is(s, "fan", "in") ? in : gr__setting_is(s, "fan", "out") ? out : (in + out) / 2;
    gr__draw(t, s, sqrt(2 / ((1 + slope * slope) * fmax(fan, 1))), values);
    return GR_OK;
}

GR_INIT(kaiming) = {
    .head =
        {
            .family = "init",
            .name = "kaiming",
            .title = "Kaiming: keeps the size of activations through ReLU",
            .cite = "He et al. 2015, eq. 10 and 14",
            .equations = "std = sqrt(2 / ((1 + a^2) fan))        a: slope of a leaky ReLU that follows, else 0\n"
                         "uniform: U[-k, k], k = sqrt(3) std",
            GR_ROWS(rows),
        },
    .check = gr__draw_check,
    .fill = fill,
};
