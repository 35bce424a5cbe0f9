/* Sources and metrics from outside the tree, in a recipe's training and by themselves; figures by name of predictions
 * that somebody else made.  [mission X4, X5] */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/data.h"
#include "gradus/ext/metric.h"
#include "gradus/ext/source.h"
#include "test.h"
#include "train/train.h"

/* ---- figures by name ---- */

static const int32_t truth[] = {0, 0, 1, 1, 2, 2};
static const float guess[6][3] = {{.7F, .2F, .1F}, {.3F, .6F, .1F}, {.1F, .8F, .1F},
                                  {.2F, .5F, .3F}, {.1F, .1F, .8F}, {.5F, .3F, .2F}};

static gr_tally *tally_of(gr_context *ctx, int64_t most)
{
    gr_tally *t = NULL;
    test_ok(ctx,
            gr_tally_create(ctx, &(gr_tally_options){.form = GR_TALLY_CLASSES, .outputs = 3, .max_samples = most}, &t));
    test_ok(ctx, gr_tally_add(t, 4, truth, guess));
    test_ok(ctx, gr_tally_add(t, 2, truth + 4, guess[4]));
    return t;
}

static double figure(gr_context *ctx, gr_tally *t, const char *metric, const char *settings)
{
    double x = -1;
    test_ok(ctx, gr_tally_figure(t, metric, settings, &x));
    return x;
}

static void figures_have_names(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_tally *t = tally_of(ctx, 6);
    assert_true(fabs(figure(ctx, t, "accuracy", NULL) - 4 / 6.0) < 1e-15);
    assert_true(fabs(figure(ctx, t, "top_k", "{k: 2}") - 5 / 6.0) < 1e-15);
    /* recalls 1/2, 1, 1/2; precisions 1/2, 2/3, 1 */
    assert_true(fabs(figure(ctx, t, "recall", "{average: macro}") - 2 / 3.0) < 1e-15);
    assert_true(fabs(figure(ctx, t, "f1", "{average: macro}") - (0.5 + 0.8 + 2 / 3.0) / 3) < 1e-15);
    double auc = figure(ctx, t, "auc", NULL);
    assert_true(auc > 0.5 && auc < 1);
    gr_tally_counts c = gr_tally_read(t);
    assert_true(c.samples == 6 && c.decisions == 6 && c.right == 4 && c.classes == 3 && c.nonfinite == 0);
    gr_tally_hits h = gr_tally_class(t, 1);
    assert_true(h.truth == 2 && h.guessed == 3 && h.both == 2);
    assert_int_equal(gr_tally_class(t, 3).truth, 0);
    assert_true(gr_tally_ranked(t, 0) == 4 && gr_tally_ranked(t, 1) == 1 && gr_tally_ranked(t, 2) == 1);
    assert_int_equal(gr_tally_add(t, 1, truth, guess), GR_E_USAGE); /* closed */
    gr_context_clear_error(ctx);
    gr_tally_destroy(t);
    test_ok(ctx, gr_tally_create(ctx, &(gr_tally_options){.form = GR_TALLY_VALUES, .outputs = 2, .wide = true}, &t));
    const double y[] = {1, 2, 3, 4}, p[] = {1, 4, 3, 5};
    test_ok(ctx, gr_tally_add(t, 2, y, p));
    assert_true(fabs(figure(ctx, t, "rmse", NULL) - sqrt(5 / 4.0)) < 1e-15);
    assert_true(fabs(figure(ctx, t, "mae", NULL) - 0.75) < 1e-15);
    gr_tally_destroy(t);
    test_context_end(ctx);
}

static void refused(gr_context *ctx, gr_status got, gr_status code, const char *message)
{
    const gr_error *e = gr_context_error(ctx);
    if (got != code || e->code != code || !strstr(e->message, message))
        fail_msg("%s instead of %s \"%s\": %s", gr_status_name(got), gr_status_name(code), message, e->message);
    gr_context_clear_error(ctx);
}

