/* Mean and variance of every element of a sample over the training rows, and their merging. Private to preparation. */
#ifndef GR_DATA_MOMENTS_H
#define GR_DATA_MOMENTS_H

#include "data/data.h"

typedef struct gr__moments {
    double n, mean, m2; /* m2: sum of squared distances from the mean */
} gr__moments;

/* a <- a and b together (Chan, Golub & LeVeque 1979). Equal means and no spread stay exactly so. */
void gr__moments_merge(gr__moments *a, const gr__moments *b);
/* Of n groups of the numbers of training samples after the steps before, number e in group e % n; NaN and steps beyond
 * a length left out. Bytes after affine steps are summed as integers; all else in shards of rows with two passes each,
 * about the first row's value: a constant has m2 == 0 exactly. One order of additions, whatever the threads. */
gr_status gr__moments_take(const gr__fitting *f, int n, gr__moments *out);
#endif
