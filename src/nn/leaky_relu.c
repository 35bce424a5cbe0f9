/* Leaky ReLU: negative values keep a small slope.                                                [Maas, Hannun & Ng 2013] */
#include "nn/families.h"

static const gr_row rows[] = {GR_ROW("slope", REAL, "0.01", "[0,1]", "1", "what negative values are multiplied by")};

/* The scaled operand stands first: at 0 the gradient is the slope, as in PyTorch. Slope 0 is ReLU, also at infinity where 0 * inf is no number. */
static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    double slope = gr__setting_real(s, "slope");
    return slope == 0 ? gr_relu(b->g, in[0]) : gr_max(b->g, gr_mul(b->g, in[0], gr_const(b->g, slope)), in[0]);
}

GR_LAYER(leaky_relu) = {
    .head = {.family = "layer", .name = "leaky_relu", .title = "Leaky ReLU: negative values keep a small slope", .cite = "Maas, Hannun & Ng 2013",
             .equations = "y = max(slope x, x)", GR_ROWS(rows)},
    .min_inputs = 1, .max_inputs = 1, .activation_only = true, .follow = GR_FOLLOW_LEAKY, .build = build};
