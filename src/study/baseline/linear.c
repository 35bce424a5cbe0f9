/* Least squares, exactly: rows less their means are rotated into a triangle block by block (Householder), which is then
 * solved. Where numbers of the samples depend on each other there are many solutions, of which the shortest is taken,
 * by a complete orthogonal decomposition. No ridge. [Golub & Van Loan, Matrix Computations, 5.2, 5.5] */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/baseline/job.h"

static const size_t MOST_TRIANGLES = (size_t)256 << 20; /* bytes of those of all shards */

typedef struct squares {
    gr_baseline_job *j;
    const gr__rows_kernels *kernels;
    int64_t width, outputs, all, apart; /* numbers of a sample, values, both; from one row to the next */
    int shards;
    double *triangle; /* of each shard all x apart; the first becomes that of all rows */
    double *sum;      /* of each shard: of the weighted numbers of its samples, then of its values */
    double *mean;     /* of each number and value */
    double *room;     /* of each worker: a block, a row, a column of a block */
    size_t triangle_bytes, sum_bytes, mean_bytes, room_bytes;
} squares;

static int64_t room_of(const squares *s)
{
    return (GR_FEATURE_ROWS + 1) * s->apart + GR_FEATURE_ROWS;
}

/* ---- means ---- */

static void add_block(void *user, const gr_feature_block *b)
{
    const squares *s = user;
    double *sum = s->sum + b->shard * s->apart;
    for (int64_t i = 0; i < b->n; i++) {
        double w = s->j->train.weight[b->first + i];
        const double *x = b->x + i * s->j->train.apart, *y = s->j->value + (b->first + i) * s->outputs;
        for (int64_t e = 0; e < s->width; e++) sum[e] += w * x[e];
        for (int64_t k = 0; k < s->outputs; k++) sum[s->width + k] += w * y[k];
    }
}

static gr_status take_means(squares *s)
{
    double all = 0;
    gr_status st = gr__features_walk(&s->j->train, add_block, s);
    for (int64_t i = 0; i < s->j->train.n; i++) all += s->j->train.weight[i];
    for (int k = 0; k < s->shards; k++)
        for (int64_t e = 0; e < s->all; e++) s->mean[e] += s->sum[k * s->apart + e] / all;
    return st;
}

/* ---- rows into a triangle ---- */

/* Rows below the triangle become 0, one column after the other; room: a row, a column. */
static void rotate(const squares *s, double *triangle, double *x, int64_t n, double *room)
{
    double *w = room, *v = room + s->apart;
    for (int64_t j = 0; j < s->all; j++) {
        double *row = triangle + j * s->apart, sum = 0;
        for (int64_t i = 0; i < n; i++) v[i] = x[i * s->apart + j], sum += v[i] * v[i];
        if (sum == 0) continue;
        int64_t from = j / GR__ROW_STEP * GR__ROW_STEP;
        double to = -copysign(sqrt(row[j] * row[j] + sum), row[j]), first = row[j] - to, by = 2 / (first * first + sum);
        memset(w + from, 0, (size_t)(s->apart - from) * sizeof *w);
        s->kernels->sums(x, n, s->apart, from, v, 1, w);
        s->kernels->sums(row, 1, s->apart, from, &first, 1, w);
        for (int64_t e = from; e < s->apart; e++) w[e] *= by;
        s->kernels->reflect(x, n, s->apart, from, v, w);
        s->kernels->reflect(row, 1, s->apart, from, &first, w);
        row[j] = to;
        for (int64_t i = 0; i < n; i++) x[i * s->apart + j] = 0;
    }
}

static void rotate_block(void *user, const gr_feature_block *b)
{
    const squares *s = user;
    double *x = s->room + b->worker * room_of(s);
    for (int64_t i = 0; i < b->n; i++) {
        double w = sqrt(s->j->train.weight[b->first + i]), *to = x + i * s->apart;
        const double *from = b->x + i * s->j->train.apart, *y = s->j->value + (b->first + i) * s->outputs;
        for (int64_t e = 0; e < s->width; e++) to[e] = w * (from[e] - s->mean[e]);
        for (int64_t k = 0; k < s->outputs; k++) to[s->width + k] = w * (y[k] - s->mean[s->width + k]);
        for (int64_t e = s->all; e < s->apart; e++) to[e] = 0;
    }
    rotate(s, s->triangle + b->shard * s->all * s->apart, x, b->n, x + GR_FEATURE_ROWS * s->apart);
}

