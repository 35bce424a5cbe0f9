/* Reductions, random numbers, transposition and pooling for one instruction set. */
#include "backend/cpu/native.h"

#include "backend/cpu/vec_math.h"

/* ---- reductions ---- */

INLINE double larger(double a, double b)
{
    return a < b || b != b ? b : a;
}

static void reduce_rows(bool max, const float *x, int64_t stride, int64_t rows, int64_t n, double *to)
{
    for (int64_t r = 0; r < rows; r++, x += stride) {
        if (max)
            for (int64_t c = 0; c < n; c++) to[c] = larger(to[c], (double)x[c]);
        else
            for (int64_t c = 0; c < n; c++) to[c] += (double)x[c];
    }
}

static double reduce_line(bool max, const float *x, int64_t n)
{
    double lane[8], total;
    for (int k = 0; k < 8; k++) lane[k] = max ? -(double)VINF : 0;
    for (int64_t c = 0; c + 8 <= n; c += 8) {
        if (max)
            for (int k = 0; k < 8; k++) lane[k] = larger(lane[k], (double)x[c + k]);
        else
            for (int k = 0; k < 8; k++) lane[k] += (double)x[c + k];
    }
    for (int64_t c = n / 8 * 8; c < n; c++)
        lane[c % 8] = max ? larger(lane[c % 8], (double)x[c]) : lane[c % 8] + (double)x[c];
    total = lane[0];
    for (int k = 1; k < 8; k++) total = max ? larger(total, lane[k]) : total + lane[k];
    return total;
}

static void add(const float *x, float *y, int64_t n)
{
    int64_t c = 0;
    for (; c + V <= n; c += V) vstore(y + c, vload(y + c) + vload(x + c));
    for (; c < n; c++) y[c] += x[c];
}

/* ---- random numbers: Philox4x32-10, a counter in each 64-bit lane, whose upper half never counts ---- */

enum { HALF = V / 2, GROUPS = 4, COUNTERS = HALF * GROUPS };

INLINE lvec lset(uint32_t x)
{
    return (lvec){0} + (int64_t)x;
}

