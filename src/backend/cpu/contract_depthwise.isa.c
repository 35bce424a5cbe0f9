/* Convolutions of each channel by itself. */
#include "backend/cpu/contract_depthwise.h"
#include "backend/cpu/contract_vector.h"

INLINE vec load_part(const float *p, lanes m, const bool edge)
{
    return edge ? load_lanes(p, m) : vload(p);
}

/* ---- outputs of a row ---- */

enum { BLOCK = 4 }; /* outputs at a time: with their weights they fill 16 registers */

/* `outputs` of them, one vector of channels. taps: known ones, else 0; ratio: x_step / x_tap where taps of neighbours
 * meet, so that a pixel is loaded once. */
INLINE void some(const gr__depth_row *t, int64_t o, int64_t c, const int outputs, const int taps, const int ratio,
                 lanes m, const bool edge)
{
    vec acc[BLOCK];
    UNROLL for (int i = 0; i < outputs; i++) acc[i] = (vec){0};
    const float *x = t->x + o * t->x_step + c, *w = t->w + c;
    for (int64_t r = t->rows; r > 0; r--, x += t->x_row, w += t->w_row) {
        if (taps > 0) {
            vec k[5];
            UNROLL for (int q = 0; q < taps; q++) k[q] = load_part(w + q * t->channels, m, edge);
            UNROLL for (int j = 0; j < (outputs - 1) * ratio + taps; j++)
            {
                vec v = load_part(x + j * t->x_tap, m, edge);
                UNROLL for (int q = 0; q < taps; q++) if (j >= q && (j - q) % ratio == 0 && (j - q) / ratio < outputs)
                    acc[(j - q) / ratio] = madd(v, k[q], acc[(j - q) / ratio]);
            }
            continue;
        }
        for (int64_t q = 0; q < t->taps; q++) {
            vec k = load_part(w + q * t->channels, m, edge);
            UNROLL for (int i = 0; i < outputs; i++) acc[i] =
                madd(load_part(x + q * t->x_tap + i * t->x_step, m, edge), k, acc[i]);
        }
    }
    vec bias = t->bias ? load_part(t->bias + c, m, edge) : (vec){0};
    float *out = t->out + o * t->out_step + c;
    UNROLL for (int i = 0; i < outputs; i++)
    {
        vec y = t->bias ? acc[i] + bias : acc[i];
        if (t->relu) y = relu(y);
        if (edge)
            store_lanes(out + i * t->out_step, y, m);
        else
            vstore(out + i * t->out_step, y);
    }
}

/* What the row after this one reads that none has read before, and where it is written: pixels of a block are read side
 * by side, so that the machine sees no stream that it could fetch ahead by itself. */
INLINE void fetch_ahead(const gr__depth_row *t, int64_t o, int64_t c, const int outputs)
{
    const float *x = t->x + t->x_line + (t->rows - 1) * t->x_row + o * t->x_step + c,
                *out = t->out + t->out_line + o * t->out_step + c;
    for (int64_t r = 0; r < t->fresh_rows; r++, x -= t->x_row)
        for (int64_t i = 0; i < outputs * t->fresh_pixels; i++) __builtin_prefetch(x + i * t->x_tap, 0, 2);
    UNROLL for (int i = 0; i < outputs; i++) __builtin_prefetch(out + i * t->out_step, 1, 2);
}

INLINE void all_channels(const gr__depth_row *t, int64_t o, const int outputs, const int taps, const int ratio)
{
    int64_t whole = t->channels / V * V;
    for (int64_t c = 0; c < whole; c += V) {
        if (t->fresh_rows > 0 && c % 16 == 0) fetch_ahead(t, o, c, outputs);
        some(t, o, c, outputs, taps, ratio, lanes_of(0), false);
    }
    if (whole < t->channels) some(t, o, whole, outputs, taps, ratio, lanes_of(t->channels - whole), true);
}

INLINE void row_of(const gr__depth_row *t, const int taps, const int ratio)
{
    int64_t o = 0;
    for (; o + BLOCK <= t->outputs; o += BLOCK) all_channels(t, o, BLOCK, taps, ratio);
    for (; o < t->outputs; o++) all_channels(t, o, 1, taps, ratio);
}

static void row(const gr__depth_row *t)
{
    bool meet = t->x_step == t->x_tap, second = t->x_step == 2 * t->x_tap;
    if (t->taps == 3 && meet)
        row_of(t, 3, 1);
    else if (t->taps == 3 && second)
        row_of(t, 3, 2);
    else if (t->taps == 5 && meet)
        row_of(t, 5, 1);
    else if (t->taps == 2 && meet)
        row_of(t, 2, 1);
    else
        row_of(t, 0, 1);
}

/* ---- gradient of weights ---- */

enum { MOST_TAPS = 5 }; /* in registers at once, of one row of the window; a window of 3 x 3 is there whole */

/* Of the lines after these, what none has read before: windows of a vector of channels stride over pixels, so that the
 * machine sees no stream that it could fetch ahead by itself. x, dy: of a place. */
