/* What contractions cost, as pure functions of shape and instruction set. */
#include "backend/cpu/contract_provider.h"

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

double gr__kernel_cost(const gr_kernel *k)
{
    double cost = 0;
    for (int p = 0; p < k->n_phases; p++) cost += k->phase[p].cost_ns;
    return cost;
}
