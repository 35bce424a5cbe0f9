/* Norms: finite and right wherever the numbers are finite (in float64: below 2^600), of the very bits of the plain
 * formula as long as that does not overflow; and whether squares fit. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "optim/optimizer.h"
#include "test.h"

enum { MOST = 3000 };

typedef struct rig {
    gr_context *ctx;
    gr_store *store;
    gr_plan *plan;
    bool wide;
} rig;

/* Outputs of one tensor x of n numbers: its norm, the plain formula's, and what `squares_fit` gives with factor f. */
static rig begin(const char *backend, int64_t n)
{
    rig r = {.ctx = test_context_with(2, 0), .wide = gr_backend_real_bytes(gr_backend_get(backend)) == sizeof(double)};
    gr_graph *g;
    test_ok(r.ctx, gr_graph_create(r.ctx, &g));
    test_ok(r.ctx, gr_store_create(r.ctx, gr_backend_get(backend), &r.store));
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(n)), f = gr_feed(g, "f", GR_REAL, GR_SCALAR);
    gr_output(g, "norm", gr__norm(g, x));
    gr_output(g, "plain", gr_sqrt(g, gr_sum_all(g, gr_square(g, x))));
    gr_output(g, "fit", gr__squares_fit(g, r.store, gr__squares(g, x), f));
    test_ok(r.ctx, gr_plan_compile(r.ctx, g, r.store, &(gr_plan_options){.backend = gr_backend_get(backend)}, &r.plan));
    test_ok(r.ctx, gr_store_seal(r.store));
    test_ok(r.ctx, gr_plan_bind(r.plan, NULL));
    gr_graph_destroy(g);
    return r;
}

static void end(rig *r)
{
    gr_plan_destroy(r->plan);
    gr_store_destroy(r->store);
    test_context_end(r->ctx);
}

static void run(rig *r, const double *x, int64_t n, double f)
{
    void *to = gr_plan_feed(r->plan, "x", NULL);
    for (int64_t i = 0; i < n; i++)
        if (r->wide)
            ((double *)to)[i] = x[i];
        else
            ((float *)to)[i] = (float)x[i];
    *(double *)gr_plan_feed(r->plan, "f", NULL) = f;
    test_ok(r->ctx, gr_plan_run(r->plan));
}

static double out(const rig *r, const char *name)
{
    return *(const double *)gr_plan_output(r->plan, name, NULL);
}

/* Numbers of sizes from 2^low to 2^high, either sign. */
static void draw(uint64_t seed, int low, int high, double *x, int64_t n)
{
    gr__rng r = gr__rng_make(seed, "norm", 0, 0);
    for (int64_t i = 0; i < n; i++) {
        double m = 1 + floor(gr__rng_uniform(&r) * 8388608) / 8388608; /* of float's digits */
        int e = low + (int)gr__rng_below(&r, (uint64_t)(high - low));
        x[i] = ldexp(gr__rng_below(&r, 2) ? m : -m, e);
    }
}

static long double norm_of(const double *x, int64_t n)
{
    long double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (long double)x[i] * (long double)x[i];
    return sqrtl(sum);
}

static const char *const backends[] = {"cpu", "ref"};
static const int64_t counts[] = {1, 7, 64, 65, 1000, MOST};

static void every_finite_tensor_has_its_norm(void **state)
{
    static double x[MOST];
    int beyond = 0;
    (void)state;
    for (size_t b = 0; b < GR_COUNT(backends); b++)
        for (size_t c = 0; c < GR_COUNT(counts); c++) {
            rig r = begin(backends[b], counts[c]);
            int top = r.wide ? 600 : 127;
            for (int high = 2; high <= top; high += r.wide ? 23 : 5) {
                draw((uint64_t)high, high > 30 ? high - 30 : -10, high, x, counts[c]);
                run(&r, x, counts[c], 1);
                long double want = norm_of(x, counts[c]);
                double got = out(&r, "norm"), plain = out(&r, "plain");
                if (!(fabsl(got - want) <= (r.wide ? 1e-12L : 1e-6L) * want))
                    fail_msg("%s, %lld numbers below 2^%d: %.17g, not %.17Lg", backends[b], (long long)counts[c], high,
                             got, want);
                if (isfinite(plain)) assert_memory_equal(&got, &plain, sizeof got);
                beyond += !isfinite(plain);
            }
            end(&r);
        }
    assert_true(beyond > 60); /* the plain formula would not do */
}

/* The largest numbers there are, what is not finite, and nothing at all. */
static void ends_of_the_range(void **state)
{
    (void)state;
    for (size_t b = 0; b < GR_COUNT(backends); b++) {
        rig r = begin(backends[b], 3);
        double most = r.wide ? 0x1p600 : (double)FLT_MAX;
        run(&r, (double[]){most, -most, most}, 3, 1);
        assert_true(fabs(out(&r, "norm") / (most * sqrt(3)) - 1) < 1e-6);
        run(&r, (double[]){0, 0, 0}, 3, 1);
        assert_true(out(&r, "norm") == 0);
        run(&r, (double[]){most, INFINITY, 1}, 3, 1);
        assert_true(isinf(out(&r, "norm")));
        run(&r, (double[]){1, NAN, most}, 3, 1);
        assert_true(isnan(out(&r, "norm")));
        run(&r, (double[]){1, NAN, 1}, 3, 1);
        assert_true(isnan(out(&r, "norm")));
        end(&r);
    }
}

/* Finite exactly as long as the square of the norm fits the type, up to rounding. */
static void squares_fit_or_do_not(void **state)
{
    static double x[MOST];
    static const double factors[] = {1, 0.125, 1.0 / 3, 1e-9, 1e6};
    (void)state;
    for (size_t b = 0; b < GR_COUNT(backends); b++)
        for (size_t c = 0; c < GR_COUNT(counts); c++) {
            rig r = begin(backends[b], counts[c]);
            int root = r.wide ? 512 : 64, fit = 0, not = 0;
            for (size_t k = 0; k < GR_COUNT(factors); k++)
                for (int high = 2; high <= (r.wide ? 600 : 127); high += r.wide ? 37 : 3) {
                    draw((uint64_t)high, high - 2, high, x, counts[c]);
                    run(&r, x, counts[c], factors[k]);
                    long double size = norm_of(x, counts[c]) * (long double)factors[k] / ldexpl(1, root);
                    if (size < 0.999999L) assert_true(isfinite(out(&r, "fit"))), fit++;
                    if (size > 1.000001L) assert_true(isinf(out(&r, "fit"))), not ++;
                }
            assert_true(fit > 0 && not > 0);
            end(&r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_finite_tensor_has_its_norm),
        cmocka_unit_test(ends_of_the_range),
        cmocka_unit_test(squares_fit_or_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
