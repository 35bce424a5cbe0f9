/* YAML to trees: kinds, places, aliases, variables, bounds. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/yaml.h"
#include "test.h"

typedef struct fixture {
    gr_context *ctx;
    gr__bump *b;
} fixture;

static fixture begin(void)
{
    fixture f = {test_context(), NULL};
    f.b = gr__bump_create(f.ctx);
    assert_non_null(f.b);
    return f;
}

static void end(fixture *f)
{
    gr__bump_destroy(f->b);
    assert_int_equal(gr__bookkeeping_bytes(f->ctx), 0);
    test_context_end(f->ctx);
}

static gr_tree *parse(fixture *f, const char *text)
{
    gr_tree *t = NULL;
    test_ok(f->ctx, gr__yaml_parse(f->ctx, f->b, "t.yaml", text, strlen(text), &t));
    assert_non_null(t);
    return t;
}

static void test_kinds(void **state)
{
    (void)state;
    fixture f = begin();
    gr_tree *t = parse(
        &f,
        "a: 12\nb: 1/255\nc: true\nd: text\ne: '12'\nf: \"x\\ty\"\ng: [1, [2]]\nh: {i: ~}\nj:\nk: |\n  two\n  lines\n");
    static const struct {
        const char *key;
        gr_tree_kind kind;
        const char *text;
    } want[] = {{"a", GR_TREE_INT, "12"},           {"b", GR_TREE_REAL, "1/255"}, {"c", GR_TREE_BOOL, "true"},
                {"d", GR_TREE_TEXT, "text"},        {"e", GR_TREE_TEXT, "12"},    {"f", GR_TREE_TEXT, "x\ty"},
                {"g", GR_TREE_LIST, NULL},          {"h", GR_TREE_MAP, NULL},     {"j", GR_TREE_NULL, ""},
                {"k", GR_TREE_TEXT, "two\nlines\n"}};
    assert_int_equal(t->n, GR_COUNT(want));
    for (size_t i = 0; i < GR_COUNT(want); i++) {
        const gr_tree *v = gr__tree_get(t, want[i].key);
        assert_int_equal(v->kind, want[i].kind);
        if (want[i].text) assert_string_equal(v->text, want[i].text);
    }
    end(&f);
}

static void test_places(void **state)
{
    (void)state;
    fixture f = begin();
    char path[64];
    gr_tree *t = parse(&f, "# comment\na: 1\nb:\n  - x\n  - {c: 2,   d: 3}\n");
    const gr_tree *list = gr__tree_get(t, "b"), *d = gr__tree_get(list->child[1], "d");
    assert_string_equal(d->file, "t.yaml");
    assert_int_equal(d->line, 5);
    assert_int_equal(d->column, 14); /* of the key */
    assert_int_equal(list->child[0]->line, 4);
    assert_int_equal(list->child[0]->column, 5); /* of the value */
    assert_int_equal(list->line, 3);
    assert_string_equal(gr__tree_path(d, path, sizeof path), "b[1].d");
    end(&f);
}

static void test_json(void **state)
{
    (void)state;
    fixture f = begin();
    gr_tree *t =
        parse(&f, "data: {\"train\": {\"type\": \"npy\", \"x\": \"a b\"}, \"n\": [1, 2.5, true, null, \"1\"]}\n");
    const gr_tree *n = gr__tree_get(gr__tree_get(t, "data"), "n");
    static const gr_tree_kind want[] = {GR_TREE_INT, GR_TREE_REAL, GR_TREE_BOOL, GR_TREE_NULL, GR_TREE_TEXT};
    t = parse(&f, "{\"by\": \"1/255\", \"path\": \"1/a\", \"text\": \"12\"}\n"); /* JSON has no fractions */
    assert_true(gr__tree_get(t, "by")->kind == GR_TREE_REAL && gr__tree_get(t, "by")->number == 1.0 / 255);
    assert_int_equal(gr__tree_get(t, "path")->kind, GR_TREE_TEXT);
    assert_int_equal(gr__tree_get(t, "text")->kind, GR_TREE_TEXT);
    assert_int_equal(n->n, 5);
    for (int i = 0; i < 5; i++) assert_int_equal(n->child[i]->kind, want[i]);
    end(&f);
}

