/* A table of the columns `file` and `label`: which files there are, in its order, and what each is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/folder.h"
#include "data/array/array.h"
#include "data/table/csv.h"

#define SAMPLE_BYTES ((size_t)64 << 10) /* looked at for guessing the delimiter */

typedef struct labels {
    gr__folder *all;
    gr__csv_reader r;
    const char *table;
    size_t file, label; /* columns */
    const char **text;  /* of each of all->file */
    uint64_t *line;     /* where it stands */
    size_t text_room, line_room;
} labels;

static gr_status start(labels *l, const gr__blob *b)
{
    gr_context *ctx = l->all->ctx;
    size_t n;
    char *front = gr__alloc(ctx, SAMPLE_BYTES);
    if (!front) return GR_E_MEMORY;
    gr_status st = gr__blob_peek(b, front, SAMPLE_BYTES, &n);
    char delimiter = st == GR_OK ? gr__csv_guess(ctx, l->table, front, n, ',') : ',';
    gr__free(ctx, front, SAMPLE_BYTES);
    st = gr__error_code(ctx);
    if (st == GR_OK) gr__csv_open(&l->r, b, delimiter);
    return st;
}

static bool find_column(const labels *l, const char *name, size_t *out)
{
    for (*out = 0; *out < l->r.n; ++*out)
        if (gr__cell_is(&l->r.cell[*out], name)) return true;
    return false;
}

static gr_status read_header(labels *l)
{
    bool more;
    gr_status st = gr__csv_next(&l->r, &more);
    if (st != GR_OK) return st;
    if (!more) return gr__fail(l->all->ctx, GR_E_DATA, "\"%s\" is empty: its first line is file,label", l->table);
    const char *lacks = !find_column(l, "file", &l->file)     ? "file"
                        : !find_column(l, "label", &l->label) ? "label"
                                                              : NULL;
    if (!lacks) return GR_OK;
    st = gr__fail(l->all->ctx, GR_E_DATA, "\"%s\" has no column \"%s\" in its first line", l->table, lacks);
    gr__error_hint(l->all->ctx, "the first line names the columns: file,label; others may stand beside them");
    return st;
}

static gr_status wrong(const labels *l, uint64_t line, const char *what, const char *text)
{
    return gr__fail(l->all->ctx, GR_E_DATA, "\"%s\" line %llu: %s \"%s\"", l->table, (unsigned long long)line, what,
                    text);
}

/* One record, which must name a file of the folder. */
static gr_status take(labels *l)
{
    gr__folder *all = l->all;
    bool added;
    size_t before = all->n_damaged;
    if (GR_MAX(l->file, l->label) >= l->r.n)
        return gr__fail(all->ctx, GR_E_DATA, "\"%s\" line %llu: there are %zu fields, of which one is missing",
                        l->table, (unsigned long long)l->r.record_line, l->r.n);
    const char *name = gr__cell_text(all->memory, &l->r.cell[l->file]),
               *text = gr__cell_text(all->memory, &l->r.cell[l->label]);
    if (!name || !text) return GR_E_MEMORY;
    char path[4200];
    if (!name[0]) return wrong(l, l->r.record_line, "there is no name of a file beside the label", text);
    if (!text[0]) return wrong(l, l->r.record_line, "there is no label beside", name);
    if (gr__path_kind(gr__file_path(all->folder, name, path, sizeof path)) != GR__ENTRY_FILE)
        return wrong(l, l->r.record_line, "there is no file", path);
    gr_status st = gr__folder_add(all, name, 0, &added);
    if (st != GR_OK || all->n_damaged > before) return st;
    if (!added)
        return gr__fail(all->ctx, GR_E_DATA, "\"%s\" line %llu: no %s is \"%s\"", l->table,
                        (unsigned long long)l->r.record_line, all->kind->noun, path);
    if (!GR_ROOM(all->ctx, l->text, l->text_room, all->n) || !GR_ROOM(all->ctx, l->line, l->line_room, all->n))
        return GR_E_MEMORY;
    l->text[all->n - 1] = text;
    l->line[all->n - 1] = l->r.record_line;
    return GR_OK;
}

