/* Fusing: nodes become units. Regions grow greedily over the nodes in order: each node joins the regions of what it
 * reads and those that read the same.
 *
 * A node that could be made just as well later, from a value that stands in memory anyway, waits for its first reader:
 * the mask of a rectifier belongs to the backward pass that uses it, not to the forward pass, which would have to store
 * it. */
#include <string.h>

#include "plan/plan.h"

/* ---- reading units ---- */

gr_val gr__node_read(const gr__compiler *c, const gr_node *n, int i)
{
    gr_val v = n->in[i];
    const gr_node *p = gr__producer(c->g, v);
    if (gr__absorbs(c, gr__node_id(c->g, n), i)) {
        if (p->op->code == GR_OP_IOTA) return GR_NONE;
        v = p->in[0];
        p = gr__producer(c->g, v);
    }
    return p->op->code == GR_OP_CONST ? GR_NONE : v;
}

int gr__value_unit(const gr__compiler *c, gr_val v)
{
    return c->unit_of[gr__value(c->g, c->root[v])->node];
}

gr__standing gr__stands(const gr__compiler *c, gr_val v)
{
    gr__keeper kept = gr__producer(c->g, c->root[v])->op->kept;
    if (kept == GR__KEPT_STORE) return GR__STANDS_RUN;
    if (c->gradient[c->root[v]] || c->released[c->root[v]]) return GR__STANDS_STEP;
    return kept == GR__KEPT_CALLER ? GR__STANDS_FED : GR__STANDS_READ;
}

/* Does a node outside the unit read in place what the broadcast v repeats? */
static bool read_in_place(const gr__compiler *c, gr_val v, int unit)
{
    for (uint32_t r = c->first_reader[v]; r < c->first_reader[v + 1]; r++) {
        const gr_node *n = gr__node(c->g, c->readers[r]);
        for (int i = 0; i < n->n_in && c->unit_of[c->readers[r]] != unit; i++)
            if (n->in[i] == v && gr__absorbs(c, c->readers[r], i)) return true;
    }
    return false;
}

/* Views pass on what they read. So do broadcasts, to those that read them in place; others may read the same broadcast
 * from memory, written by a unit that has what it repeats as a line. */
static bool read_outside(const gr__compiler *c, uint32_t reader, int unit)
{
    const gr_node *n = gr__node(c->g, reader);
    if (gr__value_is_view(c, n->out)) return gr__value_is_out(c, n->out, unit);
    if (n->op->code == GR_OP_BROADCAST && read_in_place(c, n->out, unit)) return true;
    return c->unit_of[reader] != unit && (n->op->code != GR_OP_BROADCAST || c->in_memory[reader]);
}

bool gr__value_is_out(const gr__compiler *c, gr_val v, int unit)
{
    if (c->pinned[v]) return true;
    for (uint32_t r = c->first_reader[v]; r < c->first_reader[v + 1]; r++)
        if (read_outside(c, c->readers[r], unit)) return true;
    return false;
}

static void add_once(gr_val *list, int *n, gr_val v)
{
    for (int i = 0; i < *n; i++)
        if (list[i] == v) return;
    list[(*n)++] = v;
}

void gr__part_operands(const gr__compiler *c, int unit, const gr__part *part, gr_val *in, int *n_in, gr_val *out,
                       int *n_out)
{
    *n_in = *n_out = 0;
    for (int k = 0; k < part->n; k++) {
        const gr_node *n = gr__node(c->g, part->nodes[k]);
        for (int i = 0; i < n->n_in; i++) {
            gr_val v = gr__node_read(c, n, i);
            if (v && gr__value_unit(c, v) != unit) add_once(in, n_in, v);
        }
        /* kernels of single nodes have all their outputs, by number */
        bool all = c->units[unit].kind == GR_ITEM_NODE && part->n == 1;
        for (int o = 0; o < n->n_out; o++) {
            gr_val v = n->out + (gr_val)o;
            if (all || gr__value_is_out(c, v, unit)) out[(*n_out)++] = !all || c->live[v] ? v : GR_NONE;
        }
    }
}

