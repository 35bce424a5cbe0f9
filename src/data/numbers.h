/* Samples one by one as numbers, whether a set holds them or reads them when they are wanted. Floor 5. */
#ifndef GR_DATA_NUMBERS_H
#define GR_DATA_NUMBERS_H

#include "data/sample.h"

/* What reads the inputs of one sample after the other; one thread's. */
typedef struct gr_sampler {
    gr_context *ctx;
    const gr_set *set;
    int64_t first[GR_MAX_INPUTS + 1]; /* where an input's numbers begin among those of a sample; the last: how many */
    gr__samples from[GR_MAX_INPUTS];
    double *x; /* the numbers of the sample taken last */
} gr_sampler;
gr_status gr__sampler_open(gr_context *ctx, const gr_set *set, gr_sampler *out);
void gr__sampler_close(gr_sampler *s); /* a zeroed one is fine */
/* All inputs of a sample into s->x as float64, those that do not count by their lengths as 0, -0 as 0. */
gr_status gr__sampler_take(gr_sampler *s, int64_t row);
/* 64 bits of n numbers. */
uint64_t gr__numbers_hash(const double *x, int64_t n);
/* Of the samples of a part, inputs and targets: the sum of their hashes, so whatever their order. */
gr_status gr__rows_hash(gr_context *ctx, const gr_set *set, const gr_rows *rows, uint64_t *out);
/* The first target that is a class a sample; NULL: none. */
const gr_field *gr__set_classes(const gr_set *s);

#endif
