/* Arenas, and giving a plan its addresses. */
#include "plan/plan.h"

struct gr_arena {
    gr_context *ctx;
    uint64_t bytes;
    void *data;
};

gr_status gr_arena_create(gr_context *ctx, uint64_t bytes, gr_arena **out)
{
    gr_arena *a = gr__alloc(ctx, sizeof *a);
    if (!a) return gr__error_code(ctx);
    a->ctx = ctx;
    a->bytes = bytes;
    a->data = gr__tensor_alloc(ctx, bytes);
    if (!a->data) {
        gr__free(ctx, a, sizeof *a);
        return gr__error_code(ctx);
    }
    *out = a;
    return GR_OK;
}

void gr_arena_destroy(gr_arena *a)
{
    if (!a) return;
    gr__tensor_free(a->ctx, a->data, a->bytes);
    gr__free(a->ctx, a, sizeof *a);
}

void *gr__arena_data(const gr_arena *a, uint64_t *bytes)
{
    *bytes = a->bytes;
    return a->data;
}

void *gr__plan_address(const gr_plan *p, gr__spot spot)
{
    switch (spot.kind) {
    case GR__IN_STORE:
        return (char *)gr_store_entry(p->store, spot.index)->data + spot.offset;
    case GR__IN_CONSTANTS:
        return (void *)(((uintptr_t)p->constants + GR__GRANULE - 1) / GR__GRANULE * GR__GRANULE + spot.offset);
    case GR__IN_GRADIENTS:
        return p->arena + spot.offset;
    case GR__IN_BLOCK:
        return p->arena + p->bytes.gradients + p->blocks[spot.index].offset + spot.offset;
    default:
        return NULL;
    }
}

void *gr__operand_address(const gr_plan *p, gr__operand at)
{
    if (at.buffer < 0) return NULL;
    gr__spot spot = p->buffers[at.buffer].spot;
    spot.offset += at.offset;
    return gr__plan_address(p, spot);
}

void gr__instruction_bind(gr_plan *p, gr__instruction *in)
{
    for (int i = 0; i < in->n_operands; i++) in->address[i] = gr__operand_address(p, in->operand[i]);
    in->shared = in->workspace < 0 ? NULL : gr__plan_address(p, (gr__spot){GR__IN_BLOCK, in->workspace, 0});
}

gr_status gr_plan_bind(gr_plan *p, gr_arena *arena)
{
    if (!gr__store_sealed(p->store))
        return gr__fail(p->ctx, GR_E_USAGE, "plan \"%s\": its store is not sealed yet", p->name);
    if (arena && arena->bytes < p->bytes.arena)
        return gr__fail(p->ctx, GR_E_RANGE, "plan \"%s\" needs an arena of %llu bytes, this one has %llu", p->name,
                        (unsigned long long)p->bytes.arena, (unsigned long long)arena->bytes);
    if (!arena && !p->own) {
        gr_status st = gr_arena_create(p->ctx, p->bytes.arena, &p->own);
        if (st != GR_OK) return st;
    } else if (arena && p->own) {
        gr_arena_destroy(p->own);
        p->own = NULL;
    }
    p->arena = (arena ? arena : p->own)->data;
    p->scratch_stride = p->scratch_bytes ? gr__granules(p->scratch_bytes) : 0;
    p->scratch = p->arena + p->bytes.arena - p->scratch_stride * (size_t)(p->pool ? gr__pool_threads(p->pool) : 1);
    for (int i = 0; i < p->n_instructions; i++) gr__instruction_bind(p, &p->instructions[i]);
    return GR_OK;
}