int gr__part_most_operands(const gr__compiler *c, const gr__part *part)
{
    int n = 0;
    for (int k = 0; k < part->n; k++) n += gr__node(c->g, part->nodes[k])->n_in + gr__node(c->g, part->nodes[k])->n_out;
    return n;
}

bool gr__part_reads_elementwise(const gr__compiler *c, const gr__part *part, gr_val root, bool *any)
{
    *any = false;
    for (int k = 0; k < part->n; k++) {
        const gr_node *n = gr__node(c->g, part->nodes[k]);
        for (int i = 0; i < n->n_in; i++) {
            gr_val v = gr__node_read(c, n, i);
            if (!v || c->root[v] != root) continue;
            *any = true;
            bool same = gr_shape_count(gr__value(c->g, v)->shape) == gr_shape_count(gr__value(c->g, root)->shape) &&
                        c->root_offset[v] == 0;
            gr_shape in = gr__value(c->g, n->in[i])->shape;
            bool element = n->op->class == GR_CLASS_MAP && gr__shape_equal(in, gr__value(c->g, n->out)->shape) &&
                           gr_shape_count(in) == gr_shape_count(part->shape);
            if (!same || !element || gr__absorbs(c, part->nodes[k], i)) return false;
        }
    }
    return true;
}

/* ---- joining ---- */

/* What two regions are together: the space of the larger one, in which the nodes of the other are lines, that is, have
 * one value a row. Without splits: they do not go together. */
static gr__part joined(const gr__compiler *c, const gr__part *p, const gr__part *q)
{
    gr__part both = {.shape = p->shape, .splits = p->splits & q->splits};
    if (gr__shape_equal(p->shape, q->shape)) return both;
    int64_t n = gr_shape_count(p->shape), m = gr_shape_count(q->shape);
    const gr__part *large = n < m ? q : p, *small = n < m ? p : q;
    both.shape = large->shape;
    both.splits = small->lines && c->backend->max_row > 0
                      ? gr__form_line_splits(large->shape, large->splits, gr_shape_count(small->shape))
                      : 0;
    return both;
}

/* Is v a line of the joined region? */
static bool is_line(const gr__compiler *c, const gr__part *both, gr_val v)
{
    gr_space space = gr__form_space(both->shape, both->splits);
    const gr_node *p = gr__producer(c->g, c->root[v]);
    bool fits = space.rows >= 1 && space.columns >= 2 && space.columns <= c->backend->max_row;
    if (!fits || c->root_offset[v] != 0 || gr_shape_count(gr__value(c->g, v)->shape) != space.rows) return false;
    if (gr__node_is_reduction(p)) return gr__form_of(c->g, p, gr__form_split(both->splits)) == GR__ROW;
    return gr_shape_count(gr__value(c->g, p->out)->shape) == space.rows;
}

/* Does input i of n read a line row by row? */
static bool reads_by_row(const gr__compiler *c, const gr__part *both, const gr_node *n, int i)
{
    const gr_node *spread = gr__absorbs(c, gr__node_id(c->g, n), i) ? gr__producer(c->g, n->in[i]) : n;
    if (spread->op->code == GR_OP_BROADCAST) return gr__form_of(c->g, spread, gr__form_split(both->splits)) == GR__ROW;
    gr_space space = gr__form_space(both->shape, both->splits);
    return n->op->class == GR_CLASS_MAP && gr_shape_count(gr__value(c->g, n->out)->shape) == space.rows;
}

/* A region reads of its own only elements, element for element, and lines, row by row: no other reductions, nor what it
 * wrote through a view or as a broadcast. *lines: it does read lines. */
