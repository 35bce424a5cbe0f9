/* A kernel: what a backend makes of one item of a plan. It never changes once it is made, so it may run at several
 * places of a plan, or in several plans: what it runs on comes with each call. */
#ifndef GR_PLAN_KERNEL_H
#define GR_PLAN_KERNEL_H

#include "base/base.h"

typedef struct gr_kernel gr_kernel;

/* What a kernel runs on. Whoever calls owns it. */
typedef struct gr_call {
    void *const *operand; /* inputs, then outputs, n_operands of them; NULL: an output that nobody reads */
    void *shared;         /* shared_bytes, 64-byte aligned, the same for all shards; NULL if the kernel needs none */
    void *scratch;        /* scratch_bytes of the worker's own, 64-byte aligned, undefined on entry */
} gr_call;

/* Runs one shard of one phase. */
typedef void (*gr_phase_fn)(const gr_kernel *k, const gr_call *call, int shard);

enum { GR_MAX_PHASES = 4 };

/* Backends embed this as the first member of their own structs. Phases run one after another, shards of a phase in any
 * order on any workers; how many shards there are depends on shapes and instruction set only. run touches nothing but
 * operands, shared and scratch; an output that is NULL is neither computed nor written.

 * A plan may call the kernel of a unit again later in the same step (plan/again.c): with other places for the outputs
 * that are asked for then, NULL for the others, and never to write a state or an update once more. So a kernel depends
 * on nothing but its operands. */
struct gr_kernel {
    const char *name; /* what `gradus plan` prints: "conv forward, direct 14x32"; static or owned by the kernel */
    int n_phases;
    struct {
        gr_phase_fn run;
        int n_shards;
        double cost_ns; /* of all shards on one thread; below a few microseconds the phase stays on the caller */
    } phase[GR_MAX_PHASES];
    int n_lasting; /* the first so many phases read lasting operands alone (gr_item.lasting) and write `shared` alone:
                      they run once a loop, and shared is kept as long */
    struct {
        int operand;
        int64_t form[4]; /* unless form[0] is 0 the first phase reads this operand alone and writes the beginning of
                            `shared`, where it is the same for all kernels of this form and nothing else is written:
                            one that follows such a kernel, with the same operand, may begin with the second phase */
    } packs;
    struct {
        gr_phase_fn run; /* one part, in place of the one phase that does not last */
        int n; /* parts; 0: there is no such cut. Kernels of a loop's body with as many may run together, part by
                  part: a part is some columns of every result, the same of all these kernels */
        bool elementwise; /* of its operands a part reads the same columns alone */
    } part;
    size_t scratch_bytes; /* a worker */
    size_t shared_bytes; /* a block of the arena that lives only while this kernel runs: packed weights, partial sums */
    int n_operands;      /* in the order that the maker documents */
    void (*destroy)(gr_context *ctx, gr_kernel *k);
};

#endif
