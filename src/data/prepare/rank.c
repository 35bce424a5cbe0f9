/* Order statistics of training rows. Values are looked at one by one, as often as is needed, so that nothing the size
 * of the data is held; only `mode` sorts a copy of its group. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/prepare/prepare.h"

typedef struct walk {
    const gr__fitting *f;
    int64_t width; /* of a sample after the steps before */
} walk;

static walk walk_of(const gr__fitting *f)
{
    return (walk){f, gr__fitting_width(f)};
}

/* Numbers first .. first + count of training row i; NaN where there is none. */
static void read(const walk *w, int64_t i, int64_t first, double *x, int64_t count)
{
    const gr__fitting *f = w->f;
    uint32_t row = f->train->row[i];
    const char *sample = (const char *)f->x->data +
                         (size_t)row * (size_t)gr_shape_count(f->x->sample) * gr__element_bytes(f->x->element);
    gr__before in = gr__before_of(f->before, f->n_before, f->x->element, sample);
    gr__prepare_read(&in, first, x, count);
    for (int64_t e = GR_MAX(gr__field_counts(f->x, row, w->width) - first, 0); e < count; e++) x[e] = (double)NAN;
}

gr_status gr__fitting_extents(const gr__fitting *f, int n, gr__extent *out)
{
    walk w = walk_of(f);
    double x[GR_PIECE];
    for (int i = 0; i < n; i++) out[i] = (gr__extent){0, (double)NAN, (double)NAN};
    for (int64_t i = 0; i < f->train->n; i++)
        for (int64_t e = 0, count; e < w.width; e += count) {
            count = GR_MIN(GR_PIECE, w.width - e);
            read(&w, i, e, x, count);
            for (int64_t k = 0; k < count; k++) {
                gr__extent *to = &out[(e + k) % n];
                if (isnan(x[k])) continue;
                to->least = to->n && to->least <= x[k] ? to->least : x[k];
                to->most = to->n && to->most >= x[k] ? to->most : x[k];
                to->n++;
            }
        }
    return GR_OK;
}

/* ---- quantiles: the value of a rank found digit by digit, 16 bits at a time ---- */

enum { DIGIT = 16, DIGITS = 1 << DIGIT };

/* Whole numbers in the order of the doubles. */
static uint64_t key_of(double x)
{
    uint64_t u;
    x = x == 0 ? 0 : x; /* -0 is 0 */
    memcpy(&u, &x, sizeof u);
    return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

static double value_of(uint64_t key)
{
    uint64_t u = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* How often each digit follows `front`, the digits before it. */
static void count_digits(const walk *w, int n, int64_t g, uint64_t front, int shift, int64_t *count)
{
    memset(count, 0, DIGITS * sizeof *count);
    for (int64_t i = 0; i < w->f->train->n; i++)
        for (int64_t e = g; e < w->width; e += n) {
            double x;
            read(w, i, e, &x, 1);
            uint64_t key = isnan(x) ? 0 : key_of(x);
            bool follows = shift + DIGIT == 64 || key >> (shift + DIGIT) == front >> (shift + DIGIT);
            if (!isnan(x) && follows) count[key >> shift & (DIGITS - 1)]++;
        }
}

/* The value of rank k from 0 on. */
static double select_rank(const walk *w, int n, int64_t g, int64_t k, int64_t *count)
{
    uint64_t front = 0;
    for (int shift = 64 - DIGIT; shift >= 0; shift -= DIGIT) {
        int64_t digit = 0;
        count_digits(w, n, g, front, shift, count);
        while (digit < DIGITS - 1 && k >= count[digit]) k -= count[digit++];
        front |= (uint64_t)digit << shift;
    }
    return value_of(front);
}

gr_status gr__fitting_quantile(const gr__fitting *f, int n, int64_t g, int64_t there, double q, double *out)
{
    walk w = walk_of(f);
    int64_t *count = gr__alloc(f->ctx, DIGITS * sizeof *count);
    if (!count) return GR_E_MEMORY;
    double at = q * (double)(there - 1), share = at - floor(at);
    int64_t k = (int64_t)floor(at);
    double low = select_rank(&w, n, g, k, count);
    double high = share > 0 ? select_rank(&w, n, g, GR_MIN(k + 1, there - 1), count) : low;
    *out = low + share * (high - low);
    gr__free(f->ctx, count, DIGITS * sizeof *count);
    return GR_OK;
}

/* ---- the mode ---- */

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double most_frequent(const double *x, int64_t n)
{
    int64_t best = 0, run = 0;
    double mode = x[0];
    for (int64_t i = 0; i < n; i++) {
        run = i && x[i] == x[i - 1] ? run + 1 : 1;
        if (run <= best) continue;
        best = run;
        mode = x[i];
    }
    return mode;
}

gr_status gr__fitting_mode(const gr__fitting *f, int n, int64_t g, int64_t there, double *out)
{
    walk w = walk_of(f);
    size_t bytes = (size_t)there * sizeof(double);
    int64_t k = 0;
    double *all = gr__alloc(f->ctx, bytes);
    if (!all) return GR_E_MEMORY;
    for (int64_t i = 0; i < f->train->n; i++)
        for (int64_t e = g; e < w.width; e += n) {
            double x;
            read(&w, i, e, &x, 1);
            if (!isnan(x) && k < there) all[k++] = x == 0 ? 0 : x;
        }
    qsort(all, (size_t)k, sizeof *all, by_value);
    *out = most_frequent(all, k);
    gr__free(f->ctx, all, bytes);
    return GR_OK;
}
