/* Order: units as close to graph order as their dependencies allow. Of those whose needs have all run, the one that
 * ends first in the graph runs next. */
#include "plan/plan.h"

/* Where a unit stands in the graph: at its last node. */
static uint32_t key_of(const gr__unit *u)
{
    uint32_t key = 0;
    for (int p = 0; p < u->n_parts; p++)
        for (int k = 0; k < u->parts[p].n; k++) key = GR_MAX(key, u->parts[p].nodes[k]);
    return key;
}

/* Units that may run, the smallest key on top; no two keys are equal. */
typedef struct heap {
    const uint32_t *key; /* of a unit */
    int *unit, n;
} heap;

static bool before(const heap *h, int i, int j)
{
    return h->key[h->unit[i]] < h->key[h->unit[j]];
}

static void exchange(heap *h, int i, int j)
{
    int unit = h->unit[i];
    h->unit[i] = h->unit[j];
    h->unit[j] = unit;
}

static void push(heap *h, int unit)
{
    int i = h->n++;
    h->unit[i] = unit;
    for (; i > 0 && before(h, i, (i - 1) / 2); i = (i - 1) / 2) exchange(h, i, (i - 1) / 2);
}

static int pop(heap *h)
{
    int top = h->unit[0];
    h->unit[0] = h->unit[--h->n];
    for (int i = 0, least = 0;; i = least) {
        for (int child = 2 * i + 1; child <= 2 * i + 2 && child < h->n; child++)
            if (before(h, child, least)) least = child;
        if (least == i) return top;
        exchange(h, i, least);
    }
}

gr_status gr__plan_order(gr__compiler *c)
{
    int n = c->n_units, left = 0;
    int *waiting = gr__bump_alloc(c->work, (size_t)n * sizeof *waiting), /* for how many units */
        *next = gr__bump_alloc(c->work, (size_t)n * sizeof *next);
    uint32_t *key = gr__bump_alloc(c->work, (size_t)n * sizeof *key);
    heap ready = {key, gr__bump_alloc(c->work, (size_t)n * sizeof *ready.unit), 0};
    c->sequence = gr__bump_alloc(c->work, (size_t)n * sizeof *c->sequence);
    if (!waiting || !next || !key || !ready.unit || !c->sequence) return gr__error_code(c->ctx);
    for (int u = 0; u < n; u++) {
        if (c->units[u].gone) continue;
        left++;
        key[u] = key_of(&c->units[u]);
        waiting[u] = gr__deps_above(&c->deps, u, next);
        if (waiting[u] == 0) push(&ready, u);
    }
    while (ready.n > 0) {
        int unit = pop(&ready), n_next = gr__deps_below(&c->deps, unit, next);
        c->sequence[c->n_sequence++] = unit;
        for (int i = 0; i < n_next; i++)
            if (--waiting[next[i]] == 0) push(&ready, next[i]);
    }
    if (c->n_sequence < left)
        return gr__fail(c->ctx, GR_E_INTERNAL, "%d kernels of a plan wait for each other", left - c->n_sequence);
    return GR_OK;
}
