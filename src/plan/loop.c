/* Loops: compiling the body, and running it. */
#include "plan/loop.h"

#include <stdio.h>
#include <string.h>

#include "graph/op.h"

/* ---- slots ---- */

/* The operand of the loop's instruction that a value is; values that are read more than once are one operand. */
static int operand_of(const gr_item *it, gr_val in)
{
    int i = 0;
    while (it->in[i] != in) i++;
    return i;
}

/* -1: nobody reads it. */
static int result_of(const gr_item *it, int result)
{
    return it->out[result] ? it->n_in + result : -1;
}

static size_t bytes_of(const gr__compiler *outer, const gr__body *b, gr_val v)
{
    return gr__value_bytes(outer->backend, gr__value(b->graph, v));
}

static bool is_zeros(const gr_graph *g, gr_val v)
{
    double value;
    const gr_node *n = gr__made_by(g, v, GR_OP_BROADCAST);
    return n && gr__is_const(g, n->in[0], &value) && value == 0;
}

static void describe_carry(const gr__compiler *outer, const gr_item *it, const gr_node *n, int c, gr__carry *carry)
{
    const gr__body *b = n->attr.body;
    int operand = gr__body_operand(b, c);
    *carry = (gr__carry){.initial = operand_of(it, n->in[operand]),
                         .states = result_of(it, gr__body_states(b, c)),
                         .final = result_of(it, gr__body_final(b, c)),
                         .block = {-1, -1},
                         .zeros = is_zeros(outer->g, n->in[operand]),
                         .bytes = bytes_of(outer, b, b->leaf[operand])};
}

static gr_status describe(gr__loop *l, const gr__compiler *outer, const gr_item *it, const gr_node *n)
{
    const gr__body *b = n->attr.body;
    int stacks = gr__body_stacks(b);
    l->n_carries = b->n_carries;
    l->n_slots = b->n_in + b->n_carries + stacks;
    l->carries = gr__bump_alloc(l->body->memory, (size_t)l->n_carries * sizeof *l->carries);
    l->slots = gr__bump_alloc(l->body->memory, (size_t)l->n_slots * sizeof *l->slots);
    if (!l->carries || !l->slots) return gr__error_code(l->ctx);
    for (int c = 0; c < b->n_carries; c++) describe_carry(outer, it, n, c, &l->carries[c]);
    gr__slot *slot = l->slots;
    for (int i = 0; i < b->n_in; i++) {
        if (b->role[i] == GR__ROLE_CARRY) {
            *slot++ = (gr__slot){GR__SLOT_BEFORE, gr__body_carry(b, i), 0};
            continue;
        }
        bool step = b->role[i] == GR__ROLE_STEP;
        *slot++ = (gr__slot){step ? GR__SLOT_STEP : GR__SLOT_GIVEN, operand_of(it, n->in[i]),
                             step ? bytes_of(outer, b, b->leaf[i]) : 0};
    }
    for (int c = 0; c < b->n_carries; c++) *slot++ = (gr__slot){GR__SLOT_AFTER, c, 0};
    for (int k = 0; k < stacks; k++)
        *slot++ =
            (gr__slot){GR__SLOT_STEP, result_of(it, gr__body_stacked(b, k)), bytes_of(outer, b, gr__body_stack(b, k))};
    return GR_OK;
}

int gr__loop_slot(const gr__compiler *c, gr_val v)
{
    int number, written = c->loop->n_slots - (int)c->effects.n_outputs;
    if (gr__stands_in(gr__producer(c->g, v), &number)) return number;
    for (size_t i = 0; i < c->effects.n_outputs; i++)
        if (c->effects.outputs[i].value == v) return written + (int)i;
    return -1;
}

bool gr__loop_lasts(const gr__compiler *c, gr_val v)
{
    int slot = c->loop ? gr__loop_slot(c, c->root[v]) : -1;
    return slot >= 0 && c->loop->slots[slot].kind == GR__SLOT_GIVEN;
}

void gr__loop_add_blocks(gr__compiler *c)
{
    gr_plan *p = c->plan;
    for (int k = 0; k < c->loop->n_carries; k++) {
        gr__carry *carry = &c->loop->carries[k];
        for (int odd = carry->final >= 0; odd < 2 && carry->states < 0; odd++) {
            p->blocks[p->n_blocks] =
                (gr__block){.bytes = gr__granules(carry->bytes), .first = 0, .last = c->schedule.n + 1};
            carry->block[odd] = p->n_blocks++;
        }
    }
}

/* ---- the body ---- */

/* What is written to the plan around it is computed, by itself: not a leaf, not a view, nor one value twice. */
static gr_val written(gr_graph *g, const gr_effects *fx, gr_val v)
{
    bool again = true;
    while (again) {
        const gr_op *op = gr__producer(g, v)->op;
        again = op->class == GR_CLASS_LEAF || op->code == GR_OP_RESHAPE || op->code == GR_OP_SLICE;
        for (size_t i = 0; i < fx->n_outputs && !again; i++) again = fx->outputs[i].value == v;
        if (again) v = gr__node_add(g, GR_OP_STOP, &v, 1, NULL, NULL);
        again &= v != GR_NONE;
    }
    return v;
}

