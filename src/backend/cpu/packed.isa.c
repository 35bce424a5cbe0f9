/* Packing values into bytes and reading them back, for one instruction set. */
#include "backend/cpu/packed.h"

#include <float.h>

#include "base/half.h"

#define TEST(operator)                                          \
    for (int64_t i = 0; i < n; i++) to[i] = x[i] operator than; \
    break

static void truth(gr__test test, float than, const float *x, uint8_t *to, int64_t n)
{
    switch (test) {
    case GR__TEST_LESS:
        TEST(<);
    case GR__TEST_MORE:
        TEST(>);
    case GR__TEST_AT_MOST:
        TEST(<=);
    case GR__TEST_AT_LEAST:
        TEST(>=);
    case GR__TEST_EQUAL:
        TEST(==);
    default:
        TEST(!=);
    }
}

/* What is no place of a picture stays none. */
static void index16(const int32_t *x, uint16_t *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) to[i] = (uint16_t)x[i];
}

static void from_index(const uint16_t *from, int32_t *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = from[i];
}

static void bf16(const float *x, uint16_t *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) to[i] = gr__bf16_of(x[i]);
}

static void from_bf16(const uint16_t *from, float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = gr__bf16_value(from[i]);
}

static void f16(const float *x, uint16_t *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) to[i] = gr__f16_saturated(x[i]);
}

static void from_f16(const uint16_t *from, float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = gr__f16_value(from[i]);
}

static inline uint8_t code_of(float y, float most)
{
    return (uint8_t)(int)(y > 0 ? y < most ? y : most : 0);
}

static void quantise(const float *x, const float *u, int64_t n, int width, float *head, uint8_t *codes)
{
    float low = x[0], high = x[0], most = (float)((1 << width) - 1);
    for (int64_t i = 1; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    float range = high - low < FLT_MAX ? high - low : FLT_MAX, divisor = range > 0 ? range : 1;
    head[0] = low;
    head[1] = range;
    if (width == 8) {
        for (int64_t i = 0; i < n; i++) codes[i] = code_of((x[i] - low) / divisor * most + u[i], most);
        return;
    }
    for (int64_t i = 0; i < (n * width + 7) / 8; i++) codes[i] = 0;
    for (int64_t i = 0; i < n; i++)
        codes[i * width / 8] |= (uint8_t)(code_of((x[i] - low) / divisor * most + u[i], most) << i * width % 8);
}

static void restore(const float *head, const uint8_t *codes, int64_t n, int width, float *y)
{
    int most = (1 << width) - 1;
    float low = head[0], step = head[1] / (float)most;
    if (width == 8)
        for (int64_t i = 0; i < n; i++) y[i] = low + (float)codes[i] * step;
    else
        for (int64_t i = 0; i < n; i++) y[i] = low + (float)(codes[i * width / 8] >> i * width % 8 & most) * step;
}

extern const gr__packed_loops GR_ISA_FN(gr__packed_loops);
const gr__packed_loops GR_ISA_FN(gr__packed_loops) = {
    truth, index16, from_index, bf16, from_bf16, f16, from_f16, quantise, restore,
};
