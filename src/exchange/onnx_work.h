/* What the files that turn graphs into ONNX share: values with their two forms. */
#ifndef GR_EXCHANGE_ONNX_WORK_H
#define GR_EXCHANGE_ONNX_WORK_H

#include "exchange/onnx.h"
#include "graph/body.h"
#include "model/model.h"

typedef struct gr__onnx_work {
    gr__onnx *o;
    const gr_model *m;
    const gr_network *network; /* whose parameters leaves are; NULL: there are none */
    const gr_graph *g;
    gr__onnx_value *value; /* of each value of g, from 1 on */
    const gr__onnx_leaf *leaf;
    int n_leaves;
    const gr__onnx_value *operand; /* of stand-ins, by their number */
} gr__onnx_work;

typedef void gr__onnx_emit(gr__onnx_work *w, const gr_node *n);

gr_shape gr__onnx_shape(const gr__onnx_work *w, gr_val v); /* of the graph's value */
gr__onnx_value *gr__onnx_at(gr__onnx_work *w, gr_val v);
/* Its name as it is, and as large as the graph has it; with the channels first, of values of four axes. */
const char *gr__onnx_plain(gr__onnx_work *w, gr_val v);
const char *gr__onnx_full(gr__onnx_work *w, gr_val v);
const char *gr__onnx_first(gr__onnx_work *w, gr_val v);
/* Has it channels first and nothing else, so that turning it costs a pass? */
bool gr__onnx_is_first(gr__onnx_work *w, gr_val v);
/* What node n gives. */
void gr__onnx_gives(gr__onnx_work *w, const gr_node *n, const char *plain);
void gr__onnx_gives_first(gr__onnx_work *w, const gr_node *n, const char *first);
/* Of an axis of [N,H,W,C], its place in [N,C,H,W]. */
static inline int gr__onnx_turned(int axis)
{
    static const int places[] = {0, 2, 3, 1};
    return places[axis];
}
const char *gr__onnx_reshape(gr__onnx *o, const char *x, gr_shape to);
const char *gr__onnx_transpose(gr__onnx *o, const char *x, const int64_t *axes, int n);
gr_status gr__onnx_fail(gr__onnx_work *w, const gr_node *n, const char *why);
/* Operands by their number: leaves of a loop's body. Outputs as the body has them. */
gr_status gr__onnx_run(gr__onnx_work *w, gr__onnx_value *out);

gr__onnx_emit gr__onnx_scan, gr__onnx_max_pool, gr__onnx_avg_pool, gr__onnx_conv, gr__onnx_conv_data;
bool gr__onnx_pools(const gr_graph *g, const gr_node *n); /* has its averages a form? */

#endif
