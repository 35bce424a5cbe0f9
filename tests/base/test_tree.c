/* Trees of settings: scalars, containers, places, and YAML that reads back (SYS rows of recipes stand on it). */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "base/tree.h"

static gr_context *ctx;
static gr__bump *b;

static int setup(void **state)
{
    (void)state;
    ctx = test_context();
    b = gr__bump_create(ctx);
    return b ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    gr__bump_destroy(b);
    test_context_end(ctx);
    return 0;
}

static void scalars_resolve_as_yaml_core(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        gr_tree_kind kind;
        double number;
    } cases[] = {
        {"", GR_TREE_NULL, 0},
        {"~", GR_TREE_NULL, 0},
        {"null", GR_TREE_NULL, 0},
        {"NULL", GR_TREE_NULL, 0},
        {"true", GR_TREE_BOOL, 0},
        {"False", GR_TREE_BOOL, 0},
        {"yes", GR_TREE_TEXT, 0},
        {"off", GR_TREE_TEXT, 0},
        {"12", GR_TREE_INT, 12},
        {"-3", GR_TREE_INT, -3},
        {"+7", GR_TREE_INT, 7},
        {"007", GR_TREE_INT, 7},
        {"0x1F", GR_TREE_INT, 31},
        {"0o17", GR_TREE_INT, 15},
        {"1e3", GR_TREE_REAL, 1000},
        {"-1.5e-3", GR_TREE_REAL, -0.0015},
        {".5", GR_TREE_REAL, 0.5},
        {"3.", GR_TREE_REAL, 3},
        {"1/4", GR_TREE_REAL, 0.25},
        {".inf", GR_TREE_REAL, (double)INFINITY},
        {"-.Inf", GR_TREE_REAL, -(double)INFINITY},
        {"inf", GR_TREE_REAL, (double)INFINITY},
        {"1e999", GR_TREE_TEXT, 0},
        {"1/0", GR_TREE_TEXT, 0},
        {"0x", GR_TREE_TEXT, 0},
        {"-", GR_TREE_TEXT, 0},
        {"0xG", GR_TREE_TEXT, 0},
        {"-0x1", GR_TREE_TEXT, 0},
        {"1 epoch", GR_TREE_TEXT, 0},
        {"256K", GR_TREE_TEXT, 0},
        {"none", GR_TREE_TEXT, 0},
        {"18446744073709551615", GR_TREE_INT, 18446744073709551615.0},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_tree *t = gr__tree_scalar(b, cases[i].text);
        assert_non_null(t);
        if (t->kind != cases[i].kind) fail_msg("\"%s\" is %s", cases[i].text, gr__tree_kind_name(t));
        if (t->kind == GR_TREE_INT || t->kind == GR_TREE_REAL) assert_true(t->number == cases[i].number);
        assert_string_equal(t->text, cases[i].text);
    }
    assert_true(isnan(gr__tree_scalar(b, ".nan")->number));
    assert_true(gr__tree_scalar(b, "TRUE")->truth);
    assert_false(gr__tree_scalar(b, "false")->truth);
    assert_int_equal(gr__tree_text(b, "12")->kind, GR_TREE_TEXT);
}

static void whole_numbers_are_exact(void **state)
{
    (void)state;
    int64_t x;
    assert_true(gr__tree_int(gr__tree_scalar(b, "9223372036854775807"), &x) && x == INT64_MAX);
    assert_true(gr__tree_int(gr__tree_scalar(b, "-9223372036854775808"), &x) && x == INT64_MIN);
    assert_false(gr__tree_int(gr__tree_scalar(b, "9223372036854775808"), &x));
    assert_true(gr__tree_int(gr__tree_scalar(b, "1e3"), &x) && x == 1000);
    assert_true(gr__tree_int(gr__tree_scalar(b, "4/2"), &x) && x == 2);
    assert_true(gr__tree_int(gr__tree_scalar(b, "0x10"), &x) && x == 16);
    assert_false(gr__tree_int(gr__tree_scalar(b, "1.5"), &x));
    assert_false(gr__tree_int(gr__tree_scalar(b, ".inf"), &x));
    assert_false(gr__tree_int(gr__tree_scalar(b, ".nan"), &x));
    assert_false(gr__tree_int(gr__tree_text(b, "12"), &x));
    assert_false(gr__tree_int(NULL, &x));
    /* Beyond 53 bits doubles would call these equal. */
    assert_false(gr__tree_equal(gr__tree_scalar(b, "9007199254740993"), gr__tree_scalar(b, "9007199254740992")));
}

