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

/* "" where the record is too short for it. */
static const char *cell_at(const labels *l, size_t column)
{
    const gr__cell none = {0};
    return gr__cell_text(l->all->memory, column < l->r.n ? &l->r.cell[column] : &none);
}

/* What is wrong with a record before its file is looked at. */
static gr_status check_record(const labels *l, const gr__file *f, gr_fault_kind *kind)
{
    char path[4200];
    *kind = GR_FAULT_SHAPE;
    if (GR_MAX(l->file, l->label) >= l->r.n)
        return gr__fail(l->all->ctx, GR_E_DATA, "\"%s\" line %llu: there are %zu fields, of which one is missing",
                        l->table, (unsigned long long)f->line, l->r.n);
    *kind = GR_FAULT_UNDECODABLE;
    if (!f->name[0]) return wrong(l, f->line, "there is no name of a file beside the label", f->label);
    *kind = GR_FAULT_NO_LABEL;
    if (!f->label[0]) return wrong(l, f->line, "there is no label beside", f->name);
    *kind = GR_FAULT_UNDECODABLE;
    if (gr__path_kind(gr__file_path(l->all->folder, f->name, path, sizeof path)) != GR__ENTRY_FILE)
        return wrong(l, f->line, "there is no file", path);
    return GR_OK;
}

/* A row of which nothing is read. */
static gr_status take_blindly(labels *l, gr__file f, gr_fault_kind kind, gr_status why)
{
    if (!f.name[0]) f.name = l->table;
    f.faulty = true;
    gr_status st = gr__folder_row(l->all, f);
    return st == GR_OK && why != GR_OK ? gr__folder_let(l->all, l->all->n - 1, kind, why) : st;
}

/* A file of the folder, of which there may be no such. */
static gr_status take_file(labels *l, gr__file f)
{
    char path[4200];
    bool added;
    gr__folder *all = l->all;
    size_t before = all->n_damaged;
    gr_status st = gr__folder_add(all, f.name, 0, &added);
    if (st != GR_OK || all->n_damaged > before) return st;
    if (!added) {
        gr__fail(all->ctx, GR_E_DATA, "\"%s\" line %llu: no %s is \"%s\"", l->table, (unsigned long long)f.line,
                 all->kind->noun, gr__file_path(all->folder, f.name, path, sizeof path));
        return take_blindly(l, f, GR_FAULT_UNDECODABLE, GR_E_DATA);
    }
    all->file[all->n - 1].label = f.label;
    all->file[all->n - 1].line = f.line;
    return GR_OK;
}

/* One record. A row that is left out is not looked at; where damaged files are, rows have their numbers later. */
static gr_status take(labels *l)
{
    gr_fault_kind kind;
    const gr__file f = {.name = cell_at(l, l->file), .label = cell_at(l, l->label), .line = l->r.record_line};
    if (!f.name || !f.label) return GR_E_MEMORY;
    if (!l->all->skip && gr__row_is_out(l->all->faults, (int64_t)l->all->n)) return take_blindly(l, f, 0, GR_OK);
    gr_status st = check_record(l, &f, &kind);
    return st == GR_OK ? take_file(l, f) : take_blindly(l, f, kind, st);
}

/* ---- labels ---- */

static gr__cell cell_of(const char *text)
{
    return (gr__cell){.s = text, .n = strlen(text)};
}

static gr_status take_values(const labels *l)
{
    gr_status st = GR_OK;
    for (size_t i = 0; i < l->all->n && st == GR_OK; i++) {
        gr__file *f = &l->all->file[i];
        if (f->faulty) continue;
        const gr__cell c = cell_of(f->label);
        bool number = gr__cell_number(&c, &f->value);
        if (number && isfinite(f->value)) continue;
        st = gr__folder_let(l->all, i, number ? GR_FAULT_NONFINITE : GR_FAULT_UNDECODABLE,
                            wrong(l, f->line, "the cost wants numbers, but the label is", f->label));
    }
    return st;
}

