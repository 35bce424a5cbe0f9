/* Pictures that look alike: a hash of 64 bits finds candidates, a small form confirms them.
 *
 * Two hashes that differ in at most 4 bits are equal in one of 5 bands of bits at least, so only pictures that share a
 * band are compared. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/data/near.h"

enum { BANDS = GR_LOOK_APART + 1 };

/* ---- looks ---- */

/* Means over the places of a w x h grid, each covering its share of the picture, parts of pixels included. */
static void shrink(const double *x, int64_t height, int64_t width, int h, int w, double *out)
{
    for (int i = 0; i < h; i++) {
        double top = (double)height * i / h, bottom = (double)height * (i + 1) / h;
        for (int j = 0; j < w; j++) {
            double left = (double)width * j / w, right = (double)width * (j + 1) / w, sum = 0;
            for (int64_t r = (int64_t)top; r < height && (double)r < bottom; r++) {
                double tall = fmin(bottom, (double)r + 1) - fmax(top, (double)r);
                for (int64_t c = (int64_t)left; c < width && (double)c < right; c++)
                    sum += x[r * width + c] * tall * (fmin(right, (double)c + 1) - fmax(left, (double)c));
            }
            out[i * w + j] = sum / ((bottom - top) * (right - left));
        }
    }
}

/* ITU-R 601 of red, green and blue. */
static double grey(const double *x, int64_t channels)
{
    double sum = 0;
    if (channels == 3) return 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2];
    for (int64_t c = 0; c < channels; c++) sum += x[c];
    return sum / (double)channels;
}

void gr__look(const double *x, int64_t height, int64_t width, int64_t channels, double low, double high, double *room,
              gr_near_look *out)
{
    double grid[GR_LOOK_BYTES], scale = high > low ? 255 / (high - low) : 0;
    for (int64_t i = 0; i < height * width; i++) room[i] = (grey(x + i * channels, channels) - low) * scale;
    shrink(room, height, width, GR_LOOK_SIDE, GR_LOOK_SIDE, grid);
    for (int i = 0; i < GR_LOOK_BYTES; i++) out->small[i] = (uint8_t)fmin(255, fmax(0, rint(grid[i])));
    shrink(room, height, width, 8, 9, grid);
    out->hash = 0;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) out->hash |= (uint64_t)(grid[i * 9 + j] < grid[i * 9 + j + 1]) << (i * 8 + j);
}

/* ---- search ---- */

typedef struct entry {
    uint64_t band;
    int64_t at;
} entry;

static int by_band(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->band != y->band) return x->band < y->band ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* 13 bits of four bands, 12 of the last. */
static uint64_t band_of(uint64_t hash, int band)
{
    return hash >> 13 * band & (band < BANDS - 1 ? 0x1fff : 0xfff);
}

static bool look_alike(const gr_near_look *a, const gr_near_look *b)
{
    unsigned sum = 0;
    for (int i = 0; i < GR_LOOK_BYTES; i++) sum += (unsigned)abs(a->small[i] - b->small[i]);
    return sum < GR_LOOK_APART * GR_LOOK_BYTES;
}

/* Those of a run that share a band; a pair that shares an earlier one has been compared there. */
static void compare_run(const gr_near_look *look, const entry *e, int64_t n, int band, gr_clusters *groups)
{
    for (int64_t i = 0; i < n; i++) {
        const gr_near_look *a = &look[e[i].at];
        for (int64_t j = i + 1; j < n; j++) {
            const gr_near_look *b = &look[e[j].at];
            uint64_t differ = a->hash ^ b->hash;
            if (__builtin_popcountll(differ) > GR_LOOK_APART) continue;
            bool before = false;
            for (int k = 0; k < band; k++) before |= band_of(differ, k) == 0;
            if (before || gr__clusters_of(groups, e[i].at) == gr__clusters_of(groups, e[j].at)) continue;
            if (look_alike(a, b)) gr__clusters_join(groups, e[i].at, e[j].at);
        }
    }
}

gr_status gr__near_pictures(gr_context *ctx, const gr_near_look *look, const int64_t *which, int64_t n,
                            gr_clusters *groups)
{
    size_t bytes = (size_t)GR_MAX(n, 1) * sizeof(entry);
    entry *e = gr__tensor_alloc(ctx, bytes);
    if (!e) return gr__error_code(ctx);
    for (int band = 0; band < BANDS; band++) {
        for (int64_t i = 0; i < n; i++) {
            int64_t at = which ? which[i] : i;
            e[i] = (entry){band_of(look[at].hash, band), at};
        }
        qsort(e, (size_t)n, sizeof *e, by_band);
        for (int64_t i = 0, end; i < n; i = end) {
            for (end = i + 1; end < n && e[end].band == e[i].band; end++) {
            }
            compare_run(look, e + i, end - i, band, groups);
        }
    }
    gr__tensor_free(ctx, e, bytes);
    return GR_OK;
}
