#include "study/baseline/rows.h"

#include "backend/cpu/isa.h"

#if defined GR_ISA_AVX512
enum { LANES = 8 };
#elif defined GR_ISA_AVX2
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif
enum { STEP = GR__ROW_STEP, VECTORS = STEP / LANES };

typedef double vec __attribute__((vector_size(LANES * sizeof(double)), aligned(8)));

static const vec *at(const double *x)
{
    return (const vec *)(const void *)x;
}

static vec *to(double *x)
{
    return (vec *)(void *)x;
}

static double total(const vec v[VECTORS])
{
    double sum = 0;
    for (int i = 0; i < STEP; i++) sum += v[i / LANES][i % LANES];
    return sum;
}

/* Two rows by two at once: each number that is read counts twice. */
static void products(const double *x, int64_t n, int64_t apart, const double *w, int64_t k, double *out)
{
    for (int64_t i = 0; i < n; i += 2) {
        const double *x0 = x + i * apart, *x1 = i + 1 < n ? x0 + apart : x0;
        for (int64_t c = 0; c < k; c += 2) {
            const double *w0 = w + c * apart, *w1 = c + 1 < k ? w0 + apart : w0;
            vec s[4][VECTORS] = {0};
            for (int64_t e = 0; e < apart; e += STEP)
                for (int v = 0; v < VECTORS; v++) {
                    vec a = at(x0 + e)[v], b = at(x1 + e)[v], p = at(w0 + e)[v], q = at(w1 + e)[v];
                    s[0][v] += a * p, s[1][v] += a * q, s[2][v] += b * p, s[3][v] += b * q;
                }
            out[i * k + c] = total(s[0]);
            if (c + 1 < k) out[i * k + c + 1] = total(s[1]);
            if (i + 1 < n) out[(i + 1) * k + c] = total(s[2]);
            if (i + 1 < n && c + 1 < k) out[(i + 1) * k + c + 1] = total(s[3]);
        }
    }
}

/* Four rows at once: a sum is read and written a quarter as often. */
static void sums(const double *x, int64_t n, int64_t apart, int64_t from, const double *r, int64_t k, double *sum)
{
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int64_t c = 0; c < k; c++) {
            const double *row = x + i * apart, *f = r + i * k + c;
            double a = f[0], b = f[k], p = f[2 * k], q = f[3 * k];
            for (int64_t e = from; e < apart; e += LANES)
                *to(sum + c * apart + e) += a * *at(row + e) + b * *at(row + apart + e) + p * *at(row + 2 * apart + e) +
                                            q * *at(row + 3 * apart + e);
        }
    for (; i < n; i++)
        for (int64_t c = 0; c < k; c++)
            for (int64_t e = from; e < apart; e += LANES)
                *to(sum + c * apart + e) += r[i * k + c] * *at(x + i * apart + e);
}

/* A tile of STEP rows by STEP columns of the square, from all n rows. */
static void tile(const double *left, const double *x, int64_t n, int64_t apart, double *g)
{
    vec s[STEP][VECTORS];
    for (int a = 0; a < STEP; a++)
        for (int v = 0; v < VECTORS; v++) s[a][v] = at(g + a * apart)[v];
    for (int64_t i = 0; i < n; i++)
        for (int a = 0; a < STEP; a++)
            for (int v = 0; v < VECTORS; v++) s[a][v] += left[i * apart + a] * at(x + i * apart)[v];
    for (int a = 0; a < STEP; a++)
        for (int v = 0; v < VECTORS; v++) to(g + a * apart)[v] = s[a][v];
}

static void squares(const double *x, int64_t n, int64_t apart, const double *weight, double *room, double *g)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t e = 0; e < apart; e += LANES) *to(room + i * apart + e) = weight[i] * *at(x + i * apart + e);
    for (int64_t a = 0; a < apart; a += STEP)
        for (int64_t b = 0; b <= a; b += STEP) tile(room + a, x + b, n, apart, g + a * apart + b);
}

static void reflect(double *x, int64_t n, int64_t apart, int64_t from, const double *v, const double *w)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t e = from; e < apart; e += LANES) *to(x + i * apart + e) -= v[i] * *at(w + e);
}

const gr__rows_kernels GR_ISA_FN(gr__rows_kernels) = {products, sums, squares, reflect};
