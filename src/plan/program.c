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
                                                             .instance = turn->instance,
                                                             .n_operands = n,
                                                             .operand = turn->operand,
                                                             .address = address,
                                                             .workspace = turn->workspace,
                                                             .packed = turn->packed,
                                                             .done = turn->packed};
    return GR_OK;
}

/* What a unit that runs for the first time reads of an instance would have had to stand until there. */
static gr_status find_saved(gr__compiler *c)
{
    const gr__schedule *s = &c->schedule;
    int *writer = gr__bump_alloc(c->work, (c->n_values + 1) * sizeof *writer); /* 1 + the entry; -1: counted */
    if (!writer) return gr__error_code(c->ctx);
    for (int t = 0; t < s->n; t++) {
        const gr__turn *turn = &s->turn[t];
        for (int i = 0; i < turn->n_in && turn->instance == 0; i++) {
            gr_val v = c->root[turn->in[i]];
            if (writer[v] <= 0 || s->turn[writer[v] - 1].instance == 0) continue;
            c->plan->instructions[writer[v] - 1].saved += gr__value_bytes(c->backend, gr__value(c->g, v));
            writer[v] = -1;
        }
        for (int o = 0; o < turn->n_out; o++)
            if (turn->out[o] && writer[turn->out[o]] >= 0) writer[turn->out[o]] = t + 1;
    }
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
    GR_TRY(find_saved(c));
    GR_TRY(name_values(c));
done:
    return st;
}
