/* Numbers of 16 bits: bfloat16 (8 bits of exponent, 7 of fraction) and IEEE float16. To nearest, ties to even. Nothing
 * here depends on the mode of the thread. */
#ifndef GR_BASE_HALF_H
#define GR_BASE_HALF_H

#include <stdint.h>
#include <string.h>

#define GR__F16_MAX 65504.0f

static inline uint32_t gr__float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float gr__float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint16_t gr__bf16_of(float x)
{
    uint32_t bits = gr__float_bits(x), rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
}

static inline float gr__bf16_value(uint16_t code)
{
    return gr__float_of_bits((uint32_t)code << 16);
}

/* What is too large becomes infinite. */
static inline uint16_t gr__f16_of(float x)
{
    uint32_t bits = gr__float_bits(x), size = bits & 0x7fffffff;
    /* adding a half leaves multiples of the least float16 in the fraction */
    uint32_t tiny = gr__float_bits(gr__float_of_bits(size) + 0.5f) - 0x3f000000;
    uint32_t usual = (size + 0xfff + (size >> 13 & 1) - 0x38000000) >> 13;
    uint32_t code = size < 0x38800000 ? tiny : usual;
    code = size >= 0x477ff000 ? 0x7c00 : code;
    code = size > 0x7f800000 ? 0x7e00 : code;
    return (uint16_t)((bits >> 16 & 0x8000) | code);
}

static inline float gr__f16_value(uint16_t code)
{
    uint32_t size = code & 0x7fff, sign = (uint32_t)(code & 0x8000) << 16;
    uint32_t usual = (size << 13) + (size >= 0x7c00 ? 0x70000000 : 0x38000000);
    uint32_t bits = size < 0x400 ? gr__float_bits((float)(int32_t)size * 0x1p-24f) : usual;
    return gr__float_of_bits(sign | bits);
}

/* The nearest that is finite; NaN stays. */
static inline uint16_t gr__f16_saturated(float x)
{
    x = x > GR__F16_MAX ? GR__F16_MAX : x;
    return gr__f16_of(x < -GR__F16_MAX ? -GR__F16_MAX : x);
}

#endif