/* Single quotes are read by our own code: doubled quotes, folded lines. */
static void test_single_quotes(void **state)
{
    (void)state;
    fixture f = begin();
    static const struct {
        const char *yaml, *text;
    } cases[] = {{"a: ''", ""},
                 {"a: ''''", "'"},
                 {"a: 'it''s'", "it's"},
                 {"a: ''''''''", "'''"},
                 {"a: ' b '", " b "},
                 {"a: 'x\n  y'", "x y"},
                 {"a: 'x  \n\n  y'", "x\ny"},
                 {"a: 'x\n\n\n  y '", "x\n\ny "},
                 {"a: 'x\n  '", "x "},
                 {"a: '\n  x'", " x"},
                 {"a: '\\n'", "\\n"},
                 {"a: '\xc3\xa9''\xc3\xa9'", "\xc3\xa9'\xc3\xa9"},
                 {"a: 'x\r\n  y'", "x y"},
                 {"a: '##\t \n\n '", "##\n"},
                 {"a: '\xc3\xa9 ''''\xc3\xa9'", "\xc3\xa9 ''\xc3\xa9"}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        const gr_tree *t = gr__tree_get(parse(&f, cases[i].yaml), "a");
        assert_int_equal(t->kind, GR_TREE_TEXT);
        assert_string_equal(t->text, cases[i].text);
    }
    const gr_tree *t = parse(&f, "- 'a'\n- \"b\"\n- {'k''k':   1}\n");
    assert_int_equal(t->child[0]->column, 3); /* of the quote */
    assert_int_equal(t->child[1]->column, 3);
    assert_string_equal(t->child[2]->key[0], "k'k");
    assert_int_equal(t->child[2]->child[0]->column, 4);
    end(&f);
}

static void test_aliases(void **state)
{
    (void)state;
    fixture f = begin();
    gr_tree *t = parse(&f, "a: &x {k: [1, 2]}\nb: *x\nc: &x 7\nd: *x\n");
    assert_true(gr__tree_equal(gr__tree_get(t, "a"), gr__tree_get(t, "b")));
    assert_ptr_not_equal(gr__tree_get(t, "a"), gr__tree_get(t, "b"));
    assert_int_equal(gr__tree_get(t, "b")->line, 2);
    assert_string_equal(gr__tree_get(t, "d")->text, "7"); /* the latest anchor of a name */
    end(&f);
}

static void test_variables(void **state)
{
    (void)state;
    fixture f = begin();
    setenv("GRADUS_TEST_A", "12", 1);
    setenv("GRADUS_TEST_E", "", 1);
    unsetenv("GRADUS_TEST_U");
    gr_tree *t = parse(&f, "a: ${GRADUS_TEST_A}\nb: \"${GRADUS_TEST_A}\"\nc: ${GRADUS_TEST_U:-x}/y\nd: $5 {}\ne: "
                           "${GRADUS_TEST_E:-empty}\nf: '${GRADUS_TEST_E}'\n"
                           "g: \"${GRADUS_TEST_A}${GRADUS_TEST_A}-\"\n");
    static const struct {
        const char *key;
        gr_tree_kind kind;
        const char *text;
    } want[] = {{"a", GR_TREE_INT, "12"},     {"b", GR_TREE_TEXT, "12"},    {"c", GR_TREE_TEXT, "x/y"},
                {"d", GR_TREE_TEXT, "$5 {}"}, {"e", GR_TREE_TEXT, "empty"}, {"f", GR_TREE_TEXT, ""},
                {"g", GR_TREE_TEXT, "1212-"}};
    for (size_t i = 0; i < GR_COUNT(want); i++) {
        assert_int_equal(gr__tree_get(t, want[i].key)->kind, want[i].kind);
        assert_string_equal(gr__tree_get(t, want[i].key)->text, want[i].text);
    }
    end(&f);
}