static void wrong_tallies_are_told(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const struct {
        gr_tally_options o;
        gr_status code;
        const char *message;
    } all[] = {
        {{.form = 3, .outputs = 3}, GR_E_USAGE, "one of them"},
        {{.form = GR_TALLY_VALUES}, GR_E_RANGE, "a tally of 0 outputs"},
        {{.form = GR_TALLY_CLASSES, .outputs = 1}, GR_E_RANGE, "1 outputs are no probabilities"},
        {{.form = GR_TALLY_CLASSES, .outputs = 5, .classes = 2}, GR_E_RANGE, "5 outputs are no probabilities of 2"},
        {{.form = GR_TALLY_VALUES, .outputs = 2, .classes = 2}, GR_E_USAGE, "targets that are classes"},
        {{.form = GR_TALLY_VALUES, .outputs = INT64_MAX / 32 + 1}, GR_E_RANGE, "outputs and at most 0 samples"},
        {{.form = GR_TALLY_CLASSES, .outputs = INT64_MAX}, GR_E_RANGE, "a tally of 9223372036854775807 outputs"},
        {{.form = GR_TALLY_LABELS, .outputs = (int64_t)1 << 31, .max_samples = (int64_t)1 << 33, .wide = true},
         GR_E_RANGE,
         "at most 8589934592 samples"},
        {{.form = GR_TALLY_CLASSES, .outputs = 4, .max_samples = INT64_MAX / 2}, GR_E_RANGE, "samples"}};
    gr_tally *t = NULL;
    double x = 0;
    for (size_t i = 0; i < GR_COUNT(all); i++)
        refused(ctx, gr_tally_create(ctx, &all[i].o, &t), all[i].code, all[i].message);
    refused(ctx, gr_tally_create(ctx, NULL, &t), GR_E_USAGE, "one of them");
    t = tally_of(ctx, 0);
    refused(ctx, gr_tally_add(t, 1, (const int32_t[]){3}, guess), GR_E_DATA,
            "sample 6 has class 3, which is not in [0, 2]");
    refused(ctx, gr_tally_figure(t, "accuracyy", NULL, &x), GR_E_NAME, "unknown metric");
    refused(ctx, gr_tally_figure(t, "rmse", NULL, &x), GR_E_CONFLICT, "rmse is not for classes");
    refused(ctx, gr_tally_figure(t, "auc", NULL, &x), GR_E_CONFLICT, "auc needs the scores of all samples");
    refused(ctx, gr_tally_figure(t, "top_k", "{k: 9}", &x), GR_E_CONFLICT, "k 9 is more than the 3 classes");
    assert_true(x == 0);
    refused(ctx, gr_tally_add(t, INT64_MAX, truth, guess), GR_E_RANGE, "more than a tally counts");
    refused(ctx, gr_tally_add(t, INT64_MAX / 3, truth, guess), GR_E_RANGE, "more than a tally counts");
    gr_tally_destroy(t);
    t = tally_of(ctx, 6);
    refused(ctx, gr_tally_add(t, 1, truth, guess), GR_E_RANGE, "7 samples, where at most 6 were to come");
    gr_tally_destroy(t);
    test_context_end(ctx);
}

/* ---- a metric and a source in a recipe ---- */

static double right_share(void *user, const gr_settings *s, const gr_tally *t)
{
    gr_tally_counts c = gr_tally_read(t);
    ++*(int *)user;
    return gr_setting_real(s, "scale") * (double)c.right / (double)c.decisions;
}

static const gr_setting share_settings[] = {
    {.name = "scale", .kind = GR_SETTING_REAL, .value = "1", .range = "(0,inf)", .help = "factor"}};

static gr_metric_descriptor share(int *calls)
{
    return (gr_metric_descriptor){.version = GR_METRIC_VERSION,
                                  .name = "right_share",
                                  .title = "Share of right decisions",
                                  .settings = share_settings,
                                  .n_settings = 1,
                                  .forms = GR_TALLY_CLASSES | GR_TALLY_LABELS,
                                  .value = right_share,
                                  .user = calls};
}

/* Points of a plane, whose class is the side of a line. */
typedef struct plane {
    int described, pieces;
    int64_t next; /* sample that has to come next */
    int wrong;    /* 1: a class too many; 2: not finite; 3: fails without a word; 4: refuses; 5: values */
} plane;

static gr_status plane_describe(void *user, const gr_source_call *c, gr_source_shape *out)
{
    static const char *const names[] = {"below", "above"};
    plane *p = user;
    p->described++;
    assert_string_equal(c->folder, "somewhere");
    if (p->wrong == 4) return gr_setting_fail(c->settings, "n", GR_E_RANGE, "%s are too many", "these");
    *out = (gr_source_shape){
        .n = gr_setting_int(c->settings, "n"), .input = GR_SHAPE(2), .classes = 2, .class_names = names};
    if (p->wrong == 5) out->classes = 0, out->target = GR_SHAPE(1), out->class_names = NULL;
    if (p->wrong == 6) out->input = GR_SHAPE(0);
    if (p->wrong == 7) out->n = 0;
    return GR_OK;
}

