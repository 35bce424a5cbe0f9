/* What is found in data, kept and told; the order in which it is looked for. */
#include "study/data/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/numbers.h"

const char *const gr__severity_words[] = {"note", "warning", "error"};

/* ---- samples ---- */

gr_part gr__inspection_source(const gr_inspection *s, int64_t at, int64_t *row)
{
    int p = GR_PARTS - 1;
    while (p > 0 && at < s->first[p]) p--;
    *row = at - s->first[p];
    return (gr_part)p;
}

static const char *part_name(const gr_inspection *s, int64_t at)
{
    int64_t row;
    gr_part source = gr__inspection_source(s, at, &row);
    return gr__part_name(s->part[at] == GR_IN_NO_PART ? source : (gr_part)s->part[at]);
}

const char *gr__inspection_name(gr_inspection *s, int64_t at)
{
    int64_t row;
    gr__inspection_source(s, at, &row);
    const char *text = gr__bump_format(s->memory, "%s %lld", part_name(s, at), (long long)row);
    return text ? text : "";
}

const char *gr__inspection_class(gr_inspection *s, int k)
{
    char shown[80];
    const char *name = s->class_names && k < s->classes ? s->class_names[k] : NULL;
    if (name) gr__shown(shown, sizeof shown, name, strlen(name));
    const char *text = name ? gr__bump_format(s->memory, "\"%s\"", shown) : gr__bump_format(s->memory, "%d", k);
    return text ? text : "";
}

static gr_suspect suspect_of(const gr_inspection *s, int64_t at)
{
    int64_t row;
    const gr_set *set = &s->task.set[gr__inspection_source(s, at, &row)];
    return (gr_suspect){.part = part_name(s, at),
                        .index = row,
                        .file = set->sample ? set->sample[row] : set->file,
                        .line = set->line ? (int64_t)set->line[row] : 0};
}

/* ---- findings ---- */

gr_data_finding *gr__found(gr_inspection *s, const char *kind, gr_severity severity, gr_part part)
{
    if (s->n_findings == GR_MOST_FINDINGS) {
        gr__fail(s->ctx, GR_E_INTERNAL, "more than %d kinds of findings", GR_MOST_FINDINGS);
        return NULL;
    }
    gr_data_finding *f = &s->finding[s->n_findings++];
    *f = (gr_data_finding){.kind = kind, .severity = severity, .text = ""};
    f->part = part < GR_PARTS ? gr__part_name(part) : NULL;
    return f;
}

/* Without memory the context has failed, which gr__inspect asks for. */
static void list(gr_inspection *s, gr_data_finding *f, gr_suspect one)
{
    f->count++;
    if (f->n_samples == f->room) {
        size_t room = GR_MAX(2 * f->room, 16);
        gr_suspect *more = gr__bump_alloc(s->memory, sizeof *more * room);
        if (!more) return;
        if (f->n_samples) memcpy(more, f->sample, sizeof *more * f->n_samples);
        f->sample = more;
        f->room = room;
    }
    f->sample[f->n_samples++] = one;
}

void gr__found_sample(gr_inspection *s, gr_data_finding *f, int64_t at)
{
    list(s, f, suspect_of(s, at));
}

void gr__found_file(gr_inspection *s, gr_data_finding *f, gr_part part, const gr_fault *file)
{
    list(s, f, (gr_suspect){gr__part_name(part), -1, file->file, (int64_t)file->line});
}

void gr__found_text(gr_inspection *s, gr_data_finding *f, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    gr__print_shown(text, sizeof text, format, args);
    va_end(args);
    const char *kept = gr__bump_strdup(s->memory, text);
    f->text = kept ? kept : "";
}

gr_status gr__leave_out(gr_inspection *s, int64_t at, const char *why, bool perhaps)
{
    if (s->n_leave == s->leave_room) {
        size_t room = GR_MAX(2 * s->leave_room, 256);
        gr_leave *more = gr__alloc(s->ctx, room * sizeof *more);
        if (!more) return GR_E_MEMORY;
        if (s->n_leave) memcpy(more, s->leave, s->n_leave * sizeof *more);
        gr__free(s->ctx, s->leave, s->leave_room * sizeof *more);
        s->leave = more;
        s->leave_room = room;
    }
    s->leave[s->n_leave++] = (gr_leave){at, why, perhaps};
    return GR_OK;
}

