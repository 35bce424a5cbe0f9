/* Text: the builder, numbers both ways in any locale, sizes, nearest names, patterns. */
#include "test.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/text.h"

static void builder(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__text t;
    gr__text_init(&t, ctx);
    assert_null(t.s);
    gr__text_put(&t, "", 0);
    assert_string_equal(t.s, "");
    char expected[6000] = "";
    for (int i = 0; i < 1000; i++) {
        gr__text_add(&t, "%d,", i);
        snprintf(expected + strlen(expected), 16, "%d,", i);
        assert_int_equal(strlen(t.s), t.n);
    }
    assert_string_equal(t.s, expected);
    gr__text_put(&t, "a\0b", 3);
    assert_int_equal(t.n, strlen(expected) + 3);
    gr__text_free(&t);
    assert_null(t.s);

    gr__text_add(&t, "%s", ""); /* an empty first piece still makes a string */
    assert_string_equal(t.s, "");
    gr__text_add(&t, "%07d", 42); /* fills 8 bytes exactly, the NUL included */
    assert_string_equal(t.s, "0000042");
    gr__fail_acquisition(ctx, 1);
    gr__text_add(&t, "%s", "more");
    assert_true(t.failed);
    assert_string_equal(t.s, "0000042");
    gr__text_add(&t, "%s", "");
    gr__text_put(&t, "x", 1);
    assert_string_equal(t.s, "0000042");
    gr__text_free(&t);
    test_context_end(ctx);
}

static void check_double(double x, const char *expected)
{
    char buffer[32];
    double back = 0;
    gr__double_text(x, buffer);
    if (expected) assert_string_equal(buffer, expected);
    assert_true(gr__parse_number(buffer, &back));
    assert_memory_equal(&back, &x, sizeof x); /* the sign of zero too */
}

static void doubles(void **state)
{
    (void)state;
    check_double(0, "0");
    check_double(-0.0, "-0");
    check_double(1, "1");
    check_double(0.1, "0.1");
    check_double(1e-5, "1e-05");
    check_double(0.1 + 0.2, "0.30000000000000004");
    check_double(1.0 / 3, "0.3333333333333333");
    check_double(100000, "100000");
    check_double(1e22, "1e+22");
    check_double(9007199254740993.0, "9007199254740992");
    check_double(0x1p-24, "5.960464477539063e-08"); /* 16 digits, not the nearest 16 */
    check_double(0x1p-44, "5.684341886080802e-14");
    check_double(5e-324, "5e-324");
    check_double(-5e-324, "-5e-324");
    check_double(DBL_MIN, "2.2250738585072014e-308");
    check_double(DBL_MAX, "1.7976931348623157e+308");
    check_double(DBL_EPSILON, "2.220446049250313e-16");
    check_double((double)INFINITY, "inf");
    check_double(-(double)INFINITY, "-inf");
    char buffer[32];
    assert_string_equal(gr__double_text((double)NAN, buffer), "nan");
    gr__rng r = gr__rng_make(1, "doubles", 0, 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)gr__rng_u32(&r) << 32 | gr__rng_u32(&r);
        double x;
        memcpy(&x, &bits, sizeof x);
        if (isfinite(x)) check_double(x, NULL);
        check_double((double)(float)gr__rng_normal(&r), NULL);
    }
    for (int e = -1074; e < 1024; e++) check_double(ldexp(1, e), NULL);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"12", 12},
        {"-1.5e3", -1500},
        {".5", .5},
        {"5.", 5},
        {"1/255", 1.0 / 255},
        {"-1/2", -0.5},
        {"+3", 3},
        {"1E-2", 0.01},
        {"007", 7},
        {"0/7", 0},
        {"inf", (double)INFINITY},
        {"-inf", -(double)INFINITY},
        {".inf", (double)INFINITY},
        {"1e-400", 0},
        {"1.5/2.5e1", 0.06},
        {"4.9e-324", 5e-324},
        {"1e0000000000000000000001", 10},
    };
    static const char *const bad[] = {"",      " 1",    "1 ",    "1,5",   "one",   "0x10",  "nan",      "1e",
                                      "1e+",   ".",     "-",     "+-1",   "--1",   "1/",    "/2",       "1/0",
                                      "0/0",   "1/2/3", "1e999", "inf/2", "1/inf", "1_000", "infinity", "1/-2",
                                      "1.2.3", "1e5.5", "1d5",   "-.",    "e5"};
    for (size_t i = 0; i < GR_COUNT(good); i++) {
        double x = 99;
        if (!gr__parse_number(good[i].text, &x) || x != good[i].value) fail_msg("\"%s\" reads as %g", good[i].text, x);
    }
    for (size_t i = 0; i < GR_COUNT(bad); i++) {
        double x = 99;
        if (gr__parse_number(bad[i], &x)) fail_msg("\"%s\" reads as %g", bad[i], x);
        assert_true(x == 99);
    }
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"100", 100},
        {"256K", 262144},
        {"2G", UINT64_C(2) << 30},
        {"1.5M", 3 << 19},
        {"1.5 MiB", 3 << 19},
        {"2gb", 0},
        {"3kB", 3072},
        {"7 B", 7},
        {".5K", 512},
        {"18446744073709551615", UINT64_MAX},
        {"15E", UINT64_C(15) << 60},
        {"1T", UINT64_C(1) << 40},
        {"1e3", 1000},
        {"9007199254740993", UINT64_C(9007199254740993)},
    };
    static const char *const bad[] = {
        "",     "K",   "-1",  "+1",  "1X",  "1KK", "1 ", "1  K", "16E", "18446744073709551616",
        "1e30", "inf", "nan", "1/2", "1iB", "1Ki"};
    for (size_t i = 0; i < GR_COUNT(good); i++) {
        uint64_t x = 99;
        bool ok = gr__parse_size(good[i].text, &x);
        if (strcmp(good[i].text, "2gb") == 0)
            assert_false(ok); /* b would be bits */
        else if (!ok || x != good[i].value)
            fail_msg("\"%s\" reads as %llu", good[i].text, (unsigned long long)x);
    }
    for (size_t i = 0; i < GR_COUNT(bad); i++) {
        uint64_t x = 99;
        if (gr__parse_size(bad[i], &x)) fail_msg("\"%s\" reads as %llu", bad[i], (unsigned long long)x);
    }
    static const struct {
        uint64_t bytes;
        const char *text;
    } shown[] = {
        {0, "0 B"},
        {1, "1 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {3 << 19, "1.5 MiB"},
        {1025, "1 KiB"},
        {262144, "256 KiB"},
        {(1 << 20) - 1, "1 MiB"},
        {UINT64_C(5) << 30, "5 GiB"},
        {UINT64_MAX, "16 EiB"},
        {12900, "12.6 KiB"},
        {1295, "1.26 KiB"},
        {102400, "100 KiB"},
    };
    for (size_t i = 0; i < GR_COUNT(shown); i++) {
        char buffer[32];
        gr__size_text(shown[i].bytes, buffer, sizeof buffer);
        assert_string_equal(buffer, shown[i].text);
    }
    char tiny[4];
    gr__size_text(1 << 20, tiny, sizeof tiny);
    assert_string_equal(tiny, "1 M");
}

