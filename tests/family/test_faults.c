/* Failing memory: whatever acquisition fails, families report it, leave nothing behind and do not crash. */
#include "cost/cost.h"
#include "init/init.h"
#include "nn/layer.h"
#include "support/case_optimizer.h"

/* All that floor 4 does for a small network's step, once; the first status that is not OK. */
static gr_status scenario(gr_context *ctx)
{
    static const char *const layers[] = {
        "{type: conv, filters: 2, activation: {type: leaky_relu, slope: 0.1}}",
        "{type: avg_pool, size: 3, stride: 2, padding: 1, ceil: true, count_padding: true}", "flatten", "dropout",
        "{type: dense, units: 3, activation: softmax}"};
    gr_status st = GR_OK;
    gr_graph *g = NULL;
    gr_store *store = NULL;
    gr_optim o;
    gr_sched s;
    gr_clip clip;
    gr_tree *init;
    int n;
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    GR_TRY(gr_graph_create(ctx, &g));
    GR_TRY(gr_store_create(ctx, gr_backend_get("ref"), &store));
    gr_tree *optimizer = gr__tree_flow(b, "{type: sgd, momentum: 0.9, weight_decay: 0.1, decay: decoupled}"),
            *schedule = gr__tree_flow(
                b, "{type: step, at: [3, 2 epochs], factors: [0.5, 0.1], warmup: 0.1, tail: {cycles: 2, low: 0.001}}");
    gr_tree *clipping = gr__tree_flow(b, "{norm: 1}"),
            *inits = gr__tree_flow(b, "{weights: {type: orthogonal}, bias: zeros, relu_bias: 0.1}");
    if (!optimizer || !schedule || !clipping || !inits) GR_TRY(GR_E_MEMORY);
    GR_TRY(gr__optim_make(ctx, b, optimizer, GR_PRESET_CHAPTER, &o));
    GR_TRY(gr__sched_make(ctx, b, schedule, GR_PRESET_CHAPTER, &s));
    GR_TRY(gr__clip_make(ctx, clipping, GR_PRESET_CHAPTER, &clip));
    GR_TRY(gr__init_resolve(ctx, b, inits, GR_PRESET_CHAPTER, &init));
    if (!gr__optim_tree(b, &o) || !gr__sched_tree(b, &s) || !gr__clip_tree(b, &clip)) GR_TRY(GR_E_MEMORY);
    const gr_layer *const *all = gr__layers(&n);
    gr_val zero = gr_const(g, 0), x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2, 8, 7, 2));
    gr_build build = {
        .ctx = ctx, .g = g, .mode = GR_MODE_TRAIN, .memory = b, .seed = zero, .update = zero, .position = zero};
    for (size_t i = 0; i < GR_COUNT(layers); i++) {
        gr_settings settings;
        const gr_layer *m = NULL;
        gr_tree *t = gr__tree_flow(b, layers[i]);
        const char *name = t ? gr__type_of(ctx, t, "layer", NULL) : NULL;
        for (int k = 0; name && k < n; k++)
            if (strcmp(all[k]->head.name, name) == 0) m = all[k];
        if (!m) GR_TRY(GR_E_MEMORY);
        build.layer = name;
        GR_TRY(gr__settings_make(ctx, b, &m->head, t, GR_PRESET_CHAPTER, NULL, &settings));
        x = m->build(&build, &settings, &x, 1);
        GR_TRY(gr_graph_status(g));
    }
    gr_val leaf[8], grad[8];
    gr_update_values values_of;
    for (size_t i = 0; i < build.n_params; i++) {
        leaf[i] = gr_param(g, build.params[i].entry.name, build.params[i].entry.shape);
        double values[4096];
        GR_TRY(gr__init_param(ctx, &(gr_init_from){.tree = init, .seed = 1}, &build.params[i], values));
    }
    GR_TRY(gr_gradients(g, gr_sum_all(g, gr_square(g, x)), leaf, (int)build.n_params, grad));
    GR_TRY(ev_update(g, store, &(ev_setup){.optim = &o, .clip = &clip}, build.params, leaf, grad, build.n_params,
                     gr_const(g, 2), gr_feed(g, "lr", GR_REAL, GR_SCALAR), &values_of));
done:
    gr_store_destroy(store);
    gr_graph_destroy(g);
    gr__bump_destroy(b);
    return st;
}

static void every_acquisition_may_fail(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    test_ok(ctx, scenario(ctx));
    uint64_t needed = gr__acquisitions(ctx);
    assert_true(needed > 10);
    for (uint64_t k = 1; k <= needed; k++) {
        uint64_t before = gr__bookkeeping_bytes(ctx);
        gr__fail_acquisition(ctx, k);
        gr_status st = scenario(ctx);
        gr__fail_acquisition(ctx, 0);
        if (st != GR_E_MEMORY) fail_msg("acquisition %d: %s", (int)k, gr_status_name(st));
        assert_int_equal(gr__error_code(ctx), GR_E_MEMORY);
        gr_context_clear_error(ctx);
        assert_int_equal(gr__bookkeeping_bytes(ctx), before);
    }
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_acquisition_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
