/* Epochs in batches of sequences with about as many steps. Private to the loader. */
#ifndef GR_DATA_BUCKETS_H
#define GR_DATA_BUCKETS_H

#include "data/data.h"

/* Room that ordering takes: of as many rows and batches. */
typedef struct gr__bucket_room {
    uint32_t *row;      /* rows */
    uint32_t *sequence; /* batches */
    uint8_t *bucket;    /* batches: of which bucket each is, in the epoch's order */
} gr__bucket_room;

/* order: a permutation of 0..rows-1, which becomes that of an epoch, batch after batch. Batches keep their order where
 * `shuffle` is false; else it is a function of seed and key. */
void gr__buckets_order(const gr_buckets *b, const gr_field *x, const gr_rows *rows, int64_t batch, bool shuffle,
                       uint64_t seed, int64_t key, const gr__bucket_room *room, uint32_t *order);

#endif
