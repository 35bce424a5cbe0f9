/* Files, whole: read with a bound, written atomically; and their checksum. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static gr_status fail_read(gr_context *ctx, const char *path, int code)
{
    char reason[128];
    return gr__fail(ctx, GR_E_FILE, "cannot read \"%s\": %s", path, gr__errno_text(code, reason, sizeof reason));
}

static gr_status fail_long(gr_context *ctx, const char *path, uint64_t max_bytes)
{
    char limit[32];
    gr__size_text(max_bytes, limit, sizeof limit);
    return gr__fail(ctx, GR_E_FORMAT, "\"%s\" is longer than %s (%llu bytes), the most it may be", path, limit,
                    (unsigned long long)max_bytes);
}

static gr_status resize(gr_context *ctx, char **p, size_t *room, size_t bytes)
{
    if (bytes == *room) return GR_OK;
    char *q = gr__resize(ctx, *p, *room, bytes);
    if (!q) return GR_E_MEMORY;
    *p = q;
    *room = bytes;
    return GR_OK;
}

/* Reads to the end into memory that starts with `room` bytes and grows: what a file says of its size may be wrong by
 * the time it is read, and a pipe says nothing. On success *data holds *bytes bytes and a NUL. */
static gr_status read_all(gr_context *ctx, int fd, const char *path, uint64_t max_bytes, size_t room, char **data,
                          size_t *bytes)
{
    size_t n = 0;
    char *p = gr__alloc(ctx, room);
    if (!p) return GR_E_MEMORY;
    gr_status st = GR_OK;
    for (;;) {
        if (n == room) GR_TRY(resize(ctx, &p, &room, room * 2));
        ssize_t got = read(fd, p + n, room - n);
        if (got == 0) break;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) GR_TRY(fail_read(ctx, path, errno));
        n += (size_t)got;
        if (n > max_bytes) GR_TRY(fail_long(ctx, path, max_bytes));
    }
    GR_TRY(resize(ctx, &p, &room, n + 1));
    p[n] = '\0';
    *data = p;
    *bytes = n;
    return GR_OK;

done:
    gr__free(ctx, p, room);
    return st;
}

gr_status gr__file_read(gr_context *ctx, const char *path, uint64_t max_bytes, char **data, size_t *bytes)
{
    int fd;
    do fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return fail_read(ctx, path, errno);

    gr_status st;
    struct stat about;
    if (fstat(fd, &about) != 0)
        st = fail_read(ctx, path, errno);
    else if (S_ISDIR(about.st_mode))
        st = fail_read(ctx, path, EISDIR);
    else if (S_ISREG(about.st_mode) && (uint64_t)about.st_size > max_bytes)
        st = fail_long(ctx, path, max_bytes);
    else
        st = read_all(ctx, fd, path, max_bytes, S_ISREG(about.st_mode) ? (size_t)about.st_size + 1 : 4096, data, bytes);
    close(fd);
    return st;
}

gr_status gr__file_write(gr_context *ctx, const char *path, const void *data, size_t bytes)
{
    gr__writer *w;
    gr_status st = gr__writer_open(ctx, path, &w);
    if (st != GR_OK) return st;
    gr__writer_put(w, data, bytes);
    return gr__writer_commit(w);
}

uint32_t gr__crc32(uint32_t crc, const void *data, size_t bytes)
{
    return libdeflate_crc32(crc, data, bytes);
}
