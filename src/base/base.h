/* Floor 0: what every other floor stands on. Status and error text, memory, log. */
#ifndef GR_BASE_BASE_H
#define GR_BASE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gradus/context.h"

#define GR_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define GR_MAX(a, b) ((a) > (b) ? (a) : (b))
#define GR_MIN(a, b) ((a) < (b) ? (a) : (b))

#if defined(__clang__)
#define GR_COMPILER "clang " __clang_version__
#else
#define GR_COMPILER "gcc " __VERSION__
#endif

/* Runs an expression that gives a status and leaves through `goto done` with it in `st` when it is not GR_OK. */
#define GR_TRY(expr)                \
    do {                            \
        st = (expr);                \
        if (st != GR_OK) goto done; \
    } while (0)

/* ---- errors: the first one is kept, later ones are dropped; each returns its code so that one can `return
 * gr__fail(...)` ---- */

gr_status gr__fail(gr_context *ctx, gr_status code, const char *format, ...) GR_PRINTF(3, 4);
/* Adds a place to the kept error if it has none yet (file == NULL or key == NULL leaves that part alone). */
void gr__error_place(gr_context *ctx, const char *file, int line, int column, const char *key);
/* Adds a hint to the kept error if it has none yet. */
void gr__error_hint(gr_context *ctx, const char *format, ...) GR_PRINTF(2, 3);
/* Of a budget that is too small: the least that would do. */
void gr__error_least(gr_context *ctx, uint64_t bytes);
/* The kept error of another context, of a thread of its own, becomes this one's where it has none. Gives its code. */
gr_status gr__error_take(gr_context *ctx, const gr_context *from);
gr_status gr__error_code(const gr_context *ctx); /* GR_OK while nothing failed */

void gr__log(gr_context *ctx, gr_log_level level, const char *format, ...) GR_PRINTF(3, 4);
/* Keeps warnings and notes to itself, for what is done again of which all was said the first time; false speaks again.
 */
void gr__log_mute(gr_context *ctx, bool mute);

/* ---- memory: exact accounting; every release states the size that was acquired ----
 * Bookkeeping memory (structs, names, parsers) and tensor memory (parameters, arenas, data, loader) are counted apart;
 * only tensor memory is held against the budget. All return NULL on failure with GR_E_MEMORY / GR_E_BUDGET kept. */

void *gr__alloc(gr_context *ctx, size_t bytes); /* zeroed; bytes == 0 gives a unique pointer */
void *gr__resize(gr_context *ctx, void *p, size_t old_bytes,
                 size_t new_bytes);                    /* new part zeroed; p may be NULL; on failure p stays */
void gr__free(gr_context *ctx, void *p, size_t bytes); /* NULL is fine */
char *gr__strdup(gr_context *ctx, const char *s);
void gr__strfree(gr_context *ctx, char *s); /* NULL is fine; only for gr__strdup / gr__format */
char *gr__format(gr_context *ctx, const char *format, ...) GR_PRINTF(2, 3); /* owned string, free with gr__strfree */

/* Tensor memory: 64-byte aligned (large pages from 2 MiB on), zeroed. */
void *gr__tensor_alloc(gr_context *ctx, size_t bytes);
void gr__tensor_free(gr_context *ctx, void *p, size_t bytes);

uint64_t gr__bookkeeping_bytes(const gr_context *ctx);
uint64_t gr__bookkeeping_peak(const gr_context *ctx); /* the most it ever was */
/* Fault injection for tests: the k-th acquisition from now on (1 = the next), of either kind, fails, and only that one;
 * 0 switches off. */
void gr__fail_acquisition(gr_context *ctx, uint64_t k);
uint64_t gr__acquisitions(const gr_context *ctx); /* since creation, to know how far k can go */

/* ---- a bump allocator for structures that die together (bookkeeping memory) ---- */
typedef struct gr__bump gr__bump;
gr__bump *gr__bump_create(gr_context *ctx);
void gr__bump_destroy(gr__bump *b);
void *gr__bump_alloc(gr__bump *b, size_t bytes); /* zeroed, 16-byte aligned; NULL on failure */
char *gr__bump_strdup(gr__bump *b, const char *s);
char *gr__bump_format(gr__bump *b, const char *format, ...) GR_PRINTF(2, 3);
char *gr__bump_vformat(gr__bump *b, const char *format, va_list args);
gr__bump *gr__context_memory(gr_context *ctx); /* dies with the context; NULL on failure */

/* ---- growable arrays: GR_PUSH(ctx, array, n, cap) makes room for one more element of `array`; false on failure ----
 */
bool gr__grow(gr_context *ctx, void **array, size_t *capacity, size_t element_bytes, size_t wanted);
#define GR_ROOM(ctx, array, capacity, wanted) gr__grow(ctx, (void **)&(array), &(capacity), sizeof *(array), wanted)

#endif
