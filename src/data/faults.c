/* Faults that are noted, and lists of rows to leave out. */
#include "data/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

gr_status gr__faults_open(gr_context *ctx, gr_faults *out)
{
    *out = (gr_faults){.note = true, .ctx = ctx, .memory = gr__bump_create(ctx), .lock = PTHREAD_MUTEX_INITIALIZER};
    return out->memory ? GR_OK : GR_E_MEMORY;
}

void gr__faults_close(gr_faults *f)
{
    if (!f->ctx) return;
    gr__free(f->ctx, f->fault, f->room * sizeof *f->fault);
    gr__bump_destroy(f->memory);
    pthread_mutex_destroy(&f->lock);
    *f = (gr_faults){0};
}

static bool holds(const uint32_t *row, int64_t n, int64_t wanted)
{
    int64_t low = 0;
    while (low < n) {
        int64_t middle = low + (n - low) / 2;
        if (row[middle] < wanted)
            low = middle + 1;
        else
            n = middle;
    }
    return row && row[low] == wanted;
}

bool gr__row_is_out(const gr_faults *f, int64_t row)
{
    return f && f->n_out && row <= f->out[f->n_out - 1] && holds(f->out, f->n_out - 1, row);
}

static bool grow(gr_faults *f)
{
    if (f->n < f->room) return true;
    size_t room = GR_MAX(2 * f->room, 256);
    gr_fault *more = gr__alloc(f->ctx, room * sizeof *more);
    if (!more) return false;
    if (f->n) memcpy(more, f->fault, f->n * sizeof *more);
    gr__free(f->ctx, f->fault, f->room * sizeof *f->fault);
    f->fault = more;
    f->room = room;
    return true;
}

/* One a row and kind is enough; those that are met again later go when they are sorted. */
static bool known(const gr_faults *f, gr_fault_kind kind, int64_t row)
{
    return f->n && f->fault[f->n - 1].row == row && f->fault[f->n - 1].kind == kind;
}

bool gr__fault_let(gr_faults *f, gr_fault_kind kind, int64_t row, gr_context *errors)
{
    if (!f || gr_context_error(errors)->code == GR_E_MEMORY) return false;
    bool let = gr__row_is_out(f, row);
    if (!let && f->note) {
        pthread_mutex_lock(&f->lock);
        let = known(f, kind, row) || grow(f);
        if (let && !known(f, kind, row)) {
            bool first = f->count[kind]++ < GR_FAULT_TEXTS;
            const char *text = first ? gr__bump_strdup(f->memory, gr_context_error(errors)->message) : NULL;
            f->fault[f->n++] = (gr_fault){.row = row, .text = text, .kind = kind};
        }
        pthread_mutex_unlock(&f->lock);
    }
    if (let) gr_context_clear_error(errors);
    return let;
}

gr_fault_kind gr__fault_of(gr_status st)
{
    return st == GR_E_DATA ? GR_FAULT_NONFINITE : GR_FAULT_UNDECODABLE;
}

gr_status gr__fault_file(gr_faults *f, gr_fault fault)
{
    fault.row = -1;
    fault.file = gr__bump_strdup(f->memory, fault.file);
    fault.text = gr__bump_strdup(f->memory, fault.text);
    if (!fault.file || !fault.text || !grow(f)) return GR_E_MEMORY;
    f->fault[f->n++] = fault;
    return GR_OK;
}

gr_status gr__faults_mark(gr_context *ctx, const gr_faults *f, int64_t n, uint8_t **out)
{
    *out = NULL;
    if (!f || (!f->n_out && !f->n)) return GR_OK;
    *out = gr__tensor_alloc(ctx, (size_t)n);
    if (!*out) return gr__error_code(ctx);
    for (int64_t i = 0; i < f->n_out; i++)
        if (f->out[i] < n) (*out)[f->out[i]] = 1;
    for (size_t i = 0; i < f->n; i++)
        if (f->fault[i].row >= 0) (*out)[f->fault[i].row] = 1;
    return GR_OK;
}

