/* The run folder. Files a reader may look at are written atomically; metrics are appended, and cut back to the
 * checkpoint on resume. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "train/looks.h"
#include "train/run.h"
#include "train/snapshots.h"

static const char *const files[] = {"recipe.yaml",      "metrics.jsonl",   "result.json",     "best.safetensors",
                                    "last.safetensors", "swa.safetensors", "ema.safetensors", "procedure.jsonl",
                                    GR_LOOKS_FILE,      GR_EVENTS_FILE};

/* From the beginning of a run to its first checkpoint. It tells a run that was killed early, which may start over, from
 * one whose checkpoints were lost, which may not. */
static const char unsaved[] = "no-checkpoint-yet";

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

static const char *checkpoint_name(int64_t step, char *name, size_t n)
{
    snprintf(name, n, "checkpoints/step-%lld.ckpt", (long long)step);
    return name;
}

/* Whether a file of checkpoints/ is one: its name is just what a run would write. A number that is too large, signed or
 * filled up with zeros is not. */
static bool step_of(const char *file, int64_t *step)
{
    char name[64];
    if (strncmp(file, "step-", 5) != 0) return false;
    *step = strtoll(file + 5, NULL, 10);
    return *step >= 0 && strcmp(strchr(checkpoint_name(*step, name, sizeof name), '/') + 1, file) == 0;
}

