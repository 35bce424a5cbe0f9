/* Trace and extreme eigenvalues of a Hessian that is known by its products alone. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "study/curvature/curvature.h"
#include "study/curvature/eigen.h"

enum { LANCZOS_LOOK = 10 }; /* steps between two looks at what has converged */
static const double TRACE_ENOUGH = 0.05, EIGEN_ENOUGH = 1e-3, BREAKDOWN = 1e-10;

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static gr_status product(gr_hessian *h, const gr_curvature_options *o, const char *what, int number, const double *v,
                         double *out)
{
    if (o->stop && *o->stop) return GR_E_INTERRUPTED;
    if (o->progress) o->progress(o->user, what, number);
    gr_status st = gr__hessian_product(h, v, out);
    if (st != GR_OK || isfinite(dot(v, out, h->n))) return st;
    return gr__fail(h->ctx, GR_E_DATA,
                    "the model's second derivatives are not finite; its cost over these samples is %g", h->cost);
}

/* ---- the trace                                                              [Hutchinson 1990; Yao et al. 2020,
 * PyHessian] ---- */

static gr_status estimate_trace(gr_hessian *h, const gr_curvature_options *o, double *z, double *hz, gr_curvature *out)
{
    gr__rng rng = gr__rng_make(o->seed, "curvature/trace", 0, 0);
    double mean = 0, square = 0;
    gr_status st = GR_OK;
    while (out->probes < o->probes) {
        for (int64_t i = 0; i < h->n; i++) z[i] = gr__rng_u32(&rng) & 1 ? 1 : -1;
        GR_TRY(product(h, o, "trace", out->probes + 1, z, hz));
        double x = dot(z, hz, h->n), before = x - mean;
        int n = ++out->probes;
        mean += before / n;
        square += before * (x - mean);
        out->trace = mean;
        out->trace_error = n > 1 ? sqrt(square / (n - 1) / n) : NAN;
        if (n >= GR_LEAST_PROBES && !(out->trace_error > TRACE_ENOUGH * fabs(mean))) break;
    }
done:
    return st;
}

/* ---- eigenvalues                                                            [Lanczos 1950; Golub & Van Loan, 10.1
 * and 10.3] ---- */

typedef struct lanczos {
    gr_hessian *h;
    double *vector[GR_MAX_LANCZOS + 1];                 /* orthonormal */
    double alpha[GR_MAX_LANCZOS], beta[GR_MAX_LANCZOS]; /* the tridiagonal matrix: H seen in their space */
    int steps;
    gr__rng rng;
    bool complete; /* their space is the whole one */
    double *small, *vectors,
        values[GR_MAX_LANCZOS]; /* [steps, steps]: vector i of the small matrix stands in column i */
} lanczos;

static size_t vector_bytes(const lanczos *l)
{
    return sizeof(double) * (size_t)l->h->n;
}

static const size_t SMALL_BYTES = sizeof(double) * GR_MAX_LANCZOS * GR_MAX_LANCZOS;

static void close_lanczos(lanczos *l)
{
    for (int i = 0; i <= GR_MAX_LANCZOS; i++) gr__free(l->h->ctx, l->vector[i], vector_bytes(l));
    gr__free(l->h->ctx, l->small, SMALL_BYTES);
    gr__free(l->h->ctx, l->vectors, SMALL_BYTES);
}

/* Twice is enough [Parlett]: without it converged eigenvalues come again as ghosts. */
static void orthogonalise(const lanczos *l, double *w)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < l->steps; i++) {
            double share = dot(w, l->vector[i], l->h->n);
            for (int64_t k = 0; k < l->h->n; k++) w[k] -= share * l->vector[i][k];
        }
}

static void scale(double *v, int64_t n, double factor)
{
    for (int64_t i = 0; i < n; i++) v[i] *= factor;
}

/* A random direction that is orthogonal to those so far. */
static void draw(lanczos *l, double *v)
{
    for (int64_t i = 0; i < l->h->n; i++) v[i] = gr__rng_normal(&l->rng);
    orthogonalise(l, v);
    scale(v, l->h->n, 1 / sqrt(dot(v, v, l->h->n)));
}

static gr_status first_vector(lanczos *l, uint64_t seed)
{
    double *v = l->vector[0] = gr__alloc(l->h->ctx, vector_bytes(l));
    l->rng = gr__rng_make(seed, "curvature/eigenvalues", 0, 0);
    l->small = gr__alloc(l->h->ctx, SMALL_BYTES);
    l->vectors = gr__alloc(l->h->ctx, SMALL_BYTES);
    if (!v || !l->small || !l->vectors) return GR_E_MEMORY;
    draw(l, v);
    return GR_OK;
}

