/* Union-find with halved paths; the lowest member stands for its group, so nothing depends on the order of joining. */
#include "study/data/near.h"

gr_status gr__clusters_open(gr_context *ctx, int64_t n, gr_clusters *out)
{
    uint32_t *parent = gr__tensor_alloc(ctx, (size_t)GR_MAX(n, 1) * sizeof *parent);
    if (!parent) return gr__error_code(ctx);
    for (int64_t i = 0; i < n; i++) parent[i] = (uint32_t)i;
    *out = (gr_clusters){ctx, parent, n};
    return GR_OK;
}

void gr__clusters_close(gr_clusters *g)
{
    if (g->parent) gr__tensor_free(g->ctx, g->parent, (size_t)GR_MAX(g->n, 1) * sizeof *g->parent);
    *g = (gr_clusters){0};
}

int64_t gr__clusters_of(gr_clusters *g, int64_t i)
{
    while (g->parent[i] != (uint32_t)i) {
        g->parent[i] = g->parent[g->parent[i]];
        i = g->parent[i];
    }
    return i;
}

void gr__clusters_join(gr_clusters *g, int64_t a, int64_t b)
{
    a = gr__clusters_of(g, a);
    b = gr__clusters_of(g, b);
    if (a < b)
        g->parent[b] = (uint32_t)a;
    else
        g->parent[a] = (uint32_t)b;
}
