/* Exact bytes: what binding takes, and what is largest. */
#include "support/rig.h"

static void bytes_are_what_binding_takes(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        rig r = rig_begin_with(threads);
        rig_adam(&r);
        test_ok(r.ctx, rig_compile(&r));
        assert_int_equal(gr_context_bytes(r.ctx), 0); /* compiling takes bookkeeping memory only */
        test_ok(r.ctx, gr_store_seal(r.store));
        uint64_t parameters, slots, before = gr_context_bytes(r.ctx);
        gr_store_bytes(r.store, &parameters, &slots);
        assert_int_equal(before, parameters + slots);
        test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
        gr_plan_bytes_info b = gr_plan_bytes(r.plan);
        assert_int_equal(gr_context_bytes(r.ctx) - before, b.arena);
        assert_int_equal(b.arena, b.gradients + b.activations + b.workspace);
        gr_arena *shared;
        test_ok(r.ctx, gr_arena_create(r.ctx, b.arena + 640, &shared));
        test_ok(r.ctx, gr_plan_bind(r.plan, shared)); /* its own goes back */
        assert_int_equal(gr_context_bytes(r.ctx) - before, b.arena + 640);
        gr_arena_destroy(shared);
        rig_end(&r);
    }
}

static void the_largest_come_first(void **state)
{
    (void)state;
    rig r = rig_begin();
    gr_val x = gr_feed(r.g, "pixels", GR_U8, GR_SHAPE(50, 10)), w = rig_entry(&r, "w", GR_SHAPE(10, 10), false);
    gr_scope_push(r.g, "dense", "d");
    gr_output(r.g, "y", gr_matmul(r.g, gr_real(r.g, x), w, false, true));
    gr_scope_pop(r.g);
    test_ok(r.ctx, rig_compile(&r));
    gr_plan_item items[8];
    int n = gr_plan_largest(r.plan, items, 8);
    assert_int_equal(n, 5); /* two values, the feed, two workspaces */
    assert_int_equal(items[0].bytes, 4032);
    for (int i = 1; i < n; i++) assert_true(items[i].bytes <= items[i - 1].bytes);
    assert_string_equal(items[2].what, "feed");
    assert_string_equal(items[2].scope, "pixels");
    assert_int_equal(gr_plan_largest(r.plan, items, 1), 1);
    assert_int_equal(items[0].bytes, 4032);
    assert_int_equal(gr_plan_largest(r.plan, NULL, 0), 0);
    rig_end(&r);
}

/* What stands at one time stands apart, and all of it within the arena. */
static void pieces_do_not_meet(void **state)
{
    (void)state;
    rig r = rig_begin();
    rig_adam(&r);
    test_ok(r.ctx, rig_compile(&r));
    int n = gr_plan_pieces(r.plan), rows = gr_plan_rows(r.plan), together = 0;
    gr_plan_bytes_info b = gr_plan_bytes(r.plan);
    assert_true(n > 2);
    for (int i = 0; i < n; i++) {
        gr_plan_piece a = gr_plan_piece_at(r.plan, i);
        assert_true(a.bytes > 0 && a.first <= a.last && a.first >= -1 && a.last <= rows);
        assert_true(a.offset + a.bytes <= b.activations + b.workspace);
        for (int k = 0; k < i; k++) {
            gr_plan_piece o = gr_plan_piece_at(r.plan, k);
            if (o.last < a.first || a.last < o.first) continue;
            assert_true(o.offset + o.bytes <= a.offset || a.offset + a.bytes <= o.offset);
            together++;
        }
    }
    assert_true(together > 0);
    assert_int_equal(gr_plan_piece_at(r.plan, n).bytes, 0);
    assert_int_equal(gr_plan_piece_at(r.plan, -1).bytes, 0);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_what_binding_takes),
        cmocka_unit_test(the_largest_come_first),
        cmocka_unit_test(pieces_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
