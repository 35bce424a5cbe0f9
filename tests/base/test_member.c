/* Members: every kind of row, and every way in which a recipe can be wrong about one. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/member.h"

static const gr_row rows[] = {
    {.name = "beta2",
     .kind = GR_ROW_REAL,
     .value = "0.999",
     .range = "[0,1)",
     .unit = "1",
     .help = "decay of the second moment"},
    {.name = "eps",
     .kind = GR_ROW_REAL,
     .value = "1e-3",
     .range = "(0,1]",
     .unit = "gradient",
     .help = "added to the root",
     .paper = "1e-8",
     .torch = "none"},
    {.name = "units", .kind = GR_ROW_INT, .value = "64", .range = "[1,1000000]", .unit = "units", .help = "outputs"},
    {.name = "levels", .kind = GR_ROW_INT, .value = "1", .range = "{1,2,4}", .unit = "", .help = "levels"},
    {.name = "bias", .kind = GR_ROW_BOOL, .value = "true", .range = "", .unit = "", .help = "with a bias"},
    {.name = "label", .kind = GR_ROW_TEXT, .value = "12", .range = "", .unit = "", .help = "any text"},
    {.name = "file", .kind = GR_ROW_PATH, .value = "none", .range = "", .unit = "", .help = "a file"},
    {.name = "form",
     .kind = GR_ROW_CHOICE,
     .value = "optax",
     .range = "torch|optax|paper",
     .unit = "",
     .help = "which form"},
    {.name = "clip",
     .kind = GR_ROW_CHOICE,
     .value = "none",
     .range = "none|norm|false",
     .unit = "",
     .help = "how to clip"},
    {.name = "kernel",
     .kind = GR_ROW_AXES,
     .value = "3",
     .range = "[1,64]",
     .unit = "pixels",
     .help = "size of the kernel"},
    {.name = "free", .kind = GR_ROW_TREE, .value = "[1, {a: b}]", .range = "anything", .unit = "", .help = "anything"},
};
static const gr_member adam = {
    .family = "optimizer", .name = "adam", .title = "Adam", .cite = "", .equations = "", GR_ROWS(rows)};

static const gr_row needed_rows[] = {
    {.name = "filters", .kind = GR_ROW_INT, .range = "[1,65536]", .unit = "channels", .help = "output channels"}};
static const gr_member conv = {
    .family = "layer", .name = "conv", .title = "Convolution", .cite = "", .equations = "", GR_ROWS(needed_rows)};
static const gr_member flatten = {
    .family = "layer", .name = "flatten", .title = "Flatten", .cite = "", .equations = ""};

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

static void ranges(void **state)
{
    (void)state;
    assert_true(gr__in_range(0, "[0,1)"));
    assert_false(gr__in_range(1, "[0,1)"));
    assert_false(gr__in_range(0, "(0,1]"));
    assert_true(gr__in_range(1, "(0,1]"));
    assert_false(gr__in_range(-0.1, "[0, 1)"));
    assert_true(gr__in_range(1e300, "(0,inf)"));
    assert_false(gr__in_range((double)INFINITY, "(0,inf)"));
    assert_true(gr__in_range((double)INFINITY, "(0,inf]"));
    assert_true(gr__in_range(-5, "(-inf,inf)"));
    assert_false(gr__in_range(-(double)INFINITY, "(-inf,inf)"));
    assert_true(gr__in_range(1.0 / 255, "[1/255,1]"));
    assert_true(gr__in_range(4, "{1,2,4}"));
    assert_true(gr__in_range(1, "{1, 2, 4}"));
    assert_false(gr__in_range(3, "{1,2,4}"));
    assert_true(gr__in_range(-7, ""));
    assert_false(gr__in_range((double)NAN, ""));
    assert_false(gr__in_range((double)NAN, "(-inf,inf)"));
}

static gr_settings make(const gr_member *m, const char *text, gr_preset preset)
{
    gr_settings s = {0};
    test_ok(ctx, gr__settings_make(ctx, b, m, text ? gr__tree_flow(b, text) : NULL, preset, NULL, &s));
    return s;
}

static void defaults_follow_the_preset(void **state)
{
    (void)state;
    gr_settings s = make(&adam, NULL, GR_PRESET_CHAPTER);
    assert_true(gr__setting_real(&s, "beta2") == 0.999);
    assert_true(gr__setting_real(&s, "eps") == 1e-3);
    assert_int_equal(gr__setting_int(&s, "units"), 64);
    assert_true(gr__setting_bool(&s, "bias"));
    assert_string_equal(gr__setting_text(&s, "label"), "12");
    assert_null(gr__setting_text(&s, "file"));
    assert_true(gr__setting_is(&s, "form", "optax"));
    assert_true(gr__setting_is(&s, "clip", "none"));
    assert_true(gr__setting_is(&s, "file", "none"));
    assert_false(gr__setting_is(&s, "free", "none"));
    assert_int_equal(gr__setting_tree(&s, "free")->n, 2);
    for (int i = 0; i < adam.n_rows; i++) assert_false(s.given[i]);

    s = make(&adam, "adam", GR_PRESET_PAPER);
    assert_true(gr__setting_real(&s, "eps") == 1e-8);
    s = make(&adam, "{}", GR_PRESET_TORCH);
    assert_true(isnan(gr__setting_real(&s, "eps")));
    assert_int_equal(gr__setting_int(&s, "eps"), INT64_MIN);
    make(&flatten, "flatten", GR_PRESET_CHAPTER);
}

static void given_values_are_read(void **state)
{
    (void)state;
    gr_settings s = make(&adam,
                         "{type: adam, beta2: 1/4, units: 1e3, bias: false, label: 3.0, file: 7, form: paper, clip: "
                         "false, kernel: [3, 5], levels: 4, eps: none}",
                         GR_PRESET_CHAPTER);
    assert_true(gr__setting_real(&s, "beta2") == 0.25);
    assert_int_equal(gr__setting_int(&s, "units"), 1000);
    assert_false(gr__setting_bool(&s, "bias"));
    assert_string_equal(gr__setting_text(&s, "label"), "3.0");
    assert_string_equal(gr__setting_text(&s, "file"), "7");
    assert_true(gr__setting_is(&s, "clip", "false"));
    assert_int_equal(gr__setting_int(&s, "levels"), 4);
    assert_true(isnan(gr__setting_real(&s, "eps"))); /* absent under some preset, so `none` may be written */
    assert_true(s.given[0]);
    int64_t kernel[3];
    assert_true(gr__setting_axes(ctx, &s, "kernel", kernel, 2));
    assert_int_equal(kernel[0], 3);
    assert_int_equal(kernel[1], 5);
    assert_false(gr__setting_axes(ctx, &s, "kernel", kernel, 3));
    assert_int_equal(gr__error_code(ctx), GR_E_TYPE);
    assert_string_equal(gr_context_error(ctx)->message, "a list of 2 does not fit 3 axes");
    gr_context_clear_error(ctx);
    s = make(&adam, NULL, GR_PRESET_CHAPTER);
    assert_true(gr__setting_axes(ctx, &s, "kernel", kernel, 3));
    assert_true(kernel[0] == 3 && kernel[1] == 3 && kernel[2] == 3);
}

