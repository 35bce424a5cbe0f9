/* Data of the program that trains: fields in its memory are arrays whose bytes stand there, and those that a function
 * gives are read sample by sample. */
#include <stdio.h>
#include <string.h>

#include "data/array/elements.h"
#include "data/given.h"
#include "graph/shape.h"

gr_status gr__given_read(gr_context *ctx, const gr_given_field *f, const char *name, int64_t sample, void *values)
{
    if (!f->is.any_thread) pthread_mutex_lock(&f->of->one_at_a_time);
    gr_status st = f->is.read(f->is.user, sample, values);
    if (!f->is.any_thread) pthread_mutex_unlock(&f->of->one_at_a_time);
    if (st == GR_OK) return GR_OK;
    return gr__fail(ctx, st, "sample %lld of \"%s\" cannot be read: the program's function says so", (long long)sample,
                    name);
}

/* ---- which field is which ---- */

static const char *const nouns[] = {"input", "target", "weight", "lengths"};

/* Names that the program left out are those that the recipe has. */
static const gr_given_field *find(const gr_data *d, gr_data_role role, const char *name, bool lone)
{
    for (int i = 0; i < d->n_fields; i++) {
        const gr_given_field *f = &d->field[i];
        if (f->is.role == role && (!name || strcmp(f->is.name, name) == 0 || (lone && !f->is.name[0]))) return f;
    }
    return NULL;
}

typedef struct chosen {
    gr__entries entries;
    gr__part part[GR_MAX_FIELDS];
} chosen;

/* The header that a file of the same numbers would have. */
static gr_status part_of(gr_context *ctx, const gr_given_field *f, const char *name, int64_t n, gr__part *out)
{
    gr__array *a = &out->array;
    *out = (gr__part){.given = f};
    *a = (gr__array){.type = (gr__type)f->is.type, .rank = f->is.shape.rank + 1, .dim = {n}};
    for (int i = 0; i < f->is.shape.rank; i++) a->dim[i + 1] = f->is.shape.dim[i];
    gr_status st = gr__array_size(ctx, name, a);
    gr__blob_memory(ctx, name, f->is.values, f->is.values ? (size_t)a->bytes : 0, &out->blob);
    out->blob.packing = GR__PLAIN; /* whatever its first numbers are */
    return st;
}

static gr_status add(gr_context *ctx, const gr_given_field *f, int64_t n, gr__entry entry, chosen *c)
{
    gr__entries *e = &c->entries;
    int at = gr__entries_n(e);
    e->n_inputs += entry.role == GR_FIELD_INPUT;
    e->n_targets += entry.role == GR_FIELD_TARGET;
    e->n_lengths += entry.role == GR_FIELD_LENGTH;
    e->weighted |= entry.role == GR_FIELD_WEIGHT;
    e->entry[at] = entry;
    return part_of(ctx, f, entry.name, n, &c->part[at]);
}

static gr_status missing(gr_context *ctx, gr_field_role role, const char *name)
{
    gr__fail(ctx, GR_E_CONFLICT, "the data has no %s \"%s\"", nouns[role], name);
    gr__error_hint(ctx, "gr_data_add gives it a field of that role and name");
    return GR_E_CONFLICT;
}

static gr_status choose_role(gr_context *ctx, const gr_data *d, const gr_source_options *o, gr_field_role role,
                             chosen *c)
{
    int n = gr__wanted_fields(o, role);
    gr_status st = GR_OK;
    for (int i = 0; i < n && st == GR_OK; i++) {
        gr__entry entry = {.name = gr__wanted_name(o, role, i), .role = role};
        const gr_given_field *f = find(d, (gr_data_role)role, entry.name, n == 1);
        if (role == GR_FIELD_TARGET) gr__entry_want(&entry, o->wants, o->want, i);
        if (role == GR_FIELD_LENGTH && o->wants) entry.most = o->wants->steps[i];
        if (f)
            st = add(ctx, f, d->n, entry, c);
        else if (role != GR_FIELD_LENGTH)
            st = missing(ctx, role, entry.name);
    }
    return st;
}

/* A field that nobody asks for is a mistake: it has another name than was meant. */
static gr_status check_unused(gr_context *ctx, const gr_data *d, const chosen *c)
{
    for (int i = 0; i < d->n_fields; i++) {
        bool used = false;
        for (int k = 0; k < gr__entries_n(&c->entries); k++) used |= c->part[k].given == &d->field[i];
        if (used) continue;
        const gr_data_field *f = &d->field[i].is;
        return gr__fail(ctx, GR_E_CONFLICT, "the recipe has no %s \"%s\", which the data has",
                        f->role == GR_DATA_TARGET ? "head" : "input", f->name);
    }
    return GR_OK;
}

static gr_status choose(gr_context *ctx, const gr_data *d, const gr_source_options *o, chosen *c)
{
    *c = (chosen){0};
    gr_status st = choose_role(ctx, d, o, GR_FIELD_INPUT, c);
    if (st == GR_OK) st = choose_role(ctx, d, o, GR_FIELD_TARGET, c);
    const gr_given_field *weight = find(d, GR_DATA_WEIGHT, NULL, true);
    if (st == GR_OK && weight) st = add(ctx, weight, d->n, (gr__entry){.name = "weight", .role = GR_FIELD_WEIGHT}, c);
    if (st == GR_OK) st = choose_role(ctx, d, o, GR_FIELD_LENGTH, c);
    return st == GR_OK ? check_unused(ctx, d, c) : st;
}

/* ---- what classes are called ---- */

