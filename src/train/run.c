/* The run folder. Files a reader may look at are written atomically; metrics are appended, and cut back to the
 * checkpoint on resume. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "train/run.h"

static const char *const files[] = {"recipe.yaml",      "metrics.jsonl",    "result.json",
                                    "best.safetensors", "last.safetensors", "swa.safetensors"};

bool gr__run_exists(const char *folder)
{
    char path[4096];
    for (size_t i = 0; i < GR_COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        if (gr__file_exists(path)) return true;
    }
    return false;
}

const char *gr__run_path(gr_run *r, const char *name)
{
    snprintf(r->path, sizeof r->path, "%s/%s", r->folder, name);
    return r->path;
}

/* ---- checkpoints by name ---- */

typedef struct listing {
    int64_t *step;
    size_t n, capacity;
} listing;

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static gr_status list_checkpoints(gr_run *r, listing *l)
{
    DIR *d = opendir(gr__run_path(r, "checkpoints"));
    *l = (listing){0};
    if (!d && errno == ENOENT) return GR_OK;
    if (!d) return gr__fail(r->ctx, GR_E_FILE, "cannot read %s: %s", r->path, strerror(errno));
    gr_status st = GR_OK;
    for (struct dirent *e; st == GR_OK && (e = readdir(d));) {
        char *end;
        if (strncmp(e->d_name, "step-", 5) != 0) continue;
        long long step = strtoll(e->d_name + 5, &end, 10);
        if (end == e->d_name + 5 || strcmp(end, ".ckpt") != 0 || step < 0) continue;
        if (!GR_ROOM(r->ctx, l->step, l->capacity, l->n + 1))
            st = GR_E_MEMORY;
        else
            l->step[l->n++] = step;
    }
    closedir(d);
    if (l->n > 1) qsort(l->step, l->n, sizeof *l->step, newest_first);
    return st;
}

static void free_listing(gr_run *r, listing *l)
{
    gr__free(r->ctx, l->step, l->capacity * sizeof *l->step);
}

static const char *checkpoint_name(int64_t step, char *name, size_t n)
{
    snprintf(name, n, "checkpoints/step-%lld.ckpt", (long long)step);
    return name;
}

/* A checkpoint is damaged: on to the one before it. Training that is there and cannot be read is never started over
 * unasked. */
static gr_status pass_over(gr_run *r, bool older)
{
    char why[512];
    snprintf(why, sizeof why, "%s", gr_context_error(r->ctx)->message);
    gr_context_clear_error(r->ctx);
    if (older) {
        gr__log(r->ctx, GR_LOG_WARNING, "%s; it is passed over", why);
        return GR_OK;
    }
    gr__fail(r->ctx, GR_E_FORMAT, "%s has no checkpoint to resume from: %s", r->folder, why);
    gr__error_hint(r->ctx, "restore one from a copy, or start over with --overwrite");
    return GR_E_FORMAT;
}

gr_status gr__run_newest(gr_run *r, gr_st **out, int64_t *step, char *path, size_t path_bytes)
{
    listing l;
    char name[64];
    *out = NULL;
    gr_status st = list_checkpoints(r, &l);
    for (size_t i = 0; i < l.n && st == GR_OK && !*out; i++) {
        snprintf(path, path_bytes, "%s", gr__run_path(r, checkpoint_name(l.step[i], name, sizeof name)));
        gr_status read = gr__checkpoint_read(r->ctx, path, out);
        if (read == GR_OK)
            *step = l.step[i];
        else if (read == GR_E_MEMORY)
            st = read;
        else
            st = pass_over(r, i + 1 < l.n);
    }
    free_listing(r, &l);
    return st;
}

gr_status gr__run_prune(gr_run *r, int keep)
{
    listing l;
    char name[64];
    gr_status st = list_checkpoints(r, &l);
    for (size_t i = (size_t)keep; st == GR_OK && i < l.n; i++)
        unlink(gr__run_path(r, checkpoint_name(l.step[i], name, sizeof name)));
    free_listing(r, &l);
    return st;
}

/* ---- beginning and undoing ---- */

static gr_status remove_old(gr_run *r)
{
    gr_status st = gr__run_prune(r, 0);
    for (size_t i = 0; st == GR_OK && i < GR_COUNT(files); i++) unlink(gr__run_path(r, files[i]));
    return st;
}

/* Asked again once the lock is held: another process may have made a run meanwhile. */
static gr_status refuse_old(gr_run *r)
{
    if (r->resume || r->over || !gr__run_exists(r->folder)) return GR_OK;
    gr__fail(r->ctx, GR_E_EXISTS, "%s already holds a run", r->folder);
    gr__error_hint(r->ctx, "--resume continues it, --overwrite starts over, --out names another folder");
    return GR_E_EXISTS;
}

