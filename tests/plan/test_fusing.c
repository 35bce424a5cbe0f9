/* What becomes one kernel, what stays apart, and where gradients stand. */
#include "support/rig.h"

static void an_optimizer_is_one_kernel(void **state)
{
    (void)state;
    rig r = rig_begin();
    rig_adam(&r);
    rig_ready(&r);
    int updates = 0, norms = 0;
    for (int i = 0; i < r.plan->n_items; i++) {
        const gr__item *it = &r.plan->items[i];
        if (it->writes_store && it->item.n_segments == 5) updates++;
        if (it->item.n_segments == 5 && it->item.n_in == 1 && it->item.n_out == 1 &&
            gr_shape_of(r.plan->graph, it->item.out[0]).rank == 0)
            norms++;
    }
    assert_int_equal(updates, 1);
    assert_int_equal(norms, 1);
    assert_false(rig_has_kernel(&r, "copy"));
    for (int i = 0; i < 5; i++) rig_set(&r, rig_tensors[i], 0.1, 0.01);
    rig_feed_adam(&r);
    test_ok(r.ctx, gr_plan_run(r.plan));
    double norm = 0, d = 0;
    for (int i = 0; i < 5; i++) {
        double n = (double)gr_shape_count(rig_shapes[i]), sum = 0.1 * n + 0.01 * n * (n - 1) / 2;
        double each = 2 * 0.1 * exp(0.1 * sum);
        norm += n * each * each;
        if (i == 1) d = each;
    }
    assert_true(fabs(rig_out(&r, "norm", 0) / norm - 1) < 1e-12);
    assert_true(rig_at(&r, "t", 0) == 1);
    double c = d * fmin(1, 1 / sqrt(norm)), wanted = 0.1 - 0.1 / (1 - 0.9) * 0.1 * c / (0.1 * fabs(c) + 1e-3);
    assert_true(fabs(rig_at(&r, "bias", 0) - wanted) < 1e-12);
    rig_end(&r);
}

static void updates_that_need_each_other_stay_apart(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val a = rig_entry(&r, "a", GR_SHAPE(3), false), b = rig_entry(&r, "b", GR_SHAPE(3), false),
           x = gr_feed(r.g, "x", GR_REAL, GR_SCALAR);
    gr_val first = gr_mul(r.g, a, gr_exp(r.g, x)), second = gr_mul(r.g, b, gr_exp(r.g, gr_sum_all(r.g, first)));
    gr_assign(r.g, a, first, GR_ASSIGN_UPDATE);
    gr_assign(r.g, b, second, GR_ASSIGN_UPDATE);
    gr_output(r.g, "sum", gr_sum_all(r.g, second)); /* so that both are a product and its sum */
    rig_ready(&r);
    rig_set(&r, "a", 1, 0);
    rig_set(&r, "b", 1, 0);
    *(double *)gr_plan_feed(r.plan, "x", NULL) = 0;
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(rig_at(&r, "a", 0) == 1 && fabs(rig_at(&r, "b", 0) - exp(3)) < 1e-12);
    rig_end(&r);
}

static void gradients_stand_at_their_parameters_offsets(void **state)
{
    (void)state;
    rig r = rig_begin();
    rig_adam(&r);
    rig_ready(&r);
    uint64_t parameters;
    gr_store_bytes(r.store, &parameters, NULL);
    assert_int_equal(gr_plan_bytes(r.plan).gradients, parameters);
    gr_effects fx = gr__graph_effects(r.plan->graph);
    assert_int_equal(fx.n_gradients, 5);
    for (size_t i = 0; i < 5; i++) {
        gr__spot p = r.plan->spots[fx.gradients[i].param], d = r.plan->spots[fx.gradients[i].gradient];
        assert_int_equal(d.kind, GR__IN_GRADIENTS);
        assert_int_equal(d.offset, gr_store_entry(r.store, p.index)->offset);
    }
    rig_end(&r);
}

