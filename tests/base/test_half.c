/* Numbers of 16 bits: every code, the published vectors, ties and ends. */
#include "test.h"

#include <math.h>

#include "base/half.h"

static void vectors(void **state)
{
    (void)state;
    static const struct {
        double x, bf16, f16;
    } rows[] = {
        {3.141592653589793, 3.140625, 3.140625},
        {0.1, .10009765625, .0999755859375},
        {65504, 65536, 65504},
        {65520, 65536, INFINITY},
        {1e-8, 1e-8, 0},
        {1 + 0x1p-8, 1, 1 + 0x1p-8},
        {1 + 3 * 0x1p-8, 1.015625, 1 + 3 * 0x1p-8},
        {INFINITY, INFINITY, INFINITY},
        {0, 0, 0},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            float x = (float)(sign * rows[i].x);
            double wide = (double)gr__bf16_value(gr__bf16_of(x)), narrow = (double)gr__f16_value(gr__f16_of(x));
            assert_true(narrow == sign * rows[i].f16 && !signbit(narrow) == !signbit(x));
            if (rows[i].x != 1e-8) assert_true(wide == sign * rows[i].bf16 && !signbit(wide) == !signbit(x));
        }
    assert_true((double)gr__f16_value(gr__f16_saturated(65520)) == 65504);
    assert_true((double)gr__f16_value(gr__f16_saturated(-INFINITY)) == -65504);
    assert_true(isnan(gr__f16_value(gr__f16_saturated(NAN))));
}

/* What a code means, from the formats' definitions. */
static double meaning(unsigned code, int exponent_bits)
{
    int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = (int)(code >> fraction_bits) & ((1 << exponent_bits) - 1);
    int fraction = (int)code & ((1 << fraction_bits) - 1);
    double x = exponent == (1 << exponent_bits) - 1 ? (fraction ? (double)NAN : (double)INFINITY)
               : exponent ? ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits)
                          : ldexp(fraction, 1 - bias - fraction_bits);
    return code & 0x8000 ? -x : x;
}

/* Every code has its value, and comes back from it; between neighbours the nearer is taken, and the even one of two. */
static void check_codes(uint16_t (*of)(float), float (*value)(uint16_t), int exponent_bits)
{
    unsigned infinite = (unsigned)meaning(0, exponent_bits);
    while (!isinf(meaning(infinite, exponent_bits))) infinite++;
    for (unsigned code = 0; code < 65536; code++) {
        double x = meaning(code, exponent_bits);
        float got = value((uint16_t)code);
        if (isnan(x)) {
            assert_true(isnan(got) && isnan(value(of(got))));
            continue;
        }
        assert_true((double)got == x && !signbit(got) == !signbit(x));
        assert_int_equal(of(got), code);
        unsigned size = code & 0x7fff, sign = code & 0x8000;
        if (size + 1 >= infinite) continue;
        float middle = (float)((x + meaning(code + 1, exponent_bits)) / 2);
        assert_int_equal(of(middle), sign | (size + (size & 1)));
        assert_int_equal(of(nextafterf(middle, 0)), code);
        assert_int_equal(of(nextafterf(middle, middle * 2)), code + 1);
    }
}

static void codes(void **state)
{
    (void)state;
    check_codes(gr__bf16_of, gr__bf16_value, 8);
    check_codes(gr__f16_of, gr__f16_value, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(codes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
