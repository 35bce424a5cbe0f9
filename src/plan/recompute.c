/* Computing again: what a backward pass reads of a large value may cost less made anew than read. The mask of a
 * rectifier behind a norm follows from what the norm reads, which its gradient reads anyway; so the rectifier's result
 * is not read once more. What that mask leaves of a gradient is read by sums, and once more by what needs these sums:
 * there it is made of the gradient again, and never stored. Bits stay, for the operations are the same.
 *
 * Equal nodes are one value, so what is to be computed again must differ: small operands of it, one number a channel or
 * so, go through a STOP, or two where two units are meant. Which nodes are such is told to fusing: they wait for their
 * readers (fuse.c). */
#include <string.h>

#include "graph/op.h"
#include "plan/plan.h"
#include "plan/rebuild.h"

enum {
    LEAST = 1 << 15,  /* elements of a value that is worth it */
    MOST_NODES = 8,   /* that are computed again for a value */
    MOST_LEAVES = 2,  /* tensors as large that are read for it */
    MOST_NEAR = 16,   /* readers of readers that are looked at */
    MOST_VISITS = 256 /* nodes, when it is asked what depends on what */
};

/* How often the value is computed again for a reader: by the depth of its STOPs. */
typedef enum level { AS_IT_IS, ONCE, TWICE } level;

typedef struct look {
    const gr_graph *g;
    bool *live;
    uint32_t *first, *readers; /* of a value: the live nodes that read it */
    uint32_t *uses;            /* likewise, and by effects */
    uint32_t *edge;            /* of a node: its first operand among all */
    uint8_t *level;            /* of an operand */
    uint8_t *visited;          /* of a node */
    int visits;
    int marks;
    bool *again; /* of a node of the new graph */
    uint32_t room_again;
} look;

typedef struct job {
    look *l;
} job;

static int64_t count_of(const gr_graph *g, gr_val v)
{
    return gr_shape_count(gr__value(g, v)->shape);
}

static uint32_t id_of(const gr_graph *g, const gr_node *n)
{
    return gr__value(g, n->out)->node;
}

static bool is_cheap(const gr_node *n)
{
    switch (n->op->code) {
    case GR_OP_NEG:
    case GR_OP_ABS:
    case GR_OP_SQUARE:
    case GR_OP_RELU:
    case GR_OP_ADD:
    case GR_OP_SUB:
    case GR_OP_MUL:
    case GR_OP_MAX:
    case GR_OP_MIN:
    case GR_OP_LESS:
    case GR_OP_LESS_EQUAL:
    case GR_OP_SELECT:
    case GR_OP_MULADD:
        return true;
    default:
        return false;
    }
}

/* ---- what a value is made of ---- */

typedef struct chain {
    int64_t count; /* elements of all of it */
    gr_val leaf[MOST_LEAVES];
    int n_leaves, n_nodes;
} chain;

static bool is_leaf(const chain *c, gr_val v)
{
    for (int i = 0; i < c->n_leaves; i++)
        if (c->leaf[i] == v) return true;
    return false;
}

static bool add_leaf(chain *c, gr_val v)
{
    if (is_leaf(c, v)) return true;
    if (c->n_leaves == MOST_LEAVES) return false;
    c->leaf[c->n_leaves++] = v;
    return true;
}

/* Is v a number for all elements, or one a channel that is repeated where it is read? *differs: it can be told from
 * itself by a STOP. */
static bool is_small(const gr_graph *g, const chain *c, gr_val v, bool *differs)
{
    const gr_node *n = gr__made_by(g, v, GR_OP_BROADCAST);
    if (!n) return gr__value(g, v)->shape.rank == 0;
    const gr_value *from = gr__value(g, n->in[0]);
    if (gr_shape_count(from->shape) == c->count) return false;
    *differs |= from->shape.rank > 0 && from->dtype == GR_REAL;
    return from->shape.rank == 0 || gr__form_broadcast_splits(from->shape, gr__value(g, v)->shape) != 0;
}

