/* Add: the sum of several layers' outputs, as at the end of a residual block.                    [He et al. 2016] */
#include "graph/shape.h"
#include "nn/layer.h"

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s;
    gr_shape first = gr_shape_of(b->g, in[0]);
    gr_val sum = in[0];
    for (int i = 1; i < n_in; i++) {
        gr_shape other = gr_shape_of(b->g, in[i]);
        char a[96], c[96];
        if (!gr__shape_equal(first, other))
            return gr_graph_fail(b->g, GR_E_SHAPE, "inputs of shapes %s and %s cannot be added",
                                 gr__shape_text(first, a), gr__shape_text(other, c));
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
