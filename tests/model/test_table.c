/* gradus.table: schemas to JSON and back, and what no writer of ours would write. */
#include <string.h>

#include "model/model.h"
#include "test.h"

static void check_round_trip(gr_context *ctx, const gr_schema *s)
{
    gr__bump *b = gr__bump_create(ctx);
    gr__text t;
    gr__text_init(&t, ctx);
    gr__table_json(&t, s);
    gr_schema back = {.name = s->name, .n_inputs = s->name ? s->n_inputs : 0};
    test_ok(ctx, gr__table_parse(ctx, b, t.s, &back));
    assert_true(back.table);
    assert_int_equal(back.delimiter, s->delimiter);
    assert_int_equal(back.delimiter_given, s->delimiter_given);
    assert_int_equal(back.header, s->header);
    assert_int_equal(back.header_given, s->header_given);
    assert_int_equal(back.n_columns, s->n_columns);
    assert_int_equal(back.n_inputs, s->n_inputs);
    for (int i = 0; i < s->n_inputs; i++) assert_int_equal(back.input[i], s->input[i]);
    assert_int_equal(back.target, s->target);
    assert_int_equal(back.target_name != NULL, s->target_name != NULL);
    if (s->target_name) assert_string_equal(back.target_name, s->target_name);
    assert_int_equal(back.n_missing, s->n_missing);
    for (int i = 0; i < s->n_missing; i++) assert_string_equal(back.missing[i], s->missing[i]);
    gr__text_free(&t);
    gr__bump_destroy(b);
}

static void schemas_come_back(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char *const names[] = {"a \"b\"\n", "\xE2\x82\xAC", ""}, *const missing[] = {"", "NA", "-999",
                                                                                              "\"\\\t"};
    static const int all[] = {0, 1, 2}, around[] = {0, 2, 3}, odd[] = {3, 0}, one[] = {0};
    const gr_schema cases[] = {
        {.delimiter = ',', .n_columns = 3, .n_inputs = 3, .input = all, .target = -1},
        {.delimiter = '\t', .n_columns = 4, .n_inputs = 3, .input = around, .target = 1, .delimiter_given = true},
        {.delimiter = ' ', .n_columns = 4, .n_inputs = 2, .input = odd, .target = 2, .header_given = true},
        {.delimiter = '|',
         .n_columns = 5,
         .n_inputs = 3,
         .input = all,
         .target = 4,
         .missing = missing,
         .n_missing = 4},
        {.delimiter = '\\', .n_columns = 1, .n_inputs = 1, .input = one, .target = -1},
        {.delimiter = ';',
         .n_columns = 4,
         .n_inputs = 3,
         .input = around,
         .target = 1,
         .header = true,
         .name = names,
         .target_name = "\"y\"",
         .missing = missing,
         .n_missing = 1,
         .header_given = true},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) check_round_trip(ctx, &cases[i]);
    test_context_end(ctx);
}

static void hostile_schemas_are_refused(void **state)
{
    (void)state;
#define GOOD "\"delimiter_given\": false, \"header\": false, \"header_given\": false, \"missing\": []"
    static const char *const cases[][2] = {
        {"[", "not JSON"},
        {"[]", "not an object"},
        {"{}", "\"columns\""},
        {"{\"columns\": 0}", "\"columns\""},
        {"{\"columns\": -3}", "\"columns\""},
        {"{\"columns\": 2147483648}", "\"columns\""},
        {"{\"columns\": 3}", "\"delimiter\""},
        {"{\"columns\": 3, \"delimiter\": \"ab\", " GOOD "}", "\"delimiter\""},
        {"{\"columns\": 3, \"delimiter\": \"\\n\", " GOOD "}", "\"delimiter\""},
        {"{\"columns\": 3, \"delimiter\": \",\", \"header\": 1}", "\"delimiter_given\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"target\": 3}", "\"target\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"target\": -1}", "\"target\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"target\": 1.0}", "\"target\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"target_name\": 1}", "\"target_name\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"inputs\": []}", "\"inputs\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"inputs\": {}}", "\"inputs\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"inputs\": [3]}", "\"inputs\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"inputs\": [\"a\"]}", "\"inputs\""},
        {"{\"columns\": 1, \"delimiter\": \",\", " GOOD ", \"target\": 0}", "\"inputs\""},
        {"{\"columns\": 3, \"delimiter\": \",\", \"delimiter_given\": false, \"header\": true, \"header_given\": "
         "false}",
         "\"header\""},
        {"{\"columns\": 3, \"delimiter\": \",\", \"delimiter_given\": false, \"header\": false, \"header_given\": "
         "false, \"missing\": [1]}",
         "\"missing\""},
    };
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_schema s = {0};
        gr_status st = gr__table_parse(ctx, b, cases[i][0], &s);
        const char *said = gr_context_error(ctx)->message;
        if (st != GR_E_FORMAT || !strstr(said, cases[i][1])) fail_msg("%s: %s", cases[i][0], said);
        assert_false(s.table);
        gr_context_clear_error(ctx);
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(schemas_come_back),
                                       cmocka_unit_test(hostile_schemas_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
