#include "contract_case.h"

static int64_t pick(gr__rng *r, const int64_t *from, size_t n)
{
    return from[gr__rng_below(r, n)];
}

static void check(gr_context *ctx, gr__contraction c, gr__isa isa, gr__rng *r)
{
    char what[200];
    snprintf(what, sizeof what, "batch %d m %d n %d k %d %s%s%s%s%s%s", (int)c.mm.batch, (int)c.mm.m, (int)c.mm.n, (int)c.mm.k,
             c.mm.transpose_a ? "At " : "", c.mm.transpose_b ? "Bt " : "", c.mm.broadcast_a ? "one A " : "", c.mm.broadcast_b ? "one B " : "",
             c.bias ? "bias " : "", c.relu ? "relu" : "");
    contract_check(ctx, &c, isa, r, what);
}

static void test_random_shapes(void **state)
{
    (void)state;
    static const int64_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100};
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        gr__rng r = gr__rng_make(1, "matmul", 0, 0);
        for (int i = 0; i < 1500; i++) {
            gr__contraction c = {.kind = GR__MATMUL};
            c.mm.batch = gr__rng_below(&r, 4) > 0 ? 1 : (int64_t)gr__rng_below(&r, 5);
            c.mm.m = pick(&r, sizes, GR_COUNT(sizes));
            c.mm.n = pick(&r, sizes, GR_COUNT(sizes));
            c.mm.k = pick(&r, sizes, GR_COUNT(sizes));
            uint32_t bits = gr__rng_u32(&r);
            c.mm.transpose_a = bits & 1;
            c.mm.transpose_b = bits & 2;
            c.mm.broadcast_a = (bits & 12) == 4;
            c.mm.broadcast_b = (bits & 48) == 16;
            c.bias = bits & 64;
            c.relu = bits & 128;
            check(ctx, c, (gr__isa)isa, &r);
        }
    }
    test_context_end(ctx);
}

/* Blocks of the sum, several shards in both directions, packed operands. */
static void test_large(void **state)
{
    (void)state;
    static const int64_t shapes[][4] = {{1, 64, 128, 784}, {1, 128, 784, 64},  {1, 97, 131, 1601}, {1, 1, 300, 1500}, {1, 1000, 1, 900},
                                        {1, 523, 65, 130}, {40, 33, 17, 65},   {3, 200, 150, 129}, {1, 30, 1025, 257}, {1, 1200, 40, 20}};
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        gr__rng r = gr__rng_make(2, "matmul", 0, 0);
        for (size_t i = 0; i < GR_COUNT(shapes); i++)
            for (int bits = 0; bits < 4; bits++) {
                gr__contraction c = {.kind = GR__MATMUL, .bias = i % 2, .relu = bits == 3};
                c.mm.batch = shapes[i][0];
                c.mm.m = shapes[i][1];
                c.mm.n = shapes[i][2];
                c.mm.k = shapes[i][3];
                c.mm.transpose_a = bits & 1;
                c.mm.transpose_b = bits & 2;
                check(ctx, c, (gr__isa)isa, &r);
            }
    }
    test_context_end(ctx);
}

/* Infinities and NaN of the operands reach exactly the results they belong to. */
static void test_special_values(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        for (int bits = 0; bits < 8; bits++) {
            enum { M = 29, N = 37, K = 19 };
            gr__contraction c = {.kind = GR__MATMUL, .relu = bits & 4};
            c.mm.batch = 1;
            c.mm.m = M;
            c.mm.n = N;
            c.mm.k = K;
            c.mm.transpose_a = bits & 1;
            c.mm.transpose_b = bits & 2;
            float a[M * K], b[K * N], out[M * N];
            for (int i = 0; i < M * K; i++) a[i] = 1;
            for (int i = 0; i < K * N; i++) b[i] = 1;
            a[c.mm.transpose_a ? 4 * M + 3 : 3 * K + 4] = NAN;
            a[c.mm.transpose_a ? 18 * M + 28 : 28 * K + 18] = -INFINITY;
            b[c.mm.transpose_b ? 36 * K + 7 : 7 * N + 36] = INFINITY;
            gr_kernel *k = NULL;
            test_ok(ctx, gr__contract_make_for(ctx, &c, (gr__isa)isa, &k));
            void *operands[] = {a, b, out};
            contract_run(k, operands, ORDER_FORWARD, 0xff);
            for (int i = 0; i < M; i++)
                for (int j = 0; j < N; j++) {
                    float x = out[i * N + j];
                    if (i == 3 || (i == 28 && j == 36)) assert_true(isnan(x)); /* inf - inf */
                    else if (j == 36) assert_true(x == INFINITY);
                    else if (i == 28) assert_true(c.relu ? x == 0 : x == -INFINITY);
                    else assert_true(x == K);
                }
            k->destroy(ctx, k);
        }
    }
    test_context_end(ctx);
}

/* Bias and ReLU in the kernel give the bits of separate passes. */
static void test_epilogue_bits(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        enum { M = 50, N = 70, K = 1001 };
        static float a[M * K], b[N * K], bias[N], plain[M * N], fused[M * N];
        gr__rng r = gr__rng_make(3, "epilogue", 0, 0);
        for (int i = 0; i < M * K; i++) a[i] = (float)gr__rng_normal(&r);
        for (int i = 0; i < N * K; i++) b[i] = (float)gr__rng_normal(&r);
        for (int i = 0; i < N; i++) bias[i] = (float)gr__rng_normal(&r);
        gr__contraction c = {.kind = GR__MATMUL, .mm = {.batch = 1, .m = M, .n = N, .k = K, .transpose_b = true}};
        gr_kernel *k = NULL;
        test_ok(ctx, gr__contract_make_for(ctx, &c, (gr__isa)isa, &k));
        contract_run(k, (void *[]){a, b, plain}, ORDER_FORWARD, 0xff);
        k->destroy(ctx, k);
        c.bias = c.relu = true;
        test_ok(ctx, gr__contract_make_for(ctx, &c, (gr__isa)isa, &k));
        contract_run(k, (void *[]){a, b, bias, fused}, ORDER_FORWARD, 0xff);
        k->destroy(ctx, k);
        for (int i = 0; i < M * N; i++) {
            float x = plain[i] + bias[i % N];
            assert_true(fused[i] == (x < 0 ? 0 : x));
        }
    }
    test_context_end(ctx);
}

static void test_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_kernel *k = NULL;
    gr__contraction c = {.kind = GR__MATMUL, .mm = {.batch = 1, .m = -1, .n = 2, .k = 3}};
    assert_int_equal(gr__contract_make(ctx, &c, &k), GR_E_SHAPE);
    assert_null(k);
    gr_context_clear_error(ctx);
    c.mm.m = 1;
    gr__fail_acquisition(ctx, 1);
    assert_int_equal(gr__contract_make(ctx, &c, &k), GR_E_MEMORY);
    gr_context_clear_error(ctx);
    test_ok(ctx, gr__contract_make(ctx, &c, &k));
    assert_true(gr__contract_flops(&c) == 12);
    k->destroy(ctx, k);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_shapes), cmocka_unit_test(test_large),   cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_epilogue_bits), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
