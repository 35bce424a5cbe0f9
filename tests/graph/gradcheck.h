/* Derivatives against differences: builds y = f(x...), asks the graph for the pullback of a random signed cotangent,
 * and compares every element with central differences of fourth order in float64; then differentiates the pullback
 * itself once more and compares again.
 *
 * Where elements lie: all inputs together are a shuffled grid over [low, high], so no two are equal (maxima have no
 * ties), and none is at a multiple of half a grid step from the middle (a kink at 0 of a symmetric range is never
 * touched). */
#ifndef GR_TESTS_GRADCHECK_H
#define GR_TESTS_GRADCHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "graph/eval.h"

enum { GRADCHECK_INPUTS = 8, GRADCHECK_NAMES = 32 };

typedef struct gradcheck_case {
    const char *name;
    gr_val (*build)(gr_graph *g, const gr_val *x); /* x: real feeds of the shapes below */
    int n;
    gr_shape shape[GRADCHECK_INPUTS];
    double low, high;
    const double *index; /* what the feed "index" holds, if build makes one */
} gradcheck_case;

typedef struct gradcheck_result {
    double first, second; /* worst relative errors; infinite where a number is not finite */
    uint64_t elements;    /* derivatives compared */
} gradcheck_result;

/* The leaves of the graph and their numbers. */
typedef struct gradcheck_data {
    gr_context *ctx;
    gr_graph *g;
    gr__rng rng;
    int n;
    char name[GRADCHECK_NAMES][8];
    gr_val value[GRADCHECK_NAMES];
    double *data[GRADCHECK_NAMES];
    int64_t count[GRADCHECK_NAMES];
    const double *index;
} gradcheck_data;

static inline gr_val gradcheck_leaf(gradcheck_data *d, char kind, gr_shape shape)
{
    int i = d->n;
    snprintf(d->name[i], sizeof d->name[i], "%c%d", kind, i);
    d->count[i] = gr_shape_count(shape);
    d->data[i] = gr__alloc(d->ctx, (size_t)d->count[i] * sizeof(double));
    if (!d->data[i]) return GR_NONE;
    d->n++;
    return d->value[i] = gr_feed(d->g, d->name[i], GR_REAL, shape);
}

static inline const double *gradcheck_find(void *user, const gr_graph *g, const gr_node *n)
{
    const gradcheck_data *d = user;
    (void)g;
    for (int i = 0; i < d->n; i++)
        if (strcmp(n->attr.name, d->name[i]) == 0) return d->data[i];
    return d->index;
}

/* Random signed weights: none is small, so that no element goes unseen. */
static inline gr_val gradcheck_cotangent(gradcheck_data *d, gr_val y)
{
    gr_val v = gradcheck_leaf(d, 'v', gr_shape_of(d->g, y));
    for (int64_t e = 0; v && e < d->count[d->n - 1]; e++) {
        double size = 0.5 + gr__rng_uniform(&d->rng);
        d->data[d->n - 1][e] = gr__rng_below(&d->rng, 2) ? size : -size;
    }
    return v;
}

/* sum over k of <cotangent_k, y_k> */
static inline gr_val gradcheck_dot(gr_graph *g, const gr_val *ys, const gr_val *dys, int n)
{
    gr_val sum = gr_const(g, 0);
    for (int i = 0; i < n; i++) sum = gr_add(g, sum, gr_sum_all(g, gr_mul(g, ys[i], dys[i])));
    return sum;
}

static inline double gradcheck_at(gradcheck_data *d, gr_val s, gr_status *st)
{
    double value = 0, *results[] = {&value};
    if (*st == GR_OK) *st = gr__eval(d->g, &s, 1, gradcheck_find, d, results);
    return value;
}

static inline double gradcheck_difference(gradcheck_data *d, gr_val s, double *x, gr_status *st)
{
    const double h = 1e-3, at = *x;
    static const double step[] = {-2, -1, 1, 2}, weight[] = {1, -8, 8, -1};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        *x = at + step[i] * h;
        sum += weight[i] * gradcheck_at(d, s, st);
    }
    *x = at;
    return sum / (12 * h);
}

