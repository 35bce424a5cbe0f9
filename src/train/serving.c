/* What a model will take where it serves: the plan of predicting one sample, compiled before there are weights. */
#include "train/train.h"

static gr_status compile(const gr_task *t, gr_store *store, gr_plan **out)
{
    const gr_recipe *r = t->recipe;
    gr_graph *g = NULL;
    gr_network_values v;
    char name[GR_FEED_TEXT];
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(t->ctx, &g));
    GR_TRY(gr__network_declare(t->network, store));
    GR_TRY(gr__network_build(t->network, g, GR_MODE_EVALUATE, 1, false, &v));
    for (int h = 0; h < r->n_heads; h++)
        gr_output(g, gr__output_of(r->head[h].name, "prediction", name), v.head[h].prediction);
    GR_TRY(gr_plan_compile(t->ctx, g, store,
                           &(gr_plan_options){.backend = t->backend, .name = "predict", .algorithm = r->algorithm},
                           out));
done:
    gr_graph_destroy(g);
    return st;
}

gr_status gr__serving_bytes(const gr_task *t, gr_serving_bytes *out)
{
    gr_store *store = NULL;
    gr_plan *plan = NULL;
    uint64_t slots = 0;
    gr_status st = GR_OK;
    *out = (gr_serving_bytes){0};
    GR_TRY(gr_store_create(t->ctx, t->backend, &store));
    GR_TRY(compile(t, store, &plan));
    gr_store_bytes(store, &out->parameters, &slots);
    gr_plan_bytes_info p = gr_plan_bytes(plan);
    out->parameters += slots;
    out->activations = p.activations;
    out->workspace = p.arena - p.activations;
    out->total = out->parameters + p.arena;
done:
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    return st;
}

gr_status gr__serving_check(const gr_task *t, gr_serving_bytes *out)
{
    gr_serving_bytes b;
    const uint64_t limit = t->recipe->serving_limit;
    char total[32], most[32], parameters[32], rest[32];
    gr_status st = gr__serving_bytes(t, &b);
    if (st == GR_OK && out) *out = b;
    if (st != GR_OK || limit == 0 || b.total <= limit) return st;
    gr__size_text(b.total, total, sizeof total);
    gr__size_text(limit, most, sizeof most);
    gr__size_text(b.parameters, parameters, sizeof parameters);
    gr__size_text(b.total - b.parameters, rest, sizeof rest);
    gr__fail(t->ctx, GR_E_BUDGET,
             "serving one sample needs %s (%llu bytes), limit.serving_bytes allows %s (%llu bytes)", total,
             (unsigned long long)b.total, most, (unsigned long long)limit);
    gr__error_place(t->ctx, NULL, 0, 0, "limit.serving_bytes");
    gr__error_hint(t->ctx,
                   "parameters take %s, what is computed from a sample %s: fewer units or filters, or a higher limit",
                   parameters, rest);
    return GR_E_BUDGET;
}
