/* Metadata of model files: JSON that any reader takes, read back to the same; damaged or hostile, refused as the file's
 * fault. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "test.h"

static char folder[64], path[96];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gradus-test-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* ---- trees ---- */

static gr_tree *random_tree(gr__bump *b, gr__rng *r, int depth)
{
    static const char *const scalars[] = {"null",
                                          "true",
                                          "false",
                                          "0",
                                          "-7",
                                          "0x1F",
                                          "1e3",
                                          "4/2",
                                          "1/255",
                                          "1e-05",
                                          "2.0",
                                          "-.5",
                                          ".inf",
                                          "-.inf",
                                          "3.25",
                                          "1e300",
                                          "007",
                                          "9007199254740993",
                                          "18446744073709551615",
                                          "123456789012345678901234567890"};
    static const char *const texts[] = {
        "",  "none",         "1 epoch",          "0.5", "true", "null", "a: b",     "- x", "é\"\\\n\t\x01\x7f", "{",
        "#", "\xe2\x80\xa8", "\xf0\x9f\x98\x80", "~",   "1e5",  "*",    "/dev/null"};
    uint64_t kind = gr__rng_below(r, depth > 0 ? 6 : 4);
    if (kind < 2) return gr__tree_scalar(b, scalars[gr__rng_below(r, GR_COUNT(scalars))]);
    if (kind < 4) return gr__tree_text(b, texts[gr__rng_below(r, GR_COUNT(texts))]);
    gr_tree *t = kind == 4 ? gr__tree_list(b) : gr__tree_map(b);
    for (uint64_t i = 0, n = gr__rng_below(r, 5); i < n; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s%d", texts[gr__rng_below(r, GR_COUNT(texts))], (int)i);
        if (kind == 4)
            assert_true(gr__tree_push(b, t, random_tree(b, r, depth - 1)));
        else
            assert_true(gr__tree_put(b, t, key, random_tree(b, r, depth - 1)));
    }
    return t;
}

static void trees_come_back_from_json(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__rng r = gr__rng_make(3, "trees", 0, 0);
    for (int i = 0; i < 3000; i++) {
        gr__bump *b = gr__bump_create(ctx);
        gr_tree *t = gr__tree_map(b), *back;
        assert_true(gr__tree_put(b, t, "k", random_tree(b, &r, 4)));
        gr__text text;
        gr__text_init(&text, ctx);
        gr__tree_json(&text, t);
        json_error_t error;
        json_t *o = json_loads(text.s, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
        if (!o) fail_msg("not JSON: %s: %s", error.text, text.s);
        json_decref(o);
        test_ok(ctx, gr__json_tree(ctx, b, "m", text.s, &back));
        if (!gr__tree_equal(t, back)) fail_msg("not the same: %s", text.s);
        gr__text_free(&text);
        gr__bump_destroy(b);
    }
    test_context_end(ctx);
}

/* ---- files ---- */

#define RECIPE                                                                                                       \
    "{\"gradus\": 1, \"data\": {\"train\": {\"type\": \"npy\", \"inputs\": \"x\", \"targets\": \"y\"}}, \"model\": " \
    "{\"input\": [4], \"layers\": [{\"type\": \"dense\", \"units\": 2}]}}"
#define PREPARE "[{\"type\": \"standardize\", \"mean\": [1, 2, 3, 4.5], \"std\": [1, 0.5, 0, 1e-3]}]"

static gr_status open_with(gr_context *ctx, const gr_st_pair *meta, int n, gr_model *m)
{
    test_ok(ctx, gr__st_write(ctx, path, NULL, 0, meta, n));
    return gr__model_open(ctx, path, m);
}

/* Mean and deviation alone say what `standardize` is by; the older form of YAML says the same. */
static void either_form_is_read(void **state)
{
    (void)state;
    static const char *const forms[] = {
        PREPARE, "- type: standardize\n  mean: [1, 2, 3, 4.5]\n  std: [1, 0.5, 0, 1e-3]\n",
        ("- {type: standardize, sub: [1, 2, 3, 4.5], mul: [1, 2, 1, 1000], mean: [1, 2, 3, 4.5], std: [1, 0.5, 0, "
         "1e-3]}\n")};
    static const double mean[] = {1, 2, 3, 4.5}, mul[] = {1, 2, 1, 1000};
    for (size_t i = 0; i < GR_COUNT(forms); i++) {
        gr_context *ctx = test_context();
        gr_model m;
        const gr_st_pair meta[] = {{"gradus.recipe", RECIPE}, {"gradus.prepare", forms[i]}};
        test_ok(ctx, open_with(ctx, meta, 2, &m));
        assert_int_equal(m.meaning.n_prepared[0], 1);
        assert_int_equal(m.meaning.prepared[0][0].n[0], 4);
        assert_memory_equal(gr__prepared_list(&m.meaning.prepared[0][0], "sub", NULL), mean, sizeof mean);
        assert_memory_equal(gr__prepared_list(&m.meaning.prepared[0][0], "mean", NULL), mean, sizeof mean);
        assert_memory_equal(gr__prepared_list(&m.meaning.prepared[0][0], "mul", NULL), mul, sizeof mul);
        gr__model_close(&m);
        test_context_end(ctx);
    }
}

static void refused(gr_context *ctx, const gr_st_pair *meta, int n, const char *key)
{
    gr_model m;
    gr_status st = open_with(ctx, meta, n, &m);
    const char *message = gr_context_error(ctx)->message;
    if (st != GR_E_FORMAT) fail_msg("%s: %s", gr_status_name(st), meta[n - 1].value);
    assert_int_equal(gr_status_exit_code(st), 3);
    if (!strstr(message, "does not hold a sound model") || !strstr(message, key))
        fail_msg("%s: %s", message, meta[n - 1].value);
    assert_null(strchr(message, '\n'));
    gr_context_clear_error(ctx);
}

/* Cut anywhere. */
static void what_is_cut_is_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    char cut[512];
    for (size_t i = 1; i + 1 < sizeof RECIPE; i++) {
        memcpy(cut, RECIPE, i), cut[i] = 0;
        refused(ctx, (const gr_st_pair[]){{"gradus.recipe", cut}, {"gradus.prepare", "[]"}}, 2, "gradus.recipe");
    }
    for (size_t i = 1; i + 1 < sizeof PREPARE; i++) {
        memcpy(cut, PREPARE, i), cut[i] = 0;
        refused(ctx, (const gr_st_pair[]){{"gradus.recipe", RECIPE}, {"gradus.prepare", cut}}, 2, "gradus.prepare");
    }
    test_context_end(ctx);
}