const char *gr__inspection_verdict(const gr_inspection *s)
{
    gr_severity most = GR_SEVERITY_NOTE;
    for (size_t i = 0; i < s->n_findings; i++) most = GR_MAX(most, s->finding[i].severity);
    return most == GR_SEVERITY_ERROR ? "errors" : most == GR_SEVERITY_WARNING ? "warnings" : "ok";
}

void gr__inspection_count(const gr_inspection *s, gr_part p, int64_t *count)
{
    memset(count, 0, sizeof *count * (size_t)s->classes);
    for (int64_t i = 0; i < s->n; i++)
        if (s->part[i] == p && s->label[i] >= 0) count[s->label[i]]++;
}

/* ---- a list of rows to leave out ---- */

static int by_sample(const void *a, const void *b)
{
    const gr_leave *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return x->perhaps - y->perhaps; /* what is certain comes first */
}

gr_status gr__inspection_fix(const gr_inspection *s, const char *path, int64_t *rows)
{
    gr__text t;
    gr_status st;
    *rows = 0;
    gr__text_init(&t, s->ctx);
    gr__text_add(&t,
                 "# Rows to leave out: data: {exclude: THIS FILE}. Each is a part's source and a row of it, counted "
                 "from 0.\n# Lines that begin with # are to be looked at first; without it they count too.\n");
    if (s->n_leave) qsort(s->leave, s->n_leave, sizeof *s->leave, by_sample);
    for (size_t i = 0; i < s->n_leave; i++) {
        int64_t row;
        const gr_leave *l = &s->leave[i];
        gr_part source = gr__inspection_source(s, l->at, &row);
        if (i && s->leave[i - 1].at == l->at && !s->leave[i - 1].perhaps) { /* once is enough */
            s->leave[i].perhaps = false;
            continue;
        }
        *rows += !l->perhaps;
        gr__text_add(&t, "%s%s %lld %s\n", l->perhaps ? "# " : "", gr__part_name(source), (long long)row, l->why);
    }
    for (int p = 0; p < GR_PARTS; p++) { /* what is left out already */
        const gr_exclude *e = &s->task.exclude;
        for (int64_t i = 0; i < e->n[p]; i++)
            gr__text_add(&t, "%s %u left_out_before\n", gr__part_name((gr_part)p), e->row[p][i]);
    }
    st = t.failed ? gr__error_code(s->ctx) : gr__file_write(s->ctx, path, t.s, t.n);
    gr__text_free(&t);
    return st;
}

/* ---- opening ---- */

static void mark_parts(gr_inspection *s)
{
    memset(s->part, GR_IN_NO_PART, (size_t)s->n);
    for (int p = 0; p < GR_PARTS; p++) {
        const gr_rows *rows = &s->task.rows[p];
        int source = s->task.set_of[p] == &s->task.set[p] ? p : GR_PART_TRAIN;
        for (int64_t i = 0; i < rows->n; i++) s->part[s->first[source] + rows->row[i]] = (uint8_t)p;
    }
}

static void take_labels(gr_inspection *s)
{
    for (int p = 0; p < GR_PARTS; p++) {
        const gr_set *set = &s->task.set[p];
        const gr_field *f = set->n ? gr__set_classes(set) : NULL;
        for (int64_t i = 0; i < set->n; i++) {
            int64_t at = s->first[p] + i;
            s->label[at] = f && s->part[at] != GR_IN_NO_PART ? ((const int32_t *)f->data)[i] : -1;
            s->classes = GR_MAX(s->classes, s->label[at] + 1);
        }
        if (!f || !f->class_names || s->class_names) continue;
        s->class_names = f->class_names;
        s->classes = GR_MAX(s->classes, f->classes);
    }
}

static gr_form form_of(const gr_inspection *s)
{
    enum { SMALLEST = 16 }; /* pictures; smaller ones have too few places to be told apart by looks */
    gr_shape x = s->shape;
    if (s->recipe->input[0].vocabulary) return GR_FORM_WORDS;
    bool picture = x.rank == 3 && x.dim[2] <= 4 && x.dim[0] >= SMALLEST && x.dim[1] >= SMALLEST;
    return picture ? GR_FORM_PICTURES : GR_FORM_ROWS;
}

