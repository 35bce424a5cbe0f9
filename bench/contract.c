/* Speed of the contractions, one thread, for every instruction set of the machine, beside its peak of multiply-adds.
 *
 *     meson setup build && ninja -C build libgr_backend.a libgr_base.a
 *     cc -O2 -std=gnu11 -D_GNU_SOURCE -Iinclude -Isrc bench/contract.c build/libgr_backend.a build/libgr_base.a -lm
 * -lpthread -ldeflate -o build/contract build/contract [-s seconds a row] [-i avx512] [-n images a batch] [part of a
 * row's name]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/cpu/contract.h"
#include "peak.h"

static double peak(gr__isa isa)
{
#if defined(__x86_64__)
    if (isa == GR__ISA_AVX2) return peak_avx2();
    if (isa == GR__ISA_AVX512) return peak_avx512();
#endif
    (void)isa;
    return 0;
}

/* Large pages, as the arena has them. */
static void *memory(size_t bytes)
{
    size_t huge = 2 << 20, unit = bytes >= huge / 4 ? huge : 64;
    bytes = (bytes / unit + 1) * unit;
    void *p = aligned_alloc(unit, bytes);
    if (unit == huge) madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 0, bytes);
    return p;
}

static float *operand(int64_t n)
{
    float *x = memory((size_t)n * 4);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(rand() % 2001 - 1000) / 1000;
    return x;
}

static double seconds_a_row = 0.3;
static int64_t images; /* instead of a row's, if above 0 */

static void run_once(const gr_kernel *k, const gr_call *call)
{
    for (int p = 0; p < k->n_phases; p++)
        for (int s = 0; s < k->phase[p].n_shards; s++) k->phase[p].run(k, call, s);
}

static void measure(gr_context *ctx, const char *name, const gr__contraction *c, int64_t a, int64_t b, int64_t out,
                    gr__isa isa, double top)
{
    static const char *const kinds[] = {"", " forward", " data", " weights"};
    gr_kernel *k = NULL;
    if (gr__contract_make_for(ctx, c, isa, &k) != GR_OK) {
        printf("%s: %s\n", name, gr_context_error(ctx)->message);
        exit(1);
    }
    void *operands[] = {operand(a), operand(b), operand(out)};
    const gr_call call = {operands, memory(k->shared_bytes), memory(k->scratch_bytes)};
    run_once(k, &call);
    double best = 1e30, start = now();
    int64_t repeat = 1;
    while (now() - start < seconds_a_row) {
        double t0 = now();
        for (int64_t i = 0; i < repeat; i++) run_once(k, &call);
        double t = now() - t0;
        if (t / (double)repeat < best) best = t / (double)repeat;
        if (t < 20e-6) repeat *= 2;
    }
    double flops = gr__contract_flops(c);
    char full[120];
    snprintf(full, sizeof full, "%s%s", name, kinds[c->kind]);
    printf("%-44s %-8s %9.2f us %7.1f GFLOP/s", full, gr__isa_name(isa), best * 1e6, flops / best * 1e-9);
    if (top > 0)
        printf(" %5.1f %%", 100 * flops / best / top);
    else
        printf("        ");
    double predicted = 0;
    int shards = 0;
    for (int p = 0; p < k->n_phases; p++) {
        predicted += k->phase[p].cost_ns;
        if (k->phase[p].n_shards > shards) shards = k->phase[p].n_shards;
    }
    printf("  predicted %5.2f  %2d shards, %6.0f + %6.0f KiB  %s\n", predicted / best * 1e-9, shards,
           (double)k->scratch_bytes / 1024, (double)k->shared_bytes / 1024, k->name);
    for (int i = 0; i < 3; i++) free(operands[i]);
    free(call.scratch);
    free(call.shared);
    k->destroy(ctx, k);
}

