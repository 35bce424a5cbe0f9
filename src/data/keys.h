/* Keys: a value a sample that is no field of it, by which parts are cut: a patient, a day. Floor 5. */
#ifndef GR_DATA_KEYS_H
#define GR_DATA_KEYS_H

#include "base/base.h"

typedef struct gr_keys {
    uint32_t *rank;   /* n: which of the different keys, in their order, the sample's is; tensor memory */
    int64_t n, found; /* samples, different keys */
} gr_keys;

void gr__keys_free(gr_context *ctx, gr_keys *k); /* zeroed keys are fine */
gr_status gr__keys_alloc(gr_context *ctx, int64_t n, gr_keys *out);
/* Of n numbers, which are sorted away. */
gr_status gr__keys_of_numbers(gr_context *ctx, const double *x, int64_t n, gr_keys *out);
/* rank holds, for each sample, which of n texts its key is; then their order: as numbers where all are, else as texts.
 */
gr_status gr__keys_order_texts(gr_context *ctx, const char *const *text, int64_t n, gr_keys *k);
/* Of an array of n numbers, NPY or IDX. */
gr_status gr__keys_file(gr_context *ctx, const char *path, int64_t n, gr_keys *out);
/* Tensor memory that loading n keys and cutting by them takes at most. */
uint64_t gr__keys_work(int64_t n);

#endif