/* Makes v a part of the chain. Every node of it must differ, so each has something below it that does. */
static bool follow(const look *l, chain *c, gr_val v, bool *differs)
{
    const gr_node *n = gr__producer(l->g, v);
    if (is_small(l->g, c, v, differs)) return true;
    if (count_of(l->g, v) != c->count) return false;
    if (is_leaf(c, v)) return true;
    chain before = *c;
    bool good = is_cheap(n) && c->n_nodes++ < MOST_NODES, below = false;
    for (int i = 0; good && i < n->n_in; i++) good = follow(l, c, n->in[i], &below);
    if (good && below) {
        *differs = true;
        return true;
    }
    *c = before;
    return add_leaf(c, v);
}

static bool chain_of(const look *l, gr_val v, chain *c)
{
    bool differs = false;
    *c = (chain){.count = count_of(l->g, v)};
    return follow(l, c, v, &differs) && differs && !is_leaf(c, v);
}

/* ---- who reads ---- */

static bool is_elementwise(const look *l, const gr_node *n, int64_t count)
{
    return n->op->class == GR_CLASS_MAP && count_of(l->g, n->out) == count;
}

/* Does n read x, or something made of x for it alone? */
static bool reads(const look *l, const gr_node *n, gr_val x)
{
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] == x) return true;
        const gr_node *p = gr__producer(l->g, n->in[i]);
        if (!is_elementwise(l, p, count_of(l->g, x)) || l->uses[p->out] != 1) continue;
        for (int k = 0; k < p->n_in; k++)
            if (p->in[k] == x) return true;
    }
    return false;
}

/* The first contraction that reads v; UINT32_MAX: none does. */
static uint32_t contraction_of(const look *l, gr_val v)
{
    uint32_t first = UINT32_MAX;
    for (uint32_t r = l->first[v]; r < l->first[v + 1]; r++)
        if (gr__node(l->g, l->readers[r])->op->class == GR_CLASS_CONTRACT) first = GR_MIN(first, l->readers[r]);
    return first;
}

/* Do those that read what n gives, element by element, read x as well? Who reads it behind a contraction of it, as
 * backward passes do, is far. */
static bool reads_nearby(const look *l, const gr_node *n, gr_val x)
{
    const gr_node *near[MOST_NEAR] = {n};
    int64_t count = count_of(l->g, x);
    for (int k = 0, known = 1; k < known; k++) {
        uint32_t end = contraction_of(l, near[k]->out);
        if (reads(l, near[k], x)) return true;
        for (uint32_t r = l->first[near[k]->out]; r < l->first[near[k]->out + 1] && known < MOST_NEAR; r++) {
            const gr_node *reader = gr__node(l->g, l->readers[r]);
            if (l->readers[r] < end && is_elementwise(l, reader, count)) near[known++] = reader;
        }
    }
    return false;
}

/* How many tensors n must read that it would not, were its operand a chain. */
static int new_reads(const look *l, const chain *c, const gr_node *n)
{
    int more = 0;
    for (int i = 0; i < c->n_leaves; i++) more += !reads_nearby(l, n, c->leaf[i]);
    return more;
}

/* Is it a reduction whose result cannot be read in the region that makes it? Lines, one number a row, can. */
static bool is_apart(const look *l, const gr_node *n)
{
    if (!gr__node_is_reduction(n)) return false;
    gr_shape s = gr__value(l->g, n->in[0])->shape;
    int first = 0;
    while (first + 1 < s.rank && s.dim[first] == 1) first++;
    return gr__value(l->g, n->out)->shape.rank == 0 || (n->attr.i[0] >> first & 1);
}

/* Does v depend on `on` by way of such a reduction? reduced: there was one on the way to v. */
static bool follows_sum(look *l, gr_val v, gr_val on, bool reduced)
{
    const gr_node *n = gr__producer(l->g, v);
    uint32_t k = id_of(l->g, n);
    if (v == on) return reduced;
    if (k <= id_of(l->g, gr__producer(l->g, on)) || l->visited[k] > reduced || l->visits == MOST_VISITS) return false;
    l->visited[k] = (uint8_t)(1 + reduced);
    l->visits++;
    for (int i = 0; i < n->n_in; i++)
        if (follows_sum(l, n->in[i], on, reduced || is_apart(l, n))) return true;
    return false;
}

/* Does the reader wait for sums over v, so that it is in another unit than these? */
static bool is_late(look *l, const gr_node *reader, gr_val v)
{
    l->visits = 0;
    memset(l->visited, 0, gr__graph_nodes(l->g));
    for (int i = 0; i < reader->n_in; i++)
        if (reader->in[i] != v && follows_sum(l, reader->in[i], v, false)) return true;
    return false;
}

