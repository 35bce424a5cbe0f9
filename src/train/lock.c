/* The lock of a run folder: two processes that write the same checkpoints and metrics would spoil both runs.
 *
 * flock on FOLDER/lock: it belongs to the open file, so it ends with its process however that ends, it holds between
 * two trainings of one process too, and whatever path leads to the folder. The file says who holds it, and is removed
 * with it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/run.h"

enum { MOST = 320 }; /* bytes of the file: "PROCESS HOST" */

static void sign(int fd)
{
    char host[256] = "", text[MOST];
    gethostname(host, sizeof host - 1);
    int n = snprintf(text, sizeof text, "%ld %s\n", (long)getpid(), host);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) return; /* it only names the holder */
}

/* What the file says of its holder; a process of this machine that is gone (of another container, or of the moment
 * before the holder signed) is not named. */
static gr_status busy(gr_run *r, int fd)
{
    char text[MOST] = "", here[256] = "", *end;
    gethostname(here, sizeof here - 1);
    if (pread(fd, text, sizeof text - 1, 0) < 0) text[0] = 0;
    text[strcspn(text, "\n")] = 0;
    long process = strtol(text, &end, 10);
    const char *host = *end == ' ' ? end + 1 : "";
    bool elsewhere = *host && strcmp(host, here) != 0;
    if (process > 0 && elsewhere)
        gr__fail(r->ctx, GR_E_BUSY, "process %ld on %.200s is training in %s", process, host, r->folder);
    else if (process > 0 && (kill((pid_t)process, 0) == 0 || errno == EPERM))
        gr__fail(r->ctx, GR_E_BUSY, "process %ld is training in %s", process, r->folder);
    else
        gr__fail(r->ctx, GR_E_BUSY, "another process is training in %s", r->folder);
    gr__error_hint(r->ctx, "let it end, or stop it with Ctrl-C or SIGTERM; --out names another folder");
    return GR_E_BUSY;
}

/* Whether the path still leads to the open file: its last holder may have removed it between our open and our lock. */
static bool stands(int fd, const char *path)
{
    struct stat open_, there;
    return fstat(fd, &open_) == 0 && stat(path, &there) == 0 && open_.st_dev == there.st_dev &&
           open_.st_ino == there.st_ino;
}

gr_status gr__run_lock(gr_run *r)
{
    for (;;) {
        const char *path = gr__run_path(r, "lock");
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666); /* a link is no lock of ours */
        if (fd < 0) return gr__fail(r->ctx, GR_E_WRITE, "cannot write %s: %s", path, strerror(errno));
        int code = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
        if (code == 0 && stands(fd, path)) {
            sign(fd);
            r->lock = fd;
            return GR_OK;
        }
        gr_status st = code == EWOULDBLOCK ? busy(r, fd) : GR_OK;
        close(fd);
        if (st != GR_OK) return st;
        if (code == 0 || code == EINTR) continue;
        gr__log(r->ctx, GR_LOG_WARNING,
                "%s cannot be locked (%s): see to it that only one process at a time trains there", r->folder,
                strerror(code));
        unlink(path);
        return GR_OK;
    }
}

void gr__run_unlock(gr_run *r)
{
    if (r->lock < 0) return;
    unlink(gr__run_path(r, "lock")); /* while it is held: nobody else's is removed */
    close(r->lock);
    r->lock = -1;
}
