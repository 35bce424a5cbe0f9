/* Files as bytes, plain or gzip. */
#include "data/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define MOST_BYTES ((uint64_t)64 << 30) /* of a content whose size no header tells */
#define BEST_RATIO 1032                 /* deflate: 258 bytes from 2 bits */

static gr_status fail_file(const gr__blob *b, int code)
{
    char reason[128];
    return gr__fail(b->ctx, GR_E_FILE, "cannot read \"%s\": %s", b->name, gr__errno_text(code, reason, sizeof reason));
}

static gr_status fail_short(const gr__blob *b)
{
    return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" ends before it should", b->name);
}

static gr_status read_at(const gr__blob *b, uint64_t at, unsigned char *to, size_t n)
{
    while (n) {
        ssize_t got = pread(b->fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_file(b, errno);
        if (got == 0) return fail_short(b);
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return GR_OK;
}

static gr_status read_all(gr__blob *b, const char *path)
{
    char *data;
    size_t n;
    gr_status st = gr__file_read(b->ctx, path, MOST_BYTES, &data, &n);
    if (st != GR_OK) return st;
    b->owned = data;
    b->owned_bytes = n + 1;
    b->data = b->owned;
    b->bytes = n;
    return GR_OK;
}

static gr_status look_for_gzip(gr__blob *b)
{
    unsigned char magic[2] = {0};
    gr_status st = b->bytes >= 2 ? gr__blob_read(b, 0, magic, 2) : GR_OK;
    b->gzip = magic[0] == 0x1F && magic[1] == 0x8B;
    return st;
}

gr_status gr__blob_open(gr_context *ctx, const char *path, gr__blob *out)
{
    gr__blob b = {.ctx = ctx, .name = path, .fd = -1};
    do b.fd = open(path, O_RDONLY | O_CLOEXEC);
    while (b.fd < 0 && errno == EINTR);
    if (b.fd < 0) return fail_file(&b, errno);
    struct stat about;
    gr_status st = GR_OK;
    if (fstat(b.fd, &about) != 0)
        st = fail_file(&b, errno);
    else if (S_ISDIR(about.st_mode))
        st = fail_file(&b, EISDIR);
    if (st == GR_OK) {
        b.bytes = (uint64_t)about.st_size;
        if (!S_ISREG(about.st_mode)) {
            close(b.fd);
            b.fd = -1;
            st = read_all(&b, path);
        }
    }
    if (st == GR_OK) st = look_for_gzip(&b);
    if (st == GR_OK)
        *out = b;
    else
        gr__blob_close(&b);
    return st;
}

void gr__blob_memory(gr_context *ctx, const char *name, const void *data, size_t bytes, gr__blob *out)
{
    *out = (gr__blob){.ctx = ctx, .name = name, .fd = -1, .data = data, .bytes = bytes};
    out->gzip = bytes >= 2 && out->data[0] == 0x1F && out->data[1] == 0x8B;
}

void gr__blob_close(gr__blob *b)
{
    if (!b->ctx) return;
    if (b->fd >= 0) close(b->fd);
    gr__free(b->ctx, b->owned, b->owned_bytes);
    *b = (gr__blob){.fd = -1};
}

gr_status gr__blob_read(const gr__blob *b, uint64_t at, void *to, size_t n)
{
    if (at > b->bytes || n > b->bytes - at) return fail_short(b);
    if (b->fd >= 0) return read_at(b, at, to, n);
    if (n) memcpy(to, b->data + at, n);
    return GR_OK;
}

/* ---- gzip ---- */

static gr_status fail_packed(const gr__blob *b)
{
    return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" is damaged or cut off: its gzip data does not unpack", b->name);
}

bool gr__blob_could_hold(const gr__blob *b, uint64_t n)
{
    return !b->gzip || n / BEST_RATIO <= b->bytes;
}

/* Unpacks all members of `packed` into at most `room` bytes. *full: there was more than fits. */
static gr_status unpack(const gr__blob *b, const unsigned char *packed, size_t packed_bytes, unsigned char *to,
                        size_t room, size_t *got, bool *full)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!d) return gr__fail(b->ctx, GR_E_MEMORY, "no memory to unpack \"%s\"", b->name);
    enum libdeflate_result result = LIBDEFLATE_SUCCESS;
    *got = 0;
    *full = false;
    while (packed_bytes > 0 && result == LIBDEFLATE_SUCCESS) {
        size_t in = 0, out = 0;
        result = libdeflate_gzip_decompress_ex(d, packed, packed_bytes, to + *got, room - *got, &in, &out);
        if (result != LIBDEFLATE_SUCCESS) break;
        packed += in;
        packed_bytes -= in;
        *got += out;
    }
    libdeflate_free_decompressor(d);
    *full = result == LIBDEFLATE_INSUFFICIENT_SPACE;
    return result == LIBDEFLATE_SUCCESS || *full ? GR_OK : fail_packed(b);
}

