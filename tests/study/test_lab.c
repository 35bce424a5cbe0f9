/* Figures of the chapter: what is measured is what theory predicts, for the defaults and for other settings and seeds.
 * [mission FIG4.4, FIG4.5, FIG4.6, FIG4.8, FIG4.9, I1, I2, I11, I12, G5, G10, O1, O2, O3, O8] */
#include <math.h>
#include <string.h>

#include "study/steps/descent.h"
#include "study/lab/lab.h"
#include "study/steps/updates.h"
#include "test.h"

typedef struct bench {
    gr_context *ctx;
    gr__bump *b;
    gr_lab *lab;
} bench;

static bench run(const char *name, const char *settings)
{
    bench t = {.ctx = test_context()};
    t.b = gr__bump_create(t.ctx);
    test_ok(t.ctx, gr__lab_open(t.ctx, name, settings ? gr__tree_flow(t.b, settings) : NULL, false, &t.lab));
    test_ok(t.ctx, gr__lab_run(t.lab));
    for (int i = 0; i < t.lab->result.n_findings; i++) {
        const gr_finding *c = &t.lab->result.finding[i];
        if (c->verdict != GR_VERDICT_OK)
            fail_msg("%s %s: %s: %.10g, not %.10g (%.10g to %.10g)", name, settings ? settings : "", c->message,
                     c->figure, c->predicted, c->low, c->high);
    }
    return t;
}

static void end(bench *t)
{
    gr__lab_close(t->ctx, t->lab);
    gr__bump_destroy(t->b);
    test_context_end(t->ctx);
}

static const gr_finding *claim(const bench *t, const char *says)
{
    for (int i = 0; i < t->lab->result.n_findings; i++)
        if (strstr(t->lab->result.finding[i].message, says)) return &t->lab->result.finding[i];
    fail_msg("no claim says %s", says);
    return NULL;
}

static const gr_table *table(const bench *t, const char *name)
{
    const gr_table *found = gr__result_find(&t->lab->result, name);
    if (!found) fail_msg("no table %s", name ? name : "of its own name");
    return found;
}

static double cell(const gr_table *t, size_t row, const char *column)
{
    for (int i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, column) == 0) return t->cells[row * (size_t)t->n_columns + (size_t)i];
    fail_msg("no column %s", column);
    return NAN;
}

static const char *word(const gr_table *t, size_t row, const char *column)
{
    double x = cell(t, row, column);
    for (int i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, column) == 0) return t->columns[i].words[(size_t)x];
    return "";
}

static size_t rows(const gr_table *t)
{
    return t->n;
}

/* ---- figures, each looked at once more from its table ---- */

static void sharp_minima_pay_for_a_shift(void **state) /* [FIG4.4, G5] */
{
    (void)state;
    static const double width[] = {0.8, 0.15};
    bench t = run("fig4.4", NULL);
    const gr_table *rise = table(&t, "rise");
    for (size_t i = 0; i < rows(rise);
         i++) { /* the exact rise of a well of this width; the other well adds less than 3e-5 */
        double s = cell(rise, i, "shift"), w = width[(int)cell(rise, i, "minimum")];
        assert_float_equal(cell(rise, i, "rise"), 1 - exp(-s * s / (2 * w * w)), 5e-5);
        assert_float_equal(cell(rise, i, "rise_predicted"), s * s / (2 * w * w), 5e-5);
    }
    end(&t);
    t = run("fig4.4", "{shift: 0.5}");
    end(&t);
}

static void the_rate_decides_over_descent(void **state) /* [FIG4.5, O3] */
{
    (void)state;
    bench t = run("fig4.5", NULL);
    const gr_table *u = table(&t, "updates");
    for (size_t i = 0; i < rows(u); i++) {
        double product = cell(u, i, "rate_times_curvature");
        assert_true((cell(u, i, "fate") == 1) == (product > 2));
        assert_true(cell(u, i, "updates") == cell(u, i, "updates_predicted"));
    }
    assert_float_equal(claim(&t, "w grows")->figure, 1, 1e-9);
    assert_float_equal(claim(&t, "changes sides")->figure, 0.5, 1e-9);
    end(&t);
    for (int i = 0; i < 3; i++) {
        t = run("fig4.5", ((const char *const[]){"{curvature: 0.01}", "{curvature: 7.3}", "{curvature: 100}"})[i]);
        end(&t);
    }
}

