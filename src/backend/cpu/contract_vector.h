/* Vectors (vec.h) as contractions use them: what a tile is of each instruction set, a multiply-add that stays where it
 * is put, lanes that are known to be no more than there are. Only for *.isa.c files, everything in it is inlined. */
#ifndef GR_CPU_CONTRACT_VECTOR_H
#define GR_CPU_CONTRACT_VECTOR_H

#include <stdbool.h>

#include "backend/cpu/vec.h"

#if defined(GR_ISA_AVX512)
#define ROWS 12
#define SHAPE "12x32"
#define PEAK 110.0
#elif defined(GR_ISA_AVX2)
#define ROWS 6
#define SHAPE "6x16"
#define PEAK 95.0
#elif defined(__aarch64__)
#include <arm_neon.h>
#define ROWS 8
#define SHAPE "8x8"
#define PEAK 30.0
#else
#define ROWS 4
#define SHAPE "4x8"
#define PEAK 24.0
#endif

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vec4 __attribute__((vector_size(16)));
typedef int32_t ivec4 __attribute__((vector_size(16)));
typedef float vec4_u __attribute__((vector_size(16), aligned(4), may_alias));

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

/* The first n lanes, 0 <= n <= V; nothing else is touched. */
INLINE lanes lanes_of(int64_t n)
{
#if defined(GR_ISA_AVX512)
    return (lanes)((1u << n) - 1);
#elif defined(GR_ISA_AVX2)
    return (lanes)(ilanes() < (int32_t)n);
#else
    return (lanes)n;
#endif
}

#if defined(GR_ISA_AVX512) || defined(GR_ISA_AVX2)
INLINE vec load_lanes(const float *p, lanes l)
{
    return vloadl(p, l);
}
INLINE void store_lanes(float *p, vec x, lanes l)
{
    vstorel(p, x, l);
}
#else
INLINE vec load_lanes(const float *p, lanes n)
{
    vec x = {0};
    if (n > 0) x[0] = p[0];
    if (n > 1) x[1] = p[1];
    if (n > 2) x[2] = p[2];
    if (n > 3) x[3] = p[3];
    return x;
}
INLINE void store_lanes(float *p, vec x, lanes n)
{
    if (n > 0) p[0] = x[0];
    if (n > 1) p[1] = x[1];
    if (n > 2) p[2] = x[2];
    if (n > 3) p[3] = x[3];
}
#endif

/* max(x, 0) that keeps NaN (and -0, as x < 0 ? 0 : x does). */
INLINE vec relu(vec x)
{
    return (vec)((ivec)x & ~(x < 0.0f));
}

#endif
