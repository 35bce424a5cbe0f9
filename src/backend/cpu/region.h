/* Regions as tile programs: what the files of lowering and running share.
 *
 * A space of rows x columns is run in one of three ways. FLAT: nothing distinguishes rows (or there is one): one line
 * of elements. NARROW: one line of elements too, but what is given a column, or a row, repeats with a period of several
 * rows. WIDE: row after row. Which one is a function of space and of whether there are row or column operands at all,
 * and no reduction's order of additions differs between NARROW and WIDE:
 *
 *   to rank 0, or one row   per shard: trees of eight vectors, then V sums in double; shards in order, in double
 *   to columns              per shard and place of the period: in the order of rows, in float for 64 rows of the
 * period, then in double to rows                 columns < narrow: in order, in double; otherwise as to rank 0
 *
 * Where a region reads lines of its own (plan/backend.h), rows are taken a block at a time, and a block goes through
 * the passes of the program one after another while it is in a cache: elements, then lines, then elements again. What a
 * later pass reads of an earlier one is kept in scratch, unless it is written out anyway. A pass of lines runs like a
 * line of elements. A region of one row is then WIDE, and the row so short that it is one shard: the same sums. */
#ifndef GR_CPU_REGION_H
#define GR_CPU_REGION_H

#include "backend/cpu/cpu.h"
#include "backend/cpu/tile.h"
#include "backend/cpu/work.h"

#define GR__REGION_PAST (INT64_C(32) << 20) /* bytes of a result that no cache keeps */
enum {
    GR__REGION_NODES = 64,
    GR__REGION_OPERANDS = 48,
    GR__REGION_SLOTS = 128,
    GR__REGION_INS = 12 * GR__REGION_NODES,
    GR__REGION_HAZARDS = 4 * GR__REGION_OPERANDS,
    GR__REGION_SHARDS = GR__MAX_SHARDS,
    GR__REGION_ROW = 32767 /* columns that lines are read with, at most: alone such a row is one shard (work.c) */
};

typedef enum gr__mode { GR__FLAT, GR__NARROW, GR__WIDE, GR__MODES } gr__mode;

/* What a node reads: another node's result, or something that comes from outside. */
typedef enum gr__source {
    GR__FROM_NODE,
    GR__FROM_LINE, /* a node's result that has one value a row, read by elements */
    GR__FROM_FULL,
    GR__FROM_ROW,
    GR__FROM_COLUMN,
    GR__FROM_SCALAR,
    GR__FROM_CONST,
    GR__FROM_ROW_INDEX,
    GR__FROM_COLUMN_INDEX,
} gr__source;

typedef struct gr__arg {
    gr__source source;
    int index; /* of a node, or in item->in */
    gr_dtype dtype;
    double value; /* FROM_CONST */
} gr__arg;

typedef enum gr__reach { GR__TO_ELEMENTS, GR__TO_ALL, GR__TO_ROWS, GR__TO_COLUMNS } gr__reach; /* of a reduction */

typedef struct gr__expr {
    gr_opcode code; /* GR_OP_STOP: a copy, for broadcasts that are written out */
    int n_arg;
    gr__arg arg[3];
    int out;         /* in item->out, or -1 */
    gr__reach reach; /* other than ELEMENTS: a reduction */
    double factor;   /* a sum to rank 0 is multiplied by this */
    bool line;       /* elementwise, with one value a row */
    int uses;
    int pass, last; /* where it is computed; where it is read last, if at all. Passes of lines are even */
} gr__expr;

/* An item as expressions, whatever the mode. */
typedef struct gr__exprs {
    gr__expr expr[GR__REGION_NODES];
    int n;
    bool rows, columns; /* has operands or results of this form */
    bool lines;         /* reads lines of its own */
} gr__exprs;

/* Operands of instructions before addresses are known. */
typedef enum gr__ref_kind {
    GR__REF_NONE,
    /* in memory */
    GR__REF_IN,
    GR__REF_OUT,
    GR__REF_COLUMN,
    GR__REF_SLOT,
    GR__REF_KEPT, /* elements of the rows of a block */
    GR__REF_LINE, /* the values of a block's rows */
    /* one value: rank 0; a tensor of one element; known; one a row (WIDE); the row's index (WIDE) */
    GR__REF_SCALAR,
    GR__REF_ELEMENT,
    GR__REF_CONST,
    GR__REF_ROW,
    GR__REF_ROW_INDEX,
    GR__REF_LINE_VALUE, /* of a line, the row's (WIDE) */
    GR__REF_ROWS,       /* the whole row operand (NARROW) */
    GR__REF_LINE_ROWS,  /* the same of a line */
    GR__REF_BYTES,      /* an input of bytes */
    GR__REF_SUM,        /* what reduction `index` keeps */
} gr__ref_kind;

