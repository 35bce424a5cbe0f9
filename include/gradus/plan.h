/* Stores and plans: from a graph to something that runs.
 *
 * A store owns parameters and slots by name. A plan is a graph compiled for its shapes: a flat list of kernels over one
 * arena whose size is known before anything is allocated. Running a plan allocates nothing, takes no lock and looks up
 * no name.
 *
 *     gr_store_create(ctx, backend, &store);   gr_store_add(store, &(gr_entry_spec){.name = "w", .shape = GR_SHAPE(10,
 * 784)}); gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = backend}, &plan); gr_store_seal(store); // takes
 * gr_store_bytes(store) gr_plan_bind(plan, NULL);                // takes an arena of its own of
 * gr_plan_bytes(plan).arena, or shares one memcpy(gr_plan_feed(plan, "x", NULL), batch, bytes);   gr_plan_run(plan);
 * double j = *(const double *)gr_plan_output(plan, "cost", NULL);
 */
#ifndef GRADUS_PLAN_H
#define GRADUS_PLAN_H

#include "gradus/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_backend gr_backend;
typedef struct gr_store gr_store;
typedef struct gr_plan gr_plan;
typedef struct gr_arena gr_arena;

/* "ref" (float64, plain loops, the oracle) or "cpu" (float32, fast). NULL for another name. Static. */
GR_API const gr_backend *gr_backend_get(const char *name);
GR_API const char *gr_backend_name(const gr_backend *b);
GR_API size_t gr_backend_real_bytes(const gr_backend *b); /* of one GR_REAL element of rank > 0: 4 or 8 */

/* ---- store ---- */
/* What a tensor is for: weight decay, penalties and trust ratios touch weights and embeddings only. */
typedef enum gr_role {
    GR_ROLE_WEIGHT,
    GR_ROLE_EMBEDDING,
    GR_ROLE_BIAS,
    GR_ROLE_NORM_SCALE,
    GR_ROLE_NORM_SHIFT,
    GR_ROLE_SLOPE,
    GR_ROLE_STATE,
    GR_ROLE_MASK, /* of a weight: 0 where it is held at 0, else 1; whole numbers of a byte in model files */
    GR_ROLE_CODES /* a slot of bytes, GR_U8 in graphs: numbers of an optimizer in fewer bits */
} gr_role;
/* How a file's axes differ from memory's: PLAIN not at all; CONV [O,KH,KW,I] in memory is [O,I,KH,KW] in files
 * (one-dimensional: KH is 1 and absent); CHANNELS [...,C] in memory is [C,...] in files. */
typedef enum gr_layout { GR_LAYOUT_PLAIN, GR_LAYOUT_CONV, GR_LAYOUT_CONV1D, GR_LAYOUT_CHANNELS } gr_layout;

typedef struct gr_entry_spec {
    const char *name; /* "c1.weight"; slots: "c1.weight/m"; copied */
    gr_shape shape;
    bool slot;  /* a slot, not a parameter */
    bool saved; /* slots: part of a model file (running statistics), not of checkpoints alone */
    gr_role role;
    gr_layout layout;
    double initial; /* slots start filled with it */
} gr_entry_spec;

typedef struct gr_entry {
    gr_entry_spec spec; /* spec.name owned by the store */
    int64_t count;
    size_t
        offset; /* within the block of its kind, 64-byte granules; parameters and their gradients have equal offsets */
    void *data; /* NULL until sealed; float or double as the backend has it; rank 0: double */
} gr_entry;

GR_API GR_CHECKED gr_status gr_store_create(gr_context *ctx, const gr_backend *backend, gr_store **out);
GR_API void gr_store_destroy(gr_store *s);
/* Adds an entry; adding an equal one again is fine and gives the same index; a different one under the same name is
 * GR_E_CONFLICT. */
GR_API GR_CHECKED gr_status gr_store_add(gr_store *s, const gr_entry_spec *spec, int *index);
GR_API int gr_store_count(const gr_store *s);
GR_API const gr_entry *gr_store_entry(const gr_store *s,
                                      int index); /* in the order added; borrowed until the next add */
