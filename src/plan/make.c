/* Items, and their kernels. */
#include <string.h>

#include "plan/plan.h"

/* ---- what an item costs ---- */

static void add_cost(const gr__compiler *c, gr__item *it, const gr__part *part)
{
    for (int k = 0; k < part->n; k++) {
        const gr_node *n = gr__node(c->g, part->nodes[k]);
        if (n->op->flops) it->flops += n->op->flops(c->g, n);
    }
}

static void add_traffic(const gr__compiler *c, gr__item *it)
{
    for (int i = 0; i < it->item.n_segments * it->item.n_in; i++)
        it->bytes += (double)gr__value_bytes(c->backend, gr__value(c->g, it->item.in[i]));
    for (int i = 0; i < it->item.n_segments * it->item.n_out; i++)
        if (it->item.out[i]) it->bytes += (double)gr__value_bytes(c->backend, gr__value(c->g, it->item.out[i]));
}

/* ---- items ---- */

static bool writes_store(const gr__compiler *c, const gr_item *item)
{
    for (int i = 0; i < item->n_segments * item->n_out; i++)
        if (c->stored_as[item->out[i]] >= 0) return true;
    return false;
}

/* The plan owns the kernel from here on, and the arguments that the item calls it with. */
static gr_status keep_kernel(gr_plan *p, gr__item *it, gr_kernel *kernel, int n_operands)
{
    p->kernels[p->n_kernels++] = kernel;
    it->kernel = kernel;
    if (kernel->n_operands != n_operands)
        return gr__fail(p->ctx, GR_E_INTERNAL, "%s: made for %d operands, called with %d", kernel->name,
                        kernel->n_operands, n_operands);
    it->operand = gr__bump_alloc(p->memory, (size_t)n_operands * sizeof *it->operand);
    return it->operand ? GR_OK : gr__error_code(p->ctx);
}

static gr_status fill_item(gr__compiler *c, int unit, gr__item *it)
{
    const gr__unit *u = &c->units[unit];
    gr__bump *m = c->plan->memory;
    int room = 0, n_in, n_out;
    for (int p = 0; p < u->n_parts; p++) room = GR_MAX(room, gr__part_most_operands(c, &u->parts[p]));
    uint32_t *nodes = gr__part_list_nodes(c, m, unit, u->parts, &it->item.n_nodes);
    gr_val *in = gr__bump_alloc(m, (size_t)(room * u->n_parts) * sizeof *in),
           *out = gr__bump_alloc(m, (size_t)(room * u->n_parts) * sizeof *out);
    gr_space *space = gr__bump_alloc(m, (size_t)u->n_parts * sizeof *space);
    if (!nodes || !in || !out || !space) return gr__error_code(c->ctx);
    for (int p = 0; p < u->n_parts;
         p++) { /* equal segments have equal numbers of operands, so they stand without gaps */
        gr__part_operands(c, unit, &u->parts[p], in + p * it->item.n_in, &n_in, out + p * it->item.n_out, &n_out);
        it->item.n_in = n_in;
        it->item.n_out = n_out;
        if (u->kind == GR_ITEM_REGION) space[p] = gr__form_space(u->parts[p].shape, u->parts[p].splits);
        add_cost(c, it, &u->parts[p]);
    }
    it->item = (gr_item){u->kind,
                         c->plan->graph,
                         nodes,
                         it->item.n_nodes,
                         u->n_parts,
                         u->kind == GR_ITEM_REGION ? space : NULL,
                         in,
                         n_in,
                         out,
                         n_out,
                         c->options.algorithm};
    add_traffic(c, it);
    it->writes_store = writes_store(c, &it->item);
    gr_kernel *kernel = NULL;
    gr_status st = c->backend->make(c->ctx, &it->item, &kernel);
    return st == GR_OK ? keep_kernel(c->plan, it, kernel, u->n_parts * (n_in + n_out)) : st;
}

static gr_status fill_copies(gr__compiler *c, gr__item *it, int n, const gr_val *targets, const gr_assignment *assigns)
{
    gr__copy *copies = gr__bump_alloc(c->plan->memory, (size_t)n * sizeof *copies);
    if (!copies) return gr__error_code(c->ctx);
    for (int i = 0; i < n; i++) { /* their addresses are found when values are placed */
        copies[i].bytes = gr__value_bytes(c->backend, gr__value(c->g, targets ? targets[i] : assigns[i].target));
        it->bytes += 2 * (double)copies[i].bytes;
    }
    it->copies = copies;
    it->n_copies = n;
    it->writes_store = assigns != NULL;
    gr_kernel *kernel = NULL;
    gr_status st = gr__copies_make(c->ctx, copies, n, &kernel);
    return st == GR_OK ? keep_kernel(c->plan, it, kernel, 2 * n) : st;
}

gr_status gr__plan_make(gr__compiler *c)
{
    gr_status st = GR_OK;
    gr_plan *p = c->plan;
    size_t n = (size_t)c->n_sequence + 2;
    p->items = gr__bump_alloc(p->memory, n * sizeof *p->items);
    p->kernels = gr__bump_alloc(p->memory, n * sizeof *p->kernels);
    if (!p->items || !p->kernels) return gr__error_code(c->ctx);
    if (c->n_saved > 0) GR_TRY(fill_copies(c, &p->items[p->n_items++], c->n_saved, c->saved, NULL));
    for (int i = 0; i < c->n_sequence; i++) GR_TRY(fill_item(c, c->sequence[i], &p->items[p->n_items++]));
    if (c->n_copies > 0) GR_TRY(fill_copies(c, &p->items[p->n_items++], c->n_copies, NULL, c->copies));
    p->first_write = p->n_items;
    for (int i = p->n_items; i-- > 0;) {
        if (p->items[i].writes_store) p->first_write = i;
        p->scratch_bytes = GR_MAX(p->scratch_bytes, p->items[i].kernel->scratch_bytes);
    }
done:
    return st;
}
