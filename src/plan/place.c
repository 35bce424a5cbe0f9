/* Placing: life times over the items give blocks of the arena, blocks get offsets, and every value gets its spot. */
#include <string.h>

#include "plan/plan.h"

/* Items run at times 1..n; feeds are there at 0, outputs still at n + 1. */
static int last_time(const gr__compiler *c)
{
    return c->plan->n_items + 1;
}

/* ---- constants: bookkeeping memory of the plan, filled now ---- */

static bool needs_constant(const gr__compiler *c, gr_val v)
{
    gr_opcode code = gr__producer(c->g, v)->op->code;
    return c->live[v] && (code == GR_OP_TENSOR || (code == GR_OP_CONST && c->pinned[v]));
}

static void fill_constant(gr__compiler *c, gr_val v, void *to)
{
    const gr_node *n = gr__producer(c->g, v);
    int64_t count = 1;
    const double *from = n->op->code == GR_OP_CONST ? n->attr.f : gr__const_tensor(c->g, n->attr.i[0], &count);
    if (gr__backend_element(c->backend, GR_REAL, gr__value(c->g, v)->shape) == GR_EL_F64) {
        if (count) memcpy(to, from, (size_t)count * sizeof *from);
        return;
    }
    for (int64_t i = 0; i < count; i++) ((float *)to)[i] = (float)from[i];
}

static gr_status place_constants(gr__compiler *c)
{
    gr_plan *p = c->plan;
    for (gr_val v = 1; v <= c->n_values; v++) {
        if (!needs_constant(c, v)) continue;
        p->spots[v] = (gr__spot){GR__IN_CONSTANTS, 0, p->constant_bytes};
        p->constant_bytes += gr__granules(gr__value_bytes(c->backend, gr__value(c->g, v)));
    }
    if (p->constant_bytes == 0) return GR_OK;
    p->constant_bytes += GR__GRANULE; /* to begin at a granule */
    p->constants = gr__alloc(c->ctx, p->constant_bytes);
    if (!p->constants) return gr__error_code(c->ctx);
    for (gr_val v = 1; v <= c->n_values; v++)
        if (needs_constant(c, v)) fill_constant(c, v, gr__plan_address(p, p->spots[v]));
    return GR_OK;
}

/* ---- the store and the block of gradients ---- */

static void place_stored(gr__compiler *c)
{
    for (gr_val v = 1; v <= c->n_values; v++) {
        int entry = c->entry[gr__value(c->g, v)->node];
        if (entry < 0) entry = c->stored_as[v];
        if (entry >= 0) c->plan->spots[v] = (gr__spot){GR__IN_STORE, entry, 0};
    }
}

static void place_gradients(gr__compiler *c)
{
    for (size_t i = 0; i < c->effects.n_gradients; i++) {
        gr_gradient_mark m = c->effects.gradients[i];
        gr_val root = c->root[m.gradient];
        bool whole = c->root_offset[m.gradient] == 0 &&
                     gr_shape_count(gr__value(c->g, root)->shape) == gr_shape_count(gr__value(c->g, m.gradient)->shape);
        if (c->unit_of[gr__value(c->g, root)->node] < 0 || c->plan->spots[root].kind != GR__NOWHERE || !whole) continue;
        const gr_entry *e = gr_store_entry(c->plan->store, c->entry[gr__value(c->g, m.param)->node]);
        c->plan->spots[root] = (gr__spot){GR__IN_GRADIENTS, 0, e->offset};
        c->plan->bytes.gradients = GR_MAX(c->plan->bytes.gradients,
                                          e->offset + gr__granules(gr__value_bytes(c->backend, gr__value(c->g, root))));
    }
}

/* ---- blocks ---- */

static int add_block(gr_plan *p, size_t bytes, int first, int last, gr_val value)
{
    p->blocks[p->n_blocks] = (gr__block){.bytes = gr__granules(bytes), .first = first, .last = last, .value = value};
    return p->n_blocks++;
}

