/* Failing each k-th allocation, and each k-th write, of a small training run: an error, never a crash, a leak or an
 * unusable folder. */
#include "base/file.h"
#include "small.h"

static const char *const recipe =
    "optimizer: {type: sgd, lr: 0.01, momentum: 0.9}\nstop: {steps: 3}\nvalidate: {every: 2}\ncheckpoint: {every: 2}\n"
    "metrics: [auc, {type: f1, average: macro}, f1]\nbest_by: mcc\naverage: {type: swa, start: 1, cycle: 1}\n"
    "log: {histograms: 2, pictures: 3}\n";

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

/* Starting from a model reads what it says of classes, columns and preparation. */
static void every_allocation_may_fail_from_a_model(void **state)
{
    (void)state;
    static const char table[] =
        "gradus: 1\nname: small\ndata: {train: {type: csv, file: t.csv, target: kind}, validation: {split: 0.2}, "
        "batch: 16, prepare: [standardize]}\n"
        "model: {input: [2], layers: [{type: dense, units: 3}]}\ncost: cross_entropy\noptimizer: sgd\n"
        "stop: {epochs: 1}\n";
    small s;
    gr_train_result result;
    char from[160], file[160];
    small_make(&s, "");
    snprintf(file, sizeof file, "%s/t.csv", s.folder);
    snprintf(from, sizeof from, "%s/from.safetensors", s.folder);
    FILE *out = fopen(s.recipe, "w");
    assert_non_null(out);
    assert_true(fputs(table, out) >= 0 && fclose(out) == 0);
    for (int pass = 0; pass < 2; pass++) { /* the model's classes, then fewer in another order */
        out = fopen(file, "w");
        assert_non_null(out);
        fprintf(out, "a,b,kind\n");
        for (int i = 0; i < 60; i++)
            fprintf(out, "%d,%d,%s\n", i, i * i % 7, i % 3 == 2 ? "cow" : pass || i % 3 ? "bee" : "ant");
        assert_int_equal(fclose(out), 0);
        if (pass) break;
        char last[160];
        gr_context *ctx = test_context_with(1, 0);
        test_ok(ctx, small_train(ctx, &s, NULL, &result));
        test_context_end(ctx);
        snprintf(last, sizeof last, "%s/last.safetensors", s.out);
        assert_int_equal(rename(last, from), 0);
    }
    gr_train_options o = {.from = from, .force = true, .overwrite = true}; /* classes are numbered as the model does */
    gr_context *count = test_context_with(1, 0);
    test_ok(count, small_train(count, &s, &o, &result));
    uint64_t n = gr__acquisitions(count);
    test_context_end(count);
    for (uint64_t k = 1; k <= n; k = next(k)) {
        gr_context *ctx = test_context_with(1, 0);
        gr__fail_acquisition(ctx, k);
        gr_status st = small_train(ctx, &s, &o, &result);
        gr__fail_acquisition(ctx, 0);
        assert_true(st == GR_OK || st == GR_E_MEMORY);
        if (st != GR_OK) assert_int_equal(gr_context_error(ctx)->code, GR_E_MEMORY);
        test_context_end(ctx);
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
                                       cmocka_unit_test(every_allocation_may_fail_from_a_model),
                                       cmocka_unit_test(every_write_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