/* Tells "1,5" from "1.5": numbers go out and come in with a point although the host program has set a locale with a
 * comma. */
static bool set_comma_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "nl_NL.UTF-8"};
    for (size_t i = 0; i < GR_COUNT(names); i++)
        if (setlocale(LC_ALL, names[i])) return true;
    /* None installed: compile one from the sources, where the system has these. */
    char folder[] = "/tmp/gradus-locale-XXXXXX", command[256];
    if (!mkdtemp(folder)) return false;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
    bool ok = system(command) == 0 && setenv("LOCPATH", folder, 1) == 0 && setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    (void)!system(command);
    unsetenv("LOCPATH");
    return ok;
}

static void comma_locale(void **state)
{
    (void)state;
    if (!set_comma_locale()) {
        print_message("skipped: no locale with a decimal comma here\n");
        skip();
    }
    char buffer[64];
    snprintf(buffer, sizeof buffer, "%g", 1.5);
    assert_string_equal(buffer, "1,5"); /* or this test proves nothing */
    gr_context *ctx = test_context();
    double x = 0;
    assert_string_equal(gr__double_text(1.5, buffer), "1.5");
    assert_true(gr__parse_number("1.5", &x) && x == 1.5);
    assert_false(gr__parse_number("1,5", &x));
    uint64_t bytes = 0;
    assert_true(gr__parse_size("1.5K", &bytes) && bytes == 1536);
    gr__size_text(1536, buffer, sizeof buffer);
    assert_string_equal(buffer, "1.5 KiB");
    char *s = gr__format(ctx, "%.2f", 0.25);
    assert_string_equal(s, "0.25");
    gr__strfree(ctx, s);
    gr__fail(ctx, GR_E_RANGE, "%g", 2.5);
    assert_string_equal(gr_context_error(ctx)->message, "2.5");
    snprintf(buffer, sizeof buffer, "%g", 1.5);
    assert_string_equal(buffer, "1,5"); /* the host has its locale back */
    test_context_end(ctx);
    setlocale(LC_ALL, "C");
}

static void errno_texts(void **state)
{
    (void)state;
    char buffer[64], tiny[5];
    assert_string_equal(gr__errno_text(ENOENT, buffer, sizeof buffer), "No such file or directory");
    assert_true(strlen(gr__errno_text(123456, buffer, sizeof buffer)) > 0);
    assert_string_equal(gr__errno_text(ENOENT, tiny, sizeof tiny), "No s");
}

