/* The reference backend runs random steps as the evaluator of the graph does, to the last digits. */
#include "plan/random_graph.h"

enum { SEEDS = 250 };

static rg_step step, other;

static void random_steps_agree_with_the_evaluator(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1000 + SEEDS; seed++) {
        gr_context *ctx = test_context_with(1 + (int)(seed % 3), 0);
        random_graph r;
        rg_build(&r, ctx, seed, false);
        rg_begin(&step, &r, &gr__backend_ref, seed % 2);
        rg_randomize(&step, seed);
        rg_compare(&step, 1e-10);
        rg_end(&step);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
}

static void gathering_scalars_changes_no_bit(void **state)
{
    (void)state;
    for (uint64_t seed = 2000; seed < 2000 + SEEDS; seed++) {
        gr_context *ctx = test_context();
        random_graph r;
        rg_build(&r, ctx, seed, false);
        rg_begin(&step, &r, &gr__backend_ref, false);
        rg_begin(&other, &r, &gr__backend_ref, true);
        rg_same_bits(&step, &other, seed);
        rg_end(&step);
        rg_end(&other);
        gr_graph_destroy(r.g);
        test_context_end(ctx);
    }
}

/* Operations with several outputs, random numbers, and every rank-0 value as float64. */
static void a_small_network_runs(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g;
    gr_store *s;
    gr_plan *p;
    test_ok(ctx, gr_graph_create(ctx, &g));
    test_ok(ctx, gr_store_create(ctx, &gr__backend_ref, &s));
    test_ok(ctx, gr_store_add(s, &(gr_entry_spec){.name = "w", .shape = GR_SHAPE(2, 3, 3, 1)}, NULL));
    test_ok(ctx, gr_store_add(s, &(gr_entry_spec){.name = "t", .slot = true, .initial = 3}, NULL));
    gr_val x = gr_feed(g, "x", GR_U8, GR_SHAPE(2, 6, 6, 1)), w = gr_param(g, "w", GR_SHAPE(2, 3, 3, 1)),
           t = gr_slot(g, "t", GR_SCALAR), index, dw;
    gr_conv_attr attr = {.stride = {1, 1}, .dilation = {1, 1}, .pad_before = {1, 1}, .pad_after = {1, 1}, .groups = 1};
    gr_val y = gr_max_pool(g, gr_relu(g, gr_conv(g, gr_real(g, x), w, attr)),
                           (gr_pool_attr){.size = {2, 2}, .stride = {2, 2}}, &index);
    gr_val mask = gr_random(g, "drop", GR_SHAPE(2, 3, 3, 2), gr_const(g, 7), t, gr_const(g, 0));
    gr_val cost = gr_sum_all(g, gr_mul(g, y, gr_less(g, mask, gr_const(g, 0.5))));
    test_ok(ctx, gr_gradients(g, cost, &w, 1, &dw));
    gr_mark_gradient(g, w, dw);
    gr_assign(g, w, gr_sub(g, w, gr_mul(g, gr_const(g, 0.01), dw)), GR_ASSIGN_UPDATE);
    gr_assign(g, t, gr_add(g, t, gr_const(g, 1)), GR_ASSIGN_UPDATE);
    gr_output(g, "cost", cost);
    gr_output(g, "index", index);
    gr_output(g, "mask", mask);
    test_ok(ctx, gr_plan_compile(ctx, g, s, &(gr_plan_options){.backend = &gr__backend_ref}, &p));
    gr_graph_destroy(g); /* the plan has its own */
    test_ok(ctx, gr_store_seal(s));
    test_ok(ctx, gr_plan_bind(p, NULL));
    double first[36], weights[18];
    for (int i = 0; i < 18; i++) weights[i] = 0.1 * (i % 5) - 0.1;
    gr_store_write(s, gr_store_find(s, "w"), weights);
    double cost_before = 0;
    for (int run = 0; run < 2; run++) {
        size_t bytes;
        uint8_t *feed = gr_plan_feed(p, "x", &bytes);
        assert_int_equal(bytes, 72);
        for (int i = 0; i < 72; i++) feed[i] = (uint8_t)(i % 7);
        test_ok(ctx, gr_plan_run(p));
        const double *mask_now = gr_plan_output(p, "mask", NULL);
        if (run == 0)
            memcpy(first, mask_now, sizeof first);
        else
            assert_memory_not_equal(first, mask_now, sizeof first); /* the update's number is part of the key */
        const int32_t *at = gr_plan_output(p, "index", NULL);
        for (int i = 0; i < 36; i++) assert_in_range(at[i], 0, 35);
        if (run == 0) cost_before = *(const double *)gr_plan_output(p, "cost", NULL);
    }
    assert_true(cost_before > 0);
    double now;
    gr_store_read(s, gr_store_find(s, "t"), &now);
    assert_true(now == 5);
    gr_plan_destroy(p);
    gr_store_destroy(s);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_steps_agree_with_the_evaluator),
        cmocka_unit_test(gathering_scalars_changes_no_bit),
        cmocka_unit_test(a_small_network_runs),
    };
    rg_with_rows = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
