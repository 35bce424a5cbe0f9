/* Models that predict together: means to the bit of their formula, what they cost, weights.  [mission G15, F10] */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "train/together.h"

enum { MOST = 8, WIDTH = 12 };

typedef struct drawn {
    int n;
    int64_t width;
    double p[MOST][WIDTH], weight[MOST];
    const double *v[MOST];
} drawn;

/* Shares of several members, some of them certain, some 0. */
static void draw(gr__rng *r, drawn *d)
{
    double sum = 0;
    d->n = 1 + (int)gr__rng_below(r, MOST);
    d->width = 2 + (int64_t)gr__rng_below(r, WIDTH - 1);
    for (int i = 0; i < d->n; i++) {
        double all = 0, sharp = 1 + 20 * gr__rng_uniform(r);
        for (int64_t k = 0; k < d->width; k++) all += d->p[i][k] = pow(gr__rng_uniform(r), sharp);
        for (int64_t k = 0; k < d->width; k++) d->p[i][k] /= all;
        d->v[i] = d->p[i];
        sum += d->weight[i] = gr__rng_uniform(r);
    }
    for (int i = 0; i < d->n; i++) d->weight[i] /= sum;
}

/* Jensen: the mean of probabilities never costs more than its members do on average, nor does that of logits. */
static void the_mean_costs_no_more_than_its_members(void **state)
{
    (void)state;
    gr__rng r = gr__rng_make(1, "members", 0, 0);
    int better = 0;
    for (int i = 0; i < 1000; i++)
        for (int logits = 0; logits < 2; logits++) {
            drawn d;
            double out[WIDTH], members = 0, total = 0;
            draw(&r, &d);
            const gr_mixing m = {.n = d.n, .weight = i % 2 ? d.weight : NULL, .logits = logits};
            int64_t right = (int64_t)gr__rng_below(&r, (uint64_t)d.width);
            for (int k = 0; k < d.n; k++)
                members -= (m.weight ? m.weight[k] : 1.0 / d.n) * log(fmax(d.p[k][right], 1e-300));
            gr__mix(&m, GR_PREDICT_SHARES, d.width, d.v, out);
            for (int64_t k = 0; k < d.width; k++) {
                assert_true(out[k] >= 0 && out[k] <= 1 + 1e-15);
                total += out[k];
            }
            assert_true(fabs(total - 1) < 1e-12);
            double together = -log(fmax(out[right], 1e-300));
            assert_true(together <= members * (1 + 1e-12) + 1e-12);
            better += together < members;
        }
    assert_true(better > 1000);
}

static void means_are_their_formula_to_the_bit(void **state)
{
    (void)state;
    gr__rng r = gr__rng_make(2, "members", 0, 0);
    for (int i = 0; i < 1000; i++) {
        drawn d;
        double out[WIDTH], weighted[WIDTH];
        draw(&r, &d);
        gr__mix(&(gr_mixing){.n = d.n}, GR_PREDICT_SHARES, d.width, d.v, out);
        gr__mix(&(gr_mixing){.n = d.n, .weight = d.weight}, GR_PREDICT_VALUES, d.width, d.v, weighted);
        for (int64_t k = 0; k < d.width; k++) {
            double sum = d.p[0][k], by = d.weight[0] * d.p[0][k], squares = 0, mean;
            for (int j = 1; j < d.n; j++) sum += d.p[j][k], by += d.weight[j] * d.p[j][k];
            mean = sum / d.n;
            assert_true(out[k] == mean);
            assert_true(weighted[k] == by);
            for (int j = 0; j < d.n; j++) squares += pow(d.p[j][k] - mean, 2) / d.n;
            assert_true(fabs(gr__mix_deviation(&(gr_mixing){.n = d.n}, d.v, k, mean) - sqrt(squares)) < 1e-15);
        }
    }
}

static void logits_are_averaged_geometrically(void **state)
{
    (void)state;
    const double a[] = {0.8, 0.2}, b[] = {0.4, 0.6}, weight[] = {0.25, 0.75};
    const double *const v[] = {a, b};
    double out[2];
    gr_mixing m = {.n = 2, .weight = weight, .logits = true};
    gr__mix(&m, GR_PREDICT_SHARES, 2, v, out);
    double z = 0.25 * log(4) + 0.75 * log(2.0 / 3);
    assert_true(fabs(out[0] - 1 / (1 + exp(-z))) < 1e-15);
    gr__mix(&m, GR_PREDICT_LABELS, 2, v, out);
    assert_true(fabs(out[0] - 1 / (1 + exp(-z))) < 1e-15 && fabs(out[1] - 1 / (1 + exp(z))) < 1e-15);
    gr__mix(&m, GR_PREDICT_VALUES, 2, v, out);
    assert_true(out[0] == 0.25 * 0.8 + 0.75 * 0.4);
    /* one is sure of the one, one of the other: nothing is said, and nothing is NaN */
    const double yes[] = {1, 0}, no[] = {0, 1};
    const double *const sure[] = {yes, no};
    m.weight = NULL;
    gr__mix(&m, GR_PREDICT_SHARES, 2, sure, out);
    assert_true(fabs(out[0] - 0.5) < 1e-12 && fabs(out[1] - 0.5) < 1e-12);
    const double broken[] = {(double)NAN, 0};
    const double *const bad[] = {yes, broken};
    gr__mix(&m, GR_PREDICT_SHARES, 2, bad, out);
    assert_true(isnan(out[0]));
}

static void weights_add_up_to_one(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    double w[] = {3, 0, 1};
    test_ok(ctx, gr__mix_weights(ctx, w, 3));
    assert_true(w[0] == 0.75 && w[1] == 0 && w[2] == 0.25);
    static const double wrong[][2] = {{-1, 2}, {0, 0}, {1, (double)NAN}, {(double)INFINITY, 1}};
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        double x[] = {wrong[i][0], wrong[i][1]};
        assert_int_equal(gr__mix_weights(ctx, x, 2), GR_E_RANGE);
        gr_context_clear_error(ctx);
    }
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_costs_no_more_than_its_members),
        cmocka_unit_test(means_are_their_formula_to_the_bit),
        cmocka_unit_test(logits_are_averaged_geometrically),
        cmocka_unit_test(weights_add_up_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
