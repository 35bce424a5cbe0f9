/* Kernels that pack values into bytes, and read them back. Shards of quantised values are cut at whole groups. */
#include "backend/cpu/packed.h"

#include "backend/cpu/cpu.h"
#include "backend/cpu/native.h"
#include "backend/cpu/work.h"
#include "base/rng.h"
#include "graph/packed.h"
#include "graph/slot_codes.h"

typedef struct packed {
    gr_kernel base;
    const gr__packed_loops *loops;
    const gr__native_set *set;
    gr__packing p;
    gr__groups_of groups;
    int64_t count;
    bool back;
    uint64_t stream;
    int in[4]; /* operands: the value, seed, update, position; -1: a constant */
    double constant[4];
} packed;

enum { STEP = 64 };

static void run_each(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const packed *k = (const packed *)kernel;
    const gr__packed_loops *l = k->loops;
    const void *from = call->operand[k->in[0]];
    void *to = call->operand[kernel->n_operands - 1];
    int64_t begin, end;
    gr__cpu_part(k->count, STEP, kernel->phase[0].n_shards, shard, &begin, &end);
    int64_t n = end - begin;
    if (n <= 0) return;
    switch (k->p.form) {
    case GR__PACK_TRUTH:
        l->truth(k->p.test, (float)k->p.than, (const float *)from + begin, (uint8_t *)to + begin, n);
        break;
    case GR__PACK_INDEX:
        if (k->back)
            l->from_index((const uint16_t *)from + begin, (int32_t *)to + begin, n);
        else
            l->index((const int32_t *)from + begin, (uint16_t *)to + begin, n);
        break;
    default:
        if (k->back)
            (k->p.form == GR__PACK_F16 ? l->from_f16 : l->from_bf16)((const uint16_t *)from + begin,
                                                                     (float *)to + begin, n);
        else
            (k->p.form == GR__PACK_F16 ? l->f16 : l->bf16)((const float *)from + begin, (uint16_t *)to + begin, n);
        break;
    }
}

static uint64_t whole(const packed *k, const gr_call *call, int i)
{
    return gr__rng_whole(k->in[i] < 0 ? k->constant[i] : *(const double *)call->operand[k->in[i]]);
}

static void run_groups(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const packed *k = (const packed *)kernel;
    const gr__packing *p = &k->p;
    const gr__groups_of *g = &k->groups;
    uint64_t seed = 0, update = 0, position = 0;
    int64_t begin, end;
    gr__cpu_part(g->runs * g->per_run, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    if (!k->back) {
        seed = whole(k, call, 1);
        update = whole(k, call, 2);
        position = whole(k, call, 3);
    }
    for (int64_t i = begin; i < end; i++) {
        int64_t run = i / g->per_run, first = i % g->per_run * p->group, n = GR_MIN(p->group, p->run - first);
        int64_t at = run * p->run + first;
        if (k->back) {
            const uint8_t *from = call->operand[k->in[0]];
            k->loops->restore((const float *)(const void *)from + 2 * i, from + gr__group_codes(g, i), n, (int)p->bits,
                              (float *)call->operand[kernel->n_operands - 1] + at);
            continue;
        }
        uint8_t *to = call->operand[kernel->n_operands - 1];
        float *u = call->scratch;
        k->set->random(u, run / p->samples * p->run + first, n, seed, k->stream, update,
                       (uint32_t)(position + (uint64_t)(run % p->samples)));
        k->loops->quantise((const float *)call->operand[k->in[0]] + at, u, n, (int)p->bits, (float *)(void *)to + 2 * i,
                           to + gr__group_codes(g, i));
    }
}

static void run_slot(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const packed *k = (const packed *)kernel;
    int64_t groups = (k->count + GR__SLOT_GROUP - 1) / GR__SLOT_GROUP, begin, end;
    const void *from = call->operand[k->in[0]];
    void *to = call->operand[kernel->n_operands - 1];
    gr__cpu_part(groups, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i * GR__SLOT_GROUP, n = GR_MIN(GR__SLOT_GROUP, k->count - first);
        if (k->back) {
            gr__slot_unpack(from, first, n, k->count, (int)k->p.bits, k->p.positive, (float *)to + first);
            continue;
        }
        float *u = call->scratch;
        k->set->random(u, first, n, whole(k, call, 1), k->stream, whole(k, call, 2), (uint32_t)whole(k, call, 3));
        gr__slot_pack((const float *)from + first, u, first, n, k->count, (int)k->p.bits, k->p.positive, to);
    }
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(packed));
}

static gr_status find_operands(gr_context *ctx, const gr_item *item, const gr_node *n, packed *k)
{
    for (int i = 0; i < n->n_in; i++) {
        const gr_node *p = gr__producer(item->graph, n->in[i]);
        k->in[i] = gr__cpu_input(item, n->in[i]);
        if (k->in[i] >= 0) continue;
        if (i == 0 || p->op->code != GR_OP_CONST)
            return gr__fail(ctx, GR_E_INTERNAL, "%s: operand %d is not given", n->op->name, i + 1);
        k->constant[i] = p->attr.f[0];
    }
    return GR_OK;
}

gr_status gr__packed_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_graph *g = item->graph;
    const gr_node *n = gr__node(g, item->nodes[0]);
    packed *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->loops = gr__packed_loops_get(isa);
    k->set = gr__native_set_get(isa);
    k->p = gr__packing_of(&n->attr);
    k->back = n->op->code == GR_OP_UNPACK;
    k->count = gr_shape_count(gr__value(g, k->back ? n->out : n->in[0])->shape);
    k->base =
        (gr_kernel){.name = n->op->name, .n_phases = 1, .n_operands = item->n_in + item->n_out, .destroy = destroy};
    gr_status st = find_operands(ctx, item, n, k);
    if (st != GR_OK) {
        destroy(ctx, &k->base);
        return st;
    }
    bool grouped = k->p.form == GR__PACK_QUANTISED, slot = k->p.form == GR__PACK_SLOT,
         drawn = (grouped || slot) && !k->back;
    int64_t shards = gr__cpu_shards(k->count);
    if (grouped) k->groups = gr__groups_in(&k->p, k->count);
    if (grouped) shards = GR_MIN(shards, k->groups.runs * k->groups.per_run);
    if (slot) shards = GR_MIN(shards, (k->count + GR__SLOT_GROUP - 1) / GR__SLOT_GROUP);
    if (drawn) {
        k->stream = gr__hash(n->attr.name);
        k->base.scratch_bytes = (size_t)(slot ? GR__SLOT_GROUP : k->p.group) * sizeof(float);
    }
    double moved = 4.0 * (double)k->count + (double)gr__packed_bytes(&k->p, k->count);
    k->base.phase[0].run = grouped ? run_groups : slot ? run_slot : run_each;
    k->base.phase[0].n_shards = (int)GR_MAX(1, shards);
    k->base.phase[0].cost_ns = 30 + gr__cpu_move_ns(moved) + (drawn ? 1.5 : 0) * (double)k->count;
    *out = &k->base;
    return GR_OK;
}
