/* Plans with little to do: views, empty tensors, no output at all. */
#include "support/rig.h"

static void views_cost_nothing(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(6, 8));
    gr_output(r.g, "flat", gr_reshape(r.g, x, GR_SHAPE(48)));
    gr_output(r.g, "rows", gr_slice(r.g, x, 0, 2, 3)); /* begins at byte 128 */
    rig_ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 0);
    double *feed = gr_plan_feed(r.plan, "x", NULL);
    for (int i = 0; i < 48; i++) feed[i] = i;
    test_ok(r.ctx, gr_plan_run(r.plan));
    gr_shape shape;
    assert_ptr_equal(gr_plan_output(r.plan, "flat", &shape), feed);
    assert_int_equal(shape.rank, 1);
    assert_true(rig_out(&r, "rows", 0) == 16);
    rig_end(&r);
}

static void empty_tensors_pass(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(0, 3)), w = rig_entry(&r, "w", GR_SHAPE(3), false);
    gr_val y = gr_relu(r.g, gr_add(r.g, x, w));
    gr_output(r.g, "columns", gr_sum(r.g, y, (int[]){0}, 1, false));
    gr_output(r.g, "all", gr_sum_all(r.g, y));
    rig_ready(&r);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(rig_out(&r, "columns", 2) == 0 && rig_out(&r, "all", 0) == 0);
    rig_end(&r);
}

static void an_empty_graph_is_a_plan(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3));
    rig_ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 0);
    assert_int_equal(gr_plan_bytes(r.plan).arena, 0);
    assert_null(gr_plan_feed(r.plan, "x", NULL)); /* not needed */
    test_ok(r.ctx, gr_plan_run(r.plan));
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_cost_nothing),
        cmocka_unit_test(empty_tensors_pass),
        cmocka_unit_test(an_empty_graph_is_a_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
