/* Sequences of different lengths: what a network is fed of them. */
#include "model/network_maker.h"
#include "nn/lengths.h"

int gr__maker_input_of(const gr__maker *m, gr_val lengths)
{
    for (int i = 0; lengths && i < m->n->recipe->n_inputs; i++)
        if (m->length[i] == lengths) return i;
    return -1;
}

/* What stands beyond a length is never looked at: NaN and the like would come through a product with 0. */
void gr__maker_input_lengths(gr__maker *m, int i, int64_t batch)
{
    const gr_model_input *in = &m->n->recipe->input[i];
    gr_graph *g = m->b.g;
    char feed[GR_FEED_TEXT];
    m->length[i] = GR_NONE;
    if (!m->n->data.lengths[i]) return;
    gr_scope_push(g, "lengths", m->n->recipe->inputs_named ? in->name : NULL);
    m->length[i] = gr_feed(g, gr__feed_of(GR_FIELD_LENGTH, in->name, feed), GR_I32, GR_SHAPE(batch));
    if (gr_dtype_of(g, m->input[i]) == GR_REAL)
        m->input[i] =
            gr_select(g, gr__lengths_mask(g, m->length[i], gr_shape_of(g, m->input[i])), m->input[i], gr_const(g, 0));
    gr_scope_pop(g);
    gr__lengths_of_input(&m->b, m->input[i], m->length[i], in->sample.dim[0], in->name);
}
