/* The inner loops of all contractions: one register tile fed through row pointers, compiled once an instruction set.
 *
 * A tile is up to `rows` x `columns` outputs kept in registers while every term of their sums is added, in this order:
 *     for each segment s, for j = 0 .. count-1:   out[r][.] += row[r][s.a + j a_step] * b[s.b b_unit + j b_step + .]
 * Rows are arbitrary pointers: pixels of a picture, rows or columns of a matrix. So nothing is gathered into a matrix
 * first, and an output's sum has the same order (and bits) however outputs are cut into tiles, blocks and shards. */
#ifndef GR_CPU_CONTRACT_TILE_H
#define GR_CPU_CONTRACT_TILE_H

#include "base/base.h"
#include "backend/cpu/isa.h"

enum { GR__TILE_ROWS = 12 };

typedef struct gr__segment {
    int64_t a, b, count; /* a in floats, b in units of gr__tile.b_unit */
} gr__segment;

typedef struct gr__tile {
    const float *row[GR__TILE_ROWS];
    float *out[GR__TILE_ROWS];
    const float *b;
    const gr__segment *segment;
    int64_t n_segments;
    int64_t a_step, b_step, b_unit;
    const float *bias; /* at the tile's first column, or NULL */
    int64_t columns;   /* valid ones: only these are stored (and, of GR__TILE_EDGE, loaded) */
    bool relu;
    bool accumulate; /* the sums continue what out holds */
} gr__tile;

/* out[r][c] = sum over i of a[r lda + i] b[c ldb + i] for up to 4 columns c, each sum in as many parts as a vector has
 * lanes. */
typedef struct gr__dot {
    const float *a, *b, *bias;
    float *out;
    int64_t lda, ldb, ldc, k, columns;
    bool relu;
} gr__dot;

enum { GR__DOT_COLUMNS = 4 };

typedef void (*gr__tile_fn)(const gr__tile *t);

/* WIDE: two vectors of columns; NARROW: one; both may load whole vectors of b. EDGE: one vector of which only `columns`
 * are read. */
typedef enum gr__tile_kind { GR__TILE_WIDE, GR__TILE_NARROW, GR__TILE_EDGE, GR__TILE_KINDS } gr__tile_kind;

typedef struct gr__tile_ops {
    const char *shape; /* "12x32" */
    int rows;          /* of the largest tile */
    int lane, wide;    /* floats a vector; columns of a wide tile: two vectors */
    double peak;       /* flops a nanosecond of one thread, for costs; a typical machine's */
    gr__tile_fn tile[GR__TILE_KINDS][GR__TILE_ROWS + 1]; /* by number of rows, 1 .. rows */
    void (*dot)(const gr__dot *t, int64_t rows);
    /* dst[k][0 .. width-1] = src[k ld + column], or src[column ld + k]; columns from `columns` to `width` become zero.
     */
    void (*pack_rows)(float *dst, int64_t width, const float *src, int64_t ld, int64_t columns, int64_t k);
    void (*pack_columns)(float *dst, int64_t width, const float *src, int64_t ld, int64_t columns, int64_t k);
    /* Tiles of a transposed matrix, cut from `rows` of its columns by gr__cut: tile after tile, dst[k][of the tile]. */
    void (*pack_tiles)(float *dst, const float *src, int64_t ld, int64_t rows, int64_t tiles, int64_t k);
    /* dst[i] = src[i] + src[stride + i] + ... , n parts added in index order. */
    void (*sum)(float *dst, const float *src, int64_t n, int64_t stride, int64_t count);
    /* dst[r dst_ld + i] += src[r src_ld + i] for i < n, row after row (rows of dst may overlap). */
    void (*add)(float *dst, int64_t dst_ld, const float *src, int64_t src_ld, int64_t rows, int64_t n);
} gr__tile_ops;

/* Borrowed, static; the set must be supported by this build (every build has the baseline). */
const gr__tile_ops *gr__tile_ops_get(gr__isa isa);

/* The next panel of columns from a row of `left`: its kind and how many columns it takes. `whole`: b may be read up to
 * a full vector. */
static inline gr__tile_kind gr__panel_kind(const gr__tile_ops *ops, int64_t left, bool whole, int64_t *columns)
{
    if (left >= ops->wide || (whole && left > ops->lane)) {
        *columns = GR_MIN(left, ops->wide);
        return GR__TILE_WIDE;
    }
    *columns = GR_MIN(left, ops->lane);
    return whole || left >= ops->lane ? GR__TILE_NARROW : GR__TILE_EDGE;
}

/* Columns of storage of a packed matrix with so many columns: whole vectors. Panel p starts at p * wide * k. */
static inline int64_t gr__packed_columns(const gr__tile_ops *ops, int64_t columns)
{
    return (columns + ops->lane - 1) / ops->lane * ops->lane;
}

/* Rows are cut evenly: tile i of n starts at gr__cut(rows, i, n). Shards likewise. */
static inline int64_t gr__cut(int64_t total, int64_t i, int64_t n)
{
    return total / n * i + GR_MIN(total % n, i);
}

#endif
