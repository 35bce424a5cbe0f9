/* Holding an initialiser against its evidence. */
#ifndef GR_TESTS_CASE_INIT_H
#define GR_TESTS_CASE_INIT_H

#include "init/init.h"
#include "support/evidence.h"

int ev_ascending(const void *a, const void *b);
/* Kolmogorov and Smirnov's distance between sorted values and the distribution, times sqrt(n): above 1.95 once in a
 * thousand. */
double ev_ks(const char *shape, double mean, double std, double bound, const double *sorted, int64_t n);

bool check_init(const gr_init *m, const evidence *e, verdict *v);

#endif
