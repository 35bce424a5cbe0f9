/* How sharp the minimum is that a model lies in: trace, extreme eigenvalues and spectral density of the Hessian of its
 * cost. [mission O4, G5] */
#ifndef GR_STUDY_CURVATURE_H
#define GR_STUDY_CURVATURE_H

#include "study/curvature/lanczos.h"
#include "study/curvature/surface.h"

enum { GR_MAX_EIGENVALUES = 20, GR_LEAST_PROBES = 10, GR_MAX_DENSITY = 20 };

typedef struct gr_curvature_options {
    int probes;      /* at most so many random vectors for the trace, at least GR_LEAST_PROBES; 0: no trace */
    int eigenvalues; /* how many of the largest, at most GR_MAX_EIGENVALUES; 0: none, nor the smallest */
    int steps;       /* of Lanczos's method, at most GR_MAX_LANCZOS; each keeps a vector of all parameters in float64 */
    int density;     /* random vectors of the spectral density, at most GR_MAX_DENSITY; 0: none */
    uint64_t seed;
    const volatile sig_atomic_t *stop;                           /* may be NULL; non-zero: GR_E_INTERRUPTED */
    void (*progress)(void *user, const char *what, int product); /* may be NULL; before each product */
    void *user;
} gr_curvature_options;

typedef struct gr_eigenvalue {
    double value, residual; /* |H u - value u| of its unit vector u: an eigenvalue lies within this distance */
} gr_eigenvalue;

/* Where eigenvalues lie: an estimate from random signs z, each of which gives weights, of sum 1, to a few places. */
typedef struct gr_density_row {
    double value, weight; /* weight: a share of all eigenvalues */
    int probe;            /* from 1 */
} gr_density_row;
typedef struct gr_density {
    gr_density_row row[GR_MAX_DENSITY * GR_MAX_LANCZOS]; /* by probe, then ascending */
    int n, probes;
    double trace, trace_error; /* the parameters' number times the mean of the weighted places, and its standard error
                                  (NaN of one probe) */
} gr_density;
/* The density at x, smoothed by a normal distribution of variance 1e-5 max(1, spread) [Yao et al. 2020, PyHessian];
 * its integral is 1. */
double gr__density_at(const gr_density *d, double x);
double gr__density_width(const gr_density *d); /* the standard deviation of that */

typedef struct gr_curvature {
    double cost;
    double trace, trace_error; /* mean of z'Hz over random signs z, and its standard error; NaN without */
    int probes;                /* that were drawn */
    gr_eigenvalue largest[GR_MAX_EIGENVALUES], smallest; /* descending */
    int n_largest;                                       /* fewer than asked for in a model of fewer parameters */
    int steps;
    bool converged; /* but for rounding, every residual is below a thousandth of its eigenvalue, or all eigenvalues are
                       known */
    gr_density density;
} gr_curvature; /* large: no local variable of a thread of small stack */

/* The trace by Hutchinson's estimate, which stops once its standard error is below 5 % of it; eigenvalues by Lanczos's
 * method with full re-orthogonalisation, which stops once all that are wanted have converged; the density by stochastic
 * Lanczos quadrature [Golub & Meurant 2009, Ghorbani et al. 2019], of `steps` steps a probe. */
gr_status gr__curvature(gr_surface *h, const gr_curvature_options *o, gr_curvature *out);

#endif
