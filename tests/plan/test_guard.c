/* The guard: nothing is assigned where it fails, and where the first value that is not finite came from. */
#include <string.h>

#include "graph/shape.h"
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

/* Of a loop it is the operation of its body that is named, and the step; in a loop within a loop the outer one's. */
static gr_val sums_of_logarithms(gr_graph *g, gr_val x, bool reverse, int depth)
{
    gr_shape shape = gr_shape_of(g, x);
    gr_scan *s = gr_scan_begin(g, shape.dim[0], reverse);
    gr_graph *b = gr_scan_body(s);
    gr_val part = gr_scan_step(s, x), sum = gr_scan_carry(s, gr_broadcast(g, gr_const(g, 0), GR_SHAPE(2)));
    gr_scope_push(b, "layer", depth ? "outer" : "inner");
    gr_val v = depth ? sums_of_logarithms(b, part, !reverse, depth - 1) : gr_log(b, part);
    gr_scan_next(s, sum, gr_add(b, sum, v));
    gr_scope_pop(b);
    assert_true(gr_scan_end(s));
    v = gr_scan_final(s, sum);
    gr_scan_free(s);
    return v;
}

static void what_spoils_a_loop_is_found_inside(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        bool reverse = k & 1;
        int depth = k >> 1;
        rig r = rig_begin();
        gr_val w = rig_entry(&r, "w", GR_SHAPE(2), false);
        gr_val x = gr_feed(r.g, "x", GR_REAL, depth ? GR_SHAPE(4, 3, 2) : GR_SHAPE(4, 2));
        gr_val y = sums_of_logarithms(r.g, x, reverse, depth);
        gr_guard(r.g, gr_sum_all(r.g, y));
        gr_assign(r.g, w, gr_add(r.g, w, y), GR_ASSIGN_UPDATE);
        rig_ready(&r);
        for (int step = -1; step < 4; step++) {
            size_t bytes;
            double *feed = gr_plan_feed(r.plan, "x", &bytes);
            int n = (int)(bytes / sizeof *feed);
            char text[96] = "", wanted[96];
            for (int i = 0; i < n; i++) feed[i] = 1 + i;
            if (step >= 0) feed[step * n / 4 + 1] = -1;
            assert_int_equal(gr_plan_run(r.plan), step < 0 ? GR_OK : GR_E_DIVERGED);
            gr_context_clear_error(r.ctx);
            if (step < 0) continue;
            assert_true(gr_plan_find_nonfinite(r.plan, text, sizeof text));
            snprintf(wanted, sizeof wanted, "log in %slayer \"inner\", step %d", depth ? "layer \"outer\" / " : "",
                     step + 1);
            assert_string_equal(text, wanted);
        }
        rig_end(&r);
    }
}

/* A solution is looked at as it was found: what comes behind it is what spoils the run, not steps that nobody took. */
static void what_ended_early_is_searched_no_further(void **state)
{
    (void)state;
    static const gr_solver solvers[] = {GR_SOLVE_ANDERSON, GR_SOLVE_BROYDEN, GR_SOLVE_ITERATE};
    for (size_t k = 0; k < 2 * GR_COUNT(solvers); k++) { /* found at last, or at once */
        rig r = rig_begin();
        gr_shape shape = GR_SHAPE(3, 2);
        gr_val w = rig_entry(&r, "w", GR_SHAPE(2), false), x = gr_feed(r.g, "x", GR_REAL, shape),
               z = gr_unknown(r.g, shape), zero = gr_broadcast(r.g, gr_const(r.g, 0), shape);
        gr_scope_push(r.g, "layer", "inner");
        gr_val f = gr_tanh(
            r.g,
            gr_add(r.g, k % 2 ? gr_relu(r.g, gr_sub(r.g, z, gr_const(r.g, 9))) : gr_mul(r.g, z, gr_const(r.g, 0.5)),
                   x));
        gr_val y =
            gr_fixed_point(r.g, z, f, zero,
                           (gr_fixed_point_attr){.solver = solvers[k / 2], .max = 60, .tolerance = 1e-10}, NULL, NULL);
        gr_scope_pop(r.g);
        gr_scope_push(r.g, "layer", "behind");
        y = gr_sum(r.g, gr_log(r.g, y), (int[]){0}, 1, false);
        gr_scope_pop(r.g);
        gr_guard(r.g, gr_sum_all(r.g, y));
        gr_assign(r.g, w, gr_add(r.g, w, y), GR_ASSIGN_UPDATE);
        rig_ready(&r);
        for (int where = -1; where < 6; where++) {
            double *feed = gr_plan_feed(r.plan, "x", NULL);
            char text[96] = "";
            for (int i = 0; i < 6; i++) feed[i] = i == where ? -0.2 * i : 0.1 + i;
            assert_int_equal(gr_plan_run(r.plan), where < 0 ? GR_OK : GR_E_DIVERGED);
            gr_context_clear_error(r.ctx);
            if (where < 0) continue;
            assert_true(gr_plan_find_nonfinite(r.plan, text, sizeof text));
            assert_string_equal(text, "log in layer \"behind\"");
        }
        double *feed = gr_plan_feed(r.plan, "x", NULL);
        char text[96] = "";
        for (int i = 0; i < 6; i++) feed[i] = i == 3 ? NAN : 0.1 + i;
        assert_int_equal(gr_plan_run(r.plan), GR_E_DIVERGED);
        gr_context_clear_error(r.ctx);
        assert_true(gr_plan_find_nonfinite(r.plan, text, sizeof text));
        assert_string_equal(text, "feed \"x\"");
        rig_end(&r);
    }
}

