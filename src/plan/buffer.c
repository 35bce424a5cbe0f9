/* Buffers: what stands in memory whatever runs, and what the entries of the schedule read and write, from when to when.
 */
#include <string.h>

#include "plan/loop.h"

/* ---- what stands of its own accord ---- */

static int add_buffer(gr__compiler *c, gr_val v, int first, gr__spot spot)
{
    gr_plan *p = c->plan;
    p->buffers[p->n_buffers] =
        (gr__buffer){v, GR__BUFFER_REAL, gr__value_bytes(c->backend, gr__value(c->g, v)), first, first, spot};
    return p->n_buffers++;
}

/* Constants of rank 0 are known to the kernels. */
static bool needs_constant(const gr__compiler *c, gr_val v)
{
    gr_opcode code = gr__producer(c->g, v)->op->code;
    return c->live[v] && (code == GR_OP_TENSOR || (code == GR_OP_CONST && c->pinned[v]));
}

static int stand(gr__compiler *c, gr_val v)
{
    int entry = c->entry[gr__value(c->g, v)->node];
    if (entry < 0) entry = c->stored_as[v];
    if (entry >= 0) return add_buffer(c, v, 0, (gr__spot){GR__IN_STORE, entry, 0});
    int slot = c->loop ? gr__loop_slot(c, v) : -1;
    if (slot >= 0) return add_buffer(c, v, 0, (gr__spot){GR__IN_SLOT, slot, 0});
    if (needs_constant(c, v)) {
        int b = add_buffer(c, v, 0, (gr__spot){GR__IN_CONSTANTS, 0, c->plan->constant_bytes});
        c->plan->constant_bytes += gr__granules(c->plan->buffers[b].bytes);
        return b;
    }
    bool fed = c->live[v] && gr__producer(c->g, v)->op->code == GR_OP_FEED;
    return fed ? add_buffer(c, v, 0, (gr__spot){GR__NOWHERE, 0, 0}) : -1;
}

/* Gradients stand one after the other, in the order in which they are named: that of the parameters that have one. */
static void stand_gradient(gr__compiler *c, gr_gradient_mark m)
{
    gr_val root = c->root[m.gradient];
    bool whole = c->root_offset[m.gradient] == 0 &&
                 gr_shape_count(gr__value(c->g, root)->shape) == gr_shape_count(gr__value(c->g, m.gradient)->shape);
    if (!c->gradient[root] || c->unit_of[gr__value(c->g, root)->node] < 0 || c->standing[root] >= 0 || !whole) return;
    int b = c->standing[root] = add_buffer(c, root, 0, (gr__spot){GR__IN_GRADIENTS, 0, c->plan->bytes.gradients});
    c->plan->bytes.gradients += gr__granules(c->plan->buffers[b].bytes);
}

/* ---- what entries read and write ---- */

static gr__operand read_value(gr__compiler *c, const int *holds, gr_val v, int t)
{
    int b = holds[c->root[v]];
    c->plan->buffers[b].last = GR_MAX(c->plan->buffers[b].last, t);
    return (gr__operand){b, c->root_offset[v]};
}

/* A unit that runs again writes nothing that stands: that is written already. */
static gr__operand write_value(gr__compiler *c, int *holds, gr_val v, int t)
{
    if (!v) return (gr__operand){-1, 0};
    if (c->standing[v] < 0) holds[v] = add_buffer(c, v, t, (gr__spot){GR__NOWHERE, 0, 0});
    return (gr__operand){holds[v], 0};
}

/* holds[v]: the buffer that holds v now. Copies are the ends of the step: the first puts old values aside, and the last
 * reads what is left. */
static void walk(gr__compiler *c, int *holds)
{
    for (int t = 1; t <= c->schedule.n; t++) {
        const gr__turn *turn = &c->schedule.turn[t - 1];
        bool saves = turn->code == GR__COPY && !turn->writes_store;
        const int *from = turn->code == GR__COPY && turn->writes_store ? c->final : holds;
        for (int i = 0; i < turn->n_in; i++) turn->operand[i] = read_value(c, from, turn->in[i], t);
        for (int o = 0; o < turn->n_out; o++) {
            gr_val v = turn->out[o];
            gr__operand *to = &turn->operand[turn->n_in + o];
            if (saves) c->final[v] = add_buffer(c, v, t, (gr__spot){GR__NOWHERE, 0, 0});
            *to = saves ? (gr__operand){c->final[v], 0} : write_value(c, holds, v, t);
            if (turn->code == GR__CALL && v) c->final[v] = holds[v];
        }
    }
}

gr_status gr__plan_stand(gr__compiler *c)
{
    gr_plan *p = c->plan;
    size_t n = c->n_values + 1;
    c->standing = gr__bump_alloc(c->work, n * sizeof *c->standing);
    p->buffers = gr__bump_alloc(c->work, n * sizeof *p->buffers);
    if (!c->standing || !p->buffers) return gr__error_code(c->ctx);
    for (gr_val v = 1; v <= c->n_values; v++) c->standing[v] = stand(c, v);
    for (size_t i = 0; i < c->effects.n_gradients; i++) stand_gradient(c, c->effects.gradients[i]);
    return GR_OK;
}

/* Those that stand of their own accord come first. */
static bool make_room(gr__compiler *c)
{
    gr_plan *p = c->plan;
    const gr__buffer *standing = p->buffers;
    size_t n = (size_t)p->n_buffers;
    for (int i = 0; i < c->schedule.n; i++) n += (size_t)c->schedule.turn[i].n_out;
    p->buffers = gr__bump_alloc(p->memory, (n + 1) * sizeof *p->buffers);
    if (p->buffers) memcpy(p->buffers, standing, (size_t)p->n_buffers * sizeof *p->buffers);
    return p->buffers != NULL;
}

gr_status gr__plan_buffers(gr__compiler *c)
{
    gr_status st = gr__plan_again(c);
    if (st != GR_OK) return st;
    size_t bytes = (c->n_values + 1) * sizeof(int);
    int *holds = gr__bump_alloc(c->work, bytes);
    c->final = gr__bump_alloc(c->work, bytes);
    if (!holds || !c->final || !make_room(c)) return gr__error_code(c->ctx);
    for (gr_val v = 1; v <= c->n_values; v++) c->final[v] = holds[v] = c->standing[v];
    walk(c, holds);
    for (gr_val v = 1; v <= c->n_values; v++) /* outputs are read after the last entry */
        if (c->pinned[v]) read_value(c, c->final, v, c->schedule.n + 1);
    return GR_OK;
}
