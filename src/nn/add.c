/* Add: the sum of several layers' outputs, as at the end of a residual block.                    [He et al. 2016] */
#include "graph/shape.h"
#include "nn/join.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s;
    gr_shape first = gr_shape_of(b->g, in[0]);
    gr_val sum = in[0];
    for (int i = 1; i < n_in; i++) {
        if (!gr__shape_equal(first, gr_shape_of(b->g, in[i])))
            return gr__join_refuse(b, in, 0, i, "they cannot be added");
        sum = gr_add(b->g, sum, in[i]);
    }
    return sum;
}

GR_LAYER(add) = {
    .head =
        {
            .family = "layer",
            .name = "add",
            .title = "Add: the sum of several outputs",
            .cite = "He et al. 2016",
            .equations = "y = x_1 + x_2 + ...        equal shapes",
        },
    .min_inputs = 2,
    .max_inputs = INT32_MAX,
    .takes_lengths = true,
    .build = build,
};
