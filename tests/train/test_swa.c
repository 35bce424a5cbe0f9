/* Averages of weights in whole trainings.  [mission O24, SYS24] */
#include "support/trainings.h"

#include <signal.h>

static void swa_is_the_mean_of_what_it_collected_and_changes_nothing(void **state)
{
    (void)state;
    model swa, last, plain, at[3];
    const char *lines = "optimizer: {type: sgdm, lr: 0.1}\nvalidate: none\nstop: {steps: 9}\naverage: {type: swa, "
                        "start: 4, cycle: 2}\n";
    const char *const steps[] = {"stop.steps=4", "stop.steps=6",
                                 "stop.steps=8"}; /* after 4, 6, 8: not before the start, not between cycles */
    gr_train_result r = fit(lines, NULL, 0, "swa.safetensors", &swa, NULL);
    assert_int_equal(r.averaged, 3);
    fit(lines, NULL, 0, "last.safetensors", &last, NULL);
    FIT("optimizer: {type: sgdm, lr: 0.1}\nvalidate: none\nstop: {steps: 9}\n", &plain);
    assert_true(apart(&last, &plain) == 0);
    for (int i = 0; i < 3; i++)
        fit("optimizer: {type: sgdm, lr: 0.1}\nvalidate: none\n", &steps[i], 1, "last.safetensors", &at[i], NULL);
    for (int i = 0; i < 4; i++)
        for (int64_t k = 0; k < swa.count[i]; k++)
            assert_true(fabs(swa.v[i][k] - (at[0].v[i][k] + at[1].v[i][k] + at[2].v[i][k]) / 3) < 1e-15);
    model_free(&swa), model_free(&last), model_free(&plain);
    for (int i = 0; i < 3; i++) model_free(&at[i]);
}

/* The best model is whichever weights validate better, and its figures are those weights' own. */
static void the_average_may_be_best(void **state)
{
    (void)state;
    model best, swa;
    const char *lines = "optimizer: {type: sgdm, lr: 0.25}\nstop: {epochs: 12}\nvalidate: {every: 1 epoch}\naverage: "
                        "{type: swa, start: 0.25}\n";
    gr_train_result r = fit(lines, NULL, 0, "best.safetensors", &best, NULL);
    assert_int_equal(r.averaged, 10);
    assert_true(r.best_error <= r.final_error && r.best_error <= r.average_error);
    fit(lines, NULL, 0, "swa.safetensors", &swa, NULL);
    if (r.best_averaged && r.best_step == r.steps) assert_true(apart(&best, &swa) == 0);
    model_free(&best), model_free(&swa);
}

enum { RATES = 10 };

/* The rates that metrics.jsonl has; -1 where there is no line. */
static void rates_read(const char *folder, double rate[RATES])
{
    char path[200], line[1024];
    for (int t = 0; t < RATES; t++) rate[t] = -1;
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *step = strstr(line, "\"step\":"), *lr = strstr(line, "\"lr\":");
        assert_true(step && lr);
        long t = strtol(step + 7, NULL, 10);
        assert_true(t >= 1 && t <= RATES && rate[t - 1] == -1); /* each update once */
        rate[t - 1] = strtod(lr + 5, NULL);
    }
    fclose(f);
}

typedef struct interruption {
    volatile sig_atomic_t stop;
    int64_t after; /* updates */
} interruption;

static gr_status interrupt_after(void *user, const gr_progress *p, bool *stop)
{
    interruption *i = user;
    (void)stop;
    if (p->phase == GR_PHASE_TRAIN && p->step == i->after) i->stop = 1;
    return GR_OK;
}

/* Ten updates, interrupted after so many and resumed (0: not); the rates of all. */
static void rates_of_a_run(const char *average, int64_t after, double rate[RATES])
{
    small s;
    gr_recipe *r;
    gr_train_result result;
    interruption in = {.after = after};
    char text[400];
    snprintf(text, sizeof text,
             "precision: float64\nvalidate: none\nstop: {steps: 10}\noptimizer: {type: sgd, lr: 0.1}\nschedule: {type: "
             "polynomial, warmup: "
             "2}\n%s",
             average);
    small_make(&s, text);
    gr_context *ctx = test_context_with(1, 0);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, NULL, 0, &r));
    gr_train_options o = {.out = s.out,
                          .resume = true,
                          .stop = &in.stop,
                          .watcher = &(gr_watcher){.version = GR_WATCHER_VERSION, .user = &in, .tell = interrupt_after},
                          .n_watchers = 1};
    if (after) {
        assert_int_equal(gr__train(ctx, r, &o, &result), GR_E_INTERRUPTED);
        assert_int_equal(result.steps, after);
        gr_context_clear_error(ctx);
        in.stop = 0, in.after = 0;
    }
    test_ok(ctx, gr__train(ctx, r, &o, &result));
    assert_int_equal(result.steps, RATES);
    gr__recipe_close(ctx, r);
    rates_read(s.out, rate);
    test_context_end(ctx);
    small_remove(&s);
}

/* The rate of SWA is constant: the schedule's up to the update after which the first weights are collected, average.lr
 * from the next on. */
static void the_average_has_a_rate_of_its_own(void **state)
{
    (void)state;
    const double schedule[RATES] = {0.005, 0.0525, 0.1, 0.0875, 0.075, 0.0625, 0.05, 0.0375, 0.025, 0.0125};
    static const struct {
        const char *average;
        int first; /* update with a rate of the average's, from 0 */
        double lr;
    } cases[] = {
        {"average: {type: swa, start: 6, cycle: 1, lr: 0.03}\n", 6, 0.03},
        {"average: {type: swa, start: 0.6, cycle: 2, lr: 0.2}\n", 6, 0.2},
        {"average: {type: swa, start: 1 epoch, cycle: 5, lr: 0}\n", 6, 0}, /* 96 rows in batches of 16 */
        {"average: {type: swa, start: 1, cycle: 1, lr: 0.03}\n", 1, 0.03}, /* within the warm-up */
        {"average: {type: swa, start: 6, cycle: 1}\n", RATES, 0},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++)
        for (int64_t after = 0; after < RATES;
             after += i == 0 ? 1 : 7) { /* interrupted before, at and behind the start */
            double rate[RATES];
            rates_of_a_run(cases[i].average, after, rate);
            for (int t = 0; t < RATES; t++) {
                double want = t >= cases[i].first ? cases[i].lr : schedule[t];
                if (fabs(rate[t] - want) > 1e-10)
                    fail_msg("%s: update %d, interrupted after %d, has rate %.10g, not %.10g", cases[i].average, t + 1,
                             (int)after, rate[t], want);
            }
        }
}

/* It is the rate that is trained with, not only the one that is written down: of 0 it moves nothing. */
static void the_rate_of_the_average_is_trained_with(void **state)
{
    (void)state;
    equal_to_the_bit("optimizer: {type: sgd, lr: 0.1}\nvalidate: none\nstop: {steps: 6}\n",
                     "optimizer: {type: sgd, lr: 0.1}\nvalidate: none\nstop: {steps: 9}\naverage: {type: swa, start: "
                     "6, cycle: 1, lr: 0}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swa_is_the_mean_of_what_it_collected_and_changes_nothing),
        cmocka_unit_test(the_average_may_be_best),
        cmocka_unit_test(the_average_has_a_rate_of_its_own),
        cmocka_unit_test(the_rate_of_the_average_is_trained_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
