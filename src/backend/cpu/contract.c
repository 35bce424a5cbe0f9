/* Chooses among the kernels that can do a contraction. */
#include "backend/cpu/contract.h"

#include "backend/cpu/contract_kernel.h"
#include "backend/cpu/contract_zeros.h"

extern const gr__tile_ops gr__tile_ops_baseline;
extern const gr__winograd_ops gr__winograd_ops_baseline;
extern const gr__zeros_ops gr__zeros_ops_baseline;
#if defined(__x86_64__)
extern const gr__tile_ops gr__tile_ops_avx2, gr__tile_ops_avx512;
extern const gr__winograd_ops gr__winograd_ops_avx2, gr__winograd_ops_avx512;
extern const gr__zeros_ops gr__zeros_ops_avx2, gr__zeros_ops_avx512;
#endif

const gr__tile_ops *gr__tile_ops_get(gr__isa isa)
{
#if defined(__x86_64__)
    if (isa == GR__ISA_AVX512) return &gr__tile_ops_avx512;
    if (isa == GR__ISA_AVX2) return &gr__tile_ops_avx2;
#endif
    (void)isa;
    return &gr__tile_ops_baseline;
}

const gr__winograd_ops *gr__winograd_ops_get(gr__isa isa)
{
#if defined(__x86_64__)
    if (isa == GR__ISA_AVX512) return &gr__winograd_ops_avx512;
    if (isa == GR__ISA_AVX2) return &gr__winograd_ops_avx2;
#endif
    (void)isa;
    return &gr__winograd_ops_baseline;
}

const gr__zeros_ops *gr__zeros_ops_get(gr__isa isa)
{
#if defined(__x86_64__)
    if (isa == GR__ISA_AVX512) return &gr__zeros_ops_avx512;
    if (isa == GR__ISA_AVX2) return &gr__zeros_ops_avx2;
#endif
    (void)isa;
    return &gr__zeros_ops_baseline;
}

double gr__contract_cost(const gr__tile_ops *ops, double madds, double bytes)
{
    return 40.0 + 2.0 * madds / (0.85 * ops->peak) + bytes / 20.0;
}

int gr__contract_shards(double cost_ns)
{
    return cost_ns < 20e3 ? 1 : (int)GR_MIN(16.0, cost_ns / 8e3);
}

double gr__contract_flops(const gr__contraction *c)
{
    if (c->kind == GR__MATMUL) return 2.0 * (double)c->mm.batch * (double)c->mm.m * (double)c->mm.n * (double)c->mm.k;
    return 2.0 * (double)c->conv.n * (double)c->conv.oh * (double)c->conv.ow * (double)c->conv.o * (double)c->conv.kh *
           (double)c->conv.kw * (double)c->conv.c / (double)GR_MAX(c->conv.groups, 1);
}

static gr_status check(gr_context *ctx, const gr__contraction *c)
{
    if (c->kind == GR__MATMUL) {
        if (c->mm.batch < 0 || c->mm.m < 0 || c->mm.n < 0 || c->mm.k < 0)
            return gr__fail(ctx, GR_E_SHAPE, "matmul: a size is negative: batch %lld, m %lld, n %lld, k %lld",
                            (long long)c->mm.batch, (long long)c->mm.m, (long long)c->mm.n, (long long)c->mm.k);
        return GR_OK;
    }
    if (c->conv.n < 0 || c->conv.h < 0 || c->conv.w < 0 || c->conv.c < 0 || c->conv.o < 0 || c->conv.kh < 0 ||
        c->conv.kw < 0 || c->conv.oh < 0 || c->conv.ow < 0)
        return gr__fail(ctx, GR_E_SHAPE, "convolution: a size is negative");
    if (c->conv.stride_h < 1 || c->conv.stride_w < 1 || c->conv.dilation_h < 1 || c->conv.dilation_w < 1)
        return gr__fail(ctx, GR_E_RANGE, "convolution: strides and dilations must be at least 1");
    if (c->conv.groups < 1 || c->conv.c % c->conv.groups != 0 || c->conv.o % c->conv.groups != 0)
        return gr__fail(ctx, GR_E_SHAPE, "convolution: %lld and %lld channels cannot be cut into %lld groups",
                        (long long)c->conv.c, (long long)c->conv.o, (long long)c->conv.groups);
    return GR_OK;
}

static double kernel_cost(const gr_kernel *k)
{
    double cost = 0;
    for (int p = 0; p < k->n_phases; p++) cost += k->phase[p].cost_ns;
    return cost;
}

gr_status gr__contract_make_for(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)
{
    gr_status st = check(ctx, c);
    if (st != GR_OK) return st;
    if (c->kind == GR__MATMUL) return gr__gemm_make(ctx, c, isa, out);
    bool weights = c->kind == GR__CONV_WEIGHTS;
    gr_kernel *direct = NULL;
    st = weights ? gr__conv_weights_make(ctx, c, isa, &direct) : gr__conv_make(ctx, c, isa, &direct);
    if (st != GR_OK) return st;

    double best = kernel_cost(direct), scatter = gr__conv_scatter_cost(c, isa);
    bool use_scatter = scatter < best;
    if (use_scatter) best = scatter;
    int use_winograd = -1;
    for (int w = 0; w < GR__WINOGRADS; w++) {
        double cost = gr__winograd_cost(c, (gr__winograd)w, isa);
        if (cost >= best) continue;
        best = cost;
        use_winograd = w;
    }
    if (!use_scatter && use_winograd < 0) {
        *out = direct;
        return GR_OK;
    }
    direct->destroy(ctx, direct);
    if (use_winograd < 0) return gr__conv_scatter_make(ctx, c, isa, out);
    return (weights ? gr__winograd_weights_make : gr__winograd_make)(ctx, c, (gr__winograd)use_winograd, isa, out);
}

gr_status gr__contract_make(gr_context *ctx, const gr__contraction *c, gr_kernel **out)
{
    return gr__contract_make_for(ctx, c, gr__isa_chosen(), out);
}
