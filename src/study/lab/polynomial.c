/* Fits of polynomials, by their coefficients of powers of x in [-1, 1]. */
#include "study/lab/polynomial.h"

#include <string.h>

#include "study/lab/least.h"

gr_status gr__polynomial_fit(gr_context *ctx, const double *x, const double *y, int n, int degree, double *c)
{
    size_t bytes = (size_t)n * (size_t)(degree + 1) * sizeof(double);
    double *powers = gr__alloc(ctx, bytes);
    gr_status st = powers ? GR_OK : GR_E_MEMORY;
    for (int i = 0; i < n && st == GR_OK; i++) {
        double *row = powers + (size_t)i * (size_t)(degree + 1);
        row[0] = 1;
        for (int k = 1; k <= degree; k++) row[k] = row[k - 1] * x[i];
    }
    if (st == GR_OK) st = gr__least_squares(ctx, powers, n, degree + 1, y, c, NULL);
    gr__free(ctx, powers, bytes);
    return st;
}

double gr__polynomial_at(const double *c, int degree, double x)
{
    double y = c[degree];
    for (int k = degree; k-- > 0;) y = y * x + c[k];
    return y;
}

double gr__polynomial_error(const double *c, int degree, const double *x, const double *y, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double off = gr__polynomial_at(c, degree, x[i]) - y[i];
        sum += off * off;
    }
    return sum / n;
}

void gr__polynomial_points(gr__rng *r, gr_places places, const double *truth, int degree, double noise, int n,
                           double *x, double *y)
{
    for (int i = 0; i < n; i++) {
        x[i] = 2 * (places == GR_PLACES_EVEN ? (i + 0.5) / n : gr__rng_uniform(r)) - 1;
        y[i] = gr__polynomial_at(truth, degree, x[i]) + noise * gr__rng_normal(r);
    }
}
