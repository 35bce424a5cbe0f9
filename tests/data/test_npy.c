/* NPY and NPZ files, whole and hostile (SYS33). */
#include "arrays.h"

#include <math.h>

#define X "{type: npy, inputs: x.npy}"
#define XY "{type: npy, inputs: x.npy, targets: y.npy}"

static void all_types_are_read(void **state)
{
    (void)state;
    static const uint8_t u1[] = {0, 255};
    static const int8_t i1[] = {-3, 7};
    static const uint16_t u2[] = {3, 65535}, f2[] = {0x3E00, 0xC900}; /* 1.5, -10 */
    static const int16_t i2[] = {-3, 300};
    static const uint32_t u4[] = {3, 2147483647};
    static const int32_t i4[] = {-3, 70000};
    static const uint64_t u8[] = {3, UINT64_MAX};
    static const int64_t i8[] = {-3, -2147483648};
    static const float f4[] = {1.5f, -0.1f};
    static const double f8[] = {1.5, -0.1};
    static const struct {
        const char *descr;
        const void *data;
        size_t width;
        gr_element element;
        double first, second;
    } cases[] = {
        {"|u1", u1, 1, GR_EL_U8, 0, 255},
        {"|b1", i1 + 1, 1, GR_EL_U8, 7, 0},
        {"|i1", i1, 1, GR_EL_I32, -3, 7},
        {"<u2", u2, 2, GR_EL_I32, 3, 65535},
        {"<i2", i2, 2, GR_EL_I32, -3, 300},
        {"<u4", u4, 4, GR_EL_F32, 3, 2147483648.0},
        {"<i4", i4, 4, GR_EL_I32, -3, 70000},
        {"<u8", u8, 8, GR_EL_F32, 3, 18446744073709551616.0},
        {"<i8", i8, 8, GR_EL_F32, -3, -2147483648.0},
        {"<f2", f2, 2, GR_EL_F32, 1.5, -10},
        {"<f4", f4, 4, GR_EL_F32, 1.5, (double)-0.1f},
        {"<f8", f8, 8, GR_EL_F32, 1.5, (double)-0.1f},
        {"=f4", f4, 4, GR_EL_F32, 1.5, (double)-0.1f},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        for (int big = 0; big < 2; big++) {
            unsigned char raw[16];
            char descr[8];
            size_t w = cases[i].width, n = strcmp(cases[i].descr, "|b1") ? 2 : 1;
            for (size_t k = 0; k < n * w; k++)
                raw[k] = ((const unsigned char *)cases[i].data)[big ? k / w * w + w - 1 - k % w : k];
            snprintf(descr, sizeof descr, "%s", cases[i].descr);
            if (big && w == 1) continue;
            if (big) descr[0] = '>';
            put_npy("x.npy", literal_of(descr, false, n == 2 ? "(2,)" : "(1,)"), raw, n * w);
            gr_set s = load_as(&f, X, GR_TARGET_NONE, false);
            assert_int_equal(s.field[0].element, cases[i].element);
            double got[2] = {0};
            for (int k = 0; k < (int)n; k++)
                got[k] = s.field[0].element == GR_EL_U8    ? ((uint8_t *)s.field[0].data)[k]
                         : s.field[0].element == GR_EL_I32 ? ((int32_t *)s.field[0].data)[k]
                                                           : (double)((float *)s.field[0].data)[k];
            assert_true(got[0] == cases[i].first);
            assert_true(got[1] == cases[i].second);
            gr__set_free(f.ctx, &s);
        }
    }
    /* float64 stays so where the run is; half floats with their denormals. */
    put_npy("x.npy", literal_of("<f8", false, "(2,)"), f8, 16);
    gr_set s = load_as(&f, X, GR_TARGET_NONE, true);
    assert_int_equal(s.field[0].element, GR_EL_F64);
    assert_true(((double *)s.field[0].data)[1] == -0.1);
    gr__set_free(f.ctx, &s);
    static const uint16_t halves[] = {1, 0x8001, 0x0400, 0x7BFF, 0x3C01};
    put_npy("x.npy", literal_of("<f2", false, "(5,)"), halves, 10);
    s = load_as(&f, X, GR_TARGET_NONE, false);
    static const float wanted[] = {0x1p-24f, -0x1p-24f, 0x1p-14f, 65504, 1.0009765625f};
    assert_memory_equal(s.field[0].data, wanted, sizeof wanted);
    gr__set_free(f.ctx, &s);
}

