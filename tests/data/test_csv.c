/* CSV tables, whole and hostile (SYS33). */
#include "files.h"

#include <math.h>

#include "data/table/csv.h"

static gr_set load(const char *text, const char *more, gr_target_kind want)
{
    char source[300];
    put_text(&f, "t.csv", text);
    snprintf(source, sizeof source, "{type: csv, file: t.csv%s%s}", more[0] ? ", " : "", more);
    return load_as(&f, source, want, false);
}

static void check_inputs(const gr_set *s, int64_t n, int64_t width, const float *wanted)
{
    assert_int_equal(s->n, n);
    assert_int_equal(s->field[0].sample.rank, 1);
    assert_int_equal(s->field[0].sample.dim[0], width);
    assert_int_equal(s->field[0].element, GR_EL_F32);
    for (int64_t i = 0; i < n * width; i++) assert_true(((float *)s->field[0].data)[i] == wanted[i]);
}

static void check_classes(const gr_set *s, const int32_t *wanted)
{
    assert_int_equal(s->field[1].kind, GR_TARGET_CLASS);
    for (int64_t i = 0; i < s->n; i++) assert_int_equal(((int32_t *)s->field[1].data)[i], wanted[i]);
}

static void tables_are_read(void **state)
{
    (void)state;
    static const float x[] = {1, 2, 3.5f, -4e-3f};
    static const int32_t y[] = {1, 0};
    /* One table in many dresses: line ends, quotes, blanks, blank lines, a byte order mark, no last line end. */
    static const char *const same[] = {
        "a,b,y\n1,2,1\n3.5,-4e-3,0\n",
        "a,b,y\r\n1,2,1\r\n3.5,-4e-3,0\r\n",
        "a,b,y\r1,2,1\r3.5,-4e-3,0",
        ("\xEF\xBB\xBF"
         "a,b,y\n1,2,1\n3.5,-4e-3,0"),
        "\"a\",\"b\",\"y\"\n\"1\",\"2\",\"1\"\n3.5, \"-4e-3\" ,0\n",
        "a, b ,y\n 1 , 2,1\n+3.5,-0.004 ,0\n",
        "\n\na,b,y\n\n1,2,1\n\n\n3.5,-.4e-2,0\n\n",
        "a;b;y\n1;2;1\n3.5;-4e-3;0\n",
        "a\tb\ty\n1\t2\t1\n3.5\t-4e-3\t0\n",
        "a|b|y\n1|2|1\n3.5|-4E-03|0\n",
        "a b  y\n 1  2 1\n3.5\t-4e-3 0 \n",
    };
    for (size_t i = 0; i < GR_COUNT(same); i++) {
        gr_set s = load(same[i], "target: y", GR_TARGET_CLASS);
        check_inputs(&s, 2, 2, x);
        check_classes(&s, y);
        assert_int_equal(s.field[1].classes, 2);
        gr__set_free(f.ctx, &s);
    }
    unsigned char packed[256];
    size_t n = pack_gzip(same[0], strlen(same[0]), packed, sizeof packed);
    put_file(&f, "t.csv", packed, n);
    gr_set s = load_as(&f, "{type: csv, file: t.csv, target: y}", GR_TARGET_CLASS, false);
    check_inputs(&s, 2, 2, x);
    gr__set_free(f.ctx, &s);
    s = load("1,2,1\n3.5,-4e-3,0\n", "target: 2", GR_TARGET_CLASS); /* no header, by index */
    check_inputs(&s, 2, 2, x);
    check_classes(&s, y);
    gr__set_free(f.ctx, &s);
    s = load("y,b,a\n1,2,1\n0,-4e-3,3.5\n", "target: 0, columns: [a, 1]", GR_TARGET_VALUE);
    check_inputs(&s, 2, 2, x);
    assert_int_equal(s.field[1].kind, GR_TARGET_VALUE);
    assert_true(((float *)s.field[1].data)[0] == 1);
    gr__set_free(f.ctx, &s);
    s = load("1,2\n3.5,-4e-3\n", "", GR_TARGET_VALUE);
    check_inputs(&s, 2, 2, x);
    assert_int_equal(s.field[1].kind, GR_TARGET_NONE);
    gr__set_free(f.ctx, &s);
}