static gr_status rotate_all(squares *s)
{
    gr_status st = gr__features_walk(&s->j->train, rotate_block, s);
    for (int k = 1; k < s->shards && st == GR_OK; k++)
        for (int64_t i = 0; i < s->all && st == GR_OK; i += GR_FEATURE_ROWS) {
            double *x = s->triangle + (k * s->all + i) * s->apart;
            rotate(s, s->triangle, x, GR_MIN(GR_FEATURE_ROWS, s->all - i), s->room);
            st = gr__baseline_pause(s->j, "linear", 0.5 + 0.4 * k / s->shards);
        }
    return st;
}

/* ---- the shortest solution of a triangle ---- */

typedef struct solving {
    int64_t n, m;  /* unknowns, values */
    double *a;     /* n columns of n numbers, later of `rank` rows of n; each reflector stands where it made zeros */
    double *z;     /* m columns of n: right sides, then solutions */
    double *scale; /* of each reflector: 2 / its square */
    int64_t *order;
    int64_t rank;
} solving;

static double dot(const double *a, const double *b, int64_t n)
{
    double part[8] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) part[k] += a[i + k] * b[i + k];
    for (; i < n; i++) part[0] += a[i] * b[i];
    for (int k = 0; k < 8; k++) sum += part[k];
    return sum;
}

/* Makes the reflector of v[0..n) in place, which takes it to `to` and zeros. */
static double reflector(double *v, int64_t n, double *scale)
{
    double norm = sqrt(dot(v, v, n)), to = -copysign(norm, v[0]);
    v[0] -= to;
    double square = dot(v, v, n);
    *scale = square > 0 ? 2 / square : 0;
    return to;
}

static void reflect(const double *v, double scale, double *x, int64_t n)
{
    double by = scale * dot(v, x, n);
    for (int64_t i = 0; i < n; i++) x[i] -= by * v[i];
}

static void swap_columns(solving *s, int64_t a, int64_t b)
{
    int64_t o = s->order[a];
    s->order[a] = s->order[b], s->order[b] = o;
    for (int64_t i = 0; i < s->n && a != b; i++) {
        double x = s->a[a * s->n + i];
        s->a[a * s->n + i] = s->a[b * s->n + i], s->a[b * s->n + i] = x;
    }
}

/* The longest column is always next, so that what is left at the end is the rank's. least: of the first diagonal. */
static void find_rank(solving *s, double *diagonal, double least)
{
    int64_t n = s->n;
    for (int64_t k = 0; k < n; k++) {
        int64_t longest = k;
        double most = -1;
        for (int64_t c = k; c < n; c++) {
            double square = dot(s->a + c * n + k, s->a + c * n + k, n - k);
            if (square > most) most = square, longest = c;
        }
        swap_columns(s, k, longest);
        double *v = s->a + k * n + k;
        diagonal[k] = reflector(v, n - k, &s->scale[k]);
        if (fabs(diagonal[k]) <= least * fabs(diagonal[0])) return;
        for (int64_t c = k + 1; c < n; c++) reflect(v, s->scale[k], s->a + c * n + k, n - k);
        for (int64_t c = 0; c < s->m; c++) reflect(v, s->scale[k], s->z + c * n + k, n - k);
        s->rank = k + 1;
    }
}

/* t: rank x n, its rows those of the triangle. */
static void gather_rows(const solving *s, const double *diagonal, double *t)
{
    for (int64_t k = 0; k < s->rank; k++)
        for (int64_t c = 0; c < s->n; c++) t[k * s->n + c] = c < k ? 0 : c == k ? diagonal[k] : s->a[c * s->n + k];
}

/* The rows, rotated on their own side, are a triangle again, whose solution and zeros are rotated back. */
static void solve(solving *s, double *t, double *diagonal)
{
    int64_t n = s->n, r = s->rank;
    for (int64_t k = 0; k < r; k++) {
        double *v = t + k * n + k;
        diagonal[k] = reflector(v, n - k, &s->scale[k]);
        for (int64_t c = k + 1; c < r; c++) reflect(v, s->scale[k], t + c * n + k, n - k);
    }
    for (int64_t c = 0; c < s->m; c++) {
        double *z = s->z + c * n;
        for (int64_t k = 0; k < r; k++) z[k] = (z[k] - dot(t + k * n, z, k)) / diagonal[k];
        memset(z + r, 0, (size_t)(n - r) * sizeof *z);
        for (int64_t k = r - 1; k >= 0; k--) reflect(t + k * n + k, s->scale[k], z + k, n - k);
    }
}

