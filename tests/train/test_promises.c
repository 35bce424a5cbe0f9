/* What every run promises: bytes as planned, dropout masks that micro-batching leaves alone, a host whose
 * floating-point state is its own, divergence that is named. */
#include <fenv.h>
#include <math.h>

#include "model/file.h"
#include "small.h"

static void planned_bytes_are_taken_to_the_byte(void **state)
{
    (void)state;
    static const char *const recipes[] = {
        "optimizer: adam\nstop: {epochs: 1}\n",
        "optimizer: {type: sgd, momentum: 0.9}\nstop: {epochs: 1}\naccumulate: 3\n",
        "optimizer: adam\nstop: {epochs: 1}\nprecision: float64\n",
        "optimizer: sgd\nstop: {epochs: 1}\nvalidate: none\n",
        "optimizer: sgd\nstop: {epochs: 1}\nmetrics: [auc]\naverage: {type: swa, start: 1, cycle: 1}\n",
        "optimizer: sgd\nstop: {epochs: 1}\nbest_by: auc\nprecision: float64\n",
        "optimizer: {type: sgd, lr: 0.01}\ninit: {weights: orthogonal}\nstop: {epochs: 1}\naverage: {type: swa}\n",
        "optimizer: adam\nlookahead: {k: 3}\nstop: {epochs: 2}\ncheckpoint: {every: 2}\n",
    };
    for (size_t i = 0; i < GR_COUNT(recipes); i++) {
        small s;
        gr_train_result result;
        gr_recipe *r;
        gr_task task;
        gr_engine engine;
        small_make(&s, recipes[i]);
        gr_context *ctx = test_context_with(2, 0);
        test_ok(ctx, gr__recipe_open(ctx, s.recipe, NULL, 0, &r));
        test_ok(ctx, gr__task_estimate(ctx, r, &task));
        test_ok(ctx, gr__engine_make(&task, true, 1u << GR_PART_VALIDATION, &engine));
        uint64_t planned = engine.bytes.total, bound = engine.bytes.bookkeeping;
        assert_int_equal(gr_context_peak_bytes(ctx), 0); /* planning takes no tensor memory */
        gr__engine_close(&engine);
        gr__task_close(&task);
        gr__recipe_close(ctx, r);
        test_ok(ctx, small_train(ctx, &s, NULL, &result));
        assert_int_equal(result.planned_bytes, planned);
        assert_int_equal(result.peak_bytes, planned);
        assert_in_range(gr__bookkeeping_peak(ctx), bound / 8, bound); /* the rest was bounded, and not wildly */
        test_context_end(ctx);
        small_remove(&s);
    }
}

static double *weights(gr_context *ctx, const char *out, int64_t *n)
{
    char path[160];
    gr_st *st;
    snprintf(path, sizeof path, "%s/last.safetensors", out);
    test_ok(ctx, gr__st_whole(ctx, path, &st));
    const gr_st_tensor *t = gr__st_find(st, "head.weight");
    assert_non_null(t);
    assert_int_equal(t->type, GR_ST_F64);
    *n = gr_shape_count(t->shape);
    double *copy = malloc(t->bytes);
    memcpy(copy, t->data, t->bytes);
    gr__st_close(st);
    return copy;
}

