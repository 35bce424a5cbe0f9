/* Pooling and its adjoints: each output is computed whole by one shard, so overlapping windows add in a fixed order. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/native.h"
#include "backend/cpu/work.h"

typedef struct pool {
    gr_kernel base;
    const gr__native_set *set;
    gr__pooling p;
    int64_t lines; /* rows of results of a picture */
    gr_opcode code;
    int x, index, out; /* operands; out: the first of the outputs */
} pool;

static void run(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const pool *k = (const pool *)kernel;
    const gr__pooling *p = &k->p;
    const float *x = call->operand[k->x];
    const int32_t *index = k->index < 0 ? NULL : call->operand[k->index];
    float *y = call->operand[k->out];
    int64_t begin, end;
    gr__cpu_part(p->n * k->lines, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t u = begin; u < end; u++) {
        int64_t n = u / k->lines, line = u % k->lines;
        switch (k->code) {
        case GR_OP_MAX_POOL:
            k->set->max_pool(p, n, line, x, y, call->operand[k->out + 1]);
            break;
        case GR_OP_AVG_POOL:
            k->set->avg_pool(p, n, line, x, y);
            break;
        case GR_OP_POOL_GATHER:
            k->set->pool_gather(p, n, line, x, index, y);
            break;
        case GR_OP_POOL_SCATTER:
            k->set->pool_scatter(p, n, line, x, index, y);
            break;
        default:
            k->set->avg_pool_adjoint(p, n, line, x, y);
            break;
        }
    }
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(pool));
}

gr_status gr__pool_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_graph *g = item->graph;
    const gr_node *n = gr__node(g, item->nodes[0]);
    bool grows = n->op->code == GR_OP_POOL_SCATTER || n->op->code == GR_OP_AVG_POOL_ADJOINT;
    gr_shape in = gr__value(g, n->in[0])->shape, to = gr__value(g, n->out)->shape, x = grows ? to : in,
             y = grows ? in : to;
    const int64_t *i = n->attr.i;
    pool *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->set = gr__native_set_get(isa);
    k->code = n->op->code;
    k->p = (gr__pooling){.n = x.dim[0],
                         .h = x.dim[1],
                         .w = x.dim[2],
                         .c = x.dim[3],
                         .oh = y.dim[1],
                         .ow = y.dim[2],
                         .size = {i[0], i[1]},
                         .stride = {i[2], i[3]},
                         .pad = {i[4], i[5]},
                         .count_padding = i[8] != 0};
    k->lines = grows ? x.dim[1] : y.dim[1];
    k->x = gr__cpu_input(item, n->in[0]);
    k->out = item->n_in;
    k->index = n->n_in > 1 ? gr__cpu_input(item, n->in[1]) : -1;
    double elements = (double)gr_shape_count(x) + (double)gr_shape_count(y);
    k->base =
        (gr_kernel){.name = n->op->name, .n_phases = 1, .n_operands = item->n_in + item->n_out, .destroy = destroy};
    k->base.phase[0].run = run;
    k->base.phase[0].n_shards = (int)GR_MAX(1, GR_MIN(gr__cpu_shards((int64_t)elements), k->p.n * k->lines));
    k->base.phase[0].cost_ns = 30 + 0.4 * elements;
    *out = &k->base;
    return GR_OK;
}