static void wrong_values_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        gr_status code;
        const char *message, *key, *hint;
    } cases[] = {
        {"{beta2: 1.5}", GR_E_RANGE, "1.5 is not in [0, 1)", "optimizer.beta2", "beta2: decay of the second moment"},
        {"{eps: 0}", GR_E_RANGE, "0 is not in (0, 1]", "optimizer.eps", "eps: added to the root, in gradient"},
        {"{beta2: abc}", GR_E_TYPE, "\"abc\" is not a number", "optimizer.beta2", NULL},
        {"{beta2: .nan}", GR_E_TYPE, ".nan is not a number", "optimizer.beta2", NULL},
        {"{beta2: [1]}", GR_E_TYPE, "a list is not a number", "optimizer.beta2", NULL},
        {"{beta2: none}", GR_E_TYPE, "\"none\" is not a number", "optimizer.beta2", NULL},
        {"{beta2: null}", GR_E_TYPE, "nothing is not a number", "optimizer.beta2", NULL},
        {"{beta2: true}", GR_E_TYPE, "true is not a number", "optimizer.beta2", NULL},
        {"{units: 2.5}", GR_E_TYPE, "2.5 is not a whole number", "optimizer.units", NULL},
        {"{units: 0}", GR_E_RANGE, "0 is not in [1, 1000000]", "optimizer.units", NULL},
        {"{units: 1e300}", GR_E_RANGE, "1e300 is not in [1, 1000000]", "optimizer.units", NULL},
        {"{units: .inf}", GR_E_RANGE, ".inf is not in [1, 1000000]", "optimizer.units", NULL},
        {"{levels: 3}", GR_E_RANGE, "3 is not in {1, 2, 4}", "optimizer.levels", NULL},
        {"{bias: yes}", GR_E_TYPE, "\"yes\" is not true or false", "optimizer.bias", NULL},
        {"{bias: 1}", GR_E_TYPE, "1 is not true or false", "optimizer.bias", NULL},
        {"{label: [1]}", GR_E_TYPE, "a list is not text", "optimizer.label", NULL},
        {"{form: optaxx}", GR_E_NAME, "\"optaxx\" is not one of torch, optax, paper", "optimizer.form",
         "did you mean \"optax\"?"},
        {"{form: zzzzzz}", GR_E_NAME, "\"zzzzzz\" is not one of torch, optax, paper", "optimizer.form",
         "form: which form"},
        {"{form: {a: 1}}", GR_E_TYPE, "a map is not one of torch, optax, paper", "optimizer.form", NULL},
        {"{kernel: [3, 0]}", GR_E_RANGE, "0 is not in [1, 64]", "optimizer.kernel[1]", NULL},
        {"{kernel: []}", GR_E_TYPE, "an empty list is not a whole number an axis", "optimizer.kernel", NULL},
        {"{kernel: {a: 1}}", GR_E_TYPE, "a map is not a whole number or a list of them", "optimizer.kernel", NULL},
        {"{bta2: 0.9}", GR_E_KEY, "unknown key \"bta2\"", "optimizer.bta2", "did you mean \"beta2\"?"},
        {"{qqqqqqq: 0.9}", GR_E_KEY, "unknown key \"qqqqqqq\"", "optimizer.qqqqqqq",
         "there are beta2, eps, units, levels, bias, label, file, form, clip, kernel, free"},
        {"[adam]", GR_E_TYPE, "a list is not settings of adam", "optimizer", NULL},
        {"12", GR_E_TYPE, "12 is not settings of adam", "optimizer", NULL},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_tree *root = gr__tree_map(b), *t = gr__tree_flow(b, cases[i].yaml);
        gr__tree_put(b, root, "optimizer", t);
        for (int k = 0; k < t->n; k++) {
            t->child[k]->file = "r.yaml";
            t->child[k]->line = 7 + k;
        }
        gr_settings s = {0};
        gr_status st = gr__settings_make(ctx, b, &adam, t, GR_PRESET_CHAPTER, NULL, &s);
        const gr_error *e = gr_context_error(ctx);
        if (st != cases[i].code) fail_msg("%s gives %s", cases[i].yaml, gr_status_name(st));
        assert_string_equal(e->message, cases[i].message);
        assert_string_equal(e->key, cases[i].key);
        if (cases[i].hint) assert_string_equal(e->hint, cases[i].hint);
        if (t->kind == GR_TREE_MAP && !strchr(cases[i].key, '[')) assert_int_equal(e->line, 7);
        assert_null(s.member);
        gr_context_clear_error(ctx);
    }
}