/* What is prepared keeps the digits of its file, as far as float64 holds them. */
static void wide_numbers_keep_their_digits(void **state)
{
    (void)state;
    static const int64_t i8[] = {INT64_MIN, 1700000001, 9007199254740991};
    static const uint64_t u8[] = {UINT64_MAX, 1700000001, 9007199254740991};
    static const uint32_t u4[] = {UINT32_MAX, 1700000001, 16777217};
    static const int32_t i4[] = {INT32_MIN, 1700000001, 16777217};
    static const double f8[] = {-3e38, 1700000001, 0.1};
    static const struct {
        const char *descr;
        const void *data;
        size_t width;
        gr_element element;
        double wanted[3];
    } cases[] = {
        {"<i8", i8, 8, GR_EL_F64, {-9223372036854775808.0, 1700000001, 9007199254740991.0}},
        {"<u8", u8, 8, GR_EL_F64, {18446744073709551616.0, 1700000001, 9007199254740991.0}},
        {"<u4", u4, 4, GR_EL_F64, {4294967295.0, 1700000001, 16777217}},
        {"<i4", i4, 4, GR_EL_I32, {-2147483648.0, 1700000001, 16777217}},
        {"<f8", f8, 8, GR_EL_F64, {-3e38, 1700000001, 0.1}},
    };
    gr_source_options o = options_of(&f, GR_TARGET_NONE, false);
    o.exact = true;
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        put_npy("x.npy", literal_of(cases[i].descr, false, "(3,)"), cases[i].data, 3 * cases[i].width);
        gr_set s = load_with(&f, X, &o);
        assert_int_equal(s.field[0].element, cases[i].element);
        for (int k = 0; k < 3; k++)
            assert_true(gr__element_at(s.field[0].element, s.field[0].data, k) == cases[i].wanted[k]);
        gr__set_free(f.ctx, &s);
    }
    /* Beyond float32 nothing is kept, however it is held: the run could not compute with it. */
    static const double beyond[] = {1, 3.5e38, 2};
    gr_set s = {0};
    put_npy("x.npy", literal_of("<f8", false, "(3,)"), beyond, sizeof beyond);
    assert_int_equal(gr__set_load(f.ctx, yaml(&f, X), &o, &s), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "element [1] is 3.5e+38, which float32 cannot hold"));
    gr_context_clear_error(f.ctx);
}

/* A label out of range is named with the digits that it has, which a double may not. */
static void labels_out_of_range_are_named(void **state)
{
    (void)state;
    static const float x[] = {1, 2};
    static const int64_t far[] = {0, 9007199254740993}, below[] = {0, INT64_MIN}, close[] = {0, 16777216};
    static const uint64_t most[] = {0, UINT64_MAX};
    static const struct {
        const char *descr;
        const void *data;
        const char *words;
    } cases[] = {
        {"<i8", far, "the label of sample [1] is 9007199254740993, but classes are whole numbers from 0 to 16777215"},
        {"<i8", below, "is -9223372036854775808, but"},
        {"<i8", close, "is 16777216, but"},
        {"<u8", most, "is 18446744073709551615, but"},
    };
    put_npy("x.npy", literal_of("<f4", false, "(2,)"), x, sizeof x);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        put_npy("y.npy", literal_of(cases[i].descr, false, "(2,)"), cases[i].data, 16);
        refuse(&f, XY, GR_TARGET_CLASS, GR_E_DATA, cases[i].words);
    }
}

