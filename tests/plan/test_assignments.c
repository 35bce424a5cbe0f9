/* Assignments: all see old values, are written in place where they can be, and copied where not. */
#include "support/rig.h"

static void swapped_tensors_see_old_values(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val a = rig_entry(&r, "a", GR_SHAPE(3), false), b = rig_entry(&r, "b", GR_SHAPE(3), false),
           t = rig_entry(&r, "t", GR_SCALAR, true), u = rig_entry(&r, "u", GR_SCALAR, true);
    gr_assign(r.g, a, b, GR_ASSIGN_UPDATE);
    gr_assign(r.g, b, a, GR_ASSIGN_UPDATE);
    gr_assign(r.g, t, gr_add(r.g, u, gr_const(r.g, 1)), GR_ASSIGN_UPDATE);
    gr_assign(r.g, u, gr_add(r.g, t, gr_const(r.g, 2)), GR_ASSIGN_UPDATE);
    gr_output(r.g, "before", a);
    rig_ready(&r);
    rig_set(&r, "a", 1, 1);
    rig_set(&r, "b", 10, 10);
    rig_set(&r, "t", 5, 0);
    rig_set(&r, "u", 7, 0);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(rig_at(&r, "a", 2) == 30 && rig_at(&r, "b", 2) == 3);
    assert_true(rig_at(&r, "t", 0) == 8 && rig_at(&r, "u", 0) == 7);
    assert_true(rig_out(&r, "before", 1) == 2);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(rig_at(&r, "a", 2) == 3 && rig_at(&r, "b", 2) == 30);
    rig_end(&r);
}

static void updates_are_written_in_place(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val w = rig_entry(&r, "w", GR_SHAPE(5), false), m = rig_entry(&r, "w/m", GR_SHAPE(5), true),
           t = rig_entry(&r, "t", GR_SCALAR, true);
    gr_val moment = gr_add(r.g, gr_mul(r.g, m, gr_const(r.g, 0.5)), w);
    gr_assign(r.g, m, moment, GR_ASSIGN_UPDATE);
    gr_assign(r.g, w, gr_sub(r.g, w, gr_mul(r.g, gr_const(r.g, 0.1), moment)), GR_ASSIGN_UPDATE);
    gr_assign(r.g, t, gr_add(r.g, t, gr_const(r.g, 1)), GR_ASSIGN_UPDATE);
    rig_ready(&r);
    assert_int_equal(gr_plan_rows(r.plan), 2);
    assert_false(rig_has_kernel(&r, "copy"));
    assert_int_equal(gr_plan_bytes(r.plan).activations, 0);
    rig_set(&r, "w", 1, 1);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(fabs(rig_at(&r, "w", 3) - 3.6) < 1e-15 && rig_at(&r, "w/m", 3) == 4 && rig_at(&r, "t", 0) == 1);
    rig_end(&r);
}

static void a_late_reader_still_sees_the_old_value(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val w = rig_entry(&r, "w", GR_SHAPE(4), false);
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(1, 4));
    gr_val now = gr_tanh(r.g, w);
    gr_assign(r.g, w, now, GR_ASSIGN_UPDATE);
    /* needs the new value and the old one: the new one cannot go straight into the store */
    gr_output(r.g, "both",
              gr_matmul(r.g, gr_reshape(r.g, w, GR_SHAPE(1, 4)),
                        gr_mul(r.g, x, gr_reduce_max(r.g, now, (int[]){0}, 1, true)), false, true));
    rig_ready(&r);
    rig_set(&r, "w", 0.5, 0);
    for (int i = 0; i < 4; i++) ((double *)gr_plan_feed(r.plan, "x", NULL))[i] = 1;
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(fabs(rig_out(&r, "both", 0) - 4 * 0.5 * tanh(0.5)) < 1e-15);
    assert_true(rig_at(&r, "w", 3) == tanh(0.5));
    rig_end(&r);
}

static void a_target_that_its_update_also_repeats_is_copied(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val w = rig_entry(&r, "w", GR_SHAPE(3, 4), false), t = rig_entry(&r, "t", GR_SCALAR, true),
           u = rig_entry(&r, "u", GR_SCALAR, true);
    gr_assign(r.g, w, gr_sub(r.g, w, gr_slice(r.g, w, 0, 0, 1)),
              GR_ASSIGN_UPDATE); /* the slice is a view of the target */
    gr_assign(r.g, t, gr_add(r.g, t, gr_const(r.g, 1)), GR_ASSIGN_UPDATE);
    gr_assign(r.g, u, gr_mul(r.g, t, gr_const(r.g, 2)),
              GR_ASSIGN_UPDATE); /* after it in the list, but wants the old t */
    rig_ready(&r);
    rig_set(&r, "w", 1, 1);
    rig_set(&r, "t", 5, 0);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(rig_at(&r, "w", 0) == 0 && rig_at(&r, "w", 7) == 4 && rig_at(&r, "w", 8) == 8);
    assert_true(rig_at(&r, "t", 0) == 6 && rig_at(&r, "u", 0) == 10);
    rig_end(&r);
}

static void an_assigned_leaf_or_constant_is_copied(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val w = rig_entry(&r, "w", GR_SHAPE(3), false), s = rig_entry(&r, "w/slow", GR_SHAPE(3), true),
           t = rig_entry(&r, "t", GR_SCALAR, true), z = rig_entry(&r, "z", GR_SHAPE(3), true);
    gr_assign(r.g, s, w, GR_ASSIGN_UPDATE); /* a snapshot of what the update overwrites */
    gr_assign(r.g, w, gr_neg(r.g, w), GR_ASSIGN_UPDATE);
    gr_assign(r.g, t, gr_const(r.g, 4), GR_ASSIGN_UPDATE);
    gr_assign(r.g, z, gr_const_tensor(r.g, GR_SHAPE(3), (double[]){7, 8, 9}), GR_ASSIGN_UPDATE);
    rig_ready(&r);
    rig_set(&r, "w", 1, 1);
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(rig_at(&r, "w/slow", 2) == 3 && rig_at(&r, "w", 2) == -3 && rig_at(&r, "t", 0) == 4 &&
                rig_at(&r, "z", 1) == 8);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swapped_tensors_see_old_values),
        cmocka_unit_test(updates_are_written_in_place),
        cmocka_unit_test(a_late_reader_still_sees_the_old_value),
        cmocka_unit_test(a_target_that_its_update_also_repeats_is_copied),
        cmocka_unit_test(an_assigned_leaf_or_constant_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
