/* The register tiles and what feeds them. */
#include "backend/cpu/contract_tile.h"
#include "backend/cpu/contract_vector.h"

/* acc + row[r][i] * b. One vector a row: the broadcast goes into the multiply-add, or the loads of broadcasts bound the
 * loop. */
INLINE vec madd_broadcast(const float *p, vec b, vec c)
{
#if defined(GR_ISA_AVX512)
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(c) : "v"(b), "m"(*p));
    return c;
#else
    return madd(*p - (vec){0}, b, c);
#endif
}

INLINE void start(const gr__tile *t, vec acc[][2], const int rows, const int vectors)
{
    UNROLL for (int v = 0; v < vectors; v++) UNROLL for (int r = 0; r < rows; r++) acc[r][v] = (vec){0};
    if (!t->accumulate) return;
    UNROLL for (int v = 0; v < vectors; v++)
    {
        int64_t n = t->columns - v * V;
        if (n >= V) {
            UNROLL for (int r = 0; r < rows; r++) acc[r][v] = vload(t->out[r] + v * V);
        } else if (n > 0) {
            lanes m = lanes_of(n);
            UNROLL for (int r = 0; r < rows; r++) acc[r][v] = load_lanes(t->out[r] + v * V, m);
        }
    }
}

/* Writes the tile: bias and ReLU come after the whole sum, rounded as separate passes would. */
INLINE void finish(const gr__tile *t, vec acc[][2], const int rows, const int vectors)
{
    if (t->bias != NULL) {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            int64_t n = t->columns - v * V;
            vec bias = n >= V ? vload(t->bias + v * V) : load_lanes(t->bias + v * V, lanes_of(n < 0 ? 0 : n));
            UNROLL for (int r = 0; r < rows; r++) acc[r][v] = acc[r][v] + bias;
        }
    }
    if (t->relu) {
        UNROLL for (int v = 0; v < vectors; v++) UNROLL for (int r = 0; r < rows; r++) acc[r][v] = relu(acc[r][v]);
    }
    if (t->columns >= vectors * V) {
        UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++)
            vstore(t->out[r] + v * V, acc[r][v]);
        return;
    }
    int64_t rest = t->columns - (vectors - 1) * V;
    lanes m = lanes_of(rest);
    UNROLL for (int r = 0; r < rows; r++)
    {
        if (vectors == 2) vstore(t->out[r], acc[r][0]);
        store_lanes(t->out[r] + (vectors - 1) * V, acc[r][vectors - 1], m);
    }
}

INLINE void tile(const gr__tile *t, const int rows, const int vectors, const bool edge)
{
    vec acc[ROWS][2];
    const float *row[ROWS];
    start(t, acc, rows, vectors);
    UNROLL for (int r = 0; r < rows; r++) row[r] = t->row[r];
    int64_t a_step = t->a_step, b_step = t->b_step;
    lanes m = lanes_of(edge ? t->columns : 0);
    const gr__segment *end = t->segment + t->n_segments;
    for (const gr__segment *s = t->segment; s < end; s++) {
        const float *b = t->b + s->b * t->b_unit;
        int64_t i = s->a;
        for (int64_t n = s->count; n > 0; n--) {
            if (vectors == 1) {
                vec bv = edge ? load_lanes(b, m) : vload(b);
                UNROLL for (int r = 0; r < rows; r++) acc[r][0] = madd_broadcast(row[r] + i, bv, acc[r][0]);
            } else {
                vec b0 = vload(b), b1 = vload(b + V);
                UNROLL for (int r = 0; r < rows; r++)
                {
                    vec a = row[r][i] - (vec){0}; /* a broadcast */
                    acc[r][0] = madd(a, b0, acc[r][0]);
                    acc[r][1] = madd(a, b1, acc[r][1]);
                }
            }
            i += a_step;
            b += b_step;
        }
    }
    __asm__("" : "+r"(t)); /* back into a register: the rows' pointers are no longer needed */
    finish(t, acc, rows, vectors);
}

#define TILE(rows)                               \
    static void wide_##rows(const gr__tile *t)   \
    {                                            \
        tile(t, rows, 2, false);                 \
    }                                            \
    static void narrow_##rows(const gr__tile *t) \
    {                                            \
        tile(t, rows, 1, false);                 \
    }                                            \
    static void edge_##rows(const gr__tile *t)   \
    {                                            \
        tile(t, rows, 1, true);                  \
    }
/* clang-format off */
TILE(1) TILE(2) TILE(3) TILE(4)
#if ROWS > 4
TILE(5) TILE(6)
#endif
#if ROWS > 6
TILE(7) TILE(8)
#endif
#if ROWS > 8
TILE(9) TILE(10) TILE(11) TILE(12)
#endif
/* clang-format on */

