/* What a plan runs, in order: first what saves old values of the store, then the units, then what copies new values
 * into it. */
#include "plan/plan.h"

static bool writes_store(const gr__compiler *c, const gr_item *item)
{
    for (int i = 0; i < item->n_segments * item->n_out; i++)
        if (c->stored_as[item->out[i]] >= 0) return true;
    return false;
}

/* The plan owns the arguments that an item calls its kernel with. */
static gr__item *add_item(gr__compiler *c, gr_kernel *kernel)
{
    gr_plan *p = c->plan;
    void **operand = gr__bump_alloc(p->memory, (size_t)kernel->n_operands * sizeof *operand);
    if (!operand) return NULL;
    p->scratch_bytes = GR_MAX(p->scratch_bytes, kernel->scratch_bytes);
    p->items[p->n_items] = (gr__item){.kernel = kernel, .unit = -1, .operand = operand};
    return &p->items[p->n_items++];
}

static gr_status list_unit(gr__compiler *c, int unit)
{
    const gr__made *m = c->units[unit].made;
    gr__item *it = add_item(c, m->kernel);
    if (!it) return gr__error_code(c->ctx);
    it->unit = unit;
    it->item = m->item;
    it->flops = m->flops;
    it->bytes = m->bytes;
    it->writes_store = writes_store(c, &it->item);
    return GR_OK;
}

static gr_status list_copies(gr__compiler *c, int n, const gr_val *targets, const gr_assignment *assigns)
{
    gr_plan *p = c->plan;
    gr__copy *copies = gr__bump_alloc(p->memory, (size_t)n * sizeof *copies);
    if (!copies) return gr__error_code(c->ctx);
    double bytes = 0;
    for (int i = 0; i < n; i++) { /* their addresses are found when values are placed */
        copies[i].bytes = gr__value_bytes(c->backend, gr__value(c->g, targets ? targets[i] : assigns[i].target));
        bytes += 2 * (double)copies[i].bytes;
    }
    gr_kernel *kernel = NULL;
    gr_status st = gr__copies_make(c->ctx, copies, n, &kernel);
    if (st != GR_OK) return st;
    p->kernels[p->n_kernels++] = kernel;
    gr__item *it = add_item(c, kernel);
    if (!it) return gr__error_code(c->ctx);
    it->copies = copies;
    it->n_copies = n;
    it->bytes = bytes;
    it->writes_store = assigns != NULL;
    return GR_OK;
}

gr_status gr__plan_list(gr__compiler *c)
{
    gr_status st = GR_OK;
    gr_plan *p = c->plan;
    p->items = gr__bump_alloc(p->memory, ((size_t)c->n_sequence + 2) * sizeof *p->items);
    if (!p->items) return gr__error_code(c->ctx);
    if (c->n_saved > 0) GR_TRY(list_copies(c, c->n_saved, c->saved, NULL));
    for (int i = 0; i < c->n_sequence; i++) GR_TRY(list_unit(c, c->sequence[i]));
    if (c->n_copies > 0) GR_TRY(list_copies(c, c->n_copies, NULL, c->copies));
    p->first_write = p->n_items;
    for (int i = p->n_items; i-- > 0;)
        if (p->items[i].writes_store) p->first_write = i;
done:
    return st;
}
