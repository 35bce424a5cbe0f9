/* How sharp the minimum is that a model lies in: trace and extreme eigenvalues of the Hessian of its cost. [mission O4]
 */
#ifndef GR_STUDY_CURVATURE_H
#define GR_STUDY_CURVATURE_H

#include "study/curvature/hessian.h"

enum { GR_MAX_EIGENVALUES = 20, GR_LEAST_PROBES = 10, GR_MAX_LANCZOS = 100 };

typedef struct gr_curvature_options {
    int probes;      /* at most so many random vectors for the trace, at least GR_LEAST_PROBES; 0: no trace */
    int eigenvalues; /* how many of the largest, at most GR_MAX_EIGENVALUES; 0: none, nor the smallest */
    int steps;       /* of Lanczos's method, at most GR_MAX_LANCZOS; each keeps a vector of all parameters in float64 */
    uint64_t seed;
    const volatile sig_atomic_t *stop;                           /* may be NULL; non-zero: GR_E_INTERRUPTED */
    void (*progress)(void *user, const char *what, int product); /* may be NULL; before each product */
    void *user;
} gr_curvature_options;

typedef struct gr_eigenvalue {
    double value, residual; /* |H u - value u| of its unit vector u: an eigenvalue lies within this distance */
} gr_eigenvalue;

typedef struct gr_curvature {
    double cost;
    double trace, trace_error; /* mean of z'Hz over random signs z, and its standard error; NaN without */
    int probes;                /* that were drawn */
    gr_eigenvalue largest[GR_MAX_EIGENVALUES], smallest; /* descending */
    int n_largest;                                       /* fewer than asked for in a model of fewer parameters */
    int steps;
    bool converged; /* but for rounding, every residual is below a thousandth of its eigenvalue, or all eigenvalues are
                       known */
} gr_curvature;

/* The trace by Hutchinson's estimate, which stops once its standard error is below 5 % of it; eigenvalues by Lanczos's
 * method with full re-orthogonalisation, which stops once all that are wanted have converged. */
gr_status gr__curvature(gr_hessian *h, const gr_curvature_options *o, gr_curvature *out);

#endif
