/* Inside plans: what the stages of compiling hand to each other, and what is left of it to run.
 *
 *   simplify.c  graph -> simplified graph; here the arithmetic is fixed (simplify_loop.c: loops and their bodies)
 *   keep.c      how values are kept between the passes of a step, where the graph says so
 *   recompute.c what is rather computed again where it is read than stored
 *   survey.c    what is live, what is a view, which broadcasts are read in place, which contractions take an epilogue
 *   fuse.c      nodes -> units, a unit being a kernel in the making (deps.c keeps them free of cycles)
 *   assign.c    which assigned values are written straight into the store, which are copied at the end
 *   merge.c     equal regions over different tensors -> segments of one unit
 *   make.c      units -> kernels: from here on it is known what each costs and how much memory it wants (loop.c: bodies
 *               of loops by all these stages; loop_parts.c: which of their kernels run together)
 *   order.c     in which order units run
 *   schedule.c  what runs, entry after entry: units, copies, the test of the guard
 *   again.c     units that run more than once
 *   remat/      which do, so that a budget of memory is kept to (remat/remat.h)
 *   buffer.c    which buffers entries read and write, and from when to when they stand
 *   place.c     buffers -> places in the arena (pack.c)
 *   program.c   entries -> instructions
 *   bind.c run.c report.c  the finished plan (fence.c: what its kernels may touch) */
#ifndef GR_PLAN_PLAN_H
#define GR_PLAN_PLAN_H

#include "base/pool.h"
#include "plan/early.h"
#include "plan/schedule.h"
#include "plan/store.h"

/* ---- what remains of compiling ---- */

/* A piece of the arena for the buffers or the workspace that stand from entry `first` of the schedule to entry `last`,
 * both included. */
typedef struct gr__block {
    size_t bytes; /* whole granules */
    int first, last;
    size_t offset; /* found by gr__blocks_pack */
    gr_val value;  /* the first that stands there; GR_NONE: workspace or a saved tensor */
} gr__block;

typedef struct gr__feed {
    const char *name;
    int buffer;
} gr__feed;
typedef struct gr__output {
    const char *name;
    gr_shape shape;
    gr__operand at;
} gr__output;

struct gr_plan {
    gr_context *ctx;
    const gr_backend *backend;
    gr_store *store;
    gr__bump *memory; /* what is described below, the kernels excepted */
    const char *name;
    gr_graph *graph; /* simplified */
    gr__made *made;  /* a list, the last first */
    gr__instruction *instructions;
    int n_instructions;
    int *rows; /* the instructions that gr_plan_row_at and its like tell of: all but tests */
    int n_rows;
    gr__buffer *buffers;
    int n_buffers;
    gr__block *blocks;
    int n_blocks;
    gr__feed *feeds;
    int n_feeds;
    gr__output *outputs;
    int n_outputs;
    void *constants; /* bookkeeping memory */
    size_t constant_bytes;
    gr_plan_bytes_info bytes;
    gr_plan_bound bound;
    size_t scratch_bytes;  /* a worker, at most */
    size_t block_bytes;    /* of all blocks, packed */
    size_t released_bytes; /* of gradients that do not stand for the whole step */
    int n_released;
    gr_val spoilt; /* what the last run tested in vain when something had been assigned; GR_NONE: it did not */
    gr_arena *own; /* NULL while bound to another's */
    char *arena;   /* NULL until bound */
    char *scratch; /* of the first worker; the others' follow at this distance */
    size_t scratch_stride;
    gr__pool *pool; /* NULL: one thread */
};

/* ---- while compiling ---- */

enum {
    GR__MAX_OPERANDS = 128, /* of a region, whatever the backend allows */
    GR__MAX_EPILOGUE = 8    /* nodes that a contraction is offered */
};

/* One segment of a unit: nodes of its own (broadcasts and iotas that they read in place are not among them), in graph
 * order, a contraction first. */
typedef struct gr__part {
    uint32_t *nodes;
    int n, capacity;
    gr_shape shape;  /* REGION: of the elementwise nodes */
    unsigned splits; /* REGION: bit s is set if axes before s may be the rows and the others the columns */
    bool lines;      /* REGION: all its nodes may be lines of a larger one */
} gr__part;

