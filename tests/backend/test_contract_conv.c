#include "contract_case.h"

#include "backend/cpu/conv_winograd.h"

static void describe(const gr__contraction *c, char *text, size_t n)
{
    static const char *const kinds[] = {"matmul", "forward", "data", "weights"};
    snprintf(text, n, "%s n %d %dx%dx%d -> %dx%dx%d kernel %dx%d stride %d,%d dilation %d,%d pad %d,%d groups %d",
             kinds[c->kind], (int)c->conv.n, (int)c->conv.h, (int)c->conv.w, (int)c->conv.c, (int)c->conv.oh,
             (int)c->conv.ow, (int)c->conv.o, (int)c->conv.kh, (int)c->conv.kw, (int)c->conv.stride_h,
             (int)c->conv.stride_w, (int)c->conv.dilation_h, (int)c->conv.dilation_w, (int)c->conv.pad_h,
             (int)c->conv.pad_w, (int)c->conv.groups);
}

static void check_passes(gr_context *ctx, gr__contraction c, gr__isa isa, gr__rng *r)
{
    char what[240];
    for (int kind = GR__CONV_FORWARD; kind <= GR__CONV_WEIGHTS; kind++) {
        c.kind = (gr__contract_kind)kind;
        if (kind != GR__CONV_FORWARD) c.bias = c.relu = false;
        describe(&c, what, sizeof what);
        contract_check(ctx, &c, isa, r, what);
    }
}

static int64_t below(gr__rng *r, int64_t n)
{
    return (int64_t)gr__rng_below(r, (uint64_t)n);
}

/* Output size as usual for a padding at the end of its own, so that taps leave the picture on any side, or by whole
 * kernels. */
static int64_t out_size(gr__rng *r, int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad)
{
    int64_t span = size + pad + below(r, 3) - (kernel - 1) * dilation - 1;
    return span < 0 ? below(r, 2) : span / stride + 1;
}

static gr__contraction random_conv(gr__rng *r)
{
    static const int64_t channels[] = {1, 2, 3, 4, 5, 6, 8, 12, 15, 16, 17, 31, 32, 33, 40};
    gr__contraction c = {.bias = below(r, 2), .relu = below(r, 2), .algorithm = GR_ALGORITHM_DIRECT};
    c.conv.n = 1 + below(r, 4);
    bool line = below(r, 6) == 0;
    c.conv.h = line ? 1 : 1 + below(r, 12);
    c.conv.w = 1 + below(r, 14);
    c.conv.kh = line ? 1 : 1 + below(r, 5);
    c.conv.kw = 1 + below(r, 5);
    c.conv.stride_h = 1 + below(r, 3);
    c.conv.stride_w = 1 + below(r, 3);
    c.conv.dilation_h = below(r, 3) > 0 ? 1 : 1 + below(r, 3);
    c.conv.dilation_w = below(r, 3) > 0 ? 1 : 1 + below(r, 3);
    c.conv.pad_h = line ? 0 : below(r, 4);
    c.conv.pad_w = below(r, 4);
    c.conv.oh = line ? 1 : out_size(r, c.conv.h, c.conv.kh, c.conv.stride_h, c.conv.dilation_h, c.conv.pad_h);
    c.conv.ow = out_size(r, c.conv.w, c.conv.kw, c.conv.stride_w, c.conv.dilation_w, c.conv.pad_w);
    c.conv.groups = 1;
    c.conv.c = channels[below(r, GR_COUNT(channels))];
    c.conv.o = channels[below(r, GR_COUNT(channels))];
    int64_t grouped = below(r, 5);
    if (grouped == 0) { /* depthwise */
        c.conv.groups = c.conv.o = c.conv.c;
    } else if (grouped == 1) {
        c.conv.groups = 2 + below(r, 3);
        c.conv.c = c.conv.groups * (1 + below(r, 9));
        c.conv.o = c.conv.groups * (1 + below(r, 9));
    }
    return c;
}

static void test_random_shapes(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        gr__rng r = gr__rng_make(4, "conv", 0, 0);
        for (int i = 0; i < 250; i++) check_passes(ctx, random_conv(&r), (gr__isa)isa, &r);
    }
    test_context_end(ctx);
}

