/* Packing values and reading them back, for every instruction set against the reference arithmetic. */
#include "cpu_case.h"

#include "base/rng.h"
#include "graph/packed.h"
#include "graph/slot_codes.h"

static void check_form(const char *what, gr_shape shape, gr__packing p, double special, double tolerance)
{
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        cpu_case c;
        if (!gr__isa_supported((gr__isa)isa)) continue;
        case_begin(&c, 11);
        bool index = p.form == GR__PACK_INDEX;
        gr_val x = gr_feed(c.g, "x", index ? GR_I32 : GR_REAL, shape), moment[3];
        for (int i = 0; i < 3; i++) {
            char name[8];
            snprintf(name, sizeof name, "m%d", i);
            moment[i] = gr_feed(c.g, name, GR_REAL, GR_SCALAR);
            case_fill(&c, moment[i], 3, 900, 0);
            *(double *)case_at(&c, moment[i]) = floor(*(double *)case_at(&c, moment[i]));
            *c.exact[moment[i]] = *(double *)case_at(&c, moment[i]);
        }
        gr_val packed = gr__pack(c.g, x, &p, "store/7", moment);
        gr_val back = p.form == GR__PACK_TRUTH ? packed : gr__unpack(c.g, packed, &p, gr__value(c.g, x), 2);
        assert_int_not_equal(back, GR_NONE);
        case_fill(&c, x, index || p.positive ? 0 : -1, index ? 65535 : 1, special);
        case_check(&c, back, (gr__isa)isa, tolerance, what);
        if (index) assert_memory_equal(case_at(&c, back), case_at(&c, x), case_bytes(c.g, x));
        case_end(&c);
    }
}

static const gr_shape shapes[] = {{2, {5, 7}}, {1, {1}}, {4, {3, 9, 11, 30}}, {3, {40, 3, 17}}, {2, {2, 70000}}};

static void test_sixteen_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(shapes); i++) {
        check_form("bf16", shapes[i], (gr__packing){.form = GR__PACK_BF16}, 0.1, 0);
        check_form("f16", shapes[i], (gr__packing){.form = GR__PACK_F16}, 0.1, 0);
        check_form("index", shapes[i], (gr__packing){.form = GR__PACK_INDEX}, 0, 0);
    }
}

static void test_truth(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(shapes); i++)
        for (int test = GR__TEST_DIFFERS; test <= GR__TEST_EQUAL; test++)
            for (int than = 0; than < 2; than++)
                check_form("truth", shapes[i],
                           (gr__packing){.form = GR__PACK_TRUTH, .test = (gr__test)test, .than = 0.25 * than}, 0.3, 0);
}

/* A code beside is allowed: float32 and float64 may stand on two sides of a whole number. */
static void test_quantised(void **state)
{
    (void)state;
    static const struct {
        gr_shape shape;
        int64_t samples, run;
    } rows[] = {{{2, {6, 1000}}, 6, 1000},
                {{3, {5, 4, 30}}, 4, 30},
                {{2, {12, 33}}, 4, 99},
                {{2, {1, 1}}, 1, 1},
                {{4, {2, 16, 16, 40}}, 2, 10240}};
    for (size_t i = 0; i < GR_COUNT(rows); i++)
        for (int64_t bits = 2; bits <= 8; bits *= 2)
            for (int64_t group = 1; group <= 300; group = group * 6 + 1)
                check_form("quantised", rows[i].shape,
                           (gr__packing){.form = GR__PACK_QUANTISED,
                                         .bits = bits,
                                         .group = group,
                                         .samples = rows[i].samples,
                                         .run = rows[i].run},
                           0, 2.01 / (double)((1 << bits) - 1));
}

/* Means of many draws are the values: 10^4 of each, within five standard errors; ends, and what does not vary, are
 * exact. */
static void test_unbiased(void **state)
{
    (void)state;
    enum { N = 64, DRAWS = 10000 };
    for (int bits = 2; bits <= 8; bits *= 2) {
        cpu_case c;
        double sum[2 * N] = {0}, most = (1 << bits) - 1;
        gr__packing p = {.form = GR__PACK_QUANTISED, .bits = bits, .group = N, .samples = 2, .run = N};
        case_begin(&c, 5);
        gr_val x = gr_feed(c.g, "x", GR_REAL, GR_SHAPE(2, N)), moment[3];
        static const char *const names[] = {"seed", "update", "position"};
        for (int i = 0; i < 3; i++) {
            moment[i] = gr_feed(c.g, names[i], GR_REAL, GR_SCALAR);
            *(double *)case_at(&c, moment[i]) = i == 0 ? 9 : 0;
        }
        gr_val packed = gr__pack(c.g, x, &p, "store/0", moment),
               back = gr__unpack(c.g, packed, &p, gr__value(c.g, x), 0);
        case_fill(&c, x, -3, 5, 0);
        float *from = case_at(&c, x), *got = case_at(&c, back), low = from[0], high = from[0];
        for (int e = 0; e < N; e++) {
            low = fminf(low, from[e]);
            high = fmaxf(high, from[e]);
            from[N + e] = 0.7f; /* the second sample: all alike */
        }
        for (int d = 0; d < DRAWS; d++) {
            *(double *)case_at(&c, moment[1]) = d;
            case_run_node(&c, gr__value(c.g, packed)->node, gr__isa_chosen(), 0);
            case_run_node(&c, gr__value(c.g, back)->node, gr__isa_chosen(), 0);
            for (int e = 0; e < 2 * N; e++) sum[e] += (double)got[e];
        }
        double step = (double)(high - low) / most;
        for (int e = 0; e < N; e++) {
            double y = (double)(from[e] - low) / step, part = y - floor(y);
            double error = step * sqrt(part * (1 - part) / DRAWS);
            if (fabs(sum[e] / DRAWS - (double)from[e]) > 5 * error + 1e-5)
                fail_msg("%d bits: the mean of %g is %g, error %g", bits, (double)from[e], sum[e] / DRAWS, error);
        }
        for (int e = N; e < 2 * N; e++) assert_true(got[e] == 0.7f);
        case_end(&c);
    }
}