GR_API const gr_entry *gr_store_find(const gr_store *s, const char *name); /* NULL if absent */
GR_API void gr_store_bytes(const gr_store *s, uint64_t *parameters,
                           uint64_t *slots); /* what sealing takes, in all: each block is rounded to its granule */
GR_API GR_CHECKED gr_status
gr_store_seal(gr_store *s); /* allocates; slots are filled, parameters zero; no adds afterwards */
/* Reads or writes a whole entry as doubles in memory order, whatever the backend's type. */
GR_API void gr_store_read(const gr_store *s, const gr_entry *e, double *values);
GR_API void gr_store_write(gr_store *s, const gr_entry *e, const double *values);

/* ---- plan ---- */
typedef enum gr_algorithm { GR_ALGORITHM_AUTO, GR_ALGORITHM_EXACT, GR_ALGORITHM_DIRECT } gr_algorithm;

/* What of a step is computed again rather than kept until the backward pass reads it. That changes no bit of what it
 * computes. policy:
 *
 *   NULL, "none"  nothing
 *   "auto"        as little as `budget` allows, in time; where the budget cannot be met, the least arena that was found
 *   "optimal"     the same, looked for with an integer program (CBC, where it is there), which takes its time
 *   "every"       all but the output of every count-th layer (scope)
 *   "keep"        all but the outputs of the layers named
 *   "sqrt"        all but values a square root of the layers apart
 *   "chen"        all but values that leave the least standing between them (Chen, Xu, Zhang & Guestrin 2016)
 *   "revolve"     whatever count snapshots at a time leave to do (Griewank & Walther 2000)
 *
 * Values too small to matter are kept, as is what cannot be computed again. */
typedef struct gr_remat {
    const char *policy;
    int64_t count;
    const char *const *names;
    int n_names;
} gr_remat;

typedef struct gr_plan_options {
    const gr_backend *backend;
    const char *name; /* "step", "evaluate": for printing; copied */
    bool unfused;     /* every node a kernel of its own: tests compare bits */
    bool release;     /* large gradients stand until they are read last, and what reads them runs as soon as it may */
    gr_algorithm algorithm;
    gr_remat remat;
    uint64_t budget; /* bytes of the arena that "auto" and "optimal" keep to; 0: any number */
} gr_plan_options;

typedef struct gr_plan_bytes_info {
    uint64_t gradients, activations, workspace; /* highest use of each class within the arena */
    uint64_t arena;                             /* bytes of arena that the plan needs: their sum */
} gr_plan_bytes_info;

/* Compiles: simplifies, fuses, orders, chooses kernels, places. The graph may be destroyed afterwards; params and slots
 * it names must be in the store with equal shapes. Allocates bookkeeping memory only. */
GR_API GR_CHECKED gr_status gr_plan_compile(gr_context *ctx, const gr_graph *g, gr_store *s,
                                            const gr_plan_options *options, gr_plan **out);
GR_API void gr_plan_destroy(gr_plan *p);
GR_API gr_plan_bytes_info gr_plan_bytes(const gr_plan *p);

/* How little could be computed again within the budget at least, where "optimal" was asked for and something is. */
typedef struct gr_plan_bound {
    bool known, solved; /* solved: an integer program says so; else it is a rougher bound, for want of a solver */
    double again_ns;    /* predicted, on one thread: no schedule within the budget takes less beside a run of all */
} gr_plan_bound;
GR_API gr_plan_bound gr_plan_bound_get(const gr_plan *p);

/* One arena serves several plans that do not run at the same time: make it as large as the largest. Contents do not
 * survive another plan's run. */
GR_API GR_CHECKED gr_status gr_arena_create(gr_context *ctx, uint64_t bytes, gr_arena **out);
GR_API void gr_arena_destroy(gr_arena *a);
/* Fixes all addresses. The store must be sealed. arena NULL: the plan takes one of its own. */
GR_API GR_CHECKED gr_status gr_plan_bind(gr_plan *p, gr_arena *arena);

