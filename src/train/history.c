/* metrics.jsonl, read again: columns of numbers. */
#include "train/history.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"

static const uint64_t MOST_BYTES = (uint64_t)4 << 30;

/* Room for row h->n in every column. */
static bool room(gr_history *h)
{
    bool ok = GR_ROOM(h->ctx, h->evaluated, h->evaluated_capacity, h->n + 1);
    for (int i = 0; i < h->n_columns && ok; i++) ok = GR_ROOM(h->ctx, h->column[i], h->capacity[i], h->n + 1);
    return ok;
}

static int find(const gr_history *h, const char *name)
{
    for (int i = 0; i < h->n_columns; i++)
        if (strcmp(h->name[i], name) == 0) return i;
    return -1;
}

/* A key that no line before had: NaN in all of them. Keys beyond the bound are left out (-1 without an error). */
static int add(gr_history *h, const char *name)
{
    if (h->n_columns == GR_HISTORY_COLUMNS) return -1;
    double *column = NULL;
    size_t capacity = 0;
    char *copy = gr__strdup(h->ctx, name);
    if (!copy || !GR_ROOM(h->ctx, column, capacity, h->n + 1)) {
        gr__strfree(h->ctx, copy);
        return -1;
    }
    for (size_t i = 0; i < h->n; i++) column[i] = NAN;
    h->name[h->n_columns] = copy;
    h->column[h->n_columns] = column;
    h->capacity[h->n_columns] = capacity;
    return h->n_columns++;
}

static gr_status add_line(gr_history *h, json_t *line)
{
    const char *key;
    json_t *value;
    if (!room(h)) return GR_E_MEMORY;
    for (int i = 0; i < h->n_columns; i++) h->column[i][h->n] = NAN;
    h->evaluated[h->n] = false;
    json_object_foreach(line, key, value)
    {
        if (!json_is_number(value) && !json_is_null(value)) continue;
        int i = find(h, key);
        if (i < 0 && (i = add(h, key)) < 0) {
            if (gr__error_code(h->ctx) != GR_OK) return gr__error_code(h->ctx);
            continue;
        }
        h->column[i][h->n] = json_is_number(value) ? json_number_value(value) : (double)NAN;
        h->evaluated[h->n] |= strncmp(key, "validation_", 11) == 0;
    }
    h->n++;
    return GR_OK;
}

gr_status gr__history_parse(gr_context *ctx, const char *name, const char *text, size_t n, gr_history *out)
{
    gr_history h = {.ctx = ctx};
    gr_status st = GR_OK;
    int number = 0;
    for (const char *at = text, *end = text + n; at < end && st == GR_OK;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop ? stop : end) - at);
        json_t *line = json_loadb(at, length, 0, NULL);
        number++;
        if (json_is_object(line)) {
            st = add_line(&h, line);
        } else if (!stop) {
            h.cut = true;
        } else {
            st = gr__fail(ctx, GR_E_FORMAT, "line %d is no line of metrics: it is not an object of JSON", number);
            gr__error_place(ctx, name, number, 1, NULL);
        }
        json_decref(line);
        at += length + 1;
    }
    if (st == GR_OK)
        *out = h;
    else
        gr__history_free(&h);
    return st;
}

static gr_status no_run(gr_context *ctx, const char *folder)
{
    struct stat about;
    bool exists = stat(folder, &about) == 0;
    gr_status st =
        gr__fail(ctx, GR_E_FILE, exists ? "it is not a run: it has no metrics.jsonl" : "there is no such run");
    gr__error_place(ctx, folder, 0, 0, NULL);
    gr__error_hint(ctx, "a run is the folder that gradus train writes, runs/NAME unless --out says otherwise");
    return st;
}

gr_status gr__history_read(gr_context *ctx, const char *folder, gr_history *out)
{
    struct stat about;
    char *text, *path;
    size_t n;
    bool file = stat(folder, &about) == 0 && !S_ISDIR(about.st_mode);
    path = file ? gr__strdup(ctx, folder) : gr__path_join(ctx, folder, "metrics.jsonl");
    if (!path) return GR_E_MEMORY;
    gr_status st = gr__file_exists(path) ? gr__file_read(ctx, path, MOST_BYTES, &text, &n) : no_run(ctx, folder);
    if (st == GR_OK) {
        st = gr__history_parse(ctx, path, text, n, out);
        gr__free(ctx, text, n + 1);
    }
    if (st == GR_OK && file && out->n == 0) { /* of a folder, nothing may be recorded yet */
        gr__history_free(out);
        st = gr__fail(ctx, GR_E_FORMAT, "it holds no line of metrics");
        gr__error_place(ctx, path, 0, 0, NULL);
    }
    gr__strfree(ctx, path);
    return gr__mistaken_run(ctx, folder, st);
}

void gr__history_free(gr_history *h)
{
    if (!h->ctx) return;
    for (int i = 0; i < h->n_columns; i++) {
        gr__strfree(h->ctx, h->name[i]);
        gr__free(h->ctx, h->column[i], h->capacity[i] * sizeof(double));
    }
    gr__free(h->ctx, h->evaluated, h->evaluated_capacity * sizeof(bool));
    *h = (gr_history){0};
}

const double *gr__history_column(const gr_history *h, const char *name)
{
    int i = find(h, name);
    return i < 0 ? NULL : h->column[i];
}