static void missing_keys_are_named(void **state)
{
    (void)state;
    gr_tree *root = gr__tree_map(b), *t = gr__tree_flow(b, "{type: conv}");
    t->file = "r.yaml";
    t->line = 4;
    gr__tree_put(b, root, "layer", t);
    gr_settings s;
    assert_int_equal(gr__settings_make(ctx, b, &conv, t, GR_PRESET_CHAPTER, NULL, &s), GR_E_MISSING);
    const gr_error *e = gr_context_error(ctx);
    assert_string_equal(e->message, "conv needs \"filters\"");
    assert_string_equal(e->key, "layer.filters");
    assert_string_equal(e->hint, "filters: output channels, in [1, 65536]");
    assert_int_equal(e->line, 4);
    gr_context_clear_error(ctx);
    assert_int_equal(gr__settings_make(ctx, b, &conv, NULL, GR_PRESET_CHAPTER, NULL, &s), GR_E_MISSING);
    assert_string_equal(gr_context_error(ctx)->key, "filters");
    gr_context_clear_error(ctx);
    static const char *const also[] = {"name", "from", NULL};
    test_ok(ctx, gr__settings_make(ctx, b, &conv, gr__tree_flow(b, "{filters: 3, name: c1, from: x}"),
                                   GR_PRESET_CHAPTER, also, &s));
    assert_int_equal(
        gr__settings_make(ctx, b, &conv, gr__tree_flow(b, "{filters: 3, nam: c1}"), GR_PRESET_CHAPTER, also, &s),
        GR_E_KEY);
    assert_string_equal(gr_context_error(ctx)->hint, "did you mean \"name\"?");
    gr_context_clear_error(ctx);
    assert_int_equal(gr__settings_make(ctx, b, &flatten, gr__tree_flow(b, "{x: 3}"), GR_PRESET_CHAPTER, NULL, &s),
                     GR_E_KEY);
    assert_string_equal(gr_context_error(ctx)->hint, "flatten has no settings");
    gr_context_clear_error(ctx);
}

