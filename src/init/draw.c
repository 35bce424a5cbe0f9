#include <math.h>
#include <string.h>

#include "init/draw.h"

void gr__draw_normal(const gr_init_target *t, double mean, double std, double *values)
{
    for (int64_t i = 0; i < t->count; i++) values[i] = mean + std * gr__rng_normal(t->rng);
}

void gr__draw_truncated_normal(const gr_init_target *t, double std, double *values)
{
    const double of_cut = 0.8796256610342398; /* standard deviation of N(0,1) redrawn until within 2 */
    for (int64_t i = 0; i < t->count; i++) values[i] = std / of_cut * gr__rng_truncated_normal(t->rng, 2);
}

void gr__draw_uniform(const gr_init_target *t, double bound, double *values)
{
    for (int64_t i = 0; i < t->count; i++) values[i] = bound * (2 * gr__rng_uniform(t->rng) - 1);
}

void gr__draw(const gr_init_target *t, const char *distribution, double std, double *values)
{
    if (strcmp(distribution, "uniform") == 0)
        gr__draw_uniform(t, sqrt(3) * std, values);
    else if (strcmp(distribution, "normal") == 0)
        gr__draw_normal(t, 0, std, values);
    else
        gr__draw_truncated_normal(t, std, values);
}