static gr_status copy_graph(const gr__body *b, gr_graph *to)
{
    gr_effects from = gr__graph_effects(b->graph);
    size_t room = (gr__graph_values(b->graph) + 1) * sizeof(gr_val);
    gr_val *map = gr__alloc(b->ctx, room);
    gr_status st = map ? gr__graph_copy(to, b->graph, NULL, map) : GR_E_MEMORY;
    for (size_t i = 0; i < from.n_outputs && st == GR_OK; i++) {
        gr_effects so_far = gr__graph_effects(to);
        gr_val v = written(to, &so_far, map[from.outputs[i].value]);
        if (v) gr_output(to, from.outputs[i].name, v);
        st = gr_graph_status(to);
    }
    gr__free(b->ctx, map, room);
    return st;
}

static gr_status find_moving(gr__loop *l)
{
    gr_plan *p = l->body;
    size_t n = 0;
    for (int i = 0; i < p->n_instructions; i++) n += (size_t)p->instructions[i].n_operands;
    l->moving = gr__bump_alloc(p->memory, n * sizeof *l->moving);
    if (!l->moving) return gr__error_code(l->ctx);
    for (int i = 0; i < p->n_instructions; i++)
        for (int k = 0; k < p->instructions[i].n_operands; k++) {
            gr__operand at = p->instructions[i].operand[k];
            if (at.buffer < 0 || p->buffers[at.buffer].spot.kind != GR__IN_SLOT) continue;
            l->moving[l->n_moving++] = (gr__moving){i, k, p->buffers[at.buffer].spot.index, at.offset};
        }
    return GR_OK;
}

static gr_status compile_body(gr__loop *l, const gr__compiler *outer, const gr_item *it, const gr_node *n)
{
    gr_status st = GR_OK;
    gr_plan *p = l->body;
    gr__compiler c = {.ctx = l->ctx, .backend = outer->backend, .options = outer->options, .plan = l->body, .loop = l};
    p->ctx = l->ctx;
    p->backend = outer->backend;
    p->store = outer->plan->store;
    p->name = outer->plan->name;
    p->memory = gr__bump_create(l->ctx);
    c.work = p->memory ? gr__bump_create(l->ctx) : NULL;
    GR_TRY(c.work ? GR_OK : gr__error_code(l->ctx));
    GR_TRY(describe(l, outer, it, n));
    GR_TRY(gr_graph_create(l->ctx, &p->graph));
    GR_TRY(copy_graph(n->attr.body, p->graph));
    c.g = p->graph;
    GR_TRY(gr__plan_compile_stages(&c, NULL, NULL));
    GR_TRY(find_moving(l));
    GR_TRY(gr__loop_find_together(l));
    GR_TRY(gr__loop_find_idle(l));
    GR_TRY(gr__loop_find_still(l));
done:
    gr__bump_destroy(c.work);
    return st;
}

static void destroy(gr_context *ctx, gr_kernel *k)
{
    gr__loop *l = (gr__loop *)k;
    gr_plan_destroy(l->body);
    gr__free(ctx, l, sizeof *l);
}

gr_status gr__loop_make(gr__compiler *c, const gr_item *it, gr_kernel **out)
{
    gr_status st = GR_OK;
    const gr_node *n = gr__node(it->graph, it->nodes[0]);
    gr__loop *l = gr__alloc(c->ctx, sizeof *l);
    if (!l) return gr__error_code(c->ctx);
    l->ctx = c->ctx;
    l->steps = gr__scan_steps(&n->attr);
    l->reverse = gr__scan_reverse(&n->attr);
    l->until = gr__scan_until(&n->attr);
    l->body = gr__alloc(c->ctx, sizeof *l->body);
    GR_TRY(l->body ? GR_OK : gr__error_code(c->ctx));
    GR_TRY(compile_body(l, c, it, n));
    l->kernel =
        (gr_kernel){.name = gr__bump_format(l->body->memory, "loop of %s%lld steps%s", l->until < 0 ? "" : "at most ",
                                            (long long)l->steps, l->reverse ? ", reverse" : ""),
                    .scratch_bytes = l->body->scratch_bytes,
                    .shared_bytes = l->body->block_bytes,
                    .n_operands = it->n_in + it->n_out,
                    .destroy = destroy};
    GR_TRY(l->kernel.name ? GR_OK : gr__error_code(c->ctx));
    *out = &l->kernel;
    return GR_OK;
done:
    gr_plan_destroy(l->body);
    gr__free(c->ctx, l, sizeof *l);
    return st;
}

/* ---- running ---- */

