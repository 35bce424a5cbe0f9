/* Lanczos's method on a Hessian that is known by its products alone [Lanczos 1950; Golub & Van Loan, Matrix
 * Computations, 10.1 and 10.3]: what it is in the space of v, H v, H^2 v, ..., a symmetric tridiagonal matrix. With
 * full re-orthogonalisation, since without it eigenvalues come again as ghosts. */
#ifndef GR_STUDY_CURVATURE_LANCZOS_H
#define GR_STUDY_CURVATURE_LANCZOS_H

#include "base/rng.h"
#include "base/base.h"

enum { GR_MAX_LANCZOS = 100 };

typedef gr_status gr_hessian_maker(void *user, const double *v, double *out); /* out = H v */

typedef struct gr_lanczos {
    gr_context *ctx;
    int64_t n;
    gr_hessian_maker *product;
    void *user;
    double *vector[GR_MAX_LANCZOS + 1];                 /* orthonormal */
    double alpha[GR_MAX_LANCZOS], beta[GR_MAX_LANCZOS]; /* the tridiagonal matrix; beta[i]: from step i to the next */
    int steps;
    bool closed;   /* H leaves their space to itself: the last beta is 0 */
    bool complete; /* their space is the whole one */
    double *small, *vectors,
        values[GR_MAX_LANCZOS]; /* of the small matrix, ascending; its vector i stands in column i of [steps, steps] */
} gr_lanczos;

/* Starts in the direction of v, n numbers, not 0. Close it also after a failure. */
gr_status gr__lanczos_open(gr_context *ctx, int64_t n, gr_hessian_maker *product, void *user, const double *v,
                           gr_lanczos *out);
void gr__lanczos_close(gr_lanczos *l); /* a zeroed one is fine */
/* One more step, by one product: at most GR_MAX_LANCZOS, and none where the space is complete. Where it is closed, rng
 * draws a direction outside of it; rng NULL: then no step is left to take. */
gr_status gr__lanczos_step(gr_lanczos *l, gr__rng *rng);
/* values and vectors of the steps so far. */
void gr__lanczos_solve(gr_lanczos *l);

#endif
