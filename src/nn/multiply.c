/* Multiply: the product of several outputs, element by element, as where a gate meets what it weighs. A row of features
 * goes with every step or pixel, and an axis of one with any.                                       [Hu et al. 2018] */
#include "nn/join.h"

/* x with axes of one between batch and sample until it has `rank`. */
static gr_val widen(gr_graph *g, gr_val x, int rank)
{
    gr_shape from = gr_shape_of(g, x), to = {.rank = rank, .dim = {from.dim[0]}};
    int more = rank - from.rank;
    for (int i = 1; i < rank; i++) to.dim[i] = i <= more ? 1 : from.dim[i - more];
    return gr_reshape(g, x, to);
}

static bool fits(gr_shape a, gr_shape c)
{
    for (int i = a.rank - 1, j = c.rank - 1; i > 0 && j > 0; i--, j--)
        if (a.dim[i] != c.dim[j] && a.dim[i] != 1 && c.dim[j] != 1) return false;
    return a.rank > 0 && c.rank > 0;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s;
    gr_graph *g = b->g;
    int rank = 0;
    for (int i = 0; i < n_in; i++) rank = GR_MAX(rank, gr_shape_of(g, in[i]).rank);
    for (int i = 1; i < n_in; i++)
        for (int j = 0; j < i; j++)
            if (!fits(gr_shape_of(g, in[j]), gr_shape_of(g, in[i])))
                return gr__join_refuse(
                    b, in, j, i, "they cannot be multiplied; of each axis the sizes must be equal, or one of them 1");
    gr_val product = widen(g, in[0], rank);
    for (int i = 1; i < n_in; i++) product = gr_mul(g, product, widen(g, in[i], rank));
    return product;
}

GR_LAYER(multiply) = {
    .head =
        {
            .family = "layer",
            .name = "multiply",
            .title = "Multiply: the product of several outputs",
            .cite = "Hu et al. 2018",
            .equations =
                "y = x_1 x_2 ...        element by element; axes are aligned from the last, one of size 1 goes "
                "with any: [H,W,C] with [C]",
        },
    .min_inputs = 2,
    .max_inputs = INT32_MAX,
    .takes_lengths = true,
    .multiplies = true,
    .build = build,
};
