/* Vectors of one instruction set, for files compiled once for each: V lanes of float, masks, masked loads and stores.
 *
 * vmadd is one rounding where the machine has such an instruction; comparisons with NaN are false. Everything else is
 * as C says. */
#ifndef GR_CPU_VEC_H
#define GR_CPU_VEC_H

#include <stdint.h>
#include <string.h>

#if defined(GR_ISA_AVX512)
#define V 16
#elif defined(GR_ISA_AVX2)
#define V 8
#else
#define V 4
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline, unused))

typedef float vec __attribute__((vector_size(4 * V)));
typedef int32_t ivec __attribute__((vector_size(4 * V)));
typedef double dvec __attribute__((vector_size(4 * V))); /* V / 2 lanes */
typedef float half_vec __attribute__((vector_size(2 * V)));
typedef int64_t lvec __attribute__((vector_size(4 * V)));

typedef float vec_u __attribute__((vector_size(4 * V), aligned(4), may_alias));
typedef double dvec_u __attribute__((vector_size(4 * V), aligned(8), may_alias));

INLINE vec vset(float x)
{
    return (vec){0} + x; /* -0 becomes 0: for constants and masks */
}

INLINE ivec iset(int32_t x)
{
    return (ivec){0} + x;
}

/* All bits of x, -0 and integers included. */
INLINE vec vbits(float x)
{
    int32_t b;
    memcpy(&b, &x, sizeof b);
    return (vec)iset(b);
}

INLINE dvec dset(double x)
{
    return (dvec){0} + x;
}

INLINE vec vload(const void *p)
{
    return *(const vec_u *)p;
}

INLINE void vstore(void *p, vec x)
{
    *(vec_u *)p = x;
}

