/* Looking at the simplified graph once: liveness, readers, views, what is read in place, which elementwise nodes end a
 * contraction. */
#include "graph/op.h"
#include "plan/plan.h"

uint32_t gr__node_id(const gr_graph *g, const gr_node *n)
{
    return gr__value(g, n->out)->node;
}

bool gr__is_loop(const gr_item *it)
{
    return gr__node(it->graph, it->nodes[0])->op->class == GR_CLASS_LOOP;
}

size_t gr__value_bytes(const gr_backend *b, const gr_value *v)
{
    return (size_t)gr_shape_count(v->shape) * gr__element_bytes(gr__backend_element(b, v->dtype, v->shape));
}

bool gr__node_is_reduction(const gr_node *n)
{
    return n->op->code == GR_OP_SUM || n->op->code == GR_OP_SUM_SQUARES || n->op->code == GR_OP_REDUCE_MAX;
}

/* ---- views ---- */

/* Slices along the outermost axis stand in the memory of what they are cut from, where they begin at a granule. Where
 * every operation is a kernel of its own they are too: which of them begin so differs from backend to backend. */
static size_t slice_offset(const gr__compiler *c, const gr_node *n)
{
    const gr_value *v = gr__value(c->g, n->in[0]);
    size_t row = gr__value_bytes(c->backend, v) / (size_t)GR_MAX(v->shape.dim[n->attr.i[0]], 1);
    return row * (size_t)n->attr.i[1];
}

static bool is_slice_view(const gr__compiler *c, const gr_node *n)
{
    if (n->op->code != GR_OP_SLICE || c->options.unfused) return false;
    gr_shape s = gr__value(c->g, n->in[0])->shape;
    for (int i = 0; i < n->attr.i[0]; i++)
        if (s.dim[i] != 1) return false;
    return slice_offset(c, n) % GR__GRANULE == 0;
}

bool gr__value_is_view(const gr__compiler *c, gr_val v)
{
    return c->root[v] != v;
}

static void find_views(gr__compiler *c)
{
    for (gr_val v = 1; v <= c->n_values; v++) {
        const gr_node *n = gr__producer(c->g, v);
        bool slice = is_slice_view(c, n);
        c->root[v] = v;
        if (n->op->code != GR_OP_RESHAPE && !slice) continue;
        c->root[v] = c->root[n->in[0]];
        c->root_offset[v] = c->root_offset[n->in[0]] + (slice ? slice_offset(c, n) : 0);
    }
}

/* ---- effects and readers ---- */

/* What the marked nodes need is marked too. */
static void mark_needed(const gr__compiler *c, bool *nodes)
{
    for (uint32_t k = c->n_nodes; k-- > 0;) {
        const gr_node *n = gr__node(c->g, k);
        for (int i = 0; nodes[k] && i < n->n_in; i++) nodes[gr__value(c->g, n->in[i])->node] = true;
    }
}

static void mark_guard(gr__compiler *c, gr_val guard)
{
    if (!guard) return;
    c->pinned[guard] = true;
    c->tested[gr__value(c->g, c->root[guard])->node] = true;
    c->before_guard[gr__value(c->g, guard)->node] = true;
}

static size_t gradient_bytes(const gr__compiler *c, size_t i)
{
    return gr__value_bytes(c->backend, gr__value(c->g, c->effects.gradients[i].gradient));
}

/* Of those that may be released small ones stand all the same: together they take little, and updates of many small
 * parameters are one kernel. */
static void mark_gradients(gr__compiler *c)
{
    enum { SMALL = 256 };
    size_t largest = 0;
    for (size_t i = 0; i < c->effects.n_gradients; i++) largest = GR_MAX(largest, gradient_bytes(c, i));
    for (size_t i = 0; i < c->effects.n_gradients; i++) {
        gr_val root = c->root[c->effects.gradients[i].gradient];
        bool stands = !c->options.release || SMALL * gradient_bytes(c, i) <= largest;
        c->gradient[root] |= stands;
        if (c->options.release) c->released[root] = stands ? GR__UNRELEASED : 1 + gr__value(c->g, root)->node;
        if (stands) continue;
        c->plan->released_bytes += gr__granules(gradient_bytes(c, i));
        c->plan->n_released++;
    }
}

/* A batch norm's gradients are read by the backward pass itself, so what reads one need not be an update. */
static void mark_way(gr__compiler *c)
{
    for (size_t i = 0; i < c->effects.n_gradients; i++)
        c->on_way[gr__value(c->g, c->effects.gradients[i].gradient)->node] = true;
    mark_needed(c, c->on_way);
}

