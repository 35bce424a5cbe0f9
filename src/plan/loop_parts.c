/* What of a loop's body runs together. A step of a recurrent layer is small: where its products and what follows from
 * them are kernels one after another, all threads wait for each other behind each, and what one has written another
 * reads. Kernels that are cut into the same columns (gr_kernel.part) run together instead: each thread takes its
 * columns through all of them, and what it reads of what came before it has written itself. */
#include "plan/loop.h"

typedef struct place { /* bytes of the body's blocks; or a slot */
    int buffer, slot;  /* slot: -1 for none */
    size_t from, end;
} place;

static bool may_be_cut(const gr__instruction *in)
{
    return in->code == GR__CALL && in->kernel->part.n > 1 && in->kernel->n_phases == in->kernel->n_lasting + 1;
}

static int inputs_of(const gr__instruction *in)
{
    return in->made->item.n_segments * in->made->item.n_in;
}

/* False: nothing that anyone writes. */
static bool place_of(const gr_plan *p, gr__operand at, place *to)
{
    if (at.buffer < 0) return false;
    const gr__buffer *b = &p->buffers[at.buffer];
    *to = (place){.buffer = at.buffer, .slot = -1};
    if (b->spot.kind == GR__IN_SLOT) to->slot = b->spot.index;
    if (b->spot.kind == GR__IN_BLOCK) {
        to->from = p->blocks[b->spot.index].offset + b->spot.offset;
        to->end = to->from + b->bytes;
    }
    return b->spot.kind == GR__IN_SLOT || b->spot.kind == GR__IN_BLOCK;
}

static bool meet(const place *a, const place *b)
{
    if (a->slot >= 0 || b->slot >= 0) return a->slot == b->slot;
    return a->from < b->end && b->from < a->end;
}

/* Two operands of two kernels, one of them written: each part must find what it would find if all parts of the first
 * had run before. */
static bool pair_fits(const gr_plan *p, const gr__instruction *a, int i, const gr__instruction *b, int j)
{
    place x, y;
    bool written = i >= inputs_of(a), reads = j < inputs_of(b);
    if ((!written && reads) || !place_of(p, a->operand[i], &x) || !place_of(p, b->operand[j], &y) || !meet(&x, &y))
        return true;
    return written && reads && x.buffer == y.buffer && a->operand[i].offset == b->operand[j].offset &&
           b->kernel->part.elementwise;
}

static bool fits(const gr_plan *p, const gr__instruction *a, const gr__instruction *b)
{
    for (int i = 0; i < a->n_operands; i++)
        for (int j = 0; j < b->n_operands; j++)
            if (!pair_fits(p, a, i, b, j)) return false;
    return true;
}

static bool joins(const gr_plan *p, int first, int next)
{
    const gr__instruction *in = p->instructions;
    if (!may_be_cut(&in[next]) || in[next].kernel->part.n != in[first].kernel->part.n) return false;
    for (int i = first; i < next; i++)
        if (!fits(p, &in[i], &in[next])) return false;
    return true;
}

gr_status gr__loop_find_together(gr__loop *l)
{
    gr_plan *p = l->body;
    l->together = gr__bump_alloc(p->memory, ((size_t)p->n_instructions + 1) * sizeof *l->together);
    if (!l->together) return gr__error_code(l->ctx);
    for (int i = 0, n; i < p->n_instructions; i += n) {
        n = 1;
        if (!may_be_cut(&p->instructions[i])) continue;
        while (i + n < p->n_instructions && joins(p, i, i + n)) n++;
        const gr_kernel *k = p->instructions[i].kernel;
        if (n > 1 || k->phase[k->n_lasting].n_shards == 1) l->together[i] = n; /* alone it may be cut otherwise */
    }
    return GR_OK;
}

/* ---- the last step ---- */

/* What an instruction writes there: for the step that follows, and for nobody else? */
static bool is_for_later(const gr__loop *l, const gr__buffer *b)
{
    if (b->spot.kind != GR__IN_SLOT || l->slots[b->spot.index].kind != GR__SLOT_AFTER) return false;
    const gr__carry *c = &l->carries[l->slots[b->spot.index].operand];
    return c->states < 0 && c->final < 0;
}

/* Does an instruction that the last step runs read the buffer? */
static bool is_read_at_last(const gr__loop *l, int buffer, int writer)
{
    const gr_plan *p = l->body;
    for (int i = 0; i < p->n_instructions; i++)
        for (int k = 0; i != writer && !l->idle[i] && k < p->instructions[i].n_operands; k++)
            if (p->instructions[i].operand[k].buffer == buffer) return true;
    return false;
}

static bool is_idle_at_last(const gr__loop *l, int i)
{
    const gr__instruction *in = &l->body->instructions[i];
    if (in->code != GR__CALL || in->kernel->packs.form[0] || l->until >= 0) return false;
    for (int k = inputs_of(in); k < in->n_operands; k++) {
        int buffer = in->operand[k].buffer;
        if (buffer < 0) continue;
        const gr__buffer *b = &l->body->buffers[buffer];
        if ((b->spot.kind != GR__IN_BLOCK && !is_for_later(l, b)) || is_read_at_last(l, buffer, i)) return false;
    }
    return true;
}

gr_status gr__loop_find_idle(gr__loop *l)
{
    gr_plan *p = l->body;
    l->idle = gr__bump_alloc(p->memory, ((size_t)p->n_instructions + 1) * sizeof *l->idle);
    if (!l->idle) return gr__error_code(l->ctx);
    for (int i = p->n_instructions; i-- > 0;) l->idle[i] = is_idle_at_last(l, i);
    return GR_OK;
}

/* ---- the first step ---- */

/* Is it a product, and nothing else, whose first factor is carried and starts at 0? Not one that packs for others. */
static bool is_still_at_first(const gr__loop *l, const gr__instruction *in)
{
    if (in->code != GR__CALL || in->kernel->packs.form[0] || in->made->item.n_nodes != 1) return false;
    if (l->until >= 0 || l->steps == 1) return false;
    const gr_item *it = &in->made->item;
    const gr_node *n = gr__node(it->graph, it->nodes[0]);
    if (n->op->code != GR_OP_MATMUL) return false;
    for (int i = 0; i < it->n_in; i++) {
        gr__spot spot = l->body->buffers[in->operand[i].buffer].spot;
        bool before = spot.kind == GR__IN_SLOT && l->slots[spot.index].kind == GR__SLOT_BEFORE;
        if (it->in[i] == n->in[0] && before && l->carries[l->slots[spot.index].operand].zeros) return true;
    }
    return false;
}

gr_status gr__loop_find_still(gr__loop *l)
{
    gr_plan *p = l->body;
    l->still = gr__bump_alloc(p->memory, ((size_t)p->n_instructions + 1) * sizeof *l->still);
    if (!l->still) return gr__error_code(l->ctx);
    for (int i = 0; i < p->n_instructions; i++) l->still[i] = is_still_at_first(l, &p->instructions[i]);
    return GR_OK;
}
