/* What training rows say of their targets: counts of classes, mean and variance of values.                     [mission
 * I9, I10] */
#include "files.h"

#include <math.h>

static gr_targets take(gr_target_kind kind, gr_element element, void *targets, gr_shape sample, gr_rows rows,
                       int64_t classes)
{
    gr_field s = {.role = GR_FIELD_TARGET, .kind = kind, .sample = sample, .element = element, .data = targets};
    gr_targets t = {.n = 99};
    test_ok(f.ctx, gr__targets_take(f.b, &s, &rows, classes, &t));
    return t;
}

static void classes_are_counted_over_the_rows_alone(void **state)
{
    (void)state;
    int32_t label[] = {0, 2, 2, 1, 2, 0};
    uint32_t row[] = {1, 2, 5};
    gr_targets t = take(GR_TARGET_CLASS, GR_EL_I32, label, GR_SCALAR, (gr_rows){row, 3}, 4);
    assert_true(t.n == 3 && t.classes == 4 && t.values == 0);
    const int64_t want[] = {1, 0, 2, 0};
    for (int k = 0; k < 4; k++) assert_int_equal(gr__targets_count(&t, k), want[k]);
    assert_int_equal(gr__targets_count(&t, 4), 0);
    assert_true(gr__targets_mean(&t, 0) == 0);
}

static void every_position_counts(void **state)
{
    (void)state;
    int32_t label[] = {0, 1, 1, 1, 0, 0};
    uint32_t row[] = {0, 1};
    gr_targets t = take(GR_TARGET_CLASS, GR_EL_I32, label, GR_SHAPE(3), (gr_rows){row, 2}, 2);
    assert_true(t.n == 6 && t.count[0] == 3 && t.count[1] == 3);
}

static void values_have_mean_and_variance(void **state)
{
    (void)state;
    float narrow[] = {1, 10, 2, 10, 6, 10, 100, 100};
    double wide[] = {1, 10, 2, 10, 6, 10, 100, 100};
    uint32_t row[] = {0, 1, 2};
    gr_targets t[2] = {take(GR_TARGET_VALUE, GR_EL_F32, narrow, GR_SHAPE(2), (gr_rows){row, 3}, 0),
                       take(GR_TARGET_VALUE, GR_EL_F64, wide, GR_SHAPE(2), (gr_rows){row, 3}, 0)};
    for (int i = 0; i < 2; i++) {
        assert_true(t[i].n == 3 && t[i].values == 2 && t[i].classes == 0);
        assert_true(gr__targets_mean(&t[i], 0) == 3 && fabs(gr__targets_variance(&t[i], 0) - 14.0 / 3) < 1e-15);
        assert_true(gr__targets_mean(&t[i], 1) == 10 && gr__targets_variance(&t[i], 1) == 0);
    }
}

/* Digits that a large common offset would cost: 1e9 + {0, 1, 2}. */
static void an_offset_costs_no_digits(void **state)
{
    (void)state;
    double x[3000];
    uint32_t row[3000];
    for (int i = 0; i < 3000; i++) x[i] = 1e9 + i % 3, row[i] = (uint32_t)i;
    gr_targets t = take(GR_TARGET_VALUE, GR_EL_F64, x, GR_SCALAR, (gr_rows){row, 3000}, 0);
    assert_true(t.values == 1 && t.mean[0] == 1e9 + 1 && fabs(t.variance[0] - 2.0 / 3) < 1e-12);
}

static void one_row_and_none(void **state)
{
    (void)state;
    float x[] = {7};
    uint32_t row[] = {0};
    gr_targets t = take(GR_TARGET_VALUE, GR_EL_F32, x, GR_SCALAR, (gr_rows){row, 1}, 0);
    assert_true(t.n == 1 && t.mean[0] == 7 && t.variance[0] == 0);
    assert_false(gr__targets_known(&(gr_targets){0}));
    t = take(GR_TARGET_VALUE, GR_EL_F32, x, GR_SCALAR, (gr_rows){row, 0}, 0);
    assert_true(!gr__targets_known(&t) && !gr__targets_known(NULL));
    t = take(GR_TARGET_NONE, GR_EL_F32, NULL, GR_SCALAR, (gr_rows){row, 1}, 0);
    assert_false(gr__targets_known(&t));
    /* stand-ins, so that a plan has its shapes */
    assert_true(gr__targets_count(&t, 3) == 1 && gr__targets_mean(&t, 3) == 0 && gr__targets_variance(&t, 3) == 1);
    assert_true(gr__targets_count(NULL, 3) == 1 && gr__targets_mean(NULL, 3) == 0 &&
                gr__targets_variance(NULL, 3) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(classes_are_counted_over_the_rows_alone, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(every_position_counts, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(values_have_mean_and_variance, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(an_offset_costs_no_digits, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(one_row_and_none, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
