/* The worker pool: shards of a kernel on a fixed set of threads.
 *
 * Work is cut by shape only, never by the number of threads, so results have the same bits for any pool. One 64-bit
 * ticket {epoch, n, next}; shards are taken by fetch-add; the caller works too and waits only for shards that were
 * taken; workers spin for a bounded time, then sleep on a futex. Every worker runs with denormals flushed;
 * gr__pool_enter/leave do the same for the calling thread around a step and restore what the host program had. */
#ifndef GR_BASE_POOL_H
#define GR_BASE_POOL_H

#include "base/base.h"

typedef struct gr__pool gr__pool;
typedef void (*gr__shard_fn)(void *arg, int shard, int worker); /* worker: 0 .. threads-1; 0 is the caller */

gr_status gr__pool_create(gr_context *ctx, int threads, gr__pool **out); /* threads >= 1, caller included */
void gr__pool_destroy(gr__pool *p);
int gr__pool_threads(const gr__pool *p);
/* Runs fn for shards 0..n-1 and returns when all are done. Allocates nothing. Not re-entrant. */
void gr__pool_run(gr__pool *p, gr__shard_fn fn, void *arg, int n_shards);
int gr__processors(void); /* how many the affinity mask of this thread holds, at least 1 */
gr__pool *
gr__context_pool(gr_context *ctx); /* made on first use with the context's threads; NULL on failure (error kept) */

typedef struct gr__fp_state {
    uint64_t control;
} gr__fp_state;
gr__fp_state gr__fp_enter(void); /* round to nearest, denormals flushed to zero; returns what was there */
void gr__fp_leave(gr__fp_state saved);

#endif
