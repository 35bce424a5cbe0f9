/* The store: names, places, exact accounting. */
#include "plan/plan.h"
#include "test.h"

static const gr_backend narrow = {.name = "narrow", .real = GR_EL_F32}, wide = {.name = "wide", .real = GR_EL_F64};

static int add(gr_store *s, const char *name, gr_shape shape, bool slot)
{
    int index = -1;
    assert_int_equal(gr_store_add(s, &(gr_entry_spec){.name = name, .shape = shape, .slot = slot}, &index), GR_OK);
    return index;
}

static gr_store *filled(gr_context *ctx, const gr_backend *backend)
{
    gr_store *s = NULL;
    test_ok(ctx, gr_store_create(ctx, backend, &s));
    add(s, "step", GR_SCALAR, true);
    add(s, "b/v", GR_SHAPE(5), true);
    add(s, "a", GR_SHAPE(3, 7), false);
    add(s, "b", GR_SHAPE(5), false);
    add(s, "b/m", GR_SHAPE(5), true);
    add(s, "a/m", GR_SHAPE(3, 7), true);
    add(s, "a/v", GR_SHAPE(3, 7), true);
    add(s, "rate", GR_SCALAR, false);
    add(s, "empty", GR_SHAPE(0, 4), false);
    add(s, "norm.mean", GR_SHAPE(5), true);
    return s;
}

static void blocks_are_contiguous_and_in_the_order_of_parameters(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_store *s = filled(ctx, &narrow);
    assert_null(gr_store_find(s, "a")->data);
    test_ok(ctx, gr_store_seal(s));
    assert_int_equal(gr_store_find(s, "a")->offset, 0);
    assert_int_equal(gr_store_find(s, "b")->offset, 128); /* 84 bytes are two granules */
    assert_int_equal(gr_store_find(s, "rate")->offset, 192);
    assert_int_equal(gr_store_find(s, "empty")->offset, 256);
    const char *suffix[] = {"m", "v"};
    for (int i = 0; i < 2; i++) {
        char a[8], b[8];
        snprintf(a, sizeof a, "a/%s", suffix[i]);
        snprintf(b, sizeof b, "b/%s", suffix[i]);
        assert_int_equal(gr_store_find(s, a)->offset, 0);
        assert_int_equal(gr_store_find(s, b)->offset, 128);
        assert_ptr_equal((char *)gr_store_find(s, a)->data + 128, gr_store_find(s, b)->data);
    }
    assert_int_equal(gr_store_find(s, "step")->offset, 0);
    assert_int_equal(gr_store_find(s, "norm.mean")->offset, 64);
    for (int i = 0; i < gr_store_count(s); i++) assert_int_equal((uintptr_t)gr_store_entry(s, i)->data % 64, 0);
    gr_store_destroy(s);
    test_context_end(ctx);
}

static void bytes_are_what_sealing_takes(void **state)
{
    (void)state;
    const gr_backend *backends[] = {&narrow, &wide};
    for (int i = 0; i < 2; i++) {
        gr_context *ctx = test_context();
        gr_store *s = filled(ctx, backends[i]);
        uint64_t parameters, slots;
        gr_store_bytes(s, &parameters, &slots);
        assert_int_equal(gr_context_bytes(ctx), 0);
        test_ok(ctx, gr_store_seal(s));
        assert_int_equal(gr_context_bytes(ctx), parameters + slots);
        test_ok(ctx, gr_store_seal(s)); /* again: nothing */
        assert_int_equal(gr_context_bytes(ctx), parameters + slots);
        gr_store_destroy(s);
        test_context_end(ctx);
    }
}

static void an_empty_store_is_fine(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_store *s;
    test_ok(ctx, gr_store_create(ctx, &wide, &s));
    test_ok(ctx, gr_store_seal(s));
    assert_int_equal(gr_store_count(s), 0);
    assert_null(gr_store_entry(s, 0));
    assert_null(gr_store_entry(s, -1));
    assert_null(gr_store_find(s, "x"));
    gr_store_destroy(s);
    gr_store_destroy(NULL);
    test_context_end(ctx);
}

static void equal_entries_are_one_and_different_ones_conflict(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_store *s = filled(ctx, &wide);
    int n = gr_store_count(s);
    assert_int_equal(add(s, "a", GR_SHAPE(3, 7), false), 2);
    assert_int_equal(gr_store_count(s), n);
    assert_int_equal(gr_store_add(s, &(gr_entry_spec){.name = "a", .shape = GR_SHAPE(7, 3)}, NULL), GR_E_CONFLICT);
    assert_string_equal(
        gr_context_error(ctx)->message,
        "entry \"a\" is in the store already, as a different one: parameter [3,7] against parameter [7,3]");
    gr_context_clear_error(ctx);
    gr_entry_spec other[] = {
        {.name = "a", .shape = GR_SHAPE(3, 7), .slot = true},
        {.name = "a", .shape = GR_SHAPE(3, 7), .saved = true},
        {.name = "a", .shape = GR_SHAPE(3, 7), .role = GR_ROLE_BIAS},
        {.name = "a", .shape = GR_SHAPE(3, 7), .layout = GR_LAYOUT_CONV},
        {.name = "a", .shape = GR_SHAPE(3, 7), .initial = 1},
    };
    for (size_t i = 0; i < GR_COUNT(other); i++) assert_int_equal(gr_store_add(s, &other[i], NULL), GR_E_CONFLICT);
    gr_store_destroy(s);
    test_context_end(ctx);
}