/* Every pass of every Winograd form, whatever the costs say: odd sizes, tiles over the edge, any padding. */
static void test_winograd(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        gr__rng r = gr__rng_make(7, "winograd", 0, 0);
        for (int i = 0; i < 120; i++) {
            gr__winograd w = (gr__winograd)(i % GR__WINOGRADS);
            gr__contraction c = random_conv(&r);
            c.algorithm = w == GR__F2X3 ? GR_ALGORITHM_EXACT : GR_ALGORITHM_AUTO;
            if (c.conv.groups > 1) c.conv.groups = 1;
            c.conv.stride_h = c.conv.stride_w = c.conv.dilation_h = c.conv.dilation_w = 1;
            c.conv.kh = c.conv.kw = gr__winograd_r(w);
            c.conv.oh = out_size(&r, c.conv.h, c.conv.kh, 1, 1, c.conv.pad_h);
            c.conv.ow = out_size(&r, c.conv.w, c.conv.kw, 1, 1, c.conv.pad_w);
            c.conv.oh += c.conv.oh == 0;
            c.conv.ow += c.conv.ow == 0;
            for (int kind = GR__CONV_FORWARD; kind <= GR__CONV_WEIGHTS; kind++) {
                char what[240];
                c.kind = (gr__contract_kind)kind;
                if (kind != GR__CONV_FORWARD) c.bias = c.relu = false;
                describe(&c, what, sizeof what);
                gr_kernel *k = NULL;
                test_ok(ctx, (kind == GR__CONV_WEIGHTS ? gr__winograd_weights_make
                                                       : gr__winograd_make)(ctx, &c, w, (gr__isa)isa, &k));
                if (!isfinite(gr__winograd_cost(&c, w, (gr__isa)isa)))
                    fail_msg("%s: cost %g", what, gr__winograd_cost(&c, w, (gr__isa)isa));
                contract_check_kernel(ctx, &c, k, &r, what);
            }
        }
    }
    test_context_end(ctx);
}

/* What the algorithm allows is what is chosen. */
static void test_algorithms(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__contraction c = {.conv = {.n = 8,
                                  .h = 56,
                                  .w = 56,
                                  .c = 64,
                                  .o = 64,
                                  .kh = 3,
                                  .kw = 3,
                                  .oh = 56,
                                  .ow = 56,
                                  .stride_h = 1,
                                  .stride_w = 1,
                                  .dilation_h = 1,
                                  .dilation_w = 1,
                                  .pad_h = 1,
                                  .pad_w = 1,
                                  .groups = 1}};
    static const char *const wanted[] = {"Winograd 4x4 of 3x3", "Winograd 2x2 of 3x3", "direct"};
    for (int kind = GR__CONV_FORWARD; kind <= GR__CONV_WEIGHTS; kind++)
        for (int a = GR_ALGORITHM_AUTO; a <= GR_ALGORITHM_DIRECT; a++) {
            c.kind = (gr__contract_kind)kind;
            c.algorithm = (gr_algorithm)a;
            gr_kernel *k = NULL;
            test_ok(ctx, gr__contract_make_for(ctx, &c, GR__ISA_BASELINE, &k));
            if (a == GR_ALGORITHM_DIRECT)
                assert_null(strstr(k->name, "Winograd"));
            else
                assert_non_null(strstr(k->name, wanted[a]));
            k->destroy(ctx, k);
            for (int w = 0; w < GR__WINOGRADS; w++) {
                bool may = gr__winograd_r((gr__winograd)w) == 3 && a != GR_ALGORITHM_DIRECT &&
                           (a == GR_ALGORITHM_AUTO || w == GR__F2X3);
                assert_true(isfinite(gr__winograd_cost(&c, (gr__winograd)w, GR__ISA_BASELINE)) == may);
            }
        }
    test_context_end(ctx);
}

/* n, h, w, c, o, kh, kw, oh, ow, stride, dilation, pad, groups: layers of real networks, cut into several shards and
 * blocks. */
