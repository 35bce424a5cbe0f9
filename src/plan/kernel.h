/* A kernel: what a backend makes of one item of a plan, ready to run any number of times. */
#ifndef GR_PLAN_KERNEL_H
#define GR_PLAN_KERNEL_H

#include "base/base.h"

typedef struct gr_kernel gr_kernel;

/* Runs one shard of one phase. `scratch` is scratch_bytes of the worker's own, 64-byte aligned, undefined on entry. */
typedef void (*gr_phase_fn)(const gr_kernel *k, int shard, void *scratch);

enum { GR_MAX_PHASES = 4 };

/* Backends embed this as the first member of their own structs. Phases run one after another, shards of a phase in any
 * order on any workers; how many shards there are depends on shapes and instruction set only. run touches nothing but
 * operands, shared and scratch. */
struct gr_kernel {
    const char *name; /* what `gradus plan` prints: "conv forward, direct 14x32"; static or owned by the kernel */
    int n_phases;
    struct {
        gr_phase_fn run;
        int n_shards;
        double cost_ns; /* of all shards on one thread; below a few microseconds the phase stays on the caller */
    } phase[GR_MAX_PHASES];
    size_t scratch_bytes; /* a worker */
    size_t shared_bytes; /* a block of the arena that lives only while this kernel runs: packed weights, partial sums */
    void *shared;        /* 64-byte aligned; set when the plan is bound */
    void **operand;      /* inputs, then outputs, in the order the maker documents; set when the plan is bound */
    int n_operands;
    void (*destroy)(gr_context *ctx, gr_kernel *k);
};

#endif
