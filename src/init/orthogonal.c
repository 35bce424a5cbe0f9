/* Orthogonal: rows or columns, whichever are fewer, at right angles and of one length, so that repeated multiplication
 * neither grows nor shrinks what runs through.                                                             [Saxe et al.
 * 2014; PyTorch nn.init.orthogonal_] Householder's QR in double. The signs of R's diagonal are taken into Q, which
 * makes it uniform over the orthogonal group (Mezzadri 2007, "How to generate random matrices from the classical
 * compact groups"); Q as the algorithm leaves it is not. */
#include <math.h>
#include <string.h>

#include "backend/cpu/isa.h"
#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("gain", TREE, "1", "a number > 0, or auto", "1",
           "every singular value; auto: PyTorch's, by what follows: 5/3 before tanh, sqrt(2) before ReLU, "
           "sqrt(2/(1+a^2)) before a leaky one, "
           "else 1"),
};

#define INLINE static inline __attribute__((always_inline))

/* Several partial sums, so that the compiler may use vectors: in one order always. */
INLINE double dot(const double *restrict a, const double *restrict b, int64_t n)
{
    double part[8] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) part[k] += a[i + k] * b[i + k];
    for (; i < n; i++) part[0] += a[i] * b[i];
    for (int k = 0; k < 8; k++) sum += part[k];
    return sum;
}

/* x <- x - scale (v x) v for m vectors, `stride` apart: one reflection; scale 0 leaves them alone. */
INLINE void reflect_plain(const double *restrict v, double scale, double *restrict x, int64_t n, int64_t stride,
                          int64_t m)
{
    for (int64_t k = 0; k < m; k++, x += stride) {
        double by = scale * dot(v, x, n);
        for (int64_t i = 0; i < n; i++) x[i] -= by * v[i];
    }
}

static void reflect_any(const double *v, double scale, double *x, int64_t n, int64_t stride, int64_t m)
{
    reflect_plain(v, scale, x, n, stride, m);
}

/* The same operations on more numbers at a time: the same bits, for products are never contracted with sums. */
#ifdef __x86_64__
__attribute__((target("avx2"))) static void reflect_avx2(const double *v, double scale, double *x, int64_t n,
                                                         int64_t stride, int64_t m)
{
    reflect_plain(v, scale, x, n, stride, m);
}

static bool has_avx2(void)
{
    return gr__isa_chosen() != GR__ISA_BASELINE;
}
#else
#define reflect_avx2 reflect_any
static bool has_avx2(void)
{
    return false;
}
#endif

/* Vectors that go through the reflections together: each reflection is fetched from memory once for all of them. A
 * vector sees the same operations in the same order whatever their number, so it changes no bit. */
enum { TOGETHER = 16 };

/* Working memory for n vectors of `length`. Vectors are drawn, brought through the reflections before them, and become
 * the next: only the reflections stay, the k-th of length - k numbers, and Q goes out some columns at a time. So a
 * square matrix takes no more than its own numbers in float32 do, and a few vectors. */
typedef struct workspace {
    double *reflections, *scale, *sign, *x; /* scale, sign: one a reflection, sign that of R[k,k]; x: the vectors */
    void (*reflect)(const double *v, double scale, double *x, int64_t n, int64_t stride, int64_t m);
} workspace;

static int64_t before(int64_t length, int64_t k) /* where the k-th reflection begins */
{
    return k * length - k * (k - 1) / 2;
}

static uint64_t work_bytes(int64_t n, int64_t length)
{
    return sizeof(double) * (uint64_t)(before(length, n) + 2 * n + GR_MIN(n, TOGETHER) * length);
}

static workspace workspace_in(double *memory, int64_t n, int64_t length)
{
    double *scale = memory + before(length, n);
    return (workspace){memory, scale, scale + n, scale + 2 * n, has_avx2() ? reflect_avx2 : reflect_any};
}