static void batches_get_ahead_but_not_smoothly(void **state) /* [FIG4.6, O1, O2] */
{
    (void)state;
    bench t = run("fig4.6", NULL);
    const gr_table *paths = table(&t, NULL);
    assert_int_equal(rows(paths), (8 + 1) + (8 * 12 + 1));
    assert_true(claim(&t, "of SGD after one pass as a part")->figure < 0.7);
    end(&t);
    for (int i = 0; i < 4; i++) {
        t = run("fig4.6", ((const char *const[]){"{seed: 2}", "{seed: 3, batches: 2}",
                                                 "{seed: 4, batches: 40, passes: 3}", "{lr: 0.2}"})[i]);
        end(&t);
    }
}

static void momentum_takes_the_root_of_the_condition_number(void **state) /* [FIG4.8, O8] */
{
    (void)state;
    bench t = run("fig4.8", NULL);
    const gr_table *u = table(&t, "updates");
    assert_int_equal(rows(u), 5);
    for (size_t i = 0; i < rows(u); i++) {
        double k = cell(u, i, "condition");
        assert_true(cell(u, i, "sgd") == ceil(log(1e-6) / log((k - 1) / (k + 1))));
        assert_true(cell(u, i, "sgdm") == cell(u, i, "sgdm_predicted") && cell(u, i, "sgdm") < 12 * sqrt(k) &&
                    cell(u, i, "sgdm") > 6 * sqrt(k));
    }
    end(&t);
    t = run("fig4.8", "{condition: 4}");
    end(&t);
    t = run("fig4.8", "{condition: 1000}");
    end(&t);
}

static void equal_units_stay_equal(void **state) /* [I1] */
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        bench t = run("symmetry",
                      ((const char *const[]){NULL, "{seed: 7, value: 1}", "{seed: 3, value: 0, updates: 150}"})[i]);
        const gr_table *all = table(&t, NULL);
        for (size_t k = 0; k < rows(all); k++)
            assert_true(cell(all, k, "distinct_units") == (cell(all, k, "start") == 0 ? 1 : 16));
        end(&t);
    }
}

static void kaiming_keeps_the_variance(void **state) /* [I2] */
{
    (void)state;
    bench t = run("init", "{networks: 3}");
    const gr_table *all = table(&t, NULL);
    assert_int_equal(rows(all), 4 * 20);
    for (size_t k = 0; k < 20; k++) {
        double v = cell(all, k, "activation_variance");
        assert_true(v > 0.5 && v < 2);
    }
    assert_true(cell(all, 2 * 20 + 19, "activation_variance") < 1e-30); /* N(0, 0.01) */
    assert_true(cell(all, 3 * 20 + 19, "activation_variance") > 1e30);  /* N(0, 1) */
    assert_true(cell(all, 20 + 19, "activation_mean_square") < 1e-5);   /* Xavier: 2^-20 */
    end(&t);
}

/* Every method of the chapter is an optimizer here and has a parent; an edge without a measured identity is a failure.
 * [FIG4.9] */
static void every_method_descends_from_gd(void **state)
{
    (void)state;
    bench t = run("fig4.9", NULL);
    const gr_table *nodes = table(&t, "methods"), *edges = table(&t, NULL);
    assert_int_equal(rows(nodes), 29); /* seven of them not of the chapter */
    for (size_t i = 0; i < rows(nodes); i++) {
        const char *name = word(nodes, i, "optimizer");
        bool parent = strcmp(name, "gd") == 0;
        for (size_t k = 0; k < rows(edges); k++) parent = parent || strcmp(word(edges, k, "child"), name) == 0;
        if (!parent) fail_msg("%s has no parent in figure 4.9", name);
    }
    for (size_t k = 0; k < rows(edges); k++) {
        assert_true(cell(edges, k, "distance") <= cell(edges, k, "tolerance") && cell(edges, k, "tolerance") <= 1e-9);
        assert_true(cell(edges, k, "moved") > 0.01);
        assert_true(strcmp(word(edges, k, "setting_of_child"), word(edges, k, "setting_of_parent")) != 0);
        assert_true(cell(nodes, (size_t)cell(edges, k, "parent"), "year") <=
                    cell(nodes, (size_t)cell(edges, k, "child"), "year"));
    }
    end(&t);
    for (int i = 0; i < 2; i++) {
        t = run("fig4.9", ((const char *const[]){"{seed: 2, updates: 16}", "{seed: 3, updates: 200}"})[i]);
        end(&t);
    }
}