static void mark_effects(gr__compiler *c)
{
    for (size_t i = 0; i < c->effects.n_outputs; i++) c->pinned[c->effects.outputs[i].value] = true;
    for (size_t i = 0; i < c->effects.n_assigns; i++) {
        c->pinned[c->effects.assigns[i].value] = true;
        mark_guard(c, c->effects.assigns[i].guard);
    }
    mark_guard(c, c->effects.guard);
    mark_gradients(c);
    if (c->options.release) mark_way(c);
}

static bool list_readers(gr__compiler *c)
{
    uint32_t *first = c->first_reader;
    uint32_t total = 0;
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        const gr_node *n = gr__node(c->g, k);
        bool lives = gr__plan_node_lives(n, c->live);
        for (int i = 0; lives && i < n->n_in; i++, total++) first[n->in[i] + 1]++;
    }
    for (gr_val v = 0; v <= c->n_values; v++) first[v + 1] += first[v];
    c->readers = gr__bump_alloc(c->work, (total + 1) * sizeof *c->readers);
    uint32_t *fill = gr__bump_alloc(c->work, (c->n_values + 2) * sizeof *fill);
    if (!c->readers || !fill) return false;
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        const gr_node *n = gr__node(c->g, k);
        bool lives = gr__plan_node_lives(n, c->live);
        for (int i = 0; lives && i < n->n_in; i++) c->readers[first[n->in[i]] + fill[n->in[i]]++] = k;
    }
    return true;
}

/* Assigning waits for guards, so what these need comes first. */
static void put_in_order(gr__compiler *c)
{
    mark_needed(c, c->before_guard);
    for (int late = 0; late < 2; late++)
        for (uint32_t k = 0; k < c->n_nodes; k++)
            if (gr__plan_node_lives(gr__node(c->g, k), c->live) && c->before_guard[k] == !late)
                c->order[c->n_order++] = k;
}

/* ---- what may join a region ---- */

static unsigned own_splits(const gr__compiler *c, const gr_node *n)
{
    gr_shape out = gr__value(c->g, n->out)->shape;
    if (n->op->class == GR_CLASS_MAP) return out.rank == 0 ? 0 : (1u << (out.rank + 1)) - 1;
    if (n->op->code == GR_OP_IOTA) return gr__form_iota_splits(out, n->attr.i[0]);
    gr_shape in = n->n_in ? gr__value(c->g, n->in[0])->shape : GR_SCALAR;
    if (n->op->code == GR_OP_BROADCAST) return gr__form_broadcast_splits(in, out);
    return gr__node_is_reduction(n) && in.rank != 0 ? gr__form_reduce_splits(in, n->attr.i[0], out.rank) : 0;
}

/* Which inputs an elementwise node reads in place: as many broadcasts and iotas as agree on rows and columns. */
static void absorb_inputs(gr__compiler *c, uint32_t k)
{
    const gr_node *n = gr__node(c->g, k);
    if (n->op->class != GR_CLASS_MAP || c->options.unfused) return;
    for (int i = 0; i < n->n_in; i++) {
        const gr_node *p = gr__producer(c->g, n->in[i]);
        if (p->op->code != GR_OP_BROADCAST && p->op->code != GR_OP_IOTA) continue;
        unsigned both = c->splits[k] & c->splits[gr__node_id(c->g, p)];
        if (!both) continue;
        c->splits[k] = both;
        c->absorbs[k] |= (uint8_t)(1u << i);
    }
}

static void find_regional(gr__compiler *c)
{
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        const gr_node *n = gr__node(c->g, k);
        if (!gr__plan_node_lives(n, c->live)) continue;
        unsigned splits = own_splits(c, n);
        if (splits && c->backend->fuses && c->backend->fuses(c->g, n)) c->splits[k] = splits;
        if (c->splits[k]) absorb_inputs(c, k);
    }
}

/* ---- epilogues ---- */

static bool read_once(const gr__compiler *c, gr_val v)
{
    return !c->pinned[v] && c->first_reader[v + 1] - c->first_reader[v] == 1;
}

/* The elementwise node behind v, where nothing else reads v: what may be computed while v is stored. */
static const gr_node *next_in_chain(const gr__compiler *c, gr_val v)
{
    if (!read_once(c, v)) return NULL;
    const gr_node *n = gr__node(c->g, c->readers[c->first_reader[v]]);
    bool same =
        n->op->class == GR_CLASS_MAP && gr__shape_equal(gr__value(c->g, n->out)->shape, gr__value(c->g, v)->shape);
    return same ? n : NULL;
}