static gr_status other_names(gr_context *ctx, const gr_field *f, int k, const char *here, const char *there)
{
    gr__fail(ctx, GR_E_DATA, "class %d of \"%s\" is \"%s\" in the data, but the model has been trained with \"%s\"", k,
             f->name, here, there);
    gr__error_hint(ctx, "classes are numbered as in the training");
    return GR_E_DATA;
}

static gr_status check_names(gr_context *ctx, const gr_source_options *o, const gr_field *f)
{
    const gr_schema_target *known = o->schema && !o->own_classes ? gr__schema_target(o->schema, f->name, true) : NULL;
    for (int k = 0; known && known->class_names && k < GR_MAX(known->n_class_names, f->classes); k++) {
        const char *here = k < f->classes ? f->class_names[k] : "nothing",
                   *there = k < known->n_class_names ? known->class_names[k] : "nothing";
        if (strcmp(here, there) != 0) return other_names(ctx, f, k, here, there);
    }
    return GR_OK;
}

static gr_status name_classes(gr_context *ctx, const gr_data_field *given, const gr_source_options *o, gr__bump *b,
                              gr_field *f)
{
    int seen = f->classes;
    if (f->kind != GR_TARGET_CLASS || !given->class_names) return GR_OK;
    if (seen > given->n_classes)
        return gr__fail(ctx, GR_E_DATA, "\"%s\" holds class %d, but %d classes have names", f->name, seen - 1,
                        given->n_classes);
    f->classes = given->n_classes;
    const char **names = b ? gr__bump_alloc(b, sizeof *names * (size_t)given->n_classes) : NULL;
    for (int k = 0; names && k < given->n_classes; k++)
        if (!(names[k] = gr__bump_strdup(b, given->class_names[k]))) return gr__error_code(ctx);
    if (b && !names) return gr__error_code(ctx);
    f->class_names = names;
    return names ? check_names(ctx, o, f) : GR_OK;
}

static gr_status name_all(gr_context *ctx, const chosen *c, const gr_source_options *o, gr__bump *b, gr_set *out)
{
    gr_status st = GR_OK;
    for (int i = 0; i < gr__set_fields(out) && st == GR_OK; i++)
        st = name_classes(ctx, &c->part[i].given->is, o, b, &out->field[i]);
    return st;
}

/* ---- the source ---- */

static gr_status data_of(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const gr_data **out)
{
    int part = gr__setting_is(s, "part", "validation") ? 1 : gr__setting_is(s, "part", "test") ? 2 : 0; /* a gr_part */
    *out = o->given ? o->given[part] : NULL;
    if (*out && !(*out)->read) return GR_OK;
    if (*out)
        return gr__fail(ctx, GR_E_USAGE, "a file that was opened for a model is for prediction: it has no targets");
    gr__fail(ctx, GR_E_DATA, "this data is a program's, which gives it through the library");
    gr__error_hint(ctx, "a program gives it to gr_trainer_create or gr_model_evaluate; the command takes sources of "
                        "files, and `eval` others than the model's by --data");
    return GR_E_DATA;
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    chosen c;
    const gr_data *d;
    gr_status st = data_of(ctx, s, o, &d);
    if (st == GR_OK) st = choose(ctx, d, o, &c);
    if (st == GR_OK) st = gr__arrays_info(ctx, &c.entries, c.part, o, out);
    return st == GR_OK ? name_all(ctx, &c, o, o->memory, out) : st;
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    chosen c;
    const gr_data *d;
    gr_status st = data_of(ctx, s, o, &d);
    if (st == GR_OK) st = choose(ctx, d, o, &c);
    if (st == GR_OK) st = gr__arrays_load(ctx, &c.entries, c.part, o, out);
    if (st == GR_OK && (st = name_all(ctx, &c, o, out->memory, out)) != GR_OK) gr__set_free(ctx, out);
    return st;
}

gr_status gr__given_raw(gr_context *ctx, const gr_data *d, const gr_shape *sample, const gr_source_options *o,
                        gr_set *out)
{
    chosen c = {0};
    gr_set set = {0};
    char got[96], want[96];
    gr_status st = choose_role(ctx, d, o, GR_FIELD_INPUT, &c);
    if (st == GR_OK) st = choose_role(ctx, d, o, GR_FIELD_LENGTH, &c);
    for (int i = 0; i < c.entries.n_inputs && st == GR_OK; i++) {
        const gr_data_field *f = &c.part[i].given->is;
        c.part[i].raw = true;
        if (!gr__sample_fits(f->shape, sample[i]))
            st = gr__fail(ctx, GR_E_DATA, "samples of \"%s\" have the shape %s, but the model takes %s",
                          c.entries.entry[i].name, gr__shape_text(f->shape, got), gr__shape_text(sample[i], want));
    }
    if (st == GR_OK) st = gr__arrays_load(ctx, &c.entries, c.part, o, &set);
    if (st != GR_OK) return st;
    gr__set_measure(&set, o->wants);
    *out = set;
    return GR_OK;
}

static const gr_row rows[] = {
    GR_ROW("part", CHOICE, "train", "train|validation|test", "", "which of the data that the program gives"),
};

GR_SOURCE(program) = {
    .head = {.family = "source",
             .name = "program",
             .title = "Data of the program that uses the library, as it gives it to a trainer",
             .cite = "",
             .equations = "fields as gr_data of gradus/data.h has them; integer targets are classes, real ones values, "
                          "unless the cost wants it otherwise",
             GR_ROWS(rows)},
    .reads = true,
    .info = info,
    .load = load,
};
