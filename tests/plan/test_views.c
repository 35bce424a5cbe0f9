/* Looking inside a run: items one at a time give the bits of a whole run, and what is written into a view is what later
 * items read. */
#include "support/rig.h"

#include <string.h>

#include "support/toy.h"

static gr_val entry(rig *r, const char *name, gr_shape shape, bool slot)
{
    test_ok(r->ctx,
            gr_store_add(r->store, &(gr_entry_spec){.name = name, .shape = shape, .slot = slot, .initial = 3}, NULL));
    return slot ? gr_slot(r->g, name, shape) : gr_param(r->g, name, shape);
}

/* y = (x w)^2, j = sum y; w <- w - 0.1 x, guarded by j; a and b change places. */
static rig begin(bool unfused)
{
    rig r = rig_begin();
    gr_graph *g = r.g;
    gr_scope_push(g, "dense", "head");
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(4)), w = entry(&r, "w", GR_SHAPE(4), false),
           a = entry(&r, "a", GR_SHAPE(4), true), b = entry(&r, "b", GR_SHAPE(4), true);
    gr_val y = gr_square(g, gr_mul(g, x, w)), j = gr_sum_all(g, y);
    gr_scope_pop(g);
    gr_output(g, "y", y);
    gr_output(g, "j", j);
    gr_guard(g, j);
    gr_assign(g, w, gr_sub(g, w, gr_mul(g, gr_const(g, 0.1), gr_exp(g, x))), GR_ASSIGN_UPDATE);
    gr_assign(g, a, b, GR_ASSIGN_UPDATE);
    gr_assign(g, b, a, GR_ASSIGN_UPDATE);
    test_ok(r.ctx, gr_plan_compile(r.ctx, g, r.store,
                                   &(gr_plan_options){.backend = &toy, .name = "views", .unfused = unfused}, &r.plan));
    test_ok(r.ctx, gr_store_seal(r.store));
    return r;
}

static void feed(rig *r, double first)
{
    double *x = gr_plan_feed(r->plan, "x", NULL);
    for (int i = 0; i < 4; i++) x[i] = first + i;
    double w[4] = {1, 2, 3, 4}, a[4] = {5, 6, 7, 8};
    gr_store_write(r->store, gr_store_find(r->store, "w"), w);
    gr_store_write(r->store, gr_store_find(r->store, "a"), a);
}

static void items_make_a_whole_run(void **state)
{
    (void)state;
    for (int unfused = 0; unfused < 2; unfused++) {
        rig r = begin(unfused);
        double j, w[4], again[4];
        int views = 0;
        test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
        feed(&r, 0.5);
        test_ok(r.ctx, gr_plan_run(r.plan));
        j = *(const double *)gr_plan_output(r.plan, "j", NULL);
        gr_store_read(r.store, gr_store_find(r.store, "w"), w);
        feed(&r, 0.5);
        for (int i = 0; i < gr_plan_rows(r.plan); i++) {
            test_ok(r.ctx, gr_plan_run_item(r.plan, i));
            views += gr_plan_views(r.plan, i);
            for (int k = 0; k < gr_plan_views(r.plan, i); k++) {
                gr_plan_view v = gr_plan_view_at(r.plan, i, k);
                assert_non_null(v.data);
                assert_int_equal(v.element_bytes, 8);
                if (strcmp(v.operation, "square") == 0) {
                    assert_string_equal(v.scope, "dense \"head\"");
                    assert_int_equal(gr_shape_count(v.shape), 4);
                    assert_true(((const double *)v.data)[2] == 56.25);
                }
            }
        }
        gr_store_read(r.store, gr_store_find(r.store, "w"), again);
        assert_true(*(const double *)gr_plan_output(r.plan, "j", NULL) == j);
        assert_memory_equal(w, again, sizeof w);
        assert_true(views >= 3);
        rig_end(&r);
    }
}

static void what_is_changed_is_what_is_read(void **state)
{
    (void)state;
    rig r = begin(true);
    test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
    feed(&r, 1);
    for (int i = 0; i < gr_plan_rows(r.plan); i++) {
        test_ok(r.ctx, gr_plan_run_item(r.plan, i));
        for (int k = 0; k < gr_plan_views(r.plan, i); k++) {
            gr_plan_view v = gr_plan_view_at(r.plan, i, k);
            if (strcmp(v.operation, "square") == 0) ((double *)v.data)[0] += 1000;
        }
    }
    assert_true(*(const double *)gr_plan_output(r.plan, "j", NULL) == 1000 + 1 + 16 + 81 + 256);
    rig_end(&r);
}

static void the_guard_stops_items_too(void **state)
{
    (void)state;
    rig r = begin(true);
    test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
    feed(&r, INFINITY);
    gr_status st = GR_OK;
    for (int i = 0; i < gr_plan_rows(r.plan) && st == GR_OK; i++) st = gr_plan_run_item(r.plan, i);
    assert_int_equal(st, GR_E_DIVERGED);
    assert_true(((const double *)gr_store_find(r.store, "w")->data)[1] == 2);
    rig_end(&r);
}

static void wrong_use_is_refused(void **state)
{
    (void)state;
    rig r = begin(false);
    assert_int_equal(gr_plan_run_item(r.plan, 0), GR_E_USAGE);
    gr_context_clear_error(r.ctx);
    assert_null(gr_plan_view_at(r.plan, 0, 0).data); /* no addresses yet */
    test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
    assert_int_equal(gr_plan_run_item(r.plan, -1), GR_E_RANGE);
    gr_context_clear_error(r.ctx);
    assert_int_equal(gr_plan_run_item(r.plan, gr_plan_rows(r.plan)), GR_E_RANGE);
    assert_int_equal(gr_plan_views(r.plan, -1), 0);
    assert_int_equal(gr_plan_views(r.plan, 1000), 0);
    assert_null(gr_plan_view_at(r.plan, 0, 99).data);
    assert_string_equal(gr_plan_view_at(r.plan, 0, -1).operation, "");
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_make_a_whole_run),
        cmocka_unit_test(what_is_changed_is_what_is_read),
        cmocka_unit_test(the_guard_stops_items_too),
        cmocka_unit_test(wrong_use_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