/* What the identities are measured with tells methods apart where they differ. */
static void updates_follow_the_settings(void **state)
{
    (void)state;
    static const char *const set[] = {"sgd", "{type: sgdm, momentum: 0}", "sgdm", "adahessian"};
    static const double w0[2] = {1, -2}, g[2] = {0.5, 3}, h[2] = {2, 2};
    double w[GR_COUNT(set)][2];
    gr_context *ctx = test_context();
    for (size_t i = 0; i < GR_COUNT(set); i++) {
        gr_updates u;
        test_ok(ctx, gr__updates_open(ctx, &(gr_updates_spec){.optimizer = set[i], .size = 2, .total = 3}, w0, &u));
        for (int t = 0; t < 3; t++) test_ok(ctx, gr__updates_step(&u, g, h, 0.1));
        gr__updates_read(&u, w[i]);
        gr__updates_close(&u);
    }
    assert_float_equal(w[0][0], 1 - 0.3 * 0.5, 1e-15);
    assert_memory_equal(w[0], w[1], sizeof w[0]);
    assert_float_equal(w[2][0], 1 - 0.1 * 0.5 * (1 + 1.9 + 2.71), 1e-15);
    assert_float_equal(w[3][0], 1 - 0.3 * 0.5 / (2 + 1e-4), 1e-12); /* a constant gradient over a constant curvature */
    gr_updates u;                                                   /* the mean of the weights after updates 2 and 3 */
    double mean[2];
    test_ok(ctx,
            gr__updates_open(
                ctx, &(gr_updates_spec){"sgd", NULL, "{type: swa, start: 2, cycle: 1}", GR_ROLE_WEIGHT, 2, 3}, w0, &u));
    for (int t = 0; t < 3; t++) test_ok(ctx, gr__updates_step(&u, g, h, 0.1));
    gr__updates_read(&u, mean);
    gr__updates_close(&u);
    assert_float_equal(mean[1], -2 - 0.25 * 3, 1e-15);
    assert_int_equal(gr__updates_open(ctx, &(gr_updates_spec){.optimizer = "nothing", .size = 2}, w0, &u), GR_E_NAME);
    gr__updates_close(&u);
    gr_context_clear_error(ctx);
    test_context_end(ctx);
}

static void optimizers_have_equal_budgets(void **state) /* [G10] */
{
    (void)state;
    bench t = run("optimizers", "{rates: 3, seeds: 2, samples: 300, epochs: 10}");
    const gr_table *places = table(&t, NULL), *trials = table(&t, "trials");
    assert_true(rows(places) >= 8);
    assert_int_equal(rows(trials), rows(places) * (3 + 2));
    for (size_t i = 0; i < rows(places); i++) {
        const char *name = word(places, i, "optimizer");
        double least = INFINITY, best = NAN, error[2], seed[2];
        int n = 0;
        for (size_t k = 0; k < rows(trials); k++) { /* the rate and its trainings, once more */
            if (strcmp(word(trials, k, "optimizer"), name) != 0) continue;
            if (strcmp(word(trials, k, "purpose"), "result") == 0) {
                assert_true(n < 2 && cell(trials, k, "rate") == best);
                error[n] = cell(trials, k, "validation_error"), seed[n++] = cell(trials, k, "seed");
            } else if (cell(trials, k, "validation_error") < least) {
                least = cell(trials, k, "validation_error"), best = cell(trials, k, "rate");
            }
        }
        assert_int_equal(n, 2);
        assert_true(seed[0] == 2 && seed[1] == 3 && cell(places, i, "best_rate") == best);
        assert_float_equal(cell(places, i, "mean_error"), (error[0] + error[1]) / 2, 1e-12);
        assert_float_equal(cell(places, i, "standard_deviation"), fabs(error[0] - error[1]) / sqrt(2), 1e-9);
        assert_true(i == 0 || cell(places, i, "mean_error") >= cell(places, i - 1, "mean_error"));
    }
    end(&t);
}

