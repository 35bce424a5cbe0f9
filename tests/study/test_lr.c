/* Learning rates: the limit of quadratics, what the finder makes of known curves, what the two say of each other, and
 * that nothing moves. [mission H7, H8] */
#include "study/search/lr.h"
#include "study_case.h"

/* ---- quadratics ---- */

/* Of the mean square of y - x w the Hessian is 2 X'X / n; its largest eigenvalue, by powers. */
static double largest_curvature(const double *x, int64_t n, int64_t d)
{
    double v[16], w[16], norm = 0;
    for (int64_t i = 0; i < d; i++) v[i] = 1 + 0.1 * (double)i;
    for (int turn = 0; turn < 2000; turn++) {
        memset(w, 0, sizeof w);
        for (int64_t r = 0; r < n; r++) {
            double dot = 0;
            for (int64_t i = 0; i < d; i++) dot += x[r * d + i] * v[i];
            for (int64_t i = 0; i < d; i++) w[i] += 2 * dot * x[r * d + i] / (double)n;
        }
        norm = 0;
        for (int64_t i = 0; i < d; i++) norm += w[i] * w[i];
        norm = sqrt(norm);
        for (int64_t i = 0; i < d; i++) v[i] = w[i] / norm;
    }
    return norm;
}

/* Descent with all samples diverges beyond 2 / L: the largest rate of the usual grid that does not is the last below.
 */