static gr_status list_checkpoints(gr_run *r, listing *l)
{
    DIR *d = opendir(gr__run_path(r, "checkpoints"));
    *l = (listing){0};
    if (!d && errno == ENOENT) return GR_OK;
    if (!d) return gr__fail(r->ctx, GR_E_FILE, "cannot read %s: %s", r->path, strerror(errno));
    gr_status st = GR_OK;
    int64_t step;
    for (struct dirent *e; st == GR_OK && (e = readdir(d));) {
        if (!step_of(e->d_name, &step)) continue;
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

static bool holds(gr_run *r, const char *name)
{
    return gr__file_exists(gr__run_path(r, name));
}

/* Whether the folder holds a run: any of its files, or checkpoints alone. */
static gr_status look(gr_run *r, bool *run, bool *checkpoints)
{
    listing l;
    gr_status st = list_checkpoints(r, &l);
    *run = *checkpoints = l.n > 0;
    free_listing(r, &l);
    for (size_t i = 0; i < GR_COUNT(files) && !*run; i++) *run = holds(r, files[i]);
    return st;
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

gr_status gr__run_peek(gr_run *r, gr_st **out)
{
    listing l;
    char name[64];
    *out = NULL;
    gr_status st = list_checkpoints(r, &l);
    for (size_t i = 0; i < l.n && st == GR_OK && !*out; i++) {
        st = gr__st_open(r->ctx, gr__run_path(r, checkpoint_name(l.step[i], name, sizeof name)), out);
        if (st == GR_OK || st == GR_E_MEMORY) continue;
        gr_context_clear_error(r->ctx); /* what is wrong with it is said when it is read */
        st = GR_OK;
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
    gr__snapshots_remove(r);
    rmdir(gr__run_path(r, GR_EVENTS_FOLDER)); /* where others have put files of theirs it stays */
    return st;
}

/* A run that was going to be resumed lacks what it needs for that. */
static gr_status fail_lost(gr_run *r, const char *what)
{
    gr__fail(r->ctx, GR_E_FORMAT, "%s cannot be resumed: %s", r->folder, what);
    gr__error_hint(r->ctx, "restore it from a copy; or --overwrite starts over, and --from a model of this run with "
                           "another --out trains on");
    return GR_E_FORMAT;
}

/* Asked again once the lock is held: another process may have made a run meanwhile. */
static gr_status refuse_old(gr_run *r)
{
    bool run, checkpoints;
    gr_status st = look(r, &run, &checkpoints);
    if (st != GR_OK || r->over || !run) return st;
    if (r->resume && checkpoints && !holds(r, "recipe.yaml"))
        return fail_lost(r, "its recipe.yaml, which says what it is, is gone");
    if (r->resume && !checkpoints && !holds(r, unsaved))
        return fail_lost(r, holds(r, "checkpoints") ? "the checkpoints that it had are gone"
                                                    : "its folder checkpoints/ is gone");
    if (r->resume) return GR_OK;
    gr__fail(r->ctx, GR_E_EXISTS, "%s already holds a run", r->folder);
    gr__error_hint(r->ctx, "--resume continues it, --overwrite starts over, --out names another folder");
    return GR_E_EXISTS;
}

/* ---- what killed runs leave ---- */

/* "NAME.tmp-PROCESS", or with another "-NUMBER" (base/writer.c): the name's length, or 0. */
static size_t unfinished(const char *file, long *process)
{
    const char *mark = strstr(file, ".tmp-");
    char *end;
    if (!mark || mark[5] < '1' || mark[5] > '9') return 0;
    *process = strtol(mark + 5, &end, 10);
    if (*end == '-' && end[1] >= '1' && end[1] <= '9') strtol(end + 1, &end, 10);
    return *end || *process > INT32_MAX ? 0 : (size_t)(mark - file);
}

static bool is_ours(const char *file, size_t n)
{
    int64_t step;
    char name[64];
    for (size_t i = 0; i < GR_COUNT(files); i++)
        if (strlen(files[i]) == n && strncmp(files[i], file, n) == 0) return true;
    if (n >= sizeof name) return false;
    snprintf(name, sizeof name, "%.*s", (int)n, file);
    return strcmp(name, unsaved) == 0 || step_of(name, &step);
}

/* Files of this folder's that a process which is gone was writing. Whoever has our own number now is gone too: we have
 * written nothing yet. */
static void sweep(gr_run *r, const char *folder)
{
    char path[sizeof r->path];
    snprintf(path, sizeof path, "%s", *folder ? gr__run_path(r, folder) : r->folder);
    DIR *d = opendir(path);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        long process;
        size_t n = unfinished(e->d_name, &process);
        if (n == 0 || !is_ours(e->d_name, n)) continue;
        if (process == getpid() || (kill((pid_t)process, 0) != 0 && errno == ESRCH)) unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

gr_status gr__run_open(gr_context *ctx, const char *folder, bool resume, bool over, gr_run *r)
{
    memset(r, 0, offsetof(gr_run, buffer));
    r->ctx = ctx;
    r->folder = folder;
    r->resume = resume;
    r->over = over && !resume;
    r->lock = r->metrics = r->events.file = -1;
    gr_status st = gr__file_exists(folder) ? gr__run_lock(r) : GR_OK;
    return st == GR_OK ? refuse_old(r) : st;
}

/* Said before anything of a run is there, and before anything of an old one is removed. */
static gr_status begin_unsaved(gr_run *r)
{
    static const char text[] = "This run has no checkpoint yet: --resume starts it over.\n";
    r->unsaved = true;
    return gr__file_write(r->ctx, gr__run_path(r, unsaved), text, sizeof text - 1);
}

void gr__run_saved(gr_run *r)
{
    if (r->unsaved) unlink(gr__run_path(r, unsaved));
    r->unsaved = false;
}

gr_status gr__run_begin(gr_run *r)
{
    bool run, checkpoints;
    gr_status st = GR_OK;
    r->made_folder = !gr__file_exists(r->folder);
    GR_TRY(gr__make_folder(r->ctx, r->folder));
    if (r->lock < 0) GR_TRY(gr__run_lock(r));
    GR_TRY(refuse_old(r));
    GR_TRY(look(r, &run, &checkpoints));
    r->begun = true;
    r->fresh = r->over || !run;
    r->unsaved = holds(r, unsaved);
    if (r->lock >= 0) sweep(r, ""), sweep(r, "checkpoints");
    if (r->fresh) GR_TRY(begin_unsaved(r));
    if (r->over) GR_TRY(remove_old(r));
    r->made_checkpoints = !holds(r, "checkpoints");
    GR_TRY(gr__make_folder(r->ctx, gr__run_path(r, "checkpoints")));
done:
    return st;
}

void gr__run_undo(gr_run *r)
{
    if (!r->ctx || (r->begun && !r->fresh)) return;
    if (r->metrics >= 0) close(r->metrics);
    r->metrics = -1;
    gr__events_close(&r->events);
    bool clear = r->begun && remove_old(r) == GR_OK;
    if (clear) gr__run_saved(r);
    if (clear && r->made_checkpoints) rmdir(gr__run_path(r, "checkpoints"));
    gr__run_unlock(r);
    if (r->made_folder) rmdir(r->folder);
}

gr_status gr__run_remove(gr_context *ctx, const char *folder)
{
    if (!gr__file_exists(folder)) return GR_OK;
    gr_run *r = gr__alloc(ctx, sizeof *r);
    if (!r) return GR_E_MEMORY;
    gr_status st = gr__run_open(ctx, folder, false, true, r);
    if (st == GR_OK) st = remove_old(r);
    if (st == GR_OK) sweep(r, ""), sweep(r, "checkpoints");
    if (st == GR_OK) unlink(gr__run_path(r, unsaved)), rmdir(gr__run_path(r, "checkpoints"));
    gr__run_end(r);
    if (st == GR_OK) rmdir(folder);
    gr__free(ctx, r, sizeof *r);
    return st;
}

void gr__run_end(gr_run *r)
{
    if (!r->ctx) return;
    if (r->metrics >= 0) close(r->metrics);
    r->metrics = -1;
    gr__events_close(&r->events);
    gr__run_unlock(r);
}

gr_status gr__run_keeps(gr_run *r, const char *name)
{
    char what[64];
    if (holds(r, name)) return GR_OK;
    snprintf(what, sizeof what, "its %s is gone", name);
    return fail_lost(r, what);
}

/* ---- metrics ---- */

const char *gr__run_metrics_sum(const gr_run *r, char text[GR_SUM_TEXT])
{
    snprintf(text, GR_SUM_TEXT, "%08" PRIx32, r->metrics_sum);
    return text;
}

/* The lines that a checkpoint counts were on the disk before it was: whatever else stands there now was not written by
 * the run. The buffer is free until the first new line. */
static gr_status check_lines(gr_run *r, int64_t bytes, const char *sum)
{
    char text[GR_SUM_TEXT];
    char last = '\n';
    int64_t at = 0;
    r->metrics_sum = 0;
    while (at < bytes) {
        ssize_t n = pread(r->metrics, r->buffer, (size_t)GR_MIN(bytes - at, (int64_t)sizeof r->buffer), at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        r->metrics_sum = gr__crc32(r->metrics_sum, r->buffer, (size_t)n);
        last = r->buffer[n - 1];
        at += n;
    }
    if (at < bytes) return fail_lost(r, "its metrics.jsonl has lost lines that its checkpoint counts");
    if (last != '\n' || (sum && strcmp(sum, gr__run_metrics_sum(r, text)) != 0))
        return fail_lost(r, "its metrics.jsonl is damaged: its lines are not those that its checkpoint counts");
    return GR_OK;
}

gr_status gr__run_metrics_open(gr_run *r, int64_t bytes, const char *sum)
{
    const char *path = gr__run_path(r, "metrics.jsonl");
    if (bytes && !gr__file_exists(path)) return fail_lost(r, "its metrics.jsonl is gone");
    r->metrics = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (r->metrics < 0) return gr__fail(r->ctx, GR_E_WRITE, "cannot open %s: %s", path, strerror(errno));
    gr_status st = check_lines(r, bytes, sum);
    if (st != GR_OK) return st;
    path = gr__run_path(r, "metrics.jsonl");
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
    r->metrics_sum = gr__crc32(r->metrics_sum, line, n);
}

gr_status gr__run_metrics_flush(gr_run *r, bool sync)
{
    drain(r);
    if (!r->failed && sync && gr__sync(r->ctx, r->metrics) != 0 && errno != EINVAL && errno != EROFS) {
        r->failed = true;
        gr__fail(r->ctx, GR_E_WRITE, "cannot sync %s: %s", gr__run_path(r, "metrics.jsonl"), strerror(errno));
    }
    return r->failed ? GR_E_WRITE : GR_OK;
}
