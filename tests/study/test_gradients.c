/* The gradient check: sound networks pass it from any seed, with raw and with prepared data, though ReLUs, poolings,
 * limits and absolute values stand at their kinks; what no difference can tell is told; the work is bounded. */
#include "study/derivative/difference.h"
#include "study_case.h"

/* ---- sound networks ---- */

#define PICTURES(layers)                                                                                        \
    "gradus: 1\nname: sound\ndata: {train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 4}\nmodel: " \
    "{input: "                                                                                                  \
    "[16, 16, 1], layers: [" layers "]}\ncost: cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n"
#define NUMBERS(layers, cost)                                                                                \
    "gradus: 1\nname: sound\ndata: {train: {type: synthetic, kind: regression, n: 40, features: 5}, batch: " \
    "8}\nmodel: {input: [5], layers: [" layers "]}\ncost: " cost "\noptimizer: sgd\nstop: {epochs: 1}\n"

static const char *const sound[] = {
    PICTURES(
        "{type: conv, filters: 4, kernel: 3, padding: same, activation: relu}, {type: max_pool, size: 2}, flatten, "
        "{type: dense, units: 10}"),
    PICTURES("{type: conv, filters: 4, kernel: 5, padding: 2, activation: relu}, {type: max_pool, size: 2}, {type: "
             "conv, filters: 6, kernel: 3, activation: relu}, {type: max_pool, size: 2}, flatten, {type: dense, units: "
             "16, activation: relu}, {type: dense, units: 10}"),
    PICTURES("{type: conv, filters: 4, kernel: 3, bias: false}, batch_norm, relu, {type: max_pool, size: 2}, {type: "
             "conv, filters: 4, kernel: 3}, batch_norm, relu, {type: max_pool, size: 3, stride: 2, padding: 1}, "
             "global_avg_pool, {type: dense, units: 10}"),
    PICTURES("{type: max_pool, size: 2}, {type: conv, filters: 3, kernel: 3, activation: leaky_relu}, {type: dropout, "
             "rate: 0.5}, {type: avg_pool, size: 2}, flatten, {type: dense, units: 10}"),
    NUMBERS("{type: dense, units: 8, activation: relu}, {type: dense, units: 1}", "mse"),
    NUMBERS("{type: dense, units: 8, activation: relu}, {type: dense, units: 1}", "mae"),
    NUMBERS("{type: dense, units: 8, activation: relu}, {type: dense, units: 1}", "{type: huber, delta: 0.1}"),
    NUMBERS("{type: dense, units: 1}", "mae"),
    NUMBERS("{type: reshape, shape: [5, 1]}, {type: rnn, units: 6, nonlinearity: relu, bidirectional: true}, {type: "
            "dense, units: 1}",
            "mse"),
    NUMBERS("{type: reshape, shape: [5, 1]}, {type: gru, units: 4, return: sequence}, {type: lstm, units: 3}, {type: "
            "dense, units: 1}",
            "mse"),
};

static void no_false_alarm(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(sound); i++)
        for (int k = 0; k < 20; k++) {
            gr_context *ctx = test_context();
            bool bytes = strstr(sound[i], "digits");
            const char *prepare = k % 2 == 0 ? "data.prepare=none"
                                  : bytes    ? "data.prepare=[scale]"
                                             : "data.prepare=[standardize]";
            char set[32];
            snprintf(set, sizeof set, "seed=%d", k / 2 + 1);
            gr_recipe *r = RECIPE(ctx, sound[i], set, prepare);
            gr_finding f = check_gradients(ctx, r, GR_GRADIENT_FEW);
            if (f.verdict != GR_VERDICT_OK)
                fail_msg("network %zu, %s, %s: %s: %s", i, set, prepare, gr__verdict_name(f.verdict), f.message);
            gr__recipe_close(ctx, r);
            test_context_end(ctx);
        }
}

/* From zeros, with penalties that have kinks there: the check looks beside the start. */
static void starts_at_a_kink_are_no_fault(void **state)
{
    (void)state;
    static const char *const sets[] = {"init={weights: zeros}", "init={weights: {type: constant, value: 0.1}}",
                                       "penalty={l1: 0.1, l2: 0.01}"};
    for (size_t i = 0; i < GR_COUNT(sound); i++)
        for (size_t k = 0; k < GR_COUNT(sets); k++) {
            gr_context *ctx = test_context();
            gr_recipe *r = RECIPE(ctx, sound[i], sets[k]);
            gr_finding f = check_gradients(ctx, r, GR_GRADIENT_FEW);
            if (f.verdict != GR_VERDICT_OK)
                fail_msg("network %zu, %s: %s: %s", i, sets[k], gr__verdict_name(f.verdict), f.message);
            gr__recipe_close(ctx, r);
            test_context_end(ctx);
        }
}

/* ---- what cannot be told ---- */

/* x and a staircase that rises as x does, in steps far below the width of any difference. */
static gr_val staircase(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)s, (void)n_in;
    gr_graph *g = b->g;
    const double fine = 1e10;
    gr_val step = gr_floor(g, gr_mul(g, in[0], gr_const(g, fine)));
    return gr_add(g, in[0], gr_mul(g, step, gr_const(g, 1 / fine)));
}

