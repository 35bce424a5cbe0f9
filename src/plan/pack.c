/* Packing blocks with life times: the largest first, each as low as it fits between those that live at the same time.
 */
#include <stdlib.h>

#include "plan/plan.h"

static int by_size(const void *a, const void *b)
{
    const gr__block *x = *(gr__block *const *)a, *y = *(gr__block *const *)b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y; /* equal ones as they came: the same plan gets the same places everywhere */
}

static bool live_together(const gr__block *a, const gr__block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* placed: by offset. Returns where the block belongs among them. */
static int lowest(gr__block *block, gr__block *const *placed, int n)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        const gr__block *p = placed[i];
        if (!live_together(block, p)) continue;
        if (p->offset >= at && p->offset - at >= block->bytes) break;
        at = GR_MAX(at, p->offset + p->bytes);
    }
    block->offset = at;
    int i = n;
    while (i > 0 && placed[i - 1]->offset > at) i--;
    return i;
}

bool gr__blocks_pack(gr_context *ctx, gr__block *blocks, int n, size_t *total)
{
    size_t bytes = 2 * (size_t)n * sizeof(gr__block *);
    gr__block **sorted = gr__alloc(ctx, bytes);
    if (!sorted) return false;
    gr__block **placed = sorted + n;
    for (int i = 0; i < n; i++) sorted[i] = &blocks[i];
    qsort(sorted, (size_t)n, sizeof *sorted, by_size);
    *total = 0;
    for (int k = 0; k < n; k++) {
        int at = lowest(sorted[k], placed, k);
        for (int i = k; i > at; i--) placed[i] = placed[i - 1];
        placed[at] = sorted[k];
        *total = GR_MAX(*total, sorted[k]->offset + sorted[k]->bytes);
    }
    gr__free(ctx, sorted, bytes);
    return true;
}
