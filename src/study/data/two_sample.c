/* The statistics and their tails, in float64. */
#include "study/data/two_sample.h"

#include <math.h>
#include <stdlib.h>

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Q(x) = 2 sum_j (-1)^(j-1) exp(-2 j^2 x^2), by the theta function's other series where that converges slowly. */
static double kolmogorov_tail(double x)
{
    static const double pi = 3.14159265358979323846;
    double sum = 0;
    if (x <= 0) return 1;
    if (x < 1) {
        for (int j = 1; j < 20; j += 2) sum += exp(-j * j * pi * pi / (8 * x * x));
        return 1 - sqrt(2 * pi) / x * sum;
    }
    for (int j = 1; j < 20; j++) sum += (j % 2 ? 2 : -2) * exp(-2.0 * j * j * x * x);
    return fmin(1, sum);
}

gr_two_sample gr__two_sample_ks(double *a, int64_t n, double *b, int64_t m)
{
    double most = 0;
    if (n < 1 || m < 1) return (gr_two_sample){0, 1};
    qsort(a, (size_t)n, sizeof *a, by_number);
    qsort(b, (size_t)m, sizeof *b, by_number);
    for (int64_t i = 0, j = 0; i < n && j < m;) {
        double x = fmin(a[i], b[j]);
        while (i < n && a[i] <= x) i++;
        while (j < m && b[j] <= x) j++;
        most = fmax(most, fabs((double)i / (double)n - (double)j / (double)m));
    }
    double root = sqrt((double)n / (double)(n + m) * (double)m);
    return (gr_two_sample){most, kolmogorov_tail((root + 0.12 + 0.11 / root) * most)};
}

/* The upper tail of the gamma distribution of shape s beyond x: a series below s + 1, Lentz's continued fraction above.
 */
static double gamma_tail(double s, double x)
{
    double front = exp(s * log(x) - x - lgamma(s));
    if (!(x > 0)) return 1;
    if (x < s + 1) {
        double term = 1 / s, sum = term;
        for (int k = 1; k < 10000 && term > 1e-17 * sum; k++) sum += term *= x / (s + k);
        return 1 - front * sum;
    }
    double b = x + 1 - s, c = 1e300, d = 1 / b, h = d;
    for (int k = 1; k < 10000; k++) {
        double an = -k * (k - s);
        b += 2;
        d = 1 / (an * d + b);
        c = b + an / c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-15) break;
    }
    return front * h;
}

gr_two_sample gr__two_sample_counts(const int64_t *a, const int64_t *b, int k)
{
    double n = 0, m = 0, rare_a = 0, rare_b = 0, chi = 0;
    int classes = 0;
    for (int i = 0; i < k; i++) n += (double)a[i], m += (double)b[i];
    if (!(n > 0 && m > 0)) return (gr_two_sample){0, 1};
    for (int i = 0; i <= k; i++) { /* the last: all that are rare */
        double x = i < k ? (double)a[i] : rare_a, y = i < k ? (double)b[i] : rare_b, share = (x + y) / (n + m);
        if (i < k && share * fmin(n, m) < 5) {
            rare_a += x, rare_b += y;
            continue;
        }
        if (!(share > 0)) continue;
        chi += (x - share * n) * (x - share * n) / (share * n) + (y - share * m) * (y - share * m) / (share * m);
        classes++;
    }
    if (classes < 2) return (gr_two_sample){0, 1};
    return (gr_two_sample){chi, gamma_tail((classes - 1) / 2.0, chi / 2)};
}

void gr__holm(double *p, int64_t n, int64_t *order)
{
    double before = 0;
    for (int64_t i = 0; i < n; i++) { /* by insertion: rows of features are seldom long */
        int64_t at = i;
        for (; at > 0 && p[order[at - 1]] > p[i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (int64_t i = 0; i < n; i++) {
        double adjusted = fmin(1, (double)(n - i) * p[order[i]]);
        before = fmax(before, adjusted);
        p[order[i]] = before;
    }
}
