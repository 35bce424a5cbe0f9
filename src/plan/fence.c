#include "plan/fence.h"

#ifdef GR__FENCED
#include <sanitizer/asan_interface.h>

/* Of operand i. A view is smaller than the buffer that it is part of. */
static size_t operand_bytes(const gr_plan *p, const gr__instruction *in, int i)
{
    if (in->code == GR__COPY) {
        int n = in->n_operands / 2;
        return p->buffers[in->operand[n + i % n].buffer].bytes;
    }
    const gr_item *it = &in->made->item;
    int n_in = it->n_segments * it->n_in;
    return gr__value_bytes(p->backend, gr__value(it->graph, i < n_in ? it->in[i] : it->out[i - n_in]));
}

void gr__fence_close(const gr_plan *p, const gr__instruction *in)
{
    ASAN_POISON_MEMORY_REGION(p->arena, p->bytes.arena);
    for (int i = 0; i < in->n_operands; i++)
        if (in->address[i]) ASAN_UNPOISON_MEMORY_REGION(in->address[i], operand_bytes(p, in, i));
    if (in->shared) ASAN_UNPOISON_MEMORY_REGION(in->shared, in->kernel->shared_bytes);
    size_t scratch = in->kernel ? in->kernel->scratch_bytes : 0;
    for (int w = 0; scratch && w < (p->pool ? gr__pool_threads(p->pool) : 1); w++)
        ASAN_UNPOISON_MEMORY_REGION(p->scratch + (size_t)w * p->scratch_stride, scratch);
}

void gr__fence_open(const gr_plan *p)
{
    ASAN_UNPOISON_MEMORY_REGION(p->arena, p->bytes.arena);
}
#endif