static void containers_keep_order_and_place(void **state)
{
    (void)state;
    gr_tree *root = gr__tree_map(b), *layers = gr__tree_list(b), *layer = gr__tree_map(b),
            *units = gr__tree_scalar(b, "64");
    assert_true(gr__tree_put(b, layer, "units", units));
    for (int i = 0; i < 20; i++) assert_true(gr__tree_push(b, layers, i == 13 ? layer : gr__tree_scalar(b, "flatten")));
    gr_tree *model = gr__tree_map(b);
    assert_true(gr__tree_put(b, model, "layers", layers));
    assert_true(gr__tree_put(b, root, "model", model));
    char path[64], tiny[10];
    assert_string_equal(gr__tree_path(units, path, sizeof path), "model.layers[13].units");
    assert_string_equal(gr__tree_path(root, path, sizeof path), "");
    assert_string_equal(gr__tree_path(NULL, path, sizeof path), "");
    assert_string_equal(gr__tree_path(units, tiny, sizeof tiny), "model.lay");

    gr_tree *other = gr__tree_scalar(b, "32");
    assert_true(gr__tree_put(b, layer, "units", other));
    assert_int_equal(layer->n, 1);
    assert_ptr_equal(gr__tree_get(layer, "units"), other);
    assert_null(gr__tree_get(layer, "unit"));
    assert_null(gr__tree_get(layers, "units"));
    assert_null(gr__tree_get(NULL, "units"));
    assert_false(gr__tree_push(b, layers, NULL));
    assert_false(gr__tree_put(b, NULL, "a", other));
}

static void copies_are_equal_and_keep_places(void **state)
{
    (void)state;
    gr_tree *t = gr__tree_flow(b, "{a: 1, b: [x, 2.5, {c: null}], d: {}, e: []}");
    t->child[1]->file = "r.yaml";
    t->child[1]->line = 3;
    t->child[1]->column = 9;
    gr_tree *c = gr__tree_copy(b, t);
    assert_non_null(c);
    assert_true(gr__tree_equal(t, c));
    assert_string_equal(c->child[1]->file, "r.yaml");
    assert_string_equal(c->child[0]->file, "");
    assert_int_equal(c->child[1]->line, 3);
    assert_int_equal(c->child[1]->column, 9);
    assert_ptr_equal(c->child[1]->child[2]->parent, c->child[1]);
    /* Order of keys does not matter; everything else does. */
    assert_true(gr__tree_equal(gr__tree_flow(b, "{a: 1, b: 2}"), gr__tree_flow(b, "{b: 2, a: 1}")));
    assert_false(gr__tree_equal(gr__tree_flow(b, "{a: 1, b: 2}"), gr__tree_flow(b, "{a: 1}")));
    assert_false(gr__tree_equal(gr__tree_flow(b, "[1, 2]"), gr__tree_flow(b, "[2, 1]")));
    assert_false(gr__tree_equal(gr__tree_flow(b, "1"), gr__tree_flow(b, "1.0")));
    assert_true(gr__tree_equal(gr__tree_flow(b, "1e3"), gr__tree_flow(b, "1000.0")));
    assert_true(gr__tree_equal(gr__tree_flow(b, ".nan"), gr__tree_flow(b, ".NaN")));
    assert_false(gr__tree_equal(gr__tree_flow(b, "true"), gr__tree_flow(b, "false")));
}

