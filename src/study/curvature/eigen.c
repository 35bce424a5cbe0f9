/* Jacobi's method: rotations that clear one element off the diagonal after the other until none is left. */
#include <float.h>
#include <math.h>

#include "study/curvature/eigen.h"

enum { SWEEPS = 60 }; /* ten do for any matrix */

static double off_diagonal(const double *a, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) sum += a[i * n + j] * a[i * n + j];
    return sum;
}

/* Clears a[p][q] by a rotation of both rows and columns. */
static void rotate(double *a, double *vectors, int n, int p, int q)
{
    double apq = a[p * n + q];
    if (apq == 0) return;
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq),
           t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < n; k++) {
        double akp = a[k * n + p], akq = a[k * n + q];
        a[k * n + p] = c * akp - s * akq;
        a[k * n + q] = s * akp + c * akq;
    }
    for (int k = 0; k < n; k++) {
        double apk = a[p * n + k], aqk = a[q * n + k];
        a[p * n + k] = c * apk - s * aqk;
        a[q * n + k] = s * apk + c * aqk;
    }
    a[p * n + q] = a[q * n + p] = 0;
    for (int k = 0; k < n; k++) {
        double vp = vectors[k * n + p], vq = vectors[k * n + q];
        vectors[k * n + p] = c * vp - s * vq;
        vectors[k * n + q] = s * vp + c * vq;
    }
}

static void swap_columns(double *values, double *vectors, int n, int i, int j)
{
    double value = values[i];
    values[i] = values[j];
    values[j] = value;
    for (int k = 0; k < n; k++) {
        double x = vectors[k * n + i];
        vectors[k * n + i] = vectors[k * n + j];
        vectors[k * n + j] = x;
    }
}

void gr__eigen_symmetric(double *a, int n, double *values, double *vectors)
{
    double size = 0;
    for (int i = 0; i < n * n; i++) size += a[i] * a[i], vectors[i] = i / n == i % n;
    for (int sweep = 0; sweep < SWEEPS && off_diagonal(a, n) > DBL_EPSILON * DBL_EPSILON * size; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) rotate(a, vectors, n, p, q);
    for (int i = 0; i < n; i++) values[i] = a[i * n + i];
    for (int i = 0; i < n; i++) /* n is small */
        for (int j = i + 1; j < n; j++)
            if (values[j] < values[i]) swap_columns(values, vectors, n, i, j);
}