static int add_value(gr__compiler *c, gr_val v, int first, const int *last)
{
    int block = add_block(c->plan, gr__value_bytes(c->backend, gr__value(c->g, v)), first, GR_MAX(first, last[v]), v);
    c->plan->spots[v] = (gr__spot){GR__IN_BLOCK, block, 0};
    return block;
}

/* When the memory of each value is read last. */
static int *find_last_reads(gr__compiler *c)
{
    int *last = gr__bump_alloc(c->work, (c->n_values + 1) * sizeof *last);
    if (!last) return NULL;
    for (int t = 1; t <= c->plan->n_items; t++) {
        const gr_item *it = &c->plan->items[t - 1].item;
        for (int i = 0; i < it->n_segments * it->n_in; i++) last[c->root[it->in[i]]] = t;
    }
    for (gr_val v = 1; v <= c->n_values; v++)
        if (c->pinned[v]) last[c->root[v]] = last_time(c);
    return last;
}

static int times_read(const gr__compiler *c, const gr_item *it, gr_val root)
{
    int n = 0;
    for (int i = 0; i < it->n_segments * it->n_in; i++) n += c->root[it->in[i]] == root;
    return n;
}

/* An input of segment s whose memory the output may take over: it dies here, is as large, and is read only element for
 * element. */
static gr_val dying_input(gr__compiler *c, int unit, int t, int s, gr_val out)
{
    const gr_item *it = &c->plan->items[t - 1].item;
    const gr_value *o = gr__value(c->g, out);
    if (it->kind != GR_ITEM_REGION || gr__node_is_reduction(gr__producer(c->g, out))) return GR_NONE;
    for (int i = 0; i < it->n_in; i++) {
        gr_val in = it->in[s * it->n_in + i], root = c->root[in];
        gr__spot spot = c->plan->spots[root];
        const gr_value *v = gr__value(c->g, in);
        if (spot.kind != GR__IN_BLOCK || c->plan->blocks[spot.index].last != t || times_read(c, it, root) != 1)
            continue;
        if (v->dtype != o->dtype || !gr__shape_equal(v->shape, o->shape)) continue;
        bool any;
        if (gr__part_reads_elementwise(c, &c->units[unit].parts[s], root, &any) && any) return root;
    }
    return GR_NONE;
}

static void place_output(gr__compiler *c, int unit, int t, int s, gr_val out, const int *last)
{
    if (!out || c->plan->spots[out].kind != GR__NOWHERE) return; /* nobody reads it; the store, or a gradient */
    gr_val dying = unit < 0 ? GR_NONE : dying_input(c, unit, t, s, out);
    if (!dying) {
        add_value(c, out, t, last);
        return;
    }
    c->plan->spots[out] = c->plan->spots[dying];
    gr__block *b = &c->plan->blocks[c->plan->spots[out].index];
    b->last = last[out]; /* past this item, so no second output takes it */
}

static void place_items(gr__compiler *c, const int *last)
{
    gr_plan *p = c->plan;
    for (int t = 1; t <= p->n_items; t++) {
        gr__item *it = &p->items[t - 1];
        for (int s = 0; s < it->item.n_segments; s++)
            for (int o = 0; o < it->item.n_out; o++)
                place_output(c, it->unit, t, s, it->item.out[s * it->item.n_out + o], last);
        it->workspace = it->kernel->shared_bytes ? add_block(p, it->kernel->shared_bytes, t, t, GR_NONE) : -1;
    }
}

static void place_feeds(gr__compiler *c, const int *last)
{
    for (gr_val v = 1; v <= c->n_values; v++)
        if (c->live[v] && gr__producer(c->g, v)->op->code == GR_OP_FEED) add_value(c, v, 0, last);
}

static void place_views(gr__compiler *c)
{
    for (gr_val v = 1; v <= c->n_values; v++) {
        if (c->root[v] == v) continue;
        c->plan->spots[v] = c->plan->spots[c->root[v]];
        c->plan->spots[v].offset += c->root_offset[v];
    }
}

/* ---- copies ---- */

static gr__spot saved_spot(const gr__compiler *c, gr_val target, const int *saved)
{
    for (int i = 0; i < c->n_saved; i++)
        if (c->saved[i] == target) return (gr__spot){GR__IN_BLOCK, saved[i], 0};
    return c->plan->spots[target];
}

