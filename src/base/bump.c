/* The bump allocator: chunks of bookkeeping memory, cut from the front, released together. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/text.h"

#define ALIGNMENT 16
#define FIRST_CHUNK ((size_t)4 << 10)
#define LAST_CHUNK ((size_t)256 << 10)

typedef struct chunk {
    struct chunk *next;
    size_t bytes, used; /* of the whole block, this header included */
} chunk;

#define HEADER ((sizeof(chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

struct gr__bump {
    gr_context *ctx;
    chunk *chunks; /* the head is the one being filled */
    size_t next_bytes;
};

gr__bump *gr__bump_create(gr_context *ctx)
{
    gr__bump *b = gr__alloc(ctx, sizeof *b);
    if (!b) return NULL;
    b->ctx = ctx;
    b->next_bytes = FIRST_CHUNK;
    return b;
}

void gr__bump_destroy(gr__bump *b)
{
    if (!b) return;
    for (chunk *c = b->chunks, *next; c; c = next) {
        next = c->next;
        gr__free(b->ctx, c, c->bytes);
    }
    gr__free(b->ctx, b, sizeof *b);
}

static chunk *add_chunk(gr__bump *b, size_t bytes)
{
    chunk *c = gr__alloc(b->ctx, bytes);
    if (!c) return NULL;
    c->bytes = bytes;
    c->used = HEADER;
    return c;
}

void *gr__bump_alloc(gr__bump *b, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) {
        gr__fail(b->ctx, GR_E_MEMORY, "%zu bytes do not fit the address space", bytes);
        return NULL;
    }
    size_t need = bytes ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    chunk *c = b->chunks;
    if (c && c->bytes - c->used >= need) {
        c->used += need;
        return (char *)c + c->used - need;
    }
    if (need > b->next_bytes / 4) {
        /* A large block gets a chunk of its own behind the head, so that the head's rest is not lost. */
        chunk *own = add_chunk(b, HEADER + need);
        if (!own) return NULL;
        own->used = own->bytes;
        own->next = c ? c->next : NULL;
        if (c)
            c->next = own;
        else
            b->chunks = own;
        return (char *)own + HEADER;
    }
    c = add_chunk(b, b->next_bytes);
    if (!c) return NULL;
    b->next_bytes = GR_MIN(b->next_bytes * 2, LAST_CHUNK);
    c->next = b->chunks;
    b->chunks = c;
    c->used += need;
    return (char *)c + HEADER;
}

char *gr__bump_strdup(gr__bump *b, const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = gr__bump_alloc(b, n);
    return copy ? memcpy(copy, s, n) : NULL;
}

char *gr__bump_vformat(gr__bump *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = gr__print(NULL, 0, format, args);
    char *s = NULL;
    if (n < 0)
        gr__fail(b->ctx, GR_E_INTERNAL, "format \"%s\" cannot be printed", format);
    else
        s = gr__bump_alloc(b, (size_t)n + 1);
    if (s) gr__print(s, (size_t)n + 1, format, again);
    va_end(again);
    return s;
}

char *gr__bump_format(gr__bump *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *s = gr__bump_vformat(b, format, args);
    va_end(args);
    return s;
}
