/* Lanczos's method, each vector made orthogonal to all before. */
#include <math.h>
#include <string.h>

#include "study/curvature/eigen.h"
#include "study/curvature/lanczos.h"

static const double BREAKDOWN = 1e-10;
static const size_t SMALL_BYTES = sizeof(double) * GR_MAX_LANCZOS * GR_MAX_LANCZOS;

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static size_t vector_bytes(const gr_lanczos *l)
{
    return sizeof(double) * (size_t)l->n;
}

/* Twice is enough [Parlett]. */
static void orthogonalise(const gr_lanczos *l, double *w)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < l->steps; i++) {
            double share = dot(w, l->vector[i], l->n);
            for (int64_t k = 0; k < l->n; k++) w[k] -= share * l->vector[i][k];
        }
}

static void scale(double *v, int64_t n, double factor)
{
    for (int64_t i = 0; i < n; i++) v[i] *= factor;
}

gr_status gr__lanczos_open(gr_context *ctx, int64_t n, gr_hessian_maker *product, void *user, const double *v,
                           gr_lanczos *l)
{
    *l = (gr_lanczos){.ctx = ctx, .n = n, .product = product, .user = user};
    l->vector[0] = gr__alloc(ctx, vector_bytes(l));
    l->small = gr__alloc(ctx, SMALL_BYTES);
    l->vectors = gr__alloc(ctx, SMALL_BYTES);
    if (!l->vector[0] || !l->small || !l->vectors) return GR_E_MEMORY;
    memcpy(l->vector[0], v, vector_bytes(l));
    scale(l->vector[0], n, 1 / sqrt(dot(v, v, n)));
    return GR_OK;
}

void gr__lanczos_close(gr_lanczos *l)
{
    if (!l->ctx) return;
    for (int i = 0; i <= GR_MAX_LANCZOS; i++) gr__free(l->ctx, l->vector[i], vector_bytes(l));
    gr__free(l->ctx, l->small, SMALL_BYTES);
    gr__free(l->ctx, l->vectors, SMALL_BYTES);
    *l = (gr_lanczos){0};
}

/* A random direction that is orthogonal to those so far. */
static void draw(const gr_lanczos *l, gr__rng *rng, double *v)
{
    for (int64_t i = 0; i < l->n; i++) v[i] = gr__rng_normal(rng);
    orthogonalise(l, v);
    scale(v, l->n, 1 / sqrt(dot(v, v, l->n)));
}

gr_status gr__lanczos_step(gr_lanczos *l, gr__rng *rng)
{
    int j = l->steps;
    double *w = l->vector[j + 1] = gr__alloc(l->ctx, vector_bytes(l));
    if (!w) return GR_E_MEMORY;
    gr_status st = l->product(l->user, l->vector[j], w);
    if (st != GR_OK) return st;
    l->alpha[j] = dot(w, l->vector[j], l->n);
    l->steps = j + 1;
    orthogonalise(l, w);
    l->beta[j] = sqrt(dot(w, w, l->n));
    l->complete = l->steps == l->n;
    l->closed = l->complete || !(l->beta[j] > BREAKDOWN * (fabs(l->alpha[j]) + (j ? l->beta[j - 1] : 0)));
    if (!l->closed)
        scale(w, l->n, 1 / l->beta[j]);
    else
        l->beta[j] = 0;
    if (l->closed && !l->complete && rng) draw(l, rng, w);
    return GR_OK;
}

void gr__lanczos_solve(gr_lanczos *l)
{
    int n = l->steps;
    memset(l->small, 0, sizeof(double) * (size_t)(n * n));
    for (int i = 0; i < n; i++) {
        l->small[i * n + i] = l->alpha[i];
        if (i + 1 < n) l->small[i * n + i + 1] = l->small[(i + 1) * n + i] = l->beta[i];
    }
    gr__eigen_symmetric(l->small, n, l->values, l->vectors);
}
