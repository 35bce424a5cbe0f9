/* Chooses among the kernels that can do a contraction. */
#include "backend/cpu/contract.h"

#include <math.h>

#include "backend/cpu/contract_provider.h"

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

gr_status gr__contract_make_for(gr_context *ctx, const gr__contraction *c, gr__isa isa, gr_kernel **out)
{
    gr_status st = check(ctx, c);
    int n;
    const gr_provider *const *providers = gr__providers(&n), *best = NULL;
    double least = INFINITY;
    for (int i = 0; i < n && st == GR_OK; i++) {
        double cost = providers[i]->cost(c, isa);
        if (cost >= least) continue; /* of equal ones the first is taken */
        best = providers[i];
        least = cost;
    }
    if (st != GR_OK) return st;
    return best ? best->make(ctx, c, isa, out) : gr__fail(ctx, GR_E_INTERNAL, "no kernel takes this contraction");
}

gr_status gr__contract_make(gr_context *ctx, const gr__contraction *c, gr_kernel **out)
{
    return gr__contract_make_for(ctx, c, gr__isa_chosen(), out);
}
