/* Costs: the printed vectors, logits of any size, slopes against differences, and which outputs and data are refused.
 */
#include "base/rng.h"
#include "cost/cost.h"
#include "support/evidence.h"

static const gr_cost *named(const char *name)
{
    int n;
    const gr_cost *const *all = gr__costs(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, name) == 0) return all[i];
    fail_msg("no cost %s", name);
    return NULL;
}

/* Costs of the samples of z [b,k] and, where they are not NULL, the gradient d of their sum and dd, the gradient of sum
 * (i + 1) d_i. y: classes, or values [b,k]. */
static void evaluate_twice(const char *name, const char *set, const double *z, int64_t b, int64_t k, const double *y,
                           bool training, double *each, double *d, double *dd)
{
    ev_bench bench;
    gr_settings s;
    ev_leaves l = {0};
    const gr_cost *m = named(name);
    assert_true(ev_begin(&bench, set));
    gr_build build = {.ctx = bench.ctx, .g = bench.g, .memory = bench.memory, .layer = "cost"};
    test_ok(bench.ctx, gr__settings_make(bench.ctx, bench.memory, &m->head, bench.tree, GR_PRESET_CHAPTER, NULL, &s));
    bool classes = m->reading(GR_SHAPE(k)).target == GR_FORM_CLASS;
    gr_val out = gr_feed(bench.g, "z", GR_REAL, GR_SHAPE(b, k)),
           target = gr_feed(bench.g, "y", classes ? GR_I32 : GR_REAL, classes ? GR_SHAPE(b) : GR_SHAPE(b, k));
    ev_leaf(&l, "z", z), ev_leaf(&l, "y", y);
    gr_val wanted[3] = {m->build(&build, &s, out, target, training).each}, order;
    test_ok(bench.ctx, gr_graph_status(bench.g));
    test_ok(bench.ctx, gr_gradients(bench.g, gr_sum_all(bench.g, wanted[0]), &out, 1, &wanted[1]));
    order = gr_add(bench.g, gr_real(bench.g, gr_iota(bench.g, GR_SHAPE(b * k), 0)), gr_const(bench.g, 1));
    gr_val weighted = gr_sum_all(bench.g, gr_mul(bench.g, wanted[1], gr_reshape(bench.g, order, GR_SHAPE(b, k))));
    test_ok(bench.ctx, gr_gradients(bench.g, weighted, &out, 1, &wanted[2]));
    double *results[3] = {each, d, dd};
    test_ok(bench.ctx, gr__eval(bench.g, wanted, dd ? 3 : d ? 2 : 1, ev_get_leaf, &l, results));
    ev_end(&bench);
}

static void evaluate(const char *name, const char *set, const double *z, int64_t b, int64_t k, const double *y,
                     bool training, double *each, double *d)
{
    evaluate_twice(name, set, z, b, k, y, training, each, d, NULL);
}

static void is(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.15g is not %.15g", a, b);
}

/* The evidence holds references against its numbers; none may be missing, or `gradus check` says nothing of that cost.
 */
static void every_cost_has_a_reference(void **state)
{
    (void)state;
    int n;
    const gr_cost *const *all = gr__costs(&n);
    assert_true(n > 0);
    for (int i = 0; i < n; i++)
        if (!all[i]->reference || !all[i]->guess.blind) fail_msg("%s has no reference or no guess", all[i]->head.name);
}

static void zero_logits_cost_ln_k(void **state) /* [mission P1] */
{
    (void)state;
    double z[64] = {0}, each[32], y[32] = {0};
    for (int k = 2; k <= 64; k++) {
        y[0] = k - 1;
        evaluate("cross_entropy", "cross_entropy", z, 1, k, y, true, each, NULL);
        is(each[0], log(k), 1e-15 * k);
    }
    double zeros[320] = {0}, sum = 0;
    for (int i = 0; i < 32; i++) y[i] = i % 10;
    evaluate("cross_entropy", "cross_entropy", zeros, 32, 10, y, true, each, NULL);
    for (int i = 0; i < 32; i++) sum += each[i];
    is(sum, 73.682723, 1e-6);
}