static void kinks_everywhere_are_a_warning(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r =
        RECIPE(ctx, NUMBERS("{type: dense, units: 4, name: h}, relu, {type: dense, units: 1, name: o}", "mse"));
    gr_layer room;
    gr__bump *memory = gr__bump_create(ctx);
    gr_gradient_row *rows;
    size_t n;
    gr_finding f = {.id = "P4", .name = "gradients"};
    build_layer_by(r, 1, &room, staircase);
    test_ok(ctx, gr__check_gradients(ctx, r, &(gr_gradient_options){.most = GR_GRADIENT_FEW}, &rows, &n, memory, &f));
    assert_int_equal(f.verdict, GR_VERDICT_WARNING);
    if (!strstr(f.message, "2 of 4 gradients could not be judged, the first is h.weight")) fail_msg("%s", f.message);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) { /* the layer behind the staircase is told all the same */
        assert_true(rows[i].checked > 0 && !rows[i].wrong);
        assert_int_equal(rows[i].judged, i < 2 ? 0 : rows[i].checked);
    }
    gr__bump_destroy(memory);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static void a_cost_that_is_not_finite_is_a_warning(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, sound[4], "init={weights: {type: constant, value: 1e200}}");
    gr_finding f = check_gradients(ctx, r, GR_GRADIENT_FEW);
    assert_int_equal(f.verdict, GR_VERDICT_WARNING);
    assert_non_null(strstr(f.message, "the cost is not finite"));
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* ---- one difference ---- */

static void a_difference_tells_right_wrong_and_nothing(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, NUMBERS("{type: dense, units: 1, name: o}", "mae"), "data.batch=1");
    gr_slopes s;
    test_ok(ctx, gr__slopes_open(ctx, r, &(gr_slopes_options){.mode = GR_MODE_TRAIN, .batch = 1}, &s));
    double *bias = gr_store_find(s.store, "o.bias")->data, cost, kept, along = 1;
    gr_line line = {bias, &along, &kept, 1};
    gr_difference d;
    *bias += 1000; /* far above the target: |z - y| has the slope 1 */
    test_ok(ctx, gr__slopes_run(&s, s.cost, &cost));
    test_ok(ctx, gr__difference(&s, &line, 1, 1e-8, 1e-7, &d));
    assert_int_equal(d.told, GR_TOLD_RIGHT);
    test_ok(ctx, gr__difference(&s, &line, 1.001, 1e-8, 1e-7, &d));
    assert_int_equal(d.told, GR_TOLD_WRONG);
    test_ok(ctx, gr__difference(&s, &line, NAN, 1e-8, 1e-7, &d));
    assert_int_equal(d.told, GR_TOLD_WRONG);
    *bias -= cost; /* onto the target, up to rounding */
    double before = *bias;
    test_ok(ctx, gr__difference(&s, &line, 1, 1e-8, 1e-7, &d));
    assert_int_equal(d.told, GR_TOLD_NOTHING);
    assert_true(*bias == before);
    *bias += 3e-6; /* wide differences step over the kink, narrow ones do not */
    test_ok(ctx, gr__difference(&s, &line, 1, 1e-8, 1e-7, &d));
    assert_int_equal(d.told, GR_TOLD_RIGHT);
    test_ok(ctx, gr__difference(&s, &line, -1, 1e-8, 1e-7, &d));
    assert_int_equal(d.told, GR_TOLD_WRONG);
    gr__slopes_close(&s);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

#define EQUILIBRIUM(units, std)                                                                                       \
    "gradus: 1\nname: equal\ndata: {train: {type: synthetic, kind: blobs, n: 64, classes: 3, features: 6, seed: 1}, " \
    "batch: 2, prepare: [standardize]}\nmodel: {input: [6], layers: [{type: dense, units: " units                     \
    ", name: c0}, {type: equilibrium, name: eq, layers: [{type: dense, units: " units                                 \
    ", name: c1, init: {weights: {type: normal, std: " std                                                            \
    "}}}, {type: add, from: [c1, x], activation: tanh, name: sum}]}, {type: dense, units: 3, name: head}]}\ncost: "   \
    "cross_entropy\noptimizer: adam\nstop: {epochs: 1}\n"

/* With large weights an equilibrium has many solutions, and which is found changes from width to width: both ends of a
 * difference may lie at another one than the middle does. */