static bool reads_rightly(const gr__compiler *c, const gr__part *both, const gr__part *reader, int a, int b,
                          bool *lines)
{
    for (int k = 0; k < reader->n; k++) {
        const gr_node *n = gr__node(c->g, reader->nodes[k]);
        for (int i = 0; i < n->n_in; i++) {
            gr_val v = gr__node_read(c, n, i);
            int from = v ? gr__value_unit(c, v) : -1;
            if (from < 0 || (from != a && from != b)) continue;
            bool absorbed = gr__absorbs(c, reader->nodes[k], i), line = is_line(c, both, v);
            if (line && !reads_by_row(c, both, n, i)) return false;
            if (!line && (absorbed || gr__value_is_view(c, v) || gr__node_is_reduction(gr__producer(c->g, v))))
                return false;
            *lines |= line;
        }
    }
    return true;
}

static int absorbed_nodes(const gr__compiler *c, const gr__part *part)
{
    int n = 0;
    for (int k = 0; k < part->n; k++) n += __builtin_popcount(c->absorbs[part->nodes[k]]);
    return n;
}

/* An upper bound of the operands of both together: what one writes for the other still counts. A unit within the limit
 * stays within it as others join their neighbours, so the arrays are large enough. */
static bool within_limits(const gr__compiler *c, int a, int b)
{
    const gr__part *p = c->units[a].parts, *q = c->units[b].parts;
    int nodes = p->n + q->n + absorbed_nodes(c, p) + absorbed_nodes(c, q),
        limit = GR_MIN(c->backend->max_region_operands, GR__MAX_OPERANDS);
    if (nodes > c->backend->max_region_nodes) return false;
    gr_val in[2 * GR__MAX_OPERANDS], more[GR__MAX_OPERANDS], out[GR__MAX_OPERANDS];
    int n_in, n_out, m_in, m_out;
    gr__part_operands(c, a, p, in, &n_in, out, &n_out);
    gr__part_operands(c, b, q, more, &m_in, out, &m_out);
    for (int i = 0; i < m_in; i++) add_once(in, &n_in, more[i]);
    return n_in + n_out + m_out <= limit;
}

/* A guard is tested between the unit that computes it and those that wait for it. */
static bool guard_between(const gr__unit *x, const gr__unit *y)
{
    return (x->tested || y->tested) && (x->waits || y->waits);
}

/* Where gradients are released, what waits for one is kept from what waits for another, or neither runs before both are
 * there; and the backward pass, which makes them one by one, from all that it does not need itself: statistics of a
 * batch, which updates wait for, would be known only when it is over. What waits for no gradient may be taken in, but
 * for scalars, which others wait for too. */
static bool gradient_between(const gr__unit *x, const gr__unit *y)
{
    bool scalars = x->kind == GR_ITEM_SCALARS;
    if (x->on_way == y->on_way) return x->after != y->after && (scalars || (x->after && y->after));
    const gr__unit *way = x->on_way ? x : y, *other = x->on_way ? y : x;
    return scalars || way->backward || other->after;
}

static bool may_join(const gr__compiler *c, int a, int b)
{
    const gr__unit *x = &c->units[a], *y = &c->units[b];
    if (x->kind != y->kind || x->kind == GR_ITEM_NODE || guard_between(x, y) || gradient_between(x, y)) return false;
    if (x->kind == GR_ITEM_REGION) {
        bool keeps = c->effects.keeping.form != GR_KEEP_FLOAT32;
        if (keeps && x->backward != y->backward) return false; /* what is read back would be so in the forward pass */
        const gr__part *p = x->parts, *q = y->parts, both = joined(c, p, q);
        bool lines = gr__shape_equal(p->shape, q->shape);
        if (!both.splits || !reads_rightly(c, &both, p, a, b, &lines) || !reads_rightly(c, &both, q, a, b, &lines) ||
            !lines || !within_limits(c, a, b))
            return false;
    }
    return gr__deps_joinable(&c->deps, a, b);
}

/* Room for so many nodes more. */
static bool reserve(gr__compiler *c, gr__part *part, int more)
{
    if (part->n + more <= part->capacity) return true;
    int capacity = GR_MAX(GR_MAX(2 * part->capacity, part->n + more), 4);
    uint32_t *nodes = gr__bump_alloc(c->work, (size_t)capacity * sizeof *nodes);
    if (!nodes) return false;
    if (part->n) memcpy(nodes, part->nodes, (size_t)part->n * sizeof *nodes);
    part->nodes = nodes;
    part->capacity = capacity;
    return true;
}