INLINE ivec ilanes(void)
{
#if V == 16
    return (ivec){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif V == 8
    return (ivec){0, 1, 2, 3, 4, 5, 6, 7};
#else
    return (ivec){0, 1, 2, 3};
#endif
}

INLINE vec vabs(vec x)
{
    return (vec)((ivec)x & 0x7fffffff);
}

INLINE vec vneg(vec x)
{
    return (vec)((ivec)x ^ INT32_MIN);
}

INLINE vec vsignof(vec magnitude, vec sign)
{
    return (vec)((ivec)magnitude | ((ivec)sign & INT32_MIN));
}

INLINE vec vfromint(ivec x)
{
    return __builtin_convertvector(x, vec);
}

#if defined(GR_ISA_AVX512)

typedef __mmask16 mask;
#define VCMP(a, b, how) _mm512_cmp_ps_mask((__m512)(a), (__m512)(b), how)
/* clang-format off */
INLINE mask vlt(vec a, vec b) { return VCMP(a, b, _CMP_LT_OQ); }
INLINE mask vle(vec a, vec b) { return VCMP(a, b, _CMP_LE_OQ); }
INLINE mask veq(vec a, vec b) { return VCMP(a, b, _CMP_EQ_OQ); }
INLINE mask vne(vec a, vec b) { return VCMP(a, b, _CMP_NEQ_UQ); }
INLINE mask ilt(ivec a, ivec b) { return _mm512_cmplt_epi32_mask((__m512i)a, (__m512i)b); }
INLINE mask ile(ivec a, ivec b) { return _mm512_cmple_epi32_mask((__m512i)a, (__m512i)b); }
INLINE mask ieq(ivec a, ivec b) { return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b); }
INLINE vec vsel(mask m, vec a, vec b) { return (vec)_mm512_mask_blend_ps(m, (__m512)b, (__m512)a); }
INLINE mask mor(mask a, mask b) { return (mask)(a | b); }
INLINE mask mand(mask a, mask b) { return (mask)(a & b); }
INLINE mask mnot(mask a) { return (mask)~a; }
INLINE mask mfirst(int64_t n) { return n <= 0 ? 0 : n >= 16 ? 0xffff : (mask)((1u << n) - 1); }
INLINE int many(mask m) { return m != 0; }
INLINE vec vmadd(vec a, vec b, vec c) { return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
INLINE dvec dmadd(dvec a, dvec b, dvec c) { return (dvec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
INLINE vec vsqrt(vec x) { return (vec)_mm512_sqrt_ps((__m512)x); }
INLINE vec vround(vec x) { return (vec)_mm512_roundscale_ps((__m512)x, 8); }
INLINE vec vfloor(vec x) { return (vec)_mm512_roundscale_ps((__m512)x, 9); }
INLINE ivec vtoint(vec x) { return (ivec)_mm512_cvtps_epi32((__m512)x); }
typedef __mmask16 lanes;
INLINE lanes lfirst(int64_t n) { return mfirst(n); }
INLINE vec vloadl(const void *p, lanes l) { return (vec)_mm512_maskz_loadu_ps(l, p); }
INLINE void vstorel(void *p, vec x, lanes l) { _mm512_mask_storeu_ps(p, l, (__m512)x); }
INLINE vec vkeep(vec x, lanes l, float other) { return (vec)_mm512_mask_blend_ps(l, (__m512)vset(other), (__m512)x); }
/* clang-format on */
INLINE ivec iload8(const uint8_t *p)
{
    return (ivec)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
/* clang-format off */
INLINE ivec iload8l(const uint8_t *p, lanes l) { return (ivec)_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(l, p)); }
/* clang-format on */
/* table[index[l]], where index lies within 0..V-1 and the first n elements of the table may be read. */
INLINE vec vpick(const float *table, ivec index, int64_t n)
{
    return (vec)_mm512_permutexvar_ps((__m512i)index, (__m512)vloadl(table, lfirst(n)));
}
/* clang-format off */
INLINE dvec dlow(vec x) { return (dvec)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)x)); }
INLINE dvec dhigh(vec x) { return (dvec)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)x, 1)); }
/* clang-format on */
INLINE vec vjoin(dvec low, dvec high)
{
    return (vec)_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps((__m512d)low)),
                                   _mm512_cvtpd_ps((__m512d)high), 1);
}
/* x * 2^n, n whole */
/* clang-format off */
INLINE vec vscale(vec x, vec n) { return (vec)_mm512_scalef_ps((__m512)x, (__m512)n); }
INLINE void vstorepast(void *p, vec x) { _mm512_stream_ps(p, (__m512)x); }
INLINE void vend(void) { _mm256_zeroupper(); }
/* clang-format on */

#elif defined(GR_ISA_AVX2)