static void hostile_values_are_refused(void **state)
{
    (void)state;
    static const gr_st_pair cases[] = {
        {"gradus.recipe", "[]"},
        {"gradus.recipe", "{}"},
        {"gradus.recipe", "{\"gradus\": 1, \"gradus\": 1}"},
        {"gradus.recipe", "{\"gradus\": \"x\"}"},
        {"gradus.recipe", "{\"gradus\": 1e999}"},
        {"gradus.recipe", "{\"gradus\": 1, \"data\": 5, \"model\": 6}"},
        {"gradus.prepare", "{}"},
        {"gradus.prepare", "[1]"},
        {"gradus.prepare", "[{}]"},
        {"gradus.prepare", "[{\"type\": 7}]"},
        {"gradus.prepare", "[{\"type\": \"standardise\"}]"},
        {"gradus.prepare", "[{\"type\": \"standardize\"}]"},
        {"gradus.prepare", "[{\"type\": \"standardize\", \"mean\": [1]}]"},
        {"gradus.prepare", "[{\"type\": \"standardize\", \"mean\": 1, \"std\": 1}]"},
        {"gradus.prepare", "[{\"type\": \"standardize\", \"mean\": [1], \"std\": [1, 2]}]"},
        {"gradus.prepare", "[{\"type\": \"standardize\", \"mean\": [\"a\"], \"std\": [1]}]"},
        {"gradus.prepare", "[{\"type\": \"standardize\", \"mean\": [1e999], \"std\": [1]}]"},
        {"gradus.prepare", "[{\"type\": \"standardize\", \"mean\": [null], \"std\": [1]}]"},
        {"gradus.prepare", "[{\"type\": \"standardize\", \"mean\": [\".inf\"], \"std\": [1]}]"},
        {"gradus.prepare", "[{\"type\": \"standardize\", \"mean\": [1], \"std\": [-1]}]"},
        {"gradus.prepare", "[{\"type\": \"scale\", \"mul\": [1, 2, 3]}]"},
        {"gradus.prepare", "[{\"type\": \"scale\", \"mul\": []}]"},
        {"gradus.prepare", "[{\"type\": \"scale\", \"mul\": [{}]}]"},
        {"gradus.prepare", "[{\"type\": \"scale\", \"mul\": [1], \"more\": [1]}]"},
        {"gradus.prepare", "[{\"type\": \"scale\", \"mul\": [1]}] x"},
        {"gradus.prepared_in_float64", "{}"},
        {"gradus.prepared_in_float64", "[\"other\"]"},
        {"gradus.prepared_in_float64", "[[]]"},
        {"gradus.prepared_in_float64", "[null]"},
        {"gradus.classes", "[\"a\", 1]"},
        {"gradus.class_counts", "[99999999999999999999]"},
        {"gradus.class_counts", "[9223372036854775807, 1]"},
    };
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_st_pair meta[3] = {{"gradus.recipe", RECIPE}, {"gradus.prepare", "[]"}};
        int n = 2;
        if (strcmp(cases[i].key, "gradus.recipe") == 0)
            meta[0] = cases[i];
        else if (strcmp(cases[i].key, "gradus.prepare") == 0)
            meta[1] = cases[i];
        else
            meta[n++] = cases[i];
        refused(ctx, meta, n, cases[i].key);
    }
    test_context_end(ctx);
}