/* Where a value can still be read at the end of the step, whatever is assigned. */
static gr__spot final_spot(const gr__compiler *c, gr_val v, const int *saved)
{
    gr__spot spot = saved_spot(c, c->root[v], saved);
    spot.offset += c->root_offset[v];
    return spot;
}

static gr_status place_copies(gr__compiler *c, int **saved)
{
    gr_plan *p = c->plan;
    *saved = gr__bump_alloc(c->work, (size_t)c->n_saved * sizeof **saved);
    if (!*saved) return gr__error_code(c->ctx);
    gr__copy *first = p->items[0].copies, *final = p->items[GR_MAX(p->n_items, 1) - 1].copies;
    for (int i = 0; i < c->n_saved; i++) {
        (*saved)[i] = add_block(p, first[i].bytes, 1, last_time(c), GR_NONE);
        first[i].from = p->spots[c->saved[i]];
        first[i].to = (gr__spot){GR__IN_BLOCK, (*saved)[i], 0};
    }
    for (int i = 0; i < c->n_copies; i++) {
        final[i].from = final_spot(c, c->copies[i].value, *saved);
        final[i].to = p->spots[c->copies[i].target];
    }
    return GR_OK;
}

static gr_status place_effects(gr__compiler *c, const int *saved)
{
    gr_plan *p = c->plan;
    p->outputs = gr__bump_alloc(p->memory, c->effects.n_outputs * sizeof *p->outputs);
    if (!p->outputs) return gr__error_code(c->ctx);
    for (size_t i = 0; i < c->effects.n_outputs; i++) {
        gr_named o = c->effects.outputs[i];
        p->outputs[p->n_outputs++] =
            (gr__output){o.name, gr__value(c->g, o.value)->shape, final_spot(c, o.value, saved)};
    }
    if (c->effects.guard) p->guard = final_spot(c, c->effects.guard, saved);
    p->feeds = gr__bump_alloc(p->memory, c->n_values * sizeof *p->feeds);
    if (!p->feeds) return gr__error_code(c->ctx);
    for (gr_val v = 1; v <= c->n_values; v++)
        if (c->live[v] && gr__producer(c->g, v)->op->code == GR_OP_FEED)
            p->feeds[p->n_feeds++] = (gr__feed){gr__producer(c->g, v)->attr.name, v};
    return GR_OK;
}

/* ---- sums ---- */

static gr_status sum_up(gr__compiler *c)
{
    gr_plan *p = c->plan;
    size_t total, values = 0;
    if (!gr__blocks_pack(c->ctx, p->blocks, p->n_blocks, &total)) return gr__error_code(c->ctx);
    for (int i = 0; i < p->n_blocks; i++)
        if (p->blocks[i].value) values = GR_MAX(values, p->blocks[i].offset + p->blocks[i].bytes);
    size_t scratch = p->scratch_bytes ? gr__granules(p->scratch_bytes) * (size_t)gr_context_threads(c->ctx) : 0;
    p->bytes.activations = values;
    p->bytes.workspace = total - values + scratch;
    p->bytes.arena = p->bytes.gradients + p->bytes.activations + p->bytes.workspace;
    return GR_OK;
}

gr_status gr__plan_place(gr__compiler *c)
{
    gr_status st = GR_OK;
    gr_plan *p = c->plan;
    p->spots = gr__bump_alloc(p->memory, (c->n_values + 1) * sizeof *p->spots);
    p->blocks =
        gr__bump_alloc(p->memory, (c->n_values + (size_t)p->n_items + (size_t)c->n_saved + 1) * sizeof *p->blocks);
    int *last = find_last_reads(c), *saved;
    if (!p->spots || !p->blocks || !last) return gr__error_code(c->ctx);
    GR_TRY(place_constants(c));
    place_stored(c);
    place_gradients(c);
    place_feeds(c, last);
    place_items(c, last);
    GR_TRY(place_copies(c, &saved));
    place_views(c);
    GR_TRY(place_effects(c, saved));
    GR_TRY(sum_up(c));
done:
    return st;
}
