/* JSON: numbers in the shortest form that reads back, null in its place, strings of any bytes, both layouts. */
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"

static void check_written(const json_t *v, int indent, const char *expected)
{
    gr_context *ctx = test_context();
    gr__text t;
    gr__text_init(&t, ctx);
    gr__json_write(&t, v, indent);
    assert_false(t.failed);
    assert_string_equal(t.s, expected);
    gr__text_free(&t);
    test_context_end(ctx);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *text;
    } cases[] = {{0.07, "0.07"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {3, "3"},
                 {-12, "-12"},
                 {60000, "60000"},
                 {1.0 / 3, "0.3333333333333333"},
                 {5e-324, "5e-324"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {(double)NAN, "null"},
                 {(double)INFINITY, "null"},
                 {-(double)INFINITY, "null"}};
    char buffer[32];
    for (size_t i = 0; i < GR_COUNT(cases); i++)
        assert_string_equal(gr__json_number(cases[i].x, buffer), cases[i].text);
}

/* Any double of any exponent: what is written is JSON, is read back by another reader to the same bits, and no form
 * with a digit less does so. */
static void random_numbers(void **state)
{
    (void)state;
    char buffer[32], shorter[32];
    gr__rng r = gr__rng_make(7, "json", 0, 0);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)gr__rng_u32(&r) << 32;
        bits |= gr__rng_u32(&r);
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x)) continue;
        gr__json_number(x, buffer);
        json_t *v = json_loads(buffer, JSON_DECODE_ANY, NULL);
        assert_non_null(v);
        double back = json_number_value(v);
        assert_true(back == x);
        json_decref(v);
        int digits = 0;
        for (const char *s = buffer; *s && *s != 'e'; s++) digits += (*s >= '1' && *s <= '9') || (digits && *s == '0');
        if (digits < 2) continue;
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, x);
        assert_true(strtod(shorter, NULL) != x);
    }
}

static void values(void **state)
{
    (void)state;
    json_t *v =
        json_pack("{s:[f,n,i,b,b], s:{}, s:[], s:{s:s}}", "a", 1e10, 3, 1, 0, "b", "c", "d", "text", "x\n\"\\\x01é");
    check_written(
        v, 0, "{\"a\":[10000000000,null,3,true,false],\"b\":{},\"c\":[],\"d\":{\"text\":\"x\\n\\\"\\\\\\u0001é\"}}");
    check_written(v, 2,
                  "{\n  \"a\": [\n    10000000000,\n    null,\n    3,\n    true,\n    false\n  ],\n  \"b\": {},\n"
                  "  \"c\": [],\n  \"d\": {\n    \"text\": \"x\\n\\\"\\\\\\u0001é\"\n  }\n}");
    json_decref(v);
}

/* A file name may hold any byte but NUL and slash. */
static void bytes(void **state)
{
    (void)state;
    static const char name[] = "a\xff\xc3(\xed\xa0\x80z";
    json_t *v = json_stringn_nocheck(name, sizeof name - 1);
    check_written(v, 0, "\"a\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffdz\"");
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(random_numbers),
                                       cmocka_unit_test(values), cmocka_unit_test(bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