/* ---- slots ---- */

static void test_slots(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(shapes); i++) {
        check_form("slot, 16 bits", shapes[i], (gr__packing){.form = GR__PACK_SLOT, .bits = 16}, 0.1, 0);
        check_form("slot, 8 bits", shapes[i], (gr__packing){.form = GR__PACK_SLOT, .bits = 8}, 0, 0);
        check_form("slot of squares", shapes[i], (gr__packing){.form = GR__PACK_SLOT, .bits = 8, .positive = true}, 0,
                   0);
    }
}

/* What code c stands for, by its definition, in float64. */
static double level_of(int c)
{
    return c < 8 ? c / 4.0 : ldexp(1 + c % 8 / 8.0, c / 8);
}

/* Every code is kept as it is, whatever is drawn; between two codes either is taken, the upper one as often as the
 * number is nearer to it, and nothing else. In groups of any unit. */
static void test_slot_codes(void **state)
{
    (void)state;
    static const float draws[] = {0, 0.25f, 0.5f, 0.74f, 0.76f, 0x0.ffffffp0f};
    for (int k = 0; k < 2 * 5 * (int)GR_COUNT(draws); k++) {
        bool positive = k % 2;
        float u = draws[k / 10], x[GR__SLOT_GROUP] = {0}, y[GR__SLOT_GROUP], us[GR__SLOT_GROUP];
        int last = positive ? 8 * 31 - 1 : 8 * 15 - 1, power = 40 * (k / 2 % 5) - 100;
        uint8_t codes[GR__SLOT_GROUP + 4];
        for (int part = 0; part < 2; part++) { /* a code; a quarter of the way to the next */
            for (int c = 0; c <= last; c++) {
                double size = level_of(c) + part * 0.25 * (level_of(c + 1) - level_of(c));
                x[c] = (float)ldexp(positive || c % 3 ? size : -size, power);
            }
            for (int i = 0; i < GR__SLOT_GROUP; i++) us[i] = u;
            gr__slot_pack(x, us, 0, GR__SLOT_GROUP, GR__SLOT_GROUP, 8, positive, codes);
            gr__slot_unpack(codes, 0, GR__SLOT_GROUP, GR__SLOT_GROUP, 8, positive, y);
            for (int c = 0; c <= last; c++) {
                int wanted = c + (part && (u > 0.75f || (c == 0 && positive)));
                assert_true(fabs((double)y[c]) == ldexp(level_of(wanted), power));
                assert_true(y[c] == 0 || signbit(y[c]) == signbit(x[c]));
            }
        }
    }
    float zero[3] = {0, -0.0f, 0x1p-100f}, y[3] = {1, 1, 1}, us[3] = {0.9f, 0.9f, 0.9f};
    uint8_t codes[16];
    gr__slot_pack(zero, us, 0, 3, 3, 8, false, codes);
    gr__slot_unpack(codes, 0, 3, 3, 8, false, y);
    for (int i = 0; i < 3; i++) assert_true(y[i] == 0);
    assert_true(gr__bf16_value(gr__slot_code16(1 + 0x1p-9f, 0.74f)) == 1);
    assert_true(gr__bf16_value(gr__slot_code16(1 + 0x1p-9f, 0.76f)) == 1 + 0x1p-7f);
    assert_true(gr__bf16_value(gr__slot_code16(-0x1.fffffep127f, 0x0.ffffffp0f)) == -0x1.fep127f);
}

/* An average that moves by a thousandth an update comes to where it should, in the mean, though a code steps by an
 * eighth: rounded to the nearest it would stay. */
static void test_slots_move(void **state)
{
    (void)state;
    enum { UPDATES = 3000 };
    for (int bits = 8; bits <= 16; bits += 8) {
        float x[GR__SLOT_GROUP], u[GR__SLOT_GROUP];
        uint8_t codes[2 * GR__SLOT_GROUP];
        double mean = 0, exact = 1;
        for (int i = 0; i < GR__SLOT_GROUP; i++) x[i] = 1;
        for (int t = 0; t < UPDATES; t++) {
            exact = 0.999 * exact + 0.001 * 0.1;
            for (int i = 0; i < GR__SLOT_GROUP; i++) {
                x[i] = 0.999f * x[i] + 0.001f * 0.1f;
                u[i] = (float)gr__random_leaf(7, 1, (uint64_t)t, 0, (uint64_t)i);
            }
            gr__slot_pack(x, u, 0, GR__SLOT_GROUP, GR__SLOT_GROUP, bits, true, codes);
            gr__slot_unpack(codes, 0, GR__SLOT_GROUP, GR__SLOT_GROUP, bits, true, x);
        }
        for (int i = 0; i < GR__SLOT_GROUP; i++) mean += (double)x[i] / GR__SLOT_GROUP;
        if (fabs(mean / exact - 1) > 0.02) fail_msg("%d bits: the mean is %g, not %g", bits, mean, exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sixteen_bits), cmocka_unit_test(test_truth), cmocka_unit_test(test_quantised),
        cmocka_unit_test(test_unbiased),     cmocka_unit_test(test_slots), cmocka_unit_test(test_slot_codes),
        cmocka_unit_test(test_slots_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
