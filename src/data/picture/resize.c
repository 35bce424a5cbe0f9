/* Antialiased bilinear resizing: each output is a weighted mean of the inputs below a triangle as wide as the scale, so
 * that all pixels of a large picture count. As Pillow's resize(BILINEAR), but that what stands between the two axes is
 * not rounded.
 *
 * Rows are summed first, a row of the output at a time from those inputs that are kept, then columns: where a picture
 * is made smaller, nearly all work is on whole rows, which compilers turn into vector code. Numbers are float32, added
 * in one order, so bits depend on no processor. */
#include <math.h>
#include <string.h>

#include "data/picture/picture.h"

/* Half the width of the triangle, in inputs. */
static double support_of(int64_t out, double low, double high)
{
    return fmax((high - low) / (double)out, 1);
}

int64_t gr__axis_taps(int64_t in, int64_t out, double low, double high)
{
    return GR_MIN((int64_t)ceil(support_of(out, low, high)) * 2 + 1, in);
}

static size_t granules(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t gr__axis_bytes(int64_t in, int64_t out, double low, double high)
{
    size_t weights = (size_t)out * (size_t)gr__axis_taps(in, out, low, high) * sizeof(float);
    return granules(weights) + 2 * granules((size_t)out * sizeof(int32_t));
}

void gr__axis_make(gr__axis *a, int64_t in, int64_t out, double low, double high, void *memory)
{
    double scale = (high - low) / (double)out, support = support_of(out, low, high);
    *a = (gr__axis){.in = in, .out = out, .taps = gr__axis_taps(in, out, low, high), .from = memory};
    a->n = (int32_t *)((char *)memory + granules((size_t)out * sizeof(int32_t)));
    a->weight = (float *)((char *)a->n + granules((size_t)out * sizeof(int32_t)));
    for (int64_t i = 0; i < out; i++) {
        double centre = low + ((double)i + 0.5) * scale, sum = 0;
        int64_t from = (int64_t)fmax(centre - support + 0.5, 0), to = (int64_t)fmin(centre + support + 0.5, (double)in);
        to = GR_MIN(to, from + a->taps);
        float *w = a->weight + i * a->taps;
        for (int64_t k = from; k < to; k++) sum += fmax(1 - fabs(((double)k + 0.5 - centre) / support), 0);
        for (int64_t k = from; k < to; k++)
            w[k - from] = (float)(fmax(1 - fabs(((double)k + 0.5 - centre) / support), 0) / sum);
        for (int64_t k = to; k < from + a->taps; k++) w[k - from] = 0;
        a->from[i] = (int32_t)from;
        a->n[i] = (int32_t)(to - from);
        a->most = GR_MAX(a->most, to - from);
    }
}

size_t gr__line_numbers(int64_t width, int64_t taps, int channels)
{
    return (size_t)(width + taps) * (size_t)channels + 1;
}

void gr__resizer_for(gr__resizer *r, gr__isa isa)
{
#if defined(__x86_64__)
    static const gr__sum_rows rows[] = {gr__sum_rows_baseline, gr__sum_rows_avx2, gr__sum_rows_avx512};
    static const gr__sum_columns columns[] = {gr__sum_columns_baseline, gr__sum_columns_avx2, gr__sum_columns_avx512};
    r->rows = rows[isa];
    r->columns = columns[isa];
#else
    (void)isa;
    r->rows = gr__sum_rows_baseline;
    r->columns = gr__sum_columns_baseline;
#endif
}

/* All rows of the output whose inputs have come. */
static void give_rows(gr__resizer *r)
{
    const gr__axis *y = &r->y;
    int64_t o = r->next_out;
    for (; o < y->out && y->from[o] + y->n[o] <= r->next_in; o++) {
        r->rows(&r->ring, y->weight + o * y->taps, y->from[o], y->n[o], r->line);
        r->columns(&r->x, r->line, r->channels, r->out + o * r->x.out * r->channels);
    }
    r->next_out = o;
}

void gr__resizer_row(void *resizer, const uint8_t *row)
{
    gr__resizer *r = resizer;
    memcpy(gr__ring_row(&r->ring, r->next_in), row, (size_t)r->ring.bytes);
    r->next_in++;
    give_rows(r);
}
