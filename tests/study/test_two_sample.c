/* Two-sample tests against values of SciPy 1.17 (ks_2samp, chi2_contingency), and their size where nothing differs. */
#include "study/data/two_sample.h"

#include <math.h>

#include "base/rng.h"
#include "test.h"

static void samples(double *a, double *b, double shift)
{
    for (int i = 0; i < 60; i++) a[i] = i * 37 % 101 / 101.0;
    for (int i = 0; i < 45; i++) b[i] = i * 53 % 97 / 97.0 * 1.2 + shift;
}

static void ks_agrees_with_scipy(void **state)
{
    (void)state;
    double a[60], b[45], c[] = {1, 1, 2, 3, 3, 3}, d[] = {1, 2, 2, 2, 4, 5, 6};
    samples(a, b, 0);
    gr_two_sample t = gr__two_sample_ks(a, 60, b, 45);
    assert_float_equal(t.statistic, 0.16111111111111112, 1e-12);
    assert_float_equal(t.p, 0.4757, 0.03);
    samples(a, b, 0.3);
    t = gr__two_sample_ks(a, 60, b, 45);
    assert_float_equal(t.statistic, 0.4111111111111111, 1e-12);
    assert_true(t.p > 1e-4 && t.p < 4e-4);
    t = gr__two_sample_ks(c, 6, d, 7);
    assert_float_equal(t.statistic, 0.42857142857142855, 1e-12);
    assert_float_equal(t.p, 0.4336, 0.05);
}

static void ks_of_nothing_and_of_the_same(void **state)
{
    (void)state;
    double a[] = {3, 1, 2}, b[] = {2, 3, 1};
    gr_two_sample t = gr__two_sample_ks(a, 0, b, 3);
    assert_true(t.statistic == 0 && t.p == 1);
    t = gr__two_sample_ks(a, 3, b, 3);
    assert_true(t.statistic == 0 && t.p == 1);
}

/* Of 2000 pairs from one distribution about alpha are called different. */
static void ks_has_its_size(void **state)
{
    (void)state;
    int low = 0, lower = 0;
    double a[200], b[80];
    for (unsigned k = 0; k < 2000; k++) {
        gr__rng r = gr__rng_make(7, "two-sample", k, 0);
        for (int i = 0; i < 200; i++) a[i] = gr__rng_normal(&r);
        for (int i = 0; i < 80; i++) b[i] = gr__rng_normal(&r);
        double p = gr__two_sample_ks(a, 200, b, 80).p;
        low += p < 0.05, lower += p < 0.01;
    }
    assert_in_range(low, 60, 130);
    assert_in_range(lower, 6, 34);
}

static void counts_agree_with_scipy(void **state)
{
    (void)state;
    const int64_t a[] = {30, 40, 50, 0}, b[] = {20, 60, 20, 0}, c[] = {300, 400, 3}, d[] = {290, 380, 35};
    gr_two_sample t = gr__two_sample_counts(a, b, 4);
    assert_float_equal(t.statistic, 17.180952380952384, 1e-9);
    assert_float_equal(t.p, 0.00018586755821728095, 1e-12);
    t = gr__two_sample_counts(c, d, 3);
    assert_float_equal(t.statistic, 27.626895292747143, 1e-9);
    assert_float_equal(t.p, 1.0020650408567293e-06, 1e-14);
    t = gr__two_sample_counts(a, a, 4);
    assert_true(t.statistic == 0 && t.p == 1);
    t = gr__two_sample_counts(a, (const int64_t[]){0, 0, 0, 0}, 4);
    assert_true(t.p == 1);
}

/* Classes that are too rare to be judged alone are judged together. */
static void rare_classes_are_taken_together(void **state)
{
    (void)state;
    const int64_t a[] = {500, 1, 2, 1, 2, 1, 2, 1}, b[] = {400, 20, 19, 0, 0, 0, 0, 0};
    const int64_t c[] = {500, 1, 2, 7}, d[] = {400, 20, 19, 0};
    double p = gr__two_sample_counts(a, b, 8).p, q = gr__two_sample_counts(c, d, 4).p;
    assert_float_equal(p, q, 1e-12);
    assert_true(p < 1e-6);
}

static void holm_steps_down(void **state)
{
    (void)state;
    double p[] = {0.01, 0.04, 0.03, 0.005, 0.9};
    int64_t order[5];
    gr__holm(p, 5, order);
    const double wanted[] = {0.04, 0.09, 0.09, 0.025, 0.9};
    for (int i = 0; i < 5; i++) assert_float_equal(p[i], wanted[i], 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ks_agrees_with_scipy),
        cmocka_unit_test(ks_of_nothing_and_of_the_same),
        cmocka_unit_test(ks_has_its_size),
        cmocka_unit_test(counts_agree_with_scipy),
        cmocka_unit_test(rare_classes_are_taken_together),
        cmocka_unit_test(holm_steps_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