/* ---- dot products: both operands run along the sum ---- */
#if V == 16
#define UNPACK_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define UNPACK_HIGH(a, b) __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define PAIRS_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define PAIRS_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#elif V == 8
#define UNPACK_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define UNPACK_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define PAIRS_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define PAIRS_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#else
#define UNPACK_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define UNPACK_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define PAIRS_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define PAIRS_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#endif

    /* The sums of the lanes of four vectors, in a fixed order. */
    INLINE vec4 lane_sums(vec a, vec b, vec c, vec d)
{
    vec ab = UNPACK_LOW(a, b) + UNPACK_HIGH(a, b);
    vec cd = UNPACK_LOW(c, d) + UNPACK_HIGH(c, d);
    vec all = PAIRS_LOW(ab, cd) + PAIRS_HIGH(ab, cd);
#if V == 16
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256((__m512)all), _mm512_extractf32x8_ps((__m512)all, 1));
    return (vec4)_mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
#elif V == 8
    return (vec4)_mm_add_ps(_mm256_castps256_ps128((__m256)all), _mm256_extractf128_ps((__m256)all, 1));
#else
    return all;
#endif
}

#define DOT_ROWS (V == 16 ? 6 : 3)

INLINE void dot_step(vec acc[][4], const float *const *row, const float *const *column, int64_t i, const int rows,
                     lanes m, const bool edge)
{
    vec a[DOT_ROWS];
    UNROLL for (int r = 0; r < rows; r++) a[r] = edge ? load_lanes(row[r] + i, m) : vload(row[r] + i);
    UNROLL for (int c = 0; c < 4; c++)
    {
        vec b = edge ? load_lanes(column[c] + i, m) : vload(column[c] + i);
        UNROLL for (int r = 0; r < rows; r++) acc[r][c] = madd(a[r], b, acc[r][c]);
    }
}

INLINE void dot_tile(const gr__dot *t, const int rows)
{
    vec acc[DOT_ROWS][4];
    const float *row[DOT_ROWS], *column[4];
    UNROLL for (int r = 0; r < rows; r++) row[r] = t->a + r * t->lda;
    UNROLL for (int c = 0; c < 4; c++) column[c] =
        t->b + GR_MIN(c, t->columns - 1) * t->ldb; /* absent ones repeat the last */
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < 4; c++) acc[r][c] = (vec){0};
    int64_t i = 0, k = t->k, whole = k / V * V;
    for (; i < whole; i += V) dot_step(acc, row, column, i, rows, lanes_of(0), false);
    if (i < k) dot_step(acc, row, column, i, rows, lanes_of(k - i), true);
    vec4 bias = {0};
    if (t->bias != NULL)
        bias = (vec4){t->bias[0], t->columns > 1 ? t->bias[1] : 0, t->columns > 2 ? t->bias[2] : 0,
                      t->columns > 3 ? t->bias[3] : 0};
    UNROLL for (int r = 0; r < rows; r++)
    {
        vec4 x = lane_sums(acc[r][0], acc[r][1], acc[r][2], acc[r][3]);
        if (t->bias != NULL) x = x + bias;
        if (t->relu) x = (vec4)((ivec4)x & ~(x < 0.0f));
        float *out = t->out + r * t->ldc;
        if (t->columns == 4) {
            *(vec4_u *)out = x;
            continue;
        }
        out[0] = x[0]; /* a loop would become a call of memcpy */
        if (t->columns > 1) out[1] = x[1];
        if (t->columns > 2) out[2] = x[2];
    }
}

static void dot(const gr__dot *t, int64_t rows)
{
    gr__dot part = *t;
    for (; rows >= DOT_ROWS; rows -= DOT_ROWS, part.a += DOT_ROWS * t->lda, part.out += DOT_ROWS * t->ldc)
        dot_tile(&part, DOT_ROWS);
#if V == 16
    if (rows >= 3) {
        dot_tile(&part, 3);
        rows -= 3;
        part.a += 3 * t->lda;
        part.out += 3 * t->ldc;
    }
#endif
    if (rows == 2) dot_tile(&part, 2);
    if (rows == 1) dot_tile(&part, 1);
}

static void pack_rows(float *dst, int64_t width, const float *src, int64_t ld, int64_t columns, int64_t k)
{
    int64_t whole = columns / V * V;
    lanes m = lanes_of(columns - whole);
    for (int64_t i = 0; i < k; i++, dst += width, src += ld) {
        int64_t j = 0;
        for (; j < whole; j += V) vstore(dst + j, vload(src + j));
        if (j < columns && j + V <= width) {
            vstore(dst + j, load_lanes(src + j, m));
            j += V;
        } else if (j < columns) {
            store_lanes(dst + j, load_lanes(src + j, m), m);
            j = columns;
        }
        for (; j < width; j++) dst[j] = 0;
    }
}

/* Of n tiles of `count` columns, next to each other: rows of src are read through once, or caches would see each line
 * of theirs several times. Whole vectors are written where the next row of the tile comes over what they have too
 * much. */
INLINE void pack_some_tiles(float *dst, const float *src, int64_t ld, int64_t count, int64_t n, int64_t k)
{
    int64_t whole = ld < V ? 0 : k - 1 - (V + count - 1) / count;
    for (int64_t i = 0; i < k; i++, src += ld)
        for (int64_t t = 0; t < n; t++) {
            float *to = dst + (t * k + i) * count;
            const float *from = src + t * count;
            if (i < whole)
                for (int64_t j = 0; j < count; j += V) vstore(to + j, vload(from + j));
            else
                for (int64_t j = 0; j < count; j++) to[j] = from[j];
        }
}

