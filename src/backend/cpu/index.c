/* Rows by index. Scatter-add gives each shard a range of columns of the result, or of rows where these are short: all
 * shards read the whole index and add what falls to them, in its order. By columns they have as much to do whatever
 * the indices, of which a few are usually most. */
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/native.h"
#include "backend/cpu/work.h"

typedef struct indexed {
    gr_kernel base;
    const gr__native_set *set;
    int64_t count, rows, width; /* indices, rows of the table, elements of a row */
    size_t element;
    int values, index; /* operands */
} indexed;

static void run_gather(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const indexed *k = (const indexed *)kernel;
    const int32_t *index = call->operand[k->index];
    size_t bytes = (size_t)k->width * k->element;
    int64_t begin, end;
    gr__cpu_part(k->count, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t p = begin; p < end && bytes > 0; p++) {
        char *to = (char *)call->operand[kernel->n_operands - 1] + (size_t)p * bytes;
        if (index[p] >= 0 && index[p] < k->rows)
            memcpy(to, (const char *)call->operand[k->values] + (size_t)index[p] * bytes, bytes);
        else
            memset(to, 0, bytes);
    }
}

enum { COLUMNS = 64 }; /* of a shard, at least */

static void run_scatter_columns(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const indexed *k = (const indexed *)kernel;
    const int32_t *index = call->operand[k->index];
    int64_t begin, end;
    gr__cpu_part(k->width, 16, kernel->phase[0].n_shards, shard, &begin, &end);
    const float *x = (const float *)call->operand[k->values] + begin;
    float *y = (float *)call->operand[kernel->n_operands - 1] + begin;
    for (int64_t r = 0; r < k->rows; r++) memset(y + r * k->width, 0, (size_t)(end - begin) * 4);
    for (int64_t p = 0; p < k->count; p++)
        if (index[p] >= 0 && index[p] < k->rows) k->set->add(x + p * k->width, y + index[p] * k->width, end - begin);
}

static void run_scatter(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const indexed *k = (const indexed *)kernel;
    const int32_t *index = call->operand[k->index];
    const float *x = call->operand[k->values];
    float *y = call->operand[kernel->n_operands - 1];
    int64_t begin, end;
    gr__cpu_part(k->rows, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    if (end > begin && k->width > 0) memset(y + begin * k->width, 0, (size_t)((end - begin) * k->width) * 4);
    for (int64_t p = 0; p < k->count; p++)
        if (index[p] >= begin && index[p] < end) k->set->add(x + p * k->width, y + index[p] * k->width, k->width);
}

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(indexed));
}

gr_status gr__index_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_graph *g = item->graph;
    const gr_node *n = gr__node(g, item->nodes[0]);
    bool gather = n->op->code == GR_OP_GATHER;
    gr_shape from = gr__value(g, n->in[0])->shape, index = gr__value(g, n->in[1])->shape,
             to = gr__value(g, n->out)->shape;
    indexed *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    gr_shape table = gather ? from : to;
    k->set = gr__native_set_get(isa);
    k->count = gr_shape_count(index);
    k->rows = table.dim[0];
    k->width = 1;
    for (int i = 1; i < table.rank; i++) k->width *= table.dim[i];
    k->element = gr__dtype_bytes(gr__value(g, n->out)->dtype, GR_EL_F32);
    k->values = gr__cpu_input(item, n->in[0]);
    k->index = gr__cpu_input(item, n->in[1]);
    double moved = (double)k->count * (double)k->width;
    k->base = (gr_kernel){.name = n->op->name, .n_phases = 1, .n_operands = item->n_in + 1, .destroy = destroy};
    int64_t touched = (int64_t)moved + (gather ? 0 : k->rows * k->width), shards = gr__cpu_shards(touched);
    bool columns = !gather && shards > 1 && k->width >= 2 * COLUMNS;
    shards = GR_MIN(shards, gather ? k->count : columns ? k->width / COLUMNS : k->rows);
    k->base.phase[0].run = gather ? run_gather : columns ? run_scatter_columns : run_scatter;
    k->base.phase[0].n_shards = (int)GR_MAX(1, shards);
    k->base.phase[0].cost_ns =
        20 + 5.0 * (double)k->count + gr__cpu_move_ns(8 * moved + (gather ? 0 : 4.0 * (double)(k->rows * k->width)));
    *out = &k->base;
    return GR_OK;
}