static bool add_node(gr__compiler *c, gr__part *part, uint32_t k)
{
    if (!reserve(c, part, 1)) return false;
    part->nodes[part->n++] = k;
    return true;
}

/* Unit b becomes part of unit a; nodes stay in graph order. */
static bool join(gr__compiler *c, int a, int b)
{
    gr__part *p = c->units[a].parts, *q = c->units[b].parts, both = joined(c, p, q);
    if (!reserve(c, p, q->n)) return false;
    p->lines = p->lines && q->lines && gr__shape_equal(p->shape, q->shape);
    p->shape = both.shape;
    p->splits = both.splits;
    for (int i = p->n, j = q->n, to = p->n + q->n; j > 0;) { /* the last first: in place */
        bool mine = i > 0 && p->nodes[i - 1] > q->nodes[j - 1];
        p->nodes[--to] = mine ? p->nodes[--i] : q->nodes[--j];
    }
    p->n += q->n;
    for (int j = 0; j < q->n; j++) c->unit_of[q->nodes[j]] = a;
    c->units[a].waits |= c->units[b].waits;
    c->units[a].tested |= c->units[b].tested;
    c->units[a].on_way |= c->units[b].on_way;
    c->units[a].after = GR_MAX(c->units[a].after, c->units[b].after);
    c->units[b].gone = true;
    gr__deps_join(&c->deps, a, b);
    return true;
}

/* Joins b to a if that is allowed; *b is then a. False: no memory. */
static bool try_join(gr__compiler *c, int a, int *b)
{
    if (a < 0 || a == *b || !may_join(c, a, *b)) return true;
    int low = GR_MIN(a, *b), high = GR_MAX(a, *b);
    *b = low;
    return join(c, low, high);
}

static bool join_scalars(gr__compiler *c, int unit)
{
    for (int u = 0; u < unit; u++)
        if (c->units[u].kind == GR_ITEM_SCALARS && !c->units[u].gone && may_join(c, u, unit)) return join(c, u, unit);
    return true;
}

/* The regions of what it reads first, then those that read the same tensors. */
static bool join_neighbours(gr__compiler *c, const gr_node *n, int unit)
{
    for (int i = 0; i < n->n_in; i++) {
        gr_val v = gr__node_read(c, n, i);
        if (v && !try_join(c, gr__value_unit(c, v), &unit)) return false;
    }
    for (int i = 0; i < n->n_in; i++) {
        gr_val v = gr__node_read(c, n, i);
        if (!v || gr__value(c->g, v)->shape.rank == 0 || gr__absorbs(c, gr__node_id(c->g, n), i)) continue;
        for (uint32_t r = c->first_reader[v]; r < c->first_reader[v + 1]; r++)
            if (!try_join(c, c->unit_of[c->readers[r]], &unit)) return false;
    }
    return true;
}

/* ---- making units ---- */

static bool is_scalar(const gr__compiler *c, const gr_node *n)
{
    if (n->op->class != GR_CLASS_MAP || gr__value(c->g, n->out)->shape.rank != 0) return false;
    for (int i = 0; i < n->n_in; i++)
        if (gr__value(c->g, n->in[i])->dtype != GR_REAL) return false;
    return true;
}

static bool needs_unit(const gr__compiler *c, const gr_node *n)
{
    switch (n->op->code) {
    case GR_OP_IOTA:
    case GR_OP_BROADCAST:
        return c->in_memory[gr__node_id(c->g, n)];
    case GR_OP_RANDOM:
        return true;
    default:
        return n->op->class != GR_CLASS_LEAF && !gr__value_is_view(c, n->out);
    }
}

static void depend(gr__compiler *c, int unit, gr_val v)
{
    int above = gr__value_unit(c, v);
    uint32_t after = c->released[c->root[v]];
    if (above >= 0) gr__deps_add(&c->deps, unit, above);
    if (above >= 0) after = GR_MAX(after, c->units[above].after);
    if (!c->units[unit].on_way) c->units[unit].after = GR_MAX(c->units[unit].after, after);
}

