/* Embedding: a row of a table for each index. The table is read at the indices and its gradient added to them: no
 * one-hot vector is ever made.                                                              [Bengio et al. 2003;
 * PyTorch Embedding] */
#include "nn/layer.h"

/* Indices are compared as float32, which holds all whole numbers up to 2^24. */
static const gr_row rows[] = {
    GR_ROW("vocabulary", INT, NULL, "[1,16777216]", "indices", "how many there are: inputs are 0 to vocabulary - 1"),
    GR_ROW("units", INT, NULL, "[1,1000000000]", "1", "how many outputs an index has"),
    GR_ROW("padding_index", INT, "none", "[0,16777215]", "1",
           "the index that stands for nothing: its row starts as 0 and is not trained"),
};

/* The same values, but no gradient passes where the index stands for nothing. */
static gr_val without_gradient_of(gr_graph *g, gr_val x, gr_val index, int64_t padding)
{
    gr_shape one = gr_shape_of(g, index);
    one.dim[one.rank++] = 1;
    gr_val is = gr_reshape(g, gr_equal(g, gr_real(g, index), gr_const(g, (double)padding)), one);
    return gr_select(g, gr_broadcast(g, is, gr_shape_of(g, x)), gr_stop(g, x), x);
}

/* The row of nothing starts as 0. */
static void blank_row(gr_build *b, int64_t row, int64_t units)
{
    if (b->n_params == 0 || gr_graph_status(b->g) != GR_OK) return;
    gr_param_info *p = &b->params[b->n_params - 1];
    p->blank_at = row * units;
    p->n_blank = units;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    int64_t vocabulary = gr__setting_int(s, "vocabulary"), units = gr__setting_int(s, "units"),
            padding = gr__setting_int(s, "padding_index");
    if (gr_dtype_of(g, in[0]) != GR_I32)
        return gr_graph_fail(g, GR_E_TYPE, "looks up indices, which an input holds, not what a layer gives");
    if (gr_shape_of(g, in[0]).rank >= GR_MAX_RANK)
        return gr_graph_fail(g, GR_E_SHAPE, "indices of so many axes cannot get another one");
    if (padding >= vocabulary) {
        gr__tree_fail(b->ctx, gr__setting_tree(s, "padding_index"), GR_E_RANGE, NULL,
                      "%lld is no index of a vocabulary of %lld: 0 to %lld", (long long)padding, (long long)vocabulary,
                      (long long)vocabulary - 1);
        return gr_graph_fail(g, GR_E_RANGE, "padding_index is refused");
    }
    size_t before = b->n_params;
    b->usual = "{type: normal, std: 1}";
    gr_val table = gr__build_param(b, "weight", GR_SHAPE(vocabulary, units), GR_ROLE_EMBEDDING, GR_LAYOUT_PLAIN, units,
                                   vocabulary);
    if (padding >= 0 && b->n_params > before) blank_row(b, padding, units);
    gr_val y = gr_gather(g, table, in[0]);
    return padding >= 0 ? without_gradient_of(g, y, in[0], padding) : y;
}

GR_LAYER(embedding) = {
    .head =
        {
            .family = "layer",
            .name = "embedding",
            .title = "Embedding: a row of a table for each index",
            .cite = "Bengio et al. 2003; PyTorch Embedding",
            .equations = "y[..., :] = weight[index[...], :]            weight [vocabulary, units], first N(0, 1)\n"
                         "takes an input of whole numbers from 0 to vocabulary - 1 of any type; nothing prepares them",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .vocabulary = "vocabulary",
    .takes_lengths = true,
    .build = build,
};
