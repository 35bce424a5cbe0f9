/* Placing: the times that buffers stand give blocks of the arena, and blocks get offsets. */
#include <string.h>

#include "plan/loop.h"

/* ---- constants: bookkeeping memory of the plan, filled now ---- */

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
    if (p->constant_bytes == 0) return GR_OK;
    p->constant_bytes += GR__GRANULE; /* to begin at a granule */
    p->constants = gr__alloc(c->ctx, p->constant_bytes);
    if (!p->constants) return gr__error_code(c->ctx);
    for (int b = 0; b < p->n_buffers; b++)
        if (p->buffers[b].spot.kind == GR__IN_CONSTANTS)
            fill_constant(c, p->buffers[b].value, gr__plan_address(p, p->buffers[b].spot));
    return GR_OK;
}

/* ---- blocks ---- */

static int add_block(gr_plan *p, size_t bytes, int first, int last, gr_val value)
{
    p->blocks[p->n_blocks] = (gr__block){.bytes = gr__granules(bytes), .first = first, .last = last, .value = value};
    return p->n_blocks++;
}

static void place_alone(gr_plan *p, int buffer, gr_val value)
{
    gr__buffer *b = &p->buffers[buffer];
    b->spot = (gr__spot){GR__IN_BLOCK, add_block(p, b->bytes, b->first, b->last, value), 0};
}

static int times_read(const gr__compiler *c, const gr__turn *turn, gr_val root)
{
    int n = 0;
    for (int i = 0; i < turn->n_in; i++) n += c->root[turn->in[i]] == root;
    return n;
}

bool gr__may_take_over(const gr__compiler *c, const gr__turn *turn, int in, gr_val out)
{
    const gr_item *it = &turn->made->item;
    const gr_value *o = gr__value(c->g, out), *v = gr__value(c->g, turn->in[in]);
    gr_val root = c->root[turn->in[in]];
    if (it->kind != GR_ITEM_REGION || gr__node_is_reduction(gr__producer(c->g, out))) return false;
    if (times_read(c, turn, root) != 1 || v->dtype != o->dtype || !gr__shape_equal(v->shape, o->shape)) return false;
    bool any;
    return gr__part_reads_elementwise(c, &c->units[turn->unit].parts[in / it->n_in], root, &any) && any;
}

/* The buffer of an input of segment s whose memory the output may take over: it dies here, is as large, and is read
 * only element for element. -1: none. */
static int dying_input(gr__compiler *c, int t, int s, gr_val out)
{
    const gr__turn *turn = &c->schedule.turn[t - 1];
    const gr_item *it = &turn->made->item;
    if (it->kind != GR_ITEM_REGION) return -1;
    for (int i = s * it->n_in; i < (s + 1) * it->n_in; i++) {
        int buffer = turn->operand[i].buffer;
        gr__spot spot = c->plan->buffers[buffer].spot;
        if (spot.kind != GR__IN_BLOCK || c->plan->blocks[spot.index].last != t) continue;
        if (gr__may_take_over(c, turn, i, out)) return buffer;
    }
    return -1;
}

static void place_output(gr__compiler *c, int t, int o)
{
    gr_plan *p = c->plan;
    const gr__turn *turn = &c->schedule.turn[t - 1];
    int buffer = turn->operand[turn->n_in + o].buffer;
    if (buffer < 0 || p->buffers[buffer].spot.kind != GR__NOWHERE)
        return;                              /* nobody reads it; the store, or a gradient */
    bool read = p->buffers[buffer].last > t; /* else a second output would find the same input */
    int dying = read ? dying_input(c, t, o / turn->made->item.n_out, turn->out[o]) : -1;
    if (dying < 0) {
        place_alone(p, buffer, turn->out[o]);
        return;
    }
    p->buffers[buffer].spot = p->buffers[dying].spot;
    p->blocks[p->buffers[dying].spot.index].last =
        p->buffers[buffer].last; /* past this entry, so no second output takes it */
}

static void place_call(gr__compiler *c, int t)
{
    gr__turn *turn = &c->schedule.turn[t - 1];
    turn->packed = false;
    for (int o = 0; o < turn->n_out; o++) place_output(c, t, o);
    const gr_kernel *k = turn->made->kernel;
    bool lasts = k->n_lasting > 0;
    if (k->shared_bytes)
        turn->workspace = add_block(c->plan, k->shared_bytes, lasts ? 0 : t, lasts ? c->schedule.n + 1 : t, GR_NONE);
}

static void place_buffers(gr__compiler *c)
{
    gr_plan *p = c->plan;
    for (int b = 0; b < p->n_buffers; b++) /* feeds */
        if (p->buffers[b].first == 0 && p->buffers[b].spot.kind == GR__NOWHERE) place_alone(p, b, p->buffers[b].value);
    for (int t = 1; t <= c->schedule.n; t++)
        if (c->schedule.turn[t - 1].code == GR__CALL) place_call(c, t);
    for (int b = 0; b < p->n_buffers; b++) /* old values of the store */
        if (p->buffers[b].spot.kind == GR__NOWHERE) place_alone(p, b, GR_NONE);
}

