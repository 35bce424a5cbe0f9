/* Branches of a graph's operations, as outputs of its plan. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/body.h"
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

/* Where a node's values are: in the graph itself, or at all steps of the loop whose body it stands in. */
typedef struct place {
    const gr_graph *of; /* whose node it is */
    uint32_t loop;      /* in its body, the loop's number in g; NO_LOOP otherwise */
} place;

static const uint32_t NO_LOOP = UINT32_MAX;

/* The value in g, of all steps where it is a body's. GR_NONE: no loop gives it. */
static gr_val value_of(gr_graph *g, place at, gr_val v)
{
    if (at.loop == NO_LOOP) return v;
    gr_val all = gr__scan_all(g, gr__node(g, at.loop), v);
    const gr_node *n = gr__producer(at.of, v);
    int number;
    bool constant = n->op->class == GR_CLASS_LEAF && !gr__stands_in(n, &number);
    return all || !constant ? all : gr__node_copy(g, at.of, n, NULL);
}

/* A value that is constant within each branch of the node and changes with it; GR_NONE: it has one alone, or that of
 * others (SAID, BODY), which are marked themselves. */
static gr_val branch_of(gr_graph *g, place at, uint32_t node)
{
    const gr_node *n = gr__node(at.of, node);
    bool inside = at.loop != NO_LOOP;
    gr_val a = n->n_in > 0 ? value_of(g, at, n->in[0]) : GR_NONE, b;
    switch (n->op->branches) {
    case GR__BRANCHES_ONE:
    case GR__BRANCHES_SAID:
    case GR__BRANCHES_BODY:
        return GR_NONE;
    case GR__BRANCHES_SIGN:
        return a ? gr_sign(g, gr_real(g, a)) : GR_NONE;
    case GR__BRANCHES_DIFFERENCE:
        b = value_of(g, at, gr__node(at.of, node)->in[1]);
        return a && b ? gr_sign(g, gr_sub(g, a, b)) : GR_NONE;
    case GR__BRANCHES_LARGEST:
        return a ? where_largest(g, a, n->attr.i[0] << inside) : GR_NONE;
    case GR__BRANCHES_INDEX:
        return value_of(g, at, n->out + 1);
    case GR__BRANCHES_RESULT:
        return value_of(g, at, n->out);
    case GR__BRANCHES_SOLVED: /* what is not found is of no piece: its residual is like no other */
        b = value_of(g, at, n->out + 1);
        return b ? gr__fixed_point_missed(g, n, b) : GR_NONE;
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

/* What a node is said by, beside it in g: the first result; of a loop, what the operations of its body are. */
typedef struct said {
    gr_val value;
    const struct said *next;
} said;

typedef struct sayings {
    const said **of; /* of a node of g */
    size_t room;
} sayings;

static bool room_for(gr_graph *g, gr__bump *b, sayings *s)
{
    size_t wanted = gr__graph_nodes(g), more = 2 * wanted;
    if (wanted <= s->room) return true;
    const said **of = gr__bump_alloc(b, more * sizeof *of);
    if (!of) return false;
    memset(of, 0, more * sizeof *of);
    if (s->room) memcpy(of, s->of, s->room * sizeof *of);
    *s = (sayings){of, more};
    return true;
}

static bool say_node(gr_graph *g, gr__bump *b, place at, uint32_t node, const said **list)
{
    const gr_node *n = gr__node(at.of, node);
    bool solved = n->op->branches == GR__BRANCHES_SOLVED && at.loop == NO_LOOP;
    if (n->op->branches != GR__BRANCHES_SAID && !solved) return true;
    gr_val *in = gr__bump_alloc(b, (size_t)n->n_in * sizeof *in);
    said *more = gr__bump_alloc(b, sizeof *more);
    if (!in || !more) return false;
    for (int k = 0; k < n->n_in; k++)
        if (!(in[k] = value_of(g, at, n->in[k]))) return gr_graph_status(g) == GR_OK;
    gr_val out = value_of(g, at, n->out);
    if (!out) return gr_graph_status(g) == GR_OK;
    const gr_value as = *gr__value(g, out);
    *more = (said){GR_NONE, *list};
    *list = more;
    if (solved) return (more->value = gr__fixed_point_again(g, n)) != GR_NONE;
    return gr__decompose(g, n->op, &n->attr, in, n->n_in, &as, &more->value);
}

/* Operations whose branches are those of what they are said by are said, and what is solved for is put into its
 * function once more. */
static bool say(gr_graph *g, gr__bump *b, sayings *s)
{
    for (uint32_t i = 0; i < gr__graph_nodes(g); i++) { /* what is said may be said itself */
        const said *list = NULL;
        if (!say_node(g, b, (place){g, NO_LOOP}, i, &list)) return false;
        const gr_node *n = gr__node(g, i);
        const gr_graph *body = n->op->branches == GR__BRANCHES_BODY ? n->attr.body->graph : NULL;
        for (uint32_t k = 0; body && k < gr__graph_nodes(body); k++)
            if (!say_node(g, b, (place){body, i}, k, &list)) return false;
        if (!room_for(g, b, s)) return false;
        s->of[i] = list;
    }
    return true;
}

/* What gives v waits to be looked at, once. */
static void visit(const gr_graph *g, gr_val v, bool *behind, uint32_t *next, size_t *waiting)
{
    uint32_t k = gr__value(g, v)->node;
    if (!behind[k]) next[(*waiting)++] = k;
    behind[k] = true;
}

static void mark_node(gr_graph *g, uint32_t i, int *n)
{
    mark(g, branch_of(g, (place){g, NO_LOOP}, i), n);
    const gr_node *node = gr__node(g, i);
    const gr_graph *body = node->op->branches == GR__BRANCHES_BODY ? node->attr.body->graph : NULL;
    for (uint32_t k = 0; body && k < gr__graph_nodes(body); k++) mark(g, branch_of(g, (place){body, i}, k), n);
}

gr_status gr__branches_mark(gr_graph *g, gr_val v, int *n)
{
    gr__bump *b = gr__bump_create(gr__graph_context(g));
    sayings s = {NULL, 0};
    bool told = b && say(g, b, &s);
    uint32_t nodes = gr__graph_nodes(g), *next = told ? gr__bump_alloc(b, (nodes + 1) * sizeof *next) : NULL;
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
        for (const said *t = s.of[i]; t; t = t->next) visit(g, t->value, behind, next, &waiting);
        mark_node(g, i, n);
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
