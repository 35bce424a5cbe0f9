/* The program: entries of the schedule become instructions, and names find what they name. */
#include "plan/plan.h"

static gr_status add_instruction(gr_plan *p, const gr__turn *turn)
{
    int n = turn->n_in + turn->n_out;
    void **address = gr__bump_alloc(p->memory, (size_t)n * sizeof *address);
    if (!address) return gr__error_code(p->ctx);
    if (turn->code != GR__TEST) p->rows[p->n_rows++] = p->n_instructions;
    bool loops = turn->made && gr__is_loop(&turn->made->item);
    p->instructions[p->n_instructions++] = (gr__instruction){.code = loops ? GR__LOOP : turn->code,
                                                             .writes_store = turn->writes_store,
                                                             .made = turn->made,
                                                             .kernel = turn->made ? turn->made->kernel : NULL,
                                                             .n_operands = n,
                                                             .operand = turn->operand,
                                                             .address = address,
                                                             .workspace = turn->workspace};
    return GR_OK;
}

/* Where a value can still be read at the end of the step, whatever is assigned. */
static gr__operand at_the_end(const gr__compiler *c, gr_val v)
{
    return (gr__operand){c->final[c->root[v]], c->root_offset[v]};
}

static gr_status name_values(gr__compiler *c)
{
    gr_plan *p = c->plan;
    p->outputs = gr__bump_alloc(p->memory, c->effects.n_outputs * sizeof *p->outputs);
    p->feeds = gr__bump_alloc(p->memory, (size_t)p->n_buffers * sizeof *p->feeds);
    if (!p->outputs || !p->feeds) return gr__error_code(c->ctx);
    for (size_t i = 0; i < c->effects.n_outputs; i++) {
        gr_named o = c->effects.outputs[i];
        p->outputs[p->n_outputs++] = (gr__output){o.name, gr__value(c->g, o.value)->shape, at_the_end(c, o.value)};
    }
    for (int b = 0; b < p->n_buffers; b++) {
        const gr_node *n = gr__producer(c->g, p->buffers[b].value);
        if (n->op->code == GR_OP_FEED) p->feeds[p->n_feeds++] = (gr__feed){n->attr.name, b};
    }
    return GR_OK;
}

gr_status gr__plan_program(gr__compiler *c)
{
    gr_status st = GR_OK;
    gr_plan *p = c->plan;
    size_t n = (size_t)c->schedule.n;
    p->instructions = gr__bump_alloc(p->memory, n * sizeof *p->instructions);
    p->rows = gr__bump_alloc(p->memory, n * sizeof *p->rows);
    if (!p->instructions || !p->rows) return gr__error_code(c->ctx);
    for (int i = 0; i < c->schedule.n; i++) GR_TRY(add_instruction(p, &c->schedule.turn[i]));
    GR_TRY(name_values(c));
done:
    return st;
}
