/* gradus.table and gradus.text: schemas to JSON and back, and what no writer of ours would write. */
#include <string.h>

#include "model/model.h"
#include "test.h"

static void same_text(const char *a, const char *b)
{
    assert_int_equal(a != NULL, b != NULL);
    if (a) assert_string_equal(a, b);
}

static void same_target(const gr_schema_target *a, const gr_schema_target *b)
{
    same_text(a->name, b->name);
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->listed, b->listed);
    assert_int_equal(a->column_name != NULL, b->column_name != NULL);
    for (int i = 0; i < a->n; i++) assert_int_equal(a->column[i], b->column[i]);
    for (int i = 0; a->column_name && i < a->n; i++) assert_string_equal(a->column_name[i], b->column_name[i]);
}

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
    assert_int_equal(back.n_targets, s->n_targets);
    for (int i = 0; i < s->n_targets; i++) same_target(&back.target[i], &s->target[i]);
    assert_int_equal(back.n_of_inputs, s->n_of_inputs);
    for (int i = 0; i < s->n_of_inputs; i++) {
        assert_int_equal(back.of_input[i].n, s->of_input[i].n);
        same_text(back.of_input[i].name, s->of_input[i].name);
    }
    assert_int_equal(back.weighted, s->weighted);
    assert_int_equal(back.weight, s->weight);
    same_text(back.weight_name, s->weight_name);
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
    static const int all[] = {0, 1, 2}, around[] = {0, 2, 3}, odd[] = {3, 0}, one[] = {0}, at[] = {0, 1, 2, 3, 4},
                     pair[] = {4, 1};
    static const char *const quoted[] = {"\"y\""};
    const gr_schema cases[] = {
        {.delimiter = ',', .n_columns = 3, .n_inputs = 3, .input = all},
        {.delimiter = '\t',
         .n_columns = 4,
         .n_inputs = 3,
         .input = around,
         .n_targets = 1,
         .target = {{.n = 1, .column = at + 1}},
         .delimiter_given = true},
        {.delimiter = ' ',
         .n_columns = 4,
         .n_inputs = 2,
         .input = odd,
         .n_targets = 1,
         .target = {{.n = 1, .column = at + 2}},
         .header_given = true},
        {.delimiter = '|',
         .n_columns = 5,
         .n_inputs = 3,
         .input = all,
         .n_targets = 1,
         .target = {{.n = 1, .column = at + 4}},
         .missing = missing,
         .n_missing = 4},
        {.delimiter = '\\', .n_columns = 1, .n_inputs = 1, .input = one},
        {.delimiter = ';',
         .n_columns = 4,
         .n_inputs = 3,
         .input = around,
         .n_targets = 1,
         .target = {{.n = 1, .column = at + 1, .column_name = quoted}},
         .header = true,
         .name = names,
         .missing = missing,
         .n_missing = 1,
         .header_given = true},
        /* several: two inputs, a class and a list of values, a weight */
        {.delimiter = ',',
         .n_columns = 7,
         .n_inputs = 3,
         .input = around,
         .n_of_inputs = 2,
         .of_input = {{"image", 1}, {"ta\"ble", 2}},
         .n_targets = 2,
         .target = {{.name = "kind", .n = 1, .column = at + 1, .column_name = quoted},
                    {.name = "price", .n = 2, .column = pair, .listed = true}},
         .weighted = true,
         .weight = 6,
         .weight_name = "w \\"},
        {
            .delimiter = ',',
            .n_columns = 3,
            .n_inputs = 2,
            .input = all,
            .n_of_inputs = 1,
            .of_input = {{"x", 2}},
            .n_targets = 1,
            .target = {{.name = "y", .n = 1, .column = at + 2}},
        },
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
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"target\": 2, \"inputs\": [0, 2]}", "\"inputs\""},
        {"{\"columns\": 1, \"delimiter\": \",\", " GOOD ", \"target\": 0}", "\"inputs\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"fields\": {}}", "\"inputs\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"fields\": {\"inputs\": []}}", "\"targets\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"fields\": {\"inputs\": [{}], \"targets\": []}}",
         "\"columns\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD
         ", \"fields\": {\"inputs\": [{\"columns\": 2}], \"targets\": []}}",
         "\"fields\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"fields\": {\"inputs\": [], \"targets\": [{}]}}",
         "\"listed\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD
         ", \"fields\": {\"inputs\": [], \"targets\": [{\"listed\": true, \"columns\": [3]}]}}",
         "\"columns\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD ", \"fields\": {\"inputs\": [], \"targets\": [{\"listed\": "
         "true, \"columns\": [1], \"names\": [\"a\", \"b\"]}]}}",
         "\"names\""},
        {"{\"columns\": 3, \"delimiter\": \",\", " GOOD
         ", \"fields\": {\"inputs\": [], \"targets\": [], \"weight\": 3}}",
         "\"weight\""},
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

static void alphabets_come_back(void **state)
{
    (void)state;
    static const int32_t symbols[] = {0, '\n', 'a', 0xe4, 0x1f600, 0x10ffff};
    const gr_schema cases[] = {
        {.unit = "byte"}, {.unit = "char", .symbol = symbols, .n_symbols = 6}, {.unit = "char", .symbol = symbols}};
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr__text t;
        gr_schema back = {.n_inputs = 3};
        gr__text_init(&t, ctx);
        gr__units_json(&t, &cases[i]);
        test_ok(ctx, gr__units_parse(ctx, b, t.s, &back));
        const gr_schema *copy = gr__schema_copy(b, &back);
        assert_string_equal(copy->unit, cases[i].unit);
        assert_int_equal(copy->n_inputs, 3);
        assert_int_equal(copy->n_symbols, cases[i].n_symbols);
        for (int k = 0; k < copy->n_symbols; k++) assert_int_equal(copy->symbol[k], symbols[k]);
        gr__text_free(&t);
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

static void hostile_alphabets_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{", "not JSON"},
        {"[]", "\"unit\""},
        {"{\"unit\": 1}", "\"unit\""},
        {"{\"unit\": \"word\"}", "\"unit\""},
        {"{\"unit\": \"char\"}", "\"symbols\""},
        {"{\"unit\": \"char\", \"symbols\": [\"a\"]}", "\"symbols\""},
        {"{\"unit\": \"char\", \"symbols\": [-1]}", "\"symbols\""},
        {"{\"unit\": \"char\", \"symbols\": [1114112]}", "\"symbols\""},
        {"{\"unit\": \"char\", \"symbols\": [97, 97]}", "\"symbols\""},
        {"{\"unit\": \"char\", \"symbols\": [98, 97]}", "\"symbols\""},
    };
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_schema s = {0};
        gr_status st = gr__units_parse(ctx, b, cases[i][0], &s);
        const char *said = gr_context_error(ctx)->message;
        if (st != GR_E_FORMAT || !strstr(said, cases[i][1])) fail_msg("%s: %s", cases[i][0], said);
        assert_null(s.unit);
        gr_context_clear_error(ctx);
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_come_back), cmocka_unit_test(hostile_schemas_are_refused),
        cmocka_unit_test(alphabets_come_back), cmocka_unit_test(hostile_alphabets_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