/* The k-th reflection on vectors x + from * length .. x + to * length. */
static void reflect_all(const workspace *w, int64_t length, int64_t k, int64_t from, int64_t to)
{
    w->reflect(w->reflections + before(length, k), w->scale[k], w->x + from * length + k, length - k, length,
               to - from);
}

/* The k-th reflection, of a vector that those before it have gone over. */
static void begin_reflection(const workspace *w, int64_t length, int64_t k, const double *x)
{
    double *v = w->reflections + before(length, k);
    int64_t rest = length - k;
    memcpy(v, x + k, sizeof *v * (size_t)rest);
    double norm = sqrt(dot(v, v, rest));
    w->sign[k] = v[0] > 0 ? -1 : 1; /* away from v[0], so that nothing cancels */
    v[0] -= w->sign[k] * norm;
    double square = dot(v, v, rest);
    w->scale[k] = square > 0 ? 2 / square : 0;
}

static void factorise(const workspace *w, int64_t n, int64_t length, gr__rng *rng)
{
    for (int64_t first = 0; first < n; first += TOGETHER) {
        int64_t m = GR_MIN(TOGETHER, n - first);
        for (int64_t i = 0; i < m * length; i++) w->x[i] = gr__rng_normal(rng);
        for (int64_t k = 0; k < first; k++) reflect_all(w, length, k, 0, m);
        for (int64_t i = 0; i < m; i++) {
            begin_reflection(w, length, first + i, w->x + i * length);
            reflect_all(w, length, first + i, i + 1, m);
        }
    }
}

/* Columns first .. first + m of Q into w->x; the reflections after the j-th leave the j-th unit vector alone. */
static void columns(const workspace *w, int64_t length, int64_t first, int64_t m)
{
    memset(w->x, 0, sizeof *w->x * (size_t)(m * length));
    for (int64_t i = 0; i < m; i++) w->x[i * length + first + i] = w->sign[first + i];
    for (int64_t k = first + m - 1; k >= 0; k--) reflect_all(w, length, k, GR_MAX(k - first, 0), m);
}

/* Rows and columns of each of the blocks that a parameter is made of. */
typedef struct sizes {
    int64_t blocks, height, width, n, length;
} sizes;

static sizes sizes_of(const gr_param_info *p)
{
    const gr_shape *shape = &p->entry.shape;
    int64_t height = shape->rank > 0 ? shape->dim[0] : 1, count = gr_shape_count(*shape);
    sizes s = {.blocks = GR_MAX(p->blocks, 1)};
    if (count == 0) return (sizes){0};
    s.height = height / s.blocks;
    s.width = count / height;
    s.n = GR_MIN(s.height, s.width);
    s.length = GR_MAX(s.height, s.width);
    return s;
}

static uint64_t work(const gr_param_info *p)
{
    sizes s = sizes_of(p);
    return s.blocks ? work_bytes(s.n, s.length) : 0;
}

static gr_status spread(const gr_settings *settings, const gr_init_target *t, void *memory, const gr_init_sink *to)
{
    sizes s = sizes_of(t->param);
    double gain = gr__gain(settings, t->param);
    workspace w = s.blocks ? workspace_in(memory, s.n, s.length) : (workspace){0};
    bool wide = s.height < s.width;
    for (int64_t b = 0; b < s.blocks; b++) {
        int64_t base = b * s.height * s.width;
        factorise(&w, s.n, s.length, t->rng);
        for (int64_t first = 0; first < s.n; first += TOGETHER) {
            int64_t m = GR_MIN(TOGETHER, s.n - first);
            columns(&w, s.length, first, m);
            for (int64_t i = 0; i < m * s.length; i++) w.x[i] *= gain;
            for (int64_t j = first; j < first + m; j++)
                to->put(to->user, base + (wide ? j * s.width : j), wide ? 1 : s.width, s.length,
                        w.x + (j - first) * s.length);
        }
    }
    return GR_OK;
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
    .spread = spread,
    .work = work,
};