static void headers_are_told_from_data(void **state)
{
    (void)state;
    static const struct {
        const char *text, *more;
        int64_t n;
    } cases[] = {
        {"1,2\n3,4\n", "", 2},
        {"a,b\n3,4\n", "", 1},
        {"1,2\n3,4\n", "header: true", 1},
        {"5.1,3.5,setosa\n4.9,3.0,virginica\n", "target: 2, header: false", 2},
        {"country,2001,2002\nx,1,2\n", "target: country, header: true", 1},
        {"NA,2\n1,3\n4,5\n", "missing: [NA]", 3},
        {"NA,?\n1,3\n", "missing: [NA, ?]", 2}, /* what may miss is no name */
        {",b\n1,3\n", "", 1},                   /* a name may be empty */
        {"1,NA\n3,4\n", "missing: [NA]", 2},
        {"a,b\nNA,4\n1,2\n", "missing: [NA]", 2},
        {"inf_,b\n1,2\n", "", 1},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_set s = load(cases[i].text, cases[i].more, GR_TARGET_NONE);
        if (s.n != cases[i].n) fail_msg("%s: %lld rows", cases[i].text, (long long)s.n);
        gr__set_free(f.ctx, &s);
    }
    gr_set s = load("a,b\nx,y\nz,y\n", "target: b, columns: [0], header: true, missing: [x, z]", GR_TARGET_NONE);
    assert_int_equal(s.n, 2);
    gr__set_free(f.ctx, &s);
}

static void text_labels_become_classes_in_sorted_order(void **state)
{
    (void)state;
    static const int32_t y[] = {2, 0, 1, 2, 0}, known[] = {0, 1};
    gr_set s = load("x,kind\n1,wolf\n2,cat\n3,\"say \"\"dog\"\"\"\n4,wolf\n5, cat \n", "target: kind", GR_TARGET_CLASS);
    check_classes(&s, y);
    assert_int_equal(s.field[1].classes, 3);
    assert_string_equal(s.field[1].class_names[0], "cat");
    assert_string_equal(s.field[1].class_names[1], "say \"dog\"");
    assert_string_equal(s.field[1].class_names[2], "wolf");
    gr__set_free(f.ctx, &s);

    /* Other data takes the numbers of training's names. */
    static const char *const names[] = {"wolf", "cat", "say \"dog\""};
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    const gr_schema classes = {.target = {{.class_names = names, .n_class_names = 3}}, .n_targets = 1};
    o.schema = &classes;
    put_text(&f, "t.csv", "x,kind\n1,wolf\n2,cat\n");
    s = load_with(&f, "{type: csv, file: t.csv, target: kind}", &o);
    check_classes(&s, known);
    assert_int_equal(s.field[1].classes, 3);
    gr__set_free(f.ctx, &s);
    put_text(&f, "t.csv", "x,kind\n1,wolf\n2,cow\n");
    assert_int_equal(gr__set_load(f.ctx, yaml(&f, "{type: csv, file: t.csv, target: kind}"), &o, &s), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "\"cow\" is none of the classes"));
    gr_context_clear_error(f.ctx);

    /* Many different ones: the table of texts grows. */
    static char text[200000];
    size_t n = (size_t)sprintf(text, "x,kind\n");
    for (int i = 0; i < 5000; i++) n += (size_t)sprintf(text + n, "%d,k%04d\n", i, (i * 7919) % 5000);
    s = load(text, "target: kind", GR_TARGET_CLASS);
    assert_int_equal(s.field[1].classes, 5000);
    for (int i = 0; i < 5000; i++) assert_int_equal(((int32_t *)s.field[1].data)[i], (i * 7919) % 5000);
    gr__set_free(f.ctx, &s);
}

static void declared_missing_values_are_nan(void **state)
{
    (void)state;
    gr_set s;
    gr__csv_options o = {.fields = {.n_targets = 1}};
    o.fields.entry[0] =
        (gr__entry){.name = GR_LONE_TARGET, .role = GR_FIELD_TARGET, .want = GR_TARGET_CLASS, .text = "y"};
    gr_tree *missing = gr__tree_list(f.b);
    gr__tree_push(f.b, missing, gr__tree_text(f.b, ""));
    gr__tree_push(f.b, missing, gr__tree_text(f.b, "NA"));
    o.missing = missing;
    static const char text[] = "a,b,y\n1,,0\nNA,4,1\n";
    gr__blob blob;
    gr__blob_memory(f.ctx, "t", text, strlen(text), &blob);
    test_ok(f.ctx, gr__csv_load(&blob, &o, &s));
    const double *x = s.field[0].data; /* they will be prepared */
    assert_int_equal(s.field[0].element, GR_EL_F64);
    assert_true(x[0] == 1 && isnan(x[1]) && isnan(x[2]) && x[3] == 4);
    assert_true(s.field[0].missing);
    gr__set_free(f.ctx, &s);
}

