/* What some numbers are like: how many, mean, spread, range, and how many lie where. Bins are the same for all numbers,
 * so that a pass needs not know their range before, and two histograms may be added. The same numbers in the same order
 * give the same bits. */
#ifndef GR_TRAIN_HISTOGRAM_H
#define GR_TRAIN_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

/* Each octave from 2^-32 to 2^16 has 16 bins of equal width, on either side of 0. Smaller numbers are in the bin in the
 * middle, larger ones in the outermost. */
enum {
    GR_BIN_PARTS = 16,
    GR_BIN_LOWEST = -32,
    GR_BIN_OCTAVES = 48,
    GR_BINS_SIDE = GR_BIN_PARTS * GR_BIN_OCTAVES,
    GR_BINS = 2 * GR_BINS_SIDE + 1
};

typedef struct gr_histogram {
    int64_t n;         /* finite numbers */
    int64_t nonfinite; /* the others */
    int64_t zeros;     /* of the finite ones */
    double mean, m2;   /* of the finite ones; m2: the sum of their squared distances from it */
    double low, high;  /* the least and the greatest; NaN: none is finite */
    int64_t bin[GR_BINS];
} gr_histogram;

void gr__histogram_begin(gr_histogram *h);
/* n numbers, doubles where `wide` is, else floats, times scale. */
void gr__histogram_add(gr_histogram *h, const void *numbers, int64_t n, bool wide, double scale);
double gr__histogram_std(const gr_histogram *h);                 /* of all of them: divided by n; NaN without any */
double gr__histogram_rms(const gr_histogram *h);                 /* the root of the mean square; likewise */
static inline double gr__histogram_zeros(const gr_histogram *h); /* their share; likewise */

/* Bin i holds what is greater than its low end (on the positive side: or equal) and less than the high one. */
double gr__bin_low(int i);
double gr__bin_high(int i);

/* The same as n bins of equal width from low to high, for drawing: a bin's numbers are spread evenly over it, and over
 * what of it lies within the range seen. What lies beyond low and high is left out. */
void gr__histogram_even(const gr_histogram *h, double low, double high, int n, double *out);

static inline double gr__histogram_zeros(const gr_histogram *h)
{
    return (double)h->zeros / (double)h->n;
}

#endif
