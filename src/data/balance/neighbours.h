/* The nearest of some samples among others: exact, in blocks of bounded memory, shared by the workers. Private to
 * balancing. */
#ifndef GR_DATA_BALANCE_NEIGHBOURS_H
#define GR_DATA_BALANCE_NEIGHBOURS_H

#include "data/balance.h"

/* A sample in numbers: those of its inputs prepared, in float64, one input after the other, those that say a category
 * as 0; then the code of each nominal. */
int64_t gr__space_numbers(const gr_balance_job *j); /* without the codes */
int64_t gr__space_width(const gr_balance_job *j);
void gr__space_point(const gr_balance_job *j, int64_t row, double *x);
/* The numbers that the source has of the sample's inputs, and how many these are. */
void gr__space_source(const gr_balance_job *j, int64_t row, double *x);
int64_t gr__space_sources(const gr_balance_job *j);
/* Source numbers of prepared ones. out, room: for gr__space_room numbers each. */
void gr__space_undo(const gr_balance_job *j, const double *x, double *out, double *room);
int64_t gr__space_room(const gr_balance_job *j);
/* What two different categories add to a squared distance: the square of the median of the numbers' standard deviations
 * over these rows. */
gr_status gr__space_mismatch(const gr_balance_job *j, const uint32_t *row, int64_t n, double *out);

/* Of each of `query`, which are among the m others, the k < m nearest but itself: places in `among`, nearest first, of
 * equal ones the first. out: n x k. Squared distances are sums in one order, so the same on any machine. */
gr_status gr__neighbours(const gr_balance_job *j, const uint32_t *query, int64_t n, const uint32_t *among, int64_t m,
                         int k, double mismatch, uint32_t *out);
uint64_t gr__neighbours_work(const gr_balance_job *j, int k);

#endif
