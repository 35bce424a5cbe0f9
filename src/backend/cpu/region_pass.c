/* The passes of a region that reads its own lines: which of its expressions are computed in which.
 *
 * A pass of lines has an even number, one of elements an odd one. What is written out or reduced is computed as soon as
 * its operands are there; what only others read, where it is read first. */
#include <limits.h>

#include "backend/cpu/region.h"

/* The first pass in which `reader` may read the expression. */
static int readable(const gr__expr *e, const gr__expr *reader)
{
    if (e->line) return reader->line ? e->pass : e->pass + 1;
    if (e->reach == GR__TO_ROWS) return reader->line ? e->pass + 1 : e->pass + 2;
    return e->pass;
}

static bool is_read(const gr__arg *a)
{
    return a->source == GR__FROM_NODE || a->source == GR__FROM_LINE;
}

void gr__exprs_order(gr__exprs *x)
{
    int first[GR__REGION_NODES];
    for (int n = 0; n < x->n; n++) {
        gr__expr *e = &x->expr[n];
        first[n] = INT_MAX;
        e->pass = e->line ? 0 : 1;
        for (int i = 0; i < e->n_arg; i++)
            if (is_read(&e->arg[i])) e->pass = GR_MAX(e->pass, readable(&x->expr[e->arg[i].index], e));
    }
    for (int n = x->n; n-- > 0;) {
        gr__expr *e = &x->expr[n];
        bool waits = !e->line && e->out < 0 && e->reach == GR__TO_ELEMENTS;
        if (waits && first[n] < INT_MAX) e->pass = first[n];
        for (int i = 0; i < e->n_arg; i++) {
            if (!is_read(&e->arg[i])) continue;
            int from = e->arg[i].index;
            first[from] = GR_MIN(first[from], e->pass);
            x->expr[from].last = GR_MAX(x->expr[from].last, e->pass);
        }
    }
}
