/* Folders as sets: what their settings find, targets and names, what is left out. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "data/folder.h"

/* ---- what the settings find ---- */

static gr_status none_is_sound(const gr__folder *all)
{
    return gr__fail(all->ctx, GR_E_DATA, "every %s of \"%s\" is damaged, or left out", all->kind->noun,
                    all->folder[0]   ? all->folder
                    : all->n_damaged ? all->damaged[0].name
                                     : "");
}

/* Two classes are 0 and 1 where a cost wants these; else a folder's classes are no values. */
static gr_status classes_as_values(gr__folder *all, const gr__entry *e)
{
    bool yes_or_no = e->wanted && e->wanted->form == GR_FORM_LABELS && all->classes == 2;
    if (!yes_or_no) {
        gr_status st = gr__fail(all->ctx, GR_E_DATA, "subfolders are classes, but %s wants numbers",
                                e->wanted ? e->wanted->cost : "the target");
        gr__error_hint(all->ctx, "a table can give them: labels: FILE.csv with the columns file,label");
        return st;
    }
    for (size_t i = 0; i < all->n; i++) all->file[i].value = all->file[i].class_;
    return GR_OK;
}

gr_status gr__folder_find(gr__folder *all, const gr_settings *s, const gr_source_options *o, const gr__entry *target)
{
    const char *table = gr__source_path(all->memory, s, "labels", o);
    bool values = target && target->want == GR_TARGET_VALUE, held = o->schema && !o->own_classes;
    const gr_schema_target *like =
        target && held ? gr__schema_target(o->schema, target->name, !o->wants || !o->wants->targets_named) : NULL;
    if (like && (values || !like->class_names)) like = NULL;
    all->faults = o->faults;
    all->folder = gr__source_path(all->memory, s, "folder", o);
    if (!all->folder || (!table && gr__error_code(all->ctx) != GR_OK)) return gr__error_code(all->ctx);
    if (gr__path_kind(all->folder) == GR__ENTRY_FILE)
        return gr__fail(all->ctx, GR_E_FILE, "\"%s\" is a file, not a folder of %ss", all->folder, all->kind->noun);
    gr_status st = table ? gr__source_place(all->ctx, s, "labels",
                                            gr__folder_of_table(all, table, like, held && o->schema->n_targets, values))
                         : gr__folder_of_classes(all, like);
    if (st == GR_OK && !all->file[gr__folder_first(all)].head) st = none_is_sound(all);
    return st == GR_OK && values && !table ? classes_as_values(all, target) : st;
}

/* ---- fields ---- */

gr__entries gr__folder_entries(const gr_source_options *o, bool targets)
{
    gr__entries e = {.n_inputs = 1, .n_targets = targets ? gr__wanted_fields(o, GR_FIELD_TARGET) : 0};
    e.entry[0] = (gr__entry){.name = gr__wanted_name(o, GR_FIELD_INPUT, 0), .role = GR_FIELD_INPUT};
    if (!e.n_targets) return e;
    e.entry[1] = (gr__entry){.name = gr__wanted_name(o, GR_FIELD_TARGET, 0), .role = GR_FIELD_TARGET};
    gr__entry_want(&e.entry[1], o->wants, o->want, 0);
    return e;
}

gr_status gr__folder_describe(const gr__folder *all, const gr__entries *e, const gr_source_options *o, gr__bump *b,
                              gr_set *out)
{
    char what[64];
    gr_status st = gr__entries_begin(all->ctx, e, b, out);
    if (st != GR_OK) return st;
    out->n = (int64_t)all->n;
    if (e->n_targets) {
        gr_field *y = &out->field[1];
        bool values = e->entry[1].want == GR_TARGET_VALUE;
        y->sample = GR_SCALAR;
        y->kind = values ? GR_TARGET_VALUE : GR_TARGET_CLASS;
        y->element = !values ? GR_EL_I32 : o->keep_float64 ? GR_EL_F64 : GR_EL_F32;
        y->bytes = (uint64_t)out->n * gr__element_bytes(y->element);
        y->classes = values ? 0 : all->classes;
        snprintf(what, sizeof what, "the folder of %ss", all->kind->noun);
        if (e->entry[1].wanted) st = gr__targets_fit(all->ctx, e->entry[1].wanted, y->sample, what);
    }
    for (int i = 0; i < gr__set_fields(out) && b && st == GR_OK; i++) {
        out->field[i].file = gr__bump_strdup(b, all->folder[0] ? all->folder : all->file[0].name);
        if (!out->field[i].file) st = GR_E_MEMORY;
    }
    out->file = out->field[0].file;
    return st;
}

/* In memory of this set's own, whose-ever they are. */
static gr_status name_classes(const gr__folder *all, gr_field *y)
{
    if (!all->class_name) return GR_OK;
    const char **names = gr__bump_alloc(all->memory, (size_t)all->classes * sizeof *names);
    for (int i = 0; i < all->classes && names; i++)
        if (!(names[i] = gr__bump_strdup(all->memory, all->class_name[i]))) names = NULL;
    y->class_names = names;
    return names ? GR_OK : GR_E_MEMORY;
}

static gr_status take_targets(const gr__folder *all, gr_field *y)
{
    y->data = gr__tensor_alloc(all->ctx, (size_t)y->bytes);
    if (!y->data) return gr__error_code(all->ctx);
    for (size_t i = 0; i < all->n; i++) {
        const gr__file *x = &all->file[i];
        double value = x->faulty ? (double)NAN : x->value;
        if (y->element == GR_EL_I32)
            ((int32_t *)y->data)[i] = x->faulty ? -1 : x->class_;
        else if (y->element == GR_EL_F32)
            ((float *)y->data)[i] = (float)value;
        else
            ((double *)y->data)[i] = value;
    }
    return y->kind == GR_TARGET_CLASS ? name_classes(all, y) : GR_OK;
}

