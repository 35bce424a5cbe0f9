/* Kernels: what the backend makes of each unit, and what that costs. A kernel needs no address, so it is made before
 * anything is ordered or placed. */
#include "plan/loop.h"

/* ---- what a unit costs ---- */

/* products: those of matrix products and convolutions alone. */
static double flops_of(const gr__compiler *c, const gr__part *parts, int n, bool products)
{
    double flops = 0;
    for (int p = 0; p < n; p++)
        for (int k = 0; k < parts[p].n; k++) {
            const gr_node *node = gr__node(c->g, parts[p].nodes[k]);
            if (products && node->op->class != GR_CLASS_CONTRACT) continue;
            if (node->op->flops) flops += node->op->flops(c->g, node);
        }
    return flops;
}

static double traffic_of(const gr__compiler *c, const gr_item *it)
{
    double bytes = 0;
    for (int i = 0; i < it->n_segments * it->n_in; i++)
        bytes += (double)gr__value_bytes(c->backend, gr__value(c->g, it->in[i]));
    for (int i = 0; i < it->n_segments * it->n_out; i++)
        if (it->out[i]) bytes += (double)gr__value_bytes(c->backend, gr__value(c->g, it->out[i]));
    return bytes;
}

/* ---- what the backend is asked for ---- */

static uint64_t lasting_of(const gr__compiler *c, const gr_val *in, int n)
{
    uint64_t bits = 0;
    for (int i = 0; i < GR_MIN(n, 64); i++) bits |= (uint64_t)gr__loop_lasts(c, in[i]) << i;
    return bits;
}

static gr_status describe(gr__compiler *c, int unit, const gr__part *parts, int n_parts, gr_item *item)
{
    gr_item_kind kind = c->units[unit].kind;
    gr__bump *m = c->plan->memory;
    int room = 0, n_in = 0, n_out = 0, n_nodes;
    for (int p = 0; p < n_parts; p++) room = GR_MAX(room, gr__part_most_operands(c, &parts[p]));
    uint32_t *nodes = gr__part_list_nodes(c, m, unit, parts, &n_nodes);
    gr_val *in = gr__bump_alloc(m, (size_t)(room * n_parts) * sizeof *in),
           *out = gr__bump_alloc(m, (size_t)(room * n_parts) * sizeof *out);
    gr_space *space = kind == GR_ITEM_REGION ? gr__bump_alloc(m, (size_t)n_parts * sizeof *space) : NULL;
    if (!nodes || !in || !out || (kind == GR_ITEM_REGION && !space)) return gr__error_code(c->ctx);
    for (int p = 0; p < n_parts; p++) {
        /* equal segments have equal numbers of operands, so they stand without gaps */
        gr__part_operands(c, unit, &parts[p], in + p * n_in, &n_in, out + p * n_out, &n_out);
        if (space) space[p] = gr__form_space(parts[p].shape, parts[p].splits);
    }
    *item = (gr_item){.kind = kind,
                      .graph = c->plan->graph,
                      .nodes = nodes,
                      .n_nodes = n_nodes,
                      .n_segments = n_parts,
                      .space = space,
                      .in = in,
                      .n_in = n_in,
                      .out = out,
                      .n_out = n_out,
                      .lasting = lasting_of(c, in, n_in * n_parts),
                      .algorithm = c->options.algorithm};
    return GR_OK;
}

/* The plan owns the kernel from here on. */
static gr_status make_kernel(gr__compiler *c, gr__made *m)
{
    gr_status st =
        gr__is_loop(&m->item) ? gr__loop_make(c, &m->item, &m->kernel) : c->backend->make(c->ctx, &m->item, &m->kernel);
    if (st != GR_OK) return st;
    m->next = c->plan->made;
    c->plan->made = m;
    int n_operands = m->item.n_segments * (m->item.n_in + m->item.n_out);
    if (m->kernel->n_operands == n_operands) return GR_OK;
    return gr__fail(c->ctx, GR_E_INTERNAL, "%s: made for %d operands, called with %d", m->kernel->name,
                    m->kernel->n_operands, n_operands);
}

/* ---- less than a unit ---- */

/* Views and broadcasts that are read in place stand in no unit; what they read may: lines of this one. */
static void need(const gr__compiler *c, gr_val v, bool *needed)
{
    for (;; v = gr__producer(c->g, v)->in[0]) {
        needed[v] = true;
        if (!gr__value_is_view(c, v) && gr__producer(c->g, v)->op->code != GR_OP_BROADCAST) return;
    }
}

/* The nodes that the values asked for need; they are in graph order. */
static gr_status take_needed(gr__compiler *c, int unit, const bool *asked, gr__part *part)
{
    const gr__part *all = c->units[unit].parts;
    uint32_t *nodes = gr__bump_alloc(c->work, (size_t)all->n * sizeof *nodes);
    bool *needed = gr__alloc(c->ctx, (c->n_values + 1) * sizeof *needed); /* not from the bump: many units are made */
    if (!nodes || !needed) {
        gr__free(c->ctx, needed, (c->n_values + 1) * sizeof *needed);
        return gr__error_code(c->ctx);
    }
    *part = *all;
    part->n = 0;
    for (int k = all->n; k-- > 0;) {
        const gr_node *n = gr__node(c->g, all->nodes[k]);
        if (!asked[n->out] && !needed[n->out]) continue;
        for (int i = 0; i < n->n_in; i++) need(c, n->in[i], needed);
        nodes[all->n - ++part->n] = all->nodes[k];
    }
    part->nodes = nodes + all->n - part->n;
    gr__free(c->ctx, needed, (c->n_values + 1) * sizeof *needed);
    return GR_OK;
}

static void keep_asked(gr_item *item, gr_val *out, const bool *asked)
{
    int n = 0;
    for (int o = 0; o < item->n_out; o++)
        if (asked[item->out[o]]) out[n++] = item->out[o];
    item->out = out;
    item->n_out = n;
}

gr_status gr__unit_make(gr__compiler *c, int unit, const bool *asked, const gr__made **out)
{
    gr_status st = GR_OK;
    const gr__unit *u = &c->units[unit];
    const gr__part *parts = u->parts;
    gr__part needed;
    gr__made *m = gr__bump_alloc(c->plan->memory, sizeof *m);
    if (!m) return gr__error_code(c->ctx);
    if (asked) {
        GR_TRY(take_needed(c, unit, asked, &needed));
        parts = &needed;
    }
    GR_TRY(describe(c, unit, parts, u->n_parts, &m->item));
    if (asked) {
        gr_val *few = gr__bump_alloc(c->plan->memory, (size_t)m->item.n_out * sizeof *few);
        if (!few) return gr__error_code(c->ctx);
        keep_asked(&m->item, few, asked);
    }
    if (u->kind != GR_ITEM_SCALARS) m->flops = flops_of(c, parts, u->n_parts, false); /* what guards add is not work */
    m->products = flops_of(c, parts, u->n_parts, true);
    m->bytes = traffic_of(c, &m->item);
    GR_TRY(make_kernel(c, m));
    *out = m;
done:
    return st;
}

gr_status gr__plan_make(gr__compiler *c)
{
    gr_status st = GR_OK;
    for (int u = 0; u < c->n_units; u++)
        if (!c->units[u].gone) GR_TRY(gr__unit_make(c, u, NULL, &c->units[u].made));
done:
    return st;
}