static void printed_vectors(void **state) /* [mission S5, P1] */
{
    (void)state;
    const double z[3] = {2, 1, .1}, y[1] = {0};
    static const struct {
        const char *set;
        double each, d[3];
    } rows[] = {
        {"cross_entropy", .417030016, {NAN, NAN, NAN}},
        {"{type: cross_entropy, label_smoothing: 0.1}", .513696683, {-.274332194, .209099637, .065232557}},
        {"{type: cross_entropy, label_smoothing: 0.1, smoothing: chapter}",
         .499795682,
         {-.262965566, .201018538, .061947027}},
        {"{type: cross_entropy, label_smoothing: 0.1, smoothing: kminus1}", .562030016, {NAN, NAN, NAN}},
    };
    double each[4], d[4];
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        evaluate("cross_entropy", rows[i].set, z, 1, 3, y, true, each, d);
        is(each[0], rows[i].each, 1e-9);
        for (int k = 0; k < 3 && !isnan(rows[i].d[0]); k++) is(d[k], rows[i].d[k], 1e-9);
        evaluate("cross_entropy", rows[i].set, z, 1, 3, y, false, each, NULL); /* evaluation does not smooth */
        is(each[0], rows[0].each, 1e-9);
    }
    const double bz[4] = {-3, 0, 100, -100}, by[4] = {1, 0, 0, 1}, want[4] = {3.048587352, .693147181, 100, 100};
    evaluate("binary_cross_entropy", "binary_cross_entropy", bz, 4, 1, by, true, each, d);
    for (int i = 0; i < 4; i++) is(each[i], want[i], 1e-9);
    is(d[1], 0.5, 0); /* also where the larger of z and 0 has its kink */
}

/* Logits of +-1e4, and of sizes at the end of float64, give finite, exact values and slopes. [mission P3] */
static void extreme_logits(void **state)
{
    (void)state;
    static const double sizes[] = {1e4, 1e30, 1e300};
    for (size_t i = 0; i < GR_COUNT(sizes); i++) {
        double x = sizes[i], z[8] = {x, -x, -x, x, x, x, 0, -x}, y[4] = {0, 0, 1, 1}, each[4], d[8];
        evaluate("cross_entropy", "cross_entropy", z, 4, 2, y, true, each, d);
        is(each[0], 0, 0), is(each[1], 2 * x, 0), is(each[2], log(2), 1e-15), is(each[3], x, 0);
        is(d[0], 0, 0), is(d[2], -1, 0), is(d[3], 1, 0), is(d[4], 0.5, 0), is(d[5], -0.5, 0);
        double bz[4] = {x, x, -x, -x}, by[4] = {1, 0, 1, 0};
        evaluate("binary_cross_entropy", "binary_cross_entropy", bz, 4, 1, by, true, each, d);
        is(each[0], 0, 0), is(each[1], x, 0), is(each[2], x, 0), is(each[3], 0, 0);
        is(d[0], 0, 0), is(d[1], 1, 0), is(d[2], -1, 0), is(d[3], 0, 0);
    }
    for (size_t i = 0; i < GR_COUNT(sizes); i++) { /* the factor of a wrong answer is 1, of a right one 0 */
        double x = sizes[i], z[6] = {x, -x, -x, x, x, x}, y[3] = {0, 0, 1}, each[4], d[6];
        evaluate("focal", "focal", z, 3, 2, y, true, each, d);
        is(each[0], 0, 0), is(each[1], 2 * x, 0), is(each[2], log(2) / 4, 1e-15);
        is(d[0], 0, 0), is(d[2], -1, 1e-12), is(d[3], 1, 1e-12);
        double bz[4] = {x, x, -x, -x}, by[4] = {1, 0, 1, 0};
        evaluate("focal", "focal", bz, 4, 1, by, true, each, d);
        is(each[0], 0, 0), is(each[1], x, 0), is(each[2], x, 0), is(each[3], 0, 0);
        is(d[0], 0, 0), is(d[1], 1, 1e-12), is(d[2], -1, 1e-12), is(d[3], 0, 0);
        double q[6] = {1, 0, 0.5, 0.5, 0, 1};
        evaluate("kl", "kl", z, 3, 2, q, true, each, d);
        is(each[0], 0, 0), is(each[1], x - log(2), x * 1e-15), is(each[2], log(2), 1e-15);
        is(d[0], 0, 0), is(d[2], -0.5, 0), is(d[3], 0.5, 0);
    }
    double broken[2] = {NAN, 0}, y = 1, each, d[2];
    evaluate("cross_entropy", "cross_entropy", broken, 1, 2, &y, true, &each, d);
    assert_true(isnan(each)); /* never hidden */
    static const struct {
        const char *name;
        int64_t k;
    } all[] = {
        {"binary_cross_entropy", 1}, {"focal", 2}, {"focal", 1}, {"kl", 2}, {"mse", 2}, {"mae", 2}, {"huber", 2}};
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        double target[2] = {1, 0};
        evaluate(all[i].name, all[i].name, broken, 1, all[i].k, target, true, &each, d);
        if (!isnan(each)) fail_msg("%s hides a NaN: %g", all[i].name, each);
    }
}

