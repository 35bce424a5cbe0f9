/* What layers share that take sequences of different lengths. */
#include "nn/layer.h"

gr_val gr__build_counted(gr_build *b, gr_val x, double other)
{
    gr_graph *g = b->g;
    gr_shape s = gr_shape_of(g, x), step = {.rank = s.rank}, sample = step;
    if (!b->lengths || s.rank < 2) return x;
    for (int i = 0; i < s.rank; i++) {
        step.dim[i] = i == 1 ? s.dim[1] : 1;
        sample.dim[i] = i == 0 ? s.dim[0] : 1;
    }
    gr_val counts = gr_less(g, gr_iota(g, step, 1), gr_reshape(g, b->lengths, sample));
    return gr_select(g, counts, x, gr_const(g, other));
}

gr_val gr__build_counts(gr_build *b, gr_val x)
{
    gr_shape s = gr_shape_of(b->g, x);
    double rows = 1; /* of a step */
    for (int i = 2; i + 1 < s.rank; i++) rows *= (double)s.dim[i];
    gr_val steps = gr_sum_all(b->g, gr_real(b->g, b->lengths));
    return rows == 1 ? steps : gr_mul(b->g, steps, gr_const(b->g, rows));
}

bool gr__build_has_features(gr_build *b, gr_val x)
{
    gr_shape s = gr_shape_of(b->g, x);
    if (!b->lengths || s.rank != 2) return true;
    gr_graph_fail(b->g, GR_E_SHAPE,
                  "works on the features of each step, but its input [%lld] has steps alone: a sequence of numbers is "
                  "[%lld,1]",
                  (long long)s.dim[1], (long long)s.dim[1]);
    return false;
}
