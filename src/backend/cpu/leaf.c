/* Leaves that are computed: indices, constants, random numbers. */
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/native.h"
#include "backend/cpu/work.h"
#include "base/rng.h"

typedef struct leaf {
    gr_kernel base;
    const gr__native_set *set;
    gr_shape shape;
    int64_t count;
    int64_t outer, size, inner; /* IOTA */
    uint64_t stream;            /* RANDOM */
    int in[3];                  /* operands of seed, update, position; -1: the constant */
    double constant[3];
    double value; /* CONST */
    size_t values_bytes;
    float *values; /* TENSOR */
} leaf;

static void run_iota(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const leaf *k = (const leaf *)kernel;
    int64_t begin, end;
    gr__cpu_part(k->outer * k->size, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    int32_t *y = call->operand[kernel->n_operands - 1];
    for (int64_t r = begin; r < end; r++)
        for (int64_t c = 0; c < k->inner; c++) y[r * k->inner + c] = (int32_t)(r % k->size);
}

static void run_const(const gr_kernel *kernel, const gr_call *call, int shard)
{
    (void)shard;
    *(double *)call->operand[0] = ((const leaf *)kernel)->value;
}

static void run_tensor(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const leaf *k = (const leaf *)kernel;
    (void)shard;
    if (k->count) memcpy(call->operand[0], k->values, (size_t)k->count * sizeof *k->values);
}

static uint64_t whole(const leaf *k, const gr_call *call, int i)
{
    return gr__rng_whole(k->in[i] < 0 ? k->constant[i] : *(const double *)call->operand[k->in[i]]);
}

static void run_random(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const leaf *k = (const leaf *)kernel;
    uint64_t seed = whole(k, call, 0), update = whole(k, call, 1), position = whole(k, call, 2);
    int64_t width = k->shape.dim[0] ? k->count / k->shape.dim[0] : 0, begin, end;
    float *y = call->operand[kernel->n_operands - 1];
    gr__cpu_part(k->count, 1024, kernel->phase[0].n_shards, shard, &begin, &end);
    while (begin < end) {
        int64_t row = begin / width, first = begin % width, n = GR_MIN(width - first, end - begin);
        k->set->random(y + begin, first, n, seed, k->stream, update, (uint32_t)(position + (uint64_t)row));
        begin += n;
    }
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    leaf *k = (leaf *)kernel;
    gr__free(ctx, k->values, k->values_bytes);
    gr__free(ctx, k, sizeof *k);
}

static gr_status set_tensor(gr_context *ctx, const gr_graph *g, const gr_node *n, leaf *k)
{
    const double *values = gr__const_tensor(g, n->attr.i[0], NULL);
    k->values_bytes = (size_t)k->count * sizeof *k->values;
    k->values = gr__alloc(ctx, k->values_bytes);
    if (!k->values) return gr__error_code(ctx);
    for (int64_t e = 0; e < k->count; e++) k->values[e] = (float)values[e];
    return GR_OK;
}

static gr_status set_random(gr_context *ctx, const gr_item *item, const gr_node *n, leaf *k)
{
    k->stream = gr__hash(n->attr.name);
    for (int i = 0; i < 3; i++) {
        const gr_node *p = gr__producer(item->graph, n->in[i]);
        k->in[i] = gr__cpu_input(item, n->in[i]);
        if (k->in[i] >= 0) continue;
        if (p->op->code != GR_OP_CONST) return gr__fail(ctx, GR_E_INTERNAL, "random: operand %d is not given", i + 1);
        k->constant[i] = p->attr.f[0];
    }
    return GR_OK;
}

gr_status gr__leaf_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_node *n = gr__node(item->graph, item->nodes[0]);
    gr_status st = GR_OK;
    leaf *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->set = gr__native_set_get(isa);
    k->shape = gr__value(item->graph, n->out)->shape;
    k->count = gr_shape_count(k->shape);
    k->base = (gr_kernel){.name = n->op->name, .n_phases = 1, .n_operands = item->n_in + 1, .destroy = destroy};
    k->base.phase[0].n_shards = 1;
    k->base.phase[0].cost_ns = 20 + (double)k->count * (n->op->code == GR_OP_RANDOM ? 1.0 : 0.3);
    switch (n->op->code) {
    case GR_OP_IOTA:
        k->outer = k->inner = 1;
        k->size = k->shape.dim[n->attr.i[0]];
        for (int i = 0; i < k->shape.rank; i++)
            if (i != n->attr.i[0]) *(i < n->attr.i[0] ? &k->outer : &k->inner) *= k->shape.dim[i];
        k->base.phase[0].run = run_iota;
        k->base.phase[0].n_shards = gr__cpu_shards(k->count);
        break;
    case GR_OP_CONST:
        k->value = n->attr.f[0];
        k->base.phase[0].run = run_const;
        break;
    case GR_OP_TENSOR:
        k->base.phase[0].run = run_tensor;
        GR_TRY(set_tensor(ctx, item->graph, n, k));
        break;
    case GR_OP_RANDOM:
        k->base.phase[0].run = run_random;
        k->base.phase[0].n_shards = gr__cpu_shards(k->count);
        GR_TRY(set_random(ctx, item, n, k));
        break;
    default:
        GR_TRY(gr__fail(ctx, GR_E_INTERNAL, "%s is given, not computed", n->op->name));
    }
    *out = &k->base;
    k = NULL;
done:
    if (k) destroy(ctx, &k->base);
    return st;
}