static void what_cannot_be_added_is_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_store *s = filled(ctx, &wide);
    assert_int_equal(gr_store_add(s, &(gr_entry_spec){.name = ""}, NULL), GR_E_USAGE);
    assert_int_equal(gr_store_add(s, &(gr_entry_spec){.shape = GR_SHAPE(2)}, NULL), GR_E_USAGE);
    assert_int_equal(gr_store_add(s, &(gr_entry_spec){.name = "x", .shape = GR_SHAPE(-1)}, NULL), GR_E_SHAPE);
    assert_int_equal(gr_store_add(s, &(gr_entry_spec){.name = "x", .shape = {.rank = 7}}, NULL), GR_E_SHAPE);
    assert_int_equal(gr_store_add(s, &(gr_entry_spec){.name = "x", .shape = GR_SHAPE(INT64_MAX / 4, 8)}, NULL),
                     GR_E_SHAPE);
    test_ok(ctx, gr_store_seal(s));
    gr_context_clear_error(ctx);
    assert_int_equal(gr_store_add(s, &(gr_entry_spec){.name = "late", .shape = GR_SHAPE(2)}, NULL), GR_E_USAGE);
    assert_string_equal(gr_context_error(ctx)->message, "entry \"late\" comes too late: the store is sealed");
    add(s, "a", GR_SHAPE(3, 7), false); /* there already */
    gr_store_destroy(s);
    test_context_end(ctx);
}

static void values_are_read_and_written_as_doubles(void **state)
{
    (void)state;
    const gr_backend *backends[] = {&narrow, &wide};
    for (int i = 0; i < 2; i++) {
        gr_context *ctx = test_context();
        gr_store *s;
        test_ok(ctx, gr_store_create(ctx, backends[i], &s));
        test_ok(ctx, gr_store_add(
                         s, &(gr_entry_spec){.name = "w/v", .shape = GR_SHAPE(3), .slot = true, .initial = 0.1}, NULL));
        test_ok(ctx, gr_store_add(s, &(gr_entry_spec){.name = "t", .slot = true, .initial = 0.1}, NULL));
        test_ok(ctx, gr_store_add(s, &(gr_entry_spec){.name = "w", .shape = GR_SHAPE(3), .initial = 7},
                                  NULL)); /* parameters start at zero */
        test_ok(ctx, gr_store_seal(s));
        double v[3], w[3], t;
        gr_store_read(s, gr_store_find(s, "w/v"), v);
        gr_store_read(s, gr_store_find(s, "w"), w);
        gr_store_read(s, gr_store_find(s, "t"), &t);
        assert_true(v[2] == (i ? 0.1 : (double)0.1f));
        assert_true(t == 0.1); /* rank 0 is double on every backend */
        assert_true(w[0] == 0 && w[2] == 0);
        double numbers[3] = {1, -2.5, 1e-3};
        gr_store_write(s, gr_store_find(s, "w"), numbers);
        gr_store_read(s, gr_store_find(s, "w"), w);
        assert_true(w[1] == -2.5 && w[2] == (i ? 1e-3 : (double)1e-3f));
        gr_store_destroy(s);
        test_context_end(ctx);
    }
}

static void failures_leave_nothing_behind(void **state)
{
    (void)state;
    for (uint64_t k = 1;; k++) {
        gr_context *ctx = test_context();
        gr_store *s = NULL;
        gr__fail_acquisition(ctx, k);
        gr_status st = gr_store_create(ctx, &wide, &s);
        const char *names[] = {"a", "a/m", "a/v", "t"};
        for (int i = 0; i < 4 && st == GR_OK; i++)
            st = gr_store_add(s, &(gr_entry_spec){.name = names[i], .shape = GR_SHAPE(9), .slot = i > 0}, NULL);
        if (st == GR_OK) st = gr_store_seal(s);
        gr__fail_acquisition(ctx, 0);
        if (st != GR_OK && s) {
            assert_int_equal(gr_context_bytes(ctx), 0);
            gr_context_clear_error(ctx);
            test_ok(ctx, gr_store_seal(s)); /* the second attempt has the memory */
        }
        gr_store_destroy(s);
        test_context_end(ctx);
        if (st == GR_OK) break;
        assert_int_equal(st, GR_E_MEMORY);
    }
}

static void the_budget_is_kept(void **state)
{
    (void)state;
    gr_context *ctx = test_context_with(1, 700);
    gr_store *s = filled(ctx, &wide);
    assert_int_equal(gr_store_seal(s), GR_E_BUDGET);
    assert_int_equal(gr_context_bytes(ctx), 0);
    gr_store_destroy(s);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_contiguous_and_in_the_order_of_parameters),
        cmocka_unit_test(bytes_are_what_sealing_takes),
        cmocka_unit_test(an_empty_store_is_fine),
        cmocka_unit_test(equal_entries_are_one_and_different_ones_conflict),
        cmocka_unit_test(what_cannot_be_added_is_refused),
        cmocka_unit_test(values_are_read_and_written_as_doubles),
        cmocka_unit_test(failures_leave_nothing_behind),
        cmocka_unit_test(the_budget_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
