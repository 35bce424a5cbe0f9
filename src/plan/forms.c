/* How shapes look in a space of rows and columns.
 *
 * An elementwise region over [N,H,W,C] may be seen as rows of columns in several ways: a split s makes the axes before
 * s the rows and the others the columns. A broadcast or a reduction allows some splits; what joins into a region must
 * leave at least one that all allow. */
#include "plan/plan.h"

static int64_t aligned(gr_shape from, gr_shape to, int axis)
{
    int i = axis - (to.rank - from.rank);
    return i < 0 ? 1 : from.dim[i];
}

/* Axes first..last-1 are all stretched, or all as they are. Axes of size 1 are both. */
static bool stretched(gr_shape from, gr_shape to, int first, int last)
{
    for (int i = first; i < last; i++)
        if (aligned(from, to, i) != 1) return false;
    return true;
}

static bool kept(gr_shape from, gr_shape to, int first, int last)
{
    for (int i = first; i < last; i++)
        if (aligned(from, to, i) != to.dim[i]) return false;
    return true;
}

static bool row_source(gr_shape from, gr_shape to, int s)
{
    return kept(from, to, 0, s) && stretched(from, to, s, to.rank);
}

static bool column_source(gr_shape from, gr_shape to, int s)
{
    return stretched(from, to, 0, s) && kept(from, to, s, to.rank);
}

static unsigned all_splits(int rank)
{
    return (1u << (rank + 1)) - 1;
}

unsigned gr__form_broadcast_splits(gr_shape from, gr_shape to)
{
    if (from.rank == 0) return all_splits(to.rank);
    unsigned splits = 0;
    for (int s = 0; s <= to.rank; s++)
        if (row_source(from, to, s) || column_source(from, to, s)) splits |= 1u << s;
    return splits;
}

/* Axes first..last-1 are all reduced, or none is. */
static bool reduced(gr_shape shape, int64_t mask, int first, int last, bool wanted)
{
    for (int i = first; i < last; i++)
        if (shape.dim[i] != 1 && (mask >> i & 1) != wanted) return false;
    return true;
}

static bool row_result(gr_shape shape, int64_t mask, int s)
{
    return reduced(shape, mask, 0, s, false) && reduced(shape, mask, s, shape.rank, true);
}

static bool column_result(gr_shape shape, int64_t mask, int s)
{
    return reduced(shape, mask, 0, s, true) && reduced(shape, mask, s, shape.rank, false);
}

/* The order in which a reduction adds must not depend on what it is fused with. So a result of rank 0 is reduced flat,
 * as one row, and others take the row form wherever there is one: all splits that remain have equal numbers of rows and
 * of columns. */
unsigned gr__form_reduce_splits(gr_shape shape, int64_t mask, int rank_after)
{
    if (rank_after == 0) return 1u;
    unsigned rows = 0, columns = 0;
    for (int s = 0; s <= shape.rank; s++) {
        if (row_result(shape, mask, s)) rows |= 1u << s;
        if (column_result(shape, mask, s)) columns |= 1u << s;
    }
    return rows ? rows : columns;
}

unsigned gr__form_line_splits(gr_shape shape, unsigned splits, int64_t rows)
{
    unsigned fit = 0;
    for (int s = 0; s <= shape.rank; s++)
        if ((splits >> s & 1) && gr__form_space(shape, 1u << s).rows == rows) fit |= 1u << s;
    return fit;
}

unsigned gr__form_iota_splits(gr_shape shape, int64_t axis)
{
    unsigned splits = 0;
    for (int s = 0; s <= shape.rank; s++) {
        bool alone = true; /* on its side of the split */
        for (int i = axis < s ? 0 : s; i < (axis < s ? s : shape.rank); i++)
            if (i != axis && shape.dim[i] != 1) alone = false;
        if (alone) splits |= 1u << s;
    }
    return splits;
}

int gr__form_split(unsigned splits)
{
    return __builtin_ctz(splits);
}

gr_space gr__form_space(gr_shape shape, unsigned splits)
{
    gr_space space = {1, 1};
    int s = gr__form_split(splits);
    for (int i = 0; i < shape.rank; i++) *(i < s ? &space.rows : &space.columns) *= shape.dim[i];
    return space;
}

gr__form gr__form_of(const gr_graph *g, const gr_node *n, int split)
{
    gr_shape out = gr__value(g, n->out)->shape;
    switch (n->op->code) {
    case GR_OP_IOTA:
        return out.dim[n->attr.i[0]] == 1 ? GR__SCALAR : n->attr.i[0] < split ? GR__ROW : GR__COLUMN;
    case GR_OP_BROADCAST: {
        gr_shape from = gr__value(g, n->in[0])->shape;
        return from.rank == 0 ? GR__SCALAR : row_source(from, out, split) ? GR__ROW : GR__COLUMN;
    }
    case GR_OP_SUM:
    case GR_OP_SUM_SQUARES:
    case GR_OP_REDUCE_MAX:
        return out.rank == 0                                                    ? GR__SCALAR
               : row_result(gr__value(g, n->in[0])->shape, n->attr.i[0], split) ? GR__ROW
                                                                                : GR__COLUMN;
    default:
        return GR__FULL;
    }
}
