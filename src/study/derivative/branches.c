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
    case GR__BRANCHES_SAID: /* looked at where it is said */
        return GR_NONE;
    case GR__BRANCHES_SOLVED: /* what is not found is of no piece: its residual is like no other */
        return gr__fixed_point_missed(g, n);
    case GR__BRANCHES_BODY: /* looked at inside */
    case GR__BRANCHES_UNKNOWN:
        break;
    }
    return gr_graph_fail(g, GR_E_INTERNAL, "nothing is known of the branches of %s", n->op->name);
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

/* What is looked at for branches: all nodes behind some values of g. */
typedef struct search {
    gr_graph *g;
    gr__bump *memory;
    gr_val *said;
    bool *behind;   /* a node */
    uint32_t *next; /* of those that wait to be looked at */
    size_t waiting;
    gr_val *found; /* branches, one number or more each */
    int n_found;
    size_t room;
} search;

/* What gives v waits to be looked at, once. */
static void visit(search *s, gr_val v)
{
    uint32_t k = gr__value(s->g, v)->node;
    if (!s->behind[k]) s->next[s->waiting++] = k;
    s->behind[k] = true;
}

static gr_status keep(search *s, gr_val branch)
{
    if (branch == GR_NONE) return gr_graph_status(s->g);
    gr_val v = gr_real(s->g, branch);
    if (!GR_ROOM(gr__graph_context(s->g), s->found, s->room, (size_t)s->n_found + 1)) return GR_E_MEMORY;
    s->found[s->n_found++] = v;
    return gr_graph_status(s->g);
}

static gr_status begin(search *s, gr_graph *g)
{
    *s = (search){.g = g, .memory = gr__bump_create(gr__graph_context(g))};
    s->said = s->memory ? say(g, s->memory) : NULL;
    size_t nodes = gr__graph_nodes(g);
    s->next = s->said ? gr__bump_alloc(s->memory, (nodes + 1) * sizeof *s->next) : NULL;
    s->behind = s->next ? gr__bump_alloc(s->memory, nodes) : NULL;
    if (s->behind) return GR_OK;
    return gr_graph_status(g) != GR_OK ? gr_graph_status(g) : GR_E_MEMORY;
}

static void end(search *s)
{
    gr__free(gr__graph_context(s->g), s->found, s->room * sizeof *s->found);
    gr__bump_destroy(s->memory);
}

static gr_status look(search *s);

/* The body's branches at every step are what a loop like n tells that computes them beside all else. */
static gr_status look_inside(search *s, gr_scan *scan, const gr_node *n)
{
    const gr__body *b = n->attr.body;
    gr_graph *inner = gr_scan_body(scan);
    gr_val *map = gr__bump_alloc(s->memory, (gr__graph_values(b->graph) + 1) * sizeof *map);
    search in = {.g = inner};
    gr_status st = map ? GR_OK : GR_E_MEMORY;
    for (int i = 0; i < b->n_in && st == GR_OK; i++)
        map[b->leaf[i]] = b->role[i] == GR__ROLE_CARRY  ? gr_scan_carry(scan, n->in[i])
                          : b->role[i] == GR__ROLE_STEP ? gr_scan_step(scan, n->in[i])
                                                        : gr_scan_given(scan, n->in[i]);
    GR_TRY(st);
    GR_TRY(gr__graph_copy(inner, b->graph, NULL, map));
    GR_TRY(begin(&in, inner));
    for (gr_val v = 1; v <= gr__graph_values(b->graph); v++) visit(&in, map[v]);
    GR_TRY(look(&in));
    for (int i = 0; i < in.n_found; i++) {
        int64_t count = gr_shape_count(gr_shape_of(inner, in.found[i]));
        in.found[i] = gr_reshape(inner, in.found[i], GR_SHAPE(count));
    }
    for (int c = 0; c < b->n_carries; c++)
        gr_scan_next(scan, map[b->leaf[gr__body_operand(b, c)]], map[gr__body_next(b, c)]);
    if (!gr_scan_end(scan)) GR_TRY(gr_graph_status(s->g));
    for (int i = 0; i < in.n_found; i++) GR_TRY(keep(s, gr_scan_stack(scan, in.found[i])));
done:
    end(&in);
    return st;
}

static gr_status look_at_loop(search *s, const gr_node *n)
{
    gr_scan *scan = gr_scan_begin(s->g, gr__scan_steps(&n->attr), gr__scan_reverse(&n->attr));
    gr_status st = scan ? look_inside(s, scan, n) : gr_graph_status(s->g);
    gr_scan_free(scan);
    return st;
}

static gr_status look(search *s)
{
    gr_status st = GR_OK;
    while (s->waiting > 0 && st == GR_OK) {
        uint32_t i = s->next[--s->waiting];
        const gr_node *n = gr__node(s->g, i);
        for (int k = 0; k < n->n_in; k++) visit(s, n->in[k]);
        if (s->said[i]) visit(s, s->said[i]);
        st = n->op->branches == GR__BRANCHES_BODY ? look_at_loop(s, n) : keep(s, branch_of(s->g, n));
    }
    return st;
}

gr_status gr__branches_mark(gr_graph *g, gr_val v, int *n)
{
    search s;
    char name[32];
    *n = 0;
    gr_status st = begin(&s, g);
    if (st == GR_OK) {
        visit(&s, v);
        st = look(&s);
    }
    for (int i = 0; i < s.n_found && st == GR_OK; i++) {
        snprintf(name, sizeof name, "branch%d", (*n)++);
        gr_output(g, name, s.found[i]);
        st = gr_graph_status(g);
    }
    end(&s);
    return st;
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
