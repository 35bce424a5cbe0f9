/* Trace, extreme eigenvalues and spectral density of a Hessian that is known by its products alone. */
#include <math.h>
#include <string.h>

#include "study/curvature/curvature.h"

enum { LANCZOS_LOOK = 10 }; /* steps between two looks at what has converged */
static const double TRACE_ENOUGH = 0.05, EIGEN_ENOUGH = 1e-3;

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Who multiplies: what is said of it, and how often it did. */
typedef struct multiplier {
    gr_surface *h;
    const gr_curvature_options *o;
    const char *what;
    int number;
} multiplier;

static gr_status product(gr_surface *h, const gr_curvature_options *o, const char *what, int number, const double *v,
                         double *out)
{
    if (o->stop && *o->stop) return GR_E_INTERRUPTED;
    if (o->progress) o->progress(o->user, what, number);
    gr_status st = gr__hessian_product(h, v, out);
    if (st != GR_OK || isfinite(dot(v, out, h->n))) return st;
    return gr__fail(h->ctx, GR_E_DATA,
                    "the model's second derivatives are not finite; its cost over these samples is %g", h->cost);
}

static gr_status multiply(void *user, const double *v, double *out)
{
    multiplier *m = user;
    return product(m->h, m->o, m->what, ++m->number, v, out);
}

static void draw_signs(gr__rng *rng, double *z, int64_t n)
{
    for (int64_t i = 0; i < n; i++) z[i] = gr__rng_u32(rng) & 1 ? 1 : -1;
}

/* ---- the trace                                                              [Hutchinson 1990; Yao et al. 2020,
 * PyHessian] ---- */