typedef struct gr__unit {
    gr_item_kind kind;
    bool gone;      /* became part of another */
    bool waits;     /* for a guard */
    bool tested;    /* has one among its nodes */
    bool backward;  /* its first node is of a backward pass */
    bool on_way;    /* under options.release: gradients need it, or it makes one */
    uint32_t after; /* the largest mark (gr__compiler.released) of what it reads, directly or not; 0: of no gradient, or
                       it is on the way */
    gr__part *parts;
    int n_parts;
    const gr__made *made;
} gr__unit;

/* Which unit needs which, directly or not: a row of bits a unit. */
typedef struct gr__deps {
    int n;
    size_t words;
    uint64_t *above, *below; /* what it needs; what needs it */
    uint64_t *rows;          /* two, to work with */
} gr__deps;

typedef struct gr__loop gr__loop;

typedef struct gr__compiler {
    gr_context *ctx;
    gr_plan *plan;
    gr__loop *loop; /* whose body it is; NULL: of none */
    const gr_backend *backend;
    const gr_graph *g;  /* simplified */
    gr_effects effects; /* of g */
    gr_plan_options options;
    gr__bump *work; /* dies with compiling */
    uint32_t n_nodes, n_values;

    /* of a node */
    int *entry;         /* of the store; -1: not a param or slot */
    bool *before_guard; /* a guard needs it */
    bool *tested;       /* it is one */
    bool *on_way;       /* under options.release: a gradient needs it, or is made by it */
    bool *again;        /* it is there to be computed where it is read; NULL: none is */
    uint32_t *order;    /* live nodes, what guards need first, otherwise as in the graph */
    uint32_t n_order;
    uint8_t *absorbs;       /* bit i: input i is a broadcast or iota that is read in place */
    bool *in_memory;        /* broadcasts and iotas: somebody wants to read the value itself */
    unsigned *splits;       /* of a node that may join a region; 0: it may not */
    uint32_t *epilogue_of;  /* 1 + the contraction that this node ends; 0: none */
    bool *waiting, *waited; /* for the first reader to be placed; now, or before */
    int *unit_of;           /* -1: leaf, view, or read in place everywhere */

    /* of a value */
    bool *live;          /* somebody reads it */
    gr_val *root;        /* the value whose memory it is: itself, but for views */
    size_t *root_offset; /* bytes into it */
    bool *pinned;        /* an output, assigned, or a guard */
    bool *gradient;      /* marked, and stands for the whole step */
    uint32_t *released;  /* 0, or a mark of its own where it is a gradient that does not; under options.release those
                            that do stand have GR__UNRELEASED */
    uint32_t *first_reader, *readers; /* live nodes that read v: readers[first_reader[v] .. first_reader[v + 1]) */

    gr__unit *units;
    int n_units;
    gr__deps deps;

    int *stored_as;        /* of a value: the entry that it is written straight into, or -1 */
    gr_val *stored_if;     /* of such a value: what is tested before; GR_NONE: nothing */
    gr_assignment *copies; /* the assignments done by a copy at the end */
    gr_val *saved;         /* leaves of the store whose old value is copied away before anything is written */
    int n_copies, n_saved;
    int *sequence; /* units in the order they run */
    int n_sequence;
    gr__schedule schedule;
    int *standing; /* of a value: its buffer that stands whatever runs; -1: it is computed into buffers of its turns */
    int *final;    /* of a value: the buffer that holds it when all has run; -1: none */
} gr__compiler;

#define GR__UNRELEASED UINT32_MAX

/* What an assignment waits for; GR_NONE: nothing. */
static inline gr_val gr__assign_guard(const gr__compiler *c, const gr_assignment *a)
{
    return a->guard ? a->guard : c->effects.guard;
}

/* Does node k read its input i in place? Only elementwise nodes do; others, loops above all, may have any number. */
static inline bool gr__absorbs(const gr__compiler *c, uint32_t k, int i)
{
    return i < 8 && (c->absorbs[k] >> i & 1);
}

gr_status gr__plan_simplify(gr_context *ctx, const gr_backend *backend, const gr_graph *from, gr_graph **out);
/* Does the graph, without dead nodes, hold what the backend does not take? Then the same with all that expanded, once;
 * `round`: how often that was done before. */
