/* The atomic writer: whoever opens the path sees the old file or the whole new one, also after a crash.
 *
 * What is no regular file (a pipe, a terminal, /dev/null) cannot be replaced by renaming and is written to directly. A
 * symbolic link is followed: its target is replaced, beside the target. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/state.h"
#include "base/text.h"

#define BUFFER_BYTES ((size_t)64 << 10)
#define MOST_NAMES \
    10000 /* temporary names tried: only files left by crashes of a process with our number stand in the way */

struct gr__writer {
    gr_context *ctx;
    char *path, *temporary; /* temporary is NULL when writing directly */
    int fd;
    gr_status st;
    size_t n;
    char buffer[BUFFER_BYTES];
};

static gr_status fail_write(gr_context *ctx, const char *path, int code)
{
    char reason[128];
    return gr__fail(ctx, GR_E_WRITE, "cannot write \"%s\": %s", path, gr__errno_text(code, reason, sizeof reason));
}

/* Opens a file that did not exist, in the folder of w->path. */
static gr_status open_temporary(gr__writer *w, mode_t mode)
{
    for (int i = 0; i < MOST_NAMES; i++) {
        if (i == 0)
            w->temporary = gr__format(w->ctx, "%s.tmp-%ld", w->path, (long)getpid());
        else
            w->temporary = gr__format(w->ctx, "%s.tmp-%ld-%d", w->path, (long)getpid(), i);
        if (!w->temporary) return GR_E_MEMORY;
        do w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        while (w->fd < 0 && errno == EINTR);
        if (w->fd >= 0) return GR_OK;
        int code = errno;
        gr__strfree(w->ctx, w->temporary);
        w->temporary = NULL;
        if (code != EEXIST) return fail_write(w->ctx, w->path, code);
    }
    return fail_write(w->ctx, w->path, EEXIST);
}

static gr_status open_target(gr__writer *w, const char *path)
{
    struct stat about;
    bool exists = stat(path, &about) == 0;
    if (!path[0]) return fail_write(w->ctx, path, ENOENT);
    if (exists && S_ISDIR(about.st_mode)) return fail_write(w->ctx, path, EISDIR);

    char resolved[PATH_MAX]; /* a link that leads nowhere does not resolve and is replaced itself */
    struct stat link;
    if (exists && lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && realpath(path, resolved)) path = resolved;
    w->path = gr__strdup(w->ctx, path);
    if (!w->path) return GR_E_MEMORY;

    if (exists && !S_ISREG(about.st_mode)) {
        do w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
        while (w->fd < 0 && errno == EINTR);
        return w->fd < 0 ? fail_write(w->ctx, w->path, errno) : GR_OK;
    }
    gr_status st = open_temporary(w, 0666);
    /* The new file keeps the old one's permissions; a file system without them refuses, which is no loss. */
    if (st == GR_OK && exists && fchmod(w->fd, about.st_mode & 07777) != 0) errno = 0;
    return st;
}

/* Removes what is unfinished and frees. */
static void finish(gr__writer *w)
{
    gr_context *ctx = w->ctx;
    if (w->fd >= 0) close(w->fd);
    if (w->temporary) unlink(w->temporary);
    gr__strfree(ctx, w->temporary);
    gr__strfree(ctx, w->path);
    gr__free(ctx, w, sizeof *w);
}

gr_status gr__writer_open(gr_context *ctx, const char *path, gr__writer **out)
{
    gr__writer *w = gr__alloc(ctx, sizeof *w);
    if (!w) return GR_E_MEMORY;
    w->ctx = ctx;
    w->fd = -1;
    gr_status st = open_target(w, path);
    if (st != GR_OK) {
        finish(w);
        return st;
    }
    *out = w;
    return GR_OK;
}

static void write_all(gr__writer *w, const char *data, size_t n)
{
    gr_context *ctx = w->ctx;
    while (n > 0 && w->st == GR_OK) {
        ssize_t done;
        if (++ctx->writes == ctx->fail_write) {
            errno = ENOSPC;
            done = -1;
        } else {
            done = write(w->fd, data, n);
        }
        if (done > 0) {
            data += done;
            n -= (size_t)done;
        } else if (done == 0 || errno != EINTR) {
            w->st = fail_write(ctx, w->path, done == 0 ? ENOSPC : errno);
        }
    }
}

static void flush(gr__writer *w)
{
    write_all(w, w->buffer, w->n);
    w->n = 0;
}

void gr__writer_put(gr__writer *w, const void *data, size_t bytes)
{
    if (w->st != GR_OK || bytes == 0) return;
    if (bytes > BUFFER_BYTES - w->n) flush(w);
    if (bytes >= BUFFER_BYTES) {
        write_all(w, data, bytes);
        return;
    }
    memcpy(w->buffer + w->n, data, bytes);
    w->n += bytes;
}

void gr__sync_none(gr_context *ctx, bool none)
{
    ctx->unsynced = none;
}

int gr__sync(const gr_context *ctx, int fd)
{
    return ctx->unsynced ? 0 : fsync(fd);
}

/* Makes the name durable. File systems that cannot sync a folder, and folders that may not be read, are left to the
 * system. */
static gr_status sync_folder(gr__writer *w)
{
    char *folder = gr__path_folder(w->ctx, w->path);
    if (!folder) return GR_E_MEMORY;
    gr_status st = GR_OK;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        if (gr__sync(w->ctx, fd) != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT))
            st = fail_write(w->ctx, w->path, errno);
        close(fd);
    }
    gr__strfree(w->ctx, folder);
    return st;
}

gr_status gr__writer_commit(gr__writer *w)
{
    flush(w);
    if (w->st == GR_OK && gr__sync(w->ctx, w->fd) != 0 && w->temporary) w->st = fail_write(w->ctx, w->path, errno);
    if (w->st == GR_OK) {
        int fd = w->fd;
        w->fd = -1;
        if (close(fd) != 0 && errno != EINTR) w->st = fail_write(w->ctx, w->path, errno);
    }
    if (w->st == GR_OK && w->temporary) {
        if (rename(w->temporary, w->path) != 0) {
            w->st = fail_write(w->ctx, w->path, errno);
        } else {
            gr__strfree(w->ctx, w->temporary);
            w->temporary = NULL;
            w->st = sync_folder(w);
        }
    }
    gr_status st = w->st;
    finish(w);
    return st;
}

void gr__writer_abort(gr__writer *w)
{
    if (w) finish(w);
}

void gr__fail_write(gr_context *ctx, uint64_t k)
{
    ctx->fail_write = k ? ctx->writes + k : 0;
}