typedef struct product {
    const char *name;
    int64_t batch, m, n, k;
    bool ta, tb;
} product;
static const product products[] = {
    {"mlp_tiny 32x16 -> 32 forward", 1, 32, 32, 16, false, true},
    {"mlp_tiny 32x32 -> 2 forward", 1, 32, 2, 32, false, true},
    {"mlp_tiny 32x32 -> 2 data", 1, 32, 32, 2, false, false},
    {"mlp_tiny 32x16 -> 32 weights", 1, 32, 16, 32, true, false},
    {"block 2048x256 -> 1024 forward", 1, 2048, 1024, 256, false, true},
    {"block 2048x256 -> 1024 data", 1, 2048, 256, 1024, false, false},
    {"block 2048x256 -> 1024 weights", 1, 1024, 256, 2048, true, false},
    {"block 2048x1024 -> 256 forward", 1, 2048, 256, 1024, false, true},
    {"block 2048x1024 -> 256 weights", 1, 256, 1024, 2048, true, false},
    {"block 2048x256 -> 256 data", 1, 2048, 256, 256, false, false},
    {"lstm 1024x256 -> 256 weights", 1, 256, 256, 1024, true, false},
    {"product 8x8x8", 1, 8, 8, 8, false, false},
    {"dense 64x784 -> 128 forward", 1, 64, 128, 784, false, true},
    {"dense 64x784 -> 128 weights", 1, 128, 784, 64, true, false},
    {"dense 64x128 -> 10 forward", 1, 64, 10, 128, false, true},
    {"dense 64x128 -> 10 data", 1, 64, 128, 10, false, false},
    {"dense 64x128 -> 10 weights", 1, 10, 128, 64, true, false},
    {"dense 64x3136 -> 128 forward", 1, 64, 128, 3136, false, true},
    {"dense 64x3136 -> 128 data", 1, 64, 3136, 128, false, false},
    {"dense 64x3136 -> 128 weights", 1, 128, 3136, 64, true, false},
    {"dense 128x512 -> 512 forward", 1, 128, 512, 512, false, true},
    {"dense 128x512 -> 512 data", 1, 128, 512, 512, false, false},
    {"dense 128x512 -> 512 weights", 1, 512, 512, 128, true, false},
    {"dense 1x784 -> 128 forward", 1, 1, 128, 784, false, true},
    {"dense 8x784 -> 128 forward", 1, 8, 128, 784, false, true},
    {"attention 64 x 128x128x64", 64, 128, 128, 64, false, true},
    {"attention 64 x 128x64x128", 64, 128, 64, 128, false, false},
    {"256x2048x1024, first transposed", 1, 256, 2048, 1024, true, false},
    {"1024 cubed", 1, 1024, 1024, 1024, false, false},
    {"1024 cubed, second transposed", 1, 1024, 1024, 1024, false, true},
    {"1024 cubed, first transposed", 1, 1024, 1024, 1024, true, false},
    {"2048 cubed", 1, 2048, 2048, 2048, false, false},
    {"1000 cubed", 1, 1000, 1000, 1000, false, false},
};

typedef struct layer {
    const char *name;
    int64_t n, size, c, o, kernel, stride, pad, groups;
} layer;
static const layer layers[] = {
    {"demo 3x3 1-32 at 28, 64", 64, 28, 1, 32, 3, 1, 1, 1},
    {"demo 3x3 32-64 at 14, 64", 64, 14, 32, 64, 3, 1, 1, 1},
    {"lenet 5x5 1-6 at 28, 64", 64, 28, 1, 6, 5, 1, 2, 1},
    {"lenet 5x5 6-16 at 14, 64", 64, 14, 6, 16, 5, 1, 0, 1},
    {"5x5 1-32 at 28, 64", 64, 28, 1, 32, 5, 1, 2, 1},
    {"5x5 32-64 at 14, 64", 64, 14, 32, 64, 5, 1, 2, 1},
    {"3x3 64-64 at 56, 8", 8, 56, 64, 64, 3, 1, 1, 1},
    {"3x3 64-64 at 224, 4", 4, 224, 64, 64, 3, 1, 1, 1},
    {"3x3 256-256 at 14, 8", 8, 14, 256, 256, 3, 1, 1, 1},
    {"3x3 512-512 at 7, 8", 8, 7, 512, 512, 3, 1, 1, 1},
    {"3x3 stride 2 128-128 at 56, 8", 8, 56, 128, 128, 3, 2, 1, 1},
    {"1x1 256-64 at 56, 8", 8, 56, 256, 64, 1, 1, 0, 1},
    {"1x1 64-256 at 56, 8", 8, 56, 64, 256, 1, 1, 0, 1},
    {"1x1 1024-256 at 14, 8", 8, 14, 1024, 256, 1, 1, 0, 1},
    {"1x1 stride 2 256-512 at 56, 8", 8, 56, 256, 512, 1, 2, 0, 1},
    {"1x1 64-64 at 56, 8", 8, 56, 64, 64, 1, 1, 0, 1},
    {"1x1 128-512 at 28, 8", 8, 28, 128, 512, 1, 1, 0, 1},
    {"1x1 512-128 at 28, 8", 8, 28, 512, 128, 1, 1, 0, 1},
    {"1x1 256-1024 at 14, 8", 8, 14, 256, 1024, 1, 1, 0, 1},
    {"1x1 512-2048 at 7, 8", 8, 7, 512, 2048, 1, 1, 0, 1},
    {"1x1 2048-512 at 7, 8", 8, 7, 2048, 512, 1, 1, 0, 1},
    {"1x1 stride 2 1024-2048 at 14, 8", 8, 14, 1024, 2048, 1, 2, 0, 1},
    {"3x3 128-128 at 28, 8", 8, 28, 128, 128, 3, 1, 1, 1},
    {"3x3 stride 2 512-512 at 14, 8", 8, 14, 512, 512, 3, 2, 1, 1},
    {"3x3 3-64 at 224, 4", 4, 224, 3, 64, 3, 1, 1, 1},
    {"3x3 64-128 at 112, 4", 4, 112, 64, 128, 3, 1, 1, 1},
    {"3x3 128-128 at 112, 4", 4, 112, 128, 128, 3, 1, 1, 1},
    {"7x7 stride 2 3-64 at 224, 8", 8, 224, 3, 64, 7, 2, 3, 1},
    {"1x1 24-144 at 56, 8", 8, 56, 24, 144, 1, 1, 0, 1},
    {"1x1 144-24 at 56, 8", 8, 56, 144, 24, 1, 1, 0, 1},
    {"depthwise 3x3 96 at 56, 8", 8, 56, 96, 96, 3, 1, 1, 96},
    {"depthwise 3x3 144 at 56, 8", 8, 56, 144, 144, 3, 1, 1, 144},
    {"depthwise 3x3 stride 2 144 at 56, 8", 8, 56, 144, 144, 3, 2, 1, 144},
    {"3x3 128-128 in 32 groups at 28, 8", 8, 28, 128, 128, 3, 1, 1, 32},
};

