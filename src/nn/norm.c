#include "nn/norm.h"

gr_val gr__norm_weight(gr_build *b, gr_shape shape, bool affine)
{
    return affine ? gr__build_param(b, "weight", shape, GR_ROLE_NORM_SCALE, GR_LAYOUT_PLAIN, 1, 1) : gr_const(b->g, 1);
}

gr_val gr__norm_shift(gr_build *b, gr_val y, gr_shape shape, bool shifts)
{
    if (!shifts) return y;
    return gr_add(b->g, y, gr__build_param(b, "bias", shape, GR_ROLE_NORM_SHIFT, GR_LAYOUT_PLAIN, 1, 1));
}

void gr__norm_note(gr_build *b, int64_t values)
{
    if (values < 2 && !b->lonely) b->lonely = b->layer;
}

bool gr__norm_has_variance(gr_build *b, gr_shape batch)
{
    if (gr_shape_count(batch) < 2 * batch.dim[batch.rank - 1] && !b->sketch)
        gr_graph_fail(b->g, GR_E_SHAPE,
                      "a training batch with one value a channel has no variance: larger batches are needed, and "
                      "data.drop_last: true where only the last one is short");
    return gr_graph_status(b->g) == GR_OK;
}