/* Compares dxs[i], the derivative of s in leaf number leaf[i], with differences, element by element. */
static inline gr_status gradcheck_compare(gradcheck_data *d, gr_val s, const int *leaf, const gr_val *dxs, int n,
                                          double *worst, uint64_t *elements)
{
    gr_status st = GR_OK;
    double scale = 0.1;                    /* cotangents are near 1, so smaller derivatives are as good as none */
    for (int pass = 0; pass < 2; pass++) { /* first the scale of the derivatives, then the errors relative to each, or
                                              to a thousandth of the scale */
        for (int i = 0; i < n && st == GR_OK; i++) {
            int64_t count = d->count[leaf[i]];
            double *exact = gr__alloc(d->ctx, (size_t)count * sizeof *exact), *results[] = {exact};
            if (!exact) return GR_E_MEMORY;
            st = gr__eval(d->g, &dxs[i], 1, gradcheck_find, d, results);
            for (int64_t e = 0; e < count && st == GR_OK; e++) {
                double a = exact[e], b = gradcheck_difference(d, s, &d->data[leaf[i]][e], &st);
                if (pass == 0) {
                    scale = fmax(scale, fmin(fabs(a), fabs(b)));
                    continue;
                }
                double error = fabs(a - b) / fmax(fmax(fabs(a), fabs(b)), 1e-3 * scale);
                *worst = isfinite(error) ? fmax(*worst, error) : INFINITY;
                ++*elements;
            }
            gr__free(d->ctx, exact, (size_t)count * sizeof *exact);
        }
    }
    return st;
}

static inline void gradcheck_scatter(gradcheck_data *d, double low, double high)
{
    int64_t total = 0, at = 0;
    uint32_t place[4096];
    for (int i = 0; i < d->n; i++) total += d->count[i];
    if (total > (int64_t)GR_COUNT(place)) total = GR_COUNT(place);
    gr__rng_permutation(&d->rng, place, (size_t)total);
    for (int i = 0; i < d->n; i++)
        for (int64_t e = 0; e < d->count[i] && at < total; e++)
            d->data[i][e] = low + (high - low) * (place[at++] + 0.3) / (double)total;
}

static inline gr_status gradcheck_orders(const gradcheck_case *c, gradcheck_data *d, gradcheck_result *r)
{
    gr_graph *g = d->g;
    gr_val x[GRADCHECK_INPUTS + 1], dx[GRADCHECK_INPUTS], u[GRADCHECK_INPUTS], ddx[GRADCHECK_INPUTS + 1];
    int leaf[GRADCHECK_INPUTS + 1];
    for (int i = 0; i < c->n; i++) {
        x[i] = gradcheck_leaf(d, 'x', c->shape[i]);
        leaf[i] = i;
    }
    gradcheck_scatter(d, c->low, c->high);
    gr_val y = c->build(g, x);
    gr_val v = gradcheck_cotangent(d, y);
    gr_status st = gr_pullback(g, &y, &v, 1, x, c->n, dx);
    if (st != GR_OK) return st;
    st = gradcheck_compare(d, gradcheck_dot(g, &y, &v, 1), leaf, dx, c->n, &r->first, &r->elements);
    if (st != GR_OK) return st;

    x[c->n] = v;
    leaf[c->n] = c->n;
    for (int i = 0; i < c->n; i++) u[i] = gradcheck_cotangent(d, dx[i]);
    st = gr_pullback(g, dx, u, c->n, x, c->n + 1, ddx);
    if (st != GR_OK) return st;
    st = gradcheck_compare(d, gradcheck_dot(g, dx, u, c->n), leaf, ddx, c->n + 1, &r->second, &r->elements);
    return st == GR_OK ? gr_graph_verify(g) : st;
}

/* Checks one graph-building function, and that what it and its derivatives built verifies. */
static inline gr_status gradcheck(gr_context *ctx, const gradcheck_case *c, gradcheck_result *r)
{
    gradcheck_data d = {.ctx = ctx, .index = c->index, .rng = gr__rng_make(7, c->name, 0, 0)};
    *r = (gradcheck_result){0, 0, 0};
    gr_status st = gr_graph_create(ctx, &d.g);
    if (st == GR_OK) st = gradcheck_orders(c, &d, r);
    for (int i = 0; i < d.n; i++) gr__free(ctx, d.data[i], (size_t)d.count[i] * sizeof(double));
    gr_graph_destroy(d.g);
    return st;
}

#endif
