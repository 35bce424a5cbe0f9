/* What does not fit, what comes in the wrong order, and memory that runs out. */
#include "support/rig.h"
#include "support/toy.h"

static void expect(rig *r, gr_status st, gr_status wanted, const char *text)
{
    assert_int_equal(st, wanted);
    assert_string_equal(gr_context_error(r->ctx)->message, text);
    gr_context_clear_error(r->ctx);
}

static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val w = gr_param(r.g, "w", GR_SHAPE(10, 784));
    gr_output(r.g, "y", gr_sum_all(r.g, w));
    expect(&r, rig_compile(&r), GR_E_MISSING, "param \"w\" is not in the store");
    test_ok(r.ctx, gr_store_add(r.store, &(gr_entry_spec){.name = "w", .shape = GR_SHAPE(10, 780)}, NULL));
    expect(&r, rig_compile(&r), GR_E_SHAPE, "param \"w\": the graph has [10,784], the store [10,780]");
    rig_end(&r);

    r = rig_begin();
    gr_output(r.g, "y", gr_sum_all(r.g, gr_slot(r.g, "s", GR_SHAPE(2))));
    test_ok(r.ctx, gr_store_add(r.store, &(gr_entry_spec){.name = "s", .shape = GR_SHAPE(2)}, NULL));
    expect(&r, rig_compile(&r), GR_E_CONFLICT, "\"s\" is a slot in the graph and a parameter in the store");
    rig_end(&r);
}

static void use_in_the_wrong_order_is_refused(void **state)
{
    (void)state;
    rig r = rig_begin();
    rig_adam(&r);
    test_ok(r.ctx, rig_compile(&r));
    expect(&r, gr_plan_run(r.plan), GR_E_USAGE, "plan \"test\" is not bound yet");
    expect(&r, gr_plan_bind(r.plan, NULL), GR_E_USAGE, "plan \"test\": its store is not sealed yet");
    assert_null(gr_plan_output(r.plan, "cost", NULL));
    char text[8];
    assert_false(gr_plan_find_nonfinite(r.plan, text, sizeof text));
    test_ok(r.ctx, gr_store_seal(r.store));
    gr_arena *small;
    test_ok(r.ctx, gr_arena_create(r.ctx, 64, &small));
    assert_int_equal(gr_plan_bind(r.plan, small), GR_E_RANGE);
    gr_context_clear_error(r.ctx);
    gr_arena_destroy(small);
    test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
    assert_null(gr_plan_output(r.plan, "nothing", NULL));
    assert_null(gr_plan_feed(r.plan, "nothing", NULL));
    rig_end(&r);

    r = rig_begin();
    gr_backend another = toy;
    assert_int_equal(gr_plan_compile(r.ctx, r.g, r.store, NULL, &r.plan), GR_E_USAGE);
    gr_context_clear_error(r.ctx);
    expect(&r, gr_plan_compile(r.ctx, r.g, r.store, &(gr_plan_options){.backend = &another}, &r.plan), GR_E_CONFLICT,
           "the plan is for backend \"toy\", its store for \"toy\"");
    rig_end(&r);
}

static void errors_of_building_come_out_of_compiling(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_matmul(r.g, gr_feed(r.g, "x", GR_REAL, GR_SHAPE(2, 3)), gr_feed(r.g, "y", GR_REAL, GR_SHAPE(4, 5)), false,
              false);
    assert_int_equal(rig_compile(&r), GR_E_SHAPE);
    gr_context_clear_error(r.ctx);
    rig_end(&r);

    r = rig_begin();
    gr_val w = rig_entry(&r, "w", GR_SHAPE(2), false);
    gr_assign(r.g, w, gr_tanh(r.g, w), GR_ASSIGN_UPDATE);
    gr_assign(r.g, w, gr_exp(r.g, w), GR_ASSIGN_UPDATE);
    expect(&r, rig_compile(&r), GR_E_CONFLICT, "assign: \"w\" is assigned twice");
    rig_end(&r);
}

static void any_failing_allocation_is_survived(void **state)
{
    (void)state;
    bool done = false;
    for (uint64_t k = 1; !done; k++) {
        rig r = rig_begin();
        rig_adam(&r);
        gr_val half = gr_const_tensor(r.g, GR_SHAPE(3), (double[]){1, 2, 3});
        gr_output(r.g, "half", gr_mul(r.g, half, gr_const(r.g, 0.5)));
        gr_output(r.g, "shares", gr_softmax(r.g, half)); /* the backend does not take it */
        gr_store *s = r.store;
        gr__fail_acquisition(r.ctx, k);
        gr_status st = rig_compile(&r);
        if (st == GR_OK) st = gr_store_seal(s);
        if (st == GR_OK) st = gr_plan_bind(r.plan, NULL);
        gr__fail_acquisition(r.ctx, 0);
        if (st == GR_OK)
            test_ok(r.ctx, gr_plan_run(r.plan));
        else
            assert_int_equal(st, GR_E_MEMORY);
        done = st == GR_OK;
        assert_true(k < 2000);
        rig_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(use_in_the_wrong_order_is_refused),
        cmocka_unit_test(errors_of_building_come_out_of_compiling),
        cmocka_unit_test(any_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
