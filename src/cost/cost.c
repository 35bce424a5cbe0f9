#include "cost/cost.h"
#include "graph/node.h"

gr_val gr__mean_per_sample(gr_graph *g, gr_val x)
{
    gr_shape s = gr_shape_of(g, x);
    static const int second[] = {1};
    if (s.rank < 2) return x;
    int64_t batch = s.dim[0], values = 1;
    for (int i = 1; i < s.rank; i++) values *= s.dim[i];
    if (values == 1) return gr_reshape(g, x, GR_SHAPE(batch));
    return gr_mul(g, gr_sum(g, gr_reshape(g, x, GR_SHAPE(batch, values)), second, 1, false), gr_const(g, 1 / (double)values));
}

gr_val gr__target_values(gr_graph *g, gr_val target, gr_shape output)
{
    gr_shape s = gr_shape_of(g, target);
    char a[96], b[96];
    if (gr_shape_count(s) != gr_shape_count(output))
        return gr_graph_fail(g, GR_E_SHAPE, "targets of shape %s do not fit an output of shape %s", gr__shape_text(s, a),
                             gr__shape_text(output, b));
    return gr_reshape(g, gr_real(g, target), output);
}
