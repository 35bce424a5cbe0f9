/* Synthetic problems: what each promises, the same rows for any n and any precision. */
#include "files.h"

#include <math.h>

static void problems_are_what_they_say(void **state)
{
    (void)state;
    gr_set s = load_as(&f, "{type: synthetic, kind: xor, n: 8, noise: 0}", GR_TARGET_CLASS, false);
    for (int i = 0; i < 8; i++) {
        const float *x = (const float *)s.field[0].data + 2 * i;
        assert_int_equal(((int32_t *)s.field[1].data)[i], (x[0] != 0) ^ (x[1] != 0));
    }
    assert_int_equal(s.field[1].classes, 2);
    gr__set_free(f.ctx, &s);

    s = load_as(&f, "{type: synthetic, kind: copy, n: 50, classes: 5, features: 3}", GR_TARGET_CLASS, false);
    assert_int_equal(s.field[0].element, GR_EL_I32);
    assert_int_equal(s.field[0].sample.dim[0], 6);
    assert_int_equal(s.field[1].sample.dim[0], 6);
    for (int i = 0; i < 50; i++) {
        const int32_t *x = (const int32_t *)s.field[0].data + 6 * i, *y = (const int32_t *)s.field[1].data + 6 * i;
        for (int k = 0; k < 3; k++) {
            assert_in_range(x[k], 1, 4);
            assert_int_equal(x[k + 3], 0);
            assert_int_equal(y[k], 0);
            assert_int_equal(y[k + 3], x[k]);
        }
    }
    gr__set_free(f.ctx, &s);

    s = load_as(&f, "{type: synthetic, kind: latch, n: 90, classes: 3, features: 5}", GR_TARGET_CLASS, false);
    int seen[3] = {0};
    assert_int_equal(s.field[0].element, GR_EL_I32);
    assert_int_equal(s.field[0].sample.dim[0], 5);
    assert_int_equal(s.field[1].sample.rank, 0);
    for (int i = 0; i < 90; i++) {
        const int32_t *t = (const int32_t *)s.field[0].data + 5 * i;
        assert_in_range(t[0], 0, 2);
        assert_int_equal(((int32_t *)s.field[1].data)[i], t[0]);
        for (int k = 1; k < 5; k++) assert_in_range(t[k], 3, 5);
        seen[t[0]]++;
    }
    for (int k = 0; k < 3; k++) assert_in_range(seen[k], 15, 45);
    gr__set_free(f.ctx, &s);

    s = load_as(&f, "{type: synthetic, kind: regression, n: 50, features: 2, noise: 0}", GR_TARGET_VALUE, true);
    const double *x = s.field[0].data, *y = s.field[1].data; /* four rows of a plane determine every other */
    for (int i = 3; i < 50; i++) {
        double a = x[2] - x[0], b = x[3] - x[1], c = x[4] - x[0], d = x[5] - x[1], e = x[2 * i] - x[0],
               g = x[2 * i + 1] - x[1], det = a * d - b * c;
        double u = (e * d - g * c) / det, v = (a * g - b * e) / det;
        assert_true(fabs(y[i] - (y[0] + u * (y[1] - y[0]) + v * (y[2] - y[0]))) < 1e-9);
    }
    gr__set_free(f.ctx, &s);

    s = load_as(&f, "{type: synthetic, kind: digits, n: 200, noise: 0}", GR_TARGET_CLASS, false);
    assert_int_equal(s.field[0].element, GR_EL_U8);
    assert_int_equal(s.field[0].sample.rank, 3);
    assert_int_equal(s.field[0].sample.dim[0], 16);
    assert_int_equal(s.field[1].classes, 10);
    for (int i = 0; i < 200; i++) {
        const uint8_t *p = (const uint8_t *)s.field[0].data + 256 * i;
        int ink = 0, edge = 0;
        for (int k = 0; k < 256; k++) ink += p[k] > 100;
        for (int k = 0; k < 16; k++) edge += (p[k] > 100) + (p[240 + k] > 100);
        assert_in_range(ink, 10, 150); /* neither blank nor full, and within the picture */
        assert_true(edge <= 8);
        assert_int_equal(((int32_t *)s.field[1].data)[i], i % 10);
    }
    gr__set_free(f.ctx, &s);
}