static gr_status plane_read(void *user, const gr_source_call *c, int64_t first, int64_t n, double *inputs,
                            double *targets)
{
    plane *p = user;
    p->pieces++;
    assert_true(first == p->next || first == 0);
    p->next = first + n;
    for (int64_t i = 0; i < n; i++) {
        double x = (double)((first + i) * 37 % 101) / 50 - 1, y = (double)((first + i) * 53 % 97) / 48 - 1;
        inputs[2 * i] = x, inputs[2 * i + 1] = y;
        targets[i] = x + y / 2 + 1e-9 * (double)c->seed > 0;
    }
    if (p->wrong == 1) targets[n - 1] = 2;
    if (p->wrong == 2) inputs[2 * n - 1] = (double)INFINITY;
    return p->wrong == 3 ? GR_E_FILE : GR_OK;
}

static const gr_setting plane_settings[] = {
    {.name = "n", .kind = GR_SETTING_INT, .value = "300", .range = "[1,1000000]", .help = "samples"}};

static gr_source_descriptor points(plane *p)
{
    return (gr_source_descriptor){.version = GR_SOURCE_VERSION,
                                  .name = "plane",
                                  .title = "Points beside a line",
                                  .settings = plane_settings,
                                  .n_settings = 1,
                                  .describe = plane_describe,
                                  .read = plane_read,
                                  .user = p};
}

static void holds(const char *path, const char *text)
{
    char *all = calloc(1, 1 << 20);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(all, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    if (!strstr(all, text)) fail_msg("%s does not hold %s: %.2000s", path, text, all);
    free(all);
}

static void a_recipe_trains_with_them(void **state)
{
    (void)state;
    static const char recipe[] =
        "gradus: 1\nname: outside\nseed: 3\nthreads: 1\n"
        "data: {train: {type: plane, n: 400}, validation: {type: plane, n: 100}, batch: 20, prepare: [standardize]}\n"
        "model: {input: [2], layers: [{type: dense, units: 2}]}\ncost: cross_entropy\n"
        "metrics: [accuracy, right_share, {type: right_share, scale: 2}]\noptimizer: {type: sgd, lr: 0.5}\n"
        "stop: {epochs: 3}\nbest_by: right_share\n";
    gr_context *ctx = test_context();
    char folder[] = "/tmp/gradus-ext-XXXXXX", out[64], path[128];
    gr_recipe *r = NULL;
    gr_train_result result;
    plane p = {0};
    int calls = 0;
    const gr_metric_descriptor m = share(&calls);
    const gr_source_descriptor s = points(&p);
    assert_non_null(mkdtemp(folder));
    snprintf(out, sizeof out, "%s/run", folder);
    test_ok(ctx, gr_metric_register(ctx, &m));
    test_ok(ctx, gr_source_register(ctx, &s));
    test_ok(ctx, gr__recipe_from_text(ctx, "r.yaml", "somewhere", recipe, strlen(recipe), NULL, 0, &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = out}, &result));
    assert_true(calls >= 6 && p.described >= 2 && p.pieces == 3); /* 400 in two, 100 in one */
    snprintf(path, sizeof path, "%s/metrics.jsonl", out);
    holds(path, "\"validation_right_share\":");
    holds(path, "\"validation_right_share_2\":");
    snprintf(path, sizeof path, "%s/recipe.yaml", out);
    holds(path, "type: plane");
    gr__recipe_close(ctx, r);
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    test_context_end(ctx);
}

static gr_status load(gr_context *ctx, const char *text, gr_target_kind want, gr_set *out)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_tree *t = b ? gr__tree_flow(b, text) : NULL;
    if (!t) {
        gr__bump_destroy(b);
        return gr_context_error(ctx)->code;
    }
    const gr_source_options o = {.folder = "somewhere", .seed = 1, .want = want};
    gr_status st = gr__set_load(ctx, t, &o, out);
    gr__bump_destroy(b);
    return st;
}

static void samples_are_what_was_read(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    plane p = {0};
    gr_set set = {0};
    const gr_source_descriptor s = points(&p);
    test_ok(ctx, gr_source_register(ctx, &s));
    test_ok(ctx, load(ctx, "{type: plane, n: 300}", GR_TARGET_CLASS, &set));
    assert_true(set.n == 300 && set.field[0].sample.rank == 1 && set.field[1].classes == 2);
    assert_string_equal(set.field[1].class_names[1], "above");
    for (int i = 0; i < 300; i++) {
        float x = (float)((double)(i * 37 % 101) / 50 - 1), y = (float)((double)(i * 53 % 97) / 48 - 1);
        assert_true(((const float *)set.field[0].data)[2 * i] == x &&
                    ((const float *)set.field[0].data)[2 * i + 1] == y);
        assert_int_equal(((const int32_t *)set.field[1].data)[i], x + y / 2 + 1e-9 > 0);
    }
    gr__set_free(ctx, &set);
    test_context_end(ctx);
}

