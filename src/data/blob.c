/* Files as bytes. */
#include "data/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define MOST_BYTES ((uint64_t)64 << 30) /* of a pipe */
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
    b->packing = magic[0] == 0x1F && magic[1] == 0x8B ? GR__GZIP : GR__PLAIN;
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
    if (bytes >= 2 && out->data[0] == 0x1F && out->data[1] == 0x8B) out->packing = GR__GZIP;
}

void gr__blob_part(const gr__blob *b, const char *name, uint64_t from, uint64_t bytes, gr__blob *out)
{
    *out = (gr__blob){.ctx = b->ctx,
                      .name = name,
                      .fd = b->fd,
                      .borrowed = true,
                      .data = b->data,
                      .from = b->from + from,
                      .bytes = bytes};
}

void gr__blob_close(gr__blob *b)
{
    if (!b->ctx) return;
    if (b->fd >= 0 && !b->borrowed) close(b->fd);
    gr__free(b->ctx, b->owned, b->owned_bytes);
    *b = (gr__blob){.fd = -1};
}

gr_status gr__blob_read(const gr__blob *b, uint64_t at, void *to, size_t n)
{
    if (at > b->bytes || n > b->bytes - at) return fail_short(b);
    if (b->fd >= 0) return read_at(b, b->from + at, to, n);
    if (n) memcpy(to, b->data + b->from + at, n);
    return GR_OK;
}

bool gr__blob_could_hold(const gr__blob *b, uint64_t n)
{
    return b->packing == GR__PLAIN || n / BEST_RATIO <= b->bytes;
}

uint64_t gr__blob_content(const gr__blob *b)
{
    return b->packing == GR__PLAIN ? b->bytes : b->content;
}

gr_status gr__blob_peek(const gr__blob *b, void *to, size_t n, size_t *got)
{
    gr__stream *s;
    gr_status st;
    if (b->packing == GR__PLAIN) {
        *got = (size_t)GR_MIN(b->bytes, n);
        return gr__blob_read(b, 0, to, *got);
    }
    st = gr__stream_open(b, &s);
    if (st == GR_OK) st = gr__stream_read(s, to, n, got);
    gr__stream_close(s);
    return st;
}