/* An assignment with a guard of its own waits for that and for no other. What was assigned before one failed stays so,
 * and is told. */
static void a_guard_of_its_own_stops_what_is_behind_it(void **state)
{
    (void)state;
    for (int copied = 0; copied < 2; copied++) {
        rig r = rig_begin();
        gr_val w = rig_entry(&r, "w", GR_SHAPE(3), false), v = rig_entry(&r, "v", GR_SHAPE(3), false),
               t = rig_entry(&r, "t", GR_SCALAR, true);
        gr_val x = gr_feed(r.g, "x", GR_REAL, GR_SHAPE(3)), y = gr_feed(r.g, "y", GR_REAL, GR_SHAPE(3));
        gr_val all = gr_sum_all(r.g, x);
        gr_assign(r.g, t, gr_add(r.g, t, gr_const(r.g, 1)), GR_ASSIGN_UPDATE);
        gr_assign(r.g, w, gr_add(r.g, w, x), GR_ASSIGN_UPDATE);
        gr_scope_push(r.g, "parameter", "v");
        gr_assign(r.g, v, copied ? y : gr_add(r.g, v, y), GR_ASSIGN_UPDATE); /* a feed is copied at the end */
        gr__guard_assigns(r.g, 2, gr_add(r.g, all, gr_log(r.g, gr_sum_all(r.g, y))));
        gr_scope_pop(r.g);
        gr_guard(r.g, all);
        rig_ready(&r);
        double *to[] = {gr_plan_feed(r.plan, "x", NULL), gr_plan_feed(r.plan, "y", NULL)};
        double good = 0, was[2] = {0};
        for (int k = 0; k < 5; k++) {
            char text[64] = "";
            bool fails = k == 1 || k == 3, first = k == 3; /* at its own guard; at that of all */
            for (int i = 0; i < 3; i++) to[0][i] = first ? (double)INFINITY : 1, to[1][i] = fails ? -1 : 2;
            assert_int_equal(gr_plan_run(r.plan), fails ? GR_E_DIVERGED : GR_OK);
            gr_context_clear_error(r.ctx);
            good += !fails;
            assert_true(rig_at(&r, "v", 2) == (copied ? 2 : 2 * good));
            double now[] = {rig_at(&r, "w", 1), rig_at(&r, "t", 0)};
            bool moved[2];
            for (int i = 0; i < 2; i++) {
                moved[i] = now[i] == was[i] + 1;
                assert_true(moved[i] || (fails && now[i] == was[i]));
                was[i] = now[i];
            }
            assert_false(first && (moved[0] || moved[1]));
            assert_int_equal(gr__plan_spoilt(r.plan), fails && (moved[0] || moved[1]));
            if (!gr__plan_spoilt(r.plan)) continue;
            for (int i = 0; i < 3; i++) to[0][i] = 1, to[1][i] = -1;
            assert_true(gr_plan_find_nonfinite(r.plan, text, sizeof text));
            assert_true(strstr(text, "parameter \"v\"") != NULL);
        }
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_assigned_when_the_guard_fails),
        cmocka_unit_test(what_spoils_a_loop_is_found_inside),
        cmocka_unit_test(what_ended_early_is_searched_no_further),
        cmocka_unit_test(a_broadcast_is_not_assigned_before_the_guard_is_known),
        cmocka_unit_test(a_guard_of_its_own_stops_what_is_behind_it),
        cmocka_unit_test(a_constant_guard_and_a_guard_without_assignments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