/* What stands in a file twice must say the same twice; which of the two is meant nobody can know. */
static void contradictions_are_refused(void **state)
{
    (void)state;
#define STEP(fields) "[{\"type\": \"standardize\", " fields "}]"
#define COST(cost)                                                                                        \
    "{\"gradus\": 1, \"data\": {\"train\": {\"type\": \"npy\", \"inputs\": \"x\", \"targets\": \"y\"}}, " \
    "\"cost\": \"" cost "\", \"model\": {\"input\": [4], \"layers\": [{\"type\": \"dense\", \"units\": 1}]}}"
    static const struct {
        const char *recipe, *prepare, *classes, *counts, *says; /* NULL: the model is sound */
    } cases[] = {
        {RECIPE, STEP("\"sub\": [1], \"mul\": [2], \"mean\": [1.5], \"std\": [0.5]"), NULL, NULL,
         "mean[0] is 1.5, sub[0] is 1"},
        {RECIPE, STEP("\"sub\": [1, 1, 1, 1], \"mul\": [2, 2, 2, 2], \"mean\": [1, 1, 1, 0]"), NULL, NULL,
         "mean[3] is 0, sub[3] is 1"},
        {RECIPE, STEP("\"sub\": [1], \"mul\": [2], \"std\": [2]"), NULL, NULL, "std[0] is 2, mul[0] is 2"},
        {RECIPE, STEP("\"sub\": [1], \"mul\": [0], \"std\": [0]"), NULL, NULL, "std[0] is 0, mul[0] is 0"},
        {RECIPE, STEP("\"mul\": [2], \"mean\": [1]"), NULL, NULL, "a mean, but no sub"},
        {RECIPE, STEP("\"sub\": [2], \"std\": [1]"), NULL, NULL, "a std, but no mul"},
        {RECIPE, STEP("\"sub\": [0.1], \"mul\": [10], \"mean\": [0.1], \"std\": [0.1]"), NULL, NULL, NULL},
        {RECIPE, STEP("\"sub\": [0.1], \"mul\": [0.33333333333333], \"mean\": [0.1], \"std\": [3]"), NULL, NULL, NULL},
        {RECIPE, STEP("\"sub\": [1], \"mul\": [1], \"mean\": [1], \"std\": [0]"), NULL, NULL, NULL},
        {RECIPE, "[]", "[\"a\", \"b\", \"c\"]", NULL,
         "names 3 classes, but the network of gradus.recipe tells 2 apart"},
        {RECIPE, "[]", "[\"a\", \"b\"]", "[3, 4]", NULL},
        {RECIPE, "[]", "[\"a\"]", NULL, NULL}, /* an output that no class stands for, as training allows */
        {RECIPE, "[]", NULL, "[1, 2, 3]", "counts 3 classes, but the network of gradus.recipe tells 2 apart"},
        {RECIPE, "[]", NULL, "[1]", "counts 1 classes"},
        {COST("binary_cross_entropy"), "[]", "[\"a\", \"b\"]", "[5, 6]", NULL},
        {COST("binary_cross_entropy"), "[]", "[\"a\", \"b\", \"c\"]", NULL, "tells 2 apart"},
        {COST("mse"), "[]", "[\"a\"]", NULL, "names 1 classes, but the cost of gradus.recipe, mse, knows none"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        gr_model m;
        gr_st_pair meta[4] = {{"gradus.recipe", cases[i].recipe}, {"gradus.prepare", cases[i].prepare}};
        int n = 2;
        if (cases[i].classes) meta[n++] = (gr_st_pair){"gradus.classes", cases[i].classes};
        if (cases[i].counts) meta[n++] = (gr_st_pair){"gradus.class_counts", cases[i].counts};
        if (cases[i].says) {
            refused(ctx, meta, n, cases[i].says);
        } else {
            test_ok(ctx, open_with(ctx, meta, n, &m));
            gr__model_close(&m);
        }
        test_context_end(ctx);
    }
}

/* Lists nested deeper than any stack would bear. */
static void depth_is_refused(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    gr_context *ctx = test_context();
    char *deep = malloc(DEEP + 1);
    assert_non_null(deep);
    memset(deep, '[', DEEP);
    deep[DEEP] = '\0';
    refused(ctx, (const gr_st_pair[]){{"gradus.recipe", RECIPE}, {"gradus.prepare", deep}}, 2, "gradus.prepare");
    free(deep);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_come_back_from_json),  cmocka_unit_test(either_form_is_read),
        cmocka_unit_test(what_is_cut_is_refused),     cmocka_unit_test(hostile_values_are_refused),
        cmocka_unit_test(contradictions_are_refused), cmocka_unit_test(depth_is_refused)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