static void wrong_sources_are_told(void **state)
{
    (void)state;
    static const struct {
        int wrong;
        gr_status code;
        const char *message;
    } all[] = {{1, GR_E_DATA, "source plane, sample 255: target 2 is no class that it has"},
               {2, GR_E_DATA, "source plane, sample 255: input inf is not finite"},
               {3, GR_E_FILE, "source plane cannot be read"},
               {4, GR_E_RANGE, "these are too many"},
               {5, GR_E_CONFLICT, "plane has values as targets, but the cost wants classes"},
               {6, GR_E_SHAPE, "samples of a shape that is none"},
               {7, GR_E_DATA, "source plane has 0 samples"}};
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        gr_context *ctx = test_context();
        plane p = {.wrong = all[i].wrong};
        gr_set set = {0};
        const gr_source_descriptor s = points(&p);
        test_ok(ctx, gr_source_register(ctx, &s));
        refused(ctx, load(ctx, "{type: plane, n: 300}", GR_TARGET_CLASS, &set), all[i].code, all[i].message);
        test_context_end(ctx);
    }
}

static void wrong_descriptors_are_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    int calls = 0;
    plane p = {0};
    gr_metric_descriptor m = share(&calls);
    gr_source_descriptor s = points(&p);
    m.version = 9;
    refused(ctx, gr_metric_register(ctx, &m), GR_E_UNSUPPORTED, "version 9 of a metric's descriptor");
    m = share(&calls), m.forms = 0;
    refused(ctx, gr_metric_register(ctx, &m), GR_E_USAGE, "is for no targets that are known: 0");
    m = share(&calls), m.name = "auc";
    refused(ctx, gr_metric_register(ctx, &m), GR_E_EXISTS, "the metric \"auc\" is there already");
    m = share(&calls), m.value = NULL;
    refused(ctx, gr_metric_register(ctx, &m), GR_E_USAGE, "lacks a function");
    s.version = 0;
    refused(ctx, gr_source_register(ctx, &s), GR_E_UNSUPPORTED, "version 0 of a source's descriptor");
    s = points(&p), s.read = NULL;
    refused(ctx, gr_source_register(ctx, &s), GR_E_USAGE, "source \"plane\" lacks a function");
    s = points(&p), s.name = "csv";
    refused(ctx, gr_source_register(ctx, &s), GR_E_EXISTS, "the source \"csv\" is there already");
    refused(ctx, gr_metric_register(ctx, NULL), GR_E_USAGE, "no descriptor");
    refused(ctx, gr_source_register(ctx, NULL), GR_E_USAGE, "no descriptor");
    test_context_end(ctx);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    gr_status st = GR_E_MEMORY;
    for (uint64_t k = 1; st != GR_OK; k++) {
        gr_context *ctx = test_context();
        plane p = {0};
        gr_set set = {0};
        gr_tally *t = NULL;
        const gr_source_descriptor s = points(&p);
        double x;
        assert_true(k < 200);
        gr__fail_acquisition(ctx, k);
        st = gr_source_register(ctx, &s);
        if (st == GR_OK) st = load(ctx, "{type: plane, n: 30}", GR_TARGET_CLASS, &set);
        gr__set_free(ctx, &set);
        if (st == GR_OK)
            st =
                gr_tally_create(ctx, &(gr_tally_options){.form = GR_TALLY_CLASSES, .outputs = 3, .max_samples = 6}, &t);
        if (st == GR_OK) st = gr_tally_add(t, 6, truth, guess);
        if (st == GR_OK) st = gr_tally_figure(t, "f1", "{average: macro}", &x);
        assert_true(st == GR_OK || st == GR_E_MEMORY);
        gr_tally_destroy(t);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_have_names),
        cmocka_unit_test(wrong_tallies_are_told),
        cmocka_unit_test(a_recipe_trains_with_them),
        cmocka_unit_test(samples_are_what_was_read),
        cmocka_unit_test(wrong_sources_are_told),
        cmocka_unit_test(wrong_descriptors_are_refused),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