static bool wanted(const char *name, const char *part)
{
    return part == NULL || strstr(name, part) != NULL;
}

static void measure_all(gr_context *ctx, gr__isa isa, const char *part)
{
    double top = peak(isa);
    if (top > 0) printf("%s: peak %.1f GFLOP/s\n", gr__isa_name(isa), top * 1e-9);
    for (size_t i = 0; i < GR_COUNT(products); i++) {
        const product *p = &products[i];
        gr__contraction c = {
            .kind = GR__MATMUL,
            .mm = {.batch = p->batch, .m = p->m, .n = p->n, .k = p->k, .transpose_a = p->ta, .transpose_b = p->tb}};
        if (wanted(p->name, part))
            measure(ctx, p->name, &c, p->batch * p->m * p->k, p->batch * p->k * p->n, p->batch * p->m * p->n, isa, top);
    }
    for (size_t i = 0; i < GR_COUNT(layers); i++) {
        layer row = layers[i], *l = &row;
        if (images > 0) row.n = images;
        int64_t out = (l->size + 2 * l->pad - l->kernel) / l->stride + 1;
        gr__contraction c = {.conv = {.n = l->n,
                                      .h = l->size,
                                      .w = l->size,
                                      .c = l->c,
                                      .o = l->o,
                                      .kh = l->kernel,
                                      .kw = l->kernel,
                                      .oh = out,
                                      .ow = out,
                                      .stride_h = l->stride,
                                      .stride_w = l->stride,
                                      .dilation_h = 1,
                                      .dilation_w = 1,
                                      .pad_h = l->pad,
                                      .pad_w = l->pad,
                                      .groups = l->groups}};
        int64_t x = l->n * l->size * l->size * l->c, y = l->n * out * out * l->o,
                w = l->o * l->kernel * l->kernel * l->c / l->groups;
        if (!wanted(l->name, part)) continue;
        c.kind = GR__CONV_FORWARD;
        measure(ctx, l->name, &c, x, w, y, isa, top);
        c.kind = GR__CONV_DATA;
        measure(ctx, l->name, &c, y, w, x, isa, top);
        c.kind = GR__CONV_WEIGHTS;
        measure(ctx, l->name, &c, x, y, w, isa, top);
    }
}

int main(int argc, char **argv)
{
    const char *part = NULL, *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-s") == 0 && i + 1 < argc)
            seconds_a_row = atof(argv[++i]);
        else if (strcmp(argv[i], "-i") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
            images = atoll(argv[++i]);
        else
            part = argv[i];
    }
    gr_context *ctx = NULL;
    if (gr_context_create(NULL, &ctx) != GR_OK) return 1;
    for (int isa = GR__ISA_COUNT - 1; isa >= 0; isa--)
        if (gr__isa_supported((gr__isa)isa) && (only == NULL || strcmp(only, gr__isa_name((gr__isa)isa)) == 0))
            measure_all(ctx, (gr__isa)isa, part);
    gr_context_destroy(ctx);
    return 0;
}
