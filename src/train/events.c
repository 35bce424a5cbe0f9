/* The event file of a run: appended to, cut back. */
#include "train/events.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

static const uint64_t MOST_RECORD = 64 << 20; /* bytes; we write none as large */

static double wall_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const char *path_of(const char *folder, const char *name, char path[4096])
{
    snprintf(path, 4096, "%s/%s", folder, name);
    return path;
}

static gr_status failed(gr_events *e, const char *what)
{
    char path[4096], why[128];
    e->failed = true;
    gr__errno_text(errno, why, sizeof why);
    return gr__fail(e->ctx, GR_E_WRITE, "cannot %s %s: %s", what, path_of(e->folder, GR_EVENTS_FILE, path), why);
}

/* ---- writing ---- */

static void drain(gr_events *e)
{
    for (size_t at = 0; at < e->waiting && !e->failed;) {
        ssize_t k = write(e->file, e->buffer + at, e->waiting - at);
        if (k > 0)
            at += (size_t)k;
        else if (k < 0 && errno != EINTR)
            failed(e, "write");
    }
    e->waiting = 0;
}

static void put_record(gr_events *e, const uint8_t *bytes, size_t n)
{
    if (n > sizeof e->buffer - e->waiting) drain(e);
    memcpy(e->buffer + e->waiting, bytes, n);
    e->waiting += n;
}

gr_status gr__events_flush(gr_events *e, bool sync)
{
    if (e->file < 0) return GR_OK;
    drain(e);
    if (!e->failed && sync && gr__sync(e->ctx, e->file) != 0 && errno != EINVAL && errno != EROFS) failed(e, "sync");
    return e->failed ? GR_E_WRITE : GR_OK;
}

/* ---- beginning ---- */

