/* Fits of polynomials to points, of which several figures are made. */
#ifndef GR_STUDY_LAB_POLYNOMIAL_H
#define GR_STUDY_LAB_POLYNOMIAL_H

#include "base/rng.h"

enum { GR_MOST_DEGREE = 16 };

/* c [degree + 1], lowest first, that minimises the squared distance to n points; where they leave a choice, the
 * shortest c. */
gr_status gr__polynomial_fit(gr_context *ctx, const double *x, const double *y, int n, int degree, double *c);
double gr__polynomial_at(const double *c, int degree, double x);
/* Its mean squared error over n points. */
double gr__polynomial_error(const double *c, int degree, const double *x, const double *y, int n);
/* n points: x evenly spread over [-1, 1], each in the middle of its part, or drawn uniformly; y of the polynomial
 * `truth` with normal noise. */
typedef enum gr_places { GR_PLACES_EVEN, GR_PLACES_DRAWN } gr_places;
void gr__polynomial_points(gr__rng *r, gr_places places, const double *truth, int degree, double noise, int n,
                           double *x, double *y);

#endif
