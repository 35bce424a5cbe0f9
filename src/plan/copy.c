/* The plan's own kernel: copies between tensors, where an assigned value could not be written straight into the store.
 */
#include <string.h>

#include "plan/plan.h"

typedef struct copy_kernel {
    gr_kernel base;
    size_t bytes[]; /* of each copy; a copy is a shard; operands are the sources, then the targets */
} copy_kernel;

static void run(const gr_kernel *k, const gr_call *call, int shard)
{
    int n = k->phase[0].n_shards;
    memcpy(call->operand[n + shard], call->operand[shard], ((const copy_kernel *)k)->bytes[shard]);
}

static void destroy(gr_context *ctx, gr_kernel *k)
{
    gr__free(ctx, k, sizeof(copy_kernel) + (size_t)k->phase[0].n_shards * sizeof(size_t));
}

gr_status gr__copies_make(gr_context *ctx, const gr__copy *copies, int n, gr_kernel **out)
{
    copy_kernel *k = gr__alloc(ctx, sizeof *k + (size_t)n * sizeof *k->bytes);
    if (!k) return gr__error_code(ctx);
    double total = 0;
    for (int i = 0; i < n; i++) {
        k->bytes[i] = copies[i].bytes;
        total += (double)copies[i].bytes;
    }
    k->base.name = "copy";
    k->base.n_phases = 1;
    k->base.phase[0].run = run;
    k->base.phase[0].n_shards = n;
    k->base.phase[0].cost_ns = total / 8; /* 8 bytes a nanosecond */
    k->base.n_operands = 2 * n;
    k->base.destroy = destroy;
    *out = &k->base;
    return GR_OK;
}
