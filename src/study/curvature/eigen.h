/* Eigenvalues of small symmetric matrices. */
#ifndef GR_STUDY_CURVATURE_EIGEN_H
#define GR_STUDY_CURVATURE_EIGEN_H

/* Jacobi's method: a [n, n] is overwritten; values ascending, vectors [n, n] with vector i in column i. Exact to
 * rounding for any symmetric matrix; n^3 operations a sweep, some ten sweeps. [Golub & Van Loan, Matrix
 * Computations, 8.5] */
void gr__eigen_symmetric(double *a, int n, double *values, double *vectors);

#endif
