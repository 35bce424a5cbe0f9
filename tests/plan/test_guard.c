/* The guard: nothing is assigned where it fails, and where the first value that is not finite came from. */
#include "support/rig.h"

static void nothing_is_assigned_when_the_guard_fails(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val w = rig_entry(&r, "w", GR_SHAPE(4), false), t = rig_entry(&r, "t", GR_SCALAR, true),
           s = rig_entry(&r, "mean", GR_SHAPE(4), true);
    gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(4));
    gr_assign(r.g, s, gr_add(r.g, s, x), GR_ASSIGN_STATE);
    gr_assign(r.g, t, gr_add(r.g, t, gr_const(r.g, 1)), GR_ASSIGN_UPDATE);
    gr_assign(r.g, w, gr_add(r.g, w, x), GR_ASSIGN_UPDATE);
    gr_scope_push(r.g, "cost", "c");
    gr_val cost = gr_sum_all(r.g, gr_log(r.g, gr_add(r.g, x, w)));
    gr_scope_pop(r.g);
    gr_guard(r.g, cost);
    gr_output(r.g, "cost", cost);
    rig_ready(&r);
    rig_set(&r, "w", 0, 0);
    double *feed = gr_plan_feed(r.plan, "x", NULL);
    for (int i = 0; i < 4; i++) feed[i] = 1;
    test_ok(r.ctx, gr_plan_run(r.plan));
    assert_true(rig_at(&r, "w", 1) == 1 && rig_at(&r, "t", 0) == 1 && rig_at(&r, "mean", 1) == 1 &&
                fabs(rig_out(&r, "cost", 0)) < 1e-15);
    double bad[] = {-1, -5, INFINITY, NAN}; /* log 0, log of a negative, infinite and spoilt feeds */
    const char *where[] = {"log in cost \"c\"", "log in cost \"c\"", "feed \"x\"", "feed \"x\""};
    for (int k = 0; k < 4; k++) {
        char text[64] = "";
        for (int i = 0; i < 4; i++) feed[i] = bad[k];
        assert_int_equal(gr_plan_run(r.plan), GR_E_DIVERGED);
        gr_context_clear_error(r.ctx);
        for (int i = 0; i < 4; i++) feed[i] = bad[k];
        assert_true(gr_plan_find_nonfinite(r.plan, text, sizeof text));
        assert_string_equal(text, where[k]);
        assert_true(rig_at(&r, "w", 1) == 1 && rig_at(&r, "t", 0) == 1 && rig_at(&r, "mean", 1) == 1);
    }
    char text[8];
    for (int i = 0; i < 4; i++) feed[i] = 1;
    assert_false(gr_plan_find_nonfinite(r.plan, text, sizeof text));
    rig_end(&r);
}

/* The guard reads the assigned broadcast in place, so it does not wait for the kernel that writes it. */
static void a_broadcast_is_not_assigned_before_the_guard_is_known(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val w = rig_entry(&r, "w", GR_SHAPE(3, 4), false), x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(4)),
           wide = gr_broadcast(r.g, gr_exp(r.g, x), GR_SHAPE(3, 4));
    gr_guard(r.g, gr_sum_all(r.g, gr_log(r.g, wide)));
    gr_assign(r.g, w, wide, GR_ASSIGN_UPDATE);
    rig_ready(&r);
    double *feed = gr_plan_feed(r.plan, "x", NULL);
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 4; i++) feed[i] = k == 1 ? (double)INFINITY : k;
        assert_int_equal(gr_plan_run(r.plan), k == 1 ? GR_E_DIVERGED : GR_OK);
        gr_context_clear_error(r.ctx);
        for (int i = 0; i < 12; i++) assert_true(fabs(rig_at(&r, "w", i) - exp(k == 2 ? 2 : 0)) < 1e-12);
    }
    rig_end(&r);
}

static void a_constant_guard_and_a_guard_without_assignments(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val c = gr_const(r.g, INFINITY);
    gr_guard(r.g, c);
    gr_output(r.g, "c", c);
    rig_ready(&r);
    assert_int_equal(gr_plan_run(r.plan), GR_E_DIVERGED);
    assert_true(isinf(rig_out(&r, "c", 0)));
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_assigned_when_the_guard_fails),
        cmocka_unit_test(a_broadcast_is_not_assigned_before_the_guard_is_known),
        cmocka_unit_test(a_constant_guard_and_a_guard_without_assignments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
