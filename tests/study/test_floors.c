/* The floor of the training error under SGD's noise, and how a lower rate lowers it. [mission O6]
 * One bias b learns 20 000 targets y of variance s^2, one by one, each once: (b - y)^2 is the quadratic L b^2 / 2 with
 * L = 2 and a gradient noise of variance 4 s^2. Theory: E b^2 = eta 4 s^2 / (L (2 - eta L)) = eta s^2 / (1 - eta). */
#include "base/rng.h"
#include "study/steps/steps.h"
#include "study_case.h"

#include <unistd.h>

enum { ROWS = 20000, SETTLE = 2000 };
static const double deviation = 0.5;

static void targets(char path[32])
{
    strcpy(path, "/tmp/gradus-floors-XXXXXX");
    gr__rng rng = gr__rng_make(7, "targets", 0, 0);
    FILE *f = fdopen(mkstemp(path), "w");
    assert_non_null(f);
    fprintf(f, "x,y\n");
    for (int i = 0; i < ROWS; i++) fprintf(f, "0,%.17g\n", deviation * gr__rng_normal(&rng));
    fclose(f);
}

/* The mean of b^2 over the first and over the second half of the run, without what either needs to settle. */
static void floors(const char *path, const char *more, double half[2])
{
    char text[640];
    gr_context *ctx = test_context();
    gr_steps s;
    snprintf(text, sizeof text,
             "gradus: 1\nprecision: float64\ndata: {train: {type: csv, file: %s, target: y}, batch: 1, shuffle: none}\n"
             "model: {input: [1], layers: [{type: dense, units: 1, name: head}]}\ncost: mse\nstop: {epochs: 1}\n%s",
             path, more);
    gr_recipe *r = RECIPE(ctx, text);
    test_ok(ctx, gr__steps_open(ctx, r, false, &s));
    const gr_entry *b = gr_store_find(s.engine.store, "head.bias");
    half[0] = half[1] = 0;
    for (int64_t t = 0; t < ROWS; t++) {
        test_ok(ctx, gr__steps_next(&s, t));
        double at = *(const double *)b->data;
        if (t % (ROWS / 2) >= SETTLE) half[t / (ROWS / 2)] += at * at / (ROWS / 2 - SETTLE);
    }
    gr__steps_close(&s);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* b is correlated over 1 / (2 eta) updates, so a mean over 8000 has a relative deviation of about sqrt(2 / (16 000
 * eta)): three of them. */
static void is_floor(double measured, double eta)
{
    double want = eta * deviation * deviation / (1 - eta), tolerance = 3 * sqrt(2 / (2 * eta * (ROWS / 2 - SETTLE)));
    if (!(fabs(measured / want - 1) < tolerance))
        fail_msg("rate %g: a floor of %g, not %g within %g", eta, measured, want, tolerance);
}

static void the_floor_is_what_the_rate_makes_it(void **state)
{
    (void)state;
    static const double rates[] = {0.5, 0.2, 0.05, 0.01};
    char path[32], more[160];
    double half[2], before = INFINITY;
    targets(path);
    for (size_t i = 0; i < GR_COUNT(rates); i++) {
        snprintf(more, sizeof more, "optimizer: {type: sgd, lr: %g}\n", rates[i]);
        floors(path, more, half);
        is_floor(half[0], rates[i]);
        is_floor(half[1], rates[i]); /* it stagnates: as many updates again change nothing */
        assert_true(half[1] < before);
        before = half[1];
    }
    unlink(path);
}

static void lowering_the_rate_lets_the_error_fall_further(void **state)
{
    (void)state;
    char path[32];
    double half[2];
    targets(path);
    floors(path, "optimizer: {type: sgd, lr: 0.2}\nschedule: {type: step, at: [10000], gamma: 0.1}\n", half);
    is_floor(half[0], 0.2);
    is_floor(half[1], 0.02);
    assert_true(half[1] < half[0] / 5);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_floor_is_what_the_rate_makes_it),
        cmocka_unit_test(lowering_the_rate_lets_the_error_fall_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
