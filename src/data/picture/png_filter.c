/* Filters of PNG rows (PNG specification, 9): each byte is stored as its difference from what the bytes before it and
 * above it let expect.
 *
 * All but `up` go pixel by pixel, since each needs the one before it: the components of a pixel are a vector of 16-bit
 * numbers. Four or eight bytes are read where three or six count; those behind them are not used. */
#include <string.h>

#include "data/picture/png.h"

typedef int16_t lanes __attribute__((vector_size(16)));
typedef uint8_t eight __attribute__((vector_size(8)));

static inline lanes load(const uint8_t *from, int apart)
{
    eight x = {0};
    memcpy(&x, from, apart > 4 ? 8 : 4);
    return __builtin_convertvector(x, lanes);
}

/* The low byte of each. */
static inline void store(lanes x, int apart, uint8_t *to)
{
    eight y = __builtin_convertvector(x, eight);
    memcpy(to, &y, (size_t)apart);
}

static inline lanes magnitude(lanes x)
{
    lanes sign = x >> 15;
    return (x ^ sign) - sign;
}

static inline lanes choose(lanes condition, lanes yes, lanes no)
{
    return (condition & yes) | (~condition & no);
}

/* Of left, up and upper left the one that is nearest to left + up - upper left. */
static inline lanes nearest(lanes a, lanes b, lanes c)
{
    lanes p = b - c, q = a - c, from_a = magnitude(p), from_b = magnitude(q), from_c = magnitude(p + q);
    lanes b_or_c = choose(from_b > from_c, c, b);
    return choose((from_a > from_b) | (from_a > from_c), b_or_c, a);
}

static inline void pixels(int filter, uint8_t *row, const uint8_t *up, size_t n, int apart)
{
    const lanes byte = {255, 255, 255, 255, 255, 255, 255, 255};
    lanes a = {0}, c = {0};
    for (size_t i = 0; i < n; i += (size_t)apart) {
        lanes x = load(row + i, apart), b = load(up + i, apart);
        a = (x + (filter == 1 ? a : filter == 3 ? (a + b) >> 1 : nearest(a, b, c))) & byte;
        c = b;
        store(a, apart, row + i);
    }
}

/* A byte or two a pixel: by hand. */
static inline void bytes(int filter, uint8_t *row, const uint8_t *up, size_t n, int apart)
{
    for (size_t i = 0; i < n; i++) {
        bool first = i < (size_t)apart;
        int a = first ? 0 : row[i - (size_t)apart], b = up[i], c = first ? 0 : up[i - (size_t)apart];
        int from_a = b > c ? b - c : c - b, from_b = a > c ? a - c : c - a;
        int from_c = a + b > 2 * c ? a + b - 2 * c : 2 * c - a - b;
        int near = from_a <= from_b && from_a <= from_c ? a : from_b <= from_c ? b : c;
        row[i] = (uint8_t)(row[i] + (filter == 1 ? a : filter == 3 ? (a + b) >> 1 : near));
    }
}

static inline void any(int filter, uint8_t *row, const uint8_t *up, size_t n, int apart)
{
    switch (apart) {
    case 3:
        pixels(filter, row, up, n, 3);
        return;
    case 4:
        pixels(filter, row, up, n, 4);
        return;
    case 6:
        pixels(filter, row, up, n, 6);
        return;
    case 8:
        pixels(filter, row, up, n, 8);
        return;
    case 2:
        bytes(filter, row, up, n, 2);
        return;
    default:
        bytes(filter, row, up, n, 1);
        return;
    }
}

static void add_above(uint8_t *restrict row, const uint8_t *restrict up, size_t n)
{
    for (size_t i = 0; i < n; i++) row[i] = (uint8_t)(row[i] + up[i]);
}

void gr__png_unfilter(int filter, uint8_t *row, const uint8_t *up, size_t n, int apart)
{
    if (filter == 1) any(1, row, up, n, apart);
    if (filter == 2) add_above(row, up, n);
    if (filter == 3) any(3, row, up, n, apart);
    if (filter == 4) any(4, row, up, n, apart);
}
