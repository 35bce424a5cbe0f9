/* Metrics: every member against figures that a script counted sample by sample, and what the tally promises. */
#include <float.h>

#include "base/rng.h"
#include "support/case_metric.h"
#include "support/evidence.h"

static void every_member_gives_the_figures_of_its_evidence(void **state)
{
    (void)state;
    int n, wrong = 0;
    const gr_metric *const *all = gr__metrics(&n);
    assert_true(n >= 14);
    for (int i = 0; i < n; i++) wrong += !metric_agrees(all[i], all[i]->head.name);
    assert_int_equal(wrong, 0);
}

static const gr_metric *named(const char *name)
{
    int n;
    const gr_metric *const *all = gr__metrics(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, name) == 0) return all[i];
    fail_msg("no metric %s", name);
    return NULL;
}

/* The value of a metric with its defaults. */
static double value_of(gr_context *ctx, const char *name, const gr_tally *t)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_settings s;
    const gr_metric *m = named(name);
    test_ok(ctx, gr__settings_make(ctx, b, &m->head, NULL, GR_PRESET_CHAPTER, NULL, &s));
    double value = m->value(&s, t);
    gr__bump_destroy(b);
    return value;
}

enum { MANY = 700 };

static double area_by_pairs(const double *score, const int32_t *label, int n)
{
    double pairs = 0, all = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (label[i] != 1 || label[j] != 0) continue;
            pairs += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
            all++;
        }
    return pairs / all;
}

/* Scores of all kinds: few different ones, the smallest numbers there are, 0 and 1 themselves. */
static double draw_score(gr__rng *rng, int kind, bool wide)
{
    double u = gr__rng_uniform(rng);
    double x = kind == 0 ? u : kind == 1 ? floor(5 * u) / 4 : kind == 2 ? (wide ? 1e-300 : 1e-30) * u : u < 0.5;
    return wide ? fmin(x, 1) : (double)(float)fmin(x, 1);
}

static void auc_counts_pairs_whatever_the_scores(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static double p[2 * MANY], score[MANY];
    static float narrow[2 * MANY];
    static int32_t label[MANY];
    for (int round = 0; round < 40; round++) {
        gr__rng rng = gr__rng_make((uint64_t)round, "auc", 0, 0);
        bool wide = round % 2;
        int n = 2 + (int)(gr__rng_uniform(&rng) * (round < 20 ? 10 : MANY - 2));
        for (int i = 0; i < n; i++) {
            label[i] = i < 2 ? i : gr__rng_uniform(&rng) < 0.3;
            score[i] = draw_score(&rng, round / 2 % 4, wide);
            p[2 * i] = 1 - score[i], p[2 * i + 1] = score[i];
            narrow[2 * i] = (float)p[2 * i], narrow[2 * i + 1] = (float)score[i];
        }
        gr_tally t;
        gr_tally_spec is = {.form = GR_FORM_CLASS, .outputs = 2, .classes = 2, .wide = wide, .samples = n};
        assert_int_equal(gr__tally_score_bytes(&is, n), n * (wide ? 8 : 4));
        is.scores = malloc(gr__tally_score_bytes(&is, n));
        test_ok(ctx, gr__tally_begin(ctx, &is, &t));
        gr__tally_add(&t, n, label, wide ? (const void *)p : narrow);
        gr__tally_finish(&t);
        assert_true(fabs(value_of(ctx, "auc", &t) - area_by_pairs(score, label, n)) < 1e-12);
        gr__tally_end(&t);
        free(is.scores);
    }
    test_context_end(ctx);
}

static void numbers_that_are_not_finite_are_counted(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const double p[] = {0.5, 0.5, NAN, 0.5, 0.25, INFINITY, -INFINITY, NAN};
    const int32_t label[] = {0, 0, 1, 1};
    for (int form = 0; form < 4; form++) {
        gr_tally t;
        gr_tally_spec is = {.form = (gr_target_form)form, .outputs = 2, .classes = 2, .wide = true, .samples = 4};
        is.scores = malloc(gr__tally_score_bytes(&is, 4));
        test_ok(ctx, gr__tally_begin(ctx, &is, &t));
        gr__tally_add(&t, 4, form == GR_FORM_CLASS ? (const void *)label : p, p);
        gr__tally_finish(&t);
        assert_int_equal(t.nonfinite, 4);
        gr__tally_end(&t);
        free(is.scores);
    }
    test_context_end(ctx);
}

/* A probability that was rounded to 0 is no proof: the loss stays finite, the smallest number of the type counts. */
static void a_probability_of_0_gives_a_finite_loss(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const double wide[] = {1, 0};
    const float narrow[] = {1, 0};
    const int32_t label = 1;
    for (int way = 0; way < 2; way++) {
        gr_tally t;
        gr_tally_spec is = {.form = GR_FORM_CLASS, .outputs = 2, .classes = 2, .wide = way};
        test_ok(ctx, gr__tally_begin(ctx, &is, &t));
        gr__tally_add(&t, 1, &label, way ? (const void *)wide : narrow);
        gr__tally_finish(&t);
        double want = -log(way ? DBL_MIN : (double)FLT_MIN);
        assert_true(fabs(value_of(ctx, "log_loss", &t) - want) < 1e-12);
        assert_true(fabs(value_of(ctx, "bits_per_byte", &t) - (way ? 1022 : 126)) < 1e-9);
        gr__tally_end(&t);
    }
    test_context_end(ctx);
}

