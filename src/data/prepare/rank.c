/* Order statistics of training rows. Values are looked at one by one, as often as is needed, so that nothing the size
 * of the data is held; only `mode` sorts a copy of its group. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/prepare/prepare.h"

/* A training row after the steps before. */
typedef struct row {
    gr__before in;
    int64_t there; /* how many of its numbers count */
} row;

/* false: it cannot be read, which the context keeps. */
static bool open_row(const gr__fitting *f, int64_t i, int64_t width, row *out)
{
    const void *sample = gr__error_code(f->ctx) == GR_OK ? gr__fitting_sample(f, i) : NULL;
    if (!sample) return false;
    *out = (row){gr__before_of(f->before, f->n_before, f->x->element, sample),
                 gr__field_counts(f->x, f->train->row[i], width)};
    return true;
}

gr_status gr__fitting_extents(const gr__fitting *f, int n, gr__extent *out)
{
    int64_t width = gr__fitting_width(f);
    double x[GR_PIECE];
    row r;
    for (int i = 0; i < n; i++) out[i] = (gr__extent){0, (double)NAN, (double)NAN};
    for (int64_t i = 0; i < f->train->n && open_row(f, i, width, &r); i++)
        for (int64_t e = 0, count; e < r.there; e += count) {
            count = GR_MIN(GR_PIECE, r.there - e);
            gr__prepare_read(&r.in, e, x, count);
            for (int64_t k = 0; k < count; k++) {
                gr__extent *to = &out[(e + k) % n];
                if (isnan(x[k])) continue;
                to->least = to->n && to->least <= x[k] ? to->least : x[k];
                to->most = to->n && to->most >= x[k] ? to->most : x[k];
                to->n++;
            }
        }
    return gr__error_code(f->ctx);
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
static void count_digits(const gr__fitting *f, int n, int64_t g, uint64_t front, int shift, int64_t *count)
{
    int64_t width = gr__fitting_width(f);
    row r;
    memset(count, 0, DIGITS * sizeof *count);
    for (int64_t i = 0; i < f->train->n && open_row(f, i, width, &r); i++)
        for (int64_t e = g; e < r.there; e += n) {
            double x;
            gr__prepare_read(&r.in, e, &x, 1);
            uint64_t key = isnan(x) ? 0 : key_of(x);
            bool follows = shift + DIGIT == 64 || key >> (shift + DIGIT) == front >> (shift + DIGIT);
            if (!isnan(x) && follows) count[key >> shift & (DIGITS - 1)]++;
        }
}

/* The value of rank k from 0 on. */
static double select_rank(const gr__fitting *f, int n, int64_t g, int64_t k, int64_t *count)
{
    uint64_t front = 0;
    for (int shift = 64 - DIGIT; shift >= 0; shift -= DIGIT) {
        int64_t digit = 0;
        count_digits(f, n, g, front, shift, count);
        while (digit < DIGITS - 1 && k >= count[digit]) k -= count[digit++];
        front |= (uint64_t)digit << shift;
    }
    return value_of(front);
}

gr_status gr__fitting_quantile(const gr__fitting *f, int n, int64_t g, int64_t there, double q, double *out)
{
    int64_t *count = gr__alloc(f->ctx, DIGITS * sizeof *count);
    if (!count) return GR_E_MEMORY;
    double at = q * (double)(there - 1), share = at - floor(at);
    int64_t k = (int64_t)floor(at);
    double low = select_rank(f, n, g, k, count);
    double high = share > 0 ? select_rank(f, n, g, GR_MIN(k + 1, there - 1), count) : low;
    *out = low + share * (high - low);
    gr__free(f->ctx, count, DIGITS * sizeof *count);
    return gr__error_code(f->ctx);
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
    int64_t width = gr__fitting_width(f);
    row r;
    size_t bytes = (size_t)there * sizeof(double);
    int64_t k = 0;
    double *all = gr__alloc(f->ctx, bytes);
    if (!all) return GR_E_MEMORY;
    for (int64_t i = 0; i < f->train->n && open_row(f, i, width, &r); i++)
        for (int64_t e = g; e < r.there; e += n) {
            double x;
            gr__prepare_read(&r.in, e, &x, 1);
            if (!isnan(x) && k < there) all[k++] = x == 0 ? 0 : x;
        }
    qsort(all, (size_t)k, sizeof *all, by_value);
    if (k) *out = most_frequent(all, k);
    gr__free(f->ctx, all, bytes);
    return gr__error_code(f->ctx);
}
