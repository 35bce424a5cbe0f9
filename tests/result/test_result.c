/* A result as text, JSON and CSV: one description of its columns, each presenter takes what is its own. */
#include <math.h>
#include <string.h>

#include "result/result.h"
#include "test.h"

typedef struct spread {
    double mean, variance;
} spread;
typedef struct layer {
    const char *name;
    char kind[8];
    int64_t count;
    int depth;
    bool frozen;
    spread activation;
    gr_list shape;
} layer;

static double halves(const void *row)
{
    return 0.5 * (double)((const layer *)row)->count;
}

static const char *const frozen_words[] = {"", "frozen"}, *const depth_words[] = {"low", "high"};
static const gr_column columns[] = {
    GR_COLUMN(layer, name, TEXT, "name", GR_SHOWN("layer", -6), .digits = 6),
    GR_COLUMN(layer, kind, CHARS, "kind"),
    GR_COLUMN(layer, count, WHOLE, "count", GR_SHOWN("count", 6)),
    GR_COLUMN(layer, depth, INT, "depth", .words = depth_words),
    GR_COLUMN(layer, activation.mean, REAL, "activation/mean", GR_SHOWN("mean", 9), .digits = 3, .none = "-"),
    GR_COLUMN(layer, activation.variance, REAL, "activation/variance", GR_SHOWN("var", 8), .digits = 1, .style = 'e'),
    GR_COLUMN(layer, count, REAL, NULL, GR_SHOWN("halves", 6), .digits = 1, .style = 'f', .number = halves),
    GR_COLUMN(layer, frozen, TRUTH, "frozen"),
    GR_COLUMN(layer, frozen, TRUTH, NULL, GR_SHOWN("", 0), .words = frozen_words, .gap = 1),
    GR_COLUMN(layer, shape, LIST, "shape"),
};
static const int64_t shape[] = {2, 3};
static const layer layers[] = {
    {"conv", "k1", 54, 0, false, {0.125, 2}, {.whole = shape, .n = 2}},
    {"a\"long", "k\n", INT64_C(9007199254740993), 1, true, {NAN, INFINITY}, {0}},
};

static void fill(gr_context *ctx, gr_result *r)
{
    static const double x[] = {0.5, NAN};
    test_ok(ctx, gr__result_open(ctx, "thing", r));
    gr__result_note(r, "%d layers\n\n", 2);
    gr__result_put(r, "title=%s nothing bytes/total=%g", "\xFF<t>", 0.1);
    r->within = "bytes/"; /* and names of any length within each other */
    gr__result_put(r, "whole=%jd small=%d", INT64_C(9007199254740993), -3);
    r->within = NULL;
    gr__result_table(r, "layers", columns, (int)GR_COUNT(columns), layers, 2, sizeof *layers);
    gr__result_list(r, "numbers", (gr_list){.real = x, .n = 2});
    gr__result_json(r, "tree", json_pack("{s:[i]}", "a", 1));
    gr__result_put(r, "passed=%u wrong=%u", true, false);
    gr__result_note(r, "done\n");
}

static void one_result_is_text_and_json(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_result r;
    gr__text t;
    fill(ctx, &r);
    gr__text_init(&t, ctx);
    test_ok(ctx, gr__present_text(&r, &t));
    assert_string_equal(t.s, "2 layers\n\n"
                             "layer   count      mean      var halves\n"
                             "conv       54     0.125  2.0e+00   27.0\n"
                             "a\"long 9007199254740993         -      inf 4503599627370496.0  frozen\n"
                             "done\n");
    gr__text_free(&t);
    test_ok(ctx, gr__present_json(&r, &t));
    assert_string_equal(
        t.s,
        "{\"title\":\"\\ufffd<t>\",\"nothing\":null,\"bytes\":{\"total\":0.1,\"whole\":9007199254740993,\"small\":-3},"
        "\"layers\":[{\"name\":\"conv\",\"kind\":\"k1\",\"count\":54,\"depth\":\"low\",\"activation\":{\"mean\":0.125,"
        "\"variance\":2},\"frozen\":false,\"shape\":[2,3]},"
        "{\"name\":\"a\\\"long\",\"kind\":\"k\\n\",\"count\":9007199254740993,\"depth\":\"high\",\"activation\":"
        "{\"mean\":null,\"variance\":null},\"frozen\":true,\"shape\":[]}],"
        "\"numbers\":[0.5,null],\"tree\":{\"a\":[1]},\"passed\":true,\"wrong\":false}");
    gr__text_free(&t);
    gr__result_close(&r);
    test_context_end(ctx);
}