static void failures_name_the_place(void **state)
{
    (void)state;
    gr_tree *root = gr__tree_map(b), *optimizer = gr__tree_map(b), *beta2 = gr__tree_scalar(b, "1.5");
    gr__tree_put(b, optimizer, "beta2", beta2);
    gr__tree_put(b, root, "optimizer", optimizer);
    beta2->file = "fashion.yaml";
    beta2->line = 12;
    beta2->column = 9;
    assert_int_equal(gr__tree_fail(ctx, beta2, GR_E_RANGE, "less", "%s is not in [0, 1)", beta2->text), GR_E_RANGE);
    const gr_error *e = gr_context_error(ctx);
    assert_string_equal(e->message, "1.5 is not in [0, 1)");
    assert_string_equal(e->key, "optimizer.beta2");
    assert_string_equal(e->file, "fashion.yaml");
    assert_string_equal(e->hint, "less");
    assert_int_equal(e->line, 12);
    assert_int_equal(e->column, 9);

    /* The first error stays as it is: a later one neither replaces it nor lends it a place. */
    gr_context_clear_error(ctx);
    gr__fail(ctx, GR_E_MEMORY, "none left");
    assert_int_equal(gr__tree_fail(ctx, beta2, GR_E_RANGE, "less", "later"), GR_E_RANGE);
    assert_string_equal(e->message, "none left");
    assert_string_equal(gr_context_error(ctx)->key, "");
    assert_string_equal(gr_context_error(ctx)->hint, "");
    gr_context_clear_error(ctx);

    char shown[12];
    assert_string_equal(gr__tree_show(gr__tree_text(b, "abc"), shown, sizeof shown), "\"abc\"");
    assert_string_equal(gr__tree_show(gr__tree_list(b), shown, sizeof shown), "a list");
    assert_string_equal(gr__tree_show(gr__tree_scalar(b, "1/255"), shown, sizeof shown), "1/255");
    assert_string_equal(gr__tree_show(NULL, shown, sizeof shown), "nothing");
    assert_string_equal(gr__tree_show(gr__tree_text(b, "a very long text"), shown, sizeof shown), "\"a very ...");
}

static void check_written(const gr_tree *t, int indent, const char *wanted)
{
    gr__text out;
    gr__text_init(&out, ctx);
    gr__tree_write(t, &out, indent);
    assert_false(out.failed);
    assert_string_equal(out.s, wanted);
    gr__text_free(&out);
}

static void yaml_is_quoted_where_a_reader_could_err(void **state)
{
    (void)state;
    static const struct {
        const char *text, *yaml;
    } cases[] = {
        {"adam", "adam\n"},
        {"/data/x-1_2.gz", "/data/x-1_2.gz\n"},
        {"1 epoch", "1 epoch\n"},
        {"256K", "256K\n"},
        {"two words", "two words\n"},
        {"", "\"\"\n"},
        {"~", "\"~\"\n"},
        {"null", "\"null\"\n"},
        {"True", "\"True\"\n"},
        {"no", "\"no\"\n"},
        {"Off", "\"Off\"\n"},
        {"y", "\"y\"\n"},
        {"12", "\"12\"\n"},
        {"1e3", "\"1e3\"\n"},
        {"1E+3", "\"1E+3\"\n"},
        {"0x1F", "\"0x1F\"\n"},
        {"0o7", "\"0o7\"\n"},
        {"1/255", "\"1/255\"\n"},
        {".5", "\".5\"\n"},
        {"inf", "\"inf\"\n"},
        {".nan", "\".nan\"\n"},
        {"-", "\"-\"\n"},
        {"- a", "\"- a\"\n"},
        {"a: b", "\"a: b\"\n"},
        {"a #b", "\"a #b\"\n"},
        {"a ", "\"a \"\n"},
        {" a", "\" a\"\n"},
        {"[a]", "\"[a]\"\n"},
        {"a, b", "\"a, b\"\n"},
        {"*x", "\"*x\"\n"},
        {"&x", "\"&x\"\n"},
        {"!x", "\"!x\"\n"},
        {"%x", "\"%x\"\n"},
        {"@x", "\"@x\"\n"},
        {"`x", "\"`x\"\n"},
        {"'x'", "\"'x'\"\n"},
        {"say \"x\\y\"", "\"say \\\"x\\\\y\\\"\"\n"},
        {"a\nb\tc", "\"a\\nb\\tc\"\n"},
        {"\x01\x7f", "\"\\x01\\x7F\"\n"},
        {"2001-12-14", "\"2001-12-14\"\n"},
        {"12:30", "\"12:30\"\n"},
        {"sch\xc3\xb6n", "\"sch\xc3\xb6n\"\n"},
        {"\xc2\x85", "\"\\x85\"\n"},
        {"\xe2\x80\xa8", "\"\\u2028\"\n"},
        {"\xef\xbb\xbf", "\"\\uFEFF\"\n"},
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"\n"},
        {"\xff"
         "a\xc3",
         "\"\\uFFFDa\\uFFFD\"\n"},
        {"\xed\xa0\x80", "\"\\uFFFD\\uFFFD\\uFFFD\"\n"},
        {"---", "\"---\"\n"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) check_written(gr__tree_text(b, cases[i].text), 0, cases[i].yaml);
    static const struct {
        const char *text, *yaml;
    } plain[] = {
        {"12", "12\n"},  {"1/255", "1/255\n"}, {"0.0010", "0.0010\n"}, {"TRUE", "true\n"},
        {"~", "null\n"}, {"inf", ".inf\n"},    {"-inf", "-.inf\n"},    {".NaN", ".nan\n"},
    };
    for (size_t i = 0; i < GR_COUNT(plain); i++) check_written(gr__tree_scalar(b, plain[i].text), 0, plain[i].yaml);
}

