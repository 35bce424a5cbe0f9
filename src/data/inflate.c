/* Unpacking deflate as a stream, by zlib. */
#define ZLIB_CONST
#include "data/inflate.h"

#include <string.h>
#include <zlib.h>

enum { HELD = 16 << 10 }; /* packed bytes at a time */

struct gr__inflater {
    gr_context *ctx;
    gr__packed_fn next;
    void *user;
    z_stream z;
    bool made;  /* z is initialised */
    bool ended; /* the packed bytes */
    bool done;  /* this stream */
    unsigned char held[HELD];
};

/* zlib's own memory is the context's: each block begins with its size. */
typedef union block {
    size_t bytes;
    max_align_t aligned;
} block;

static void *take(void *user, unsigned n, unsigned size)
{
    gr_context *ctx = user;
    size_t bytes = sizeof(block) + (size_t)n * size;
    block *b = gr__alloc(ctx, bytes);
    if (!b) return NULL;
    b->bytes = bytes;
    return b + 1;
}

static void give_back(void *user, void *p)
{
    gr_context *ctx = user;
    block *b = (block *)p - 1;
    gr__free(ctx, b, b->bytes);
}

gr_status gr__inflater_create(gr_context *ctx, gr__packed_fn next, void *user, gr__inflater **out)
{
    gr__inflater *z = gr__alloc(ctx, sizeof *z);
    *out = NULL;
    if (!z) return GR_E_MEMORY;
    z->ctx = ctx;
    z->next = next;
    z->user = user;
    z->z = (z_stream){.zalloc = take, .zfree = give_back, .opaque = ctx};
    z->made = inflateInit2(&z->z, -MAX_WBITS) == Z_OK; /* deflate alone: headers are the caller's */
    if (!z->made) {
        gr__inflater_destroy(z);
        return GR_E_MEMORY;
    }
    *out = z;
    return GR_OK;
}

void gr__inflater_destroy(gr__inflater *z)
{
    if (!z) return;
    if (z->made) inflateEnd(&z->z);
    gr__free(z->ctx, z, sizeof *z);
}

void gr__inflater_begin(gr__inflater *z)
{
    inflateReset(&z->z); /* what is held stays: next_in and avail_in are ours */
    z->done = false;
}

static gr_status refill(gr__inflater *z)
{
    size_t got = 0;
    if (z->z.avail_in || z->ended) return GR_OK;
    gr_status st = z->next(z->user, z->held, sizeof z->held, &got);
    z->ended = got == 0;
    z->z.next_in = z->held;
    z->z.avail_in = (unsigned)got;
    return st;
}

gr_status gr__inflater_read(gr__inflater *z, void *to, size_t n, size_t *got, bool *sound)
{
    *got = 0;
    *sound = true;
    while (*got < n && !z->done && *sound) {
        gr_status st = refill(z);
        if (st != GR_OK) return st;
        unsigned room = (unsigned)GR_MIN(n - *got, (size_t)1 << 30);
        z->z.next_out = (unsigned char *)to + *got;
        z->z.avail_out = room;
        int said = inflate(&z->z, Z_NO_FLUSH);
        *got += room - z->z.avail_out;
        z->done = said == Z_STREAM_END;
        if (said == Z_MEM_ERROR) return gr__error_code(z->ctx) != GR_OK ? gr__error_code(z->ctx) : GR_E_MEMORY;
        *sound = said == Z_OK || z->done || (said == Z_BUF_ERROR && !z->ended);
    }
    return GR_OK;
}

gr_status gr__inflater_bytes(gr__inflater *z, unsigned char *to, size_t n, size_t *got)
{
    for (*got = 0; *got < n;) {
        gr_status st = refill(z);
        if (st != GR_OK || z->ended) return st;
        size_t some = GR_MIN(n - *got, z->z.avail_in);
        memcpy(to + *got, z->z.next_in, some);
        z->z.next_in += some;
        z->z.avail_in -= (unsigned)some;
        *got += some;
    }
    return GR_OK;
}