static void resolved_settings_read_back(void **state)
{
    (void)state;
    for (int preset = 0; preset < 3; preset++) {
        gr_settings s = make(&adam, "{type: adam, beta2: 1/4, kernel: [3, 5]}", (gr_preset)preset), again;
        gr_tree *t = gr__settings_tree(b, &s);
        assert_non_null(t);
        assert_int_equal(t->n, adam.n_rows + 1);
        assert_string_equal(gr__tree_get(t, "type")->text, "adam");
        assert_string_equal(gr__tree_get(t, "beta2")->text, "1/4");
        assert_string_equal(gr__tree_get(t, "file")->text, "none");
        test_ok(ctx, gr__settings_make(ctx, b, &adam, t, GR_PRESET_CHAPTER, NULL,
                                       &again)); /* resolved means: under any preset */
        assert_true(gr__tree_equal(t, gr__settings_tree(b, &again)));
    }
}

static void members_are_found(void **state)
{
    (void)state;
    const gr_member *const all[] = {&adam, &conv, &flatten}, *found = NULL;
    test_ok(ctx, gr__member_find(ctx, "layer", all, 3, "conv", NULL, &found));
    assert_ptr_equal(found, &conv);
    assert_int_equal(gr__member_find(ctx, "layer", all, 3, "flaten", NULL, &found), GR_E_NAME);
    assert_string_equal(gr_context_error(ctx)->message, "unknown layer \"flaten\"");
    assert_string_equal(gr_context_error(ctx)->hint, "did you mean \"flatten\"?");
    gr_context_clear_error(ctx);
    assert_int_equal(gr__member_find(ctx, "layer", all, 3, "wwwwwwww", NULL, &found), GR_E_NAME);
    assert_string_equal(gr_context_error(ctx)->hint, "there are adam, conv, flatten");
    gr_context_clear_error(ctx);
    assert_int_equal(gr__member_find(ctx, "layer", NULL, 0, "conv", NULL, &found), GR_E_NAME);
    gr_context_clear_error(ctx);
    assert_ptr_equal(found, &conv);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 100; k++) {
        gr__bump *own = gr__bump_create(ctx);
        gr__fail_acquisition(ctx, k);
        gr_settings s = {0};
        gr_status st = gr__settings_make(ctx, own, &adam, NULL, GR_PRESET_CHAPTER, NULL, &s);
        bool made = st == GR_OK && gr__settings_tree(own, &s);
        gr__fail_acquisition(ctx, 0);
        gr__bump_destroy(own);
        if (made) return;
        assert_int_equal(gr__error_code(ctx), GR_E_MEMORY);
        gr_context_clear_error(ctx);
    }
    fail_msg("never succeeds");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test_setup_teardown(defaults_follow_the_preset, setup, teardown),
        cmocka_unit_test_setup_teardown(given_values_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_values_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_keys_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(resolved_settings_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(members_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(every_failing_allocation_is_reported, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
