/* Kernels: what the backend makes of each unit, and what that costs. A kernel needs no address, so it is made before
 * anything is ordered or placed. */
#include "plan/plan.h"

/* ---- what a unit costs ---- */

static double flops_of(const gr__compiler *c, const gr__unit *u)
{
    double flops = 0;
    for (int p = 0; p < u->n_parts; p++)
        for (int k = 0; k < u->parts[p].n; k++) {
            const gr_node *n = gr__node(c->g, u->parts[p].nodes[k]);
            if (n->op->flops) flops += n->op->flops(c->g, n);
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

static gr_status describe(gr__compiler *c, int unit, gr_item *item)
{
    const gr__unit *u = &c->units[unit];
    gr__bump *m = c->plan->memory;
    int room = 0, n_in = 0, n_out = 0, n_nodes;
    for (int p = 0; p < u->n_parts; p++) room = GR_MAX(room, gr__part_most_operands(c, &u->parts[p]));
    uint32_t *nodes = gr__part_list_nodes(c, m, unit, u->parts, &n_nodes);
    gr_val *in = gr__bump_alloc(m, (size_t)(room * u->n_parts) * sizeof *in),
           *out = gr__bump_alloc(m, (size_t)(room * u->n_parts) * sizeof *out);
    gr_space *space = u->kind == GR_ITEM_REGION ? gr__bump_alloc(m, (size_t)u->n_parts * sizeof *space) : NULL;
    if (!nodes || !in || !out || (u->kind == GR_ITEM_REGION && !space)) return gr__error_code(c->ctx);
    for (int p = 0; p < u->n_parts; p++) {
        /* equal segments have equal numbers of operands, so they stand without gaps */
        gr__part_operands(c, unit, &u->parts[p], in + p * n_in, &n_in, out + p * n_out, &n_out);
        if (space) space[p] = gr__form_space(u->parts[p].shape, u->parts[p].splits);
    }
    *item = (gr_item){.kind = u->kind,
                      .graph = c->plan->graph,
                      .nodes = nodes,
                      .n_nodes = n_nodes,
                      .n_segments = u->n_parts,
                      .space = space,
                      .in = in,
                      .n_in = n_in,
                      .out = out,
                      .n_out = n_out,
                      .algorithm = c->options.algorithm};
    return GR_OK;
}

/* The plan owns the kernel from here on. */
static gr_status make_unit(gr__compiler *c, int unit)
{
    gr__unit *u = &c->units[unit];
    gr__made *m = u->made = gr__bump_alloc(c->plan->memory, sizeof *m);
    if (!m) return gr__error_code(c->ctx);
    gr_status st = GR_OK;
    GR_TRY(describe(c, unit, &m->item));
    m->flops = flops_of(c, u);
    m->bytes = traffic_of(c, &m->item);
    GR_TRY(c->backend->make(c->ctx, &m->item, &m->kernel));
    c->plan->kernels[c->plan->n_kernels++] = m->kernel;
    int n_operands = u->n_parts * (m->item.n_in + m->item.n_out);
    if (m->kernel->n_operands != n_operands)
        return gr__fail(c->ctx, GR_E_INTERNAL, "%s: made for %d operands, called with %d", m->kernel->name,
                        m->kernel->n_operands, n_operands);
done:
    return st;
}

gr_status gr__plan_make(gr__compiler *c)
{
    gr_status st = GR_OK;
    gr_plan *p = c->plan;
    p->kernels = gr__bump_alloc(p->memory, ((size_t)c->n_units + 2) * sizeof *p->kernels);
    if (!p->kernels) return gr__error_code(c->ctx);
    for (int u = 0; u < c->n_units; u++)
        if (!c->units[u].gone) GR_TRY(make_unit(c, u));
done:
    return st;
}