static void versions_and_orders_are_read(void **state)
{
    (void)state;
    unsigned char out[512];
    static const float x[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    for (int version = 1; version <= 3; version++) {
        put_file(&f, "x.npy", out, npy(out, version, literal_of("<f4", false, "(2, 3, 2)"), x, sizeof x));
        gr_set s = load_as(&f, X, GR_TARGET_NONE, false);
        assert_int_equal(s.n, 2);
        assert_int_equal(s.field[0].sample.rank, 2);
        assert_int_equal(s.field[0].sample.dim[0], 3);
        assert_memory_equal(s.field[0].data, x, sizeof x);
        gr__set_free(f.ctx, &s);
    }
    /* Fortran order: element [i,j,k] stands at i + 2 j + 6 k. */
    static const char *const types[] = {"<f4", "|u1"};
    for (int t = 0; t < 2; t++) {
        unsigned char bytes[12];
        for (int i = 0; i < 12; i++) bytes[i] = (unsigned char)x[i];
        put_npy("x.npy", literal_of(types[t], true, "(2, 3, 2)"), t ? (const void *)bytes : x,
                t ? sizeof bytes : sizeof x);
        gr_set s = load_as(&f, X, GR_TARGET_NONE, false);
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 3; j++)
                for (int k = 0; k < 2; k++) {
                    int at = (i * 3 + j) * 2 + k, wanted = i + 2 * j + 6 * k;
                    assert_int_equal(t ? ((uint8_t *)s.field[0].data)[at] : (int)((float *)s.field[0].data)[at],
                                     wanted);
                }
        gr__set_free(f.ctx, &s);
    }
    /* Large enough for several chunks of conversion. */
    enum { N = 3001 };
    static double big[N];
    static unsigned char file[N * 8 + 256];
    for (int i = 0; i < N; i++) big[i] = sin(i);
    put_file(&f, "x.npy", file, npy(file, 1, literal_of("<f8", false, "(3001, 1)"), big, sizeof big));
    gr_set s = load_as(&f, X, GR_TARGET_NONE, false);
    for (int i = 0; i < N; i++) assert_true(((float *)s.field[0].data)[i] == (float)big[i]);
    gr__set_free(f.ctx, &s);
}