typedef struct gr__ref {
    gr__ref_kind kind;
    int index;
    gr_dtype dtype;
    gr__lane value; /* CONST */
} gr__ref;

enum { GR__STEP_REFS = 3 };

typedef struct gr__step {
    gr__tile_op op;
    gr__ref ref[GR__STEP_REFS];
    bool past; /* st: may go past the caches */
} gr__step;

typedef struct gr__reduction {
    bool max;
    bool to_double;  /* rank 0 */
    gr__reach reach; /* in its mode */
    int out, line;   /* where the result goes; -1: not there */
    int column;      /* to columns: which of these */
    gr__ref from;    /* NARROW, to rows: where the elements stand when the pass is over */
    double factor;   /* a sum to rank 0 is multiplied by this */
} gr__reduction;

/* Steps up to an end, over the elements or the lines of a block. */
typedef struct gr__pass {
    bool line;
    int first, n; /* steps */
    int first_reduction, n_reductions;
    int first_by_row, n_by_row;
} gr__pass;

typedef struct gr__hazard {
    int16_t out, in;
} gr__hazard;

typedef struct gr__program { /* arrays of just the size, behind gr__program_link */
    gr__step *step;
    gr__ins *ins; /* as the steps say, without the addresses of operands */
    int16_t
        *address; /* GR__STEP_REFS * step + operand: those that depend on scratch alone, then those of each segment */
    int n_fixed, n_moving;
    int n_steps, n_slots, n_kept, n_lines, n_columns;
    gr__pass *pass;
    int n_passes;
    gr__reduction *reduction;
    int n_reductions;
    gr__hazard *hazard; /* out is written before the last read of in: they must not be one */
    int n_hazards;
    bool past;       /* some store may go past the caches */
    bool bounded;    /* hazards did not fit: never without copies */
    int16_t *by_row; /* operands that change with the row (WIDE) or the block (NARROW), numbered as in `address` */
    int n_by_row;
    double vector_ns; /* an estimate, for a vector of every operand */
} gr__program;

/* What the first segment of an item computes. */
gr_status gr__exprs_read(gr_context *ctx, const gr_item *item, gr__exprs *x);
/* Writes the program of a mode, which the caller frees also after a failure. copies: all inputs are read before
 * anything is written. */
gr_status gr__program_write(gr_context *ctx, const gr_item *item, const gr__exprs *x, const gr__tile_set *set,
                            gr__mode mode, bool copies, gr__program *p);
void gr__program_free(gr_context *ctx, gr__program *p);
/* Finds out in which pass each expression is computed. */
void gr__exprs_order(gr__exprs *x);
/* Everything that is known of a written program before addresses are. Arrays are copied. */
gr_status gr__program_link(gr_context *ctx, const gr_item *item, const gr__tile_set *set, gr__mode mode, bool copies,
                           gr__program *p);
/* Makes one step of two or three where there is such an instruction. Returns how many steps are left. */
int gr__steps_join(gr__step *step, int n);
/* What stands in memory and goes along with the elements, or is a slot. */
static inline bool gr__ref_in_memory(gr__ref r)
{
    return r.kind >= GR__REF_IN && r.kind <= GR__REF_LINE;
}

typedef struct gr__region_segment {
    gr_space space;
    gr__mode mode;
    int first_unit, n_units;
    int64_t period;              /* rows, a power of two; with the columns at least two chunks */
    int64_t block;               /* rows that go through the passes together */
    int32_t *row_of, *column_of; /* NARROW: of the elements of a period and a chunk more */
} gr__region_segment;

typedef struct gr__unit_of_work { /* elements (FLAT) or rows of one segment */
    int segment;
    int64_t begin, end;
    size_t partial; /* offset of its partial results in shared memory */
} gr__region_unit;

typedef struct gr__region {
    gr_kernel base;
    const gr__tile_set *set;
    int n_in, n_out, n_segments, n_units;
    gr__region_segment *segment;
    gr__region_unit *unit;
    int first_unit[GR__REGION_SHARDS + 1]; /* of each shard */
    gr__program program[GR__MODES][2];     /* [1]: with copies; without steps where never needed */
    size_t slots_at, sums_at, columns_at, expanded_at, kept_at, lines_at; /* places in scratch */
    size_t column_stride, expanded_stride, kept_stride, line_stride;      /* bytes of each */
    int64_t narrow;
    int64_t part_columns; /* of all results, where the kernel may run by parts */
    size_t steps_bytes, tables_bytes;
    void *tables;
} gr__region;

void gr__region_run(const gr_kernel *k, const gr_call *call, int shard);
void gr__region_run_part(const gr_kernel *k, const gr_call *call, int part);
void gr__region_finish(const gr_kernel *k, const gr_call *call, int shard);
/* Rows after which column sums go on in double. */
static inline int64_t gr__flush_rows(const gr__region_segment *s)
{
    return 64 * s->period;
}

#endif
