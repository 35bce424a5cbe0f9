/* Rows of bytes summed with weights, for one instruction set. Each number is summed in the order of the rows, so that
 * all sets give the same bits. */
#include "data/picture/picture.h"

enum { BLOCK = 1024 }; /* numbers whose sums stay in the first-level cache */

static void first(float w, const uint8_t *restrict row, int64_t n, float *restrict line)
{
    for (int64_t i = 0; i < n; i++) line[i] = w * (float)row[i];
}

static void add(float w, const uint8_t *restrict row, int64_t n, float *restrict line)
{
    for (int64_t i = 0; i < n; i++) line[i] += w * (float)row[i];
}

/* Two at a time: sums are read and written once for both. */
static void add_two(float v, float w, const uint8_t *restrict a, const uint8_t *restrict b, int64_t n,
                    float *restrict line)
{
    for (int64_t i = 0; i < n; i++) line[i] = line[i] + v * (float)a[i] + w * (float)b[i];
}

void GR_ISA_FN(gr__sum_rows)(const gr__ring *r, const float *w, int64_t from, int64_t rows, float *line)
{
    for (int64_t at = 0; at < r->bytes; at += BLOCK) {
        int64_t n = GR_MIN(r->bytes - at, BLOCK), k = 1;
        first(w[0], gr__ring_row(r, from) + at, n, line + at);
        for (; k + 1 < rows; k += 2)
            add_two(w[k], w[k + 1], gr__ring_row(r, from + k) + at, gr__ring_row(r, from + k + 1) + at, n, line + at);
        if (k < rows) add(w[k], gr__ring_row(r, from + k) + at, n, line + at);
    }
}
