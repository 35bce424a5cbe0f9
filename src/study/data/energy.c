/* Ranks, their distances once, and sums of these over random divisions. */
#include "study/data/energy.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"

typedef struct points {
    gr_context *ctx;
    int64_t n, m, all, width;
    double *rank;    /* [all][width] of 0 to 1 */
    float *distance; /* [all][all], symmetric */
    uint32_t *order; /* a division: the first n are the one side */
    double *sum;     /* of a point's distances to all others */
} points;

static void leave(points *p)
{
    gr__free(p->ctx, p->rank, sizeof *p->rank * (size_t)(p->all * p->width));
    gr__free(p->ctx, p->distance, sizeof *p->distance * (size_t)(p->all * p->all));
    gr__free(p->ctx, p->order, sizeof *p->order * (size_t)p->all);
    gr__free(p->ctx, p->sum, sizeof *p->sum * (size_t)p->all);
}

static gr_status take(points *p)
{
    p->rank = gr__alloc(p->ctx, sizeof *p->rank * (size_t)(p->all * p->width));
    p->distance = gr__alloc(p->ctx, sizeof *p->distance * (size_t)(p->all * p->all));
    p->order = gr__alloc(p->ctx, sizeof *p->order * (size_t)p->all);
    p->sum = gr__alloc(p->ctx, sizeof *p->sum * (size_t)p->all);
    return p->rank && p->distance && p->order && p->sum ? GR_OK : GR_E_MEMORY;
}

/* ---- ranks ---- */

typedef struct placed {
    double x;
    int64_t point;
} placed;

static int by_number(const void *a, const void *b)
{
    double x = ((const placed *)a)->x, y = ((const placed *)b)->x;
    return (x > y) - (x < y);
}

/* Equal numbers share the middle of their ranks. */
static void rank_column(points *p, placed *column, int64_t k)
{
    qsort(column, (size_t)p->all, sizeof *column, by_number);
    for (int64_t i = 0; i < p->all;) {
        int64_t end = i;
        while (end < p->all && column[end].x == column[i].x) end++;
        for (int64_t j = i; j < end; j++)
            p->rank[column[j].point * p->width + k] = (double)(i + end) / 2 / (double)p->all;
        i = end;
    }
}

static gr_status rank_all(points *p, const double *a, const double *b)
{
    size_t bytes = sizeof(placed) * (size_t)p->all;
    placed *column = gr__alloc(p->ctx, bytes);
    if (!column) return GR_E_MEMORY;
    for (int64_t k = 0; k < p->width; k++) {
        for (int64_t i = 0; i < p->all; i++) {
            double x = i < p->n ? a[i * p->width + k] : b[(i - p->n) * p->width + k];
            column[i] = (placed){isnan(x) ? -INFINITY : x, i};
        }
        rank_column(p, column, k);
    }
    gr__free(p->ctx, column, bytes);
    return GR_OK;
}

/* ---- distances ---- */

static void measure(points *p)
{
    for (int64_t i = 0; i < p->all; i++) {
        p->sum[i] = 0;
        for (int64_t j = 0; j < p->all; j++) {
            const double *x = p->rank + i * p->width, *y = p->rank + j * p->width;
            double square = 0;
            if (j < i) {
                p->distance[i * p->all + j] = p->distance[j * p->all + i];
            } else {
                for (int64_t k = 0; k < p->width; k++) square += (x[k] - y[k]) * (x[k] - y[k]);
                p->distance[i * p->all + j] = (float)sqrt(square);
            }
            p->sum[i] += (double)p->distance[i * p->all + j];
        }
    }
}

/* Of the division, of which n is the smaller side: what lies between the sides is what is left of a side's sums. */
static double statistic(const points *p, double total)
{
    double within = 0, sums = 0;
    for (int64_t i = 0; i < p->n; i++) {
        const float *row = p->distance + (int64_t)p->order[i] * p->all;
        for (int64_t j = 0; j < i; j++) within += (double)row[p->order[j]];
        sums += p->sum[p->order[i]];
    }
    within *= 2; /* pairs count both ways */
    double between = sums - within, other = total - sums - between, n = (double)p->n, m = (double)p->m;
    return 2 * between / (n * m) - within / (n * n) - other / (m * m);
}

gr_status gr__two_sample_energy(gr_context *ctx, const double *a, int64_t n, const double *b, int64_t m, int64_t width,
                                uint64_t seed, gr_two_sample *out)
{
    points p = {.ctx = ctx, .n = n, .m = m, .all = n + m, .width = width};
    gr__rng rng = gr__rng_make(seed, "energy", 0, 0);
    double total = 0;
    int as_much = 1;
    *out = (gr_two_sample){0, 1};
    if (n < 1 || m < 1 || width < 1) return GR_OK;
    if (m < n) return gr__two_sample_energy(ctx, b, m, a, n, width, seed, out);
    gr_status st = take(&p);
    if (st == GR_OK) st = rank_all(&p, a, b);
    if (st != GR_OK) goto done;
    measure(&p);
    for (int64_t i = 0; i < p.all; i++) total += p.sum[i], p.order[i] = (uint32_t)i;
    out->statistic = statistic(&p, total);
    for (int draw = 0; draw < GR_ENERGY_DRAWS; draw++) {
        gr__rng_permutation(&rng, p.order, (size_t)p.all);
        as_much += statistic(&p, total) >= out->statistic * (1 - 1e-12);
    }
    out->p = (double)as_much / (GR_ENERGY_DRAWS + 1);
done:
    leave(&p);
    return st;
}