static const int64_t layers[][13] = {
    {16, 28, 28, 1, 32, 3, 3, 28, 28, 1, 1, 1, 1},     {8, 14, 14, 32, 64, 3, 3, 14, 14, 1, 1, 1, 1},
    {8, 28, 28, 1, 6, 5, 5, 28, 28, 1, 1, 2, 1},       {16, 14, 14, 6, 16, 5, 5, 10, 10, 1, 1, 0, 1},
    {32, 5, 5, 16, 120, 5, 5, 1, 1, 1, 1, 0, 1},       {1, 40, 40, 64, 32, 3, 3, 40, 40, 1, 1, 1, 1},
    {1, 60, 60, 3, 64, 7, 7, 30, 30, 2, 1, 3, 1},      {2, 14, 14, 128, 128, 3, 3, 7, 7, 2, 1, 1, 1},
    {2, 14, 14, 256, 64, 1, 1, 14, 14, 1, 1, 0, 1},    {2, 28, 28, 64, 128, 1, 1, 14, 14, 2, 1, 0, 1},
    {2, 7, 7, 128, 256, 3, 3, 7, 7, 1, 1, 1, 1},       {2, 28, 28, 96, 96, 3, 3, 28, 28, 1, 1, 1, 96},
    {2, 28, 28, 144, 144, 3, 3, 14, 14, 2, 1, 1, 144}, {2, 14, 14, 128, 128, 3, 3, 14, 14, 1, 1, 1, 32},
    {2, 1, 500, 20, 40, 1, 9, 1, 500, 1, 1, 4, 1},     {1, 40, 40, 32, 32, 3, 3, 40, 40, 1, 12, 12, 1},
    {2, 7, 7, 512, 520, 1, 1, 7, 7, 1, 1, 0, 1},       {1, 14, 14, 520, 512, 1, 1, 7, 7, 2, 1, 0, 1},
    {3, 5, 5, 64, 96, 3, 3, 3, 3, 2, 1, 1, 1},         {2, 3, 3, 1024, 1056, 1, 1, 3, 3, 1, 1, 0, 1},
    {2, 3, 3, 1056, 1024, 1, 1, 2, 2, 2, 1, 0, 1},     {1, 8, 8, 256, 264, 3, 3, 8, 8, 1, 1, 1, 1},
};

static void test_layers(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        gr__rng r = gr__rng_make(5, "layers", 0, 0);
        for (size_t i = 0; i < GR_COUNT(layers); i++) {
            const int64_t *l = layers[i];
            gr__contraction c = {.bias = i % 2, .relu = i % 3 == 0};
            c.conv.n = l[0];
            c.conv.h = l[1];
            c.conv.w = l[2];
            c.conv.c = l[3];
            c.conv.o = l[4];
            c.conv.kh = l[5];
            c.conv.kw = l[6];
            c.conv.oh = l[7];
            c.conv.ow = l[8];
            c.conv.stride_w = l[9];
            c.conv.stride_h = l[5] == 1 && l[6] > 1 ? 1 : l[9];
            c.conv.dilation_h = c.conv.dilation_w = l[10];
            c.conv.pad_w = l[11];
            c.conv.pad_h = l[5] == 1 && l[6] > 1 ? 0 : l[11];
            c.conv.groups = l[12];
            check_passes(ctx, c, (gr__isa)isa, &r);
        }
    }
    test_context_end(ctx);
}

static void test_empty(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__rng r = gr__rng_make(6, "empty", 0, 0);
    const gr__contraction whole = {.bias = true,
                                   .conv = {.n = 2,
                                            .h = 5,
                                            .w = 6,
                                            .c = 3,
                                            .o = 4,
                                            .kh = 3,
                                            .kw = 3,
                                            .oh = 5,
                                            .ow = 6,
                                            .stride_h = 1,
                                            .stride_w = 1,
                                            .dilation_h = 1,
                                            .dilation_w = 1,
                                            .pad_h = 1,
                                            .pad_w = 1,
                                            .groups = 1}};
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        gr__contraction c[7] = {whole, whole, whole, whole, whole, whole, whole};
        c[0].conv.n = 0;
        c[1].conv.c = 0;
        c[2].conv.o = 0;
        c[3].conv.oh = 0;
        c[4].conv.ow = 0;
        c[5].conv.h = 0;
        c[6].conv.w = 0;
        for (size_t i = 0; i < GR_COUNT(c); i++) check_passes(ctx, c[i], (gr__isa)isa, &r);
    }
    test_context_end(ctx);
}