static int by_row(const void *a, const void *b)
{
    const gr_fault *x = a, *y = b;
    if (x->row < 0 && y->row < 0 && strcmp(x->file, y->file) != 0) return strcmp(x->file, y->file);
    if (x->row < 0 && y->row < 0 && x->line != y->line) return x->line < y->line ? -1 : 1;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

void gr__faults_sort(gr_faults *f)
{
    size_t kept = 0;
    if (f->n) qsort(f->fault, f->n, sizeof *f->fault, by_row);
    memset(f->count, 0, sizeof f->count);
    for (size_t i = 0; i < f->n; i++) {
        if (kept && by_row(&f->fault[kept - 1], &f->fault[i]) == 0) continue;
        f->count[f->fault[i].kind]++;
        f->fault[kept++] = f->fault[i];
    }
    f->n = kept;
}

/* ---- lists ---- */

typedef struct place {
    const char *path;
    int line;
} place;

static gr_status no_row(gr_context *ctx, place at, const char *line, size_t n, const char *const *names, int n_names)
{
    char shown[80], all[200] = "";
    size_t used = 0;
    for (int i = 0; i < n_names && used < sizeof all; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
    gr_status st = gr__fail(ctx, GR_E_FORMAT, "\"%s\" is no row to leave out", gr__shown(shown, sizeof shown, line, n));
    gr__error_place(ctx, at.path, at.line, 1, NULL);
    gr__error_hint(ctx, "write the part and the number of a row of its source from 0, as `%s 17`; parts are %s",
                   names[0], all);
    return st;
}

/* "train 17 ...": which name, and the number. */
static bool read_row(const char *s, size_t n, const char *const *names, int n_names, int *name, uint32_t *row)
{
    size_t word = 0;
    uint64_t number = 0;
    while (word < n && s[word] != ' ' && s[word] != '\t') word++;
    for (*name = 0; *name < n_names; ++*name)
        if (strlen(names[*name]) == word && memcmp(names[*name], s, word) == 0) break;
    if (*name == n_names) return false;
    while (word < n && (s[word] == ' ' || s[word] == '\t')) word++;
    size_t digits = word;
    for (; digits < n && s[digits] >= '0' && s[digits] <= '9' && number <= UINT32_MAX; digits++)
        number = 10 * number + (uint64_t)(s[digits] - '0');
    *row = (uint32_t)number;
    return digits > word && number < UINT32_MAX && (digits == n || s[digits] == ' ' || s[digits] == '\t');
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void settle(gr_exclude *e, int n)
{
    for (int k = 0; k < n; k++) {
        int64_t kept = 0;
        if (e->n[k]) qsort(e->row[k], (size_t)e->n[k], sizeof *e->row[k], by_number);
        for (int64_t i = 0; i < e->n[k]; i++)
            if (i == 0 || e->row[k][i] != e->row[k][i - 1]) e->row[k][kept++] = e->row[k][i];
        e->n[k] = kept;
        e->sum = gr__crc32(e->sum, e->row[k], (size_t)kept * sizeof *e->row[k]);
        e->sum = gr__crc32(e->sum, &kept, sizeof kept);
    }
}

/* Two passes: how many, then which. */
static gr_status pass(gr_context *ctx, const char *path, const char *text, size_t bytes, const char *const *names,
                      int n, gr_exclude *e)
{
    int line = 0;
    memset(e->n, 0, sizeof e->n);
    for (const char *s = text, *end = text + bytes; s < end;) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        size_t length = (size_t)((stop ? stop : end) - s);
        const char *next = stop ? stop + 1 : end;
        int name;
        uint32_t row;
        line++;
        while (length && (s[length - 1] == '\r' || s[length - 1] == ' ' || s[length - 1] == '\t')) length--;
        while (length && (*s == ' ' || *s == '\t')) s++, length--;
        if (length && *s != '#') {
            if (!read_row(s, length, names, n, &name, &row))
                return no_row(ctx, (place){path, line}, s, length, names, n);
            if (e->row[name]) e->row[name][e->n[name]] = row;
            e->n[name]++;
        }
        s = next;
    }
    return GR_OK;
}

gr_status gr__exclude_parse(gr_context *ctx, gr__bump *b, const char *path, const char *text, size_t bytes,
                            const char *const *names, int n, gr_exclude *out)
{
    gr_exclude e = {.path = path};
    gr_status st = pass(ctx, path, text, bytes, names, n, &e);
    for (int k = 0; k < n && st == GR_OK; k++) {
        e.row[k] = gr__bump_alloc(b, (size_t)GR_MAX(e.n[k], 1) * sizeof *e.row[k]);
        if (!e.row[k]) st = GR_E_MEMORY;
    }
    if (st == GR_OK) st = pass(ctx, path, text, bytes, names, n, &e);
    if (st != GR_OK) return st;
    settle(&e, n);
    *out = e;
    return GR_OK;
}

gr_status gr__exclude_read(gr_context *ctx, gr__bump *b, const char *path, const char *const *names, int n,
                           gr_exclude *out)
{
    char *text = NULL;
    size_t bytes = 0;
    const char *kept = gr__bump_strdup(b, path);
    if (!kept) return GR_E_MEMORY;
    gr_status st = gr__file_read(ctx, path, (uint64_t)1 << 32, &text, &bytes);
    if (st != GR_OK) return st;
    st = gr__exclude_parse(ctx, b, kept, text, bytes, names, n, out);
    gr__free(ctx, text, bytes + 1);
    return st;
}
