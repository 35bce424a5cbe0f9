/* Winograd's transforms, lanes being channels. The loops unroll completely, so coefficients 0 and 1 cost nothing. */
#include "backend/cpu/contract_vector.h"
#include "backend/cpu/contract_winograd.h"

enum { MOST = 6 };

static const float b4[4][MOST] = {{-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const float a2x3[2][MOST] = {{1, 1, 1, 0}, {0, 1, -1, 1}};
static const float g2x3[4][MOST] = {{-1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};
static const float b6[6][MOST] = {{1, -1.5f, -2, 1.5f, 1, 0}, {0, -1, 0.5f, 2.5f, 1, 0},  {0, 1, -2.5f, 0.5f, 1, 0},
                                  {0, -2, -1, 2, 1, 0},       {0, 0.5f, -1, -0.5f, 1, 0}, {0, 1, -1.5f, -2, 1.5f, 1}};
static const float a4x3[4][MOST] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 0.5f, -2, 0}, {0, 1, 1, 0.25f, 4, 0}, {0, 1, -1, 0.125f, -8, 1}};
static const float a2x5[2][MOST] = {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 0.5f, -2, 1}};
#define T(n) ((n) / 3.0f)
#define S(n) ((n) / 15.0f)
static const float g4x3[6][MOST] = {
    {1, 0, 0}, {T(1), T(1), T(1)}, {T(-1), T(1), T(-1)}, {S(-16), S(-8), S(-4)}, {S(1), S(-2), S(4)}, {0, 0, 1}};
static const float g2x5[6][MOST] = {{1, 0, 0, 0, 0},
                                    {T(1), T(1), T(1), T(1), T(1)},
                                    {T(-1), T(1), T(-1), T(1), T(-1)},
                                    {S(-16), S(-8), S(-4), S(-2), S(-1)},
                                    {S(1), S(-2), S(4), S(-8), S(16)},
                                    {0, 0, 0, 0, 1}};

/* Row i of T, or of T's transpose, times a column. */
INLINE vec combine(const float (*t)[MOST], const bool transposed, const int i, const vec *x, const int n)
{
    vec sum = {0};
    bool first = true;
    UNROLL for (int k = 0; k < n; k++)
    {
        const float c = transposed ? t[k][i] : t[i][k];
        if (c == 0) continue;
        if (first)
            sum = c == 1 ? x[k] : c == -1 ? -x[k] : x[k] * c;
        else if (c == 1)
            sum = sum + x[k];
        else if (c == -1)
            sum = sum - x[k];
        else
            sum = madd(c - (vec){0}, x[k], sum);
        first = false;
    }
    return sum;
}

/* One vector of channels, from channel c on; n of its lanes are channels. */
INLINE void chunk(const gr__transform *t, const float (*matrix)[MOST], const bool transposed, const int n_out,
                  const int n_in, const gr__transform_kind kind, int64_t c, const bool whole, int64_t n)
{
    vec half[MOST][MOST]; /* T src */
    lanes m = lanes_of(whole ? 0 : n);
    const bool pad_in = kind == GR__WINOGRAD_OUTPUT || kind == GR__WINOGRAD_SUM, pad_out = !pad_in;
    UNROLL for (int j = 0; j < n_in; j++)
    {
        vec x[MOST];
        UNROLL for (int i = 0; i < n_in; i++)
        {
            const float *p = t->src + i * t->src_row + j * t->src_column + c;
            if (kind == GR__WINOGRAD_SLOPES && (i >= t->src_rows || j >= t->src_columns))
                x[i] = (vec){0};
            else
                x[i] = whole || pad_in ? vload(p) : load_lanes(p, m);
        }
        UNROLL for (int i = 0; i < n_out; i++) half[i][j] = combine(matrix, transposed, i, x, n_in);
    }
    vec bias = {0};
    if (kind == GR__WINOGRAD_OUTPUT && t->bias != NULL) bias = whole ? vload(t->bias + c) : load_lanes(t->bias + c, m);
    UNROLL for (int i = 0; i < n_out; i++)
    {
        if (kind == GR__WINOGRAD_OUTPUT && i >= t->dst_rows) break;
        UNROLL for (int j = 0; j < n_out; j++)
        {
            float *p = t->dst + i * t->dst_row + j * t->dst_column + c;
            vec y = combine(matrix, transposed, j, half[i], n_in);
            if (kind == GR__WINOGRAD_OUTPUT && j >= t->dst_columns) break;
            if (kind == GR__WINOGRAD_OUTPUT && t->bias != NULL) y = y + bias;
            if (kind == GR__WINOGRAD_OUTPUT && t->relu) y = relu(y);
            if (kind == GR__WINOGRAD_SUM && t->accumulate) y = y + (whole ? vload(p) : load_lanes(p, m));
            if (whole || pad_out)
                vstore(p, y);
            else
                store_lanes(p, y, m);
        }
    }
}

INLINE void transform(const gr__transform *t, const float (*matrix)[MOST], const bool transposed, const int n_out,
                      const int n_in, const gr__transform_kind kind)
{
    int64_t c = 0;
    for (; c + V <= t->channels; c += V) chunk(t, matrix, transposed, n_out, n_in, kind, c, true, V);
    if (c < t->channels) chunk(t, matrix, transposed, n_out, n_in, kind, c, false, t->channels - c);
}

#define KINDS(name, m, r, a, b, g)                                            \
    static void name##_input(const gr__transform *t)                          \
    {                                                                         \
        transform(t, b, false, (m) + (r)-1, (m) + (r)-1, GR__WINOGRAD_INPUT); \
    }                                                                         \
    static void name##_output(const gr__transform *t)                         \
    {                                                                         \
        transform(t, a, false, m, (m) + (r)-1, GR__WINOGRAD_OUTPUT);          \
    }                                                                         \
    static void name##_filter(const gr__transform *t)                         \
    {                                                                         \
        transform(t, g, false, (m) + (r)-1, r, GR__WINOGRAD_FILTER);          \
    }                                                                         \
    static void name##_slopes(const gr__transform *t)                         \
    {                                                                         \
        transform(t, a, true, (m) + (r)-1, m, GR__WINOGRAD_SLOPES);           \
    }                                                                         \
    static void name##_sum(const gr__transform *t)                            \
    {                                                                         \
        transform(t, g, true, r, (m) + (r)-1, GR__WINOGRAD_SUM);              \
    }
KINDS(f2x3, 2, 3, a2x3, b4, g2x3)
KINDS(f4x3, 4, 3, a4x3, b6, g4x3)
KINDS(f2x5, 2, 5, a2x5, b6, g2x5)

extern const gr__winograd_ops GR_ISA_FN(gr__winograd_ops);
const gr__winograd_ops GR_ISA_FN(gr__winograd_ops) = {{
    {f2x3_input, f2x3_output, f2x3_filter, f2x3_slopes, f2x3_sum},
    {f4x3_input, f4x3_output, f4x3_filter, f4x3_slopes, f4x3_sum},
    {f2x5_input, f2x5_output, f2x5_filter, f2x5_slopes, f2x5_sum},
}};
