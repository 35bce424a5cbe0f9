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
        a->from[i] = (int32_t)from;
        a->n[i] = (int32_t)(to - from);
    }
}

size_t gr__resizer_bytes(int64_t width, int64_t taps, int channels)
{
    size_t row = (size_t)width * (size_t)channels;
    return granules(row * (size_t)taps) + granules((row + 1) * sizeof(float));
}

float *gr__resizer_line(uint8_t *ring, int64_t width, int64_t taps, int channels)
{
    return (float *)(ring + granules((size_t)width * (size_t)channels * (size_t)taps));
}

gr__sum_rows gr__sum_rows_get(gr__isa isa)
{
#if defined(__x86_64__)
    static const gr__sum_rows of[] = {gr__sum_rows_baseline, gr__sum_rows_avx2, gr__sum_rows_avx512};
    return of[isa];
#else
    (void)isa;
    return gr__sum_rows_baseline;
#endif
}

static uint8_t rounded(float x)
{
    int i = (int)(x + 0.5f); /* weights are positive and sum to 1: never far beyond 255 */
    return (uint8_t)GR_MIN(i, 255);
}

static void columns_grey(const gr__axis *a, const float *line, uint8_t *out)
{
    for (int64_t i = 0; i < a->out; i++) {
        const float *x = line + a->from[i], *w = a->weight + i * a->taps;
        float sum = 0;
        for (int32_t k = 0; k < a->n[i]; k++) sum += w[k] * x[k];
        out[i] = rounded(sum);
    }
}

/* The three of a pixel and the one behind them, which is not used, at once: the line has room for it. */
typedef float four __attribute__((vector_size(16)));

static void columns_colour(const gr__axis *a, const float *line, uint8_t *out)
{
    for (int64_t i = 0; i < a->out; i++, out += 3) {
        const float *x = line + 3 * (int64_t)a->from[i], *w = a->weight + i * a->taps;
        four sum = {0};
        for (int32_t k = 0; k < a->n[i]; k++, x += 3) {
            four pixel;
            memcpy(&pixel, x, sizeof pixel);
            sum += w[k] * pixel;
        }
        out[0] = rounded(sum[0]);
        out[1] = rounded(sum[1]);
        out[2] = rounded(sum[2]);
    }
}

/* All rows of the output whose inputs have come. */
static void give_rows(gr__resizer *r)
{
    const gr__axis *y = &r->y;
    int64_t o = r->next_out;
    for (; o < y->out && y->from[o] + y->n[o] <= r->next_in; o++) {
        r->sum(&r->ring, y->weight + o * y->taps, y->from[o], y->n[o], r->line);
        uint8_t *out = r->out + o * r->x.out * r->channels;
        if (r->channels == 1)
            columns_grey(&r->x, r->line, out);
        else
            columns_colour(&r->x, r->line, out);
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
