/* The functions of tile programs against libm in double: a dense sample of all floats, on every instruction set of the
 * machine. */
#include "cpu_case.h"

#include "base/pool.h"

enum { SAMPLE = 1 << 21 };

typedef struct function {
    const char *name;
    gr_val (*build)(gr_graph *g, gr_val a);
    double (*exact)(double x);
    double ulp;       /* allowed where the result is a normal number */
    double low, high; /* of x, where this is promised */
    double absolute;  /* outside, and in addition */
} function;

static double sigmoid_exact(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double relu_exact(double x)
{
    return x > 0 || isnan(x) ? x : 0;
}

static const function functions[] = {
    {"exp", gr_exp, exp, 2, -87.3, 88.72, 0},
    {"log", gr_log, log, 2, 0, INFINITY, 0},
    {"log1p", gr_log1p, log1p, 3, -1, INFINITY, 0},
    {"tanh", gr_tanh, tanh, 2, -INFINITY, INFINITY, 0},
    {"sigmoid", gr_sigmoid, sigmoid_exact, 2, -87.3, INFINITY, 0},
    {"erf", gr_erf, erf, 2, -INFINITY, INFINITY, 0},
    {"sin", gr_sin, sin, 2, -INFINITY, INFINITY, 0},
    {"cos", gr_cos, cos, 2, -INFINITY, INFINITY, 0},
    {"sqrt", gr_sqrt, sqrt, 0.5000001, 0, INFINITY, 0},
    {"floor", gr_floor, floor, 0, -INFINITY, INFINITY, 0},
    {"relu", gr_relu, relu_exact, 0, -INFINITY, INFINITY, 0},
};

/* The distance of got from want in units of want's last place as a float. */
static double ulps(double got, double want)
{
    int exponent;
    frexp(want, &exponent);
    return fabs(got - want) / ldexp(1, GR_MAX(exponent, -125) - 24);
}

static bool fine(const function *f, float x, float y, double want, double *worst)
{
    if (isnan(want)) return isnan(y);
    if (fabs(want) > 3.4028235677973366e38) return isinf(y) && (y < 0) == (want < 0);
    if (!((double)x >= f->low && (double)x <= f->high) || fabs(want) < 0x1p-125)
        return fabs((double)y - want) <= 0x1p-125 ||
               ((double)x < f->high && (double)x > f->low ? false : fabs((double)y - want) <= 0x1p-20 * fabs(want));
    double error = ulps((double)y, want);
    *worst = fmax(*worst, error);
    return error <= f->ulp;
}

static void check(const function *f, gr__isa isa)
{
    cpu_case c;
    case_begin(&c, 1);
    gr_val x = gr_feed(c.g, "x", GR_REAL, GR_SHAPE(SAMPLE)), y = f->build(c.g, x);
    uint32_t *bits = case_at(&c, x);
    for (uint32_t i = 0; i < SAMPLE; i++)
        bits[i] = i < 4096 ? (i & 2047) + ((i >> 11) << 31) + (i & 1024 ? 0x7f800000u - 1536 : 0)
                           : i * 2048u + (i * 2654435761u >> 21);
    static const uint32_t special[] = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0,           0x80000000u,
                                       0x3f800000u, 0xbf800000u, 0x42b17217u, 0x42b17218u, 0xc2cff1b5u,
                                       0x7f7fffffu, 0xff7fffffu, 1,           0x007fffffu};
    memcpy(bits, special, sizeof special);
    for (int i = 0; i < SAMPLE / 2; i++)
        ((float *)(void *)bits)[SAMPLE / 2 + i] = (float)(40 * gr__rng_uniform(&c.rng) - 20); /* where data lie */
    case_run_node(&c, gr__value(c.g, y)->node, isa, CASE_FORWARD);
    double worst = 0;
    for (int i = 0; i < SAMPLE; i++) {
        float from = ((float *)(void *)bits)[i], got = ((float *)case_at(&c, y))[i];
        double want = f->exact((double)from);
        if (!fine(f, from, got, want, &worst))
            fail_msg("%s (%s): %a gives %a, not %a (%.3g ulp)", f->name, gr__isa_name(isa), (double)from, (double)got,
                     want, ulps((double)got, want));
    }
    print_message("%-8s %-8s %.3f ulp\n", f->name, gr__isa_name(isa), worst);
    case_end(&c);
}

static void test_functions(void **state)
{
    (void)state;
    for (int isa = 0; isa < GR__ISA_COUNT; isa++)
        for (size_t f = 0; gr__isa_supported((gr__isa)isa) && f < GR_COUNT(functions); f++)
            check(&functions[f], (gr__isa)isa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_functions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