static void counting_takes_no_memory_after_its_beginning(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const double p[] = {0.75, 0.25};
    const int32_t label = 1;
    gr_tally t;
    gr_tally_spec is = {.form = GR_FORM_CLASS, .outputs = 2, .classes = 2, .wide = true, .confusion = true};
    uint64_t before = gr__bookkeeping_bytes(ctx);
    test_ok(ctx, gr__tally_begin(ctx, &is, &t));
    uint64_t taken = gr__acquisitions(ctx);
    for (int i = 0; i < 100; i++) gr__tally_add(&t, 1, &label, p);
    gr__tally_finish(&t);
    assert_int_equal(gr__acquisitions(ctx), taken);
    assert_int_equal(t.confusion[2] + t.confusion[3], 100);
    assert_int_equal(gr__bookkeeping_bytes(ctx), before);
    gr__tally_end(&t);
    assert_int_equal(gr_context_bytes(ctx), 0);
    for (uint64_t k = 1; k <= 2; k++) { /* each of what it takes, refused */
        gr__fail_acquisition(ctx, k);
        assert_int_equal(gr__tally_begin(ctx, &is, &t), GR_E_MEMORY);
        assert_int_equal(gr_context_bytes(ctx), 0);
    }
    gr__fail_acquisition(ctx, 0);
    test_context_end(ctx);
}

/* What plans count is what is taken, of every form; nothing grows with the square of the classes unless asked for. */
static void a_tally_takes_what_it_says(void **state)
{
    (void)state;
    const gr_target_form forms[] = {GR_FORM_CLASS, GR_FORM_LABELS, GR_FORM_DISTRIBUTION, GR_FORM_VALUES};
    for (int i = 0; i < 8; i++) {
        gr_context *ctx = test_context();
        gr_tally_spec is = {.form = forms[i % 4], .outputs = 7000, .classes = 7000, .confusion = i >= 4};
        gr_tally t;
        test_ok(ctx, gr__tally_begin(ctx, &is, &t));
        assert_int_equal(gr_context_bytes(ctx), gr__tally_bytes(&is));
        assert_true((gr__tally_bytes(&is) >= 7000 * 7000) == (i == 4));
        gr__tally_end(&t);
        assert_int_equal(gr_context_bytes(ctx), 0);
        test_context_end(ctx);
    }
}

/* ---- lists ---- */

static gr_status add(gr_context *ctx, gr__bump *b, gr_metrics *m, const char *text)
{
    const gr_metric_scope scope = {.form = GR_FORM_CLASS, .classes = 4, .cost = "cross_entropy"};
    return gr__metrics_add(ctx, b, &scope, gr__tree_flow(b, text), m);
}

/* One of a type has its name alone; of several each says what is not by default; the resolved list has the same names.
 */
static void several_of_a_type_are_told_apart(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_metrics m = {0}, again = {0};
    test_ok(ctx, add(ctx, b, &m, "{type: f1, average: weighted}"));
    assert_string_equal(m.use[0].name, "f1");
    test_ok(ctx, add(ctx, b, &m, "{type: f1, average: micro}"));
    test_ok(ctx, add(ctx, b, &m, "f1"));
    test_ok(ctx, add(ctx, b, &m, "{type: top_k, k: 4}"));
    test_ok(ctx, add(ctx, b, &m, "{type: top_k, k: 2}"));
    test_ok(ctx, add(ctx, b, &m, "auc"));
    static const char *const names[] = {"f1_weighted", "f1_micro", "f1", "top_k_4", "top_k_2", "auc"};
    gr_tree *list = gr__metrics_tree(b, &m);
    for (int i = 0; i < 6; i++) {
        const gr_metric_scope scope = {.form = GR_FORM_CLASS, .classes = 4, .cost = "cross_entropy"};
        assert_string_equal(m.use[i].name, names[i]);
        assert_int_equal(gr__metrics_find(&m, names[i]), i);
        test_ok(ctx, gr__metrics_add(ctx, b, &scope, list->child[i], &again));
    }
    for (int i = 0; i < 6; i++) assert_string_equal(again.use[i].name, names[i]);
    assert_int_equal(gr__metrics_find(&m, "f1_macro"), -1);
    assert_true(gr__metrics_want_scores(&m));
    assert_int_equal(add(ctx, b, &m, "{type: top_k, k: 2}"), GR_E_CONFLICT);
    assert_int_equal(m.n, 6);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

/* What `eval` adds unasked is for such targets, costs no scores, and is computable: its own check would let it pass. */
static void the_rest_needs_no_scores(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    for (int form = 0; form < 4; form++) {
        gr_metrics m = {0};
        const gr_metric_scope scope = {.form = (gr_target_form)form, .classes = 2, .cost = "any"};
        test_ok(ctx, gr__metrics_add_rest(ctx, b, &scope, &m));
        assert_true(m.n >= 2 && !gr__metrics_want_scores(&m));
        for (int i = 0; i < m.n; i++) {
            const gr_metric *u = m.use[i].member;
            assert_true(u->forms & 1u << form);
            if (u->check) test_ok(ctx, u->check(ctx, &m.use[i].settings, scope.form, scope.classes));
        }
    }
    gr__bump_destroy(b);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_gives_the_figures_of_its_evidence),
        cmocka_unit_test(auc_counts_pairs_whatever_the_scores),
        cmocka_unit_test(numbers_that_are_not_finite_are_counted),
        cmocka_unit_test(a_probability_of_0_gives_a_finite_loss),
        cmocka_unit_test(counting_takes_no_memory_after_its_beginning),
        cmocka_unit_test(a_tally_takes_what_it_says),
        cmocka_unit_test(several_of_a_type_are_told_apart),
        cmocka_unit_test(the_rest_needs_no_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