typedef __m256 mask;
#define VCMP(a, b, how) _mm256_cmp_ps((__m256)(a), (__m256)(b), how)
/* clang-format off */
INLINE mask vlt(vec a, vec b) { return VCMP(a, b, _CMP_LT_OQ); }
INLINE mask vle(vec a, vec b) { return VCMP(a, b, _CMP_LE_OQ); }
INLINE mask veq(vec a, vec b) { return VCMP(a, b, _CMP_EQ_OQ); }
INLINE mask vne(vec a, vec b) { return VCMP(a, b, _CMP_NEQ_UQ); }
INLINE mask ilt(ivec a, ivec b) { return (mask)(a < b); }
INLINE mask ile(ivec a, ivec b) { return (mask)(a <= b); }
INLINE mask ieq(ivec a, ivec b) { return (mask)(a == b); }
INLINE vec vsel(mask m, vec a, vec b) { return (vec)_mm256_blendv_ps((__m256)b, (__m256)a, m); }
INLINE mask mor(mask a, mask b) { return _mm256_or_ps(a, b); }
INLINE mask mand(mask a, mask b) { return _mm256_and_ps(a, b); }
INLINE mask mnot(mask a) { return (mask)~(ivec)a; }
INLINE mask mfirst(int64_t n) { return (mask)(ilanes() < iset(n < 0 ? 0 : n > V ? V : (int32_t)n)); }
INLINE int many(mask m) { return _mm256_movemask_ps(m) != 0; }
INLINE vec vmadd(vec a, vec b, vec c) { return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
INLINE dvec dmadd(dvec a, dvec b, dvec c) { return (dvec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
INLINE vec vsqrt(vec x) { return (vec)_mm256_sqrt_ps((__m256)x); }
INLINE vec vround(vec x) { return (vec)_mm256_round_ps((__m256)x, 8); }
INLINE vec vfloor(vec x) { return (vec)_mm256_round_ps((__m256)x, 9); }
INLINE ivec vtoint(vec x) { return (ivec)_mm256_cvtps_epi32((__m256)x); }
typedef __m256i lanes;
INLINE lanes lfirst(int64_t n) { return (lanes)mfirst(n); }
INLINE vec vloadl(const void *p, lanes l) { return (vec)_mm256_maskload_ps(p, l); }
INLINE void vstorel(void *p, vec x, lanes l) { _mm256_maskstore_ps(p, l, (__m256)x); }
INLINE vec vkeep(vec x, lanes l, float other) { return vsel((mask)l, x, vset(other)); }
/* clang-format on */
INLINE ivec iload8(const uint8_t *p)
{
    return (ivec)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
INLINE vec vpick(const float *table, ivec index, int64_t n)
{
    return (vec)_mm256_permutevar8x32_ps((__m256)vloadl(table, lfirst(n)), (__m256i)index);
}
/* clang-format off */
INLINE dvec dlow(vec x) { return (dvec)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)x)); }
INLINE dvec dhigh(vec x) { return (dvec)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)x, 1)); }
/* clang-format on */
INLINE vec vjoin(dvec low, dvec high)
{
    return (vec)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps((__m256d)low)),
                                     _mm256_cvtpd_ps((__m256d)high), 1);
}
/* clang-format off */
INLINE void vstorepast(void *p, vec x) { _mm256_stream_ps(p, (__m256)x); }
INLINE void vend(void) { _mm256_zeroupper(); }
/* clang-format on */

#else /* 16 bytes, whatever the machine: SSE2, NEON */

typedef ivec mask;
/* clang-format off */
INLINE mask vlt(vec a, vec b) { return a < b; }
INLINE mask vle(vec a, vec b) { return a <= b; }
INLINE mask veq(vec a, vec b) { return a == b; }
INLINE mask vne(vec a, vec b) { return a != b; }
INLINE mask ilt(ivec a, ivec b) { return a < b; }
INLINE mask ile(ivec a, ivec b) { return a <= b; }
INLINE mask ieq(ivec a, ivec b) { return a == b; }
INLINE vec vsel(mask m, vec a, vec b) { return (vec)((m & (ivec)a) | (~m & (ivec)b)); }
INLINE mask mor(mask a, mask b) { return a | b; }
INLINE mask mand(mask a, mask b) { return a & b; }
INLINE mask mnot(mask a) { return ~a; }
INLINE mask mfirst(int64_t n) { return ilanes() < iset(n < 0 ? 0 : n > V ? V : (int32_t)n); }
INLINE int many(mask m) { return (m[0] | m[1] | m[2] | m[3]) != 0; }
/* clang-format on */
#if defined(__aarch64__)
INLINE vec vmadd(vec a, vec b, vec c)
{
    for (int k = 0; k < V; k++) c[k] = __builtin_fmaf(a[k], b[k], c[k]);
    return c;
}
#else
/* clang-format off */
INLINE vec vmadd(vec a, vec b, vec c) { return a * b + c; }
/* clang-format on */
#endif
/* clang-format off */
INLINE dvec dmadd(dvec a, dvec b, dvec c) { return a * b + c; }
/* clang-format on */
INLINE vec vsqrt(vec x)
{
    for (int k = 0; k < V; k++) x[k] = __builtin_sqrtf(x[k]);
    return x;
}
/* To the nearest whole number, |x| < 2^22. */
INLINE vec vround(vec x)
{
    vec big = vset(0x1.8p23f);
    return (x + big) - big;
}
INLINE vec vfloor(vec x)
{
    mask small = vlt(vabs(x), vset(0x1p23f)); /* the others, and NaN, are whole already */
    vec whole = vfromint(__builtin_convertvector(vsel(small, x, vset(0)), ivec));
    whole = whole - vsel(vlt(x, whole), vset(1), vset(0));
    return vsel(small, vsignof(whole, x), x);
}
INLINE ivec vtoint(vec x)
{
    return __builtin_convertvector(x, ivec);
} /* of whole numbers */
typedef int32_t lanes; /* how many */
/* clang-format off */
INLINE lanes lfirst(int64_t n) { return n < 0 ? 0 : n > V ? V : (lanes)n; }
/* clang-format on */
INLINE vec vloadl(const void *p, lanes n)
{
    vec x = {0};
    if (n == V) return vload(p);
    if (n > 0) memcpy(&x, p, (size_t)n * 4);
    return x;
}
INLINE void vstorel(void *p, vec x, lanes n)
{
    if (n == V)
        vstore(p, x);
    else if (n > 0)
        memcpy(p, &x, (size_t)n * 4);
}
/* clang-format off */
INLINE vec vkeep(vec x, lanes n, float other) { return vsel(mfirst(n), x, vset(other)); }
INLINE ivec iload8(const uint8_t *p) { return (ivec){p[0], p[1], p[2], p[3]}; }
/* clang-format on */
INLINE vec vpick(const float *table, ivec index, int64_t n)
{
    vec x = {0};
    for (int k = 0; k < V; k++) x[k] = index[k] < n ? table[index[k]] : 0;
    return x;
}
/* clang-format off */
INLINE dvec dlow(vec x) { return (dvec){x[0], x[1]}; }
INLINE dvec dhigh(vec x) { return (dvec){x[2], x[3]}; }
INLINE vec vjoin(dvec low, dvec high) { return (vec){(float)low[0], (float)low[1], (float)high[0], (float)high[1]}; }
/* clang-format on */
#if defined(__SSE2__)
/* clang-format off */
INLINE void vstorepast(void *p, vec x) { _mm_stream_ps(p, (__m128)x); }
/* clang-format on */
#else
/* clang-format off */
INLINE void vstorepast(void *p, vec x) { vstore(p, x); }
/* clang-format on */
#endif
/* clang-format off */
INLINE void vend(void) {}
/* clang-format on */