static void targets_follow_type_and_cost(void **state)
{
    (void)state;
    static const float x[] = {1, 2, 3, 4};
    static const int64_t classes[] = {3, 0, 2, 1};
    static const double values[] = {0.5, 1, 2, 4};
    put_npy("x.npy", literal_of("<f4", false, "(2, 2)"), x, sizeof x);
    put_npy("y.npy", literal_of("<i8", false, "(2,)"), classes, 16);
    gr_set s = load_as(&f, XY, GR_TARGET_NONE, false);
    assert_int_equal(s.field[1].kind, GR_TARGET_CLASS);
    assert_int_equal(s.field[1].classes, 4);
    assert_int_equal(((int32_t *)s.field[1].data)[0], 3);
    gr__set_free(f.ctx, &s);
    put_npy("y.npy", literal_of("<i8", false, "(2, 2)"), classes, 32); /* a class a position */
    s = load_as(&f, XY, GR_TARGET_CLASS, false);
    assert_int_equal(s.field[1].sample.rank, 1);
    assert_int_equal(s.field[1].sample.dim[0], 2);
    gr__set_free(f.ctx, &s);
    put_npy("y.npy", literal_of("<f8", false, "(2, 2)"), values, 32);
    s = load_as(&f, XY, GR_TARGET_NONE, false);
    assert_int_equal(s.field[1].kind, GR_TARGET_VALUE);
    assert_true(((float *)s.field[1].data)[3] == 4);
    gr__set_free(f.ctx, &s);
    refuse(&f, XY, GR_TARGET_CLASS, GR_E_DATA, "the label of sample [0,0] is 0.5");
    put_npy("y.npy", literal_of("<f8", false, "(2,)"), values + 1,
            16); /* whole numbers as reals are classes where the cost wants them */
    s = load_as(&f, XY, GR_TARGET_CLASS, false);
    assert_int_equal(s.field[1].kind, GR_TARGET_CLASS);
    assert_int_equal(s.field[1].classes, 3);
    gr__set_free(f.ctx, &s);
}

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    static const float x[4] = {1, 2, 3, 4};
    static const struct {
        const char *literal;
        gr_status code;
        const char *words;
    } cases[] = {
        {"", GR_E_FORMAT, "not one that NumPy writes"},
        {"[]", GR_E_FORMAT, "not one that NumPy writes"},
        {"{", GR_E_FORMAT, "not one that NumPy writes"},
        {"{}", GR_E_FORMAT, "not one that NumPy writes"},
        {"{'descr': '<f4'", GR_E_FORMAT, "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': False}", GR_E_FORMAT, "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (4,)}", GR_E_FORMAT, "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': 4}", GR_E_FORMAT, "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4)}", GR_E_FORMAT, "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4,", GR_E_FORMAT, "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}", GR_E_FORMAT, "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", GR_E_FORMAT,
         "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'more': 1}", GR_E_FORMAT,
         "not one that NumPy writes"},
        {"{'descr': '<f4444444444444444', 'fortran_order': False, 'shape': (4,)}", GR_E_FORMAT,
         "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", GR_E_FORMAT,
         "more values than there can be"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,)}", GR_E_FORMAT,
         "not one that NumPy writes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 1)}", GR_E_FORMAT, "4294967295 samples"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 4)}", GR_E_FORMAT,
         "more than 7 axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': ()}", GR_E_FORMAT, "single number"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4)}", GR_E_DATA, "no samples"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4, 0)}", GR_E_DATA, "without a value"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (5,)}", GR_E_FORMAT, "promises"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", GR_E_FORMAT, "promises"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (4,)}", GR_E_FORMAT, "pickle"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}", GR_E_FORMAT, "'<c8'"},
        {"{'descr': '<U2', 'fortran_order': False, 'shape': (2,)}", GR_E_FORMAT, "'<U2'"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", GR_E_FORMAT, "'<f16'"},
        {"{'descr': 'f4', 'fortran_order': False, 'shape': (4,)}", GR_E_FORMAT, "'f4'"},
        {"{'descr': '', 'fortran_order': False, 'shape': (4,)}", GR_E_FORMAT, "''"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,)}", GR_E_FORMAT, "records"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        put_npy("x.npy", cases[i].literal, x, sizeof x);
        refuse(&f, X, GR_TARGET_NONE, cases[i].code, cases[i].words);
    }
    unsigned char out[256];
    size_t n = npy(out, 1, literal_of("<f4", false, "(4,)"), x, sizeof x);
    for (size_t cut = 0; cut < n; cut++) {
        put_file(&f, "x.npy", out, cut);
        refuse(&f, X, GR_TARGET_NONE, GR_E_FORMAT, "x.npy");
    }
    static const struct {
        size_t at;
        unsigned char value;
        const char *words;
    } bytes[] = {
        {0, 'N', "not NPY"}, {5, 'y', "not NPY"},          {6, 0, "version 0"}, {6, 4, "version 4"},
        {9, 255, "header"},  {8, 0, "not one that NumPy"}, {8, 255, "header"},
    };
    for (size_t i = 0; i < GR_COUNT(bytes); i++) {
        n = npy(out, 1, literal_of("<f4", false, "(4,)"), x, sizeof x);
        out[bytes[i].at] = bytes[i].value;
        put_file(&f, "x.npy", out, n);
        refuse(&f, X, GR_TARGET_NONE, GR_E_FORMAT, bytes[i].words);
    }
    n = npy(out, 2, literal_of("<f4", false, "(4,)"), x, sizeof x);
    out[11] = 255;
    put_file(&f, "x.npy", out, n);
    refuse(&f, X, GR_TARGET_NONE, GR_E_FORMAT, "header");
}

static void hostile_values_are_refused(void **state)
{
    (void)state;
    static const float x[] = {1, 2, 3, (float)NAN}, y[] = {1, 2};
    static const double wide[] = {1, 1e300};
    static const int64_t labels[] = {0, -1}, three[] = {0, 1, 2};
    put_npy("x.npy", literal_of("<f4", false, "(2, 2)"), x, sizeof x);
    refuse(&f, X, GR_TARGET_NONE, GR_E_DATA, "element [1,1] is nan");
    put_npy("x.npy", literal_of("<f4", true, "(2, 2)"), x, sizeof x);
    refuse(&f, X, GR_TARGET_NONE, GR_E_DATA, "element [1,1] is nan");
    static float many[1000];
    static unsigned char file[4300];
    many[777] = -(float)INFINITY;
    put_file(&f, "x.npy", file, npy(file, 1, literal_of("<f4", false, "(10, 100)"), many, sizeof many));
    refuse(&f, X, GR_TARGET_NONE, GR_E_DATA, "element [7,77] is -inf");
    put_npy("x.npy", literal_of("<f8", false, "(2,)"), wide, sizeof wide);
    refuse(&f, X, GR_TARGET_NONE, GR_E_DATA, "1e+300");
    put_npy("x.npy", literal_of("<f4", false, "(2,)"), y, sizeof y);
    put_npy("y.npy", literal_of("<i8", false, "(2,)"), labels, sizeof labels);
    refuse(&f, XY, GR_TARGET_CLASS, GR_E_DATA, "the label of sample [1] is -1");
    put_npy("y.npy", literal_of("<i8", false, "(3,)"), three, sizeof three);
    refuse(&f, XY, GR_TARGET_CLASS, GR_E_DATA, "holds 2 samples");
}

