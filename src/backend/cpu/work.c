#include "backend/cpu/work.h"

int gr__cpu_input(const gr_item *item, gr_val v)
{
    for (int i = 0; i < item->n_in; i++)
        if (item->in[i] == v) return i;
    return -1;
}

int gr__cpu_shards(int64_t elements)
{
    return (int)GR_MAX(1, GR_MIN(elements / 16384, GR__MAX_SHARDS));
}

void gr__cpu_part(int64_t n, int64_t step, int shards, int shard, int64_t *begin, int64_t *end)
{
    int64_t steps = (n + step - 1) / step;
    *begin = GR_MIN(n, steps * shard / shards * step);
    *end = GR_MIN(n, steps * (shard + 1) / shards * step);
}

/* Small operands come from a cache, large ones from memory. */
double gr__cpu_move_ns(double bytes)
{
    return bytes / (bytes < 4e6 ? 70 : bytes < 4e7 ? 40 : 20);
}
