/* Vectors of the instruction set a file is compiled for: only for *.isa.c files, everything in it is inlined. */
#ifndef GR_CPU_CONTRACT_VECTOR_H
#define GR_CPU_CONTRACT_VECTOR_H

#include <stdbool.h>
#include <stdint.h>

#if defined(GR_ISA_AVX512)
#include <immintrin.h>
#define LANE 16
#define ROWS 12
#define SHAPE "12x32"
#define PEAK 110.0
#elif defined(GR_ISA_AVX2)
#include <immintrin.h>
#define LANE 8
#define ROWS 6
#define SHAPE "6x16"
#define PEAK 95.0
#elif defined(__aarch64__)
#include <arm_neon.h>
#define LANE 4
#define ROWS 8
#define SHAPE "8x8"
#define PEAK 30.0
#else
#define LANE 4
#define ROWS 4
#define SHAPE "4x8"
#define PEAK 24.0
#endif

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANE)));
typedef float vec_u __attribute__((vector_size(4 * LANE), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(4 * LANE)));
typedef float vec4 __attribute__((vector_size(16)));
typedef int32_t ivec4 __attribute__((vector_size(16)));
typedef float vec4_u __attribute__((vector_size(16), aligned(4), may_alias));

INLINE vec load(const float *p)
{
    return *(const vec_u *)p;
}

INLINE void store(float *p, vec x)
{
    *(vec_u *)p = x;
}

/* a * b + c, in one rounding where the set has such an instruction: the same in every kernel of the set. Inline
 * assembly, because left to itself gcc folds the two loads of b into a tile's multiply-adds, reloads them for every row
 * and becomes load bound (82 % of peak where this form reaches 96). */
INLINE vec madd(vec a, vec b, vec c)
{
#if defined(GR_ISA_AVX512)
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
    return c;
#elif defined(GR_ISA_AVX2)
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
    return c;
#elif defined(__aarch64__)
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

/* The first n lanes, 0 <= n <= LANE; nothing else is touched. */
#if defined(GR_ISA_AVX512)
typedef __mmask16 mask;
INLINE mask mask_of(int64_t n)
{
    return (mask)((1u << n) - 1);
}
INLINE vec load_masked(const float *p, mask m)
{
    return (vec)_mm512_maskz_loadu_ps(m, p);
}
INLINE void store_masked(float *p, vec x, mask m)
{
    _mm512_mask_storeu_ps(p, m, (__m512)x);
}
#elif defined(GR_ISA_AVX2)
typedef __m256i mask;
INLINE mask mask_of(int64_t n)
{
    return (__m256i)((ivec){0, 1, 2, 3, 4, 5, 6, 7} < (int32_t)n);
}
INLINE vec load_masked(const float *p, mask m)
{
    return (vec)_mm256_maskload_ps(p, m);
}
INLINE void store_masked(float *p, vec x, mask m)
{
    _mm256_maskstore_ps(p, m, (__m256)x);
}
#else
typedef int mask;
INLINE mask mask_of(int64_t n)
{
    return (mask)n;
}
INLINE vec load_masked(const float *p, mask m)
{
    vec x = {0};
    if (m > 0) x[0] = p[0];
    if (m > 1) x[1] = p[1];
    if (m > 2) x[2] = p[2];
    if (m > 3) x[3] = p[3];
    return x;
}
INLINE void store_masked(float *p, vec x, mask m)
{
    if (m > 0) p[0] = x[0];
    if (m > 1) p[1] = x[1];
    if (m > 2) p[2] = x[2];
    if (m > 3) p[3] = x[3];
}
#endif

/* max(x, 0) that keeps NaN (and -0, as x < 0 ? 0 : x does). */
INLINE vec relu(vec x)
{
    return (vec)((ivec)x & ~(x < 0.0f));
}

#endif