/* The packed bytes: borrowed where they stand in memory, else read into *owned. */
static gr_status packed_bytes(const gr__blob *b, size_t n, const unsigned char **packed, unsigned char **owned)
{
    *owned = NULL;
    *packed = b->data;
    if (b->fd < 0) return GR_OK;
    *owned = gr__alloc(b->ctx, n);
    if (!*owned) return GR_E_MEMORY;
    *packed = *owned;
    return gr__blob_read(b, 0, *owned, n);
}

gr_status gr__blob_unpack(const gr__blob *b, void *to, size_t n)
{
    const unsigned char *packed;
    unsigned char *owned;
    size_t got = 0;
    bool full = false;
    gr_status st = packed_bytes(b, (size_t)b->bytes, &packed, &owned);
    if (st == GR_OK) st = unpack(b, packed, (size_t)b->bytes, to, n, &got, &full);
    gr__free(b->ctx, owned, (size_t)b->bytes);
    if (st == GR_OK && (full || got != n))
        st = gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" unpacks to %s%zu bytes, but its header promises %zu", b->name,
                      full ? "more than " : "", got, n);
    return st;
}

/* What unpacks to a first few bytes stands at the front. libdeflate leaves what it unpacked before it ran out of room,
 * which it does not promise: the caller treats a header that does not parse as a reason to unpack it all, never as an
 * error. */
static gr_status peek_packed(const gr__blob *b, unsigned char *to, size_t n, size_t *got)
{
    unsigned char front[4 * GR__PEEK], out[GR__PEEK] = {0};
    size_t in = (size_t)GR_MIN(b->bytes, sizeof front);
    gr_status st = gr__blob_read(b, 0, front, in);
    if (st != GR_OK) return st;
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!d) return gr__fail(b->ctx, GR_E_MEMORY, "no memory to unpack \"%s\"", b->name);
    size_t used, filled = 0;
    enum libdeflate_result result = libdeflate_gzip_decompress_ex(d, front, in, out, sizeof out, &used, &filled);
    libdeflate_free_decompressor(d);
    *got = GR_MIN(n, result == LIBDEFLATE_SUCCESS ? filled : sizeof out);
    memcpy(to, out, *got);
    return GR_OK;
}

gr_status gr__blob_peek(const gr__blob *b, void *to, size_t n, size_t *got)
{
    if (b->gzip) return peek_packed(b, to, n, got);
    *got = (size_t)GR_MIN(b->bytes, n);
    return gr__blob_read(b, 0, to, *got);
}

/* The content of a gzip blob, of a size that only its last four bytes tell, and those only for one member below 4 GiB.
 */
static gr_status unpack_whole(gr__blob *b, const unsigned char *packed)
{
    uint64_t room = 0;
    for (uint64_t i = 1; i <= 4 && b->bytes >= 18; i++) room = room << 8 | packed[b->bytes - i];
    if (!gr__blob_could_hold(b, room)) return fail_packed(b);
    for (;; room = GR_MAX(room * 2, 4096)) {
        if (room > MOST_BYTES)
            return gr__fail(b->ctx, GR_E_FORMAT, "\"%s\" unpacks to more than 64 GiB, the most it may", b->name);
        unsigned char *to = gr__alloc(b->ctx, (size_t)room + 1);
        if (!to) return GR_E_MEMORY;
        size_t got;
        bool full;
        gr_status st = unpack(b, packed, (size_t)b->bytes, to, (size_t)room, &got, &full);
        if (st == GR_OK && !full) {
            gr__free(b->ctx, b->owned, b->owned_bytes);
            b->owned = to;
            b->owned_bytes = (size_t)room + 1;
            b->data = to;
            b->bytes = got;
            b->gzip = false;
            return GR_OK;
        }
        gr__free(b->ctx, to, (size_t)room + 1);
        if (st != GR_OK) return st;
    }
}

gr_status gr__blob_whole(gr__blob *b)
{
    if (b->fd < 0 && !b->gzip) return GR_OK;
    const unsigned char *packed;
    unsigned char *owned;
    size_t bytes = (size_t)b->bytes;
    gr_status st = packed_bytes(b, bytes, &packed, &owned);
    if (st == GR_OK && b->gzip) {
        st = unpack_whole(b, packed);
        gr__free(b->ctx, owned, bytes);
    } else if (st == GR_OK) {
        b->owned = owned;
        b->owned_bytes = bytes;
        b->data = owned;
    } else {
        gr__free(b->ctx, owned, bytes);
    }
    if (st == GR_OK && b->fd >= 0) {
        close(b->fd);
        b->fd = -1;
    }
    return st;
}

gr_status gr__inflate(gr_context *ctx, const char *name, const void *packed, size_t packed_n, void *to, size_t bytes)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!d) return gr__fail(ctx, GR_E_MEMORY, "no memory to unpack \"%s\"", name);
    enum libdeflate_result result = libdeflate_deflate_decompress(d, packed, packed_n, to, bytes, NULL);
    libdeflate_free_decompressor(d);
    return result == LIBDEFLATE_SUCCESS
               ? GR_OK
               : gr__fail(ctx, GR_E_FORMAT,
                          "\"%s\" is damaged: its packed data does not unpack to the size its directory promises",
                          name);
}
