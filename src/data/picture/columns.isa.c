/* Columns of a line summed with weights, for one instruction set: a line is a row of sums, which becomes a row of
 * bytes. Each number is summed in the order of the columns, so that all sets give the same bits. As many columns are
 * read for each number, so that no branch depends on which it is; those that are too many have the weight 0. */
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "data/picture/picture.h"

/* Weights are positive and sum to 1: never far beyond 255. */
static inline uint8_t rounded(float x)
{
    int i = (int)(x + 0.5f);
    return (uint8_t)GR_MIN(i, 255);
}

static void grey(const gr__axis *a, const float *line, uint8_t *out)
{
    for (int64_t i = 0; i < a->out; i++) {
        const float *x = line + a->from[i], *w = a->weight + i * a->taps;
        float sum = 0;
        for (int64_t k = 0; k < a->most; k++) sum += w[k] * x[k];
        out[i] = rounded(sum);
    }
}

/* The three of a pixel and the one behind them, which is not used, at once: the line has room for it. */
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_whole __attribute__((vector_size(16)));

static inline uint32_t bytes_of(four x)
{
    four_whole whole = __builtin_convertvector(x, four_whole);
#if defined(__SSE2__) /* compilers know no better than one by one */
    __m128i words = _mm_packs_epi32((__m128i)whole, (__m128i)whole);
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(words, words));
#else
    uint8_t each[4];
    uint32_t all;
    for (int k = 0; k < 4; k++) each[k] = (uint8_t)GR_MIN(whole[k], 255);
    memcpy(&all, each, sizeof all);
    return all;
#endif
}

static inline uint32_t colour(const float *x, const float *w, int64_t most)
{
    const four half = {0.5f, 0.5f, 0.5f, 0.5f};
    four sum = {0};
    for (int64_t k = 0; k < most; k++, x += 3) {
        four pixel;
        memcpy(&pixel, x, sizeof pixel);
        sum += w[k] * pixel;
    }
    return bytes_of(sum + half);
}

static inline void colours(const gr__axis *a, const float *line, int64_t most, uint8_t *out)
{
    const int32_t *from = a->from;
    const float *w = a->weight;
    int64_t n = a->out, taps = a->taps;
    uint32_t pixel;
    for (int64_t i = 0; i + 1 < n;
         i++, out += 3, w += taps) { /* the fourth byte is the next pixel's, which comes then */
        pixel = colour(line + 3 * (int64_t)from[i], w, most);
        memcpy(out, &pixel, 4);
    }
    pixel = colour(line + 3 * (int64_t)from[n - 1], w, most);
    memcpy(out, &pixel, 3);
}

void GR_ISA_FN(gr__sum_columns)(const gr__axis *a, const float *line, int channels, uint8_t *out)
{
    if (channels == 1) {
        grey(a, line, out);
        return;
    }
    switch (a->most) {
    case 2:
        colours(a, line, 2, out);
        return;
    case 3:
        colours(a, line, 3, out);
        return;
    case 4:
        colours(a, line, 4, out);
        return;
    case 5:
        colours(a, line, 5, out);
        return;
    case 6:
        colours(a, line, 6, out);
        return;
    case 7:
        colours(a, line, 7, out);
        return;
    default:
        colours(a, line, a->most, out);
    }
}
