/* Branches of a graph's operations, as outputs of its plan. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/node.h"
#include "study/derivative/branches.h"

/* Where the largest stands along the reduced axes: 1 there. */
static gr_val where_largest(gr_graph *g, gr_val a, int64_t mask)
{
    int axes[GR_MAX_RANK], n = 0;
    for (int i = 0; i < GR_MAX_RANK; i++)
        if (mask & 1 << i) axes[n++] = i;
    return gr_equal(g, a, gr_reduce_max(g, a, axes, n, true));
}

/* A value that is constant within each branch of the node and changes with it; GR_NONE: it has one alone. */
static gr_val branch_of(gr_graph *g, const gr_node *n)
{
    switch (n->op->branches) {
    case GR__BRANCHES_ONE:
        return GR_NONE;
    case GR__BRANCHES_SIGN:
        return gr_sign(g, gr_real(g, n->in[0]));
    case GR__BRANCHES_DIFFERENCE:
        return gr_sign(g, gr_sub(g, n->in[0], n->in[1]));
    case GR__BRANCHES_LARGEST:
        return where_largest(g, n->in[0], n->attr.i[0]);
    case GR__BRANCHES_INDEX:
        return n->out + 1;
    case GR__BRANCHES_RESULT:
        return n->out;
    case GR__BRANCHES_BODY:
    case GR__BRANCHES_UNKNOWN:
        break;
    }
    return gr_graph_fail(g, GR_E_INTERNAL, "nothing is known of the branches of %s", n->op->name);
}

static void mark(gr_graph *g, gr_val branch, int *n)
{
    char name[32];
    if (branch == GR_NONE) return;
    snprintf(name, sizeof name, "branch%d", (*n)++);
    gr_output(g, name, gr_real(g, branch));
}

gr_status gr__branches_mark(gr_graph *g, gr_val v, int *n)
{
    gr_context *ctx = gr__graph_context(g);
    uint32_t nodes = gr__graph_nodes(g);
    bool *behind = gr__alloc(ctx, nodes);
    *n = 0;
    if (!behind) return GR_E_MEMORY;
    memset(behind, 0, nodes);
    behind[gr__value(g, v)->node] = true;
    for (uint32_t i = nodes; i-- > 0;) { /* inputs stand before what reads them */
        const gr_node *node = gr__node(g, i);
        if (!behind[i]) continue;
        for (int k = 0; k < node->n_in; k++) behind[gr__value(g, node->in[k])->node] = true;
        mark(g, branch_of(g, node), n);
    }
    gr__free(ctx, behind, nodes);
    return gr_graph_status(g);
}

static uint64_t mix(uint64_t h, double x)
{
    uint64_t bits;
    x = isnan(x) ? (double)NAN : x + 0.0; /* one NaN, one zero */
    memcpy(&bits, &x, sizeof bits);
    return (h ^ bits) * 1099511628211u ^ h >> 29;
}

uint64_t gr__branches_read(const gr_plan *p, int n)
{
    uint64_t h = 14695981039346656037u;
    char name[32];
    gr_shape shape;
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "branch%d", i);
        const double *x = gr_plan_output(p, name, &shape);
        for (int64_t k = 0, count = gr_shape_count(shape); k < count; k++) h = mix(h, x[k]);
    }
    return h;
}