/* What is prepared keeps the digits of its file; targets are what they always are. */
static void prepared_columns_keep_their_digits(void **state)
{
    (void)state;
    gr_source_options o = options_of(&f, GR_TARGET_VALUE, false);
    o.exact = true;
    put_text(&f, "t.csv", "t,y\n1700000001,0.1\n0.1,16777217\n");
    gr_set s = load_with(&f, "{type: csv, file: t.csv, target: y}", &o);
    assert_int_equal(s.field[0].element, GR_EL_F64);
    assert_int_equal(s.field[1].element, GR_EL_F32);
    assert_true(((double *)s.field[0].data)[0] == 1700000001.0 && ((double *)s.field[0].data)[1] == 0.1);
    assert_true(((float *)s.field[1].data)[0] == 0.1f);
    gr__set_free(f.ctx, &s);
    put_text(&f, "t.csv", "t,y\n1,2\n1e39,1\n");
    assert_int_equal(gr__set_load(f.ctx, yaml(&f, "{type: csv, file: t.csv, target: y}"), &o, &s), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "beyond float32"));
    gr_context_clear_error(f.ctx);
}

static void numbers_are_rounded_correctly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double wanted;
    } cases[] = {
        {"0", 0},
        {"-0", -0.0},
        {"007", 7},
        {"0.1", 0.1},
        {"123456789012345678", 123456789012345678.0},
        {"12345678901234567890123", 12345678901234567890123.0},
        {"9007199254740993", 9007199254740993.0},
        {"1e22", 1e22},
        {"1e23", 1e23},
        {"1e-22", 1e-22},
        {"1.7976931348623157e308", 1.7976931348623157e308},
        {"4.9e-324", 4.9e-324},
        {"1e-400", 0},
        {"0.3000000000000000166", 0.3},
        {"2.2250738585072011e-308", 2.2250738585072011e-308},
        {"+5.", 5},
        {".5", .5},
        {"1E+2", 100},
        {"0.000000000000000000000000000001", 1e-30},
        {"100000000000000000000000", 1e23},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr__cell field = {.s = cases[i].text, .n = strlen(cases[i].text)};
        double x;
        assert_true(gr__cell_number(&field, &x));
        if (x != cases[i].wanted) fail_msg("%s reads as %.17g", cases[i].text, x);
        assert_int_equal(signbit(x), signbit(cases[i].wanted));
    }
    static const char *const wrong[] = {"",     "-",     "+",   ".",   "e5",  "1e",   "1e+", "1.2.3", "1,5",
                                        "0x10", "1/255", "1 2", "--1", "abc", "nano", "in",  "1f",    "1_000"};
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        gr__cell field = {.s = wrong[i], .n = strlen(wrong[i])};
        double x;
        if (gr__cell_number(&field, &x)) fail_msg("\"%s\" is taken for %g", wrong[i], x);
    }
    static const char *const special[] = {"nan", "NaN", "-inf", "Infinity", "1e999", "-1e400"};
    for (size_t i = 0; i < GR_COUNT(special); i++) {
        gr__cell field = {.s = special[i], .n = strlen(special[i])};
        double x;
        assert_true(gr__cell_number(&field, &x));
        assert_false(isfinite(x));
    }
}