/* The class weights of three outputs where training has these counts. */
static void weights_of(const int64_t *count, int64_t total, const char *set, double *w)
{
    ev_bench b;
    gr_settings s;
    ev_leaves l = {0};
    const gr_targets targets = {.n = total, .classes = 3, .count = count};
    const double z[9] = {0}, y[3] = {0, 1, 2};
    assert_true(ev_begin(&b, set));
    gr_build build = {.ctx = b.ctx, .g = b.g, .memory = b.memory, .layer = "cost", .targets = total ? &targets : NULL};
    test_ok(b.ctx,
            gr__settings_make(b.ctx, b.memory, &named("cross_entropy")->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
    ev_leaf(&l, "z", z), ev_leaf(&l, "y", y);
    gr_val weight = named("cross_entropy")
                        ->build(&build, &s, gr_feed(b.g, "z", GR_REAL, GR_SHAPE(3, 3)),
                                gr_feed(b.g, "y", GR_I32, GR_SHAPE(3)), false)
                        .weight;
    test_ok(b.ctx, gr__eval(b.g, &weight, 1, ev_get_leaf, &l, &w));
    ev_end(&b);
}

/* N / (K n_k); a class that training lacks counts once, and is none of the K. */
static void balanced_weights(void **state)
{
    (void)state;
    static const char set[] = "{type: cross_entropy, class_weights: balanced}";
    double w[3];
    weights_of((const int64_t[]){6, 3, 1}, 10, set, w);
    is(w[0], 10 / (3. * 6), 1e-15), is(w[1], 10 / (3. * 3), 1e-15), is(w[2], 10 / 3., 1e-15);
    weights_of((const int64_t[]){8, 0, 2}, 10, set, w);
    is(w[0], 10 / (2. * 8), 1e-15), is(w[1], 1, 0), is(w[2], 10 / (2. * 2), 1e-15);
    weights_of(NULL, 0, set, w); /* a plan from headers alone */
    is(w[0], 1, 0), is(w[1], 1, 0), is(w[2], 1, 0);
    weights_of((const int64_t[]){6, 3, 1}, 10, "{type: cross_entropy, class_weights: [2, 0, 0.5]}", w);
    is(w[0], 2, 0), is(w[1], 0, 0), is(w[2], 0.5, 0);
}

/* What a cost makes of the network's output, and of targets. */
static void readings(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        gr_shape out;
        gr_prediction_form prediction;
        gr_target_form target;
    } rows[] = {
        {"cross_entropy", {1, {3}}, GR_PREDICT_SHARES, GR_FORM_CLASS},
        {"focal", {1, {3}}, GR_PREDICT_SHARES, GR_FORM_CLASS},
        {"focal", {1, {1}}, GR_PREDICT_LABELS, GR_FORM_CLASS},
        {"binary_cross_entropy", {1, {1}}, GR_PREDICT_LABELS, GR_FORM_CLASS},
        {"binary_cross_entropy", {3, {1, 1, 1}}, GR_PREDICT_LABELS, GR_FORM_CLASS},
        {"binary_cross_entropy", {1, {4}}, GR_PREDICT_LABELS, GR_FORM_LABELS},
        {"kl", {1, {4}}, GR_PREDICT_SHARES, GR_FORM_DISTRIBUTION},
        {"mse", {1, {1}}, GR_PREDICT_VALUES, GR_FORM_VALUES},
        {"mae", {2, {5, 2}}, GR_PREDICT_VALUES, GR_FORM_VALUES},
        {"huber", {1, {1}}, GR_PREDICT_VALUES, GR_FORM_VALUES},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_reading r = named(rows[i].name)->reading(rows[i].out);
        assert_int_equal(r.prediction, rows[i].prediction);
        assert_int_equal(r.target, rows[i].target);
    }
}

/* Slopes, and slopes of slopes, against central differences in float64. [mission P4] */
static void slopes_are_differences(void **state)
{
    (void)state;
    static const struct {
        const char *name, *set;
        int64_t k;
    } rows[] = {
        {"cross_entropy", "cross_entropy", 5},
        {"cross_entropy", "{type: cross_entropy, label_smoothing: 0.2, smoothing: chapter}", 3},
        {"cross_entropy", "{type: cross_entropy, class_weights: [2, 0.5, 1]}", 3},
        {"binary_cross_entropy", "binary_cross_entropy", 1},
        {"binary_cross_entropy", "{type: binary_cross_entropy, positive_weight: 4}", 1},
        {"binary_cross_entropy", "{type: binary_cross_entropy, positive_weight: 4}", 3},
        {"mse", "mse", 4},
        {"mse", "{type: mse, per: sample}", 4},
        {"mae", "mae", 4},
        {"huber", "huber", 4},
        {"huber", "{type: huber, delta: 0.3, per: sample}", 4},
        {"kl", "kl", 4},
        {"focal", "focal", 4},
        {"focal", "{type: focal, gamma: 0.5, alpha: [0.5, 1, 3]}", 3},
        {"focal", "{type: focal, gamma: 3, alpha: 0.25}", 1},
        {"focal", "{type: focal, gamma: 0}", 2},
    };
    gr__rng rng = gr__rng_make(11, "cost", 0, 0);
    for (size_t r = 0; r < GR_COUNT(rows); r++) {
        enum { B = 3 };
        double z[B * 5], y[B * 5], each[B], d[B * 5], dd[B * 5], near[B * 5];
        int64_t n = B * rows[r].k;
        bool classes = named(rows[r].name)->reading(GR_SHAPE(rows[r].k)).target == GR_FORM_CLASS;
        for (int64_t i = 0; i < n; i++) z[i] = 2 * gr__rng_normal(&rng), y[i] = gr__rng_normal(&rng);
        for (int i = 0; i < B && classes; i++) y[i] = (double)gr__rng_below(&rng, (uint64_t)GR_MAX(rows[r].k, 2));
        for (int64_t i = 0; i < n && strcmp(rows[r].name, "kl") == 0; i++)
            y[i] = exp(y[i]); /* any positive numbers: sum q need not be 1 */
        evaluate_twice(rows[r].name, rows[r].set, z, B, rows[r].k, y, true, each, d, dd);
        for (int64_t i = 0; i < n; i++) {
            double kept = z[i], h = 1e-5, slope = 0, curvature = 0;
            for (int side = -1; side <= 1; side += 2) {
                z[i] = kept + side * h;
                evaluate(rows[r].name, rows[r].set, z, B, rows[r].k, y, true, each, near);
                for (int k = 0; k < B; k++) slope += side * each[k] / (2 * h);
                for (int64_t k = 0; k < n; k++) curvature += side * (double)(k + 1) * near[k] / (2 * h);
            }
            z[i] = kept;
            is(slope, d[i], 1e-7);
            is(curvature, dd[i], 1e-7);
        }
    }
}

/* The cost of a batch is the sum over its samples: a mean over parts of any sizes is the mean over all. */
static void costs_of_samples_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    double z[12] = {1, 2, 3, -1, 0, 4, 2, 2, 2, 9, -3, 0.5}, y[4] = {0, 1, 2, 0}, together[4], alone[4];
    evaluate("cross_entropy", "cross_entropy", z, 4, 3, y, true, together, NULL);
    for (int i = 0; i < 4; i++)
        evaluate("cross_entropy", "cross_entropy", z + 3 * i, 1, 3, y + i, true, &alone[i], NULL);
    assert_memory_equal(together, alone, sizeof together);
}