/* ---- what is worth it ---- */

static void mark(look *l, const gr_node *reader, gr_val v, level to)
{
    for (int i = 0; i < reader->n_in; i++)
        if (reader->in[i] == v) l->level[l->edge[id_of(l->g, reader)] + (uint32_t)i] = (uint8_t)to;
    l->marks++;
}

/* v is stored for a contraction; whoever reads it behind that, and reads what it is made of anyway, makes it anew. */
static void mark_stored(look *l, gr_val v, const chain *c)
{
    uint32_t contraction = contraction_of(l, v);
    for (uint32_t r = l->first[v]; r < l->first[v + 1]; r++) {
        const gr_node *reader = gr__node(l->g, l->readers[r]);
        bool behind = l->readers[r] > contraction && is_elementwise(l, reader, c->count);
        if (behind && new_reads(l, c, reader) == 0) mark(l, reader, v, ONCE);
    }
}

/* Are all readers of what n gives reductions? Then n is in their unit. */
static bool is_summed(const look *l, const gr_node *n)
{
    for (uint32_t r = l->first[n->out]; r < l->first[n->out + 1]; r++)
        if (!gr__node_is_reduction(gr__node(l->g, l->readers[r]))) return false;
    return true;
}

/* v is read by sums, and by those that wait for these: if all of the latter can make it anew, nobody stores it. */
static void mark_summed(look *l, gr_val v, const chain *c)
{
    for (int marking = 0; marking < 2; marking++)
        for (uint32_t r = l->first[v]; r < l->first[v + 1]; r++) {
            const gr_node *reader = gr__node(l->g, l->readers[r]);
            if (gr__node_is_reduction(reader)) continue;
            if (!is_elementwise(l, reader, c->count)) return;
            bool late = is_late(l, reader, v);
            if (late ? new_reads(l, c, reader) > 1 : !is_summed(l, reader)) return;
            if (late && marking) mark(l, reader, v, TWICE);
        }
}

static void mark_all(look *l)
{
    for (gr_val v = 1; v <= gr__graph_values(l->g); v++) {
        chain c;
        const gr_node *n = gr__producer(l->g, v);
        bool all = l->uses[v] == l->first[v + 1] - l->first[v];
        if (!l->live[v] || n->op->class != GR_CLASS_MAP || count_of(l->g, v) < LEAST || !chain_of(l, v, &c)) continue;
        mark_stored(l, v, &c);
        if (all && l->uses[v] > 1) mark_summed(l, v, &c);
    }
}

/* ---- making it ---- */

static gr_val differing(gr_graph *to, gr_val v, int depth)
{
    for (; depth > 0; depth--) v = gr__node_add(to, GR_OP_STOP, &v, 1, NULL, NULL);
    return v;
}

static gr_val note(const look *l, const gr_graph *to, gr_val v)
{
    uint32_t k = v ? id_of(to, gr__producer(to, v)) : UINT32_MAX;
    if (k < l->room_again) l->again[k] = true;
    return v;
}

/* v of the old graph, in the new one. */
static gr_val remake(gr__rebuild *r, const look *l, const chain *c, gr_val v, int depth)
{
    gr_val in[3];
    bool differs = false;
    const gr_node *n = gr__producer(l->g, v);
    if (is_leaf(c, v)) return r->map[v];
    if (is_small(l->g, c, v, &differs)) {
        if (!differs) return r->map[v];
        in[0] = differing(r->to, r->map[n->in[0]], depth);
        return in[0] ? gr__node_copy(r->to, l->g, n, in) : GR_NONE;
    }
    for (int i = 0; i < n->n_in; i++) {
        in[i] = remake(r, l, c, n->in[i], depth);
        if (!in[i]) return GR_NONE;
    }
    return note(l, r->to, gr__node_copy(r->to, l->g, n, in));
}

