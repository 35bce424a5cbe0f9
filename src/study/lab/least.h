/* Least squares of least length. */
#ifndef GR_STUDY_LAB_LEAST_H
#define GR_STUDY_LAB_LEAST_H

#include "base/base.h"

/* x [n], the shortest of those that minimise |a x - b|, for a [m, n] by rows and b [m]: a complete orthogonal
 * decomposition by Householder's reflections with column pivoting [Golub & Van Loan, Matrix Computations, 5.5.2]. A
 * column counts as dependent from max(m, n) eps of the first pivot on; *rank: how many do not; may be NULL. */
gr_status gr__least_squares(gr_context *ctx, const double *a, int m, int n, const double *b, double *x, int *rank);

#endif