static int64_t width_of(const gr_set *set)
{
    int64_t n = 0;
    for (int i = 0; i < set->n_inputs; i++) n += gr_shape_count(gr__set_input(set, i)->sample);
    return n;
}

/* As the first source has it: others are alike, or they could not be compared. */
static gr_status measure(gr_inspection *s)
{
    gr_shape wanted = s->recipe->input[0].sample;
    s->shape = gr__set_input(s->task.lead, 0)->sample;
    if (gr_shape_count(s->shape) == gr_shape_count(wanted)) s->shape = wanted;
    if (s->shape.rank == 2 && wanted.rank == 3) s->shape = GR_SHAPE(s->shape.dim[0], s->shape.dim[1], 1); /* resized */
    s->width = width_of(s->task.lead);
    for (int p = 0; p < GR_PARTS; p++)
        if (s->task.set[p].n && width_of(&s->task.set[p]) != s->width)
            return gr__fail(s->ctx, GR_E_DATA, "samples of %s have %lld numbers, of another part %lld",
                            gr__part_name((gr_part)p), (long long)width_of(&s->task.set[p]), (long long)s->width);
    return GR_OK;
}

static gr_status take_room(gr_inspection *s)
{
    gr_status st = GR_OK;
    for (int p = 0; p < GR_PARTS; p++) s->first[p + 1] = s->first[p] + s->task.set[p].n;
    s->n = s->first[GR_PARTS];
    if (s->n > UINT32_MAX) return gr__fail(s->ctx, GR_E_UNSUPPORTED, "more than %u samples", UINT32_MAX);
    s->part = gr__tensor_alloc(s->ctx, (size_t)s->n);
    s->label = s->part ? gr__tensor_alloc(s->ctx, sizeof *s->label * (size_t)s->n) : NULL;
    s->hash = s->label ? gr__tensor_alloc(s->ctx, sizeof *s->hash * (size_t)s->n) : NULL;
    st = s->hash ? gr__clusters_open(s->ctx, s->n, &s->same) : gr__error_code(s->ctx);
    if (st != GR_OK) return st;
    mark_parts(s);
    take_labels(s);
    st = measure(s);
    s->form = form_of(s);
    return st;
}

gr_status gr__inspect(gr_context *ctx, const gr_recipe *r, const gr_inspect_options *o, gr_inspection *out)
{
    static gr_status (*const looks[])(gr_inspection *) = {gr__inspect_values, gr__inspect_faults,  gr__inspect_twins,
                                                          gr__inspect_near,   gr__inspect_classes, gr__inspect_drift,
                                                          gr__inspect_start,  gr__inspect_labels};
    gr_status st = GR_OK;
    *out = (gr_inspection){.ctx = ctx, .recipe = r, .options = o, .memory = gr__bump_create(ctx)};
    if (!out->memory) return GR_E_MEMORY;
    GR_TRY(gr__task_look(ctx, r, &out->task));
    GR_TRY(take_room(out));
    for (size_t i = 0; i < GR_COUNT(looks); i++) {
        GR_TRY(looks[i](out));
        GR_TRY(gr__error_code(ctx)); /* a finding that there was no memory for */
    }
done:
    if (st != GR_OK) gr__inspection_close(out);
    return st;
}

void gr__inspection_close(gr_inspection *s)
{
    if (!s->ctx) return;
    gr__clusters_close(&s->same);
    if (s->hash) gr__tensor_free(s->ctx, s->hash, sizeof *s->hash * (size_t)s->n);
    if (s->label) gr__tensor_free(s->ctx, s->label, sizeof *s->label * (size_t)s->n);
    if (s->part) gr__tensor_free(s->ctx, s->part, (size_t)s->n);
    gr__free(s->ctx, s->leave, s->leave_room * sizeof *s->leave);
    gr__task_close(&s->task);
    gr__bump_destroy(s->memory);
    *s = (gr_inspection){0};
}