static void refused(fixture *f, const char *text, size_t n, gr_status code)
{
    gr_tree *t = NULL;
    assert_int_equal(gr__yaml_parse(f->ctx, f->b, "t.yaml", text, n, &t), code);
    assert_null(t);
    assert_int_equal(gr__error_code(f->ctx), code);
    gr_context_clear_error(f->ctx);
}

static void test_bounds(void **state)
{
    (void)state;
    fixture f = begin();
    char *big = calloc(1, (2 << 20) + 8);
    memset(big, '#', (1 << 20) + 1);
    refused(&f, big, (1 << 20) + 1, GR_E_SYNTAX); /* bytes */
    size_t n = (size_t)sprintf(big, "a: [");
    for (int i = 0; i < 60000; i++) n += (size_t)sprintf(big + n, "1,");
    n += (size_t)sprintf(big + n, "]");
    refused(&f, big, n, GR_E_RANGE); /* values */
    n = 0;
    for (int i = 0; i < 1100; i++) n += (size_t)sprintf(big + n, "k%d: 1\n", i);
    refused(&f, big, n, GR_E_RANGE); /* keys */
    n = (size_t)sprintf(big, "a: &a %*s\nb: [", 200000, "x");
    for (int i = 0; i < 2000; i++) n += (size_t)sprintf(big + n, "*a,");
    n += (size_t)sprintf(big + n, "]\n");
    memset(big + 6, 'y', 199999);
    refused(&f, big, n, GR_E_RANGE); /* text that aliases repeat */
    setenv("GRADUS_TEST_LONG", big + 6, 1);
    refused(&f, "a: ${GRADUS_TEST_LONG}", 22, GR_E_RANGE);
    setenv("GRADUS_TEST_LONG", "a\xff", 1);
    refused(&f, "a: ${GRADUS_TEST_LONG}", 22, GR_E_RANGE);
    setenv("GRADUS_TEST_LONG", "${HOME}", 1);
    refused(&f, "a: ${GRADUS_TEST_LONG}", 22, GR_E_RANGE);
    unsetenv("GRADUS_TEST_LONG");
    refused(&f, "a: \"b\\0c\"", 9, GR_E_SYNTAX); /* NUL through an escape */
    refused(&f, "a: b\0c", 6, GR_E_SYNTAX);
    free(big);
    end(&f);
}

static void test_text_check(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        bool good;
    } cases[] = {{"", true},
                 {"abc\n\t\r", true},
                 {"\xc3\xa9", true},
                 {"\xe2\x82\xac", true},
                 {"\xf0\x9f\x8e\x93", true},
                 {"\xc0\x80", false},
                 {"\xe0\x80\x80", false},
                 {"\xed\xa0\x80", false},
                 {"\xf4\x90\x80\x80", false},
                 {"\xf5\x80\x80\x80", false},
                 {"\xc3", false},
                 {"\xe2\x82", false},
                 {"\x7f", false},
                 {"\xc2\x85", false},
                 {"\x80", false}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        size_t at;
        assert_int_equal(gr__is_text(cases[i].s, strlen(cases[i].s), &at), cases[i].good);
    }
}

/* Failing each acquisition is an error, never a crash or a leak. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char text[] = "a: &x {k: [1, 2]}\nb: *x\nc: ${GRADUS_TEST_U:-y}\n";
    gr_status st = GR_E_MEMORY;
    unsetenv("GRADUS_TEST_U");
    for (uint64_t k = 1; st != GR_OK; k++) {
        gr_context *ctx = test_context();
        gr_tree *t = NULL;
        gr__bump *b = gr__bump_create(ctx);
        gr__fail_acquisition(ctx, k);
        st = gr__yaml_parse(ctx, b, "t.yaml", text, sizeof text - 1, &t);
        gr__fail_acquisition(ctx, 0);
        assert_true(st == GR_OK || st == GR_E_MEMORY);
        gr__bump_destroy(b);
        assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
        test_context_end(ctx);
        assert_true(k < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_places),     cmocka_unit_test(test_json),
        cmocka_unit_test(test_single_quotes), cmocka_unit_test(test_aliases),    cmocka_unit_test(test_variables),
        cmocka_unit_test(test_bounds),        cmocka_unit_test(test_text_check), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
