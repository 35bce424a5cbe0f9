/* Operations that are said by others: what the rows of composed.h build, and their table. */
#include "graph/op.h"

/* Over the last axis. The largest is subtracted first, so that nothing overflows; the result does not depend on it, so
 * no gradient passes there. */
static gr_val softmax(gr_graph *g, gr_val x)
{
    int last = gr_shape_of(g, x).rank - 1;
    if (last < 0) return gr_graph_fail(g, GR_E_SHAPE, "wants an axis to run over");
    gr_val e = gr_exp(g, gr_sub(g, x, gr_stop(g, gr_reduce_max(g, x, &last, 1, true))));
    return gr_div(g, e, gr_sum(g, e, &last, 1, true));
}

#define DECOMPOSITION(code, name, n, low, high, branches, says)                                             \
    static void name##_decompose(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_val *out) \
    {                                                                                                       \
        gr_val a = in[0], b = n_in > 1 ? in[1] : GR_NONE, c = n_in > 2 ? in[2] : GR_NONE;                   \
        (void)attr, (void)b, (void)c;                                                                       \
        out[0] = says;                                                                                      \
    }
GR__COMPOSED(DECOMPOSITION)

#define OPERATION(op_code, op_name, n, low, high, op_branches, says) \
    {.code = GR_OP_##op_code,                                        \
     .class = GR_CLASS_COMPOSED,                                     \
     .name = #op_name,                                               \
     .n_in = n,                                                      \
     .n_out = 1,                                                     \
     .decompose = op_name##_decompose,                               \
     .domain = {low, high},                                          \
     .branches = GR__BRANCHES_##op_branches},
const gr_op gr__composed_ops[] = {GR__COMPOSED(OPERATION)};

/* ---- builders ---- */

#define BUILDER_1(name, code)                                    \
    gr_val gr_##name(gr_graph *g, gr_val a)                      \
    {                                                            \
        return gr__node_add(g, GR_OP_##code, &a, 1, NULL, NULL); \
    }
#define BUILDER_2(name, code)                                                  \
    gr_val gr_##name(gr_graph *g, gr_val a, gr_val b)                          \
    {                                                                          \
        return gr__node_add(g, GR_OP_##code, (gr_val[]){a, b}, 2, NULL, NULL); \
    }
#define BUILDER_3(name, code)                                                     \
    gr_val gr_##name(gr_graph *g, gr_val a, gr_val b, gr_val c)                   \
    {                                                                             \
        return gr__node_add(g, GR_OP_##code, (gr_val[]){a, b, c}, 3, NULL, NULL); \
    }
#define BUILDER(code, name, n, ...) BUILDER_##n(name, code)
GR__COMPOSED(BUILDER)
