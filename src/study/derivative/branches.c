/* Branches of a graph's operations, as outputs of its plan. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/op.h"
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
    case GR__BRANCHES_SAID: /* marked where it is said */
        return GR_NONE;
    case GR__BRANCHES_SOLVED: /* what is not found is of no piece: its residual is like no other */
        return gr__fixed_point_missed(g, n);
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

/* Operations whose branches are those of what they are said by are said, beside them, and what is solved for is put
 * into its function: the first result of each, by node, GR_NONE for the others. */
static gr_val *say(gr_graph *g, gr__bump *b)
{
    size_t room = 0;
    gr_val *said = NULL;
    for (uint32_t i = 0; i < gr__graph_nodes(g); i++) { /* what is said may be said itself */
        const gr_node *n = gr__node(g, i);
        if (gr__graph_nodes(g) > room) {
            gr_val *more = gr__bump_alloc(b, 2 * gr__graph_nodes(g) * sizeof *more);
            if (!more) return NULL;
            memset(more, 0, 2 * gr__graph_nodes(g) * sizeof *more);
            if (room) memcpy(more, said, room * sizeof *more);
            said = more;
            room = 2 * gr__graph_nodes(g);
        }
        if (n->op->branches == GR__BRANCHES_SOLVED && !(said[i] = gr__fixed_point_again(g, n))) return NULL;
        if (n->op->branches == GR__BRANCHES_SAID &&
            !gr__decompose(g, n->op, &n->attr, n->in, n->n_in, gr__value(g, n->out), &said[i]))
            return NULL;
    }
    return said;
}

/* What gives v waits to be looked at, once. */
static void visit(const gr_graph *g, gr_val v, bool *behind, uint32_t *next, size_t *waiting)
{
    uint32_t k = gr__value(g, v)->node;
    if (!behind[k]) next[(*waiting)++] = k;
    behind[k] = true;
}

gr_status gr__branches_mark(gr_graph *g, gr_val v, int *n)
{
    gr__bump *b = gr__bump_create(gr__graph_context(g));
    gr_val *said = b ? say(g, b) : NULL;
    uint32_t nodes = gr__graph_nodes(g), *next = said ? gr__bump_alloc(b, (nodes + 1) * sizeof *next) : NULL;
    bool *behind = next ? gr__bump_alloc(b, nodes) : NULL;
    size_t waiting = 0;
    *n = 0;
    if (behind) {
        memset(behind, 0, nodes);
        visit(g, v, behind, next, &waiting);
    }
    while (behind && waiting > 0) {
        uint32_t i = next[--waiting];
        const gr_node *node = gr__node(g, i);
        for (int k = 0; k < node->n_in; k++) visit(g, node->in[k], behind, next, &waiting);
        if (said[i]) visit(g, said[i], behind, next, &waiting);
        mark(g, branch_of(g, node), n);
    }
    gr__bump_destroy(b);
    return behind || gr_graph_status(g) != GR_OK ? gr_graph_status(g) : GR_E_MEMORY;
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
