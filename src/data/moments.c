/* Statistics of training rows. */
#include "data/prepare/prepare.h"

#include <math.h>
#include <string.h>

#include "data/sample.h"

#define SHARD_BYTES ((int64_t)128 << 10) /* of rows read twice: they stay in the second-level cache */
#define FLUSH_ROWS 65536                 /* 65536 * 255^2 < 2^32: squares of so many bytes fit 32-bit sums */

void gr__moments_merge(gr__moments *a, const gr__moments *b)
{
    if (b->n == 0) return;
    double n = a->n + b->n, delta = b->mean - a->mean;
    a->m2 += b->m2 + delta * delta * (a->n * b->n / n);
    a->mean = a->n == 0 ? b->mean : a->mean + delta * (b->n / n);
    a->n = n;
}

__extension__ typedef unsigned __int128 u128;

/* Mean and spread after affine steps. */
static gr__moments after(gr__moments m, const gr_prepared *p, int n, int64_t e)
{
    gr__before in = gr__before_of(p, n, GR_EL_F64, &(double){m.mean});
    in.origin = e;
    gr__prepare_read(&in, e, &m.mean, 1);
    for (int i = 0; i < n; i++) {
        int count;
        const double *mul = gr__prepared_list(&p[i], "mul", &count);
        if (mul) m.m2 *= mul[e % count] * mul[e % count];
    }
    return m;
}

static bool affine(const gr_prepared *p, int n)
{
    for (int i = 0; i < n; i++)
        if (!p[i].step->affine) return false;
    return true;
}

/* ---- bytes: exact sums ---- */

static void add_bytes(const uint8_t *restrict x, uint32_t *restrict sum, uint32_t *restrict square, int64_t width)
{
    for (int64_t i = 0; i < width; i++) {
        uint32_t v = x[i];
        sum[i] += v;
        square[i] += v * v;
    }
}

static gr_status take_bytes(const gr__fitting *t, gr__moments *out, int64_t width)
{
    gr_context *ctx = t->ctx;
    const gr_rows *rows = t->train;
    size_t narrow = (size_t)width * 2 * sizeof(uint32_t), wide = (size_t)width * 2 * sizeof(uint64_t);
    uint32_t *sum = gr__alloc(ctx, narrow), *square = sum ? sum + width : NULL;
    uint64_t *total = gr__alloc(ctx, wide), *squares = total ? total + width : NULL;
    gr_status st = sum && total ? GR_OK : GR_E_MEMORY;
    for (int64_t i = 0; i < rows->n && st == GR_OK; i++) {
        const uint8_t *x = gr__fitting_sample(t, i);
        if (!x) {
            st = gr__error_code(ctx);
            break;
        }
        add_bytes(x, sum, square, width);
        if ((i + 1) % FLUSH_ROWS && i + 1 < rows->n) continue;
        for (int64_t e = 0; e < width; e++) {
            total[e] += sum[e];
            squares[e] += square[e];
        }
        memset(sum, 0, narrow);
    }
    double n = (double)rows->n;
    for (int64_t e = 0; e < width && st == GR_OK; e++) {
        u128 spread = (u128)squares[e] * (uint64_t)rows->n - (u128)total[e] * total[e]; /* n^2 times the variance */
        out[e] = after((gr__moments){n, (double)total[e] / n, (double)spread / n}, t->before, t->n_before, e);
    }
    gr__free(ctx, sum, narrow);
    gr__free(ctx, total, wide);
    return st;
}

/* ---- everything else: shards of two passes ---- */

/* Training row i after the steps, as doubles; what its length leaves out is not there, nor anything of what cannot be
 * read, which the context keeps. */
static void read_row(const gr__fitting *t, int64_t i, double *restrict x, int64_t width)
{
    const gr_field *f = t->x;
    const void *sample = gr__error_code(t->ctx) == GR_OK ? gr__fitting_sample(t, i) : NULL;
    uint32_t row = t->train->row[i];
    for (int64_t e = 0; e < width && !sample; e++) x[e] = (double)NAN;
    if (!sample) return;
    gr__before in = gr__before_of(t->before, t->n_before, f->element, sample);
    gr__prepare_read(&in, 0, x, width);
    for (int64_t e = gr__field_counts(f, row, width); e < width; e++) x[e] = (double)NAN;
}

