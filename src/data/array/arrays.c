/* Sets of arrays: one array a field, all with as many samples. */
#include "data/array/elements.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

/* ---- do they belong together? ---- */

static const char *noun(gr_field_role role)
{
    static const char *const of[] = {"", "targets of ", "weights of ", "lengths of "};
    return of[role];
}

/* A sample has one weight, and one length. */
static gr_status check_lone(gr_context *ctx, const gr__part *p, gr_field_role role, gr_shape sample)
{
    if (gr_shape_count(sample) == 1) return GR_OK;
    return gr__fail(ctx, GR_E_DATA, "\"%s\" has %lld %s a sample, but a sample has one: store them as [N]",
                    p->blob.name, (long long)gr_shape_count(sample), role == GR_FIELD_LENGTH ? "lengths" : "weights");
}

/* The i-th against the first, and against what is wanted of it. */
static gr_status check_one(gr_context *ctx, const gr__entry *e, const gr__part *first, const gr__part *p, gr_field *f)
{
    int64_t n = first->array.dim[0], is = p->array.dim[0];
    char what[300];
    if (is != n)
        return gr__fail(ctx, GR_E_DATA, "\"%s\" holds %lld samples, but \"%s\" holds %s%lld", first->blob.name,
                        (long long)n, p->blob.name, noun(e->role), (long long)is);
    if (e->role == GR_FIELD_WEIGHT || e->role == GR_FIELD_LENGTH) {
        gr_status st = check_lone(ctx, p, e->role, f->sample);
        f->sample = GR_SCALAR;
        return st;
    }
    if (!e->wanted) return GR_OK;
    snprintf(what, sizeof what, "\"%s\"", p->blob.name);
    return gr__targets_fit(ctx, e->wanted, f->sample, what);
}

/* Inputs that are read when they are wanted take no memory. */
static void leave_out(const gr__entries *e, const gr__part *part, uint64_t most, gr_set *s)
{
    uint64_t bytes = 0;
    for (int i = 0; i < e->n_inputs; i++) bytes += s->field[i].bytes;
    for (int i = 0; i < e->n_inputs && bytes > most; i++)
        if (gr__part_can_be_read(&part[i], &s->field[i])) s->field[i].bytes = 0;
}

static gr_status describe(gr_context *ctx, const gr__entries *e, const gr__part *part, const gr_source_options *o,
                          gr__bump *b, gr_set *out)
{
    gr_status st = gr__entries_begin(ctx, e, b, out);
    for (int i = 0; i < gr__entries_n(e) && st == GR_OK; i++) {
        if (i < e->n_inputs && o->wants) out->field[i].vocabulary = o->wants->vocabulary[i];
        gr__part_describe(&part[i], o, e->entry[i].want, &out->field[i]);
        st = gr__place(ctx, e->entry[i].at, check_one(ctx, &e->entry[i], &part[0], &part[i], &out->field[i]));
    }
    out->n = part[0].array.dim[0];
    for (int i = 0; i < gr__entries_n(e) && st == GR_OK && b; i++) {
        out->field[i].file = gr__bump_strdup(b, part[i].blob.name);
        if (!out->field[i].file) st = gr__error_code(ctx);
    }
    out->file = out->field[0].file;
    leave_out(e, part, gr__hold_limit(o, false), out);
    return st;
}

gr_status gr__arrays_info(gr_context *ctx, const gr__entries *e, const gr__part *part, const gr_source_options *o,
                          gr_set *out)
{
    return describe(ctx, e, part, o, o->memory, out);
}

gr_status gr__arrays_load(gr_context *ctx, const gr__entries *e, gr__part *part, const gr_source_options *o,
                          gr_set *out)
{
    gr_set s = {0};
    int n = gr__entries_n(e);
    gr__bump *memory = gr__bump_create(ctx);
    gr_status st = memory ? describe(ctx, e, part, o, memory, &s) : GR_E_MEMORY;
    s.memory = memory;
    for (int k = 0; k < n && st == GR_OK; k++) { /* the small ones first: what is wrong with them is known soon */
        int i = (e->n_inputs + k) % n;
        bool read = s.field[i].bytes == 0 || (part[i].given && e->entry[i].role == GR_FIELD_INPUT);
        st = read ? gr__part_reader(&part[i], o, &s.field[i])
                  : gr__part_load(&part[i], o, e->entry[i].most, &s.field[i]);
        st = gr__place(ctx, e->entry[i].at, st);
    }
    if (st == GR_OK)
        *out = s;
    else
        gr__set_free(ctx, &s);
    return st;
}

/* ---- one a file ---- */

typedef struct files {
    gr__bump *memory; /* of the paths */
    gr__entries entries;
    gr__part part[GR_MAX_FIELDS];
    int n; /* that are open */
} files;

static void files_close(files *f)
{
    for (int i = 0; i < f->n; i++) gr__part_close(&f->part[i]);
    gr__bump_destroy(f->memory);
}

static gr_status files_open(gr_context *ctx, const gr_settings *s, const gr_source_options *o,
                            const gr__field_rows *rows, gr__header_fn header, files *f)
{
    const char *kind = header == gr__npy_header ? "an NPY array" : "an IDX file";
    f->n = 0;
    f->memory = gr__bump_create(ctx);
    gr_status st = f->memory ? gr__entries_of(ctx, s, o, rows, &f->entries) : GR_E_MEMORY;
    for (int i = 0; st == GR_OK && i < gr__entries_n(&f->entries); i++) {
        const char *path = gr__source_file(f->memory, f->entries.entry[i].text, o);
        if (!path) return gr__error_code(ctx);
        st = gr__part_open(ctx, path, header, &f->part[i]);
        f->n += st == GR_OK;
        st = gr__place(ctx, f->entries.entry[i].at, gr__mistaken_data(ctx, path, kind, st));
    }
    return st;
}

gr_status gr__files_info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const gr__field_rows *rows,
                         gr__header_fn header, gr_set *out)
{
    files f;
    gr_status st = files_open(ctx, s, o, rows, header, &f);
    if (st == GR_OK) st = gr__arrays_info(ctx, &f.entries, f.part, o, out);
    files_close(&f);
    return st;
}

gr_status gr__files_load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const gr__field_rows *rows,
                         gr__header_fn header, gr_set *out)
{
    files f;
    gr_status st = files_open(ctx, s, o, rows, header, &f);
    if (st == GR_OK) st = gr__arrays_load(ctx, &f.entries, f.part, o, out);
    files_close(&f);
    return st;
}