/* Non-finite pixels reach the outputs whose window they are in, and no other. */
static void test_special_values(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        enum { H = 9, W = 11, C = 5, O = 7 };
        gr__contraction c = {.kind = GR__CONV_FORWARD,
                             .relu = true,
                             .conv = {.n = 1,
                                      .h = H,
                                      .w = W,
                                      .c = C,
                                      .o = O,
                                      .kh = 3,
                                      .kw = 3,
                                      .oh = H,
                                      .ow = W,
                                      .stride_h = 1,
                                      .stride_w = 1,
                                      .dilation_h = 1,
                                      .dilation_w = 1,
                                      .pad_h = 1,
                                      .pad_w = 1,
                                      .groups = 1}};
        float x[H * W * C], w[O * 9 * C], y[H * W * O];
        for (size_t i = 0; i < GR_COUNT(x); i++) x[i] = 1;
        for (size_t i = 0; i < GR_COUNT(w); i++) w[i] = 1;
        x[(4 * W + 5) * C + 2] = NAN;
        x[C - 1] = INFINITY;
        gr_kernel *k = NULL;
        test_ok(ctx, gr__contract_make_for(ctx, &c, (gr__isa)isa, &k));
        contract_run(k, (void *[]){x, w, y}, ORDER_FORWARD, 0xff);
        for (int i = 0; i < H; i++)
            for (int j = 0; j < W; j++)
                for (int o = 0; o < O; o++) {
                    float got = y[(i * W + j) * O + o];
                    if (abs(i - 4) <= 1 && abs(j - 5) <= 1)
                        assert_true(isnan(got));
                    else if (i <= 1 && j <= 1)
                        assert_true(got == INFINITY);
                    else
                        assert_true(isfinite(got));
                }
        k->destroy(ctx, k);
    }
    test_context_end(ctx);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__contraction c = {.conv = {.n = 2,
                                  .h = 5,
                                  .w = 6,
                                  .c = 1,
                                  .o = 8,
                                  .kh = 3,
                                  .kw = 3,
                                  .oh = 3,
                                  .ow = 3,
                                  .stride_h = 2,
                                  .stride_w = 2,
                                  .dilation_h = 1,
                                  .dilation_w = 1,
                                  .pad_h = 1,
                                  .pad_w = 1,
                                  .groups = 1}};
    gr__contraction winograd = {.conv = {.n = 8,
                                         .h = 28,
                                         .w = 28,
                                         .c = 64,
                                         .o = 64,
                                         .kh = 3,
                                         .kw = 3,
                                         .oh = 28,
                                         .ow = 28,
                                         .stride_h = 1,
                                         .stride_w = 1,
                                         .dilation_h = 1,
                                         .dilation_w = 1,
                                         .pad_h = 1,
                                         .pad_w = 1,
                                         .groups = 1}};
    for (int n = 0; n < 6; n++) {
        if (n == 3) c = winograd;
        c.kind = (gr__contract_kind)(GR__CONV_FORWARD + n % 3);
        gr_kernel *k = NULL;
        for (uint64_t i = 1;; i++) {
            gr__fail_acquisition(ctx, i);
            gr_status st = gr__contract_make(ctx, &c, &k);
            gr__fail_acquisition(ctx, 0);
            if (st == GR_OK) break;
            assert_int_equal(st, GR_E_MEMORY);
            assert_null(k);
            gr_context_clear_error(ctx);
            assert_true(i < 100);
        }
        k->destroy(ctx, k);
    }
    test_context_end(ctx);
}

static void test_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const gr__contraction good = {.kind = GR__CONV_DATA,
                                  .conv = {.n = 1,
                                           .h = 4,
                                           .w = 4,
                                           .c = 4,
                                           .o = 6,
                                           .kh = 1,
                                           .kw = 1,
                                           .oh = 4,
                                           .ow = 4,
                                           .stride_h = 1,
                                           .stride_w = 1,
                                           .dilation_h = 1,
                                           .dilation_w = 1,
                                           .groups = 2}};
    gr_kernel *k = NULL;
    gr__contraction c = good;
    c.conv.groups = 3;
    assert_int_equal(gr__contract_make(ctx, &c, &k), GR_E_SHAPE);
    gr_context_clear_error(ctx);
    c = good;
    c.conv.stride_w = 0;
    assert_int_equal(gr__contract_make(ctx, &c, &k), GR_E_RANGE);
    gr_context_clear_error(ctx);
    c = good;
    c.conv.h = -1;
    assert_int_equal(gr__contract_make(ctx, &c, &k), GR_E_SHAPE);
    gr_context_clear_error(ctx);
    assert_true(gr__contract_flops(&good) == 2.0 * 16 * 6 * 2);
    assert_null(k);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_winograd),
        cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_failing_allocations),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
