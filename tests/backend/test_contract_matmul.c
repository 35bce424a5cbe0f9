#include "contract_case.h"

static int64_t pick(gr__rng *r, const int64_t *from, size_t n)
{
    return from[gr__rng_below(r, n)];
}

static void check(gr_context *ctx, gr__contraction c, gr__isa isa, gr__rng *r)
{
    char what[200];
    snprintf(what, sizeof what, "batch %d m %d n %d k %d %s%s%s%s%s%s%s", (int)c.mm.batch, (int)c.mm.m, (int)c.mm.n,
             (int)c.mm.k, c.mm.transpose_a ? "At " : "", c.mm.transpose_b ? "Bt " : "",
             c.mm.broadcast_a ? "one A " : "", c.mm.broadcast_b ? "one B " : "", c.bias ? "bias " : "",
             c.relu ? "relu " : "", c.mm.lasting_b ? "lasting B" : "");
    contract_check(ctx, &c, isa, r, what);
}

static void test_random_shapes(void **state)
{
    (void)state;
    static const int64_t sizes[] = {0,  1,  2,  3,  4,  5,  7,  8,  9,  11, 12, 13, 15,
                                    16, 17, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100};
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        gr__rng r = gr__rng_make(1, "matmul", 0, 0);
        for (int i = 0; i < TEST_CASES(1500); i++) {
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
            c.mm.lasting_b = (bits & 768) == 256;
            check(ctx, c, (gr__isa)isa, &r);
        }
    }
    test_context_end(ctx);
}

/* Blocks of the sum, several shards in both directions, packed operands. */
static void test_large(void **state)
{
    (void)state;
    static const int64_t shapes[][4] = {{1, 64, 128, 784},   {1, 128, 784, 64},  {1, 97, 131, 1601}, {1, 1, 300, 1500},
                                        {1, 1000, 1, 900},   {1, 523, 65, 130},  {40, 33, 17, 65},   {3, 200, 150, 129},
                                        {1, 30, 1025, 257},  {1, 1200, 40, 20},  {1, 5, 200, 300},   {1, 1, 256, 200},
                                        {1, 1031, 130, 150}, {1, 103, 512, 131}, {1, 1601, 97, 333}, {1, 61, 801, 805},
                                        {1, 905, 70, 801}};
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
                c.mm.lasting_b = true;
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
                    if (i == 3 || (i == 28 && j == 36))
                        assert_true(isnan(x)); /* inf - inf */
                    else if (j == 36)
                        assert_true(x == INFINITY);
                    else if (i == 28)
                        assert_true(c.relu ? x == 0 : x == -INFINITY);
                    else
                        assert_true(x == K);
                }
            k->destroy(ctx, k);
        }
    }
    test_context_end(ctx);
}

/* One term after the other, as every kernel adds them. */
static float term_by_term(const gr__contraction *c, gr__isa isa, const float *a, const float *b, int64_t i, int64_t j)
{
    float sum = 0;
    for (int64_t l = 0; l < c->mm.k; l++) {
        float x = a[c->mm.transpose_a ? l * c->mm.m + i : i * c->mm.k + l], y = b[l * c->mm.n + j];
        sum = isa == GR__ISA_BASELINE ? x * y + sum : fmaf(x, y, sum);
    }
    return sum;
}

/* A first operand with zeros gives what the whole sums give, also where they meet an infinity. */
static void check_zeros(gr_context *ctx, gr__contraction *c, gr__isa isa, gr__rng *r, double share, bool special)
{
    int64_t m = c->mm.m, n = c->mm.n, terms = c->mm.k;
    guarded a = guarded_make(m * terms), b = guarded_make(terms * n), out = guarded_make(m * n);
    guarded_random(&a, r);
    guarded_random(&b, r);
    for (int64_t i = 0; i < a.n; i++)
        if (gr__rng_uniform(r) < share) a.x[i] = i % 3 ? 0.0f : -0.0f;
    if (special) {
        a.x[a.n / 2] = NAN;
        b.x[(terms - 1) * n + n / 3] = INFINITY;
        b.x[b.n - 1] = NAN;
    }
    gr_kernel *k = NULL;
    test_ok(ctx, gr__contract_make_for(ctx, c, isa, &k));
    assert_non_null(strstr(k->name, "zeros"));
    contract_run(k, (void *[]){a.x, b.x, out.x}, ORDER_INTERLEAVED, 0xff);
    k->destroy(ctx, k);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            float x = out.x[i * n + j], y = term_by_term(c, isa, a.x, b.x, i, j);
#if defined(__x86_64__)
            assert_true(x == y || (isnan(x) && isnan(y)));
#else
            assert_true(fabsf(x - y) <= 1e-5f * (float)terms || x == y ||
                        (isnan(x) && isnan(y))); /* whether terms are rounded is the set's */
#endif
        }
    assert_true(guarded_intact(&out));
    guarded_free(&a);
    guarded_free(&b);
    guarded_free(&out);
}

static void test_zeros(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{8, 256, 16},   {128, 784, 64}, {37, 301, 65},
                                        {40, 261, 130}, {11, 1025, 31}, {300, 390, 33}};
    static const double shares[] = {0, 0.5, 0.9, 1};
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        gr__rng r = gr__rng_make(4, "zeros", 0, 0);
        for (size_t i = 0; i < GR_COUNT(shapes); i++)
            for (size_t s = 0; s < GR_COUNT(shares); s++)
                for (int bits = 0; bits < 4; bits++) {
                    gr__contraction c = {.kind = GR__MATMUL,
                                         .mm = {.batch = 1,
                                                .m = shapes[i][0],
                                                .n = shapes[i][1],
                                                .k = shapes[i][2],
                                                .transpose_a = bits & 1}};
                    check_zeros(ctx, &c, (gr__isa)isa, &r, shares[s], bits & 2);
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
        cmocka_unit_test(test_random_shapes), cmocka_unit_test(test_large), cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_epilogue_bits), cmocka_unit_test(test_zeros), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
