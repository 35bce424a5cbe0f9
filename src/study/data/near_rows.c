/* Rows of a table that nearly agree. Cells of a grid over a few directions hold those that may: rows nearer than a cell
 * is wide lie in the same cell or in one beside it. */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "study/data/near.h"

enum { DIRECTIONS = 3, ASKED = 200, KNOWN = 20000 };

static double square_distance(const double *a, const double *b, int64_t d, double enough)
{
    double sum = 0;
    for (int64_t k = 0; k < d && sum <= enough; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* In d' dimensions a share of c^d' rows has a neighbour c times nearer than usual; d' is what distances to the two
 * nearest neighbours say of the data, whose ratio is above 2^(1/d') for half of the rows: fewer than the columns where
 * these depend on each other. Medians, as a few rows that are there twice say nothing of the others. So near that 0.01
 * rows of n come by chance is too near for that. */
double gr__near_limit(const double *x, int64_t n, int64_t d, uint64_t seed)
{
    double nearest[ASKED], ratio[ASKED], usual = 1e-3 * sqrt((double)d);
    int64_t known = GR_MIN(n, KNOWN), found = 0;
    gr__rng r = gr__rng_make(seed, "near/limit", 0, 0);
    for (int q = 0; q < ASKED && n > 2; q++) {
        int64_t at = (int64_t)gr__rng_below(&r, (uint64_t)n), stride = n / known;
        double first = INFINITY, second = INFINITY;
        for (int64_t i = 0; i < known; i++) {
            double s = i * stride == at ? 0 : square_distance(x + at * d, x + i * stride * d, d, second);
            if (!(s > 0) || s >= second) continue; /* the same again tells nothing of the spread */
            if (s < first)
                second = first, first = s;
            else
                second = s;
        }
        if (!isfinite(second)) continue;
        ratio[found] = 0.5 * log(second / first);
        nearest[found++] = sqrt(first);
    }
    if (found < 10) return usual;
    qsort(nearest, (size_t)found, sizeof *nearest, by_number);
    qsort(ratio, (size_t)found, sizeof *ratio, by_number);
    double half = ratio[found / 2], dimension = half > 0 ? fmin(log(2) / half, (double)d) : (double)d;
    double scale = pow((double)known / (double)n, 1 / dimension); /* neighbours are nearer where there are more rows */
    return fmin(usual, nearest[found / 2] * scale * pow(0.01 / (double)n, 1 / dimension));
}

/* ---- search ---- */

typedef struct cell {
    int64_t place[DIRECTIONS];
    int64_t at;
} cell;

static int by_place(const void *a, const void *b)
{
    const cell *x = a, *y = b;
    for (int k = 0; k < DIRECTIONS; k++)
        if (x->place[k] != y->place[k]) return x->place[k] < y->place[k] ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Along directions of length 1, drawn once for all: those of no data. */
static void place_rows(const double *x, int64_t n, int64_t d, double width, double *direction, cell *out)
{
    for (int k = 0; k < DIRECTIONS; k++) {
        double square = 0;
        gr__rng r = gr__rng_make(1, "near/direction", (uint32_t)k, 0);
        for (int64_t j = 0; j < d; j++) {
            direction[j] = gr__rng_normal(&r);
            square += direction[j] * direction[j];
        }
        for (int64_t i = 0; i < n; i++) {
            double along = 0;
            for (int64_t j = 0; j < d; j++) along += direction[j] * x[i * d + j];
            out[i].place[k] = (int64_t)floor(fmax(-1e15, fmin(1e15, along / sqrt(square) / width)));
            out[i].at = i;
        }
    }
}

/* The first cell that is not before this place. */
static int64_t find_place(const cell *c, int64_t n, const int64_t *place)
{
    int64_t low = 0, high = n;
    cell wanted = {.at = -1};
    for (int k = 0; k < DIRECTIONS; k++) wanted.place[k] = place[k];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (by_place(&c[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Row i of the sorted cells against those of one column of cells beside it, place[2] - 1 to place[2] + 1. */
static void compare(const double *x, int64_t d, double limit, const cell *c, int64_t n, int64_t i, int64_t a, int64_t b,
                    gr_clusters *groups)
{
    const int64_t from[] = {c[i].place[0] + a, c[i].place[1] + b, c[i].place[2] - 1};
    for (int64_t j = find_place(c, n, from); j < n; j++) {
        if (c[j].place[0] != from[0] || c[j].place[1] != from[1] || c[j].place[2] > from[2] + 2) return;
        if (c[j].at <= c[i].at) continue;
        if (square_distance(x + c[i].at * d, x + c[j].at * d, d, limit * limit) < limit * limit)
            gr__clusters_join(groups, c[i].at, c[j].at);
    }
}

gr_status gr__near_rows(gr_context *ctx, const double *x, int64_t n, int64_t d, double limit, gr_clusters *groups)
{
    size_t bytes = (size_t)GR_MAX(n, 1) * sizeof(cell), width = (size_t)GR_MAX(d, 1) * sizeof(double);
    if (!(limit > 0)) return GR_OK;
    cell *c = gr__tensor_alloc(ctx, bytes);
    double *direction = c ? gr__alloc(ctx, width) : NULL;
    if (direction) {
        place_rows(x, n, d, limit, direction, c);
        qsort(c, (size_t)n, sizeof *c, by_place);
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < 9; k++) compare(x, d, limit, c, n, i, k / 3 - 1, k % 3 - 1, groups);
        gr__free(ctx, direction, width);
    }
    if (c) gr__tensor_free(ctx, c, bytes);
    return direction ? GR_OK : gr__error_code(ctx);
}