static void contractions_take_their_epilogues(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3, 4)), w = rig_entry(&r, "w", GR_SHAPE(5, 4), false),
           b = rig_entry(&r, "b", GR_SHAPE(5), false);
    gr_scope_push(r.g, "dense", "d");
    gr_val y = gr_relu(r.g, gr_add(r.g, gr_matmul(r.g, x, w, false, true), b));
    gr_scope_pop(r.g);
    gr_output(r.g, "y", y);
    rig_ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 1);
    gr_plan_row row = gr_plan_row_at(r.plan, 0);
    assert_int_equal(row.nodes, 4);
    assert_string_equal(row.kernel, "matmul");
    assert_string_equal(row.scope, "dense \"d\"");
    assert_true(row.flops == 2 * 15 * 4 + 15 + 15);
    assert_true(row.bytes == 8 * (12 + 20 + 5 + 15));
    const gr_item *it = &r.plan->items[0].item;
    assert_int_equal(gr__node(r.plan->graph, it->nodes[0])->op->code, GR_OP_MATMUL);
    assert_int_equal(it->n_in, 3);
    rig_set(&r, "w", 0.5, -0.1);
    rig_set(&r, "b", -1, 0.5);
    double *feed = gr_plan_feed(r.plan, "x", NULL), xs[12];
    for (int i = 0; i < 12; i++) feed[i] = xs[i] = i % 5 - 2.0;
    test_ok(r.ctx, gr_plan_run(r.plan));
    for (int i = 0; i < 15; i++) {
        double sum = -1 + 0.5 * (i % 5);
        for (int k = 0; k < 4; k++) sum += xs[i / 5 * 4 + k] * (0.5 - 0.1 * (i % 5 * 4 + k));
        assert_true(fabs(rig_out(&r, "y", i) - (sum > 0 ? sum : 0)) < 1e-12);
    }
    assert_int_equal(gr_plan_row_at(r.plan, 7).nodes, 0);
    rig_end(&r);
}

/* The backend takes as much of the chain as it can; the rest, and what others read, is computed apart. */
static void an_epilogue_is_a_chain_of_any_nodes(void **state)
{
    (void)state;
    for (int read = 0; read < 2; read++) {
        rig r = rig_begin();
        gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3, 2)), w = rig_entry(&r, "w", GR_SHAPE(2, 2), false),
               b = rig_entry(&r, "b", GR_SHAPE(3, 1), false);
        gr_val scaled = gr_mul(r.g, gr_broadcast(r.g, b, GR_SHAPE(3, 2)), gr_matmul(r.g, x, w, false, true)),
               bent = gr_tanh(r.g, scaled), moved = gr_sub(r.g, x, bent), y = gr_exp(r.g, moved);
        gr_output(r.g, "y", y);
        if (read) gr_output(r.g, "bent", bent);
        rig_ready(&r);
        assert_int_equal(gr_plan_rows(r.plan), 2);
        const gr_item *first = &r.plan->items[0].item;
        assert_int_equal(first->n_nodes, read ? 4 : 5); /* with the broadcast, which is read in place */
        assert_int_equal(gr__node(r.plan->graph, first->nodes[0])->op->code, GR_OP_MATMUL);
        assert_int_equal(first->n_in, 3);
        rig_set(&r, "w", 0.5, -0.1);
        rig_set(&r, "b", -1, 0.5);
        double *feed = gr_plan_feed(r.plan, "x", NULL), xs[6];
        for (int i = 0; i < 6; i++) feed[i] = xs[i] = i % 4 - 1.0;
        test_ok(r.ctx, gr_plan_run(r.plan));
        for (int i = 0; i < 6; i++) {
            double sum = 0;
            for (int k = 0; k < 2; k++) sum += xs[i / 2 * 2 + k] * (0.5 - 0.1 * (i % 2 * 2 + k));
            double want = exp(xs[i] - tanh((-1 + 0.5 * (double)(i / 2)) * sum));
            assert_true(fabs(rig_out(&r, "y", i) - want) < 1e-12);
        }
        rig_end(&r);
    }
}

static void a_product_that_others_read_keeps_its_value(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(2, 2)), b = rig_entry(&r, "b", GR_SHAPE(2), false);
    gr_val m = gr_matmul(r.g, x, x, false, true);
    gr_output(r.g, "m", m);
    gr_output(r.g, "y", gr_add(r.g, m, b));
    rig_ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 2);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_optimizer_is_one_kernel),
        cmocka_unit_test(updates_that_need_each_other_stay_apart),
        cmocka_unit_test(gradients_stand_at_their_parameters_offsets),
        cmocka_unit_test(contractions_take_their_epilogues),
        cmocka_unit_test(an_epilogue_is_a_chain_of_any_nodes),
        cmocka_unit_test(a_product_that_others_read_keeps_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
