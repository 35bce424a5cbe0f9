/* Least squares of least length, beside answers that are known; and polynomials through points. */
#include <math.h>

#include "study/lab/least.h"
#include "study/lab/polynomial.h"
#include "test.h"

typedef struct least_case {
    const char *name;
    int m, n, rank;
    const double *a, *b, *x;
} least_case;

#define D(...) ((const double[]){__VA_ARGS__})
static const least_case cases[] = {
    {"square", 2, 2, 2, D(2, 1, 1, 3), D(5, 10), D(1, 3)},
    {"tall", 3, 2, 2, D(1, 0, 1, 1, 1, 2), D(6, 0, 0), D(5, -3)},
    {"wide: the shortest", 1, 3, 1, D(1, 2, 2), D(9), D(1, 2, 2)},
    {"wide, two rows", 2, 3, 2, D(1, 0, 0, 0, 3, 4), D(2, 25), D(2, 3, 4)},
    {"columns that are one", 3, 2, 1, D(1, 1, 1, 1, 1, 1), D(1, 2, 3), D(1, 1)},
    {"rows that are one", 3, 2, 1, D(1, 2, 1, 2, 1, 2), D(4, 5, 6), D(1, 2)},
    {"a column of zeros", 2, 2, 1, D(0, 2, 0, 2), D(4, 6), D(0, 2.5)},
    {"nothing but zeros", 2, 2, 0, D(0, 0, 0, 0), D(1, 2), D(0, 0)},
    {"one number", 1, 1, 1, D(-4), D(2), D(-0.5)},
    {"a column that rounding hides", 2, 2, 1, D(1e-20, 0, 0, 1), D(1, 2), D(0, 2)},
};

static void known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        const least_case *c = &cases[i];
        double x[3];
        int rank;
        test_ok(ctx, gr__least_squares(ctx, c->a, c->m, c->n, c->b, x, &rank));
        if (rank != c->rank) fail_msg("%s: rank %d, not %d", c->name, rank, c->rank);
        for (int k = 0; k < c->n; k++)
            if (!(fabs(x[k] - c->x[k]) <= 1e-12 * (1 + fabs(c->x[k]))))
                fail_msg("%s: x[%d] is %.17g, not %g", c->name, k, x[k], c->x[k]);
        test_context_end(ctx);
    }
}

/* What is left is orthogonal to every column, and the answer to all that the columns leave free. */
static void residuals_are_orthogonal(void **state)
{
    (void)state;
    enum { M = 7, N = 11 };
    gr_context *ctx = test_context();
    for (uint32_t k = 0; k < 40; k++) {
        gr__rng r = gr__rng_make(5, "least", k, 0);
        int m = 1 + (int)gr__rng_below(&r, M), n = 1 + (int)gr__rng_below(&r, N), rank, inner = GR_MIN(GR_MIN(m, n), 3);
        double a[M * N], b[M], x[N], left[M], y[N];
        double u[M * 3], v[3 * N];
        for (int i = 0; i < m * inner; i++) u[i] = gr__rng_normal(&r);
        for (int i = 0; i < inner * n; i++) v[i] = gr__rng_normal(&r);
        for (int i = 0; i < m; i++) b[i] = gr__rng_normal(&r);
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++) { /* of rank 3 at most */
                a[i * n + j] = 0;
                for (int q = 0; q < inner; q++) a[i * n + j] += u[i * inner + q] * v[q * n + j];
            }
        test_ok(ctx, gr__least_squares(ctx, a, m, n, b, x, &rank));
        assert_int_equal(rank, inner);
        for (int i = 0; i < m; i++) {
            left[i] = -b[i];
            for (int j = 0; j < n; j++) left[i] += a[i * n + j] * x[j];
        }
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int i = 0; i < m; i++) sum += a[i * n + j] * left[i];
            assert_true(fabs(sum) < 1e-10);
        }
        for (int j = 0; j < n; j++) y[j] = gr__rng_normal(&r); /* less its part in the rows: a null vector */
        double z[N], c[M];
        for (int i = 0; i < m; i++) {
            c[i] = 0;
            for (int j = 0; j < n; j++) c[i] += a[i * n + j] * y[j];
        }
        test_ok(ctx, gr__least_squares(ctx, a, m, n, c, z, NULL));
        double along = 0;
        for (int j = 0; j < n; j++) along += x[j] * (y[j] - z[j]);
        assert_true(fabs(along) < 1e-10);
    }
    test_context_end(ctx);
}

static void polynomials_go_through_their_points(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const double truth[] = {1, -2, 0.5, 3};
    double x[12], y[12], c[5];
    gr__rng r = gr__rng_make(1, "points", 0, 0);
    gr__polynomial_points(&r, GR_PLACES_EVEN, truth, 3, 0, 12, x, y);
    assert_true(x[0] == -1 + 1.0 / 12 && fabs(x[11] - (1 - 1.0 / 12)) < 1e-15);
    test_ok(ctx, gr__polynomial_fit(ctx, x, y, 12, 4, c));
    for (int i = 0; i < 5; i++) assert_true(fabs(c[i] - (i < 4 ? truth[i] : 0)) < 1e-12);
    assert_true(gr__polynomial_error(c, 4, x, y, 12) < 1e-24);
    assert_true(gr__polynomial_at(truth, 3, 2) == 23);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_answers), cmocka_unit_test(residuals_are_orthogonal),
                                       cmocka_unit_test(polynomials_go_through_their_points)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