static void hostile_tables_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *more;
        gr_target_kind want;
        gr_status code;
        const char *words;
    } cases[] = {
        {"", "", GR_TARGET_NONE, GR_E_DATA, "is empty"},
        {"\n\r\n\n", "", GR_TARGET_NONE, GR_E_DATA, "no records"},
        {"a,b\n", "", GR_TARGET_NONE, GR_E_DATA, "only a header"},
        {"a,b,y\n1,2,0\n3,4\n", "target: y", GR_TARGET_CLASS, GR_E_FORMAT,
         "line 3 has 2 fields, but the first record has 3"},
        {"a,b\n1,2\n3,4,5\n", "", GR_TARGET_NONE, GR_E_FORMAT, "line 3 has 3 fields"},
        {"a,b\n1,\"2\n3,4\n", "", GR_TARGET_NONE, GR_E_FORMAT, "line 2 is never closed"},
        {"a,b\n1,\"2\"x\n3,4\n", "", GR_TARGET_NONE, GR_E_FORMAT, "closing quote in line 2"},
        {"a,b,y\n1,nan,0\n3,4,1\n", "target: y", GR_TARGET_CLASS, GR_E_DATA,
         "line 2, column 2 (b): \"nan\" is not finite"},
        {"a,b,y\n1,2,0\n3,-inf,1\n", "target: y", GR_TARGET_CLASS, GR_E_DATA,
         "line 3, column 2 (b): \"-inf\" is not finite"},
        {"a,b,y\n1,1e999,0\n3,4,1\n", "target: y", GR_TARGET_CLASS, GR_E_DATA, "is not finite"},
        {"a,b,y\n1,1e300,0\n3,4,1\n", "target: y", GR_TARGET_CLASS, GR_E_DATA, "float32"},
        {"a,b,y\n1,,0\n3,4,1\n", "target: y", GR_TARGET_CLASS, GR_E_DATA, "line 2, column 2 (b): the field is empty"},
        {"a,b,y\n1,NA,0\n3,4,1\n", "target: y", GR_TARGET_CLASS, GR_E_DATA, "\"NA\" is not a number"},
        {"a,b,y\n1,NA,0\n3,?,1\n", "target: y, missing: NA", GR_TARGET_CLASS, GR_E_DATA,
         "line 3, column 2 (b): \"?\" is not a number"},
        {"1,2,0\n3,x4,1\n", "target: 2", GR_TARGET_CLASS, GR_E_DATA, "line 2, column 2: \"x4\" is not a number"},
        {"a,b,y\n1,2,0\n3,4,99999999\n", "target: y", GR_TARGET_CLASS, GR_E_DATA, "is not a class"},
        {"a,b,y\n1,2,0\n3,4,\n", "target: y", GR_TARGET_CLASS, GR_E_DATA, "the field is empty"},
        {"a,b,y\n1,2,cat\n3,4,\n", "target: y", GR_TARGET_CLASS, GR_E_DATA, "is missing"},
        {"a,b,y\n1,2,NA\n3,4,1\n", "target: y, missing: NA", GR_TARGET_CLASS, GR_E_DATA, "is missing"},
        {"a,b,y\n1,2,cat\n3,4,1\n", "target: y", GR_TARGET_VALUE, GR_E_DATA, "\"cat\" is not a number"},
        {"a,b,z\n1,2,0\n3,4,1\n", "target: y", GR_TARGET_CLASS, GR_E_DATA, "no column \"y\""},
        {"a,b,z\n1,2,0\n3,4,1\n", "target: 3", GR_TARGET_CLASS, GR_E_DATA, "no column \"3\""},
        {"1,2,0\n3,4,1\n", "target: y", GR_TARGET_CLASS, GR_E_DATA, "no column \"y\""},
        {"1,2,0\n3,4,1\n", "target: 02", GR_TARGET_CLASS, GR_E_DATA, "no column \"02\""},
        {"a,b\n1,2\n", "columns: [a, c]", GR_TARGET_NONE, GR_E_DATA, "no column \"c\""},
        {"a,b\n1,2\n", "columns: [a, 0]", GR_TARGET_NONE, GR_E_DATA, "named twice"},
        {"a,b\n1,2\n", "columns: [a, b], target: b", GR_TARGET_VALUE, GR_E_DATA, "is the target"},
        {"a\n1\n2\n", "target: a", GR_TARGET_VALUE, GR_E_DATA, "no column left"},
        {"a,b\n1,2\n", "columns: []", GR_TARGET_NONE, GR_E_DATA, "no column left"},
        {"a,b\n1,2\n", "columns: a", GR_TARGET_NONE, GR_E_TYPE, "columns are a list"},
        {"a,b\n1,2\n", "columns: [[a]]", GR_TARGET_NONE, GR_E_TYPE, "a list is not a name"},
        {"a,b\n1,2\n", "missing: {a: b}", GR_TARGET_NONE, GR_E_TYPE, "a map is not a text"},
        {"a,b\n1,2\n", "delimiter: xx", GR_TARGET_NONE, GR_E_RANGE, "is not a delimiter"},
        {"a,b\n1,2\n", "header: maybe", GR_TARGET_NONE, GR_E_NAME, "auto, true, false"},
        {"a,b\n1,2\n", "delimiter: ;", GR_TARGET_NONE, GR_E_DATA, "\"1,2\" is not a number"},
        {"\x89PNG\r\n\x1a\nxxxx", "header: false", GR_TARGET_NONE, GR_E_FORMAT, "is a picture, not a table of text"},
        {"\x89QNG\r\n\x1a\nxxxx", "header: false", GR_TARGET_NONE, GR_E_DATA,
         "line 1, column 1: the byte 0x89 is not UTF-8"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        char source[300];
        put_text(&f, "t.csv", cases[i].text);
        snprintf(source, sizeof source, "{type: csv, file: t.csv%s%s}", cases[i].more[0] ? ", " : "", cases[i].more);
        refuse(&f, source, cases[i].want, cases[i].code, cases[i].words);
    }
    refuse(&f, "{type: csv, file: missing.csv}", GR_TARGET_NONE, GR_E_FILE, "missing.csv");
    put_file(&f, "t.csv",
             "1,2\n3,\0"
             "4\n",
             9);
    refuse(&f, "{type: csv, file: t.csv}", GR_TARGET_NONE, GR_E_DATA, "line 2, column 2: a NUL byte");
    put_file(&f, "t.csv", "\x1F\x8B\x08\0\0\0\0\0\0\3xxxxxxxxxxxxxxxx", 26); /* called gzip, and is none */
    refuse(&f, "{type: csv, file: t.csv}", GR_TARGET_NONE, GR_E_FORMAT, "gzip");
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    put_text(&f, "t.csv", "x,kind\n1,wolf\n2,cat\n3,\"say \"\"dog\"\"\"\n4,wolf\n5, cat \n");
    starve(&f, "{type: csv, file: t.csv, target: kind}", GR_TARGET_CLASS);
}

