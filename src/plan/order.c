/* Order: units as close to graph order as their dependencies allow. Of those whose needs have all run, the one that
 * ends first in the graph runs next.
 *
 * Where gradients are released, what reads one belongs where that is made, not at the end of the graph: it is ranked
 * with the last unit that it needs of the way to any gradient, and what it needs besides with the first that needs it.
 */
#include "plan/plan.h"

/* Where a unit stands in the graph: at its last node. */
static uint32_t key_of(const gr__unit *u)
{
    uint32_t key = 0;
    for (int p = 0; p < u->n_parts; p++)
        for (int k = 0; k < u->parts[p].n; k++) key = GR_MAX(key, u->parts[p].nodes[k]);
    return key;
}

/* Units that may run, the smallest rank on top, of one rank the smallest key; no two keys are equal. */
typedef struct heap {
    const uint32_t *rank, *key; /* of a unit */
    int *unit, n;
} heap;

static bool before(const heap *h, int i, int j)
{
    int a = h->unit[i], b = h->unit[j];
    return h->rank[a] != h->rank[b] ? h->rank[a] < h->rank[b] : h->key[a] < h->key[b];
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

/* ---- where gradients are released ---- */

/* ranks: where on-way units stand in the plain order, which c->sequence has; of others where they belong in it. */
static void rank_by_gradients(gr__compiler *c, uint32_t *rank, int *list)
{
    const gr__unit *unit = c->units;
    for (int i = 0; i < c->n_sequence; i++) rank[c->sequence[i]] = (uint32_t)i;
    for (int u = 0; u < c->n_units; u++) {
        if (unit[u].gone || unit[u].on_way || !unit[u].after) continue;
        rank[u] = 0;
        for (int k = gr__deps_above(&c->deps, u, list); k-- > 0;)
            if (unit[list[k]].on_way) rank[u] = GR_MAX(rank[u], rank[list[k]]);
    }
    for (int u = 0; u < c->n_units; u++) {
        if (unit[u].gone || unit[u].on_way || unit[u].after) continue;
        for (int k = gr__deps_below(&c->deps, u, list); k-- > 0;)
            if (unit[list[k]].after && !unit[list[k]].on_way) rank[u] = GR_MIN(rank[u], rank[list[k]]);
    }
}

/* ---- ordering ---- */

/* waiting and list have room for a number a unit. */
static gr_status put_in_order(gr__compiler *c, heap *ready, int *waiting, int *list)
{
    int left = 0;
    ready->n = c->n_sequence = 0;
    for (int u = 0; u < c->n_units; u++) {
        if (c->units[u].gone) continue;
        left++;
        waiting[u] = gr__deps_above(&c->deps, u, list);
        if (waiting[u] == 0) push(ready, u);
    }
    while (ready->n > 0) {
        int unit = pop(ready), n = gr__deps_below(&c->deps, unit, list);
        c->sequence[c->n_sequence++] = unit;
        for (int i = 0; i < n; i++)
            if (--waiting[list[i]] == 0) push(ready, list[i]);
    }
    if (c->n_sequence == left) return GR_OK;
    return gr__fail(c->ctx, GR_E_INTERNAL, "%d kernels of a plan wait for each other", left - c->n_sequence);
}

gr_status gr__plan_order(gr__compiler *c)
{
    size_t n = (size_t)c->n_units;
    int *waiting = gr__bump_alloc(c->work, n * sizeof *waiting), /* for how many units */
        *list = gr__bump_alloc(c->work, n * sizeof *list);
    uint32_t *key = gr__bump_alloc(c->work, n * sizeof *key), *rank = gr__bump_alloc(c->work, n * sizeof *rank);
    heap ready = {rank, key, gr__bump_alloc(c->work, n * sizeof *ready.unit), 0};
    c->sequence = gr__bump_alloc(c->work, n * sizeof *c->sequence);
    if (!waiting || !list || !key || !rank || !ready.unit || !c->sequence) return gr__error_code(c->ctx);
    for (int u = 0; u < c->n_units; u++) key[u] = c->units[u].gone ? 0 : key_of(&c->units[u]);
    gr_status st = put_in_order(c, &ready, waiting, list);
    if (st != GR_OK || !c->options.release) return st;
    rank_by_gradients(c, rank, list);
    return put_in_order(c, &ready, waiting, list);
}
