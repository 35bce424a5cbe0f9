/* Sequences of different lengths: which steps of which value count, and which layers may have such values. Lengths of
 * an input hold for whatever is made of it step by step, until a layer ends the steps. */
#include <stdio.h>

#include "graph/shape.h"
#include "model/network_maker.h"

gr_val gr__maker_lengths_of(const gr__maker *m, int from)
{
    return gr__is_input(from) ? m->length[gr__input_of(from)] : m->lengths[from];
}

int gr__maker_input_of(const gr__maker *m, gr_val lengths)
{
    for (int i = 0; lengths && i < m->n->recipe->n_inputs; i++)
        if (m->length[i] == lengths) return i;
    return -1;
}

gr_val gr__maker_counts(gr_graph *g, gr_val lengths, gr_shape like)
{
    gr_shape step = like, sample = like;
    for (int i = 0; i < like.rank; i++) {
        if (i != 1) step.dim[i] = 1;
        if (i != 0) sample.dim[i] = 1;
    }
    return gr_less(g, gr_iota(g, step, 1), gr_reshape(g, lengths, sample));
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
            gr_select(g, gr__maker_counts(g, m->length[i], gr_shape_of(g, m->input[i])), m->input[i], gr_const(g, 0));
    gr_scope_pop(g);
}

static bool takes(const gr_layer *l)
{
    return l->takes_lengths || l->pointwise || l->activation_only;
}

/* Samples alone: a batch's own size says nothing. */
static const char *sample_text(const gr__maker *m, gr_val x, char text[96])
{
    return gr__shape_text(gr__sample_of(gr_shape_of(m->b.g, x)), text);
}

static bool refuse(gr__maker *m, int i, gr_val x)
{
    char shape[96];
    gr_graph_fail(m->b.g, GR_E_UNSUPPORTED, "cannot take sequences of different lengths, such as its input %s",
                  sample_text(m, x, shape));
    gr__maker_place(m, m->n->recipe->stack->layer[i].at);
    gr__error_hint(m->b.ctx, "put a layer before it that ends the steps, such as global_avg_pool; without `lengths` in "
                             "the data all steps count, those that only fill up as well");
    return false;
}

static bool refuse_two(gr__maker *m, int i, gr_val a, gr_val b)
{
    const gr_recipe *r = m->n->recipe;
    gr_graph_fail(m->b.g, GR_E_UNSUPPORTED,
                  "its inputs have the lengths of \"%s\" and of \"%s\", which a sample need not have alike",
                  r->input[gr__maker_input_of(m, a)].name, r->input[gr__maker_input_of(m, b)].name);
    gr__maker_place(m, r->stack->layer[i].at);
    gr__error_hint(m->b.ctx, "end the steps of one of them before, as global_avg_pool does");
    return false;
}

bool gr__maker_take_lengths(gr__maker *m, int i, const gr_val *in)
{
    const gr_stacked *l = &m->n->recipe->stack->layer[i];
    m->b.lengths = GR_NONE;
    for (int j = 0; j < l->n_from; j++) {
        gr_val lengths = gr__maker_lengths_of(m, l->from[j]);
        if (!lengths || lengths == m->b.lengths) continue;
        if (!takes(l->member)) return refuse(m, i, in[j]);
        if (m->b.lengths) return refuse_two(m, i, m->b.lengths, lengths);
        m->b.lengths = lengths;
    }
    return true;
}

void gr__maker_give_lengths(gr__maker *m, int i)
{
    gr_graph *g = m->b.g;
    m->lengths[i] = m->b.lengths;
    m->b.lengths = GR_NONE;
    if (!m->lengths[i] || gr_graph_status(g) != GR_OK) return;
    int input = gr__maker_input_of(m, m->lengths[i]);
    gr_shape is = gr_shape_of(g, m->value[i]), was = gr_shape_of(g, m->input[input]);
    char a[96], b[96];
    if (is.rank < 2 || is.dim[1] != was.dim[1])
        gr_graph_fail(g, GR_E_UNSUPPORTED,
                      "gives samples %s of an input %s with lengths of its own: the steps must stay, or end",
                      sample_text(m, m->value[i], a), sample_text(m, m->input[input], b));
}
