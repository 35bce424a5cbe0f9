/* The content of a blob from front to back: plain, gzip (RFC 1952, members in a row) or deflate alone. */
#include <string.h>

#include "base/file.h"
#include "data/blob.h"
#include "data/inflate.h"

enum { MAGIC_BYTES = 10, TRAILER_BYTES = 8, SKIPPED = 4096 };
enum { HAS_CRC = 2, HAS_EXTRA = 4, HAS_NAME = 8, HAS_COMMENT = 16, RESERVED = 0xE0 }; /* flags of a gzip member */

struct gr__stream {
    gr_context *ctx;
    const gr__blob *blob;
    gr__inflater *z; /* NULL: plain */
    uint64_t at;     /* bytes of the blob that were read */
    uint64_t done;   /* bytes of the content that were given */
    uint32_t crc;    /* of them; gzip: of those of the member */
    uint32_t member; /* bytes of the member so far, modulo 2^32 */
    bool ended;
};

static gr_status damaged(const gr__stream *s)
{
    if (s->blob->packing == GR__GZIP)
        return gr__fail(s->ctx, GR_E_FORMAT, "\"%s\" is damaged or cut off: its gzip data does not unpack",
                        s->blob->name);
    return gr__fail(s->ctx, GR_E_FORMAT,
                    "\"%s\" is damaged: its packed data does not unpack to the size its directory promises",
                    s->blob->name);
}

static gr_status next_packed(void *user, unsigned char *to, size_t n, size_t *got)
{
    gr__stream *s = user;
    *got = (size_t)GR_MIN(s->blob->bytes - s->at, n);
    gr_status st = gr__blob_read(s->blob, s->at, to, *got);
    s->at += *got;
    return st;
}

/* ---- members of gzip ---- */

static gr_status skip_text(gr__stream *s, bool *more)
{
    unsigned char c = 1;
    size_t got = 1;
    gr_status st = GR_OK;
    while (c && got && st == GR_OK) st = gr__inflater_bytes(s->z, &c, 1, &got);
    *more = got > 0;
    return st;
}

static gr_status skip_bytes(gr__stream *s, size_t n, bool *more)
{
    unsigned char c[64];
    size_t got = 1;
    gr_status st = GR_OK;
    for (; n && got && st == GR_OK; n -= got) st = gr__inflater_bytes(s->z, c, GR_MIN(n, sizeof c), &got);
    *more = n == 0;
    return st;
}

/* The header of the next member. *more: there is one. */
static gr_status begin_member(gr__stream *s, bool *more)
{
    unsigned char h[MAGIC_BYTES], length[2];
    size_t got;
    gr_status st = gr__inflater_bytes(s->z, h, sizeof h, &got);
    *more = got > 0;
    if (st != GR_OK || got == 0) return st;
    bool good = got == sizeof h && h[0] == 0x1F && h[1] == 0x8B && h[2] == 8 && !(h[3] & RESERVED);
    if (!good) return damaged(s);
    if (h[3] & HAS_EXTRA) {
        st = gr__inflater_bytes(s->z, length, 2, &got);
        good = got == 2;
        if (good && st == GR_OK) st = skip_bytes(s, length[0] | (size_t)length[1] << 8, &good);
    }
    if (h[3] & HAS_NAME && good && st == GR_OK) st = skip_text(s, &good);
    if (h[3] & HAS_COMMENT && good && st == GR_OK) st = skip_text(s, &good);
    if (h[3] & HAS_CRC && good && st == GR_OK) st = skip_bytes(s, 2, &good);
    if (st == GR_OK && !good) return damaged(s);
    s->crc = s->member = 0;
    gr__inflater_begin(s->z);
    return st;
}

static uint32_t little(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* What follows a member's data, and the next member, if any. */
static gr_status end_member(gr__stream *s)
{
    unsigned char t[TRAILER_BYTES];
    size_t got;
    bool more;
    gr_status st = gr__inflater_bytes(s->z, t, sizeof t, &got);
    if (st != GR_OK) return st;
    if (got < sizeof t || little(t) != s->crc || little(t + 4) != s->member) return damaged(s);
    st = begin_member(s, &more);
    s->ended = !more;
    return st;
}

/* ---- reading ---- */

gr_status gr__stream_open(const gr__blob *b, gr__stream **out)
{
    bool more = true;
    gr__stream *s = gr__alloc(b->ctx, sizeof *s);
    *out = NULL;
    if (!s) return GR_E_MEMORY;
    *s = (gr__stream){.ctx = b->ctx, .blob = b};
    gr_status st = b->packing == GR__PLAIN ? GR_OK : gr__inflater_create(b->ctx, next_packed, s, &s->z);
    if (st == GR_OK && b->packing == GR__GZIP) st = begin_member(s, &more);
    if (st == GR_OK && !more) st = damaged(s);
    if (st == GR_OK)
        *out = s;
    else
        gr__stream_close(s);
    return st;
}

void gr__stream_close(gr__stream *s)
{
    if (!s) return;
    gr__inflater_destroy(s->z);
    gr__free(s->ctx, s, sizeof *s);
}

/* At the end of a content that says of itself how long it is and what its checksum is. */
static gr_status check_end(gr__stream *s)
{
    if (!s->blob->checked) return GR_OK;
    if (s->done != s->blob->content) return damaged(s);
    if (s->crc == s->blob->crc) return GR_OK;
    return gr__fail(s->ctx, GR_E_FORMAT, "\"%s\" is damaged: its checksum is not that of its bytes", s->blob->name);
}

/* Some bytes, at least one unless it ends here. */
static gr_status read_some(gr__stream *s, unsigned char *to, size_t n, size_t *got)
{
    bool sound = true;
    gr_status st;
    if (s->z) {
        st = gr__inflater_read(s->z, to, n, got, &sound);
    } else {
        *got = (size_t)GR_MIN(s->blob->bytes - s->at, n);
        st = gr__blob_read(s->blob, s->at, to, *got);
        s->at += *got;
    }
    if (st != GR_OK) return st;
    if (!sound) return damaged(s);
    if (s->z || s->blob->checked) s->crc = gr__crc32(s->crc, to, *got);
    s->done += *got;
    s->member += (uint32_t)*got;
    if (s->blob->checked && s->done > s->blob->content) return damaged(s);
    if (*got == n) return GR_OK;
    if (s->blob->packing == GR__GZIP) return end_member(s);
    s->ended = true;
    return check_end(s);
}

gr_status gr__stream_read(gr__stream *s, void *to, size_t n, size_t *got)
{
    gr_status st = GR_OK;
    for (*got = 0; *got < n && !s->ended && st == GR_OK;) {
        size_t some;
        st = read_some(s, (unsigned char *)to + *got, n - *got, &some);
        if (st == GR_OK) *got += some;
    }
    return st;
}

gr_status gr__stream_take(gr__stream *s, void *to, uint64_t n)
{
    unsigned char skipped[SKIPPED];
    while (n) {
        size_t wanted = to ? (size_t)n : (size_t)GR_MIN(n, sizeof skipped), got;
        gr_status st = gr__stream_read(s, to ? to : skipped, wanted, &got);
        if (st != GR_OK) return st;
        if (got < wanted) return gr__fail(s->ctx, GR_E_FORMAT, "\"%s\" ends before it should", s->blob->name);
        n -= got;
    }
    return GR_OK;
}