/* ---- NPZ ---- */

static size_t make_npz(zip *z, bool deflate)
{
    static const float x[] = {1, 2, 3, 4, 5, 6};
    static const int32_t y[] = {1, 0, 1};
    unsigned char file[512];
    *z = (zip){0};
    zip_add(z, "x.npy", file, npy(file, 1, literal_of("<f4", false, "(3, 2)"), x, sizeof x), deflate);
    zip_add(z, "labels.npy", file, npy(file, 1, literal_of("<i4", false, "(3,)"), y, sizeof y), deflate);
    zip_add(z, "scalar.npy", file, npy(file, 1, literal_of("<i4", false, "()"), y, 4), deflate);
    return zip_end(z);
}

#define Z "{type: npz, file: f.npz, inputs: x, targets: labels}"

static void archives_are_read(void **state)
{
    (void)state;
    static zip z;
    for (int deflate = 0; deflate < 2; deflate++) {
        put_file(&f, "f.npz", z.bytes, make_npz(&z, deflate));
        gr_set s = load_as(&f, Z, GR_TARGET_CLASS, false);
        assert_int_equal(s.n, 3);
        assert_true(((float *)s.field[0].data)[5] == 6);
        assert_int_equal(((int32_t *)s.field[1].data)[2], 1);
        assert_int_equal(s.field[1].classes, 2);
        gr__set_free(f.ctx, &s);
    }
    starve(&f, Z, GR_TARGET_CLASS);
}

static void hostile_archives_are_refused(void **state)
{
    (void)state;
    static zip z;
    size_t n = make_npz(&z, true);
    put_file(&f, "f.npz", z.bytes, n);
    refuse(&f, "{type: npz, file: f.npz, inputs: y}", GR_TARGET_NONE, GR_E_DATA, "has no array \"y\"");
    refuse(&f, "{type: npz, file: f.npz, inputs: scalar}", GR_TARGET_NONE, GR_E_FORMAT, "single number");
    refuse(&f, "{type: npz, file: g.npz, inputs: x}", GR_TARGET_NONE, GR_E_FILE, "g.npz");
    for (size_t cut = 0; cut < n; cut++) {
        put_file(&f, "f.npz", z.bytes, cut);
        refuse(&f, Z, GR_TARGET_CLASS, GR_E_FORMAT, "f.npz");
    }
    /* Every byte spoiled in turn: an error or the same values, never anything else. */
    for (int deflate = 0; deflate < 2; deflate++) {
        n = make_npz(&z, deflate);
        for (size_t at = 0; at < n; at++) {
            z.bytes[at] ^= 0x5A;
            put_file(&f, "f.npz", z.bytes, n);
            gr_set s = {0};
            gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
            gr_status st = gr__set_load(f.ctx, yaml(&f, Z), &o, &s);
            if (st == GR_OK) {
                assert_true(((float *)s.field[0].data)[5] == 6);
                assert_int_equal(((int32_t *)s.field[1].data)[2], 1);
                gr__set_free(f.ctx, &s);
            } else {
                assert_true(st == GR_E_FORMAT || st == GR_E_DATA);
                gr_context_clear_error(f.ctx);
            }
            z.bytes[at] ^= 0x5A;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_types_are_read, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(wide_numbers_keep_their_digits, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(labels_out_of_range_are_named, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(versions_and_orders_are_read, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(targets_follow_type_and_cost, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(hostile_headers_are_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(hostile_values_are_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(archives_are_read, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(hostile_archives_are_refused, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