/* w: outputs rows of coefficients as the features' rows take them. */
static gr_status solve_triangle(const squares *s, double *w, int64_t *rank)
{
    gr_context *ctx = s->j->ctx;
    int64_t n = s->width, m = s->outputs, apart = s->j->train.apart;
    size_t bytes = sizeof(double) * (size_t)(2 * n * n + n * m + 2 * n) + sizeof(int64_t) * (size_t)n;
    double *room = gr__tensor_alloc(ctx, bytes);
    if (!room) return gr__error_code(ctx);
    double *t = room + n * n, *diagonal = t + n * n + n * m + n;
    solving of = {n, m, room, t + n * n, t + n * n + n * m, (int64_t *)(void *)(diagonal + n), 0};
    for (int64_t c = 0; c < n; c++) {
        of.order[c] = c;
        for (int64_t i = 0; i <= c; i++) of.a[c * n + i] = s->triangle[i * s->apart + c];
    }
    for (int64_t c = 0; c < m; c++)
        for (int64_t i = 0; i < n; i++) of.z[c * n + i] = s->triangle[i * s->apart + n + c];
    find_rank(&of, diagonal, (double)GR_MAX(s->j->train.n, n) * DBL_EPSILON);
    gather_rows(&of, diagonal, t);
    solve(&of, t, diagonal);
    for (int64_t c = 0; c < m; c++) {
        double *to = w + c * apart, plus = s->mean[n + c];
        for (int64_t i = 0; i < n; i++) to[of.order[i]] = of.z[c * n + i];
        for (int64_t i = 0; i < n; i++) plus -= to[i] * s->mean[i];
        to[n] = plus;
    }
    *rank = of.rank;
    gr__tensor_free(ctx, room, bytes);
    return GR_OK;
}

/* ---- the model ---- */

static gr_status open_squares(gr_baseline_job *j, squares *s)
{
    int64_t all = j->train.width + j->outputs, apart = (all + GR__ROW_STEP - 1) / GR__ROW_STEP * GR__ROW_STEP;
    size_t triangle = sizeof(double) * (size_t)(all * apart), most = MOST_TRIANGLES / triangle;
    *s = (squares){.j = j,
                   .kernels = gr__rows_kernels_chosen(),
                   .width = j->train.width,
                   .outputs = j->outputs,
                   .all = all,
                   .apart = apart,
                   .shards = (int)GR_MIN(GR_MAX(most, 1), GR_FEATURE_SHARDS)};
    s->triangle_bytes = triangle * (size_t)s->shards;
    s->sum_bytes = sizeof(double) * (size_t)(s->shards * apart);
    s->mean_bytes = sizeof(double) * (size_t)apart;
    s->room_bytes = sizeof(double) * (size_t)(room_of(s) * j->train.workers);
    s->triangle = gr__tensor_alloc(j->ctx, s->triangle_bytes);
    s->sum = s->triangle ? gr__tensor_alloc(j->ctx, s->sum_bytes) : NULL;
    s->mean = s->sum ? gr__tensor_alloc(j->ctx, s->mean_bytes) : NULL;
    s->room = s->mean ? gr__tensor_alloc(j->ctx, s->room_bytes) : NULL;
    j->train.shards = s->shards;
    return s->room ? GR_OK : gr__error_code(j->ctx);
}

static void close_squares(squares *s)
{
    gr_context *ctx = s->j->ctx;
    if (s->room) gr__tensor_free(ctx, s->room, s->room_bytes);
    if (s->mean) gr__tensor_free(ctx, s->mean, s->mean_bytes);
    if (s->sum) gr__tensor_free(ctx, s->sum, s->sum_bytes);
    if (s->triangle) gr__tensor_free(ctx, s->triangle, s->triangle_bytes);
    s->j->train.shards = GR_FEATURE_SHARDS;
}

gr_status gr__baseline_linear(gr_baseline_job *j, gr_baseline *out)
{
    size_t bytes = sizeof(double) * (size_t)(j->outputs * j->train.apart);
    double *w = gr__tensor_alloc(j->ctx, bytes);
    squares s;
    int64_t rank = 0;
    gr_status st = w ? open_squares(j, &s) : gr__error_code(j->ctx);
    if (!w) return st;
    if (st == GR_OK) st = take_means(&s);
    if (st == GR_OK) st = gr__baseline_pause(j, "linear", 0.1);
    if (st == GR_OK) st = rotate_all(&s);
    if (st == GR_OK) st = solve_triangle(&s, w, &rank);
    if (st == GR_OK) st = gr__baseline_answer(j, w, j->outputs, NULL);
    snprintf(out->settings, sizeof out->settings, "least squares, ridge 0, rank %lld of %lld", (long long)rank,
             (long long)j->train.width);
    close_squares(&s);
    gr__tensor_free(j->ctx, w, bytes);
    return st;
}