static void refused_outputs_and_data(void **state)
{
    (void)state;
    static const struct {
        const char *name, *set;
        gr_shape out;
        int classes;
        gr_status code;
        const char *says;
    } rows[] = {
        {"cross_entropy", "cross_entropy", {1, {10}}, 10, GR_OK, ""},
        {"cross_entropy", "cross_entropy", {1, {10}}, 0, GR_OK, ""},
        {"cross_entropy", "cross_entropy", {1, {10}}, 7, GR_OK, ""},
        {"cross_entropy", "cross_entropy", {1, {10}}, 11, GR_E_DATA, "11 classes"},
        {"cross_entropy", "cross_entropy", {1, {1}}, 1, GR_E_SHAPE, "two outputs"},
        {"cross_entropy", "cross_entropy", {3, {4, 4, 10}}, 10, GR_E_SHAPE, "3 axes"},
        {"cross_entropy", "{type: cross_entropy, class_weights: [1, 2]}", {1, {3}}, 3, GR_E_RANGE, "2 weights"},
        {"cross_entropy", "{type: cross_entropy, class_weights: balanced}", {1, {3}}, 3, GR_OK, ""},
        {"cross_entropy", "{type: cross_entropy, class_weights: heavy}", {1, {3}}, 3, GR_E_TYPE, "list"},
        {"cross_entropy",
         "{type: cross_entropy, class_weights: [0, 0, 0]}",
         {1, {3}},
         3,
         GR_E_RANGE,
         "every weight is 0"},
        {"cross_entropy", "{type: cross_entropy, class_weights: [1, -1, 1]}", {1, {3}}, 3, GR_E_RANGE, "-1"},
        {"cross_entropy", "{type: cross_entropy, class_weights: [1, 0, 2.5]}", {1, {3}}, 3, GR_OK, ""},
        {"binary_cross_entropy", "binary_cross_entropy", {1, {1}}, 2, GR_OK, ""},
        {"binary_cross_entropy", "binary_cross_entropy", {1, {2}}, 2, GR_E_SHAPE, "one output"},
        {"binary_cross_entropy", "binary_cross_entropy", {1, {1}}, 3, GR_E_DATA, "3"},
        {"binary_cross_entropy", "binary_cross_entropy", {1, {7}}, 0, GR_OK, ""},
        {"focal", "focal", {1, {1}}, 2, GR_OK, ""},
        {"focal", "focal", {1, {1}}, 3, GR_E_DATA, "3"},
        {"focal", "focal", {1, {4}}, 5, GR_E_DATA, "5 classes"},
        {"focal", "focal", {2, {4, 4}}, 4, GR_E_SHAPE, "2 axes"},
        {"focal", "{type: focal, alpha: 0.25}", {1, {1}}, 2, GR_OK, ""},
        {"focal", "{type: focal, alpha: 1}", {1, {1}}, 2, GR_E_RANGE, "(0,1)"},
        {"focal", "{type: focal, alpha: [1, 2]}", {1, {1}}, 2, GR_E_RANGE, "(0,1)"},
        {"focal", "{type: focal, alpha: 0.25}", {1, {3}}, 3, GR_E_TYPE, "list"},
        {"focal", "{type: focal, alpha: [1, 2]}", {1, {3}}, 3, GR_E_RANGE, "3 classes"},
        {"focal", "{type: focal, alpha: [1, 0, 2]}", {1, {3}}, 3, GR_OK, ""},
        {"kl", "kl", {1, {3}}, 0, GR_OK, ""},
        {"kl", "kl", {1, {1}}, 0, GR_E_SHAPE, "two outputs"},
        {"kl", "kl", {2, {3, 3}}, 0, GR_E_SHAPE, "2 axes"},
        {"mae", "mae", {1, {0}}, 0, GR_E_SHAPE, ""},
        {"huber", "huber", {3, {2, 2, 1}}, 0, GR_OK, ""},
        {"mse", "mse", {1, {4}}, 0, GR_OK, ""},
        {"mse", "mse", {1, {0}}, 0, GR_E_SHAPE, ""},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        ev_bench b;
        gr_settings s;
        const gr_cost *m = named(rows[i].name);
        assert_true(ev_begin(&b, rows[i].set));
        gr_build build = {.ctx = b.ctx, .g = b.g, .memory = b.memory, .layer = "cost"};
        test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &m->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
        bool ok = m->check(&build, &s, rows[i].out, rows[i].classes);
        assert_int_equal(ok, rows[i].code == GR_OK);
        if (gr__error_code(b.ctx) != rows[i].code || !strstr(gr_context_error(b.ctx)->message, rows[i].says))
            fail_msg("row %d: %s", (int)i, gr_context_error(b.ctx)->message);
        ev_end(&b);
    }
}

