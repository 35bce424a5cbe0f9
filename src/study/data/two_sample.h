/* Two-sample tests: whether two lists of numbers, or two counts of classes, may come from one distribution. */
#ifndef GR_STUDY_DATA_TWO_SAMPLE_H
#define GR_STUDY_DATA_TWO_SAMPLE_H

#include <stdint.h>

typedef struct gr_two_sample {
    double statistic; /* KS: the largest distance of the distribution functions; homogeneity: chi squared */
    double p;         /* how often equal distributions give as much or more */
} gr_two_sample;

/* Kolmogorov and Smirnov: a[n] and b[m], numbers without NaN, which are sorted in place. p is that of continuous
 * numbers, too high where many are equal: by Stephens' correction of the limit (Stephens 1970), within 0.01 from n = m
 * = 10 on. No sample on a side: statistic 0, p 1. */
gr_two_sample gr__two_sample_ks(double *a, int64_t n, double *b, int64_t m);
/* The chi squared test of homogeneity of counts a[k] and b[k]; classes that neither has do not count, those that are
 * expected fewer than five times on a side are taken together. Fewer than two classes: statistic 0, p 1. */
gr_two_sample gr__two_sample_counts(const int64_t *a, const int64_t *b, int k);
/* Holm's step-down adjustment of n p-values in place, in their order: below alpha with a chance of at most alpha where
 * nothing differs, however many tests there are. order: room for n. */
void gr__holm(double *p, int64_t n, int64_t *order);

#endif
