/* Products that skip zeros: finding them, and rows of the result. */
#include "backend/cpu/contract_zeros.h"
#include "backend/cpu/contract_vector.h"

/* acc + a * *p, with the operand left in memory: there is no register for it. */
INLINE vec madd_memory(vec a, const float *p, vec c)
{
#if defined(GR_ISA_AVX512)
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(c) : "v"(a), "m"(*(const vec_u *)p));
    return c;
#elif defined(GR_ISA_AVX2)
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(c) : "x"(a), "m"(*(const vec_u *)p));
    return c;
#else
    return madd(a, vload(p), c);
#endif
}

INLINE void rows(const gr__zeros *t, const int vectors)
{
    int64_t a_step = t->a_step, b_step = t->b_step, rest = t->columns - (vectors - 1) * V;
    lanes last = lanes_of(rest);
    const float *a = t->a;
    float *out = t->out;
    for (int64_t r = 0; r < t->rows; r++, a += t->a_row, out += t->out_row) {
        vec acc[GR__ZEROS_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) acc[v] = (vec){0};
        if (t->accumulate) {
            UNROLL for (int v = 0; v < vectors - 1; v++) acc[v] = vload(out + v * V);
            acc[vectors - 1] = load_lanes(out + (vectors - 1) * V, last);
        }
        for (uint64_t m = t->mask[r * t->mask_row] | t->all; m != 0; m &= m - 1) {
            int64_t j = __builtin_ctzll(m);
            vec x = a[j * a_step] - (vec){0};
            const float *b = t->b + j * b_step;
            UNROLL for (int v = 0; v < vectors; v++) acc[v] = madd_memory(x, b + v * V, acc[v]);
        }
        UNROLL for (int v = 0; v < vectors - 1; v++) vstore(out + v * V, acc[v]);
        if (rest == V)
            vstore(out + (vectors - 1) * V, acc[vectors - 1]);
        else
            store_lanes(out + (vectors - 1) * V, acc[vectors - 1], last);
    }
}

#define ROWS_OF(n)                           \
    static void rows_##n(const gr__zeros *t) \
    {                                        \
        rows(t, n);                          \
    }
/* clang-format off */
ROWS_OF(1) ROWS_OF(2) ROWS_OF(3) ROWS_OF(4) ROWS_OF(5) ROWS_OF(6)
ROWS_OF(7) ROWS_OF(8) ROWS_OF(9) ROWS_OF(10) ROWS_OF(11) ROWS_OF(12)
    /* clang-format on */

    INLINE ivec bits_of(vec x, ivec bit)
{
    return (ivec)(x != 0.0f) & bit; /* NaN is not zero */
}

/* Up to 32 terms of V rows that stand side by side. */
INLINE ivec find_beside(const float *a, int64_t a_step, int64_t terms, lanes m, bool whole)
{
    ivec bits = {0};
    for (int64_t j = 0; j < terms; j++, a += a_step)
        bits |= bits_of(whole ? vload(a) : load_lanes(a, m), (ivec){0} + (int32_t)(UINT32_C(1) << j));
    return bits;
}

/* Up to 32 terms of one row. */
INLINE uint32_t find_along(const float *a, int64_t terms)
{
    ivec bit, bits = {0};
    for (int l = 0; l < V; l++) bit[l] = 1 << l;
    for (int64_t j = 0; j < terms; j += V, bit <<= V % 32)
        bits |= bits_of(terms - j >= V ? vload(a + j) : load_lanes(a + j, lanes_of(terms - j)), bit);
    uint32_t all = 0;
    for (int l = 0; l < V; l++) all |= (uint32_t)bits[l];
    return all;
}

static void put_half(uint64_t *to, int64_t j, uint32_t bits)
{
    if (j % 64 == 0)
        *to = bits;
    else
        *to |= (uint64_t)bits << 32;
}

static int64_t find(const float *a, int64_t a_row, int64_t a_step, int64_t rows, int64_t terms, uint64_t *to,
                    int64_t to_row)
{
    for (int64_t j = 0; j < terms; j += 32) {
        int64_t n = GR_MIN(terms - j, 32);
        uint64_t *word = to + j / 64;
        if (a_row != 1) {
            for (int64_t r = 0; r < rows; r++) put_half(word + r * to_row, j, find_along(a + r * a_row + j, n));
            continue;
        }
        for (int64_t r = 0; r < rows; r += V) {
            int64_t beside = GR_MIN(rows - r, V);
            const float *from = a + r + j * a_step;
            ivec bits = beside == V ? find_beside(from, a_step, n, lanes_of(0), true)
                                    : find_beside(from, a_step, n, lanes_of(beside), false);
            for (int64_t l = 0; l < beside; l++) put_half(word + (r + l) * to_row, j, (uint32_t)bits[l]);
        }
    }
    int64_t count = 0;
    for (int64_t i = 0; i < rows * to_row; i++) count += __builtin_popcountll(to[i]);
    return count;
}

INLINE ivec is_odd(vec x)
{
    return ((ivec)x & 0x7f800000) == 0x7f800000;
}

static bool pack(float *dst, int64_t width, const float *src, int64_t ld, int64_t columns, int64_t terms)
{
    int64_t whole = columns / V * V;
    lanes m = lanes_of(columns - whole);
    ivec odd = {0};
    for (int64_t j = 0; j < terms; j++, dst += width, src += ld) {
        for (int64_t c = 0; c < whole; c += V) {
            vec x = vload(src + c);
            __builtin_prefetch(src + width + c); /* the next panel */
            vstore(dst + c, x);
            odd |= is_odd(x);
        }
        if (whole == width) continue;
        vec x = load_lanes(src + whole, m);
        vstore(dst + whole, x);
        odd |= is_odd(x);
    }
    int32_t any = 0;
    for (int l = 0; l < V; l++) any |= odd[l];
    return any == 0;
}

extern const gr__zeros_ops GR_ISA_FN(gr__zeros_ops);
const gr__zeros_ops GR_ISA_FN(gr__zeros_ops) = {
    .vectors = V == 16 ? 8 : GR__ZEROS_VECTORS,
    .rows = {NULL, rows_1, rows_2, rows_3, rows_4, rows_5, rows_6, rows_7, rows_8, rows_9, rows_10, rows_11, rows_12},
    .find = find,
    .pack = pack,
};
