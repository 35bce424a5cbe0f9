/* What a context holds. For floor 0's own files only; everybody else goes through base.h. */
#ifndef GR_BASE_STATE_H
#define GR_BASE_STATE_H

#include "base/pool.h"

typedef struct gr__added gr__added; /* members of families that the context was given; base/family.c */

struct gr_context {
    gr_context_options options; /* as given, with acquire and release always set and threads resolved */

    uint64_t tensor_bytes, tensor_peak, bookkeeping_bytes, bookkeeping_peak;
    uint64_t released;                       /* of bookkeeping, since free memory went back to the system */
    uint64_t acquisitions, fail_acquisition; /* counted since creation; the number of the one that fails, 0: none */
    uint64_t writes, fail_write;             /* the same for write(2) */

    bool muted;     /* see gr__log_mute */
    bool unsynced;  /* see gr__sync_none */
    gr__pool *pool; /* NULL until first used */

    gr__bump *memory; /* of what lives as long as the context; NULL until first used */
    gr__added *added;

    gr_error error; /* its strings are these buffers: keeping an error never allocates */
    char message[1024], key[256], file[4096], hint[512];
};

/* Bookkeeping memory with an alignment (power of two) other than gr__alloc's 16; release with gr__free. */
void *gr__alloc_aligned(gr_context *ctx, size_t bytes, size_t alignment);

/* malloc's memory, for contexts without memory functions of their own. */
void *gr__default_acquire(void *user, size_t bytes, size_t alignment);
void gr__default_release(void *user, void *p, size_t bytes);

#endif
