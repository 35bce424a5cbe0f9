/* Slots in 16 or 8 bits: numbers that an optimizer keeps from update to update. [Dettmers et al. 2022, sections 2 and
 * 3]
 *
 * Each number is rounded up or down at random so that its mean is the number: rounded to the nearest, an average that
 * moves by less than half a step would never move.
 *
 *   16 bits  bfloat16
 *   8 bits   a float of 8 bits, in units of a power of two that belongs to the largest magnitude of its group of 256:
 *            one large number spoils no more than 255 others. With a sign 4 bits of exponent and 3 of fraction, without
 *            one (squares) 5 and 3. A code steps by an eighth of its power of two, down to 2^-14, or 2^-30, of that of
 *            the largest; below that steps are even. What is above 0 and has no sign is never kept as 0: a step is
 *            divided by its root. Groups of numbers all below 2^-90 are kept as 0.
 *
 * The units of all groups come first, as float32, then the codes. Nothing is rounded but to codes. */
#ifndef GR_GRAPH_SLOT_CODES_H
#define GR_GRAPH_SLOT_CODES_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/half.h"

enum { GR__SLOT_GROUP = 256, GR__SLOT_FRACTION = 8 };

static inline int64_t gr__slot_bytes(int bits, int64_t count)
{
    int64_t groups = (count + GR__SLOT_GROUP - 1) / GR__SLOT_GROUP;
    return bits == 16 ? 2 * count : count + (int64_t)sizeof(float) * groups;
}

/* What code c stands for, but for the unit: e and f of c = 8 e + f give f / 4 for e = 0 and (1 + f / 8) 2^e above. */
static inline float gr__slot_level(int c)
{
    int e = c / GR__SLOT_FRACTION, f = c % GR__SLOT_FRACTION;
    return e == 0 ? 0.25f * (float)f : gr__float_of_bits((uint32_t)(127 + e) << 23 | (uint32_t)f << 20);
}

/* u in [0, 1), a multiple of 2^-24. */
static inline uint16_t gr__slot_code16(float x, float u)
{
    uint32_t bits = gr__float_bits(x), up = bits + (uint32_t)(u * 65536);
    return (uint16_t)((up & 0x7f800000) == 0x7f800000 ? bits >> 16 : up >> 16); /* never up to infinity */
}

/* z: the magnitude in units, below 2^31, or 2^15 of numbers with a sign. What is kept of a float's bits is its exponent
 * and the first bits of its fraction; below 2, where steps are even, z + 2 has them. */
static inline int gr__slot_code8(float z, float u)
{
    uint32_t bits = gr__float_bits(z < 2 ? z + 2 : z) + (uint32_t)(u * 0x1p20f);
    return (int)(bits >> 20) - GR__SLOT_FRACTION * (z < 2 ? 128 : 127);
}

/* Numbers first..first+n-1 of `count`, first a multiple of the group, n at most a group. */
static inline void gr__slot_pack(const float *x, const float *u, int64_t first, int64_t n, int64_t count, int bits,
                                 bool positive, uint8_t *to)
{
    if (bits == 16) {
        for (int64_t i = 0; i < n; i++) {
            uint16_t code = gr__slot_code16(x[i], u[i]);
            memcpy(to + 2 * (first + i), &code, sizeof code);
        }
        return;
    }
    int64_t group = first / GR__SLOT_GROUP, groups = (count + GR__SLOT_GROUP - 1) / GR__SLOT_GROUP;
    uint8_t *codes = to + (int64_t)sizeof(float) * groups + first;
    int sign = positive ? 0 : 128, least = positive;
    float most = 0;
    for (int64_t i = 0; i < n; i++) most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    uint32_t power = gr__float_bits(most) >> 23, below = positive ? 30 : 14;
    bool any = power >= 37;
    float unit = any ? gr__float_of_bits((power - below) << 23) : 0,
          units = any ? gr__float_of_bits((254 - power + below) << 23) : 0;
    memcpy(to + (int64_t)sizeof(float) * group, &unit, sizeof unit);
    for (int64_t i = 0; i < n; i++) {
        float z = fabsf(x[i]) * units;
        int c = gr__slot_code8(z, u[i]);
        c = z > 0 && c < least ? least : c;
        codes[i] = (uint8_t)(c | (x[i] < 0 ? sign : 0));
    }
}

static inline void gr__slot_unpack(const uint8_t *from, int64_t first, int64_t n, int64_t count, int bits,
                                   bool positive, float *y)
{
    if (bits == 16) {
        for (int64_t i = 0; i < n; i++) {
            uint16_t code;
            memcpy(&code, from + 2 * (first + i), sizeof code);
            y[i] = gr__bf16_value(code);
        }
        return;
    }
    int64_t group = first / GR__SLOT_GROUP, groups = (count + GR__SLOT_GROUP - 1) / GR__SLOT_GROUP;
    const uint8_t *codes = from + (int64_t)sizeof(float) * groups + first;
    float unit;
    memcpy(&unit, from + (int64_t)sizeof(float) * group, sizeof unit);
    for (int64_t i = 0; i < n; i++) {
        float size = gr__slot_level(positive ? codes[i] : codes[i] & 127) * unit;
        y[i] = !positive && codes[i] & 128 ? -size : size;
    }
}

#endif
