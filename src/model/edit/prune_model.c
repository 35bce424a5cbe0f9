/* A model file with some of its weights at 0, and masks that keep them there. */
#include "model/edit/prune.h"

#include <stdio.h>

typedef struct pruning {
    gr_context *ctx;
    const gr_model *m;
    const gr_pruning *how;
    gr_network *network;
    gr_store *store;
    gr_prunable *part; /* the weights, in the order of the layers */
    gr_pruned *told;
    int n;
} pruning;

/* The network's store with a mask for every weight, and what the file has. */
static gr_status open_store(pruning *p, gr__bump *b)
{
    size_t n;
    gr_status st = GR_OK;
    GR_TRY(gr__network_make(p->ctx, p->m->recipe, NULL, &p->network));
    GR_TRY(gr_store_create(p->ctx, gr_backend_get(p->m->recipe->device), &p->store));
    GR_TRY(gr__network_declare(p->network, p->store));
    const gr_param_info *param = gr__network_params(p->network, &n);
    p->part = gr__bump_alloc(b, sizeof *p->part * (n + 1));
    p->told = gr__bump_alloc(b, sizeof *p->told * (n + 1));
    if (!p->part || !p->told) GR_TRY(GR_E_MEMORY);
    for (size_t i = 0; i < n; i++)
        if (param[i].entry.role == GR_ROLE_WEIGHT) GR_TRY(gr__mask_add(p->store, &param[i].entry));
    GR_TRY(gr_store_seal(p->store));
    GR_TRY(gr__model_load(p->ctx, p->m->file, p->m->path, p->store));
    gr__masks_hold(p->store, (const char *const[]){NULL});
    for (size_t i = 0; i < n; i++) {
        const char *name = param[i].entry.name;
        if (param[i].entry.role != GR_ROLE_WEIGHT) continue;
        p->part[p->n] = (gr_prunable){gr_store_find(p->store, name), gr__mask_find(p->store, name)};
        p->told[p->n] = (gr_pruned){.name = gr__bump_strdup(b, name), .weights = p->part[p->n].weight->count};
        if (!p->told[p->n++].name) GR_TRY(GR_E_MEMORY);
    }
    if (p->n == 0) st = gr__fail(p->ctx, GR_E_CONFLICT, "%s has no weights that could be pruned", p->m->path);
done:
    return st;
}

/* Prunes these tensors together. */
static gr_status prune(pruning *p, int first, int n, const char *what)
{
    int64_t all = 0, already = 0;
    for (int i = first; i < first + n; i++) {
        all += p->part[i].weight->count;
        already += gr__mask_zeros(p->store, p->part[i].mask);
    }
    int64_t count = gr__prune_count(p->how->sparsity, all);
    if (count < already) {
        gr__fail(p->ctx, GR_E_RANGE,
                 "%s: %lld of %lld weights of %s are pruned already, more than the %lld of sparsity %g", p->m->path,
                 (long long)already, (long long)all, what, (long long)count, p->how->sparsity);
        gr__error_hint(p->ctx, "what is pruned stays so; a sparsity of %g is the least", (double)already / (double)all);
        return GR_E_RANGE;
    }
    gr__prune(p->store, p->part + first, n, count);
    return GR_OK;
}

static gr_status prune_all(pruning *p)
{
    gr_status st = p->how->global ? prune(p, 0, p->n, "all layers") : GR_OK;
    for (int i = 0; i < p->n && !p->how->global && st == GR_OK; i++) st = prune(p, i, 1, p->told[i].name);
    for (int i = 0; i < p->n; i++) p->told[i].pruned = gr__mask_zeros(p->store, p->part[i].mask);
    return st;
}

gr_status gr__prune_model(gr_context *ctx, const gr_model *m, const gr_pruning *how, const char *out, gr__bump *b,
                          gr_pruned **tensors, size_t *n)
{
    pruning p = {.ctx = ctx, .m = m, .how = how};
    const gr_model_about about = {
        .recipe = m->recipe, .meaning = &m->meaning, .trained = gr__st_meta(m->file, "gradus.trained")};
    gr_status st = open_store(&p, b);
    if (st == GR_OK) st = prune_all(&p);
    if (st == GR_OK) st = gr__model_write(ctx, out, p.store, &about);
    *tensors = p.told;
    *n = (size_t)p.n;
    gr_store_destroy(p.store);
    gr__network_destroy(p.network);
    return st;
}
