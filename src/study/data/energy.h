/* The energy distance of two samples of points, and how often chance gives as much. */
#ifndef GR_STUDY_DATA_ENERGY_H
#define GR_STUDY_DATA_ENERGY_H

#include "base/base.h"
#include "study/data/two_sample.h"

enum { GR_ENERGY_DRAWS = 499 };

/* a[n][width] and b[m][width], of which nothing is taken but the order within each column (so no scale counts, NaN is
 * the lowest). The statistic is 2 E|X - Y| - E|X - X'| - E|Y - Y'| of the ranks [Szekely & Rizzo 2004]; p is exact: the
 * share of GR_ENERGY_DRAWS random divisions of all points, and of this one, that give as much or more. The same seed
 * gives the same p. GR_E_MEMORY. */
gr_status gr__two_sample_energy(gr_context *ctx, const double *a, int64_t n, const double *b, int64_t m, int64_t width,
                                uint64_t seed, gr_two_sample *out);

#endif
