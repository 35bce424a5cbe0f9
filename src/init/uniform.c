/* Uniform: every number within a bound is as likely. The bound may follow the fan-in, as PyTorch's default biases have
 * it. */
#include <math.h>

#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("bound", TREE, "0.05", "a number >= 0, or fan", "1",
           "the largest size; fan: 1/sqrt(fan-in), PyTorch's default of biases"),
};

static gr_status check(gr_context *ctx, const gr_settings *s)
{
    return gr__number_or_word(ctx, s, "bound", "[0, inf)", "fan");
}

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    const gr_tree *bound = gr__setting_tree(s, "bound");
    bool fan = bound->kind == GR_TREE_TEXT;
    gr__draw_uniform(t, fan ? 1 / sqrt(fmax((double)t->param->fan_in, 1)) : bound->number, values);
    return GR_OK;
}

GR_INIT(uniform) = {
    .head =
        {
            .family = "init",
            .name = "uniform",
            .title = "Uniform numbers within a bound",
            .cite = "LeCun et al. 1998, Efficient BackProp; PyTorch nn.Linear",
            .equations = "w ~ U[-bound, bound)",
            GR_ROWS(rows),
        },
    .check = check,
    .fill = fill,
};