/* ---- what several kernels pack ---- */

enum { FAR = 16 }; /* entries: what is packed stands until it is read last */

static bool packs_the_same(const gr__turn *a, const gr__turn *b)
{
    if (a->code != GR__CALL || b->code != GR__CALL) return false;
    const gr_kernel *k = a->made->kernel, *l = b->made->kernel;
    if (!k->packs.form[0] || memcmp(k->packs.form, l->packs.form, sizeof k->packs.form) != 0) return false;
    gr__operand x = a->operand[k->packs.operand], y = b->operand[l->packs.operand];
    return x.buffer == y.buffer && x.offset == y.offset;
}

/* Entries that pack what one before them has packed get its workspace, as much as the largest of them needs. */
static bool share_packed(gr__compiler *c)
{
    gr__turn *turn = c->schedule.turn;
    gr__block *blocks = c->plan->blocks;
    bool any = false;
    for (int t = 1; t < c->schedule.n; t++)
        for (int u = t; !turn[t].packed && u-- > GR_MAX(t - FAR, 0);) {
            if (!packs_the_same(&turn[u], &turn[t])) continue;
            gr__block *own = &blocks[turn[t].workspace], *shared = &blocks[turn[u].workspace];
            shared->bytes = GR_MAX(shared->bytes, own->bytes);
            shared->last = t + 1;
            own->bytes = 0;
            turn[t].workspace = turn[u].workspace;
            turn[t].packed = any = true;
        }
    return any;
}

/* Where blocks stand. What is packed is shared as long as the arena need not be larger for it. */
static gr_status pack_blocks(gr__compiler *c, size_t *total)
{
    gr_plan *p = c->plan;
    gr__turn *turn = c->schedule.turn;
    size_t bytes = (size_t)p->n_blocks * sizeof *p->blocks, shared;
    gr__block *alone = gr__bump_alloc(c->work, bytes);
    int *workspace = gr__bump_alloc(c->work, (size_t)c->schedule.n * sizeof *workspace);
    if (!alone || !workspace || !gr__blocks_pack(c->ctx, p->blocks, p->n_blocks, total)) return gr__error_code(c->ctx);
    if (bytes) memcpy(alone, p->blocks, bytes);
    for (int t = 0; t < c->schedule.n; t++) workspace[t] = turn[t].workspace;
    if (!share_packed(c)) return GR_OK;
    if (!gr__blocks_pack(c->ctx, p->blocks, p->n_blocks, &shared)) return gr__error_code(c->ctx);
    if (shared <= *total) {
        *total = shared;
        return GR_OK;
    }
    memcpy(p->blocks, alone, bytes);
    for (int t = 0; t < c->schedule.n; t++) {
        turn[t].workspace = workspace[t];
        turn[t].packed = false;
    }
    return GR_OK;
}

/* ---- sums ---- */

static gr_status sum_up(gr__compiler *c)
{
    gr_plan *p = c->plan;
    size_t total, values = 0;
    gr_status st = pack_blocks(c, &total);
    if (st != GR_OK) return st;
    for (int i = 0; i < p->n_blocks; i++)
        if (p->blocks[i].value) values = GR_MAX(values, p->blocks[i].offset + p->blocks[i].bytes);
    for (int i = 0; i < c->schedule.n; i++)
        if (c->schedule.turn[i].made)
            p->scratch_bytes = GR_MAX(p->scratch_bytes, c->schedule.turn[i].made->kernel->scratch_bytes);
    p->block_bytes = total;
    size_t scratch = p->scratch_bytes ? gr__granules(p->scratch_bytes) * (size_t)gr_context_threads(c->ctx) : 0;
    p->bytes.activations = values;
    p->bytes.workspace = total - values + scratch;
    p->bytes.arena = p->bytes.gradients + p->bytes.activations + p->bytes.workspace;
    return GR_OK;
}

gr_status gr__plan_blocks(gr__compiler *c)
{
    gr_plan *p = c->plan;
    int carried = c->loop ? 2 * c->loop->n_carries : 0;
    p->blocks = gr__bump_alloc(p->memory, (size_t)(p->n_buffers + c->schedule.n + carried) * sizeof *p->blocks);
    if (!p->blocks) return gr__error_code(c->ctx);
    place_buffers(c);
    if (c->loop) gr__loop_add_blocks(c);
    return sum_up(c);
}

gr_status gr__plan_place(gr__compiler *c)
{
    gr_status st = place_constants(c);
    return st == GR_OK ? gr__plan_blocks(c) : st;
}