/* How many labels there are, and how many of them are plain whole numbers. */
static bool are_numbers(const labels *l)
{
    int64_t n = 0, plain = 0, x;
    bool note = l->all->faults && l->all->faults->note;
    for (size_t i = 0; i < l->all->n; i++) {
        if (l->all->file[i].faulty) continue;
        const gr__cell c = cell_of(l->all->file[i].label);
        plain += gr__cell_whole(&c, &x);
        n++;
    }
    return plain == n || (note && gr__labels_mostly(n, plain));
}

static gr_status take_numbers(const labels *l, const char *what)
{
    gr_status st = GR_OK;
    for (size_t i = 0; i < l->all->n && st == GR_OK; i++) {
        gr__file *f = &l->all->file[i];
        if (f->faulty) continue;
        const gr__cell c = cell_of(f->label);
        int64_t x = 0;
        bool whole = gr__cell_whole(&c, &x);
        if (whole && x < GR__MOST_CLASSES) {
            f->class_ = (int32_t)x;
            l->all->classes = GR_MAX(l->all->classes, (int)x + 1);
            continue;
        }
        st = gr__folder_let(l->all, i, GR_FAULT_LABEL_RANGE,
                            wrong(l, f->line, whole ? "classes are fewer than" : what, f->label));
    }
    return st;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gr_status unknown_name(const labels *l, const gr__file *f, const char *const *names, int n)
{
    gr_status st = wrong(l, f->line, "none of the classes of training is", f->label);
    gr__error_hint(l->all->ctx, "there are %d, from \"%s\" to \"%s\"", n, names[0], names[n - 1]);
    return st;
}

static gr_status take_names(const labels *l, const char *const *names, int n)
{
    gr_status st = GR_OK;
    for (size_t i = 0; i < l->all->n && st == GR_OK; i++) {
        gr__file *f = &l->all->file[i];
        if (f->faulty) continue;
        const char *const *at = bsearch(&f->label, names, (size_t)n, sizeof *names, by_text);
        if (at)
            f->class_ = (int32_t)(at - names);
        else
            st = gr__folder_let(l->all, i, GR_FAULT_LABEL_RANGE, unknown_name(l, f, names, n));
    }
    l->all->class_name = names;
    l->all->classes = n;
    return st;
}

/* Different texts in sorted order. */
static gr_status learn_names(const labels *l)
{
    size_t n = 0, kept = 0;
    const char **names = gr__bump_alloc(l->all->memory, GR_MAX(l->all->n, 1) * sizeof *names);
    if (!names) return GR_E_MEMORY;
    for (size_t i = 0; i < l->all->n; i++)
        if (!l->all->file[i].faulty) names[n++] = l->all->file[i].label;
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0) names[kept++] = names[i];
    if (kept >= GR__MOST_CLASSES)
        return gr__fail(l->all->ctx, GR_E_DATA, "\"%s\" has more than %d different labels", l->table, GR__MOST_CLASSES);
    return take_names(l, names, (int)kept);
}

static gr_status settle(const labels *l, const gr_schema_target *like, bool held, bool values)
{
    if (values) return take_values(l);
    if (like) return take_names(l, like->class_names, like->n_class_names);
    if (held) return take_numbers(l, "the training's classes are whole numbers, but the label is");
    return are_numbers(l) ? take_numbers(l, "labels are whole numbers, but one is") : learn_names(l);
}

/* One whose quotes are broken is a record without fields. */
static gr_status next_record(labels *l, bool *more)
{
    gr_status st = gr__csv_next(&l->r, more);
    if (st != GR_E_FORMAT) return st;
    st = take_blindly(l, (gr__file){.name = l->table, .label = "", .line = l->r.record_line}, GR_FAULT_UNDECODABLE, st);
    return st == GR_OK ? next_record(l, more) : st;
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
        GR_TRY(next_record(&l, &more));
        if (more) GR_TRY(take(&l));
    }
    if (all->n == 0)
        GR_TRY(gr__fail(all->ctx, GR_E_DATA, "\"%s\" names no %s%s", table, all->kind->noun,
                        all->n_damaged ? " that is not damaged" : ""));
    GR_TRY(settle(&l, like, held, values));
done:
    gr__csv_stop(&l.r);
    gr__blob_close(&b);
    return st;
}