static gr_set raw(const char *file, gr_shape sample)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f.folder, file);
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    gr_set s = {0};
    test_ok(f.ctx, gr__set_raw(f.ctx, path, &sample, NULL, &o, &s));
    assert_int_equal(s.field[1].kind, GR_TARGET_NONE);
    return s;
}

static void raw_input_is_read(void **state)
{
    (void)state;
    static const float x[] = {1, 2, 3, 4};
    static const char *const texts[] = {"a,b\n1,2\n3,4\n", "1,2\n3,4\n"};
    gr_set s;
    for (size_t i = 0; i < GR_COUNT(texts); i++) {
        put_text(&f, "t.csv", texts[i]);
        s = raw("t.csv", GR_SHAPE(2));
        check_inputs(&s, 2, 2, x);
        assert_false(s.one);
        gr__set_free(f.ctx, &s);
    }

    static const unsigned char idx[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    put_file(&f, "i", idx, sizeof idx);
    s = raw("i", GR_SHAPE(2, 3, 1)); /* one sample */
    assert_int_equal(s.n, 1);
    assert_true(s.one);
    gr__set_free(f.ctx, &s);
    s = raw("i", GR_SHAPE(3)); /* two */
    assert_int_equal(s.n, 2);
    assert_memory_equal(s.field[0].data, idx + 12, 6);
    gr__set_free(f.ctx, &s);
    s = raw("i", GR_SHAPE(6)); /* flat */
    assert_int_equal(s.n, 1);
    gr__set_free(f.ctx, &s);
    char path[128];
    gr_source_options o = options_of(&f, GR_TARGET_CLASS, false);
    snprintf(path, sizeof path, "%s/i", f.folder);
    assert_int_equal(gr__set_raw(f.ctx, path, &GR_SHAPE(3, 2), NULL, &o, &s), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "[2,3]"));
    gr_context_clear_error(f.ctx);
    assert_int_equal(gr__set_raw(f.ctx, path, &GR_SHAPE(5), NULL, &o, &s), GR_E_DATA);
    gr_context_clear_error(f.ctx);
    snprintf(path, sizeof path, "%s/t.csv", f.folder);
    assert_int_equal(gr__set_raw(f.ctx, path, &GR_SHAPE(5), NULL, &o, &s), GR_E_DATA);
    assert_non_null(strstr(gr_context_error(f.ctx)->message, "2 columns"));
    gr_context_clear_error(f.ctx);
    assert_true(gr__sample_fits(GR_SHAPE(28, 28), GR_SHAPE(28, 28, 1)));
    assert_true(gr__sample_fits(GR_SHAPE(784), GR_SHAPE(28, 28, 1)));
    assert_false(gr__sample_fits(GR_SHAPE(3, 32, 32), GR_SHAPE(32, 32, 3)));
    assert_false(gr__sample_fits(GR_SHAPE(28, 27), GR_SHAPE(28, 28, 1)));
    assert_true(gr__sample_fits(GR_SCALAR, GR_SHAPE(1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tables_are_read, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(headers_are_told_from_data, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(text_labels_become_classes_in_sorted_order, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(declared_missing_values_are_nan, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(prepared_columns_keep_their_digits, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(numbers_are_rounded_correctly, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(hostile_tables_are_refused, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(every_failing_allocation_is_reported, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(raw_input_is_read, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
