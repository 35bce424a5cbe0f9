/* Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, Random123). The same key and counter give the same
 * numbers on any machine, in any order, on any number of threads. */
#ifndef GR_BASE_RNG_H
#define GR_BASE_RNG_H

#include "base/base.h"

/* A stream: all numbers of one purpose. key = (seed, hash of the name). */
typedef struct gr__rng {
    uint32_t key[2];
    uint32_t high[2]; /* upper half of the counter: two free coordinates, e.g. epoch and tensor */
    uint64_t at;      /* lower half: how many blocks of four were drawn */
    uint32_t block[4];
    int left;
    double spare; /* second number of a Box-Muller pair */
    bool has_spare;
} gr__rng;

uint64_t gr__hash(const char *text); /* 64-bit FNV-1a; stable, part of file compatibility */
/* The 128-bit block at (counter) under (key): the primitive on which all else stands. */
void gr__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

gr__rng gr__rng_make(uint64_t seed, const char *stream, uint32_t high0, uint32_t high1);
uint32_t gr__rng_u32(gr__rng *r);
uint64_t gr__rng_below(gr__rng *r, uint64_t n);                  /* uniform on 0..n-1 without bias; n >= 1 */
double gr__rng_uniform(gr__rng *r);                              /* [0,1), 53 bits */
double gr__rng_normal(gr__rng *r);                               /* N(0,1), Box-Muller */
double gr__rng_truncated_normal(gr__rng *r, double cut);         /* N(0,1) redrawn until |x| <= cut */
void gr__rng_permutation(gr__rng *r, uint32_t *index, size_t n); /* Fisher-Yates over 0..n-1 */

/* A seed, an update or a position as scalars of graphs hold it: what no uint64_t can hold counts as 0. */
static inline uint64_t gr__rng_whole(double x)
{
    return x >= 0 && x < 0x1p64 ? (uint64_t)x : 0;
}

/* Uniform number in [0,1) with 24 bits, exactly representable in float32 and float64, for element `e` of sample
 * `sample` in update `update` of the stream with hash `stream`: the random leaf of graphs (dropout). Layout of the
 * counter: {e / 4, sample, update low 32 bits, stream low 32 bits}, key {seed low ^ stream high, seed high}; e % 4
 * picks the word; value = (word >> 8) * 2^-24. */
double gr__random_leaf(uint64_t seed, uint64_t stream, uint64_t update, uint32_t sample, uint64_t e);

#endif
