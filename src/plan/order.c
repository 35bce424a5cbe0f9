/* Order: units as close to graph order as their dependencies allow. */
#include "plan/plan.h"

/* Where a unit stands in the graph: at its last node. */
static uint32_t key_of(const gr__unit *u)
{
    uint32_t key = 0;
    for (int p = 0; p < u->n_parts; p++)
        for (int k = 0; k < u->parts[p].n; k++) key = GR_MAX(key, u->parts[p].nodes[k]);
    return key;
}

gr_status gr__plan_order(gr__compiler *c)
{
    int n = c->n_units;
    int *waiting = gr__bump_alloc(c->work, (size_t)n * sizeof *waiting); /* for how many units; -1: it runs already */
    uint32_t *key = gr__bump_alloc(c->work, (size_t)n * sizeof *key);
    c->sequence = gr__bump_alloc(c->work, (size_t)n * sizeof *c->sequence);
    if (!waiting || !key || !c->sequence) return gr__error_code(c->ctx);
    int left = 0;
    for (int u = 0; u < n; u++) {
        waiting[u] = -1;
        if (c->units[u].gone) continue;
        left++;
        waiting[u] = 0;
        key[u] = key_of(&c->units[u]);
        for (int x = 0; x < n; x++) waiting[u] += gr__deps_has(&c->deps, u, x);
    }
    for (; left > 0; left--) {
        int next = -1;
        for (int u = 0; u < n; u++)
            if (waiting[u] == 0 && (next < 0 || key[u] < key[next])) next = u;
        if (next < 0) return gr__fail(c->ctx, GR_E_INTERNAL, "%d kernels of a plan wait for each other", left);
        c->sequence[c->n_sequence++] = next;
        waiting[next] = -1;
        for (int u = 0; u < n; u++)
            if (waiting[u] > 0 && gr__deps_has(&c->deps, u, next)) waiting[u]--;
    }
    return GR_OK;
}
