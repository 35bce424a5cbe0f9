/* Memory: two purses, tensor and bookkeeping, filled by one acquire function. No block carries a header: who releases
 * states the size. */
#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/state.h"
#include "base/text.h"

#define BOOKKEEPING_ALIGNMENT 16
#define TENSOR_ALIGNMENT 64
#define LARGE_PAGE ((size_t)2 << 20)
#define MUCH ((uint64_t)1 << 20) /* of released bookkeeping */

void *gr__default_acquire(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    void *p = NULL;
    if (posix_memalign(&p, alignment, bytes) != 0) return NULL;
    /* Whole large pages only, so that nothing of a neighbour is advised; a kernel without them says no, and that is
     * fine. */
    if (alignment >= LARGE_PAGE && bytes >= LARGE_PAGE)
        (void)madvise(p, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
    return p;
}

void gr__default_release(void *user, void *p, size_t bytes)
{
    (void)user;
    (void)bytes;
    free(p);
}

/* Zeroed memory, or NULL with the error kept. A request of 0 bytes takes 1, so that every block has an address of its
 * own. */
static void *acquire(gr_context *ctx, size_t bytes, size_t alignment)
{
    ctx->acquisitions++;
    void *p = NULL;
    if (ctx->acquisitions != ctx->fail_acquisition)
        p = ctx->options.acquire(ctx->options.user, bytes ? bytes : 1, alignment);
    if (!p) {
        char size[32];
        gr__size_text(bytes, size, sizeof size);
        gr__fail(ctx, GR_E_MEMORY, "the system has no %s of memory to give", size);
        return NULL;
    }
    return memset(p, 0, bytes ? bytes : 1);
}

static void release(gr_context *ctx, void *p, size_t bytes)
{
    ctx->options.release(ctx->options.user, p, bytes ? bytes : 1);
}

void *gr__alloc_aligned(gr_context *ctx, size_t bytes, size_t alignment)
{
    void *p = acquire(ctx, bytes, alignment);
    if (p) ctx->bookkeeping_bytes += bytes;
    ctx->bookkeeping_peak = GR_MAX(ctx->bookkeeping_peak, ctx->bookkeeping_bytes);
    return p;
}

void *gr__alloc(gr_context *ctx, size_t bytes)
{
    return gr__alloc_aligned(ctx, bytes, BOOKKEEPING_ALIGNMENT);
}

void gr__free(gr_context *ctx, void *p, size_t bytes)
{
    if (!p) return;
    assert(ctx->bookkeeping_bytes >= bytes && "more released than acquired");
    ctx->bookkeeping_bytes -= bytes;
    ctx->released += bytes;
    release(ctx, p, bytes);
}

void *gr__resize(gr_context *ctx, void *p, size_t old_bytes, size_t new_bytes)
{
    void *q = gr__alloc(ctx, new_bytes);
    if (!q) return NULL;
    if (p) memcpy(q, p, GR_MIN(old_bytes, new_bytes));
    gr__free(ctx, p, old_bytes);
    return q;
}

bool gr__grow(gr_context *ctx, void **array, size_t *capacity, size_t element_bytes, size_t wanted)
{
    if (wanted <= *capacity) return true;
    size_t n = *capacity < 8 ? 8 : *capacity;
    while (n < wanted) n = n > SIZE_MAX / 2 ? wanted : n * 2;
    if (n > SIZE_MAX / element_bytes) {
        gr__fail(ctx, GR_E_MEMORY, "an array of %zu elements of %zu bytes does not fit the address space", n,
                 element_bytes);
        return false;
    }
    /* `array` is really the address of a T *: copied by bytes, for a load through void ** would break the aliasing
     * rules. */
    void *p;
    memcpy(&p, array, sizeof p);
    p = gr__resize(ctx, p, *capacity * element_bytes, n * element_bytes);
    if (!p) return false;
    memcpy(array, &p, sizeof p);
    *capacity = n;
    return true;
}

/* malloc keeps what it was given back, such as what a plan was found with: tensors do not want it beside them. */
static void settle(gr_context *ctx)
{
    if (ctx->released < MUCH || ctx->options.acquire != gr__default_acquire) return;
    ctx->released = 0;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void *gr__tensor_alloc(gr_context *ctx, size_t bytes)
{
    uint64_t budget = ctx->options.budget_bytes;
    if (budget && (ctx->tensor_bytes > budget || bytes > budget - ctx->tensor_bytes)) {
        char wanted[32], used[32], limit[32];
        gr__size_text(bytes, wanted, sizeof wanted);
        gr__size_text(ctx->tensor_bytes, used, sizeof used);
        gr__size_text(budget, limit, sizeof limit);
        gr__fail(ctx, GR_E_BUDGET,
                 "%s (%zu bytes) of tensor memory wanted with %s in use: the budget is %s (%llu bytes)", wanted, bytes,
                 used, limit, (unsigned long long)budget);
        return NULL;
    }
    if (bytes >= LARGE_PAGE) settle(ctx);
    void *p = acquire(ctx, bytes, bytes >= LARGE_PAGE ? LARGE_PAGE : TENSOR_ALIGNMENT);
    if (!p) return NULL;
    ctx->tensor_bytes += bytes;
    ctx->tensor_peak = GR_MAX(ctx->tensor_peak, ctx->tensor_bytes);
    return p;
}

void gr__tensor_free(gr_context *ctx, void *p, size_t bytes)
{
    if (!p) return;
    assert(ctx->tensor_bytes >= bytes && "more released than acquired");
    ctx->tensor_bytes -= bytes;
    release(ctx, p, bytes);
}

void gr__fail_acquisition(gr_context *ctx, uint64_t k)
{
    ctx->fail_acquisition = k ? ctx->acquisitions + k : 0;
}

uint64_t gr__acquisitions(const gr_context *ctx)
{
    return ctx->acquisitions;
}
