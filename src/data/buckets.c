/* Buckets: samples are sorted by the bucket of their length, in the order that they were given within each, and cut
 * into batches; a batch that reaches into the next bucket is of that one. So there are as many batches as without
 * buckets, and only one of them is short: the last, of the samples that were given last, whatever their lengths. Were
 * it cut from the sorted ones, it would be the longest samples that are left out where it is dropped. */
#include "data/buckets.h"

#include <string.h>

#include "base/rng.h"

static int bucket_of(const gr_buckets *b, int64_t length)
{
    int k = 0;
    while (k + 1 < b->n && length > b->steps[k]) k++;
    return k;
}

static int bucket_at(const gr_buckets *b, const gr_field *x, const gr_rows *rows, uint32_t place)
{
    return bucket_of(b, x->length[rows->row[place]]);
}

/* The first n of `order`, sorted by bucket, into `to`. */
static void sort(const gr_buckets *b, const gr_field *x, const gr_rows *rows, const uint32_t *order, int64_t n,
                 uint32_t *to)
{
    int64_t begin[GR_MAX_BUCKETS + 1] = {0};
    for (int64_t i = 0; i < n; i++) begin[bucket_at(b, x, rows, order[i]) + 1]++;
    for (int k = 0; k < b->n; k++) begin[k + 1] += begin[k];
    for (int64_t i = 0; i < n; i++) to[begin[bucket_at(b, x, rows, order[i])]++] = order[i];
}

void gr__buckets_order(const gr_buckets *b, const gr_field *x, const gr_rows *rows, int64_t batch, bool shuffle,
                       uint64_t seed, int64_t key, const gr__bucket_room *room, uint32_t *order)
{
    int64_t full = rows->n / batch;
    sort(b, x, rows, order, full * batch, room->row);
    for (int64_t i = 0; i < full; i++) room->sequence[i] = (uint32_t)i;
    if (shuffle) {
        gr__rng r = gr__rng_make(seed, "buckets", (uint32_t)key, (uint32_t)((uint64_t)key >> 32));
        gr__rng_permutation(&r, room->sequence, (size_t)full);
    }
    for (int64_t i = 0; i < full; i++) {
        const uint32_t *from = room->row + (int64_t)room->sequence[i] * batch;
        memcpy(order + i * batch, from, sizeof *from * (size_t)batch);
        room->bucket[i] = (uint8_t)bucket_at(b, x, rows, from[batch - 1]);
    }
    if (full * batch < rows->n) room->bucket[full] = (uint8_t)(b->n - 1);
}
