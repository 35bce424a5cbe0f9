/* Tile programs: what runs elementwise regions.
 *
 * An accumulator of eight vectors (a chunk) goes in registers from instruction to instruction, each of which combines
 * it with one or two operands and jumps to the next. Operands are vectors in memory or one value for all lanes. The
 * last instruction goes on to the next chunk; what is left at the end runs through the tail form of each instruction,
 * which loads and stores only the elements that exist.
 *
 * i is the place of the chunk in full operands, j in operands that repeat with a period, both in bytes of floats. */
#ifndef GR_CPU_TILE_H
#define GR_CPU_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/cpu/isa.h"

/* _m: an operand in memory, _s: a scalar. r*: operands exchanged (rsub: x - acc). madd: acc * first + second; addm:
 * first * second + acc. red_squares adds up squares. st_past writes past the caches, to whole vectors' addresses. selc:
 * acc != 0 ? first : second; sela: first != 0 ? acc : second; selb: first != 0 ? second : acc. i*: compare integers. */
/* clang-format off */
#define GR__TILE_BINARY(X) \
    X(add) X(sub) X(rsub) X(mul) X(div) X(rdiv) X(max) X(rmax) X(min) X(rmin) X(lt) X(rlt) X(le) X(rle) X(eq) \
    X(ilt) X(irlt) X(ile) X(irle) X(ieq)
#define GR__TILE_UNARY(X) \
    X(neg) X(abs) X(sign) X(floor) X(exp) X(log) X(log1p) X(sqrt) X(square) X(recip) X(tanh) X(sigmoid) X(relu) \
    X(sin) X(cos) X(erf) X(real)
#define GR__TILE_TERNARY(X) \
    X(madd_mm) X(madd_ms) X(madd_sm) X(madd_ss) X(addm_mm) X(addm_ms) \
    X(selc_mm) X(selc_ms) X(selc_sm) X(selc_ss) X(sela_mm) X(sela_ms) X(selb_mm) X(selb_ms)
#define GR__TILE_OTHER(X) \
    X(ld_m) X(ld_s) X(ld_u8) X(iota_i) X(iota_j) X(iota_row) X(iota_column) X(ld_row) X(st) X(st_past) \
    X(red_sum) X(red_squares) X(red_squares_ld) X(red_max) X(col_sum) X(col_max) X(end)
/* clang-format on */

/* The commonest instructions also exist as one with the load before them, with the store after them, or both: going on
 * to the next instruction costs about as much as the arithmetic of a chunk. _ld: what is loaded is the first operand,
 * others follow. _st: to the third. */
#define GR__TILE_JOINED_UNARY(X) X(neg) X(sqrt) X(square) X(relu)
#define GR__TILE_JOINED_BINARY(X) X(add) X(sub) X(rsub) X(mul) X(div) X(rdiv) X(max)

typedef enum gr__tile_op {
#define GR__TILE_ENUM(name) GR__T_##name,
#define GR__TILE_ENUM_BOTH(name) GR__T_##name##_m, GR__T_##name##_s,
#define GR__TILE_ENUM_ST(name) GR__T_##name##_st,
#define GR__TILE_ENUM_JOINED(name) GR__T_##name##_ld, GR__T_##name##_st, GR__T_##name##_ld_st,
#define GR__TILE_ENUM_JOINED_BOTH(name) GR__TILE_ENUM_JOINED(name##_m) GR__TILE_ENUM_JOINED(name##_s)
    GR__TILE_OTHER(GR__TILE_ENUM) GR__TILE_TERNARY(GR__TILE_ENUM) GR__TILE_UNARY(GR__TILE_ENUM)
        GR__TILE_BINARY(GR__TILE_ENUM_BOTH) GR__TILE_TERNARY(GR__TILE_ENUM_ST)
            GR__TILE_JOINED_UNARY(GR__TILE_ENUM_JOINED) GR__TILE_JOINED_BINARY(GR__TILE_ENUM_JOINED_BOTH)
#undef GR__TILE_ENUM
#undef GR__TILE_ENUM_BOTH
#undef GR__TILE_ENUM_ST
#undef GR__TILE_ENUM_JOINED
#undef GR__TILE_ENUM_JOINED_BOTH
                GR__T_COUNT
} gr__tile_op;

typedef void (*gr__tile_handler)(
    void); /* called through its real type, which only the files of the instruction set know */

typedef union gr__lane {
    float f;
    int32_t i;
} gr__lane;

typedef struct gr__ins {
    gr__tile_handler full, tail;
    char *at[3];                  /* the address of an operand is at + (i & with_i) + (j & with_j) */
    gr__lane value[3];            /* of operands that are scalars */
    int16_t with_i[3], with_j[3]; /* -1: the place counts; 0: it does not */
} gr__ins;

/* The state of a run, a worker's own. */
typedef struct gr__tile_state {
    const gr__ins *program;
    int64_t i, j, end;
    int64_t period;    /* of j; never reached: INT64_MAX / 2 */
    int64_t left;      /* elements of the tail */
    int64_t row, rows; /* with a period: the row at j = 0, and where rows end */
    int64_t rows_a_period;
    const int32_t *row_of; /* [period + chunk]: row and column of each element of a period */
    const int32_t *column_of;
    void *accumulator; /* loop form only */
    int64_t tail_of;   /* what `tail` was made for */
    char tail[8 * 32]
        __attribute__((aligned(64))); /* which lanes of each vector the tail has, as the instruction set wants it */
} gr__tile_state;

typedef struct gr__tile_set {
    int lanes; /* of a vector; a chunk is 8 vectors */
    struct {
        gr__tile_handler full, tail;
    } op[GR__T_COUNT];
    /* Runs the program over elements from i to end (bytes), j going along; s->program, period and what its instructions
     * need are set. */
    void (*run)(gr__tile_state *s, int64_t i, int64_t end, int64_t j);
    /* Sums or maxima of `rows` rows of `columns` adjacent elements, few, each in order. */
    void (*narrow_rows)(bool max, const float *x, int64_t rows, int64_t columns, float *y);
    void (*fence)(void); /* after st_past, before others read */
    /* to[c] += from[c], and from[c] = 0, for `rows` rows of as many columns; or the maximum and -infinity. */
    void (*flush)(bool max, float *from, double *to, int64_t columns, int64_t rows);
} gr__tile_set;

enum { GR__TILE_VECTORS = 8, GR__MAX_LANES = 16, GR__MAX_CHUNK = 8 * 16 };

const gr__tile_set *gr__tile_set_get(gr__isa isa);

#endif
