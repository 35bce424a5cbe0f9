/* Looks at test data: read, judged and added under a lock. */
#include "train/looks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

enum { MOST = 16 << 20 }; /* bytes of the file */

/* ---- where they are ---- */

typedef struct place {
    char *file;   /* of the looks */
    char *result; /* of the run; NULL: the model is in none */
} place;

static void leave(gr_context *ctx, place *p)
{
    gr__strfree(ctx, p->file);
    gr__strfree(ctx, p->result);
    *p = (place){0};
}

static gr_status find(gr_context *ctx, const char *file, place *out)
{
    gr__text beside;
    char *folder = gr__path_folder(ctx, file);
    gr__text_init(&beside, ctx);
    *out = (place){.result = folder ? gr__path_join(ctx, folder, "result.json") : NULL};
    if (out->result && gr__file_exists(out->result)) {
        out->file = gr__path_join(ctx, folder, GR_LOOKS_FILE);
    } else {
        gr__strfree(ctx, out->result);
        out->result = NULL;
        gr__text_add(&beside, "%s%s", file, GR_LOOKS_BESIDE);
        out->file = beside.failed ? NULL : gr__path_join(ctx, ".", beside.s);
    }
    gr__strfree(ctx, folder);
    gr__text_free(&beside);
    if (out->file) return GR_OK;
    leave(ctx, out);
    return GR_E_MEMORY;
}

/* ---- reading ---- */

/* Versions without a file of looks counted evaluations in the run's result alone. */
static int64_t counted_by_result(gr_context *ctx, const char *path)
{
    char *data;
    size_t n;
    if (!path || gr__file_read(ctx, path, MOST, &data, &n) != GR_OK) {
        gr_context_clear_error(ctx);
        return 0;
    }
    json_t *o = json_loadb(data, n, 0, NULL);
    json_int_t looks = json_integer_value(json_object_get(json_object_get(o, "test"), "evaluations"));
    json_decref(o);
    gr__free(ctx, data, n + 1);
    return GR_MAX(looks, 0);
}

/* Whatever stands on a line, it is a look. */
static void count_look(const json_t *o, gr_looks *out)
{
    json_int_t earlier = json_integer_value(json_object_get(o, "earlier"));
    const char *command = json_string_value(json_object_get(o, "command"));
    const char *at = json_string_value(json_object_get(o, "at"));
    out->n += GR_MAX(earlier, 0) + 1;
    out->last[0] = 0;
    if (command && at) snprintf(out->last, sizeof out->last, "%.60s, %.40s", command, at);
}

static void count_lines(const char *data, size_t n, gr_looks *out)
{
    for (size_t at = 0; at < n;) {
        const char *end = memchr(data + at, '\n', n - at);
        size_t length = end ? (size_t)(end - data) - at : n - at;
        json_t *o = json_loadb(data + at, length, 0, NULL);
        if (length > 0) count_look(o, out);
        json_decref(o);
        at += length + 1;
    }
}

/* The list of a file that is in no run; what is no such list is lines. */
static void count_all(const char *data, size_t n, gr_looks *out)
{
    json_t *all = json_loadb(data, n, 0, NULL);
    const json_t *list = json_object_get(all, "looks");
    if (json_is_array(list))
        for (size_t i = 0; i < json_array_size(list); i++) count_look(json_array_get(list, i), out);
    else
        count_lines(data, n, out);
    json_decref(all);
}

static gr_status read_at(gr_context *ctx, const place *p, gr_looks *out)
{
    char *data;
    size_t n;
    *out = (gr_looks){.run = p->result != NULL};
    if (!gr__file_exists(p->file)) {
        out->n = counted_by_result(ctx, p->result);
        return GR_OK;
    }
    gr_status st = gr__file_read(ctx, p->file, MOST, &data, &n);
    if (st == GR_E_MEMORY) return st;
    if (st != GR_OK) {
        gr__log(ctx, GR_LOG_WARNING, "looks at the test data cannot be counted: %s", gr_context_error(ctx)->message);
        gr_context_clear_error(ctx);
        return GR_OK;
    }
    count_all(data, n, out);
    gr__free(ctx, data, n + 1);
    if (out->n == 0) out->n = counted_by_result(ctx, p->result);
    return GR_OK;
}

gr_status gr__looks_read(gr_context *ctx, const char *file, gr_looks *out)
{
    place p;
    *out = (gr_looks){0};
    gr_status st = find(ctx, file, &p);
    if (st != GR_OK) return st;
    st = read_at(ctx, &p, out);
    leave(ctx, &p);
    return st;
}

/* ---- judging ---- */

gr_status gr__looks_judge(gr_context *ctx, const gr_look *look, const gr_looks *before)
{
    const char *with = before->run ? "this run's models" : "this file";
    char when[160] = "";
    if (before->n == 0) return GR_OK;
    if (before->last[0]) snprintf(when, sizeof when, ", last by %s", before->last);
    if (look->once && !look->again) {
        gr__fail(ctx, GR_E_CHECK,
                 "the test data has been looked at %lld time%s with %s already%s, and --once allows one",
                 (long long)before->n, before->n == 1 ? "" : "s", with, when);
        gr__error_hint(ctx, "--again looks nevertheless, which is recorded");
        return GR_E_CHECK;
    }
    gr__log(ctx, GR_LOG_WARNING,
            "the test data has been looked at %lld time%s with %s%s: choosing by it makes its error too good",
            (long long)before->n, before->n == 1 ? "" : "s", with, when);
    return GR_OK;
}