/* ---- what is left out ---- */

/* Every file of it is damaged: training has to have one. */
static gr_status class_is_gone(const gr__folder *all, const char *name)
{
    char path[4200];
    gr_status st =
        gr__fail(all->ctx, GR_E_DATA, "every %s of \"%s/%s\" is damaged", all->kind->noun, all->folder, name);
    return gr__folder_gone(all, gr__file_path(all->folder, name, path, sizeof path), st);
}

static gr_status check_left(const gr__folder *all)
{
    if (all->n == 0) return none_is_sound(all);
    for (int32_t k = 0, at = 0; k < all->classes && all->by_folder; k++) {
        size_t i = (size_t)at;
        while (i < all->n && all->file[i].class_ == k) i++;
        if (i == (size_t)at) {
            gr_status st = class_is_gone(all, all->class_name[k]);
            if (st != GR_OK) return st;
        }
        at = (int32_t)i;
    }
    return GR_OK;
}

gr_status gr__folder_leave_out(gr__folder *all, const gr_reader *r, size_t sample)
{
    size_t one = (sample + 63) / 64 * 64, bytes = one + r->scratch, kept = 0;
    if (!all->skip) return GR_OK;
    char *memory = gr__tensor_alloc(all->ctx, bytes);
    gr_status st = memory ? GR_OK : gr__error_code(all->ctx);
    for (size_t i = 0; i < all->n && st == GR_OK; i++) {
        const gr__file file = all->file[i];
        if (file.faulty) continue;
        gr_status read = r->read(all->ctx, r, (int64_t)i, memory + one, memory);
        if (read == GR_OK) all->file[kept++] = file;
        st = gr__folder_skip(all, all->ctx, file.name, read);
    }
    gr__tensor_free(all->ctx, memory, bytes);
    all->n = kept;
    return st == GR_OK ? check_left(all) : st;
}

/* What was not read is said once. */
static void tell(const gr__folder *all)
{
    char path[4200], nouns[64];
    enum { NAMED = 20 };
    snprintf(nouns, sizeof nouns, "%ss", all->kind->noun);
    const char *where = all->folder[0] ? all->folder : nouns;
    for (size_t i = 0; i < GR_MIN(all->n_damaged, NAMED); i++)
        gr__log(all->ctx, GR_LOG_WARNING, "left out: %s", all->damaged[i].why);
    if (all->n_damaged)
        gr__log(all->ctx, GR_LOG_WARNING, "%s: %zu %s%s left out%s", where, all->n_damaged, all->kind->noun,
                all->n_damaged > 1 ? "s are" : " is",
                all->n_damaged > NAMED ? ", of which the first are named above" : "");
    if (all->others)
        gr__log(all->ctx, GR_LOG_INFO, "%s: %lld other file%s (\"%s\"%s%s) %s not read", where, (long long)all->others,
                all->others > 1 ? "s" : "", gr__file_path(all->folder, all->other, path, sizeof path),
                all->other_kind ? ", " : "", all->other_kind ? all->other_kind : "", all->others > 1 ? "are" : "is");
}

/* ---- the set ---- */

const char *const *gr__folder_names(const gr__folder *all)
{
    const char **name = gr__bump_alloc(all->memory, GR_MAX(all->n, 1) * sizeof *name);
    for (size_t i = 0; i < all->n && name; i++) name[i] = all->file[i].name;
    return name;
}

/* Where a table of labels names each; nothing where there is none. */
static gr_status take_lines(const gr__folder *all, gr_set *s)
{
    if (!all->file[0].line) return GR_OK;
    uint64_t *line = gr__bump_alloc(all->memory, all->n * sizeof *line);
    for (size_t i = 0; i < all->n && line; i++) line[i] = all->file[i].line;
    s->line = line;
    return line ? GR_OK : GR_E_MEMORY;
}

/* Of names, sizes and samples of their bytes: what stands for all numbers. */
static uint32_t sum_of(const gr__folder *all)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < all->n; i++) {
        crc = gr__crc32(crc, all->file[i].name, strlen(all->file[i].name) + 1);
        crc = gr__crc32(crc, &all->file[i].bytes, sizeof all->file[i].bytes);
        crc = gr__crc32(crc, &all->file[i].sum, sizeof all->file[i].sum);
    }
    return crc ? crc : 1;
}

gr_status gr__folder_make(gr__folder *all, gr_status st, gr_reader *r, gr_set *s)
{
    if (st == GR_OK && !(s->sample = gr__folder_names(all))) st = GR_E_MEMORY;
    if (st == GR_OK && s->n_targets) st = take_targets(all, &s->field[1]);
    s->field[0].reader = r;
    s->field[0].sum = sum_of(all);
    bool note = all->faults && all->faults->note;
    for (size_t i = 0; i < all->n_damaged && st == GR_OK && note; i++)
        st = gr__fault_file(all->faults,
                            (gr_fault){.file = all->damaged[i].name, .text = all->damaged[i].why, .left = true});
    if (st == GR_OK && note) st = take_lines(all, s);
    if (st == GR_OK && !note) tell(all);
    s->memory = all->memory;
    all->memory = NULL;
    if (st != GR_OK) gr__set_free(all->ctx, s);
    return st;
}
