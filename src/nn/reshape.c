/* Reshape: the same numbers in another shape, in the order in which a recipe writes shapes, the last axis fastest. A
 * picture is height, width, channels here; `flatten` takes it in the order of files. */
#include "graph/shape.h"
#include "nn/join.h"

static const gr_row rows[] = {
    GR_ROW("shape", AXES, NULL, "[-1,1e9]", "1", "of a sample, such as [7, 7, 64]; one -1 stands for what is left"),
};

static gr_val refuse(gr_build *b, const gr_tree *t, const char *why)
{
    gr_status st = gr__tree_fail(b->ctx, t, GR_E_SHAPE, NULL, "%s", why);
    return gr_graph_fail(b->g, st, "the shape is refused");
}

/* The batch's shape, -1 still in it. False: refused. */
static bool read_shape(gr_build *b, const gr_tree *t, int64_t samples, gr_shape *out, int *open)
{
    int n = t->kind == GR_TREE_LIST ? t->n : 1;
    *open = 0;
    *out = (gr_shape){.rank = n + 1, .dim = {samples}};
    if (n >= GR_MAX_RANK) return refuse(b, t, "a sample has at most 5 axes"), false;
    for (int i = 1; i <= n; i++) {
        gr__tree_int(t->kind == GR_TREE_LIST ? t->child[i - 1] : t, &out->dim[i]);
        if (out->dim[i] == 0) return refuse(b, t, "an axis of size 0 holds nothing"), false;
        if (out->dim[i] > 0) continue;
        if (*open) return refuse(b, t, "two axes are -1: what is left goes to one"), false;
        *open = i;
    }
    return true;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    const gr_tree *t = gr__setting_tree(s, "shape");
    gr_shape from = gr_shape_of(b->g, in[0]), to;
    int open;
    char a[96], c[96];
    if (from.rank < 2) return gr_graph_fail(b->g, GR_E_SHAPE, "takes samples of at least one axis");
    if (!read_shape(b, t, from.dim[0], &to, &open)) return GR_NONE;
    gr_shape wanted = gr__join_sample(to);
    if (open) to.dim[open] = 1;
    int64_t have = gr_shape_count(gr__join_sample(from)), said = gr_shape_count(gr__join_sample(to));
    if (open && said > 0 && have % said == 0) to.dim[open] = have / said;
    if (gr_shape_count(gr__join_sample(to)) != have)
        return gr_graph_fail(b->g, GR_E_SHAPE, "a sample %s does not become %s: it has %lld numbers",
                             gr__shape_text(gr__join_sample(from), a), gr__shape_text(wanted, c), (long long)have);
    return gr_reshape(b->g, in[0], to);
}

GR_LAYER(reshape) = {
    .head =
        {
            .family = "layer",
            .name = "reshape",
            .title = "Reshape: the same numbers in another shape",
            .cite = "PyTorch reshape",
            .equations = "y = x        number by number, the last axis fastest: [H,W,C] to [H W, C] keeps every "
                         "pixel's channels",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .transparent = true,
    .flattens = true,
    .build = build,
};
