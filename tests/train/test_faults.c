/* Failing each k-th allocation, and each k-th write, of a small training run: an error, never a crash, a leak or an
 * unusable folder. */
#include "base/file.h"
#include "small.h"

static const char *const recipe =
    "optimizer: {type: sgd, lr: 0.01, momentum: 0.9}\nstop: {steps: 3}\nvalidate: {every: 2}\ncheckpoint: {every: 2}\n"
    "metrics: [auc, {type: f1, average: macro}, f1]\nbest_by: mcc\naverage: {type: swa, start: 1, cycle: 1}\n";

/* Every k at first, then ever larger strides: thousands of acquisitions, each run a few milliseconds. */
static uint64_t next(uint64_t k)
{
    return k < 60 ? k + 1 : k + 1 + k / 40;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    small s;
    gr_train_result result;
    small_make(&s, recipe);
    gr_context *count = test_context_with(1, 0);
    test_ok(count, small_train(count, &s, NULL, &result));
    uint64_t n = gr__acquisitions(count);
    test_context_end(count);
    assert_true(n > 100);
    for (uint64_t k = 1; k <= n; k = next(k)) {
        gr_context *ctx = test_context_with(1, 0);
        gr__fail_acquisition(ctx, k);
        gr_status st = small_train(ctx, &s, &(gr_train_options){.overwrite = true}, &result);
        gr__fail_acquisition(ctx, 0);
        assert_true(st == GR_OK || st == GR_E_MEMORY);
        if (st != GR_OK) assert_int_equal(gr_context_error(ctx)->code, GR_E_MEMORY);
        test_context_end(ctx); /* accounts for every byte */
    }
    small_remove(&s);
}

static void every_write_may_fail(void **state)
{
    (void)state;
    small s;
    gr_train_result result;
    small_make(&s, recipe);
    for (uint64_t k = 1; k < 60; k++) {
        gr_context *ctx = test_context_with(1, 0);
        gr__fail_write(ctx, k);
        gr_status st = small_train(ctx, &s, &(gr_train_options){.resume = true}, &result);
        gr__fail_write(ctx, 0);
        if (st != GR_OK) {
            assert_int_equal(st, GR_E_WRITE);
            gr_context_clear_error(ctx);
            test_ok(ctx, small_train(ctx, &s, &(gr_train_options){.resume = true},
                                     &result)); /* the folder is still usable */
            assert_int_equal(result.steps, 3);
        }
        test_context_end(ctx);
        char command[160];
        snprintf(command, sizeof command, "rm -rf '%s'", s.out);
        assert_int_equal(system(command), 0);
        if (st == GR_OK) break; /* fewer than k writes happen */
        assert_true(k < 59);
    }
    small_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail),
                                       cmocka_unit_test(every_write_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