static void rows_do_not_depend_on_n(void **state)
{
    (void)state;
    static const char *const kinds[] = {"xor", "spirals", "blobs", "moons", "regression", "copy", "latch", "digits"};
    for (size_t i = 0; i < GR_COUNT(kinds); i++) {
        char few[100], many[100], other[100];
        snprintf(few, sizeof few, "{type: synthetic, kind: %s, n: 20}", kinds[i]);
        snprintf(many, sizeof many, "{type: synthetic, kind: %s, n: 200}", kinds[i]);
        snprintf(other, sizeof other, "{type: synthetic, kind: %s, n: 20, seed: 2}", kinds[i]);
        gr_target_kind want = strcmp(kinds[i], "regression") ? GR_TARGET_CLASS : GR_TARGET_VALUE;
        gr_set a = load_as(&f, few, want, false), b = load_as(&f, many, want, false),
               c = load_as(&f, other, want, false);
        assert_memory_equal(a.field[0].data, b.field[0].data, a.field[0].bytes);
        assert_memory_equal(a.field[1].data, b.field[1].data, a.field[1].bytes);
        assert_memory_not_equal(a.field[0].data, c.field[0].data, a.field[0].bytes);
        gr_set d =
            load_as(&f, few, GR_TARGET_VALUE,
                    true); /* float64: the same numbers, unrounded; classes as values where the cost wants them */
        if (d.field[0].element == GR_EL_F64)
            for (int64_t k = 0; k < 20 * d.field[0].sample.dim[0]; k++)
                assert_true((float)((double *)d.field[0].data)[k] == ((float *)a.field[0].data)[k]);
        assert_int_equal(d.field[1].kind, GR_TARGET_VALUE);
        if (want == GR_TARGET_CLASS)
            for (int k = 0; k < 20; k++) assert_true(((double *)d.field[1].data)[k] == ((int32_t *)a.field[1].data)[k]);
        gr__set_free(f.ctx, &a);
        gr__set_free(f.ctx, &b);
        gr__set_free(f.ctx, &c);
        gr__set_free(f.ctx, &d);
    }
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    refuse(&f, "{type: synthetic}", GR_TARGET_CLASS, GR_E_MISSING, "kind");
    refuse(&f, "{type: synthetic, kind: spiral}", GR_TARGET_CLASS, GR_E_NAME, "spiral");
    refuse(&f, "{type: synthetic, kind: xor, n: 0}", GR_TARGET_CLASS, GR_E_RANGE, "[1, 100000000]");
    refuse(&f, "{type: synthetic, kind: xor, classes: 3}", GR_TARGET_CLASS, GR_E_CONFLICT, "classes");
    refuse(&f, "{type: synthetic, kind: moons, features: 3}", GR_TARGET_CLASS, GR_E_CONFLICT, "features");
    refuse(&f, "{type: synthetic, kind: blobs, size: 20}", GR_TARGET_CLASS, GR_E_CONFLICT, "size");
    refuse(&f, "{type: synthetic, kind: copy, noise: 1}", GR_TARGET_CLASS, GR_E_CONFLICT, "noise");
    refuse(&f, "{type: synthetic, kind: latch, noise: 1}", GR_TARGET_CLASS, GR_E_CONFLICT, "noise");
    refuse(&f, "{type: synthetic, kind: digits, classes: 11}", GR_TARGET_CLASS, GR_E_RANGE, "11");
    refuse(&f, "{type: synthetic, kind: regression}", GR_TARGET_CLASS, GR_E_CONFLICT, "values");
    starve(&f, "{type: synthetic, kind: blobs, n: 10}", GR_TARGET_CLASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(problems_are_what_they_say, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(rows_do_not_depend_on_n, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(wrong_settings_are_refused, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
