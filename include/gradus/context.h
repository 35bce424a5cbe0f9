/* The context: allocator, byte budget, threads, log and the first error. Nothing in the library is global.
 *
 * A context and what is made from it belong to one thread at a time; different contexts are independent. */
#ifndef GRADUS_CONTEXT_H
#define GRADUS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gradus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_context gr_context;

typedef enum gr_log_level { GR_LOG_ERROR, GR_LOG_WARNING, GR_LOG_INFO, GR_LOG_DEBUG } gr_log_level;

/* What went wrong first. Strings are never NULL ("" where unknown); line and column are 1-based, 0 where unknown. */
typedef struct gr_error {
    gr_status code;
    const char *file;
    int line, column;
    const char *key;      /* key path in a recipe: "optimizer.beta2" */
    const char *message;  /* "1.5 is not in [0, 1)" */
    const char *hint;     /* what helps */
    uint64_t least_bytes; /* GR_E_BUDGET of a run: the least budget that would do; 0: not known */
} gr_error;

typedef struct gr_context_options {
    /* Memory functions; all NULL takes malloc's. `bytes` on release is the size that was asked for. */
    void *(*acquire)(void *user, size_t bytes, size_t alignment);
    void (*release)(void *user, void *p, size_t bytes);
    void (*log)(void *user, gr_log_level level, const char *text); /* NULL: silent */
    void *user;
    uint64_t budget_bytes; /* of tensor memory; 0: no limit */
    int threads;           /* 0: as many as the affinity mask allows */
} gr_context_options;

/* Makes a context. options may be NULL. Returns GR_OK or GR_E_MEMORY, GR_E_RANGE. */
GR_API GR_CHECKED gr_status gr_context_create(const gr_context_options *options, gr_context **out);
GR_API void gr_context_destroy(gr_context *ctx); /* NULL is fine. Joins the worker threads. */

/* The first error since creation or gr_context_clear_error. Borrowed; valid until either is called. */
GR_API const gr_error *gr_context_error(const gr_context *ctx);
GR_API void gr_context_clear_error(gr_context *ctx);

/* Bytes of tensor memory now, and at most since creation. */
GR_API uint64_t gr_context_bytes(const gr_context *ctx);
GR_API uint64_t gr_context_peak_bytes(const gr_context *ctx);
GR_API int gr_context_threads(const gr_context *ctx);
/* Changes what creation set. threads 0: as many as the affinity mask allows; only before anything ran (GR_E_CONFLICT
 * afterwards). budget_bytes 0: no limit. */
GR_API GR_CHECKED gr_status gr_context_configure(gr_context *ctx, int threads, uint64_t budget_bytes);

#ifdef __cplusplus
}
#endif
#endif