/* The product of the lower halves. */
INLINE lvec multiply(lvec a, lvec b)
{
#if defined(GR_ISA_AVX512)
    return (lvec)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(GR_ISA_AVX2)
    return (lvec)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (lvec)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

INLINE lvec upper(lvec x)
{
    typedef uint64_t uvec __attribute__((vector_size(4 * V)));
    return (lvec)((uvec)x >> 32);
}

static void philox(lvec c[4][GROUPS], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
        for (int l = 0; l < GROUPS; l++) {
            lvec a = multiply(c[0][l], lset(0xD2511F53u)), b = multiply(c[2][l], lset(0xCD9E8D57u));
            c[0][l] = upper(b) ^ c[1][l] ^ lset(k0);
            c[2][l] = upper(a) ^ c[3][l] ^ lset(k1);
            c[1][l] = b;
            c[3][l] = a;
        }
}

#if V == 16
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGHER(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif V == 8
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGHER(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define LOWER(a, b) __builtin_shufflevector(a, b, 0, 2)
#define HIGHER(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

INLINE vec uniform(lvec words)
{
    typedef uint32_t word_vec __attribute__((vector_size(4 * V)));
    return vfromint((ivec)((word_vec)words >> 8)) * 0x1p-24f;
}

static void random_block(float *y, int64_t block, uint32_t sample, uint32_t update, uint32_t stream, uint32_t k0,
                         uint32_t k1)
{
    lvec c[4][GROUPS];
#if V == 16
    lvec counter = {0, 1, 2, 3, 4, 5, 6, 7};
#elif V == 8
    lvec counter = {0, 1, 2, 3};
#else
    lvec counter = {0, 1};
#endif
    for (int l = 0; l < GROUPS; l++) {
        c[0][l] = counter + (block + l * HALF);
        c[1][l] = lset(sample);
        c[2][l] = lset(update);
        c[3][l] = lset(stream);
    }
    philox(c, k0, k1);
    for (int l = 0; l < GROUPS; l++) {
        lvec first = (c[0][l] & 0xffffffff) | (c[1][l] << 32), second = (c[2][l] & 0xffffffff) | (c[3][l] << 32);
        vstore(y + 4 * HALF * l, uniform(LOWER(first, second)));
        vstore(y + 4 * HALF * l + V, uniform(HIGHER(first, second)));
    }
}

static void random_numbers(float *y, int64_t first, int64_t n, uint64_t seed, uint64_t stream, uint64_t update,
                           uint32_t sample)
{
    uint32_t k0 = (uint32_t)seed ^ (uint32_t)(stream >> 32), k1 = (uint32_t)(seed >> 32);
    float part[4 * COUNTERS];
    for (int64_t block = first / 4; 4 * block < first + n; block += COUNTERS) {
        int64_t from = 4 * block < first ? first : 4 * block,
                end = 4 * (block + COUNTERS) < first + n ? 4 * (block + COUNTERS) : first + n;
        bool whole = end - from == 4 * COUNTERS;
        random_block(whole ? y + (from - first) : part, block, sample, (uint32_t)update, (uint32_t)stream, k0, k1);
        if (!whole) memcpy(y + (from - first), part + (from - 4 * block), (size_t)(end - from) * 4);
    }
}

/* ---- transposition: V x V blocks in registers; interleaving the halves log2 V times transposes ---- */

#if V == 16
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif V == 8
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

INLINE void transpose_block(const float *x, int64_t from, float *y, int64_t to)
{
    vec r[V], t[V];
    for (int k = 0; k < V; k++) r[k] = vload(x + k * from);
    for (int half = V / 2; half > 0; half /= 2) {
        for (int k = 0; k < V / 2; k++) {
            t[2 * k] = LOW(r[k], r[k + V / 2]);
            t[2 * k + 1] = HIGH(r[k], r[k + V / 2]);
        }
        for (int k = 0; k < V; k++) r[k] = t[k];
    }
    for (int k = 0; k < V; k++) vstore(y + k * to, r[k]);
}

static void transpose(const float *x, int64_t from, float *y, int64_t to, int64_t na, int64_t nb)
{
    for (int64_t b = 0; b < nb; b += V)
        for (int64_t a = 0; a < na; a += V) {
            if (a + V <= na && b + V <= nb) {
                transpose_block(x + a + b * from, from, y + a * to + b, to);
                continue;
            }
            for (int64_t i = a; i < na && i < a + V; i++)
                for (int64_t j = b; j < nb && j < b + V; j++) y[i * to + j] = x[i + j * from];
        }
}

/* ---- pooling: vectors of channels ---- */

INLINE int64_t at(int64_t n, int64_t h, int64_t i, int64_t w, int64_t j, int64_t c)
{
    return ((n * h + i) * w + j) * c;
}

/* The first largest wins, and NaN is larger than all. */
INLINE void max_pool_line(const gr__pooling *p, int64_t n, int64_t oh, const float *x, float *y, int32_t *index,
                          const bool with_index)
{
    int64_t h0, h1, w0, w1;
    gr__window(p, 0, oh, p->h, &h0, &h1);
    for (int64_t ow = 0; ow < p->ow; ow++) {
        int64_t out = at(n, p->oh, oh, p->ow, ow, p->c);
        gr__window(p, 1, ow, p->w, &w0, &w1);
        for (int64_t c = 0; c < p->c; c += V) {
            int64_t left = p->c - c;
            vec best = vloadn(x + at(n, p->h, h0, p->w, w0, p->c) + c, left),
                place = (vec)iset((int32_t)(h0 * p->w + w0));
            for (int64_t i = h0; i < h1; i++)
                for (int64_t j = w0; j < w1; j++) {
                    vec v = vloadn(x + at(n, p->h, i, p->w, j, p->c) + c, left);
                    mask take = mand(mnot(vle(v, best)), veq(best, best));
                    best = vsel(take, v, best);
                    if (with_index) place = vsel(take, (vec)iset((int32_t)(i * p->w + j)), place);
                }
            if (y) vstoren(y + out + c, best, left);
            if (with_index) vstoren(index + out + c, place, left);
        }
    }
}

static void max_pool(const gr__pooling *p, int64_t n, int64_t oh, const float *x, float *y, int32_t *index)
{
    if (index)
        max_pool_line(p, n, oh, x, y, index, true);
    else
        max_pool_line(p, n, oh, x, y, NULL, false);
}

INLINE float share(const gr__pooling *p, int64_t h0, int64_t h1, int64_t w0, int64_t w1)
{
    int64_t h = p->count_padding && p->stride[0] ? p->size[0] : h1 - h0;
    return (float)(h * (p->count_padding && p->stride[1] ? p->size[1] : w1 - w0));
}

static void avg_pool(const gr__pooling *p, int64_t n, int64_t oh, const float *x, float *y)
{
    int64_t h0, h1, w0, w1;
    gr__window(p, 0, oh, p->h, &h0, &h1);
    for (int64_t ow = 0; ow < p->ow; ow++) {
        gr__window(p, 1, ow, p->w, &w0, &w1);
        for (int64_t c = 0; c < p->c; c += V) {
            int64_t left = p->c - c;
            vec sum = vset(0);
            for (int64_t i = h0; i < h1; i++)
                for (int64_t j = w0; j < w1; j++) sum += vloadn(x + at(n, p->h, i, p->w, j, p->c) + c, left);
            vstoren(y + at(n, p->oh, oh, p->ow, ow, p->c) + c, sum / share(p, h0, h1, w0, w1), left);
        }
    }
}

static void pool_gather(const gr__pooling *p, int64_t n, int64_t oh, const float *x, const int32_t *index, float *y)
{
    int64_t from = at(n, p->oh, oh, p->ow, 0, p->c), plane = p->h * p->w;
    for (int64_t e = 0; e < p->ow * p->c; e++) {
        int64_t place = index[from + e];
        y[from + e] = place >= 0 && place < plane ? x[(n * plane + place) * p->c + e % p->c] : 0;
    }
}

static void pool_scatter(const gr__pooling *p, int64_t n, int64_t h, const float *dy, const int32_t *index, float *dx)
{
    int64_t oh0, oh1, ow0, ow1;
    gr__windows_at(p, 0, h, p->oh, &oh0, &oh1);
    for (int64_t w = 0; w < p->w; w++) {
        gr__windows_at(p, 1, w, p->ow, &ow0, &ow1);
        ivec here = iset((int32_t)(h * p->w + w));
        for (int64_t c = 0; c < p->c; c += V) {
            int64_t left = p->c - c;
            vec sum = vset(0);
            for (int64_t i = oh0; i < oh1; i++)
                for (int64_t j = ow0; j < ow1; j++) {
                    int64_t from = at(n, p->oh, i, p->ow, j, p->c) + c;
                    mask hit = ieq((ivec)vloadn(index + from, left), here);
                    sum = vsel(hit, sum + vloadn(dy + from, left), sum);
                }
            vstoren(dx + at(n, p->h, h, p->w, w, p->c) + c, sum, left);
        }
    }
}

static void avg_pool_adjoint(const gr__pooling *p, int64_t n, int64_t h, const float *dy, float *dx)
{
    int64_t oh0, oh1, ow0, ow1, h0, h1, w0, w1;
    gr__windows_at(p, 0, h, p->oh, &oh0, &oh1);
    for (int64_t w = 0; w < p->w; w++) {
        gr__windows_at(p, 1, w, p->ow, &ow0, &ow1);
        for (int64_t c = 0; c < p->c; c += V) {
            int64_t left = p->c - c;
            vec sum = vset(0);
            for (int64_t i = oh0; i < oh1; i++) {
                gr__window(p, 0, i, p->h, &h0, &h1);
                for (int64_t j = ow0; j < ow1; j++) {
                    gr__window(p, 1, j, p->w, &w0, &w1);
                    sum += vloadn(dy + at(n, p->oh, i, p->ow, j, p->c) + c, left) / share(p, h0, h1, w0, w1);
                }
            }
            vstoren(dx + at(n, p->h, h, p->w, w, p->c) + c, sum, left);
        }
    }
}

extern const gr__native_set GR_ISA_FN(gr__native_set);
const gr__native_set GR_ISA_FN(gr__native_set) = {
    reduce_rows, reduce_line, random_numbers, transpose,    add,
    max_pool,    avg_pool,    pool_gather,    pool_scatter, avg_pool_adjoint,
};
