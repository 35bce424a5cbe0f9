/* Histograms: every number is in the bin that says so, moments are those of a plain sum, and what is drawn of them
 * loses none. [X6] */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "test.h"
#include "train/histogram.h"

enum { N = 10000 };

static void bins_hold_what_they_say(void **state)
{
    (void)state;
    static const double marks[] = {0,       1,      -1,    0.999999, -0.999999, 1.0624999, 1.0625, -1.0625, 3e-10,
                                   2.4e-10, -1e-10, 65535, 65536,    -1e9,      1e300,     5e-324, -DBL_MAX};
    gr__rng r = gr__rng_make(5, "test", 0, 0);
    for (int k = 0; k < 4000; k++) {
        double x = k < (int)GR_COUNT(marks) ? marks[k] : ldexp(gr__rng_normal(&r), (int)gr__rng_below(&r, 60) - 40);
        gr_histogram h;
        int at = -1;
        gr__histogram_begin(&h);
        gr__histogram_add(&h, &x, 1, true, 1);
        for (int i = 0; i < GR_BINS; i++)
            if (h.bin[i]) assert_int_equal(at, -1), at = i;
        assert_in_range(at, 0, GR_BINS - 1);
        if (at > 0) assert_true(x >= gr__bin_low(at));
        if (at < GR_BINS - 1) assert_true(x <= gr__bin_high(at));
        if (at > GR_BINS_SIDE && at < GR_BINS - 1) assert_true(x < gr__bin_high(at));
        if (at < GR_BINS_SIDE && at > 0) assert_true(x > gr__bin_low(at));
    }
    for (int i = 0; i + 1 < GR_BINS; i++)
        assert_true(gr__bin_high(i) == gr__bin_low(i + 1) && gr__bin_low(i) < gr__bin_high(i));
}

static void moments_are_those_of_sums(void **state)
{
    (void)state;
    static const double shift[] = {0, 3, 1e6, -1e9};
    float *x = malloc(sizeof *x * N);
    gr__rng r = gr__rng_make(6, "test", 0, 0);
    for (size_t s = 0; s < GR_COUNT(shift); s++) {
        gr_histogram h;
        long double sum = 0, squares = 0;
        int64_t zeros = 0, n = 0, all = 0;
        double low = INFINITY, high = -INFINITY, scale = s == 1 ? 0.5 : 1;
        for (int i = 0; i < N; i++)
            x[i] = i % 97 == 0 ? 0 : i % 1001 == 7 ? (i % 2 ? NAN : INFINITY) : (float)(gr__rng_normal(&r) + shift[s]);
        gr__histogram_begin(&h);
        for (int i = 0; i < N; i += 3000) gr__histogram_add(&h, x + i, GR_MIN(3000, N - i), false, scale);
        for (int i = 0; i < N; i++) {
            if (!isfinite(x[i])) continue;
            sum += (long double)x[i] * scale, n++, zeros += x[i] == 0;
            low = fmin(low, x[i] * scale), high = fmax(high, x[i] * scale);
        }
        for (int i = 0; i < N; i++)
            if (isfinite(x[i]))
                squares += (x[i] * (long double)scale - sum / n) * (x[i] * (long double)scale - sum / n);
        for (int i = 0; i < GR_BINS; i++) all += h.bin[i];
        assert_int_equal(h.n, n);
        assert_int_equal(all, n);
        assert_int_equal(h.zeros, zeros);
        assert_int_equal(h.nonfinite, N - n);
        assert_true(h.low == low && h.high == high);
        assert_true(fabs(h.mean - (double)(sum / n)) <= 1e-12 * fabs((double)(sum / n)));
        assert_true(fabs(gr__histogram_std(&h) - (double)sqrtl(squares / n)) <= 1e-8 * (double)sqrtl(squares / n));
    }
    free(x);
}

static void nothing_has_no_figures(void **state)
{
    (void)state;
    gr_histogram h;
    double x = NAN;
    gr__histogram_begin(&h);
    gr__histogram_add(&h, &x, 1, true, 1);
    assert_int_equal(h.n, 0);
    assert_int_equal(h.nonfinite, 1);
    assert_true(isnan(h.low) && isnan(h.high) && isnan(gr__histogram_std(&h)) && isnan(gr__histogram_rms(&h)));
}

/* Sums of even bins are the numbers, and each has about what a count over it has. */
static void drawn_bins_lose_nothing(void **state)
{
    (void)state;
    enum { EVEN = 30 };
    double *x = malloc(sizeof *x * N), out[EVEN], sum = 0, worst = 0;
    int64_t count[EVEN] = {0};
    gr_histogram h;
    gr__rng r = gr__rng_make(7, "test", 0, 0);
    for (int i = 0; i < N; i++) x[i] = i % 4 ? gr__rng_normal(&r) : 0;
    gr__histogram_begin(&h);
    gr__histogram_add(&h, x, N, true, 1);
    gr__histogram_even(&h, h.low, h.high, EVEN, out);
    for (int i = 0; i < N; i++) count[GR_MIN((int)((x[i] - h.low) / (h.high - h.low) * EVEN), EVEN - 1)]++;
    for (int k = 0; k < EVEN; k++) sum += out[k], worst = fmax(worst, fabs(out[k] - (double)count[k]));
    assert_true(fabs(sum - N) < 1e-6);
    assert_true(worst < 0.02 * N);
    x[0] = 2; /* a lone number, and numbers all alike */
    gr__histogram_begin(&h);
    gr__histogram_add(&h, x, 1, true, 1);
    gr__histogram_even(&h, 0, 4, 4, out);
    assert_true(out[2] == 1 && out[0] + out[1] + out[3] == 0);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_hold_what_they_say), cmocka_unit_test(moments_are_those_of_sums),
        cmocka_unit_test(nothing_has_no_figures), cmocka_unit_test(drawn_bins_lose_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
