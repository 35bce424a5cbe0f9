#include "plan/fence.h"

#ifdef GR__FENCED
#include <sanitizer/asan_interface.h>

/* Of operand i of an item. */
static size_t operand_bytes(const gr_plan *p, const gr__item *item, int i)
{
    const gr_item *it = &item->item;
    int n_in = it->n_segments * it->n_in;
    if (item->copies) return item->copies[i % item->n_copies].bytes;
    return gr__value_bytes(p->backend, gr__value(p->graph, i < n_in ? it->in[i] : it->out[i - n_in]));
}

void gr__fence_close(const gr_plan *p, const gr__item *item, char *scratch, size_t stride)
{
    const gr_kernel *k = item->kernel;
    ASAN_POISON_MEMORY_REGION(p->arena, p->bytes.arena);
    for (int i = 0; i < k->n_operands; i++)
        if (item->operand[i]) ASAN_UNPOISON_MEMORY_REGION(item->operand[i], operand_bytes(p, item, i));
    if (item->shared) ASAN_UNPOISON_MEMORY_REGION(item->shared, k->shared_bytes);
    for (int w = 0; k->scratch_bytes && w < (p->pool ? gr__pool_threads(p->pool) : 1); w++)
        ASAN_UNPOISON_MEMORY_REGION(scratch + (size_t)w * stride, k->scratch_bytes);
}

void gr__fence_open(const gr_plan *p)
{
    ASAN_UNPOISON_MEMORY_REGION(p->arena, p->bytes.arena);
}
#endif