INLINE void fetch_lines(const gr__depth_weights *t, const float *x, const float *dy, int64_t c)
{
    if (V == 16 || c % 16 == 8) __builtin_prefetch(dy + t->lines * t->dy_line, 0, 2);
    if (c % 16 != 0) return;
    for (int64_t r = 1; r <= t->fresh_rows; r++) {
        const float *soon = x + t->lines * t->x_line + (t->rows - r) * t->x_row;
        __builtin_prefetch(soon, 0, 2);
        if (t->fresh_pixels > 1) __builtin_prefetch(soon + t->x_tap, 0, 2);
    }
}

/* Places from..end of line i, of whose window rows some, and of whose taps, unless `whole`, some may lie outside. x,
 * dy: of place `from`. */
INLINE void place_parts(const gr__depth_weights *t, int64_t i, const float *x, const float *dy, vec acc[][MOST_TAPS],
                        int64_t from, int64_t end, int64_t r0, int64_t q0, const int rows, const int taps,
                        const bool whole, lanes m, const bool edge)
{
    int64_t first = t->r_first[i] - r0, last = t->r_end[i] - r0, at = t->place + q0 * t->tap + from * t->step;
    for (int64_t j = from; j < end; j++, x += t->x_step, dy += t->channels, at += t->step) {
        vec d = load_part(dy, m, edge);
        bool inside[MOST_TAPS];
        UNROLL for (int q = 0; q < taps; q++) inside[q] = whole || (uint64_t)(at + q * t->tap) < (uint64_t)t->width;
        UNROLL for (int r = 0; r < rows; r++)
        {
            if (r < first || r >= last) continue;
            UNROLL for (int q = 0; q < taps; q++) if (inside[q]) acc[r][q] =
                madd(load_part(x + r * t->x_row + q * t->x_tap, m, edge), d, acc[r][q]);
        }
    }
}

/* Window rows r0 .. r0 + rows - 1 and taps q0 .. q0 + taps - 1. */
INLINE void window(const gr__depth_weights *t, int64_t c, int64_t r0, int64_t q0, const int rows, const int taps,
                   lanes m, const bool edge)
{
    vec acc[3][MOST_TAPS];
    float *dw = t->dw + (r0 * t->taps + q0) * t->channels + c;
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int q = 0; q < taps; q++) acc[r][q] =
        t->accumulate ? load_part(dw + (r * t->taps + q) * t->channels, m, edge) : (vec){0};
    int64_t from, end; /* places all of whose taps are inside */
    gr__depth_whole(t->place + q0 * t->tap, t->step, (taps - 1) * t->tap, t->width, t->places, &from, &end);
    for (int64_t i = 0; i < t->lines; i++) {
        const float *x = t->x + i * t->x_line + r0 * t->x_row + q0 * t->x_tap + c, *dy = t->dy + i * t->dy_line + c;
        place_parts(t, i, x, dy, acc, 0, from, r0, q0, rows, taps, false, m, edge);
        x += from * t->x_step, dy += from * t->channels;
        if (t->r_first[i] > r0 || t->r_end[i] < r0 + rows) {
            place_parts(t, i, x, dy, acc, from, end, r0, q0, rows, taps, true, m, edge);
            x += (end - from) * t->x_step, dy += (end - from) * t->channels;
        } else {
            for (int64_t j = from; j < end; j++, x += t->x_step, dy += t->channels) {
                if (r0 == 0 && q0 == 0 && t->fresh_rows > 0) fetch_lines(t, x, dy, c);
                vec d = load_part(dy, m, edge);
                UNROLL for (int r = 0; r < rows; r++) UNROLL for (int q = 0; q < taps; q++) acc[r][q] =
                    madd(load_part(x + r * t->x_row + q * t->x_tap, m, edge), d, acc[r][q]);
            }
        }
        place_parts(t, i, x, dy, acc, end, t->places, r0, q0, rows, taps, false, m, edge);
    }
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int q = 0; q < taps; q++)
    {
        if (edge)
            store_lanes(dw + (r * t->taps + q) * t->channels, acc[r][q], m);
        else
            vstore(dw + (r * t->taps + q) * t->channels, acc[r][q]);
    }
}

INLINE void windows(const gr__depth_weights *t, int64_t c, lanes m, const bool edge)
{
    if (t->rows == 3 && t->taps == 3) {
        window(t, c, 0, 0, 3, 3, m, edge);
        return;
    }
    for (int64_t r = 0; r < t->rows; r++) {
        int64_t q = 0;
        for (; q + 5 <= t->taps; q += 5) window(t, c, r, q, 1, 5, m, edge);
        for (; q + 3 <= t->taps; q += 3) window(t, c, r, q, 1, 3, m, edge);
        for (; q < t->taps; q++) window(t, c, r, q, 1, 1, m, edge);
    }
}

static void weights(const gr__depth_weights *t)
{
    int64_t whole = t->channels / V * V;
    for (int64_t c = 0; c < whole; c += V) windows(t, c, lanes_of(0), false);
    if (whole < t->channels) windows(t, whole, lanes_of(t->channels - whole), true);
}

extern const gr__depth_ops GR_ISA_FN(gr__depth_ops);
const gr__depth_ops GR_ISA_FN(gr__depth_ops) = {.lane = V, .row = row, .weights = weights};