gr_status gr__run_open(gr_context *ctx, const char *folder, bool resume, bool over, gr_run *r)
{
    memset(r, 0, offsetof(gr_run, buffer));
    r->ctx = ctx;
    r->folder = folder;
    r->resume = resume;
    r->over = over && !resume;
    r->lock = r->metrics = -1;
    gr_status st = gr__file_exists(folder) ? gr__run_lock(r) : GR_OK;
    return st == GR_OK ? refuse_old(r) : st;
}

gr_status gr__run_begin(gr_run *r)
{
    gr_status st = GR_OK;
    r->made_folder = !gr__file_exists(r->folder);
    GR_TRY(gr__make_folder(r->ctx, r->folder));
    if (r->lock < 0) GR_TRY(gr__run_lock(r));
    GR_TRY(refuse_old(r));
    r->begun = true;
    r->fresh = r->over || !gr__run_exists(r->folder);
    if (r->over) GR_TRY(remove_old(r));
    r->made_checkpoints = !gr__file_exists(gr__run_path(r, "checkpoints"));
    GR_TRY(gr__make_folder(r->ctx, gr__run_path(r, "checkpoints")));
done:
    return st;
}

void gr__run_undo(gr_run *r)
{
    if (!r->ctx || (r->begun && !r->fresh)) return;
    if (r->metrics >= 0) close(r->metrics);
    r->metrics = -1;
    bool clear = r->begun && remove_old(r) == GR_OK;
    if (clear && r->made_checkpoints) rmdir(gr__run_path(r, "checkpoints"));
    gr__run_unlock(r);
    if (r->made_folder) rmdir(r->folder);
}

void gr__run_end(gr_run *r)
{
    if (!r->ctx) return;
    if (r->metrics >= 0) close(r->metrics);
    r->metrics = -1;
    gr__run_unlock(r);
}

/* ---- metrics ---- */

/* A file with fewer bytes than the checkpoint counts (lines lost with the machine, or deleted) goes on after its last
 * whole line; cutting it to a greater length would fill it up with zeros. */
static int64_t whole_lines(const gr_run *r, int64_t bytes)
{
    struct stat about;
    char c = 0;
    if (fstat(r->metrics, &about) != 0 || about.st_size >= bytes) return bytes;
    gr__log(r->ctx, GR_LOG_WARNING, "%s/metrics.jsonl has lost lines that its checkpoint counts", r->folder);
    bytes = about.st_size;
    while (bytes > 0 && (pread(r->metrics, &c, 1, bytes - 1) != 1 || c != '\n')) bytes--;
    return bytes;
}

gr_status gr__run_metrics_open(gr_run *r, int64_t bytes)
{
    const char *path = gr__run_path(r, "metrics.jsonl");
    r->metrics = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (r->metrics < 0) return gr__fail(r->ctx, GR_E_WRITE, "cannot open %s: %s", path, strerror(errno));
    bytes = whole_lines(r, bytes);
    if (ftruncate(r->metrics, bytes) != 0 || lseek(r->metrics, 0, SEEK_END) < 0)
        return gr__fail(r->ctx, GR_E_WRITE, "cannot cut %s: %s", path, strerror(errno));
    r->metrics_bytes = bytes;
    r->waiting = 0;
    return GR_OK;
}

static void drain(gr_run *r)
{
    for (size_t at = 0; at < r->waiting && !r->failed;) {
        ssize_t k = write(r->metrics, r->buffer + at, r->waiting - at);
        if (k > 0)
            at += (size_t)k;
        else if (k < 0 && errno != EINTR) {
            r->failed = true;
            gr__fail(r->ctx, GR_E_WRITE, "cannot write %s: %s", gr__run_path(r, "metrics.jsonl"), strerror(errno));
        }
    }
    r->waiting = 0;
}

void gr__run_metrics_put(gr_run *r, const char *line, size_t n)
{
    if (r->waiting + n > sizeof r->buffer) drain(r);
    if (n > sizeof r->buffer) return;
    memcpy(r->buffer + r->waiting, line, n);
    r->waiting += n;
    r->metrics_bytes += (int64_t)n;
}

gr_status gr__run_metrics_flush(gr_run *r, bool sync)
{
    drain(r);
    if (!r->failed && sync && fsync(r->metrics) != 0 && errno != EINVAL && errno != EROFS) {
        r->failed = true;
        gr__fail(r->ctx, GR_E_WRITE, "cannot sync %s: %s", gr__run_path(r, "metrics.jsonl"), strerror(errno));
    }
    return r->failed ? GR_E_WRITE : GR_OK;
}