static void yaml_mixes_flow_and_block(void **state)
{
    (void)state;
    gr_tree *t = gr__tree_flow(b, "{gradus: 1, empty: {}, none: [], optimizer: {type: adam, lr: 0.001}, layers: "
                                  "[{type: conv, filters: 32, kernel: 3, padding: same, activation: relu, name: c1}, "
                                  "flatten, [[1, 2], 3], {type: residual, layers: [{type: conv, filters: 32, kernel: "
                                  "3, padding: same, activation: relu}, {type: dense, units: 10, name: head}]}]}");
    check_written(t, 0,
                  "gradus: 1\n"
                  "empty: {}\n"
                  "none: []\n"
                  "optimizer: {type: adam, lr: 0.001}\n"
                  "layers:\n"
                  "  - {type: conv, filters: 32, kernel: 3, padding: same, activation: relu, name: c1}\n"
                  "  - flatten\n"
                  "  - [[1, 2], 3]\n"
                  "  - type: residual\n"
                  "    layers:\n"
                  "      - {type: conv, filters: 32, kernel: 3, padding: same, activation: relu}\n"
                  "      - {type: dense, units: 10, name: head}\n");
    check_written(gr__tree_flow(b, "{a: 1, b: [2]}"), 2, "  a: 1\n  b: [2]\n");
    check_written(gr__tree_map(b), 0, "{}\n");

    /* A key too long to be a simple one. */
    char key[400], wanted[500];
    memset(key, 'k', 399);
    key[399] = '\0';
    gr_tree *map = gr__tree_map(b);
    gr__tree_put(b, map, key, gr__tree_scalar(b, "1"));
    snprintf(wanted, sizeof wanted, "? %s\n: 1\n", key);
    check_written(map, 0, wanted);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    for (uint64_t k = 1;; k++) {
        gr__fail_acquisition(ctx, k);
        gr__bump *own = gr__bump_create(ctx);
        bool done = false;
        if (own) {
            gr_tree *list = gr__tree_list(own);
            bool ok = list != NULL;
            for (int i = 0; i < 300 && ok; i++)
                ok = gr__tree_push(own, list, gr__tree_flow(own, "{a: [1, 2], b: some text}"));
            gr_tree *copy = ok ? gr__tree_copy(own, list) : NULL;
            gr__text out;
            gr__text_init(&out, ctx);
            if (copy) gr__tree_write(copy, &out, 0);
            done = copy && !out.failed;
            gr__text_free(&out);
        }
        gr__fail_acquisition(ctx, 0);
        gr__bump_destroy(own);
        if (done) {
            assert_int_equal(gr__error_code(ctx), GR_OK);
            assert_true(k > 5);
            return;
        }
        assert_int_equal(gr__error_code(ctx), GR_E_MEMORY);
        gr_context_clear_error(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scalars_resolve_as_yaml_core, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_numbers_are_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(containers_keep_order_and_place, setup, teardown),
        cmocka_unit_test_setup_teardown(copies_are_equal_and_keep_places, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_name_the_place, setup, teardown),
        cmocka_unit_test_setup_teardown(yaml_is_quoted_where_a_reader_could_err, setup, teardown),
        cmocka_unit_test_setup_teardown(yaml_mixes_flow_and_block, setup, teardown),
        cmocka_unit_test_setup_teardown(every_failing_allocation_is_reported, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