/* Where to put a feed before a run (dense; GR_REAL as the backend has it, rank 0 double). NULL: the plan has no such
 * feed, or does not need it. */
GR_API void *gr_plan_feed(gr_plan *p, const char *name, size_t *bytes);
/* Where an output stands after a run, until the next run of any plan of this arena. NULL: no such output. shape may be
 * NULL. */
GR_API const void *gr_plan_output(const gr_plan *p, const char *name, gr_shape *shape);

/* Runs the step. GR_OK; GR_E_DIVERGED: the guard is not finite and nothing was assigned. Feeds keep their contents only
 * until the run. */
GR_API GR_CHECKED gr_status gr_plan_run(gr_plan *p);
/* After GR_E_DIVERGED and with the same feeds put in again: runs item by item and writes "exp in cross_entropy
 * \"cost\"", the first operation whose output is not finite, into text; inside a loop it is the body's, and its step is
 * told, from 1: "exp in rnn \"memory\", step 3". Assigns nothing. False if none was found. */
GR_API bool gr_plan_find_nonfinite(gr_plan *p, char *text, size_t n);

/* Looking inside a run: items one at a time, 0 to gr_plan_rows - 1 in order, and what each has written. That stays as
 * it is until the next item runs, and later items read what is left there. gr_plan_run_item gives GR_E_DIVERGED where
 * gr_plan_run would stop: at the first item that assigns. */
typedef struct gr_plan_view {
    const char *scope, *operation; /* of the node that made it: dense "head", "matmul" */
    gr_dtype dtype;
    gr_shape shape;
    size_t element_bytes; /* of one element: GR_REAL has 4 or 8 */
    void *data;           /* dense */
} gr_plan_view;
GR_API GR_CHECKED gr_status gr_plan_run_item(gr_plan *p, int index);
GR_API int gr_plan_views(const gr_plan *p,
                         int index); /* how many values item `index` writes; none where it only copies into the store */
GR_API gr_plan_view gr_plan_view_at(const gr_plan *p, int index, int output);

/* What the plan runs, one row a kernel, for `gradus plan` and tests. */
typedef struct gr_plan_row {
    const char *kernel; /* "conv forward, direct 14x32" */
    const char *scope;  /* of its first node */
    int nodes;          /* how many graph nodes it covers */
    int shards;
    double flops, bytes; /* a run; of a loop those of all its steps */
    double products;     /* of the flops, those of matrix products and convolutions */
    double cost_ns;      /* predicted, one thread */
    int instance;        /* 0 where the kernel runs first; 1, 2, ...: it computes again what was not kept */
    double saved;        /* bytes that it computes again, and that would stand otherwise */
} gr_plan_row;
GR_API int gr_plan_rows(const gr_plan *p);
GR_API gr_plan_row gr_plan_row_at(const gr_plan *p, int index);
GR_API double gr_plan_flops(const gr_plan *p); /* of a run: the sum over its rows */
/* The largest values in the arena, for messages about memory: fills at most n rows, largest first; returns how many. */
typedef struct gr_plan_item {
    const char *scope, *what;
    uint64_t bytes;
} gr_plan_item;
GR_API int gr_plan_largest(const gr_plan *p, gr_plan_item *items, int n);
/* A piece of the arena that values, one after another, or the workspace of an item take: from item `first` to item
 * `last`, both included. -1: from before the first on; gr_plan_rows: until after the last. The gradients stand before
 * all pieces, and scratch memory behind them. */
typedef struct gr_plan_piece {
    const char *scope, *what; /* of the value that stands there first: dense "head", "matmul"; "", "workspace" */
    uint64_t offset, bytes;   /* within the pieces' part of the arena */
    int first, last;
} gr_plan_piece;
GR_API int gr_plan_pieces(const gr_plan *p);
GR_API gr_plan_piece gr_plan_piece_at(const gr_plan *p, int index); /* bytes 0: there is no such piece */

#ifdef __cplusplus
}
#endif
#endif
