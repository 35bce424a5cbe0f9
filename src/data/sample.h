/* Samples of an input one at a time, wherever their numbers are: in memory, or given by a reader. One a thread. */
#ifndef GR_DATA_SAMPLE_H
#define GR_DATA_SAMPLE_H

#include "data/data.h"

typedef struct gr__samples {
    gr_context *ctx; /* whose memory it is */
    const gr_field *x;
    char *room; /* of a reader: a sample, then its scratch; NULL: they are in memory */
    size_t sample_bytes, bytes;
} gr__samples;

/* Takes the memory of a sample where a reader gives them; none otherwise. */
gr_status gr__samples_open(gr_context *ctx, const gr_field *x, gr__samples *out);
void gr__samples_close(gr__samples *s); /* a zeroed one is fine */
/* The numbers of a sample, of the type of the field that has them (gr__field_of); valid until the next call. NULL on
 * failure, which `errors` keeps: the context of the calling thread. */
const void *gr__samples_at(gr_context *errors, gr__samples *s, int64_t row);

static inline size_t gr__sample_bytes(const gr_field *x)
{
    return (size_t)gr_shape_count(x->sample) * gr__element_bytes(x->element);
}

#endif
