/* Orthogonal: rows or columns, whichever are fewer, at right angles and of one length, so that repeated multiplication
 * neither grows nor shrinks what runs through.                                                             [Saxe et al.
 * 2014; PyTorch nn.init.orthogonal_] Householder's QR in double. The signs of R's diagonal are taken into Q, which
 * makes it uniform over the orthogonal group (Mezzadri 2007, "How to generate random matrices from the classical
 * compact groups"); Q as the algorithm leaves it is not. */
#include <math.h>
#include <string.h>

#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("gain", TREE, "1", "a number > 0, or auto", "1",
           "every singular value; auto: PyTorch's, by what follows: 5/3 before tanh, sqrt(2) before ReLU, "
           "sqrt(2/(1+a^2)) before a leaky one, "
           "else 1"),
};

/* Several partial sums, so that the compiler may use vectors: in one order always. */
static double dot(const double *restrict a, const double *restrict b, int64_t n)
{
    double part[8] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) part[k] += a[i + k] * b[i + k];
    for (; i < n; i++) part[0] += a[i] * b[i];
    for (int k = 0; k < 8; k++) sum += part[k];
    return sum;
}

/* x <- x - scale (v x) v: one reflection; scale 0 leaves x alone. */
static void reflect(const double *restrict v, double scale, double *restrict x, int64_t n)
{
    double by = scale * dot(v, x, n);
    for (int64_t i = 0; i < n; i++) x[i] -= by * v[i];
}

/* n vectors of `length` each, one after the other, become the reflections that bring them to triangular form; sign[k]
 * is that of R[k,k]. */
static void factorise(double *vectors, int64_t n, int64_t length, double *scale, double *sign)
{
    for (int64_t k = 0; k < n; k++) {
        double *v = vectors + k * length + k;
        int64_t rest = length - k;
        double norm = sqrt(dot(v, v, rest));
        sign[k] = v[0] > 0 ? -1 : 1; /* away from v[0], so that nothing cancels */
        v[0] -= sign[k] * norm;
        double square = dot(v, v, rest);
        scale[k] = square > 0 ? 2 / square : 0;
        for (int64_t j = k + 1; j < n; j++) reflect(v, scale[k], vectors + j * length + k, rest);
    }
}

/* Column j of Q; the reflections after the j-th leave the j-th unit vector alone. */
static void column(const double *vectors, int64_t length, const double *scale, const double *sign, int64_t j, double *q)
{
    memset(q, 0, sizeof *q * (size_t)length);
    q[j] = sign[j];
    for (int64_t k = j; k >= 0; k--) reflect(vectors + k * length + k, scale[k], q + k, length - k);
}

/* A matrix of rows x columns. */
static gr_status fill_block(gr_context *ctx, gr__rng *rng, double gain, int64_t n_rows, int64_t n_columns,
                            double *values)
{
    bool wide = n_rows < n_columns;
    int64_t n = wide ? n_rows : n_columns, length = wide ? n_columns : n_rows;
    size_t bytes = sizeof(double) * (size_t)(n * length + 2 * n + length);
    double *vectors = gr__alloc(ctx, bytes);
    if (!vectors) return GR_E_MEMORY;
    double *scale = vectors + n * length, *sign = scale + n, *q = sign + n;
    for (int64_t i = 0; i < n * length; i++) vectors[i] = gr__rng_normal(rng);
    factorise(vectors, n, length, scale, sign);
    for (int64_t j = 0; j < n; j++) {
        column(vectors, length, scale, sign, j, q);
        for (int64_t i = 0; i < length; i++) values[wide ? j * n_columns + i : i * n_columns + j] = gain * q[i];
    }
    gr__free(ctx, vectors, bytes);
    return GR_OK;
}

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    const gr_shape *shape = &t->param->entry.shape;
    int64_t n_rows = shape->rank > 0 ? shape->dim[0] : 1, blocks = GR_MAX(t->param->blocks, 1);
    gr_status st = GR_OK;
    if (t->count == 0) return GR_OK;
    int64_t n_columns = t->count / n_rows, each = n_rows / blocks;
    for (int64_t b = 0; b < blocks && st == GR_OK; b++)
        st = fill_block(ctx, t->rng, gr__gain(s, t->param), each, n_columns, values + b * each * n_columns);
    return st;
}

GR_INIT(orthogonal) = {
    .head =
        {
            .family = "init",
            .name = "orthogonal",
            .title = "Orthogonal: all singular values equal",
            .cite = "Saxe et al. 2014; Mezzadri 2007",
            .equations = "A[i,j] ~ N(0, 1), A = Q R, W = gain Q diag(sign(diag R))        first axis by all others; A "
                         "transposed where "
                         "rows < columns\n"
                         "W^T W = gain^2 I (rows >= columns) or W W^T = gain^2 I            gate blocks of recurrent "
                         "matrices each alone",
            GR_ROWS(rows),
        },
    .weights_only = true,
    .check = gr__gain_check,
    .fill = fill,
};