static void rebuild(gr__rebuild *r, const gr_node *n, const gr_val *in, gr_val *out)
{
    const look *l = ((const job *)r->user)->l;
    gr_val operand[3]; /* of an elementwise node */
    bool any = false;
    for (int i = 0; i < n->n_in && n->op->class == GR_CLASS_MAP; i++) {
        chain c;
        int depth = l->level[l->edge[id_of(l->g, n)] + (uint32_t)i];
        operand[i] = in[i];
        if (depth == AS_IT_IS || !chain_of(l, n->in[i], &c)) continue;
        operand[i] = remake(r, l, &c, n->in[i], depth);
        any = true;
    }
    if (gr_graph_status(r->to) == GR_OK) gr__rebuilt(r, n, gr__node_copy(r->to, r->from, n, any ? operand : in), out);
}

/* ---- all of it ---- */

static bool list_readers(look *l)
{
    uint32_t total = 0;
    for (uint32_t k = 0; k < gr__graph_nodes(l->g); k++) {
        const gr_node *n = gr__node(l->g, k);
        l->edge[k] = total;
        for (int i = 0; i < n->n_in; i++, total++) l->first[n->in[i] + 1] += gr__plan_node_lives(n, l->live);
    }
    return total > 0;
}

static void fill_readers(look *l, uint32_t *fill)
{
    for (gr_val v = 0; v <= gr__graph_values(l->g); v++) l->first[v + 1] += l->first[v];
    for (uint32_t k = 0; k < gr__graph_nodes(l->g); k++) {
        const gr_node *n = gr__node(l->g, k);
        if (!gr__plan_node_lives(n, l->live)) continue;
        for (int i = 0; i < n->n_in; i++) l->readers[l->first[n->in[i]] + fill[n->in[i]]++] = k;
    }
}

static void count_effects(look *l)
{
    gr_effects fx = gr__graph_effects(l->g);
    for (gr_val v = 1; v <= gr__graph_values(l->g); v++) l->uses[v] = l->first[v + 1] - l->first[v];
    for (size_t i = 0; i < fx.n_assigns; i++) {
        l->uses[fx.assigns[i].value]++;
        if (fx.assigns[i].guard) l->uses[fx.assigns[i].guard]++;
    }
    for (size_t i = 0; i < fx.n_outputs; i++) l->uses[fx.outputs[i].value]++;
    for (size_t i = 0; i < fx.n_gradients; i++) l->uses[fx.gradients[i].gradient]++;
    if (fx.guard) l->uses[fx.guard]++;
}

static gr_status look_around(look *l, gr__bump *work)
{
    size_t values = gr__graph_values(l->g) + 2, nodes = gr__graph_nodes(l->g) + 1, operands = 0;
    for (uint32_t k = 0; k < gr__graph_nodes(l->g); k++) operands += (size_t)gr__node(l->g, k)->n_in;
    uint32_t *fill = gr__bump_alloc(work, values * sizeof *fill);
    l->live = gr__bump_alloc(work, values * sizeof *l->live);
    l->first = gr__bump_alloc(work, values * sizeof *l->first);
    l->uses = gr__bump_alloc(work, values * sizeof *l->uses);
    l->edge = gr__bump_alloc(work, nodes * sizeof *l->edge);
    l->visited = gr__bump_alloc(work, nodes * sizeof *l->visited);
    l->readers = gr__bump_alloc(work, (operands + 1) * sizeof *l->readers);
    l->level = gr__bump_alloc(work, (operands + 1) * sizeof *l->level);
    if (!fill || !l->live || !l->first || !l->uses || !l->edge || !l->visited || !l->readers || !l->level)
        return GR_E_MEMORY;
    gr__plan_mark_live(l->g, l->live);
    if (list_readers(l)) fill_readers(l, fill);
    count_effects(l);
    return GR_OK;
}

gr_status gr__plan_recompute(gr__compiler *c, gr_graph **graph)
{
    look l = {.g = *graph};
    gr_graph *made = NULL;
    if (look_around(&l, c->work) != GR_OK) return gr__error_code(c->ctx);
    mark_all(&l);
    if (l.marks == 0) return GR_OK;
    l.room_again = gr__graph_nodes(l.g) + (uint32_t)l.marks * 4 * MOST_NODES; /* a node and its small operands */
    l.again = gr__bump_alloc(c->work, l.room_again * sizeof *l.again);
    if (!l.again) return gr__error_code(c->ctx);
    gr_status st = gr__rebuild_graph(c->ctx, l.g, rebuild, &(job){&l}, &made);
    if (st != GR_OK) return st;
    gr_graph_destroy(*graph);
    *graph = made;
    c->again = l.again;
    return GR_OK;
}
