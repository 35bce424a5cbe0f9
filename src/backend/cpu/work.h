/* How kernels of single nodes find their operands, cut their work, and what moving costs. */
#ifndef GR_CPU_WORK_H
#define GR_CPU_WORK_H

#include "plan/backend.h"

enum { GR__MAX_SHARDS = 16 };

/* Where value v stands among the inputs of a one-segment item; -1: not read from memory (constants). */
int gr__cpu_input(const gr_item *item, gr_val v);
/* Into how many shards so many elements are cut: by number alone. */
int gr__cpu_shards(int64_t elements);
/* The part of 0..n-1 that belongs to a shard, in multiples of `step`. */
void gr__cpu_part(int64_t n, int64_t step, int shards, int shard, int64_t *begin, int64_t *end);
/* Nanoseconds to move so many bytes. */
double gr__cpu_move_ns(double bytes);

#endif
