/* Least squares: a P = Q [T 0; 0 0] Z with orthogonal Q and Z, T triangular of the rank's size; then
 * x = P Z^T [T^-1 (Q^T b); 0]. */
#include "study/lab/least.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct parts {
    double *q; /* columns of a, [n][m]: R on and above the diagonal, reflections below */
    double *c; /* Q^T b, then y: max(m, n) */
    double *v; /* reflections from the right, [rank][n - rank] */
    double *t; /* their factors */
    int *p;    /* the column of a that stands at a place */
    int m, n, rank;
} parts;

static double length(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

/* Makes x [n] the vector v, v[0] = 1, of a reflection 1 - tau v v^T that leaves of x only its first number, *first. */
static double reflect(double *x, int n, double *first)
{
    double size = length(x, n), beta = x[0] > 0 ? -size : size, tau;
    *first = beta;
    if (size == 0) return 0;
    tau = (beta - x[0]) / beta;
    for (int i = 1; i < n; i++) x[i] /= x[0] - beta;
    x[0] = 1;
    return tau;
}

static void apply(const double *v, double tau, double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += v[i] * x[i];
    for (int i = 0; i < n; i++) x[i] -= tau * sum * v[i];
}

static void swap_columns(parts *f, int i, int k)
{
    int p = f->p[i];
    if (i == k) return;
    f->p[i] = f->p[k], f->p[k] = p;
    for (int r = 0; r < f->m; r++) {
        double x = f->q[(size_t)i * (size_t)f->m + (size_t)r];
        f->q[(size_t)i * (size_t)f->m + (size_t)r] = f->q[(size_t)k * (size_t)f->m + (size_t)r];
        f->q[(size_t)k * (size_t)f->m + (size_t)r] = x;
    }
}

static double *column(const parts *f, int k)
{
    return f->q + (size_t)k * (size_t)f->m;
}

/* R and Q^T b; the rank. */
static void from_the_left(parts *f)
{
    double largest = 0;
    for (f->rank = 0; f->rank < f->m && f->rank < f->n; f->rank++) {
        int k = f->rank, at = k, rest = f->m - k;
        double most = -1, first, tau;
        for (int i = k; i < f->n; i++) {
            double size = length(column(f, i) + k, rest);
            if (size > most) most = size, at = i;
        }
        if (k == 0) largest = most;
        if (!(most > GR_MAX(f->m, f->n) * DBL_EPSILON * largest)) return;
        swap_columns(f, k, at);
        double *v = column(f, k) + k;
        tau = reflect(v, rest, &first);
        for (int i = k + 1; i < f->n; i++) apply(v, tau, column(f, i) + k, rest);
        apply(v, tau, f->c + k, rest);
        v[0] = first;
    }
}

/* T: reflections of rows, from the last on, that leave nothing to the right of the rank's columns. */
static void from_the_right(parts *f)
{
    int rest = f->n - f->rank;
    if (rest == 0) return;
    for (int i = f->rank; i-- > 0;) {
        double *v = f->v + (size_t)i * (size_t)(rest + 1);
        v[0] = column(f, i)[i];
        for (int k = 0; k < rest; k++) v[1 + k] = column(f, f->rank + k)[i];
        f->t[i] = reflect(v, rest + 1, &column(f, i)[i]);
        for (int row = 0; row < i; row++) {
            double sum = column(f, i)[row];
            for (int k = 0; k < rest; k++) sum += v[1 + k] * column(f, f->rank + k)[row];
            sum *= f->t[i];
            column(f, i)[row] -= sum;
            for (int k = 0; k < rest; k++) column(f, f->rank + k)[row] -= sum * v[1 + k];
        }
    }
}

static void solve(parts *f, double *x)
{
    int rest = f->n - f->rank;
    for (int i = f->rank; i-- > 0;) {
        for (int k = i + 1; k < f->rank; k++) f->c[i] -= column(f, k)[i] * f->c[k];
        f->c[i] /= column(f, i)[i];
    }
    for (int i = f->rank; i < f->n; i++) f->c[i] = 0;
    for (int i = 0; i < f->rank && rest > 0; i++) {
        const double *v = f->v + (size_t)i * (size_t)(rest + 1);
        double sum = f->c[i];
        for (int k = 0; k < rest; k++) sum += v[1 + k] * f->c[f->rank + k];
        sum *= f->t[i];
        f->c[i] -= sum;
        for (int k = 0; k < rest; k++) f->c[f->rank + k] -= sum * v[1 + k];
    }
    for (int i = 0; i < f->n; i++) x[f->p[i]] = f->c[i];
}

gr_status gr__least_squares(gr_context *ctx, const double *a, int m, int n, const double *b, double *x, int *rank)
{
    size_t rows = (size_t)m, columns = (size_t)n, most = GR_MAX(rows, columns), least = GR_MIN(rows, columns);
    size_t bytes = (rows * columns + most + least * (columns + 1) + least) * sizeof(double) + columns * sizeof(int);
    parts f = {.m = m, .n = n};
    f.q = gr__alloc(ctx, bytes);
    if (!f.q) return GR_E_MEMORY;
    f.c = f.q + rows * columns;
    f.v = f.c + most;
    f.t = f.v + least * (columns + 1);
    f.p = (int *)(f.t + least);
    for (int k = 0; k < n; k++) {
        f.p[k] = k;
        for (int i = 0; i < m; i++) column(&f, k)[i] = a[(size_t)i * columns + (size_t)k];
    }
    memcpy(f.c, b, rows * sizeof *b);
    from_the_left(&f);
    from_the_right(&f);
    solve(&f, x);
    if (rank) *rank = f.rank;
    gr__free(ctx, f.q, bytes);
    return GR_OK;
}
