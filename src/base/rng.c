/* Random numbers: Philox4x32-10 under a key and a counter, and the distributions made from it.
 *
 * Integers, permutations and uniform numbers are the same bits everywhere; normal numbers go through libm's log, sin
 * and cos, whose last bit may differ between C libraries and processors. */
#include <math.h>

#include <Random123/philox.h>

#include "base/rng.h"

uint64_t gr__hash(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) h = (h ^ *p) * UINT64_C(0x100000001b3);
    return h;
}

void gr__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
    philox4x32_key_t k = {{key[0], key[1]}};
    c = philox4x32_R(10, c, k);
    for (int i = 0; i < 4; i++) out[i] = c.v[i];
}

gr__rng gr__rng_make(uint64_t seed, const char *stream, uint32_t high0, uint32_t high1)
{
    /* All 64 bits of both count: the key is their exclusive or, so streams of one seed differ as their hashes do. */
    uint64_t key = seed ^ gr__hash(stream);
    return (gr__rng){.key = {(uint32_t)key, (uint32_t)(key >> 32)}, .high = {high0, high1}};
}

uint32_t gr__rng_u32(gr__rng *r)
{
    if (r->left == 0) {
        uint32_t counter[4] = {(uint32_t)r->at, (uint32_t)(r->at >> 32), r->high[0], r->high[1]};
        gr__philox(counter, r->key, r->block);
        r->at++;
        r->left = 4;
    }
    return r->block[4 - r->left--];
}

__extension__ typedef unsigned __int128 u128;

static uint64_t u64(gr__rng *r)
{
    uint64_t low = gr__rng_u32(r);
    return (uint64_t)gr__rng_u32(r) << 32 | low;
}

/* Lemire 2019, "Fast random integer generation in an interval": the upper half of u * n, redrawn where the lower half
 * shows that u was one of the 2^w mod n surplus ones. */
uint64_t gr__rng_below(gr__rng *r, uint64_t n)
{
    if (n <= UINT64_C(1) << 32) {
        uint64_t product = gr__rng_u32(r) * n;
        if ((uint32_t)product < n) {
            uint64_t surplus = (UINT64_C(1) << 32) % n;
            while ((uint32_t)product < surplus) product = gr__rng_u32(r) * n;
        }
        return product >> 32;
    }
    u128 product = (u128)u64(r) * n;
    if ((uint64_t)product < n) {
        uint64_t surplus = -n % n; /* 2^64 mod n */
        while ((uint64_t)product < surplus) product = (u128)u64(r) * n;
    }
    return (uint64_t)(product >> 64);
}

double gr__rng_uniform(gr__rng *r)
{
    return (double)(u64(r) >> 11) * 0x1p-53;
}

double gr__rng_normal(gr__rng *r)
{
    if (r->has_spare) {
        r->has_spare = false;
        return r->spare;
    }
    double radius = sqrt(-2 * log(1 - gr__rng_uniform(r))); /* 1 - u is in (0,1]: never the logarithm of 0 */
    double angle = 6.283185307179586476925286766559 * gr__rng_uniform(r);
    r->spare = radius * sin(angle);
    r->has_spare = true;
    return radius * cos(angle);
}

double gr__rng_truncated_normal(gr__rng *r, double cut)
{
    if (!(cut > 0)) return 0;
    double x;
    if (cut >= 0.5) {
        do x = gr__rng_normal(r);
        while (fabs(x) > cut);
    } else {
        /* Redrawing would take ever longer as the cut closes: the same law by rejection from the uniform one, at least
         * 0.88 of which stay. */
        do x = cut * (2 * gr__rng_uniform(r) - 1);
        while (gr__rng_uniform(r) >= exp(-x * x / 2));
    }
    return x;
}

void gr__rng_permutation(gr__rng *r, uint32_t *index, size_t n)
{
    for (size_t i = 0; i < n; i++) index[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = gr__rng_below(r, i);
        uint32_t swap = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swap;
    }
}

double gr__random_leaf(uint64_t seed, uint64_t stream, uint64_t update, uint32_t sample, uint64_t e)
{
    uint32_t counter[4] = {(uint32_t)(e / 4), sample, (uint32_t)update, (uint32_t)stream};
    uint32_t key[2] = {(uint32_t)seed ^ (uint32_t)(stream >> 32), (uint32_t)(seed >> 32)};
    uint32_t word[4];
    gr__philox(counter, key, word);
    return (double)(word[e % 4] >> 8) * 0x1p-24;
}