static gr_status open_file(gr_context *ctx, const char *folder, gr_events *e)
{
    char path[4096];
    memset(e, 0, offsetof(gr_events, making));
    e->ctx = ctx;
    e->folder = folder;
    e->file = -1;
    gr__crc32c_make(&e->sums);
    e->event = (gr_event){.sums = &e->sums, .bytes = e->making, .room = sizeof e->making};
    gr_status st = gr__make_folder(ctx, path_of(folder, GR_EVENTS_FOLDER, path));
    if (st != GR_OK) return st;
    e->file = open(path_of(folder, GR_EVENTS_FILE, path), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return e->file < 0 ? failed(e, "open") : GR_OK;
}

/* A file's first record says what it is. */
static gr_status start_over(gr_events *e)
{
    if (ftruncate(e->file, 0) != 0 || lseek(e->file, 0, SEEK_SET) < 0) return failed(e, "cut");
    gr__event_begin(&e->event, wall_time(), 0);
    gr__event_version(&e->event);
    put_record(e, e->making, gr__event_end(&e->event));
    return GR_OK;
}

gr_status gr__events_create(gr_context *ctx, const char *folder, gr_events *e)
{
    gr_status st = open_file(ctx, folder, e);
    return st == GR_OK ? start_over(e) : st;
}

/* ---- going on ---- */

typedef struct walk {
    gr_events *e;
    FILE *from;
    uint8_t *record;
    size_t room;
    int64_t good;    /* bytes of records that stay */
    int64_t records; /* of them */
    int64_t step;    /* of the last of them */
    bool damaged;    /* something before the end is no record */
} walk;

static bool says_the_end(const uint8_t *event, size_t n)
{
    return memmem(event, n, GR_EVENT_SESSION_ENDED, sizeof GR_EVENT_SESSION_ENDED - 1) != NULL;
}

/* Takes a record; *more false: the last that stays was before it. A record that is not whole is the end, as a process
 * that was killed leaves it. */
static gr_status take(walk *w, int64_t last, bool *more)
{
    uint8_t head[12];
    int64_t length, step;
    *more = false;
    if (fread(head, 1, sizeof head, w->from) < sizeof head) return GR_OK;
    length = gr__event_length(&w->e->sums, head);
    w->damaged = length < 0 || (uint64_t)length > MOST_RECORD;
    if (w->damaged) return GR_OK;
    size_t bytes = (size_t)length + 4;
    if (!GR_ROOM(w->e->ctx, w->record, w->room, bytes)) return GR_E_MEMORY;
    if (fread(w->record, 1, bytes, w->from) < bytes) return GR_OK;
    w->damaged = !gr__event_read(&w->e->sums, w->record, (size_t)length, &step);
    if (w->damaged || step > last || says_the_end(w->record, (size_t)length)) return GR_OK;
    w->good += (int64_t)(sizeof head + bytes);
    w->records++;
    w->step = step;
    *more = true;
    return GR_OK;
}

static gr_status find_end(walk *w, int64_t last)
{
    char path[4096];
    bool more = true;
    gr_status st = GR_OK;
    w->from = fopen(path_of(w->e->folder, GR_EVENTS_FILE, path), "rbe");
    if (!w->from) return failed(w->e, "read");
    while (more && st == GR_OK) st = take(w, last, &more);
    fclose(w->from);
    gr__free(w->e->ctx, w->record, w->room);
    return st;
}

static void put_line(gr_events *e, int64_t step, json_t *line)
{
    const char *key;
    json_t *value;
    gr__events_begin(e, step);
    json_object_foreach(line, key, value)
    {
        if (strcmp(key, "step") == 0) continue;
        if (json_is_number(value)) gr__events_scalar(e, key, json_number_value(value));
        if (json_is_null(value)) gr__events_scalar(e, key, NAN);
    }
    gr__events_end(e);
}

/* Lines of updates after `step`. */
static gr_status restore(gr_events *e, int64_t step)
{
    char path[4096], *text = NULL;
    size_t room = 0;
    FILE *from = fopen(path_of(e->folder, "metrics.jsonl", path), "re");
    if (!from) return GR_OK;
    while (getline(&text, &room, from) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        int64_t at = (int64_t)json_number_value(json_object_get(line, "step"));
        if (at > step) put_line(e, at, line);
        json_decref(line);
    }
    free(text);
    fclose(from);
    return e->failed ? GR_E_WRITE : GR_OK;
}

gr_status gr__events_continue(gr_context *ctx, const char *folder, int64_t step, gr_events *e)
{
    char path[4096];
    gr_status st = open_file(ctx, folder, e);
    walk w = {.e = e};
    if (st == GR_OK) st = find_end(&w, step);
    if (st != GR_OK) return st;
    if (w.damaged)
        gr__log(ctx, GR_LOG_WARNING,
                "%s is damaged behind its first %lld bytes: numbers are written again, histograms and pictures "
                "are lost",
                path_of(folder, GR_EVENTS_FILE, path), (long long)w.good);
    if (w.records == 0)
        st = start_over(e);
    else if (ftruncate(e->file, w.good) != 0 || lseek(e->file, 0, SEEK_END) < 0)
        st = failed(e, "cut");
    return st == GR_OK ? restore(e, w.step) : st;
}

void gr__events_close(gr_events *e)
{
    if (e->file >= 0) close(e->file);
    e->file = -1;
}

/* ---- values ---- */

void gr__events_begin(gr_events *e, int64_t step)
{
    e->moment = wall_time();
    e->step = step;
    gr__event_begin(&e->event, e->moment, step);
}

void gr__events_end(gr_events *e)
{
    size_t n = gr__event_end(&e->event);
    if (n) put_record(e, e->making, n);
}

/* Room for a value of so many bytes, in a record of its own where this one is full. */
static void make_room(gr_events *e, const char *tag, size_t bytes)
{
    enum { AROUND = 128 };
    if (e->event.n + strlen(tag) + bytes + AROUND <= sizeof e->making || e->event.empty) return;
    gr__events_end(e);
    gr__event_begin(&e->event, e->moment, e->step);
}

void gr__events_scalar(gr_events *e, const char *tag, double x)
{
    make_room(e, tag, sizeof(float));
    gr__event_scalar(&e->event, tag, x);
}

/* Neighbours that are empty are one bin, and those before the first are none. */
void gr__events_histogram(gr_events *e, const char *tag, const gr_histogram *h)
{
    double limit[GR_BINS + 1], in[GR_BINS + 1];
    int n = 0;
    for (int i = 0; i < GR_BINS; i++) {
        if (h->bin[i] == 0) continue;
        if (n == 0 || limit[n - 1] < gr__bin_low(i)) limit[n] = gr__bin_low(i), in[n++] = 0;
        limit[n] = gr__bin_high(i), in[n++] = (double)h->bin[i];
    }
    if (h->n == 0) return; /* no number is finite */
    const gr_event_histogram is = {.low = h->low,
                                   .high = h->high,
                                   .count = (double)h->n,
                                   .sum = h->mean * (double)h->n,
                                   .squares = h->m2 + h->mean * h->mean * (double)h->n,
                                   .limit = limit,
                                   .in = in,
                                   .n = n};
    make_room(e, tag, 2 * sizeof(double) * (size_t)n);
    gr__event_histogram(&e->event, tag, &is);
}

/* ---- what does not belong to a step ---- */

/* A record of at most so many bytes, outside of the room for those of steps. */
static gr_status begin_large(gr_events *e, size_t bytes, int64_t step, gr_event *out)
{
    *out = (gr_event){.sums = &e->sums, .bytes = gr__alloc(e->ctx, bytes), .room = bytes};
    if (!out->bytes) return GR_E_MEMORY;
    gr__event_begin(out, wall_time(), step);
    return GR_OK;
}

static gr_status end_large(gr_events *e, gr_event *large)
{
    size_t n = gr__event_end(large);
    drain(e);
    for (size_t at = 0; at < n && !e->failed;) {
        e->waiting = GR_MIN(n - at, sizeof e->buffer);
        memcpy(e->buffer, large->bytes + at, e->waiting);
        at += e->waiting;
        drain(e);
    }
    gr__free(e->ctx, large->bytes, large->room);
    return e->failed ? GR_E_WRITE : GR_OK;
}

gr_status gr__events_picture(gr_events *e, int64_t step, const char *tag, int width, int height, const gr__text *png)
{
    gr_event large;
    gr_status st = begin_large(e, png->n + strlen(tag) + 256, step, &large);
    if (st != GR_OK) return st;
    gr__event_picture(&large, tag, width, height, png->s, png->n);
    return end_large(e, &large);
}

enum { MOST_SETTINGS = 400, MOST_KEY = 200, MOST_VALUE = 200 };

static void put_setting(gr_event *e, const char *key, const gr_tree *t)
{
    char text[MOST_VALUE];
    if (gr__tree_is_number(t))
        gr__event_setting(e, key, &t->number, NULL);
    else
        gr__event_setting(e, key, NULL,
                          gr__shown(text, sizeof text, t->text ? t->text : "none", t->text ? strlen(t->text) : 4));
}

/* Every value that stands for itself, but for those within model.layers, by its path. */
static void put_settings(gr_event *e, const gr_tree *t, int *n)
{
    char path[MOST_KEY];
    for (int i = 0; i < t->n && *n < MOST_SETTINGS; i++) {
        const gr_tree *child = t->child[i];
        gr__tree_path(child, path, sizeof path);
        if (strcmp(path, "model.layers") == 0) continue;
        if (child->kind == GR_TREE_MAP || child->kind == GR_TREE_LIST) {
            put_settings(e, child, n);
            continue;
        }
        put_setting(e, path, child);
        ++*n;
    }
}

gr_status gr__events_session(gr_events *e, const char *name, const gr_tree *recipe)
{
    gr_event large;
    int n = 0;
    gr_status st = begin_large(e, MOST_SETTINGS * (MOST_KEY + MOST_VALUE + 32) + 1024, 0, &large);
    if (st != GR_OK) return st;
    gr__event_session(&large, name, wall_time());
    put_settings(&large, recipe, &n);
    gr__event_session_end(&large);
    return end_large(e, &large);
}

void gr__events_ended(gr_events *e, int64_t step, bool success)
{
    gr__events_begin(e, step);
    gr__event_ended(&e->event, success, e->moment);
    gr__events_end(e);
}