bool gr__plan_must_lower(const gr_backend *b, const gr_graph *g);
gr_status gr__plan_lower(gr_context *ctx, const gr_backend *b, const gr_graph *from, int round, gr_graph **out);
/* Replaces the graph by one that keeps values as it asks for (keep.c). */
gr_status gr__plan_keep(gr_context *ctx, gr_graph **graph);
/* Replaces the graph by one where some values are computed again (recompute.c). */
gr_status gr__plan_recompute(gr__compiler *c, gr_graph **graph);
/* Which values outputs, assigns and the guard need. live has room for all values. */
void gr__plan_mark_live(const gr_graph *g, bool *live);
bool gr__plan_node_lives(const gr_node *n, const bool *live); /* any of its outputs does */

/* Compiles as gr_plan_compile does. `change`, unless NULL, is called when the schedule is made and nothing is placed:
 * it may let units run again (again.c), as tests do. */
typedef gr_status (*gr__reschedule_fn)(gr__compiler *c, void *user);
gr_status gr__plan_compile(gr_context *ctx, const gr_graph *g, gr_store *s, const gr_plan_options *options,
                           gr__reschedule_fn change, void *user, gr_plan **out);

/* All stages from a simplified graph on. */
gr_status gr__plan_compile_stages(gr__compiler *c, gr__reschedule_fn change, void *user);

gr_status gr__plan_survey(gr__compiler *c);
gr_status gr__plan_fuse(gr__compiler *c);
gr_status gr__plan_assigns(gr__compiler *c);
gr_status gr__plan_merge(gr__compiler *c);
gr_status gr__plan_make(gr__compiler *c);
gr_status gr__plan_order(gr__compiler *c);
gr_status gr__plan_schedule(gr__compiler *c);
gr_status gr__plan_stand(gr__compiler *c);
gr_status gr__plan_remember(gr__compiler *c);
bool gr__remat_keeps_to_budget(const gr_remat *how); /* "auto" and the like */
gr_status gr__plan_buffers(gr__compiler *c);
gr_status gr__plan_place(gr__compiler *c);
gr_status gr__plan_blocks(gr__compiler *c); /* all of it but constants */
gr_status gr__plan_program(gr__compiler *c);

/* What input i of n reads from memory: a broadcast read in place gives what it repeats. GR_NONE: nothing (constants,
 * iotas read in place). */
gr_val gr__node_read(const gr__compiler *c, const gr_node *n, int i);
int gr__value_unit(const gr__compiler *c, gr_val v); /* of the value whose memory v is; -1: none */
/* How long the memory of a value holds it. Constants are not told from what is computed: nobody asks. */
typedef enum gr__standing {
    GR__STANDS_READ, /* from when it is computed until it is read last */
    GR__STANDS_FED,  /* a feed: from before the step until it is read last */
    GR__STANDS_STEP, /* a gradient: its place is its own for the whole step, or until its update has it */
    GR__STANDS_RUN   /* a parameter or slot: from step to step */
} gr__standing;
gr__standing gr__stands(const gr__compiler *c, gr_val v);
bool gr__value_is_view(const gr__compiler *c, gr_val v);
bool gr__node_is_reduction(const gr_node *n);
bool gr__value_is_out(const gr__compiler *c, gr_val v, int unit); /* read outside its unit, or pinned */
uint32_t gr__node_id(const gr_graph *g, const gr_node *n);
bool gr__is_loop(const gr_item *it);
size_t gr__value_bytes(const gr_backend *b, const gr_value *v);
/* True if the part reads the memory of `root` only as elementwise operands, element for element. *any: whether it reads
 * it at all. */
bool gr__part_reads_elementwise(const gr__compiler *c, const gr__part *part, gr_val root, bool *any);
/* Distinct values that the part reads, and those that it writes for others; the arrays have room for every operand of
 * its nodes. */
void gr__part_operands(const gr__compiler *c, int unit, const gr__part *part, gr_val *in, int *n_in, gr_val *out,
                       int *n_out);
/* The part's nodes with those they read in place, as backends want them: REGIONs in an order that equal regions share.
 * NULL: no memory. */
uint32_t *gr__part_list_nodes(const gr__compiler *c, gr__bump *memory, int unit, const gr__part *part, int *n);
int gr__part_most_operands(const gr__compiler *c, const gr__part *part); /* room for gr__part_operands, each array */

