/* Mixtures: inputs of a batch mixed in pairs, and costs in the same shares. */
#include "model/network_maker.h"

/* 1 from `first` to before `end` along an axis of pictures [1, H, W, 1], else 0. */
static gr_val within(gr_graph *g, int64_t n, int axis, const char *first, const char *end)
{
    gr_shape s = {.rank = 4, .dim = {1, 1, 1, 1}};
    s.dim[axis] = n;
    gr_val at = gr_real(g, gr_iota(g, s, axis)), from = gr_feed(g, first, GR_REAL, GR_SCALAR),
           to = gr_feed(g, end, GR_REAL, GR_SCALAR);
    return gr_mul(g, gr_less_equal(g, from, at), gr_less(g, at, to));
}

static gr_val patched(gr__maker *m, gr_val x, gr_val other)
{
    gr_graph *g = m->b.g;
    const gr_mixture *mix = &m->n->recipe->mixture;
    gr_shape s = gr_shape_of(g, x), picture = {.rank = 4, .dim = {s.dim[0], mix->height, mix->width, 1}};
    picture.dim[3] = gr_shape_count(s) / (s.dim[0] * mix->height * mix->width);
    gr_val inside = gr_mul(g, within(g, mix->height, 1, GR_FEED_MIX_TOP, GR_FEED_MIX_BOTTOM),
                           within(g, mix->width, 2, GR_FEED_MIX_LEFT, GR_FEED_MIX_RIGHT));
    gr_val y = gr_select(g, gr_broadcast(g, inside, picture), gr_reshape(g, other, picture), gr_reshape(g, x, picture));
    return gr_reshape(g, y, s);
}

gr_val gr__maker_mixed(gr__maker *m, gr_val own, gr_val other)
{
    gr_graph *g = m->b.g;
    return gr_add(g, gr_mul(g, own, m->share), gr_mul(g, other, gr_sub(g, gr_const(g, 1), m->share)));
}

gr_status gr__maker_mix(gr__maker *m, int64_t batch)
{
    gr_graph *g = m->b.g;
    const gr_recipe *r = m->n->recipe;
    for (int i = 0; i < r->n_inputs; i++)
        if (m->n->data.lengths[i])
            return gr__tree_fail(m->n->ctx, r->mixture_at, GR_E_CONFLICT, NULL,
                                 "samples of the input \"%s\" have lengths, so they cannot be mixed", r->input[i].name);
    gr_scope_push(g, "mixture", NULL);
    m->partner = gr_feed(g, GR_FEED_MIX_PARTNER, GR_I32, GR_SHAPE(batch));
    m->share = gr_feed(g, GR_FEED_MIX_SHARE, GR_REAL, GR_SCALAR);
    for (int i = 0; i < r->n_inputs; i++) {
        gr_val other = gr_gather(g, m->input[i], m->partner);
        m->input[i] =
            r->mixture.kind == GR_MIX_PATCH ? patched(m, m->input[i], other) : gr__maker_mixed(m, m->input[i], other);
    }
    gr_scope_pop(g);
    return gr__maker_place(m, r->mixture_at);
}