/* ---- adding ---- */

static json_t *look_of(const gr_look *look, int64_t earlier)
{
    char at[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *o = json_object();
    json_object_set_new(o, "at", gr__json_string(at));
    json_object_set_new(o, "command", gr__json_string(look->command));
    json_object_set_new(o, "file", gr__json_string(look->file));
    if (look->data) json_object_set_new(o, "data", gr__json_string(look->data));
    if (look->again) json_object_set_new(o, "again", json_true());
    if (earlier) json_object_set_new(o, "earlier", json_integer(earlier));
    return o;
}

static gr_status cannot_write(gr_context *ctx, const char *path, int code)
{
    return gr__fail(ctx, GR_E_WRITE, "cannot write %s: %s", path, strerror(code));
}

/* A line behind the others. */
static gr_status append(gr_context *ctx, int fd, const char *path, const json_t *look)
{
    gr__text t;
    gr_status st = GR_OK;
    gr__text_init(&t, ctx);
    gr__json_write(&t, look, 0);
    gr__text_put(&t, "\n", 1);
    if (t.failed)
        st = GR_E_MEMORY;
    else if (lseek(fd, 0, SEEK_END) < 0 || write(fd, t.s, t.n) != (ssize_t)t.n || fsync(fd) != 0)
        st = cannot_write(ctx, path, errno);
    gr__text_free(&t);
    return st;
}

/* One more in the list, which is written where it stands: whoever waits for its lock waits for this file. */
static gr_status extend(gr_context *ctx, int fd, const char *path, json_t *look, int64_t before)
{
    gr__text t;
    gr_status st = GR_OK;
    json_t *old = json_load_file(path, 0, NULL), *list = json_object_get(old, "looks");
    bool is = json_is_array(list);
    if (!is && before) json_object_set_new(look, "earlier", json_integer(before));
    list = is ? json_incref(list) : json_array();
    json_array_append(list, look);
    json_t *all = json_pack("{s:I, s:o}", "evaluations", (json_int_t)before + 1, "looks", list);
    gr__text_init(&t, ctx);
    gr__json_write(&t, all, 2);
    gr__text_put(&t, "\n", 1);
    if (t.failed)
        st = GR_E_MEMORY;
    else if (pwrite(fd, t.s, t.n, 0) != (ssize_t)t.n || ftruncate(fd, (off_t)t.n) != 0 || fsync(fd) != 0)
        st = cannot_write(ctx, path, errno);
    gr__text_free(&t);
    json_decref(all);
    json_decref(old);
    return st;
}

/* Beside the figures that eval keeps there. */
static gr_status tell_result(gr_context *ctx, const char *path, int64_t looks)
{
    json_t *o = json_load_file(path, 0, NULL);
    if (!o) return GR_OK;
    if (!json_is_object(json_object_get(o, "test"))) json_object_set_new(o, "test", json_object());
    json_object_set_new(json_object_get(o, "test"), "evaluations", json_integer(looks));
    gr_status st = gr__json_save(ctx, path, o);
    json_decref(o);
    return st;
}

static gr_status add(gr_context *ctx, int fd, const place *p, const gr_look *look, const gr_looks *before)
{
    bool first = lseek(fd, 0, SEEK_END) == 0;
    json_t *o = look_of(look, first ? before->n : 0);
    gr_status st = p->result ? append(ctx, fd, p->file, o) : extend(ctx, fd, p->file, o, before->n);
    json_decref(o);
    return st == GR_OK && p->result ? tell_result(ctx, p->result, before->n + 1) : st;
}

gr_status gr__looks_add(gr_context *ctx, const gr_look *look, gr_looks *out)
{
    place p;
    *out = (gr_looks){0};
    gr_status st = find(ctx, look->file, &p);
    if (st != GR_OK) return st;
    int fd = open(p.file, O_RDWR | O_CREAT | O_CLOEXEC, 0666), code = errno;
    if (fd >= 0) flock(fd, LOCK_EX); /* without locks two looks at a time may both be the first */
    st = read_at(ctx, &p, out);
    if (st == GR_OK && look->once && !look->again && out->n > 0) st = gr__looks_judge(ctx, look, out);
    if (st == GR_OK) st = fd >= 0 ? add(ctx, fd, &p, look, out) : cannot_write(ctx, p.file, code);
    if (st == GR_E_WRITE) { /* a folder that is only to be read does not stop an evaluation */
        gr__log(ctx, GR_LOG_WARNING, "the look at the test data could not be recorded: %s",
                gr_context_error(ctx)->message);
        gr_context_clear_error(ctx);
        st = GR_OK;
    }
    if (fd >= 0) close(fd);
    leave(ctx, &p);
    return st;
}