static void other_solutions_are_no_fault(void **state)
{
    (void)state;
    static const struct {
        const char *recipe, *seed;
    } rows[] = {{EQUILIBRIUM("8", "5"), "seed=4"},
                {EQUILIBRIUM("16", "5"), "seed=6"},
                {EQUILIBRIUM("16", "5"), "seed=10"},
                {EQUILIBRIUM("8", "8"), "seed=1"},
                {EQUILIBRIUM("8", "3"), "seed=2"}};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_context *ctx = test_context();
        gr_recipe *r = RECIPE(ctx, rows[i].recipe, rows[i].seed);
        gr_finding f = check_gradients(ctx, r, GR_GRADIENT_FEW);
        if (f.verdict == GR_VERDICT_FAILED) fail_msg("network %zu: %s", i, f.message);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

/* Where there is one solution a slope that is a little off is told behind it. */
static void a_wrong_slope_behind_an_equilibrium_is_told(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, EQUILIBRIUM("8", "0.2"), "seed=1");
    gr_slopes s;
    double cost, along = 1, kept;
    test_ok(ctx, gr__slopes_open(ctx, r, &(gr_slopes_options){.mode = GR_MODE_TRAIN, .batch = 2}, &s));
    test_ok(ctx, gr__slopes_run(&s, s.slope, &cost));
    for (size_t i = 0; i < s.n; i++) {
        double slope = gr__slopes_gradient(&s, i)[0], limit = 1e-6 * gr__slopes_scale(&slope, 1, cost);
        gr_line line = {gr_store_find(s.store, s.params[i].entry.name)->data, &along, &kept, 1};
        gr_difference d;
        assert_true(gr__slopes_found(&s, i));
        test_ok(ctx, gr__difference(&s, &line, slope, limit / 10, limit, &d));
        assert_int_equal(d.told, GR_TOLD_RIGHT);
        test_ok(ctx, gr__difference(&s, &line, slope * 1.01 + 20 * limit, limit / 10, limit, &d));
        if (d.told != GR_TOLD_WRONG) fail_msg("%s: %d", s.params[i].entry.name, (int)d.told);
        test_ok(ctx, gr__slopes_run(&s, s.slope, &cost));
    }
    gr__slopes_close(&s);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* A ReLU in a loop has branches at every step. */
static void branches_of_every_step_are_told(void **state)
{
    (void)state;
    static const char layers[] =
        NUMBERS("{type: reshape, shape: [5, 1]}, {type: rnn, units: 1, nonlinearity: relu, name: r}, {type: dense, "
                "units: 1}",
                "mse");
    static const double biases[] = {1000, 999, -1000, -999}; /* every step on, on, off, off */
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, layers, "data.batch=1", "init.weights={type: constant, value: 1}");
    gr_slopes s;
    uint64_t is[4], one, before;
    test_ok(ctx, gr__slopes_open(ctx, r, &(gr_slopes_options){.mode = GR_MODE_TRAIN, .batch = 1}, &s));
    double *bias = gr_store_find(s.store, "r.bias_ih_l0")->data,
           *around = gr_store_find(s.store, "r.weight_hh_l0")->data;
    for (int i = 0; i < 4; i++) {
        *bias = biases[i];
        test_ok(ctx, gr__slopes_branches(&s, &is[i]));
    }
    assert_true(is[0] == is[1] && is[2] == is[3] && is[0] != is[2]);
    *bias = 1000;
    *around = -2; /* the first step on, the second off by it, the third on, and so on: the last state tells no more */
    test_ok(ctx, gr__slopes_branches(&s, &one));
    *around = -0.1;
    test_ok(ctx, gr__slopes_branches(&s, &before));
    assert_true(before == is[0] && one != is[0] && one != is[2]);
    gr__slopes_close(&s);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* ---- work ---- */

/* The work that comparisons may take makes them fewer, then the samples, then the parameters looked at: never none. */
static void the_work_is_bounded(void **state)
{
    (void)state;
    static const struct {
        double work;
        int64_t least, most;
        const char *says;
    } rows[] = {
        {0, 32, 32, "in all 8 parameters"},
        {1.5e7, 9, 31, "in all 8 parameters"},
        {5e6, 8, 8, "in all 8 parameters"},
        {1e6, 2, 7, "of 8 parameters; the network is too large"},
        {1, 1, 1, "in 1 of 8 parameters; the network is too large"},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_context *ctx = test_context();
        gr_recipe *r = RECIPE(ctx, sound[1]);
        gr__bump *memory = gr__bump_create(ctx);
        gr_gradient_row *row;
        size_t n;
        int64_t checked = 0;
        gr_finding f = {.id = "P4", .name = "gradients"};
        test_ok(ctx, gr__check_gradients(ctx, r, &(gr_gradient_options){.most = GR_GRADIENT_FEW, .work = rows[i].work},
                                         &row, &n, memory, &f));
        assert_int_equal(n, 8);
        for (size_t k = 0; k < n; k++) checked += row[k].checked;
        if (checked < rows[i].least || checked > rows[i].most || !strstr(f.message, rows[i].says))
            fail_msg("work %g: %lld comparisons: %s", rows[i].work, (long long)checked, f.message);
        gr__bump_destroy(memory);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_false_alarm),
        cmocka_unit_test(starts_at_a_kink_are_no_fault),
        cmocka_unit_test(kinks_everywhere_are_a_warning),
        cmocka_unit_test(a_cost_that_is_not_finite_is_a_warning),
        cmocka_unit_test(a_difference_tells_right_wrong_and_nothing),
        cmocka_unit_test(other_solutions_are_no_fault),
        cmocka_unit_test(a_wrong_slope_behind_an_equilibrium_is_told),
        cmocka_unit_test(branches_of_every_step_are_told),
        cmocka_unit_test(the_work_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
