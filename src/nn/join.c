#include "nn/join.h"

#include <stdio.h>
#include <string.h>

#include "graph/shape.h"

gr_shape gr__join_sample(gr_shape batch)
{
    gr_shape s = {.rank = GR_MAX(batch.rank - 1, 0)};
    for (int i = 0; i < s.rank; i++) s.dim[i] = batch.dim[i + 1];
    return s;
}

int gr__join_axis(gr_build *b, const gr_tree *t, gr_shape batch)
{
    int axes = batch.rank - 1;
    int64_t axis;
    char shape[96], hint[120], shown[200];
    if (axes < 1) return gr_graph_fail(b->g, GR_E_SHAPE, "takes samples of at least one axis"), 0;
    bool last = t->kind == GR_TREE_TEXT && strcmp(t->text, "last") == 0;
    if (last) return axes;
    if (t->kind != GR_TREE_LIST && t->kind != GR_TREE_MAP && gr__tree_int(t, &axis) && axis >= -axes && axis < axes)
        return (int)(axis < 0 ? axis + axes : axis) + 1;
    snprintf(hint, sizeof hint,
             axes == 1 ? "it has one, which is 0, -1 or `last`" : "last, 0 to %d, or from the end -1 to -%d", axes - 1,
             axes);
    gr_status st = gr__tree_fail(b->ctx, t, GR_E_RANGE, hint, "%s is no axis of a sample %s",
                                 gr__tree_show(t, shown, sizeof shown), gr__shape_text(gr__join_sample(batch), shape));
    gr_graph_fail(b->g, st, "the axis is refused");
    return 0;
}

/* `"a" gives [3,4]`; the second of two leaves `gives` out. */
static void describe(const gr_build *b, const gr_val *in, int i, const char *verb, char *text, size_t size)
{
    char shape[96];
    gr__shape_text(gr__join_sample(gr_shape_of(b->g, in[i])), shape);
    for (int k = 0; k < b->n_from; k++)
        if (b->from[k].value == in[i] && b->from[k].name[0]) {
            snprintf(text, size, "\"%s\"%s %s", b->from[k].name, verb, shape);
            return;
        }
    snprintf(text, size, "input %d%s %s", i + 1, verb, shape);
}

gr_val gr__join_refuse(gr_build *b, const gr_val *in, int i, int j, const char *why)
{
    char first[240], second[240];
    describe(b, in, i, " gives", first, sizeof first);
    describe(b, in, j, "", second, sizeof second);
    return gr_graph_fail(b->g, GR_E_SHAPE, "%s and %s: %s", first, second, why);
}

double *gr__join_table(gr_build *b, int64_t rows, int64_t columns)
{
    enum { MOST = 1 << 27 };
    if (gr_graph_status(b->g) != GR_OK) return NULL;
    if (columns > 0 && rows > MOST / columns) {
        gr_graph_fail(b->g, GR_E_RANGE, "a table of %lld steps by %lld numbers is more than can be made: %d numbers",
                      (long long)rows, (long long)columns, MOST);
        return NULL;
    }
    if (b->sketch) return NULL;
    double *x = gr__bump_alloc(b->memory, sizeof *x * (size_t)(rows * columns));
    if (!x) gr_graph_fail(b->g, GR_E_MEMORY, "no memory for a table of %lld numbers", (long long)(rows * columns));
    return x;
}

gr_val gr__join_constant(gr_build *b, gr_shape shape, const double *values)
{
    if (gr_graph_status(b->g) != GR_OK) return GR_NONE;
    return values ? gr_const_tensor(b->g, shape, values) : gr_broadcast(b->g, gr_const(b->g, 0), shape);
}

bool gr__join_moves_steps(gr_build *b)
{
    if (b->lengths == GR_NONE) return true;
    gr_graph_fail(b->g, GR_E_UNSUPPORTED,
                  "sequences have lengths of their own here: their steps cannot be joined, cut or moved");
    return false;
}

bool gr__join_last(gr_build *b, gr_val x)
{
    if (gr_graph_status(b->g) != GR_OK) return false;
    if (gr_shape_of(b->g, x).rank < 2) gr_graph_fail(b->g, GR_E_SHAPE, "takes samples of at least one axis");
    return gr_graph_status(b->g) == GR_OK && gr__build_has_features(b, x);
}