#endif

#if !defined(GR_ISA_AVX512)
INLINE vec vscale(vec x, vec n) /* in two steps, so that results below the smallest normal number come out right */
{
    ivec whole = vtoint(n), first = whole >> 1;
    return x * (vec)((first + 127) << 23) * (vec)((whole - first + 127) << 23);
}
INLINE ivec iload8l(const uint8_t *p, lanes l)
{
    uint8_t part[V] = {0};
    ivec first = (ivec)vkeep((vec)(ivec){0}, l, 1); /* 0 where the lane exists */
    for (int k = 0; k < V; k++)
        if (first[k] == 0) part[k] = p[k];
    return iload8(part);
}
#endif

/* The first n lanes only. */
/* clang-format off */
INLINE vec vloadn(const void *p, int64_t n) { return vloadl(p, lfirst(n)); }
INLINE void vstoren(void *p, vec x, int64_t n) { vstorel(p, x, lfirst(n)); }
/* clang-format on */

/* x within low and high; NaN stays. */
INLINE vec vclamp(vec x, float low, float high)
{
#if defined(GR_ISA_AVX512)
    return (vec)_mm512_max_ps((__m512)vset(low),
                              _mm512_min_ps((__m512)vset(high), (__m512)x)); /* the second operand where one is NaN */
#elif defined(GR_ISA_AVX2)
    return (vec)_mm256_max_ps((__m256)vset(low), _mm256_min_ps((__m256)vset(high), (__m256)x));
#else
    return vsel(vlt(x, vset(low)), vset(low), vsel(vlt(vset(high), x), vset(high), x));
#endif
}

/* NaN if either is; the first on ties: as the operations are defined. */
INLINE vec vmax(vec a, vec b)
{
    return vsel(mor(vlt(a, b), vne(b, b)), b, a);
}

INLINE vec vmin(vec a, vec b)
{
    return vsel(mor(vlt(b, a), vne(b, b)), b, a);
}

#endif