/* Assigned values wait for their guard, unless one needs them itself. So does reading back what is kept in fewer bits,
 * or all that follows from it would stand until the guard is known. */
static void wait_for_guards(gr__compiler *c, int unit, uint32_t k)
{
    const gr_node *n = gr__node(c->g, k);
    gr_val codes = n->op->code == GR_OP_UNPACK ? n->in[0] : GR_NONE;
    for (size_t i = 0; i < c->effects.n_assigns && !c->before_guard[k]; i++) {
        const gr_assignment *a = &c->effects.assigns[i];
        gr_val guard = gr__assign_guard(c, a);
        bool writes = gr__value(c->g, c->root[a->value])->node == k;
        if (!guard || (!writes && a->target != codes)) continue;
        c->units[unit].waits |= writes;
        depend(c, unit, guard);
    }
}

static void add_dependencies(gr__compiler *c, int unit, uint32_t k)
{
    const gr_node *n = gr__node(c->g, k);
    for (int i = 0; i < n->n_in; i++) {
        gr_val v = gr__node_read(c, n, i);
        if (v) depend(c, unit, v);
    }
    wait_for_guards(c, unit, k);
}

/* May the node have one value a row of a larger space? Then it reads nothing that rows would repeat. */
static bool may_be_line(const gr__compiler *c, uint32_t k)
{
    const gr_node *n = gr__node(c->g, k);
    for (int i = 0; i < n->n_in; i++) {
        const gr_node *p = gr__producer(c->g, n->in[i]);
        if (gr__absorbs(c, k, i) && (p->op->code == GR_OP_IOTA || gr__value(c->g, p->in[0])->shape.rank > 0))
            return false;
    }
    return n->op->class == GR_CLASS_MAP;
}

static int new_unit(gr__compiler *c, uint32_t k)
{
    const gr_node *n = gr__node(c->g, k);
    gr__unit *u = &c->units[c->n_units];
    u->kind = is_scalar(c, n) ? GR_ITEM_SCALARS : c->splits[k] ? GR_ITEM_REGION : GR_ITEM_NODE;
    u->parts = gr__bump_alloc(c->work, sizeof *u->parts);
    if (!u->parts || !add_node(c, u->parts, k)) return -1;
    u->n_parts = 1;
    u->backward = n->backward;
    u->tested = c->tested[k];
    u->on_way = c->on_way[k];
    u->parts->splits = c->splits[k];
    u->parts->lines = may_be_line(c, k);
    u->parts->shape = gr__value(c->g, gr__node_is_reduction(n) ? n->in[0] : n->out)->shape;
    return c->n_units++;
}

/* Does v stand in memory whatever becomes of its reader? As far as is known so far. */
static bool stands_anyway(const gr__compiler *c, gr_val v)
{
    int unit = gr__value_unit(c, v);
    if (unit < 0 || gr__value_is_view(c, v) || c->pinned[v] || c->units[unit].kind != GR_ITEM_REGION ||
        gr__node_is_reduction(gr__producer(c->g, v)))
        return true;
    for (uint32_t r = c->first_reader[v]; r < c->first_reader[v + 1]; r++) {
        uint32_t reader = c->readers[r];
        if (c->splits[reader] == 0 || (c->unit_of[reader] >= 0 && c->unit_of[reader] != unit)) return true;
    }
    return false;
}

/* At most one tensor is read, apart from those that stand for the whole step, and all readers may take it in: then
 * making it where it is read moves no more bytes, and stores nothing. The step of an optimizer, read after a norm,
 * belongs to the pass that reads it. */