static void nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"adam",         "momentum", "sgd",   "rmsprop", "learning_rate",
                                        "weight_decay", "beta1",    "beta2", "x",       ""};
    static const struct {
        const char *typed, *meant;
    } rows[] = {
        {"adma", "adam"},
        {"Adam", "adam"},
        {"momentun", "momentum"},
        {"mometnum", "momentum"},
        {"sdg", "sgd"},
        {"rms_prop", "rmsprop"},
        {"learning-rate", "learning_rate"},
        {"leraning_rat", "learning_rate"},
        {"wieght_decya", "weight_decay"},
        {"beta3", "beta1"},
        {"adam", "adam"},
        {"zzzz", NULL},
        {"", NULL},
        {"lr", NULL},
        {"y", NULL},
        {"x", "x"},
        {"optimizer", NULL},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        const char *found = gr__nearest(rows[i].typed, names, GR_COUNT(names));
        if (!rows[i].meant)
            assert_null(found);
        else if (!found || strcmp(found, rows[i].meant) != 0)
            fail_msg("%s gives %s", rows[i].typed, found ? found : "nothing");
    }
    assert_null(gr__nearest("adam", names, 0));
    char huge[1000];
    memset(huge, 'a', sizeof huge - 1);
    huge[999] = '\0';
    assert_null(gr__nearest(huge, names, GR_COUNT(names)));
    const char *candidate = huge;
    assert_null(gr__nearest("aaaa", &candidate, 1));
}

static void globs(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool matches;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "abc", true},
        {"?", "", false},
        {"?", "a", true},
        {"a?c", "abc", true},
        {"layer*.weight", "layer1.conv2.weight", true},
        {"layer*.weight", "layer1.bias", false},
        {"*.bias", "a.bias.bias", true},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYb", false},
        {"**a**", "bab", true},
        {"*a", "aaab", false},
        {"a", "", false},
        {"*aaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", true},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        if (gr__glob(rows[i].pattern, rows[i].name) != rows[i].matches)
            fail_msg("%s against %s", rows[i].pattern, rows[i].name);
}

static void bytes_of_others_are_shown(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *shown;
    } cases[] = {
        {"plain", 5, "plain"},
        {"Gr\xC3\xB6\xC3\x9F"
         "e \xE2\x82\xAC \xF0\x9F\x90\x9D",
         16,
         "Gr\xC3\xB6\xC3\x9F"
         "e \xE2\x82\xAC \xF0\x9F\x90\x9D"},
        {"\x1B[2J\x1B]0;x\a", 10, "\\x1b[2J\\x1b]0;x\\x07"},
        {"a\nb\tc\rd", 7, "a\\nb\\tc\\rd"},
        {"a\0b\x7F", 4, "a\\x00b\\x7f"},
        {"\xE9t\xE9", 3, "\\xe9t\\xe9"}, /* Latin-1 */
        {"\xC2\x9B"
         "31m",
         5, "\\xc2\\x9b31m"},          /* CSI as one character */
        {"\xC0\x8A", 2, "\\xc0\\x8a"}, /* an overlong line end */
        {"\xE2\x80\xAE"
         "cba",
         6,
         "\\xe2\\x80\\xae"
         "cba"},                       /* right to left */
        {"\xE2\x82", 2, "\\xe2\\x82"}, /* half a character */
        {"", 0, ""},
    };
    char buffer[64];
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        assert_string_equal(gr__shown(buffer, sizeof buffer, cases[i].bytes, cases[i].n), cases[i].shown);
        /* Every shorter buffer holds a beginning of it, whole escapes and characters only. */
        for (size_t room = 4; room <= strlen(cases[i].shown); room++) {
            gr__shown(buffer, room, cases[i].bytes, cases[i].n);
            size_t n = strlen(buffer);
            assert_true(n >= 3 && n < room);
            assert_string_equal(buffer + n - 3, "...");
            assert_memory_equal(buffer, cases[i].shown, n - 3);
            size_t at = 0;
            for (; at < n - 3; at += buffer[at] == '\\' ? (buffer[at + 1] == 'x' ? 4 : 2)
                                                        : gr__utf8_bytes((unsigned char *)buffer + at, n - at)) {
            }
            assert_int_equal(at, n - 3);
        }
    }
}

/* Whatever a message quotes, and whichever way it goes out. */
static void messages_never_carry_them(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char hostile[] = "a\x1B[31m\xFFz\n";
    gr__fail(ctx, GR_E_DATA, "\"%s\"", hostile);
    gr__error_place(ctx, hostile, 1, 2, hostile);
    gr__error_hint(ctx, "not \"%s\"", hostile);
    const gr_error *e = gr_context_error(ctx);
    assert_string_equal(e->message, "\"a\\x1b[31m\\xffz\\n\"");
    assert_string_equal(e->file, "a\\x1b[31m\\xffz\\n");
    assert_string_equal(e->key, e->file);
    assert_string_equal(e->hint, "not \"a\\x1b[31m\\xffz\\n\"");
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_of_others_are_shown),
        cmocka_unit_test(messages_never_carry_them),
        cmocka_unit_test(builder),
        cmocka_unit_test(doubles),
        cmocka_unit_test(numbers),
        cmocka_unit_test(sizes),
        cmocka_unit_test(comma_locale),
        cmocka_unit_test(errno_texts),
        cmocka_unit_test(nearest),
        cmocka_unit_test(globs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