/* ---- the mechanism ---- */

static void the_same_seed_gives_the_same_numbers(void **state)
{
    (void)state;
    bench a = run("symmetry", "{updates: 60}"), b = run("symmetry", "{updates: 60}"),
          c = run("symmetry", "{updates: 60, seed: 2}");
    const gr_table *x = table(&a, NULL), *y = table(&b, NULL), *z = table(&c, NULL);
    assert_true(x->n == y->n && memcmp(x->cells, y->cells, x->n * x->row_bytes) == 0);
    assert_true(x->n == z->n && memcmp(x->cells, z->cells, x->n * x->row_bytes) != 0);
    end(&a);
    end(&b);
    end(&c);
}

static void wrong_names_and_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *settings;
        gr_status code;
        const char *says;
    } cases[] = {
        {"fig4.55", NULL, GR_E_NAME, "fig4.5"},
        {"fig4.8", "{conditions: 3}", GR_E_KEY, "condition"},
        {"fig4.8", "{condition: 2}", GR_E_RANGE, "[4, 1000]"},
        {"fig4.5", "{seed: -1}", GR_E_RANGE, "-1"},
        {"fig4.5", "{threads: 0}", GR_E_RANGE, "0"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        gr__bump *b = gr__bump_create(ctx);
        gr_lab *lab = NULL;
        assert_int_equal(gr__lab_open(ctx, cases[i].name,
                                      cases[i].settings ? gr__tree_flow(b, cases[i].settings) : NULL, false, &lab),
                         cases[i].code);
        assert_null(lab);
        const gr_error *e = gr_context_error(ctx);
        if (!strstr(e->message, cases[i].says) && !strstr(e->hint, cases[i].says))
            fail_msg("%s (%s) does not say %s", e->message, e->hint, cases[i].says);
        gr__bump_destroy(b);
        test_context_end(ctx);
    }
}

static void claims_hold_within_their_bounds_alone(void **state)
{
    (void)state;
    gr_finding c = {.predicted = 2, .figure = 2.1, .low = 1.9, .high = 2.1};
    assert_true(gr__claim_holds(&c));
    assert_float_equal(gr__claim_error(&c), 0.05, 1e-12);
    c.figure = 2.1000001;
    assert_false(gr__claim_holds(&c));
    c.figure = NAN;
    assert_false(gr__claim_holds(&c));
    c.predicted = 0, c.figure = 0.25;
    assert_float_equal(gr__claim_error(&c), 0.25, 1e-12);
}

static gr_val cubic(gr_graph *g, gr_val w, const void *user)
{
    (void)user;
    return gr_reshape(g, gr_mul(g, gr_square(g, w), w), GR_SHAPE(gr_shape_of(g, w).dim[0]));
}

static void formulas_have_their_derivatives(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_formula f = {.dimensions = 1, .cost = cubic};
    double w[3] = {-2, 0.5, 3}, j[3], slope[3], curvature[3];
    test_ok(ctx, gr__formula_at(ctx, &f, w, 3, j, slope, curvature));
    for (int i = 0; i < 3; i++) {
        assert_float_equal(j[i], w[i] * w[i] * w[i], 1e-12);
        assert_float_equal(slope[i], 3 * w[i] * w[i], 1e-12);
        assert_float_equal(curvature[i], 6 * w[i], 1e-12);
    }
    gr_descent d = {0}; /* an optimizer with state goes back to its beginning */
    double first[2], again[2], start = 1;
    test_ok(ctx, gr__descent_open(ctx, &f, "{type: adam}", &d));
    for (int round = 0; round < 2; round++) {
        gr__descent_start(&d, &start);
        for (int i = 0; i < 5; i++)
            test_ok(ctx, gr__descent_step(&d, 0.1, &(round ? again : first)[0], &(round ? again : first)[1]));
    }
    assert_memory_equal(first, again, sizeof first);
    gr__descent_close(&d);
    static const struct {
        const char *optimizer;
        gr_status code;
    } refused[] = {{"nothing", GR_E_NAME}, {"ranger", GR_E_UNSUPPORTED}, {"adahessian", GR_E_UNSUPPORTED}};
    for (size_t i = 0; i < GR_COUNT(refused); i++) {
        assert_int_equal(gr__descent_open(ctx, &f, refused[i].optimizer, &d), refused[i].code);
        gr__descent_close(&d);
        gr_context_clear_error(ctx);
    }
    test_context_end(ctx);
}