static gr_status estimate_trace(gr_surface *h, const gr_curvature_options *o, double *z, double *hz, gr_curvature *out)
{
    gr__rng rng = gr__rng_make(o->seed, "curvature/trace", 0, 0);
    double mean = 0, square = 0;
    gr_status st = GR_OK;
    while (out->probes < o->probes) {
        draw_signs(&rng, z, h->n);
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

/* ---- eigenvalues ---- */

/* With the residual that it would have if nothing were rounded. */
static gr_eigenvalue eigenvalue(const gr_lanczos *l, int i)
{
    return (gr_eigenvalue){l->values[i], l->beta[l->steps - 1] * fabs(l->vectors[(l->steps - 1) * l->steps + i])};
}

static bool is_close(gr_eigenvalue e)
{
    return e.residual <= EIGEN_ENOUGH * fabs(e.value);
}

/* What the space so far knows of H's ends. */
static void look(gr_lanczos *l, int wanted, gr_curvature *out)
{
    int n = l->steps;
    gr__lanczos_solve(l);
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
static gr_status measure_residual(const gr_lanczos *l, multiplier *m, int i, double *u, double *hu, gr_eigenvalue *e)
{
    double square = 0;
    memset(u, 0, sizeof *u * (size_t)l->n);
    for (int j = 0; j < l->steps; j++)
        for (int64_t k = 0; k < l->n; k++) u[k] += l->vectors[j * l->steps + i] * l->vector[j][k];
    gr_status st = multiply(m, u, hu);
    for (int64_t k = 0; k < l->n; k++) square += (hu[k] - e->value * u[k]) * (hu[k] - e->value * u[k]);
    e->residual = sqrt(square);
    return st;
}

static gr_status measure_residuals(const gr_lanczos *l, multiplier *m, double *u, double *hu, gr_curvature *out)
{
    *m = (multiplier){m->h, m->o, "residuals", 0};
    gr_status st = measure_residual(l, m, 0, u, hu, &out->smallest);
    for (int i = 0; i < out->n_largest && st == GR_OK; i++)
        st = measure_residual(l, m, l->steps - 1 - i, u, hu, &out->largest[i]);
    return st;
}

static gr_status find_eigenvalues(gr_surface *h, const gr_curvature_options *o, double *u, double *hu,
                                  gr_curvature *out)
{
    gr_lanczos l;
    multiplier m = {h, o, "eigenvalues", 0};
    gr__rng rng = gr__rng_make(o->seed, "curvature/eigenvalues", 0, 0);
    for (int64_t i = 0; i < h->n; i++) u[i] = gr__rng_normal(&rng);
    gr_status st = gr__lanczos_open(h->ctx, h->n, multiply, &m, u, &l);
    while (st == GR_OK && l.steps < o->steps && !l.complete && !out->converged) {
        st = gr__lanczos_step(&l, &rng);
        if (st == GR_OK && (l.steps % LANCZOS_LOOK == 0 || l.steps == o->steps || l.complete))
            look(&l, o->eigenvalues, out);
    }
    if (st == GR_OK) st = measure_residuals(&l, &m, u, hu, out);
    gr__lanczos_close(&l);
    return st;
}

/* ---- the density ---- */

static double normal(double x, double width)
{
    return exp(-x * x / (2 * width * width)) / (width * sqrt(2 * M_PI));
}

double gr__density_width(const gr_density *d)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < d->n; i++) low = fmin(low, d->row[i].value), high = fmax(high, d->row[i].value);
    return sqrt(1e-5 * fmax(1, high - low));
}

double gr__density_at(const gr_density *d, double x)
{
    double sum = 0, width = gr__density_width(d);
    for (int i = 0; i < d->n; i++) sum += d->row[i].weight * normal(x - d->row[i].value, width);
    return sum / d->probes;
}

/* One probe: places are the small matrix's eigenvalues, weights the squares of its vectors' first components. */
static gr_status probe(gr_surface *h, const gr_curvature_options *o, const double *z, multiplier *m, gr_density *d)
{
    gr_lanczos l;
    gr_status st = gr__lanczos_open(h->ctx, h->n, multiply, m, z, &l);
    while (st == GR_OK && l.steps < o->steps && !l.closed) st = gr__lanczos_step(&l, NULL);
    if (st == GR_OK) {
        d->probes++;
        gr__lanczos_solve(&l);
        for (int i = 0; i < l.steps; i++)
            d->row[d->n++] = (gr_density_row){l.values[i], l.vectors[i] * l.vectors[i], d->probes};
    }
    gr__lanczos_close(&l);
    return st;
}

static void weigh_trace(gr_density *d, int64_t n)
{
    double mean = 0, square = 0, of[GR_MAX_DENSITY] = {0};
    for (int i = 0; i < d->n; i++) of[d->row[i].probe - 1] += (double)n * d->row[i].weight * d->row[i].value;
    for (int i = 0; i < d->probes; i++) mean += of[i] / d->probes;
    for (int i = 0; i < d->probes; i++) square += (of[i] - mean) * (of[i] - mean);
    d->trace = mean;
    d->trace_error = d->probes > 1 ? sqrt(square / (d->probes - 1) / d->probes) : NAN;
}

static gr_status find_density(gr_surface *h, const gr_curvature_options *o, double *z, gr_density *out)
{
    gr__rng rng = gr__rng_make(o->seed, "curvature/density", 0, 0);
    multiplier m = {h, o, "density", 0};
    gr_status st = GR_OK;
    for (int i = 0; i < o->density && st == GR_OK; i++) {
        draw_signs(&rng, z, h->n);
        st = probe(h, o, z, &m, out);
    }
    if (st == GR_OK) weigh_trace(out, h->n);
    return st;
}

gr_status gr__curvature(gr_surface *h, const gr_curvature_options *o, gr_curvature *out)
{
    size_t bytes = sizeof(double) * (size_t)h->n;
    double *z = gr__alloc(h->ctx, bytes), *hz = gr__alloc(h->ctx, bytes);
    gr_status st = z && hz ? GR_OK : GR_E_MEMORY;
    *out = (gr_curvature){.cost = NAN, .trace = NAN, .trace_error = NAN, .smallest = {NAN, NAN}};
    if (st == GR_OK && o->probes > 0) st = estimate_trace(h, o, z, hz, out);
    if (st == GR_OK && o->eigenvalues > 0) st = find_eigenvalues(h, o, z, hz, out);
    if (st == GR_OK && o->density > 0) st = find_density(h, o, z, &out->density);
    out->cost = h->cost;
    gr__free(h->ctx, z, bytes);
    gr__free(h->ctx, hz, bytes);
    return st;
}