/* One batch of 32 and four of 8 draw the same dropout masks, so in float64 they end within rounding of each other. */
static void micro_batches_draw_the_same_masks(void **state)
{
    (void)state;
    static const char *const recipes[] = {
        "precision: float64\noptimizer: {type: sgd, lr: 0.05, momentum: 0.9}\nvalidate: none\nstop: {epochs: 2}\n",
        "precision: float64\noptimizer: {type: sgd, lr: 0.05, momentum: 0.9}\nvalidate: none\nstop: {epochs: "
        "2}\naccumulate: 4\n",
    };
    double *w[2];
    int64_t n[2];
    for (int i = 0; i < 2; i++) {
        small s;
        gr_train_result result;
        gr_recipe *r;
        small_make(&s, recipes[i]);
        gr_context *ctx = test_context_with(2, 0);
        const char *const sets[] = {i ? "data.batch=8" : "data.batch=32"};
        test_ok(ctx, gr__recipe_open(ctx, s.recipe, sets, 1, &r));
        test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = s.out}, &result));
        assert_int_equal(result.steps, 6); /* 96 rows */
        gr__recipe_close(ctx, r);
        w[i] = weights(ctx, s.out, &n[i]);
        test_context_end(ctx);
        small_remove(&s);
    }
    assert_int_equal(n[0], n[1]);
    double largest = 0, apart = 0;
    for (int64_t k = 0; k < n[0]; k++) {
        largest = fmax(largest, fabs(w[0][k]));
        apart = fmax(apart, fabs(w[0][k] - w[1][k]));
    }
    assert_true(largest > 0);
    assert_true(apart < 1e-12 * largest);
    free(w[0]);
    free(w[1]);
}

static void the_hosts_floating_point_state_is_its_own(void **state)
{
    (void)state;
    small s;
    gr_train_result result;
    small_make(&s, "optimizer: adam\nstop: {steps: 3}\n");
    gr_context *ctx = test_context_with(2, 0);
    assert_int_equal(fesetround(FE_UPWARD), 0);
    volatile double tiny = 1e-310;
    gr_status st = small_train(ctx, &s, NULL, &result);
    int rounding = fegetround();
    volatile double halved = tiny / 2;
    fesetround(FE_TONEAREST);
    test_ok(ctx, st);
    assert_int_equal(rounding, FE_UPWARD);
    assert_true(halved > 0); /* denormals still exist here */
    test_context_end(ctx);
    small_remove(&s);
}

/* What was best before stays; the weights after an update that exploded give NaN, and are never the best. */
static void divergence_names_step_and_operation(void **state)
{
    (void)state;
    static const char *const schedules[] = {"constant", "{type: step, at: [2], factors: [1e32]}"};
    for (int sound = 0; sound < 2; sound++) {
        char more[200], step[64], path[160];
        small s;
        gr_train_result result;
        snprintf(more, sizeof more,
                 "optimizer: {type: sgd, lr: %s}\nschedule: %s\nstop: {epochs: 3}\nvalidate: {every: 1}\n",
                 sound ? "0.01" : "1e30", schedules[sound]);
        small_make(&s, more);
        gr_context *ctx = test_context_with(1, 0);
        assert_int_equal(small_train(ctx, &s, NULL, &result), GR_E_DIVERGED);
        assert_int_equal(result.reason, GR_REASON_DIVERGED);
        snprintf(step, sizeof step, "step %lld: ", (long long)result.steps + 1);
        assert_memory_equal(result.diverged, step, strlen(step));
        assert_non_null(strstr(gr_context_error(ctx)->message, "diverged"));
        assert_in_range(result.best_step, sound, 2 * sound); /* after it every evaluation is of NaNs */
        snprintf(path, sizeof path, "%s/best.safetensors", s.out);
        assert_int_equal(access(path, R_OK), sound ? 0 : -1);
        test_context_end(ctx);
        small_remove(&s);
    }
}

static void a_budget_below_the_plan_takes_nothing(void **state)
{
    (void)state;
    small s;
    gr_train_result result;
    small_make(&s, "optimizer: adam\nstop: {steps: 3}\nmemory: 4K\n");
    gr_context *ctx = test_context_with(1, 0);
    assert_int_equal(small_train(ctx, &s, NULL, &result), GR_E_BUDGET);
    assert_int_equal(gr_context_peak_bytes(ctx), 0);
    assert_string_equal(gr_context_error(ctx)->key, "memory");
    assert_int_equal(access(s.out, F_OK), -1);
    test_context_end(ctx);
    small_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planned_bytes_are_taken_to_the_byte),
        cmocka_unit_test(micro_batches_draw_the_same_masks),
        cmocka_unit_test(the_hosts_floating_point_state_is_its_own),
        cmocka_unit_test(divergence_names_step_and_operation),
        cmocka_unit_test(a_budget_below_the_plan_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
