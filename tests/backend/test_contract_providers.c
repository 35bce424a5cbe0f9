/* Choosing among the kernels of a contraction: what a provider states before it makes anything is what its kernel then
 * says, the cheapest is made, and each computes what plain loops do, also where another is cheaper. */
#include "contract_case.h"

enum { CASES = 900 };

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

static void add_epilogue(gr__contraction *c, gr__rng *r)
{
    if (c->kind != GR__CONV_FORWARD) return;
    c->bias = gr__rng_below(r, 2);
    c->relu = gr__rng_below(r, 2);
}

static gr__contraction any_conv(gr__rng *r, gr__contract_kind kind)
{
    static const int64_t channels[] = {1, 2, 3, 4, 8, 16, 64}, kernels[] = {1, 2, 3, 3, 5};
    gr__contraction c = {.kind = kind, .algorithm = (gr_algorithm)gr__rng_below(r, 3)};
    c.conv.n = (int64_t)gr__rng_below(r, 40);
    c.conv.c = one_of(r, channels, 7);
    c.conv.o = one_of(r, channels, 7);
    c.conv.groups = 1;
    uint64_t grouped = gr__rng_below(r, 8);
    if (grouped < 2) c.conv.o = c.conv.groups = c.conv.c;
    if (grouped == 2) c.conv.o = 3 * (c.conv.groups = c.conv.c); /* more than one filter a channel */
    int64_t least = GR_MIN(c.conv.c, c.conv.o);
    if (grouped == 3 && c.conv.c % least == 0 && c.conv.o % least == 0) c.conv.groups = least;
    if (grouped == 4) c.conv.groups = c.conv.c % 4 == 0 && c.conv.o % 4 == 0 ? 2 : 1;
    add_epilogue(&c, r);
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
    int64_t end_h = (int64_t)gr__rng_below(r, (uint64_t)c.conv.kh), end_w = (int64_t)gr__rng_below(r, 3);
    c.conv.oh = (c.conv.h + c.conv.pad_h + end_h - (c.conv.kh - 1) * c.conv.dilation_h - 1) / c.conv.stride_h + 1;
    c.conv.ow = (c.conv.w + c.conv.pad_w + end_w - (c.conv.kw - 1) * c.conv.dilation_w - 1) / c.conv.stride_w + 1;
    return c;
}

/* Of the kind that networks are full of, and small: steps of one, the size kept. */
static gr__contraction any_plain_conv(gr__rng *r, gr__contract_kind kind)
{
    int64_t kernel = gr__rng_below(r, 2) ? 3 : 5;
    gr__contraction c = {.kind = kind};
    c.conv.n = (int64_t)gr__rng_below(r, 3) + 1;
    c.conv.c = (int64_t)gr__rng_below(r, 8) + 1;
    c.conv.o = (int64_t)gr__rng_below(r, 8) + 1;
    c.conv.kh = c.conv.kw = kernel;
    c.conv.h = c.conv.oh = kernel + (int64_t)gr__rng_below(r, 8);
    c.conv.w = c.conv.ow = kernel + (int64_t)gr__rng_below(r, 8);
    c.conv.pad_h = c.conv.pad_w = kernel / 2;
    c.conv.stride_h = c.conv.stride_w = c.conv.dilation_h = c.conv.dilation_w = c.conv.groups = 1;
    add_epilogue(&c, r);
    return c;
}

/* Every channel by itself: windows that reach over small pictures on all sides, strides and dilations that share
 * factors or not, whole vectors of channels and parts of one. */
static gr__contraction any_depthwise(gr__rng *r, gr__contract_kind kind)
{
    gr__contraction c = {.kind = kind};
    add_epilogue(&c, r);
    c.conv.n = (int64_t)gr__rng_below(r, 4);
    c.conv.c = c.conv.o = c.conv.groups = (int64_t)gr__rng_below(r, 70) + 2;
    int64_t *const kernel[] = {&c.conv.kh, &c.conv.kw}, *const stride[] = {&c.conv.stride_h, &c.conv.stride_w},
                   *const dilation[] = {&c.conv.dilation_h, &c.conv.dilation_w},
                   *const pad[] = {&c.conv.pad_h, &c.conv.pad_w}, *const in[] = {&c.conv.h, &c.conv.w},
                   *const out[] = {&c.conv.oh, &c.conv.ow};
    for (int i = 0; i < 2; i++) {
        *kernel[i] = gr__rng_below(r, 2) ? 3 : (int64_t)gr__rng_below(r, 8) + 1;
        *stride[i] = gr__rng_below(r, 3) ? (int64_t)gr__rng_below(r, 2) + 1 : (int64_t)gr__rng_below(r, 6) + 1;
        *dilation[i] = gr__rng_below(r, 3) ? 1 : (int64_t)gr__rng_below(r, 6) + 1;
        int64_t reach = (*kernel[i] - 1) * *dilation[i] + 1, end = (int64_t)gr__rng_below(r, (uint64_t)reach + 2);
        *pad[i] = (int64_t)gr__rng_below(r, (uint64_t)reach + 2);
        int64_t size = (int64_t)gr__rng_below(r, 20) + 1;
        *in[i] = GR_MAX(size, reach - *pad[i] - end);
        *out[i] = (*in[i] + *pad[i] + end - reach) / *stride[i] + 1;
    }
    return c;
}

static gr__contraction any_case(gr__rng *r, int i)
{
    gr__contract_kind kind = (gr__contract_kind)(i % 4);
    if (kind == GR__MATMUL) return any_matmul(r);
    return i / 4 % 4 == 0 ? any_plain_conv(r, kind) : i / 4 % 4 == 1 ? any_depthwise(r, kind) : any_conv(r, kind);
}

static void check(gr_context *ctx, const gr__contraction *c, gr__isa isa, int *taken, gr__rng *r)
{
    const gr_provider *best = NULL;
    double least = INFINITY;
    int n;
    const gr_provider *const *all = gr__providers(&n);
    for (int i = 0; i < n; i++) {
        double cost = all[i]->cost(c, isa);
        if (cost < least) best = all[i], least = cost;
        const char *fault = contract_provider_fault(ctx, all[i], c, isa, r);
        if (fault) fail_msg("%s: %s", all[i]->name, fault);
        taken[i] += isfinite(cost) && gr__contract_flops(c) < CONTRACT_SMALL;
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

/* Every provider takes some of the shapes: one that takes none would pass whatever it computes. */
static void providers_state_what_their_kernels_cost(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__rng r = gr__rng_make(7, "providers", 0, 0), values = gr__rng_make(8, "values", 0, 0);
    int n;
    const gr_provider *const *all = gr__providers(&n);
    int *taken = calloc((size_t)n, sizeof *taken);
    assert_non_null(taken);
    for (int i = 0; i < CASES; i++) {
        gr__contraction c = any_case(&r, i);
        for (int isa = 0; isa < GR__ISA_COUNT; isa++)
            if (gr__isa_supported((gr__isa)isa)) check(ctx, &c, (gr__isa)isa, taken, &values);
    }
    for (int i = 0; i < n; i++)
        if (taken[i] < 10) fail_msg("%s takes %d of the shapes that are computed", all[i]->name, taken[i]);
    free(taken);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_state_what_their_kernels_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
