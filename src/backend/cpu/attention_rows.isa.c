/* Rows of attention's blocks for one instruction set. Sums have as many parts as a vector has lanes, so their order is
 * fixed by the length of a row. */
#include "backend/cpu/attention_rows.h"

#include "backend/cpu/vec_math.h"

INLINE float sum_of(vec x)
{
    float s = 0;
    for (int i = 0; i < V; i++) s += x[i];
    return s;
}

static float largest(const float *x, int64_t n, float scale)
{
    vec most = vset(-VINF);
    int64_t j = 0;
    for (; j + V <= n; j += V) most = vmax(most, vload(x + j) * scale);
    float m = most[0];
    for (int i = 1; i < V; i++) m = most[i] > m || most[i] != most[i] ? most[i] : m;
    for (; j < n; j++) m = x[j] * scale > m || x[j] != x[j] ? x[j] * scale : m;
    return m;
}

static float exponentials(float *x, int64_t n, int64_t width, float scale, float most)
{
    vec sum = vset(0);
    int64_t j = 0;
    for (; j + V <= n; j += V) {
        vec e = vexp(vload(x + j) * scale - most);
        vstore(x + j, e);
        sum += e;
    }
    if (j < n) {
        vec e = vexp(vloadn(x + j, n - j) * scale - most);
        vstoren(x + j, e, n - j);
        for (; j < n; j++) sum[j % V] += x[j];
    }
    for (; j < width; j++) x[j] = 0;
    return sum_of(sum);
}

static void scale_row(float *to, const float *x, int64_t n, float by)
{
    int64_t j = 0;
    for (; j + V <= n; j += V) vstore(to + j, vload(x + j) * by);
    for (; j < n; j++) to[j] = x[j] * by;
}

static float dot(const float *a, const float *b, int64_t n)
{
    vec sum = vset(0);
    int64_t j = 0;
    for (; j + V <= n; j += V) sum = vmadd(vload(a + j), vload(b + j), sum);
    if (j < n) sum = vmadd(vloadn(a + j, n - j), vloadn(b + j, n - j), sum);
    return sum_of(sum);
}

static void slopes(float *s, float *dp, int64_t n, int64_t width, float scale, float lse, float delta)
{
    int64_t j = 0;
    for (; j + V <= n; j += V) {
        vec p = vexp(vload(s + j) * scale - lse);
        vstore(s + j, p);
        vstore(dp + j, p * (vload(dp + j) - delta) * scale);
    }
    if (j < n) {
        vec p = vexp(vloadn(s + j, n - j) * scale - lse);
        vec d = p * (vloadn(dp + j, n - j) - delta) * scale;
        vstoren(s + j, p, n - j);
        vstoren(dp + j, d, n - j);
        j = n;
    }
    for (; j < width; j++) s[j] = dp[j] = 0;
}

static void drop(float *x, const float *u, int64_t n, float below, float by)
{
    int64_t j = 0;
    for (; j + V <= n; j += V) vstore(x + j, vsel(vlt(vload(u + j), vset(below)), vset(0), vload(x + j) * by));
    for (; j < n; j++) x[j] = u[j] < below ? 0 : x[j] * by;
}

const gr__attention_rows GR_ISA_FN(gr__attention_rows) = {largest, exponentials, scale_row, dot, slopes, drop};