/* ---- labels ---- */

static gr__cell cell_of(const char *text)
{
    return (gr__cell){.s = text, .n = strlen(text)};
}

static gr_status take_values(const labels *l)
{
    for (size_t i = 0; i < l->all->n; i++) {
        const gr__cell c = cell_of(l->text[i]);
        double *x = &l->all->file[i].value;
        if (!gr__cell_number(&c, x) || !isfinite(*x))
            return wrong(l, l->line[i], "the cost wants numbers, but the label is", l->text[i]);
    }
    return GR_OK;
}

/* Numbers of classes, where all labels are plain whole numbers. */
static gr_status take_numbers(const labels *l, size_t *first_text)
{
    for (size_t i = 0; i < l->all->n; i++) {
        const gr__cell c = cell_of(l->text[i]);
        int64_t x;
        *first_text = i;
        if (!gr__cell_whole(&c, &x)) return GR_OK;
        if (x >= GR__MOST_CLASSES) return wrong(l, l->line[i], "classes are fewer than", l->text[i]);
        l->all->file[i].class_ = (int32_t)x;
        l->all->classes = GR_MAX(l->all->classes, (int)x + 1);
    }
    *first_text = l->all->n;
    return GR_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gr_status take_names(const labels *l, const char *const *names, int n, bool trained)
{
    for (size_t i = 0; i < l->all->n; i++) {
        const char *const *at = bsearch(&l->text[i], names, (size_t)n, sizeof *names, by_text);
        if (!at && trained) {
            gr_status st = wrong(l, l->line[i], "none of the classes of training is", l->text[i]);
            gr__error_hint(l->all->ctx, "there are %d, from \"%s\" to \"%s\"", n, names[0], names[n - 1]);
            return st;
        }
        l->all->file[i].class_ = (int32_t)(at - names);
    }
    l->all->class_name = names;
    l->all->classes = n;
    return GR_OK;
}

/* Different texts in sorted order. */
static gr_status learn_names(const labels *l)
{
    size_t n = l->all->n, kept = 0;
    const char **names = gr__bump_alloc(l->all->memory, GR_MAX(n, 1) * sizeof *names);
    if (!names) return GR_E_MEMORY;
    memcpy(names, l->text, n * sizeof *names);
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0) names[kept++] = names[i];
    if (kept >= GR__MOST_CLASSES)
        return gr__fail(l->all->ctx, GR_E_DATA, "\"%s\" has more than %d different labels", l->table, GR__MOST_CLASSES);
    return take_names(l, names, (int)kept, false);
}

static gr_status settle(const labels *l, const gr_schema_target *like, bool held, bool values)
{
    size_t text;
    if (values) return take_values(l);
    if (like) return take_names(l, like->class_names, like->n_class_names, true);
    gr_status st = take_numbers(l, &text);
    if (st != GR_OK || text == l->all->n) return st;
    if (!held) return learn_names(l);
    return wrong(l, l->line[text], "the training's classes are whole numbers, but the label is", l->text[text]);
}

gr_status gr__folder_of_table(gr__folder *all, const char *table, const gr_schema_target *like, bool held, bool values)
{
    labels l = {.all = all, .table = table};
    gr__blob b;
    bool more = true;
    gr_status st = gr__blob_open(all->ctx, table, &b);
    if (st != GR_OK) return st;
    GR_TRY(start(&l, &b));
    GR_TRY(read_header(&l));
    while (more) {
        GR_TRY(gr__csv_next(&l.r, &more));
        if (more) GR_TRY(take(&l));
    }
    if (all->n == 0)
        GR_TRY(gr__fail(all->ctx, GR_E_DATA, "\"%s\" names no %s%s", table, all->kind->noun,
                        all->n_damaged ? " that is not damaged" : ""));
    GR_TRY(settle(&l, like, held, values));
done:
    gr__csv_stop(&l.r);
    gr__blob_close(&b);
    gr__free(all->ctx, l.text, l.text_room * sizeof *l.text);
    gr__free(all->ctx, l.line, l.line_room * sizeof *l.line);
    return st;
}
