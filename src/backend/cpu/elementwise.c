/* Elementwise operations that tile programs have no instruction for: element by element, in float64, by what the
 * operation means. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/work.h"

enum { OPERANDS = 3 };

typedef struct operand {
    int in; /* in the call; -1: a constant */
    gr_dtype dtype;
    bool repeats; /* of rank 0: one number for all elements, a double if it is real */
    double constant;
} operand;

typedef struct elementwise {
    gr_kernel base;
    double (*element)(double a, double b, double c);
    int64_t count;
    operand operand[OPERANDS];
} elementwise;

static double number(const operand *o, const gr_call *call, int64_t e)
{
    if (o->in < 0) return o->constant;
    const void *p = call->operand[o->in];
    if (o->repeats) e = 0;
    switch (o->dtype) {
    case GR_I32:
        return ((const int32_t *)p)[e];
    case GR_U8:
        return ((const uint8_t *)p)[e];
    default:
        return o->repeats ? *(const double *)p : ((const float *)p)[e];
    }
}

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const elementwise *k = (const elementwise *)kernel;
    const operand *o = k->operand;
    float *y = call->operand[kernel->n_operands - 1];
    int64_t begin, end;
    gr__cpu_part(k->count, 16, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t e = begin; e < end; e++)
        y[e] = (float)k->element(number(&o[0], call, e), number(&o[1], call, e), number(&o[2], call, e));
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(elementwise));
}

static operand operand_of(const gr_item *item, gr_val v)
{
    const gr_value *value = gr__value(item->graph, v);
    const gr_node *p = gr__producer(item->graph, v);
    return (operand){gr__cpu_input(item, v), value->dtype, value->shape.rank == 0, p->attr.f[0]};
}

gr_status gr__elementwise_make(gr_context *ctx, const gr_item *item, gr_kernel **out)
{
    const gr_graph *g = item->graph;
    const gr_node *n = gr__node(g, item->nodes[0]);
    elementwise *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->element = n->op->element;
    k->count = gr_shape_count(gr__value(g, n->out)->shape);
    for (int i = 0; i < OPERANDS; i++) k->operand[i] = i < n->n_in ? operand_of(item, n->in[i]) : (operand){.in = -1};
    k->base = (gr_kernel){.name = n->op->name, .n_phases = 1, .n_operands = item->n_in + 1, .destroy = destroy};
    k->base.phase[0].run = run;
    k->base.phase[0].n_shards = gr__cpu_shards(k->count);
    k->base.phase[0].cost_ns = 20 + 10 * (double)k->count;
    *out = &k->base;
    return GR_OK;
}