static bool may_wait(const gr__compiler *c, uint32_t k)
{
    const gr_node *n = gr__node(c->g, k);
    if (c->again && c->again[k]) return true;
    if (n->op->class != GR_CLASS_MAP || c->splits[k] == 0 || c->pinned[n->out] || c->gradient[n->out] ||
        c->released[n->out] || c->epilogue_of[k])
        return false;
    for (uint32_t r = c->first_reader[n->out]; r < c->first_reader[n->out + 1]; r++) {
        const gr_node *reader = gr__node(c->g, c->readers[r]);
        if (c->splits[c->readers[r]] == 0 || (reader->op->class != GR_CLASS_MAP && !gr__node_is_reduction(reader)))
            return false;
    }
    gr_val tensor = GR_NONE;
    for (int i = 0; i < n->n_in; i++) {
        gr_val v = gr__node_read(c, n, i);
        if (!v || gr__value(c->g, v)->shape.rank == 0 || gr__absorbs(c, k, i) || v == tensor) continue;
        if (gr__stands(c, v) >= GR__STANDS_STEP) continue; /* reading it late keeps nothing longer */
        if (tensor || !stands_anyway(c, v)) return false;
        tensor = v;
    }
    return true;
}

static bool place_node(gr__compiler *c, uint32_t k);

/* Places what waited for k. */
static bool place_waiting(gr__compiler *c, const gr_node *n)
{
    for (int i = 0; i < n->n_in; i++) {
        uint32_t p = gr__value(c->g, n->in[i])->node;
        if (!c->waiting[p]) continue;
        c->waiting[p] = false;
        if (!place_node(c, p)) return false;
    }
    return true;
}

/* The unit joins its neighbours, then those of what it took in. */
static bool join_all(gr__compiler *c, const gr_node *n, int depth)
{
    if (!join_neighbours(c, n, c->unit_of[gr__node_id(c->g, n)])) return false;
    for (int i = 0; i < n->n_in && depth > 0; i++) {
        const gr_node *p = gr__producer(c->g, n->in[i]);
        int unit = c->unit_of[gr__node_id(c->g, p)];
        bool mine = unit >= 0 && unit == c->unit_of[gr__node_id(c->g, n)] && p->op->class == GR_CLASS_MAP;
        if (mine && c->waited[gr__node_id(c->g, p)] && !join_all(c, p, depth - 1)) return false;
    }
    return true;
}

static bool place_node(gr__compiler *c, uint32_t k)
{
    const gr_node *n = gr__node(c->g, k);
    if (!needs_unit(c, n)) return true;
    if (!place_waiting(c, n)) return false;
    if (c->epilogue_of[k]) {
        int unit = c->unit_of[c->epilogue_of[k] - 1];
        c->unit_of[k] = unit;
        add_dependencies(c, unit, k);
        return add_node(c, c->units[unit].parts, k);
    }
    int unit = new_unit(c, k);
    if (unit < 0) return false;
    c->unit_of[k] = unit;
    add_dependencies(c, unit, k);
    if (c->options.unfused || c->waited[k]) return true; /* whoever it waited for takes it in */
    if (c->units[unit].kind == GR_ITEM_SCALARS) return join_scalars(c, unit);
    return c->units[unit].kind == GR_ITEM_NODE || join_all(c, n, c->backend->max_region_nodes);
}

gr_status gr__plan_fuse(gr__compiler *c)
{
    c->units = gr__bump_alloc(c->work, (c->n_order + 1) * sizeof *c->units);
    c->waiting = gr__bump_alloc(c->work, (c->n_nodes + 1) * sizeof *c->waiting);
    c->waited = gr__bump_alloc(c->work, (c->n_nodes + 1) * sizeof *c->waited);
    int most = 0;
    for (uint32_t i = 0; i < c->n_order; i++)
        most += !c->epilogue_of[c->order[i]] && needs_unit(c, gr__node(c->g, c->order[i]));
    if (!c->units || !c->waiting || !c->waited || !gr__deps_create(&c->deps, c->work, most))
        return gr__error_code(c->ctx);
    for (uint32_t i = 0; i < c->n_order; i++) {
        uint32_t k = c->order[i];
        if (!c->options.unfused && may_wait(c, k))
            c->waiting[k] = c->waited[k] = true;
        else if (!place_node(c, k))
            return gr__error_code(c->ctx);
    }
    return GR_OK;
}