static void gates_are_reported_whichever_way_it_falls(void **state) /* [I11, I12] */
{
    (void)state;
    static const char small[] = "{seeds: 2, epochs: 3, samples: 200, units: 16, lag: 8, copied: 2}";
    bench t = run("gates", small);
    const gr_table *first = table(&t, "first-state"), *runs = table(&t, "seeds");
    assert_int_equal(rows(first), 3);
    for (size_t i = 0; i < 3; i++) assert_true(cell(first, i, "first_state") > 0);
    assert_true(cell(first, 0, "by_zeros") < 0.7 && cell(first, 1, "by_zeros") == 1 && cell(first, 2, "by_zeros") == 1);
    assert_int_equal(rows(runs), 2 * 3 * 2); /* each task, each start, each seed: losers too */
    for (size_t i = 0; i < rows(runs); i++) {
        const gr_table *c = table(&t, strcmp(word(runs, i, "task"), "copy") == 0 ? "copy-curves" : "latch-curves");
        assert_int_equal(rows(c), 3 * 3);
        assert_in_range((int)cell(runs, i, "seed"), 1, 2);
        assert_true(cell(runs, i, "last_error") >= 0 && cell(runs, i, "last_error") <= 100);
        assert_true(isnan(cell(runs, i, "solved_after")) || cell(runs, i, "solved_after") <= 3);
    }
    bool moved = false; /* the starts are different trainings */
    for (size_t i = 0; i < 4; i++) moved |= cell(runs, i, "last_error") != cell(runs, i + 2, "last_error");
    assert_true(moved);
    end(&t);
}

/* Whatever allocation fails, the figure says so and gives everything back. */
static void a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_lab *lab;
    uint64_t before = gr__acquisitions(ctx);
    test_ok(ctx, gr__lab_open(ctx, "fig4.5", NULL, false, &lab));
    test_ok(ctx, gr__lab_run(lab));
    gr__lab_close(ctx, lab);
    uint64_t all = gr__acquisitions(ctx) - before, held = gr__bookkeeping_bytes(ctx);
    for (uint64_t k = 1; k <= all; k++) {
        gr__fail_acquisition(ctx, k);
        lab = NULL;
        gr_status st = gr__lab_open(ctx, "fig4.5", NULL, false, &lab);
        if (st == GR_OK) st = gr__lab_run(lab);
        gr__fail_acquisition(ctx, 0);
        gr__lab_close(ctx, lab);
        if (st == GR_OK)
            fail_msg("allocation %llu of %llu may fail unnoticed", (unsigned long long)k, (unsigned long long)all);
        assert_int_equal(gr__error_code(ctx), GR_E_MEMORY);
        gr_context_clear_error(ctx);
        assert_true(gr__bookkeeping_bytes(ctx) <= held);
    }
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sharp_minima_pay_for_a_shift),
        cmocka_unit_test(the_rate_decides_over_descent),
        cmocka_unit_test(batches_get_ahead_but_not_smoothly),
        cmocka_unit_test(momentum_takes_the_root_of_the_condition_number),
        cmocka_unit_test(equal_units_stay_equal),
        cmocka_unit_test(kaiming_keeps_the_variance),
        cmocka_unit_test(every_method_descends_from_gd),
        cmocka_unit_test(updates_follow_the_settings),
        cmocka_unit_test(optimizers_have_equal_budgets),
        cmocka_unit_test(gates_are_reported_whichever_way_it_falls),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(wrong_names_and_settings_are_refused),
        cmocka_unit_test(claims_hold_within_their_bounds_alone),
        cmocka_unit_test(formulas_have_their_derivatives),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
