/* Choosing among the kernels of a contraction: what a provider states before it makes anything is what its kernel then
 * says, and the cheapest is made. */
#include <math.h>
#include <string.h>

#include "test.h"

#include "backend/cpu/contract_provider.h"
#include "base/rng.h"

enum { CASES = 300 };

static int64_t one_of(gr__rng *r, const int64_t *list, int n)
{
    return list[gr__rng_below(r, (uint64_t)n)];
}

static gr__contraction any_matmul(gr__rng *r)
{
    static const int64_t sizes[] = {0, 1, 2, 7, 16, 33, 64, 130, 300, 1000};
    gr__contraction c = {.kind = GR__MATMUL};
    c.mm.batch = (int64_t)gr__rng_below(r, 3) + 1;
    c.mm.m = one_of(r, sizes, 10);
    c.mm.n = one_of(r, sizes, 10);
    c.mm.k = one_of(r, sizes, 10);
    c.mm.transpose_a = gr__rng_below(r, 2);
    c.mm.transpose_b = gr__rng_below(r, 2);
    c.bias = gr__rng_below(r, 4) == 0;
    return c;
}

static gr__contraction any_conv(gr__rng *r, gr__contract_kind kind)
{
    static const int64_t channels[] = {1, 2, 3, 4, 8, 16, 64}, kernels[] = {1, 2, 3, 3, 5};
    gr__contraction c = {.kind = kind, .algorithm = (gr_algorithm)gr__rng_below(r, 3)};
    c.conv.n = (int64_t)gr__rng_below(r, 40);
    c.conv.c = one_of(r, channels, 7);
    c.conv.o = one_of(r, channels, 7);
    c.conv.groups = 1;
    if (gr__rng_below(r, 4) == 0) c.conv.o = c.conv.groups = c.conv.c;
    c.conv.kh = one_of(r, kernels, 5);
    c.conv.kw = one_of(r, kernels, 5);
    c.conv.h = c.conv.kh * 2 + (int64_t)gr__rng_below(r, 20);
    c.conv.w = c.conv.kw * 2 + (int64_t)gr__rng_below(r, 20);
    c.conv.stride_h = (int64_t)gr__rng_below(r, 3) + 1;
    c.conv.stride_w = gr__rng_below(r, 2) ? c.conv.stride_h : 1;
    c.conv.dilation_h = gr__rng_below(r, 4) == 0 ? 2 : 1;
    c.conv.dilation_w = gr__rng_below(r, 4) == 0 ? 2 : 1;
    c.conv.pad_h = (int64_t)gr__rng_below(r, (uint64_t)c.conv.kh);
    c.conv.pad_w = (int64_t)gr__rng_below(r, (uint64_t)c.conv.kw);
    c.conv.oh = (c.conv.h + 2 * c.conv.pad_h - (c.conv.kh - 1) * c.conv.dilation_h - 1) / c.conv.stride_h + 1;
    c.conv.ow = (c.conv.w + 2 * c.conv.pad_w - (c.conv.kw - 1) * c.conv.dilation_w - 1) / c.conv.stride_w + 1;
    return c;
}

static const gr__provider *const exact[] = {&gr__provide_gemm, &gr__provide_conv, &gr__provide_conv_weights,
                                            &gr__provide_conv_scatter};

static void check(gr_context *ctx, const gr__contraction *c, gr__isa isa, int taken[4])
{
    const gr__provider *best = NULL;
    double least = INFINITY;
    for (size_t i = 0; i < GR_COUNT(exact) + GR__WINOGRADS; i++) {
        const gr__provider *p = i < GR_COUNT(exact) ? exact[i] : &gr__provide_winograd[i - GR_COUNT(exact)];
        double cost = p->cost(c, isa);
        assert_true(cost > 0);
        if (cost < least) best = p, least = cost;
        if (!isfinite(cost) || i >= GR_COUNT(exact)) continue;
        gr_kernel *k = NULL;
        test_ok(ctx, p->make(ctx, c, isa, &k));
        if (gr__kernel_cost(k) != cost)
            fail_msg("%s states %.17g, its kernel %.17g", p->name, cost, gr__kernel_cost(k));
        k->destroy(ctx, k);
        taken[i]++;
    }
    assert_non_null(best); /* every shape is taken by one */
    gr_kernel *chosen = NULL, *wanted = NULL;
    test_ok(ctx, gr__contract_make_for(ctx, c, isa, &chosen));
    test_ok(ctx, best->make(ctx, c, isa, &wanted));
    assert_string_equal(chosen->name, wanted->name);
    assert_true(gr__kernel_cost(chosen) == gr__kernel_cost(wanted));
    chosen->destroy(ctx, chosen);
    wanted->destroy(ctx, wanted);
}

static void providers_state_what_their_kernels_cost(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__rng r = gr__rng_make(7, "providers", 0, 0);
    int taken[4] = {0};
    for (int i = 0; i < CASES; i++) {
        gr__contraction c = i % 4 == 0 ? any_matmul(&r) : any_conv(&r, (gr__contract_kind)(i % 4));
        for (int isa = 0; isa < GR__ISA_COUNT; isa++)
            if (gr__isa_supported((gr__isa)isa)) check(ctx, &c, (gr__isa)isa, taken);
    }
    for (int i = 0; i < 4; i++) assert_true(taken[i] >= 10);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_state_what_their_kernels_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