static void targets_that_do_not_fit_fail_the_graph(void **state)
{
    (void)state;
    ev_bench b;
    gr_settings s;
    assert_true(ev_begin(&b, "mse"));
    gr_build build = {.ctx = b.ctx, .g = b.g, .memory = b.memory, .layer = "cost"};
    test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &named("mse")->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
    gr_cost_value v = named("mse")->build(&build, &s, gr_feed(b.g, "z", GR_REAL, GR_SHAPE(4, 3)),
                                          gr_feed(b.g, "y", GR_REAL, GR_SHAPE(4, 2)), true);
    assert_int_equal(v.each, GR_NONE);
    assert_int_equal(gr_graph_status(b.g), GR_E_SHAPE);
    assert_non_null(strstr(gr_context_error(b.ctx)->message, "[4,2]"));
    ev_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cost_has_a_reference),
        cmocka_unit_test(zero_logits_cost_ln_k),
        cmocka_unit_test(printed_vectors),
        cmocka_unit_test(extreme_logits),
        cmocka_unit_test(balanced_weights),
        cmocka_unit_test(readings),
        cmocka_unit_test(slopes_are_differences),
        cmocka_unit_test(costs_of_samples_do_not_depend_on_the_batch),
        cmocka_unit_test(refused_outputs_and_data),
        cmocka_unit_test(targets_that_do_not_fit_fail_the_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