static gr_status step(lanczos *l, const gr_curvature_options *o)
{
    int j = l->steps;
    double *w = l->vector[j + 1] = gr__alloc(l->h->ctx, vector_bytes(l));
    if (!w) return GR_E_MEMORY;
    gr_status st = product(l->h, o, "eigenvalues", j + 1, l->vector[j], w);
    if (st != GR_OK) return st;
    l->alpha[j] = dot(w, l->vector[j], l->h->n);
    l->steps = j + 1;
    orthogonalise(l, w);
    l->beta[j] = sqrt(dot(w, w, l->h->n));
    l->complete = l->steps == l->h->n;
    if (l->complete || !(l->beta[j] > BREAKDOWN * (fabs(l->alpha[j]) + (j ? l->beta[j - 1] : 0)))) {
        l->beta[j] = 0; /* H leaves their space to itself: another direction shows what lies outside it */
        if (!l->complete) draw(l, w);
    } else {
        scale(w, l->h->n, 1 / l->beta[j]);
    }
    return GR_OK;
}

/* With the residual that it would have if nothing were rounded. */
static gr_eigenvalue eigenvalue(const lanczos *l, int i)
{
    return (gr_eigenvalue){l->values[i], l->beta[l->steps - 1] * fabs(l->vectors[(l->steps - 1) * l->steps + i])};
}

static bool is_close(gr_eigenvalue e)
{
    return e.residual <= EIGEN_ENOUGH * fabs(e.value);
}

/* What the space so far knows of H's ends. */
static void look(lanczos *l, int wanted, gr_curvature *out)
{
    int n = l->steps;
    memset(l->small, 0, sizeof(double) * (size_t)(n * n));
    for (int i = 0; i < n; i++) {
        l->small[i * n + i] = l->alpha[i];
        if (i + 1 < n) l->small[i * n + i + 1] = l->small[(i + 1) * n + i] = l->beta[i];
    }
    gr__eigen_symmetric(l->small, n, l->values, l->vectors);
    out->steps = n;
    out->n_largest = GR_MIN(wanted, n);
    out->smallest = eigenvalue(l, 0);
    out->converged = is_close(out->smallest) && (n > wanted || l->complete);
    for (int i = 0; i < out->n_largest; i++) {
        out->largest[i] = eigenvalue(l, n - 1 - i);
        out->converged = out->converged && is_close(out->largest[i]);
    }
}

/* The residual as it is, by one more product. u, hu: room for a vector each. */
static gr_status measure_residual(const lanczos *l, const gr_curvature_options *o, int i, double *u, double *hu,
                                  gr_eigenvalue *e)
{
    double square = 0;
    memset(u, 0, vector_bytes(l));
    for (int j = 0; j < l->steps; j++)
        for (int64_t k = 0; k < l->h->n; k++) u[k] += l->vectors[j * l->steps + i] * l->vector[j][k];
    gr_status st = product(l->h, o, "residuals", l->steps - i, u, hu);
    for (int64_t k = 0; k < l->h->n; k++) square += (hu[k] - e->value * u[k]) * (hu[k] - e->value * u[k]);
    e->residual = sqrt(square);
    return st;
}

static gr_status measure_residuals(const lanczos *l, const gr_curvature_options *o, double *u, double *hu,
                                   gr_curvature *out)
{
    gr_status st = measure_residual(l, o, 0, u, hu, &out->smallest);
    for (int i = 0; i < out->n_largest && st == GR_OK; i++)
        st = measure_residual(l, o, l->steps - 1 - i, u, hu, &out->largest[i]);
    return st;
}

static gr_status find_eigenvalues(gr_hessian *h, const gr_curvature_options *o, double *u, double *hu,
                                  gr_curvature *out)
{
    lanczos l = {.h = h};
    gr_status st = first_vector(&l, o->seed);
    while (st == GR_OK && l.steps < o->steps && !l.complete && !out->converged) {
        st = step(&l, o);
        if (st == GR_OK && (l.steps % LANCZOS_LOOK == 0 || l.steps == o->steps || l.complete))
            look(&l, o->eigenvalues, out);
    }
    if (st == GR_OK) st = measure_residuals(&l, o, u, hu, out);
    close_lanczos(&l);
    return st;
}

gr_status gr__curvature(gr_hessian *h, const gr_curvature_options *o, gr_curvature *out)
{
    size_t bytes = sizeof(double) * (size_t)h->n;
    double *z = gr__alloc(h->ctx, bytes), *hz = gr__alloc(h->ctx, bytes);
    gr_status st = z && hz ? GR_OK : GR_E_MEMORY;
    *out = (gr_curvature){.cost = NAN, .trace = NAN, .trace_error = NAN, .smallest = {NAN, NAN}};
    if (st == GR_OK && o->probes > 0) st = estimate_trace(h, o, z, hz, out);
    if (st == GR_OK && o->eigenvalues > 0) st = find_eigenvalues(h, o, z, hz, out);
    out->cost = h->cost;
    gr__free(h->ctx, z, bytes);
    gr__free(h->ctx, hz, bytes);
    return st;
}