static void pack_tiles(float *dst, const float *src, int64_t ld, int64_t rows, int64_t tiles, int64_t k)
{
    enum { TOGETHER = 16 }; /* as many lines are written at once */
    int64_t longer = rows % tiles;
    for (int64_t t = 0, n; t < tiles; t += n) {
        int64_t count = rows / tiles + (t < longer);
        n = GR_MIN(t < longer ? longer - t : tiles - t, TOGETHER);
        pack_some_tiles(dst, src, ld, count, n, k);
        dst += n * count * k;
        src += n * count;
    }
}

/* Four columns by four k: transposed in registers. */
INLINE void transpose4(float *dst, int64_t width, const float *src, int64_t ld)
{
    vec4 r0 = *(const vec4_u *)src, r1 = *(const vec4_u *)(src + ld), r2 = *(const vec4_u *)(src + 2 * ld),
         r3 = *(const vec4_u *)(src + 3 * ld);
    vec4 a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), b = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
    vec4 c = __builtin_shufflevector(r0, r1, 2, 6, 3, 7), d = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    *(vec4_u *)dst = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    *(vec4_u *)(dst + width) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    *(vec4_u *)(dst + 2 * width) = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    *(vec4_u *)(dst + 3 * width) = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

/* k in chunks: long enough for src to be streamed, short enough for a chunk of dst to stay in the first cache until its
 * columns are full. */
static void pack_columns(float *dst, int64_t width, const float *src, int64_t ld, int64_t columns, int64_t k)
{
    for (int64_t k0 = 0; k0 < k; k0 += 64) {
        int64_t k1 = GR_MIN(k0 + 64, k), j = 0;
        if (columns < width)
            for (int64_t i = k0; i < k1; i++)
                for (int64_t c = columns / V * V; c < width; c += V) vstore(dst + i * width + c, (vec){0});
        for (; j + 4 <= columns; j += 4) {
            int64_t i = k0;
            for (; i + 4 <= k1; i += 4) transpose4(dst + i * width + j, width, src + j * ld + i, ld);
            for (; i < k1; i++)
                for (int64_t c = j; c < j + 4; c++) dst[i * width + c] = src[c * ld + i];
        }
        for (; j < columns; j++)
            for (int64_t i = k0; i < k1; i++) dst[i * width + j] = src[j * ld + i];
    }
}

static void sum(float *dst, const float *src, int64_t n, int64_t stride, int64_t count)
{
    int64_t i = 0;
    for (; i + V <= count; i += V) {
        vec x = vload(src + i);
        for (int64_t p = 1; p < n; p++) x = x + vload(src + p * stride + i);
        vstore(dst + i, x);
    }
    for (; i < count; i++) {
        float x = src[i];
        for (int64_t p = 1; p < n; p++) x += src[p * stride + i];
        dst[i] = x;
    }
}

static void add(float *dst, int64_t dst_ld, const float *src, int64_t src_ld, int64_t rows, int64_t n)
{
    int64_t whole = n / V * V;
    lanes m = lanes_of(n - whole);
    for (int64_t r = 0; r < rows; r++, dst += dst_ld, src += src_ld) {
        for (int64_t i = 0; i < whole; i += V) vstore(dst + i, vload(dst + i) + vload(src + i));
        if (whole < n) store_lanes(dst + whole, load_lanes(dst + whole, m) + load_lanes(src + whole, m), m);
    }
}

#if ROWS == 4
#define LIST(kind)                                   \
    {                                                \
        NULL, kind##_1, kind##_2, kind##_3, kind##_4 \
    }
#elif ROWS == 6
#define LIST(kind)                                                       \
    {                                                                    \
        NULL, kind##_1, kind##_2, kind##_3, kind##_4, kind##_5, kind##_6 \
    }
#elif ROWS == 8
#define LIST(kind)                                                                           \
    {                                                                                        \
        NULL, kind##_1, kind##_2, kind##_3, kind##_4, kind##_5, kind##_6, kind##_7, kind##_8 \
    }
#else
#define LIST(kind)                                                                                                 \
    {                                                                                                              \
        NULL, kind##_1, kind##_2, kind##_3, kind##_4, kind##_5, kind##_6, kind##_7, kind##_8, kind##_9, kind##_10, \
            kind##_11, kind##_12                                                                                   \
    }
#endif

extern const gr__tile_ops GR_ISA_FN(gr__tile_ops);
const gr__tile_ops GR_ISA_FN(gr__tile_ops) = {
    .shape = SHAPE,
    .rows = ROWS,
    .lane = V,
    .wide = 2 * V,
    .peak = PEAK,
    .tile = {LIST(wide), LIST(narrow), LIST(edge)},
    .dot = dot,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .pack_tiles = pack_tiles,
    .sum = sum,
    .add = add,
};