static uint8_t broadcasts_of(const gr__compiler *c, const gr_node *n)
{
    uint8_t bits = 0;
    for (int i = 0; i < n->n_in; i++)
        if (gr__made_by(c->g, n->in[i], GR_OP_BROADCAST)) bits |= (uint8_t)(1u << i);
    return bits;
}

/* Offers the contraction what follows it. */
static void end_contraction(gr__compiler *c, uint32_t k)
{
    uint32_t chain[GR__MAX_EPILOGUE];
    int n = 0;
    gr_val v = gr__node(c->g, k)->out;
    for (const gr_node *next; n < GR__MAX_EPILOGUE && (next = next_in_chain(c, v)); v = next->out)
        chain[n++] = gr__node_id(c->g, next);
    int taken = n ? c->backend->epilogue(c->g, gr__node(c->g, k), chain, n) : 0;
    for (int i = 0; i < taken; i++) {
        c->epilogue_of[chain[i]] = 1 + k;
        c->absorbs[chain[i]] = broadcasts_of(c, gr__node(c->g, chain[i]));
    }
}

static void find_epilogues(gr__compiler *c)
{
    if (c->options.unfused || !c->backend->epilogue) return;
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        const gr_node *n = gr__node(c->g, k);
        if (n->op->class == GR_CLASS_CONTRACT && gr__plan_node_lives(n, c->live)) end_contraction(c, k);
    }
}

/* A broadcast or iota needs memory where somebody reads it otherwise than in place. */
static void find_in_memory(gr__compiler *c)
{
    for (gr_val v = 1; v <= c->n_values; v++)
        if (c->pinned[v]) c->in_memory[gr__value(c->g, v)->node] = true;
    for (uint32_t k = 0; k < c->n_nodes; k++) {
        const gr_node *n = gr__node(c->g, k);
        bool lives = gr__plan_node_lives(n, c->live);
        for (int i = 0; lives && i < n->n_in; i++)
            if (!gr__absorbs(c, k, i)) c->in_memory[gr__value(c->g, n->in[i])->node] = true;
    }
}

static bool allocate(gr__compiler *c)
{
    size_t n = c->n_nodes + 1, v = c->n_values + 1;
    c->before_guard = gr__bump_alloc(c->work, n * sizeof *c->before_guard);
    c->tested = gr__bump_alloc(c->work, n * sizeof *c->tested);
    c->on_way = gr__bump_alloc(c->work, n * sizeof *c->on_way);
    c->order = gr__bump_alloc(c->work, n * sizeof *c->order);
    c->absorbs = gr__bump_alloc(c->work, n * sizeof *c->absorbs);
    c->in_memory = gr__bump_alloc(c->work, n * sizeof *c->in_memory);
    c->splits = gr__bump_alloc(c->work, n * sizeof *c->splits);
    c->epilogue_of = gr__bump_alloc(c->work, n * sizeof *c->epilogue_of);
    c->unit_of = gr__bump_alloc(c->work, n * sizeof *c->unit_of);
    c->live = gr__bump_alloc(c->work, v * sizeof *c->live);
    c->root = gr__bump_alloc(c->work, v * sizeof *c->root);
    c->root_offset = gr__bump_alloc(c->work, v * sizeof *c->root_offset);
    c->pinned = gr__bump_alloc(c->work, v * sizeof *c->pinned);
    c->gradient = gr__bump_alloc(c->work, v * sizeof *c->gradient);
    c->released = gr__bump_alloc(c->work, v * sizeof *c->released);
    c->first_reader = gr__bump_alloc(c->work, (v + 1) * sizeof *c->first_reader);
    return c->live && c->before_guard && c->tested && c->on_way && c->released && c->order && c->absorbs &&
           c->in_memory && c->splits && c->epilogue_of && c->unit_of && c->root && c->root_offset && c->pinned &&
           c->gradient && c->first_reader;
}

gr_status gr__plan_survey(gr__compiler *c)
{
    c->n_nodes = gr__graph_nodes(c->g);
    c->n_values = gr__graph_values(c->g);
    c->effects = gr__graph_effects(c->g);
    if (!allocate(c)) return gr__error_code(c->ctx);
    gr__plan_mark_live(c->g, c->live);
    find_views(c);
    mark_effects(c);
    if (!list_readers(c)) return gr__error_code(c->ctx);
    put_in_order(c);
    find_regional(c);
    find_epilogues(c);
    find_in_memory(c);
    for (uint32_t k = 0; k < c->n_nodes; k++) c->unit_of[k] = -1;
    return GR_OK;
}