/* ---- make.c, schedule.c ---- */
/* What the backend makes of the unit, or of those of its nodes that the values asked[v] need. */
gr_status gr__unit_make(gr__compiler *c, int unit, const bool *asked, const gr__made **out);
gr_status gr__turn_call(gr__compiler *c, gr__turn *turn); /* it reads and writes what turn->made does */

/* ---- report.c ---- */
double gr__made_ns(const gr__made *m); /* predicted, on one thread */

/* ---- again.c ---- */
/* May the unit run again before entry `before` (counted from 0) of the schedule? Not if it has not run until there, was
 * merged, reads from the store what has another value by then, or is a loop that writes what stands whatever runs.
 * Where buffers stand is known (gr__plan_stand). */
bool gr__schedule_may_repeat(const gr__compiler *c, int unit, int before);
/* It does. What reads its values from there on reads those of this instance, and what stood for them stands no longer.
 */
gr_status gr__schedule_again(gr__compiler *c, int unit, int before);
/* The schedule becomes this list of its entries: each once, in their order, and where one stands again, an instance. */
gr_status gr__schedule_follow(gr__compiler *c, const int *entries, int n);
gr_status gr__plan_again(gr__compiler *c); /* what each instance is asked for; one that nobody asks is left out */

/* ---- place.c ---- */
/* May what a region writes stand where its input `in` (of turn->in) stood, if that is read no more? */
bool gr__may_take_over(const gr__compiler *c, const gr__turn *turn, int in, gr_val out);

/* ---- forms.c: how shapes look in a space of rows and columns ---- */
typedef enum gr__form { GR__FULL, GR__ROW, GR__COLUMN, GR__SCALAR } gr__form;
unsigned gr__form_broadcast_splits(gr_shape from, gr_shape to);
unsigned gr__form_reduce_splits(gr_shape shape, int64_t mask, int rank_after);
unsigned gr__form_line_splits(gr_shape shape, unsigned splits, int64_t rows); /* those of so many rows */
unsigned gr__form_iota_splits(gr_shape shape, int64_t axis);
int gr__form_split(unsigned splits); /* the one that is taken */
gr_space gr__form_space(gr_shape shape, unsigned splits);
gr__form gr__form_of(const gr_graph *g, const gr_node *n,
                     int split); /* BROADCAST: of its source; reductions: of the result; IOTA: ROW or COLUMN counts,
                            or an axis of one element, which is on no side of the split */

/* ---- deps.c ---- */
bool gr__deps_create(gr__deps *d, gr__bump *memory, int n);
bool gr__deps_has(const gr__deps *d, int unit, int above); /* unit needs above */
/* All that the unit needs, or that needs it, into units, in rising order; returns how many. */
int gr__deps_above(const gr__deps *d, int unit, int *units);
int gr__deps_below(const gr__deps *d, int unit, int *units);
void gr__deps_add(gr__deps *d, int unit, int above);
bool gr__deps_joinable(const gr__deps *d, int a, int b); /* no third unit between them */
void gr__deps_join(gr__deps *d, int a, int b);           /* b becomes part of a */

/* ---- pack.c ---- */
/* Finds offsets such that blocks that live at the same time do not overlap; *total is the end of the last one. False:
 * no memory. */
bool gr__blocks_pack(gr_context *ctx, gr__block *blocks, int n, size_t *total);

/* ---- bind.c ---- */
/* Of a bound plan; constants have theirs before. */
void *gr__plan_address(const gr_plan *p, gr__spot spot);
void *gr__operand_address(const gr_plan *p, gr__operand at); /* NULL: nobody asks for it */
void *gr__arena_data(const gr_arena *a, uint64_t *bytes);
void gr__instruction_bind(gr_plan *p, gr__instruction *in);

/* ---- run.c ---- */
bool gr__plan_step(gr_plan *p, const gr__instruction *in); /* false: a test did not hold */
/* Instructions of a loop's body that its compiler found may run so (loop_parts.c). */
void gr__plan_run_together(gr_plan *p, const gr__instruction *in, int n);
size_t gr__copy_bytes(const gr_plan *p, const gr__instruction *in); /* of a COPY */
double gr__copy_ns(const gr_plan *p, const gr__instruction *in);

#endif