typedef struct scratch {
    double *x, *shift, *sum, *mean, *count; /* one an element */
} scratch;

static void shard(const gr__fitting *f, int64_t first, int64_t n, const scratch *s, gr__moments *out, int64_t width)
{
    memset(s->sum, 0, (size_t)width * sizeof *s->sum);
    memset(s->count, 0, (size_t)width * sizeof *s->count);
    for (int64_t i = 0; i < n; i++) {
        read_row(f, first + i, s->x, width);
        for (int64_t e = 0; e < width; e++) {
            double d = s->x[e] - s->shift[e];
            bool there = d == d;
            s->sum[e] += there ? d : 0;
            s->count[e] += there;
        }
    }
    for (int64_t e = 0; e < width; e++) {
        s->mean[e] = s->count[e] > 0 ? s->sum[e] / s->count[e] : 0;
        s->sum[e] = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        read_row(f, first + i, s->x, width);
        for (int64_t e = 0; e < width; e++) {
            double d = s->x[e] - s->shift[e] - s->mean[e];
            s->sum[e] += d == d ? d * d : 0;
        }
    }
    for (int64_t e = 0; e < width; e++) {
        gr__moments m = {s->count[e], s->mean[e], s->sum[e]};
        gr__moments_merge(&out[e], &m);
    }
}

/* The first value of each element that is there. */
static void find_shift(const gr__fitting *f, const scratch *s, int64_t width)
{
    int64_t open = width;
    memset(s->count, 0, (size_t)width * sizeof *s->count);
    for (int64_t i = 0; i < f->train->n && open; i++) {
        read_row(f, i, s->x, width);
        for (int64_t e = 0; e < width; e++) {
            if (s->count[e] > 0 || isnan(s->x[e])) continue;
            s->shift[e] = s->x[e];
            s->count[e] = 1;
            open--;
        }
    }
}

static gr_status take_reals(const gr__fitting *f, gr__moments *out, int64_t width)
{
    const gr_rows *rows = f->train;
    size_t bytes = (size_t)width * 5 * sizeof(double);
    double *p = gr__alloc(f->ctx, bytes);
    gr_status st = GR_OK;
    if (!p) return GR_E_MEMORY;
    scratch s = {p, p + width, p + 2 * width, p + 3 * width, p + 4 * width};
    memset(out, 0, (size_t)width * sizeof *out);
    find_shift(f, &s, width);
    int64_t step = GR_MAX(SHARD_BYTES / (width * (int64_t)gr__element_bytes(f->x->element)), 16);
    for (int64_t i = 0; i < rows->n && st == GR_OK; i += step) {
        shard(f, i, GR_MIN(step, rows->n - i), &s, out, width);
        st = gr__error_code(f->ctx);
    }
    for (int64_t e = 0; e < width; e++) out[e].mean += s.shift[e];
    gr__free(f->ctx, p, bytes);
    return st;
}

gr_status gr__moments_take(const gr__fitting *f, int n, gr__moments *out)
{
    int64_t width = gr__fitting_width(f);
    size_t bytes = (size_t)width * sizeof(gr__moments);
    bool sums = f->x->element == GR_EL_U8 && !f->x->length && affine(f->before, f->n_before);
    gr__moments *m = gr__alloc(f->ctx, bytes);
    if (!m) return GR_E_MEMORY;
    gr_status st = sums ? take_bytes(f, m, width) : take_reals(f, m, width);
    for (int64_t e = n; e < width && st == GR_OK; e++) gr__moments_merge(&m[e % n], &m[e]);
    if (st == GR_OK) memcpy(out, m, (size_t)n * sizeof *m);
    gr__free(f->ctx, m, bytes);
    return st;
}