static void structs_become_csv(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const gr_column some[] = {
        GR_COLUMN(layer, name, TEXT, "name"),
        GR_COLUMN(layer, count, WHOLE, "count", .unit = "numbers"),
        GR_COLUMN(layer, depth, INT, NULL, GR_SHOWN("depth", 5)),
        GR_COLUMN(layer, activation.mean, REAL, "mean"),
        GR_COLUMN(layer, frozen, TRUTH, "frozen"),
    };
    const gr_table table = {.columns = some, .n_columns = 5, .rows = layers, .n = 2, .row_bytes = sizeof *layers};
    gr__text t;
    gr__text_init(&t, ctx);
    test_ok(ctx, gr__table_csv(&table, &t));
    assert_string_equal(t.s, "name,count [numbers],mean,frozen\nconv,54,0.125,no\n"
                             "\"a\"\"long\",9007199254740993,,yes\n");
    gr__text_free(&t);
    test_context_end(ctx);
}

static const char *const words[] = {"plain", "with, comma", "with \"quotes\"", NULL};
static const gr_column numbers[] = {GR_NUMBER("kind", "", words), GR_NUMBER("step", "updates", NULL),
                                    GR_NUMBER("cost", "", NULL)};

static void fill_numbers(gr_context *ctx, gr_result *r)
{
    test_ok(ctx, gr__result_open(ctx, "thing", r));
    gr_table *t = gr__result_numbers(r, "n", "numbers", numbers, 3);
    gr__result_row(r, t, (const double[]){0, 1, 0.1});
    gr__result_row(r, t, (const double[]){1, 2, NAN});
    gr__result_row(r, t, (const double[]){2, 3, INFINITY});
}

static void numbers_become_csv(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_result r;
    gr__text t;
    fill_numbers(ctx, &r);
    gr__text_init(&t, ctx);
    test_ok(ctx, gr__table_csv(r.tables, &t));
    assert_string_equal(t.s,
                        "kind,step [updates],cost\nplain,1,0.1\n\"with, comma\",2,\n\"with \"\"quotes\"\"\",3,inf\n");
    gr__text_free(&t);
    gr__result_close(&r);
    test_context_end(ctx);
}

/* A drawing takes the numbers of the rows that it names, and what it names must be there. */
static void drawings_take_columns(void **state)
{
    (void)state;
    const struct {
        gr_curve curve;
        const char *name, *says;
    } wrong[] = {
        {{.table = "m", .x = "step", .y = "cost"}, NULL, "table m"},
        {{.x = "step", .y = "cost"}, NULL, "of its own name"},
        {{.table = "n", .x = "steps", .y = "cost"}, NULL, "column steps"},
        {{.table = "n", .x = "step", .y = "costs"}, NULL, "column costs"},
        {{.table = "n", .x = "step", .y = "cost", .where = "step", .is = "1"}, NULL, "rows by step"},
        {{.table = "n", .mark = GR_MARK_CONTOUR, .x = "step", .y = "kind", .z = "height"}, NULL, "column height"},
        {{.table = "n", .x = "step", .y = "cost"}, "a/b", "no file can be called \"a/b\""},
    };
    gr_context *ctx = test_context();
    gr_result r;
    fill_numbers(ctx, &r);
    gr__result_draw(
        &r, &(gr_panel){.curve = {{.table = "n", .x = "step", .y = "kind"},
                                  {.table = "n", .x = "kind", .y = "step", .where = "kind", .is = "with, comma"}}});
    test_ok(ctx, r.failed);
    const gr_plot *p = &r.drawings->plot;
    assert_true(p->n_series == 2 && p->series[0].n == 3 && p->series[0].x[2] == 3 && p->series[0].y[2] == 2);
    assert_true(p->series[1].n == 1 && p->series[1].x[0] == 1 && p->series[1].y[0] == 2);
    gr__result_close(&r);
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        gr_context_clear_error(ctx);
        fill_numbers(ctx, &r);
        gr__result_draw(&r, &(gr_panel){.name = wrong[i].name, .curve = {wrong[i].curve}});
        assert_int_equal(r.failed, GR_E_INTERNAL);
        if (!strstr(gr_context_error(ctx)->message, wrong[i].says))
            fail_msg("%s does not say %s", gr_context_error(ctx)->message, wrong[i].says);
        gr__result_close(&r);
    }
    test_context_end(ctx);
}

static void findings_are_counted(void **state)
{
    (void)state;
    gr_finding f[3] = {{.id = "A"}, {.id = "B"}, {.id = "C"}};
    const gr_finding *first;
    assert_int_equal(gr__findings_failed(f, 3, &first), 0);
    assert_null(first);
    gr__finding_set(&f[1], GR_VERDICT_FAILED, 1, 2, "b %d\n", 1);
    gr__finding_set(&f[2], GR_VERDICT_FAILED, 1, 2, "c");
    gr__finding_set(&f[0], GR_VERDICT_WARNING, 1, 2, "a");
    assert_int_equal(gr__findings_failed(f, 3, &first), 2);
    assert_ptr_equal(first, &f[1]);
    assert_string_equal(f[1].message, "b 1\\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_result_is_text_and_json), cmocka_unit_test(structs_become_csv),
        cmocka_unit_test(numbers_become_csv),          cmocka_unit_test(drawings_take_columns),
        cmocka_unit_test(findings_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