/* Where a carry stands after so many steps. */
static char *carried(const gr__instruction *in, const gr__carry *c, int64_t done)
{
    const gr__loop *l = gr__loop_of(in);
    int64_t left = l->steps - done;
    if (c->states >= 0) return (char *)in->address[c->states] + (size_t)(l->reverse ? left : done) * c->bytes;
    if (c->final >= 0 && left % 2 == 0) return in->address[c->final];
    return gr__plan_address(l->body, (gr__spot){GR__IN_BLOCK, c->block[left % 2], 0});
}

static char *slot_address(const gr__instruction *in, int slot, int64_t done)
{
    const gr__loop *l = gr__loop_of(in);
    const gr__slot *s = &l->slots[slot];
    switch (s->kind) {
    case GR__SLOT_BEFORE:
        return done ? carried(in, &l->carries[s->operand], done) : in->address[l->carries[s->operand].initial];
    case GR__SLOT_AFTER:
        return carried(in, &l->carries[s->operand], done + 1);
    default:
        return (char *)in->address[s->operand] + (size_t)(l->reverse ? l->steps - 1 - done : done) * s->stride;
    }
}

void gr__loop_begin(const gr__instruction *in)
{
    const gr__loop *l = gr__loop_of(in);
    gr_plan *p = l->body;
    p->arena = in->shared;
    for (int i = 0; i < p->n_instructions; i++) gr__instruction_bind(p, &p->instructions[i]);
    for (int k = 0; k < l->n_carries; k++) {
        const gr__carry *c = &l->carries[k];
        if (c->states >= 0 && c->bytes) memcpy(carried(in, c, 0), in->address[c->initial], c->bytes);
    }
}

static void move(const gr__instruction *in, int64_t done)
{
    const gr__loop *l = gr__loop_of(in);
    for (int i = 0; i < l->body->n_instructions; i++) {
        gr__instruction *call = &l->body->instructions[i];
        int64_t ran = l->still[i] ? done - 1 : done; /* steps that it has run in */
        if (call->code == GR__CALL) call->done = ran > 0 ? GR_MAX(call->kernel->n_lasting, call->packed) : call->packed;
    }
    for (int i = 0; i < l->n_moving; i++) {
        const gr__moving *m = &l->moving[i];
        l->body->instructions[m->instruction].address[m->operand] = slot_address(in, m->slot, done) + m->offset;
    }
}

/* Is the carry that tells so 0 after so many steps? */
static bool ends(const gr__instruction *in, int64_t done)
{
    const gr__loop *l = gr__loop_of(in);
    if (l->until < 0) return false;
    const void *at = carried(in, &l->carries[l->until], done);
    return l->body->backend->real == GR_EL_F32 ? *(const float *)at == 0 : *(const double *)at == 0;
}

/* What has ended before its time stands where it was last, which may be a block. */
static void settle(const gr__instruction *in, int64_t done)
{
    const gr__loop *l = gr__loop_of(in);
    for (int k = 0; k < l->n_carries && done < l->steps; k++) {
        const gr__carry *c = &l->carries[k];
        if (c->final < 0 || c->bytes == 0) continue;
        const char *at = carried(in, c, done);
        if (at != in->address[c->final]) memcpy(in->address[c->final], at, c->bytes);
    }
}

bool gr__loop_step(const gr__instruction *in, int64_t *done)
{
    if (*done > 0 && (*done == gr__loop_of(in)->steps || ends(in, *done))) {
        settle(in, *done);
        return false;
    }
    move(in, (*done)++);
    return true;
}

/* All of these, in this step? */
static bool all(const bool *which, int i, int n)
{
    for (int k = i; k < i + n; k++)
        if (!which[k]) return false;
    return true;
}

/* One of them, by itself, in the first step. */
static void run_first(gr_plan *root, const gr__loop *l, int i)
{
    const gr__instruction *in = &l->body->instructions[i];
    if (l->still[i])
        memset(in->address[in->n_operands - 1], 0,
               gr__value_bytes(l->body->backend, gr__value(in->made->item.graph, in->made->item.out[0])));
    else
        (void)gr__plan_step(root, in);
}

/* Instructions i .. i+n-1 in step `done`, counted from 1. */
static void run_step(gr_plan *root, const gr__loop *l, int i, int n, int64_t done)
{
    const gr__instruction *in = &l->body->instructions[i];
    bool still = false;
    for (int k = i; k < i + n; k++) still |= l->still[k];
    if (done == l->steps && all(l->idle, i, n)) return;
    if (done == 1 && still)
        for (int k = i; k < i + n; k++) run_first(root, l, k);
    else if (l->together[i])
        gr__plan_run_together(root, in, n);
    else
        (void)gr__plan_step(root, in);
}

void gr__loop_run(gr_plan *root, const gr__instruction *in)
{
    const gr__loop *l = gr__loop_of(in);
    gr__loop_begin(in);
    for (int64_t done = 0; gr__loop_step(in, &done);)
        for (int i = 0, n; i < l->body->n_instructions; i += n) {
            n = GR_MAX(l->together[i], 1);
            run_step(root, l, i, n, done);
        }
}