static void the_grid_ends_at_the_limit_of_a_quadratic(void **state)
{
    (void)state;
    for (int k = 0; k < 50; k++) {
        gr_context *ctx = test_context();
        char text[800];
        int64_t d = 1 + k % 8, n = 16 + 5 * k;
        snprintf(
            text, sizeof text,
            "gradus: 1\nname: line\nprecision: float64\ndata: {train: {type: synthetic, kind: regression, n: %lld, "
            "features: %lld, noise: %.2g, seed: %d}, batch: %lld, prepare: [{type: scale, by: %.6g}]}\n"
            "model: {input: [%lld], layers: [{type: dense, units: 1, bias: false}]}\n"
            "cost: mse\noptimizer: sgd\nstop: {epochs: 1}\n",
            (long long)n, (long long)d, 0.1 * (k % 4), k, (long long)n, pow(10, 0.03 * k), (long long)d);
        gr_recipe *r = RECIPE(ctx, text);
        gr_steps s = {0};
        gr_rates rates;
        gr_batch b;
        test_ok(ctx, gr__steps_open(ctx, r, 0, &s));
        test_ok(ctx, gr__loader_next(s.loader, &b));
        double limit = 2 / largest_curvature(b.field[0], n, d);
        test_ok(ctx, gr__rates_try(&s, &(gr_rates_options){0}, &rates));
        assert_true(rates.n == 11 && rates.updates == 100);
        for (int i = 0; i < rates.n; i++)
            if (rates.point[i].diverged != (rates.point[i].lr > limit))
                fail_msg("problem %d: rate %g has %sdiverged, and the limit is %g", k, rates.point[i].lr,
                         rates.point[i].diverged ? "" : "not ", limit);
        gr__steps_close(&s);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

/* Just beyond the limit the cost has not come back to its start when the trial ends. */
static void slow_divergence_is_seen(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r =
        RECIPE(ctx, "gradus: 1\nname: line\nprecision: float64\n"
                    "data: {train: {type: synthetic, kind: regression, n: 64, features: 6, noise: 0.1, seed: "
                    "4}, batch: 64}\n"
                    "model: {input: [6], layers: [{type: dense, units: 1, bias: false}]}\n"
                    "cost: mse\noptimizer: sgd\nstop: {epochs: 1}\n");
    gr_steps s = {0};
    gr_rates rates;
    gr_batch b;
    test_ok(ctx, gr__steps_open(ctx, r, 0, &s));
    test_ok(ctx, gr__loader_next(s.loader, &b));
    double limit = 2 / largest_curvature(b.field[0], 64, 6);
    test_ok(ctx, gr__rates_try(&s, &(gr_rates_options){.from = 0.99 * limit, .to = 1.01 * limit, .points = 2}, &rates));
    assert_true(rates.point[1].cost < rates.first && rates.point[1].rises);
    assert_true(rates.point[1].diverged && !rates.point[0].diverged && rates.best == 0);
    gr__steps_close(&s);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* ---- curves ---- */

/* What fastai's own lines make of these curves, without the first 10 and the last 5 of 100 points. */
static double fall_then_rise(int i)
{
    return i < 40 ? 2.3 : i < 70 ? 2.3 - 0.05 * (i - 40) : 0.8 + 0.3 * (i - 70);
}
static double slow_then_fast(int i)
{
    return i < 50 ? 2.3 - 0.001 * i : i < 60 ? 2.25 - 0.1 * (i - 50) : 1.3 + 0.2 * (i - 60);
}
static double noisy(int i)
{
    return 2.3 + 0.1 * sin(i * 1.7) - (i < 30 ? 0 : i < 80 ? 0.04 * (i - 30) : 2 - 0.5 * (i - 79));
}
static double rising(int i)
{
    return 1 + 0.01 * i;
}

static void the_finder_reads_known_curves(void **state)
{
    (void)state;
    const struct {
        double (*cost)(int i);
        int valley, steep, minimum; /* -1: none */
    } cases[] = {{fall_then_rise, 54, 64, 70}, {slow_then_fast, 34, 60, 60}, {noisy, 61, 53, 77}, {rising, -1, -1, -1}};
    for (size_t k = 0; k < GR_COUNT(cases); k++) {
        gr_finder f = {.n = 100};
        for (int i = 0; i < f.n; i++)
            f.point[i] = (gr_swept){.lr = 1e-7 * pow(1e8, i / 99.0), .smooth = cases[k].cost(i)};
        gr__finder_judge(&f);
        double by[] = {f.valley, f.steep, f.minimum * 10};
        int want[] = {cases[k].valley, cases[k].steep, cases[k].minimum};
        for (int i = 0; i < 3; i++) {
            if (want[i] < 0 ? isnan(by[i]) : fabs(by[i] / f.point[want[i]].lr - 1) < 1e-12) continue;
            if (i == 1 && want[i] >= 0 && fabs(log(by[i] / f.point[want[i]].lr)) < 2.3) continue; /* equal slopes */
            fail_msg("curve %zu, suggestion %d: %g", k, i, by[i]);
        }
    }
    gr_finder few = {.n = 7};
    gr__finder_judge(&few);
    assert_true(isnan(few.valley) && isnan(few.steep) && isnan(few.minimum));
}

/* ---- grid and finder ---- */

static void what_they_say_of_each_other(void **state)
{
    (void)state;
    const struct {
        double cost[5], valley; /* of rates 1e-4 to 1; NaN: diverged */
        double suggested;
        bool agree;
        const char *why;
    } cases[] = {
        {{2.3, 2, 1, 0.5, NAN}, 0.08, 0.1, true, "tells the same"},
        {{2.3, 2, 0.52, 0.5, NAN}, 0.012, 0.1, true, "within a tenth"},
        {{2.3, 2, 1, 0.5, NAN}, 0.9, 0.1, false, "too large: it gives a rate one update"},
        {{2.3, 2, 1, 0.5, NAN}, 0.002, 0.1, false, "too small"},
        {{2.3, 0.5, 1, 2, NAN}, 0.1, 0.001, false, "too large: the weights"},
        {{2.3, 2, 1, 0.5, NAN}, NAN, 0.1, false, "tells nothing"},
        {{2.3, 2, 1, 0.5, NAN}, 1e-5, 0.1, false, "none of the grid's"},
        {{2.3, 2, 1, 0.5, 0.5}, 3, 1, false, "none of the grid's"},
    };
    const gr_lr_options o = {.method = GR_LR_BOTH};
    for (size_t k = 0; k < GR_COUNT(cases); k++) {
        gr_lr l = {.seeds = 1, .grid = {.n = 5, .updates = 100, .first = 2.4}, .finder = {.n = 100}};
        for (int i = 0; i < 5; i++) l.grid.point[i] = (gr_rate_tried){.lr = pow(10, i - 4), .cost = cases[k].cost[i]};
        gr__rates_judge(&l.grid);
        l.finder.valley = cases[k].valley;
        gr__lr_judge(&o, &l);
        if (fabs(l.suggested / cases[k].suggested - 1) > 1e-9 || l.agree != cases[k].agree || !l.compared ||
            !strstr(l.why, cases[k].why))
            fail_msg("case %zu: %g, %d: %s", k, l.suggested, l.agree, l.why);
    }
    gr_lr none = {.seeds = 1, .grid = {.n = 2, .best = -1, .point = {{.lr = 1}, {.lr = 2}}}};
    gr__lr_judge(&o, &none);
    assert_true(isnan(none.suggested) && !none.compared && strstr(none.why, "diverges at every rate from 1 to 2"));
}

/* ---- a recipe ---- */

/* From the same weights, back to the same weights, by any number of tries. */
static void nothing_moves(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, DIGITS);
    gr_steps s = {0};
    gr_kept_store before = {0};
    gr_finder first, again;
    const gr_rates_options o = {.points = 120, .to = 1e6};
    test_ok(ctx, gr__steps_open(ctx, r, 0, &s));
    test_ok(ctx, gr__steps_keep(&s, &before));
    test_ok(ctx, gr__finder_run(&s, &o, &first));
    for (int i = 0; i < gr_store_count(s.engine.store); i++)
        assert_false(gr__store_moved(&before, gr_store_entry(s.engine.store, i)->spec.name));
    test_ok(ctx, gr__finder_run(&s, &o, &again));
    assert_true(first.ended && first.n < 120 && again.n == first.n);
    for (int i = 0; i < first.n; i++) assert_memory_equal(&first.point[i], &again.point[i], sizeof first.point[i]);
    assert_true(first.valley > 1e-5 && first.valley < 1);
    gr__store_forget(&before);
    gr__steps_close(&s);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* Each seed has weights of its own, and means are means. */
static void seeds_are_brought_together(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, TABLE);
    gr_lr_options o = {.method = GR_LR_BOTH, .seeds = 3, .grid = {.points = 3, .updates = 20}};
    gr_lr *three = malloc(sizeof *three), *one = malloc(sizeof *one);
    double mean[3] = {0}, low[3] = {INFINITY, INFINITY, INFINITY};
    test_ok(ctx, gr__lr_find(ctx, r, &o, three));
    o.seeds = 1;
    for (int k = 0; k < 3; k++, r->seed++) {
        test_ok(ctx, gr__lr_find(ctx, r, &o, one));
        for (int i = 0; i < 3; i++) {
            mean[i] += one->grid.point[i].cost / 3;
            low[i] = fmin(low[i], one->grid.point[i].cost);
        }
        assert_true(one->valley.low == one->valley.high && one->valley.low >= three->valley.low);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(fabs(three->grid.point[i].cost - mean[i]) < 1e-12 * mean[i]);
        assert_true(three->cost[i].low == low[i] && three->cost[i].high > low[i]);
    }
    assert_true(three->compared && three->suggested > 0);
    free(three);
    free(one);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grid_ends_at_the_limit_of_a_quadratic),
        cmocka_unit_test(slow_divergence_is_seen),
        cmocka_unit_test(the_finder_reads_known_curves),
        cmocka_unit_test(what_they_say_of_each_other),
        cmocka_unit_test(nothing_moves),
        cmocka_unit_test(seeds_are_brought_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
