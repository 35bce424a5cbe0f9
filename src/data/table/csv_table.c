/* CSV tables to sets: rows are counted, what the columns of targets hold is found out (csv_targets.c), then numbers and
 * classes are read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/table/csv_table.h"

void gr__table_start(const gr__table *t, gr__csv_reader *r)
{
    gr__csv_open(r, t->blob, t->delimiter);
}

/* ---- missing values ---- */

bool gr__table_missing(const gr__table *t, const gr__cell *f)
{
    double x = 0;
    bool known = false, number = false;
    for (int i = 0; i < t->n_missing; i++) {
        const gr__sentinel *m = &t->missing[i];
        if (gr__cell_is(f, m->text)) return true;
        if (!m->is_number) continue;
        if (!known) number = gr__cell_number(f, &x);
        known = true;
        if (number && (x == m->number || (isnan(x) && isnan(m->number)))) return true;
    }
    return false;
}

static gr_status take_missing(gr__table *t)
{
    const gr_tree *said = t->o->missing;
    const gr_schema *like = gr__table_like(t);
    int n = said ? (said->kind == GR_TREE_LIST ? said->n : 1) : like ? like->n_missing : 0;
    t->missing = gr__bump_alloc(t->memory, (size_t)GR_MAX(n, 1) * sizeof *t->missing);
    if (!t->missing) return gr__error_code(t->ctx);
    for (int i = 0; i < n; i++) {
        const gr_tree *one = said && said->kind == GR_TREE_LIST ? said->child[i] : said;
        gr__sentinel *m = &t->missing[i];
        m->text = !said ? like->missing[i] : one->text ? one->text : "";
        gr__cell f = {.s = m->text, .n = strlen(m->text)};
        m->is_number = gr__cell_number(&f, &m->number);
    }
    t->n_missing = n;
    return GR_OK;
}

/* ---- layout ---- */

static gr_status count_rows(gr__table *t)
{
    gr__csv_reader r;
    bool more = true, sound;
    gr__table_start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    while (st == GR_OK && more) {
        st = gr__table_record(t, &r, t->n, &more, &sound);
        t->n += st == GR_OK && more;
    }
    gr__csv_stop(&r);
    t->counted = true;
    if (st == GR_OK && t->n == 0)
        st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" holds no samples, only a header", t->blob->name);
    if (st == GR_OK && t->n > UINT32_MAX)
        st = gr__fail(t->ctx, GR_E_FORMAT, "\"%s\" holds more than %u samples, the most there can be", t->blob->name,
                      UINT32_MAX);
    return st;
}

gr_status gr__table_open(gr__table *t, gr__blob *blob, const gr__csv_options *o)
{
    *t = (gr__table){.ctx = blob->ctx, .blob = blob, .o = o, .weight = -1};
    t->memory = gr__bump_create(blob->ctx);
    if (!t->memory) return GR_E_MEMORY;
    gr_status st = take_missing(t);
    if (st == GR_OK) st = gr__table_header(t);
    if (st == GR_OK) st = gr__table_columns(t);
    if (st == GR_OK) st = count_rows(t);
    return st == GR_OK ? gr__table_categories(t) : st;
}

/* ---- what it was, for those that come after it ---- */

/* What the columns were called; the table has names. NULL on failure. */
static const char *const *names_of(const gr__table *t, const int *column, int n)
{
    const char **names = gr__bump_alloc(t->memory, (size_t)GR_MAX(n, 1) * sizeof *names);
    for (int i = 0; names && i < n; i++) names[i] = t->name[column[i]];
    return names;
}

/* Nothing but names can be missing here. */
static bool schema_targets(const gr__table *t, const gr_set *s, gr_schema *out)
{
    bool made = true;
    if (t->o->inputs_only) return true;
    out->n_targets = t->n_of_targets;
    for (int i = 0; i < t->n_of_targets && made; i++) {
        const gr__columns *c = &t->of_target[i];
        const gr_field *f = s ? gr__set_target(s, i) : NULL;
        const int *column = t->target + c->first;
        out->target[i] = (gr_schema_target){.name = t->n_of_targets > 1 ? c->name : NULL,
                                            .n = c->n,
                                            .column = column,
                                            .listed = c->listed,
                                            .class_names = f ? f->class_names : NULL,
                                            .n_class_names = f && f->class_names ? f->classes : 0};
        if (t->name) made = (out->target[i].column_name = names_of(t, column, c->n));
    }
    return made;
}

/* NULL: there are none, or no memory. */
static const gr_schema_category *categories_of(const gr__table *t)
{
    gr_schema_category *all = t->category ? gr__bump_alloc(t->memory, (size_t)t->n_inputs * sizeof *all) : NULL;
    for (int i = 0; all && i < t->n_inputs; i++)
        all[i] = (gr_schema_category){t->category[i].is ? t->category[i].n : 0, t->category[i].name};
    return all;
}

static gr_status describe_table(const gr__table *t, const gr_set *s, gr__bump *b, const gr_schema **out)
{
    const char **missing = gr__bump_alloc(t->memory, (size_t)GR_MAX(t->n_missing, 1) * sizeof *missing);
    const char *const *names = t->name ? names_of(t, t->input, t->n_inputs) : NULL;
    const gr_schema_category *categories = categories_of(t);
    if (!missing || (t->name && !names) || (t->category && !categories)) return gr__error_code(t->ctx);
    for (int i = 0; i < t->n_missing; i++) missing[i] = t->missing[i].text;
    gr_schema schema = {.table = true,
                        .delimiter = t->delimiter,
                        .delimiter_given = t->o->delimiter != 0,
                        .header = t->header,
                        .header_given = t->o->header != GR__HEADER_AUTO,
                        .n_columns = t->n_columns,
                        .n_inputs = t->n_inputs,
                        .input = t->input,
                        .name = names,
                        .category = categories,
                        .n_of_inputs = t->n_of_inputs,
                        .weighted = t->weight >= 0,
                        .weight = GR_MAX(t->weight, 0),
                        .weight_name = t->name && t->weight >= 0 ? t->name[t->weight] : NULL,
                        .missing = missing,
                        .n_missing = t->n_missing};
    for (int i = 0; i < t->n_of_inputs; i++) {
        const gr__columns *c = &t->of_input[i];
        schema.of_input[i] = (gr_schema_input){t->n_of_inputs > 1 ? c->name : NULL, c->n};
    }
    if (!schema_targets(t, s, &schema)) return gr__error_code(t->ctx);
    *out = gr__schema_copy(b, &schema);
    return *out ? GR_OK : gr__error_code(t->ctx);
}

/* ---- values ---- */

gr_status gr__table_fail(const gr__table *t, const gr__csv_reader *r, int column, const char *what)
{
    char value[80], name[80];
    const gr__cell *f = &r->cell[column];
    const char *called = t->header && t->name ? t->name[column] : NULL;
    gr__shown(value, sizeof value, f->s, f->n);
    if (called) gr__shown(name, sizeof name, called, strlen(called));
    return gr__fail(t->ctx, GR_E_DATA, "\"%s\": line %llu, column %d%s%s%s: %s%s%s %s", t->blob->name,
                    (unsigned long long)r->record_line, column + 1, called ? " (" : "", called ? name : "",
                    called ? ")" : "", f->n ? "\"" : "", f->n ? value : "the field", f->n ? "\"" : "", what);
}

static gr_status refuse_missing(const gr__table *t, const gr__csv_reader *r, int column, gr_field_role role)
{
    if (role == GR_FIELD_INPUT) return GR_OK;
    return gr__table_fail(t, r, column,
                          role == GR_FIELD_TARGET ? "is missing, which a target cannot be"
                                                  : "is missing, which a weight cannot be");
}

gr_status gr__table_number(const gr__table *t, const gr__csv_reader *r, int column, gr_field_role role, double *out)
{
    const gr__cell *f = &r->cell[column];
    if (gr__table_missing(t, f)) {
        *out = (double)NAN;
        return refuse_missing(t, r, column, role);
    }
    bool number = gr__cell_number(f, out);
    if (!number || !isfinite(*out)) {
        gr_status st = gr__table_fail(t, r, column,
                                      f->n == 0 ? "is empty"
                                      : number  ? "is not finite"
                                                : "is not a number");
        gr__table_advise(t, r, column, role);
        return st;
    }
    if (!t->o->keep_float64 && !isfinite((float)*out)) {
        gr_status st = gr__table_fail(t, r, column, "is beyond float32");
        gr__error_hint(t->ctx,
                       t->o->inputs_only ? "the model was trained in float32" : "precision: float64 can hold it");
        return st;
    }
    return GR_OK;
}

static gr_element real_element(const gr__table *t)
{
    return t->o->keep_float64 ? GR_EL_F64 : GR_EL_F32;
}

static bool has_categories(const gr__table *t, const gr__columns *c)
{
    for (int i = c->first; t->category && i < c->first + c->n; i++)
        if (t->category[i].is) return true;
    return false;
}

/* Inputs keep the digits that preparing them takes; a declared missing value is prepared, and so is a category. */
static gr_element input_element(const gr__table *t, const gr__columns *c)
{
    return t->o->exact || t->n_missing > 0 || has_categories(t, c) ? GR_EL_F64 : real_element(t);
}

void gr__table_put(gr_element e, void *to, int64_t at, double x)
{
    if (e == GR_EL_F64)
        ((double *)to)[at] = x;
    else if (e == GR_EL_I32)
        ((int32_t *)to)[at] = (int32_t)x;
    else
        ((float *)to)[at] = (float)x;
}

/* ---- reading ---- */

/* No missing value and no other number stands for an index. */
static gr_status check_index(const gr__table *t, const gr__csv_reader *r, int column, int64_t vocabulary, double x)
{
    char what[96];
    if (x >= 0 && x < (double)vocabulary && x == floor(x)) return GR_OK;
    if (isnan(x)) return gr__table_fail(t, r, column, "is missing, which an index cannot be");
    snprintf(what, sizeof what, "is no index of a vocabulary of %lld: 0 to %lld", (long long)vocabulary,
             (long long)vocabulary - 1);
    return gr__table_fail(t, r, column, what);
}

gr_status gr__table_input(const gr__table *t, const gr__csv_reader *r, int input, gr_element e, void *to)
{
    const gr__columns *c = &t->of_input[input];
    for (int k = 0; k < c->n; k++) {
        double x;
        bool category = t->category && t->category[c->first + k].is;
        gr_status st = category ? gr__table_category(t, r, c->first + k, c->vocabulary > 0, &x)
                                : gr__table_number(t, r, t->input[c->first + k], GR_FIELD_INPUT, &x);
        if (st == GR_OK && c->vocabulary) st = check_index(t, r, t->input[c->first + k], c->vocabulary, x);
        if (st != GR_OK) return st;
        if (to) gr__table_put(e, to, k, x);
    }
    return GR_OK;
}

/* What is not held is looked at, and that is all. */
static gr_status read_inputs(const gr__table *t, const gr__csv_reader *r, gr_set *s, int64_t row)
{
    gr_status st = GR_OK;
    for (int i = 0; i < t->n_of_inputs && st == GR_OK; i++) {
        const gr_field *f = &s->field[i];
        char *to = f->data ? (char *)f->data + (size_t)(row * t->of_input[i].n) * gr__element_bytes(f->element) : NULL;
        st = gr__table_input(t, r, i, f->element, to);
    }
    return st;
}

/* *any: one of them is above 0. */
static gr_status read_weight(const gr__table *t, const gr__csv_reader *r, gr_set *s, int64_t row, bool *any)
{
    double x;
    gr_field *f = &s->field[s->n_inputs + s->n_targets];
    gr_status st = gr__table_number(t, r, t->weight, GR_FIELD_WEIGHT, &x);
    if (st == GR_OK && x < 0) st = gr__table_fail(t, r, t->weight, "is below 0, which a weight cannot be");
    if (st != GR_OK) return st;
    gr__table_put(f->element, f->data, row, x);
    *any = *any || gr__element_at(f->element, f->data, row) > 0;
    return GR_OK;
}

/* *sound: it is as it should be, and not let through. */
static gr_status read_row(const gr__table *t, const gr__csv_reader *r, gr__labels *all, gr_set *s, int64_t row,
                          bool *any, bool *sound)
{
    gr_status st = read_inputs(t, r, s, row);
    if (st == GR_OK) st = gr__table_answer(t, r, all, s, row);
    if (st == GR_OK && s->weighted) st = read_weight(t, r, s, row, any);
    *sound = st == GR_OK;
    return gr__table_let(t, r, row, st);
}

static gr_status read_rows(const gr__table *t, gr__labels *all, gr_set *s, uint64_t *line, gr__rows_index *index)
{
    gr__csv_reader r;
    bool more = true, any = false, sound;
    gr__table_start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    for (int64_t row = 0; row < t->n && st == GR_OK; row++) {
        if (index) gr__rows_index_put(index, row, &r);
        st = gr__table_record(t, &r, row, &more, &sound);
        if (st == GR_OK && sound) st = read_row(t, &r, all, s, row, &any, &sound);
        if (st == GR_OK && !sound) gr__table_blank(s, row);
        if (st == GR_OK) st = gr__table_kept(t, &r, row);
        if (line) line[row] = r.record_line;
    }
    if (index && st == GR_OK) gr__rows_index_put(index, t->n, &r);
    gr__csv_stop(&r);
    if (st == GR_OK && s->weighted && !any)
        st = gr__fail(t->ctx, GR_E_DATA, "\"%s\": every weight in column %d is 0, so no sample counts", t->blob->name,
                      t->weight + 1);
    return st;
}

/* ---- sets ---- */

static void describe_field(const gr__table *t, gr_field *f, gr_field_role role, const gr__columns *c)
{
    *f = (gr_field){.name = c ? c->name : "weight", .role = role};
    gr__answer answer = role == GR_FIELD_TARGET ? c->answer : GR__ANSWER_NONE;
    if (role == GR_FIELD_TARGET) f->kind = answer == GR__ANSWER_VALUE ? GR_TARGET_VALUE : GR_TARGET_CLASS;
    if (c && (role == GR_FIELD_INPUT || c->listed)) f->sample = GR_SHAPE(c->n);
    f->vocabulary = role == GR_FIELD_INPUT ? c->vocabulary : 0;
    f->missing = role == GR_FIELD_INPUT && t->n_missing > 0 && !f->vocabulary;
    f->element = f->vocabulary || f->kind == GR_TARGET_CLASS ? GR_EL_I32
                 : role == GR_FIELD_INPUT                    ? input_element(t, c)
                                                             : real_element(t);
    f->bytes = (uint64_t)t->n * (uint64_t)gr_shape_count(f->sample) * gr__element_bytes(f->element);
}

/* What the columns of an input are called, and which hold categories. */
static bool describe_columns(const gr__table *t, gr__bump *b, gr_field *f, const gr__columns *c)
{
    const char **name = gr__bump_alloc(b, (size_t)GR_MAX(c->n, 1) * sizeof *name);
    int32_t *category = gr__bump_alloc(b, (size_t)GR_MAX(c->n, 1) * sizeof *category);
    if (!name || !category) return false;
    for (int k = 0; k < c->n; k++) {
        int column = t->input[c->first + k];
        name[k] = t->name ? gr__bump_strdup(b, t->name[column]) : gr__bump_format(b, "%d", column);
        category[k] = t->category && t->category[c->first + k].is ? t->category[c->first + k].n : 0;
        if (!name[k]) return false;
    }
    f->column = name;
    f->category = !f->vocabulary && has_categories(t, c) ? category : NULL;
    return true;
}

/* Inputs that are more than may be held are read when they are wanted. */
static bool leave_out(const gr__table *t, gr_set *s)
{
    uint64_t bytes = 0;
    for (int i = 0; i < s->n_inputs; i++) bytes += s->field[i].bytes;
    if (!t->o->hold || bytes <= t->o->hold || !gr__table_can_be_read(t)) return false;
    for (int i = 0; i < s->n_inputs; i++) s->field[i].bytes = 0;
    s->field[0].index = gr__rows_index_bytes(t->n);
    return true;
}

/* All but the data. b: where names live; NULL: where they are, and no file. */
static gr_status describe(const gr__table *t, gr__bump *b, gr_set *out)
{
    bool answers = !t->o->inputs_only;
    *out = (gr_set){.n = t->n,
                    .n_inputs = t->n_of_inputs,
                    .n_targets = answers ? t->n_of_targets : 0,
                    .weighted = answers && t->weight >= 0};
    for (int i = 0; i < out->n_inputs; i++) describe_field(t, &out->field[i], GR_FIELD_INPUT, &t->of_input[i]);
    for (int i = 0; i < out->n_targets; i++)
        describe_field(t, &out->field[out->n_inputs + i], GR_FIELD_TARGET, &t->of_target[i]);
    if (out->weighted) describe_field(t, &out->field[out->n_inputs + out->n_targets], GR_FIELD_WEIGHT, NULL);
    if (!b) return GR_OK;
    out->file = gr__bump_strdup(b, t->blob->name);
    bool made = out->file != NULL;
    for (int i = 0; i < gr__set_fields(out) && made; i++) {
        gr_field *f = &out->field[i];
        f->file = out->file;
        f->name = gr__bump_strdup(b, f->name);
        made = f->name != NULL && (i >= out->n_inputs || describe_columns(t, b, f, &t->of_input[i]));
    }
    return made ? GR_OK : gr__error_code(t->ctx);
}

gr_status gr__csv_info(gr__blob *blob, const gr__csv_options *o, gr__bump *memory, gr_set *out)
{
    gr__table t;
    gr_set s;
    gr_status st = gr__table_open(&t, blob, o);
    if (st == GR_OK) st = gr__table_answers(&t, false);
    if (st == GR_OK) st = describe(&t, memory, &s);
    if (st == GR_OK) leave_out(&t, &s);
    if (st == GR_OK && memory) st = describe_table(&t, NULL, memory, &s.schema);
    if (st == GR_OK) *out = s;
    gr__table_free_categories(&t);
    gr__bump_destroy(t.memory);
    return st;
}

gr_status gr__csv_load(gr__blob *blob, const gr__csv_options *o, gr_set *out)
{
    gr__table t;
    gr_set s = {0};
    gr__labels all[GR_MAX_TARGETS] = {0};
    gr__rows_index *index = NULL;
    gr_status st = GR_OK;
    GR_TRY(gr__table_open(&t, blob, o));
    gr__table_tell(&t);
    GR_TRY(gr__table_answers(&t, true));
    GR_TRY(describe(&t, t.memory, &s));
    GR_TRY(gr__table_keep(&t, &s));
    if (leave_out(&t, &s)) GR_TRY(gr__rows_index_make(&t, &index));
    for (int i = 0; i < gr__set_fields(&s); i++) {
        if (!s.field[i].bytes) continue;
        s.field[i].data = gr__tensor_alloc(t.ctx, (size_t)s.field[i].bytes);
        if (!s.field[i].data) GR_TRY(gr__error_code(t.ctx));
    }
    GR_TRY(gr__table_preload(&t, all));
    uint64_t *line = o->faults && o->faults->note ? gr__bump_alloc(t.memory, sizeof *line * (size_t)t.n) : NULL;
    if (o->faults && o->faults->note && !line) GR_TRY(GR_E_MEMORY);
    s.line = line;
    GR_TRY(read_rows(&t, all, &s, line, index));
    GR_TRY(gr__table_classes(&t, all, &s));
    GR_TRY(describe_table(&t, &s, t.memory, &s.schema));
    gr__table_tell_categories(&t);
    if (index) GR_TRY(gr__rows_index_finish(index, &t, &s));
    index = NULL;
done:
    gr__rows_index_drop(blob->ctx, index);
    gr__table_free_categories(&t);
    for (int i = 0; i < GR_MAX_TARGETS; i++) gr__labels_free(blob->ctx, &all[i]);
    s.memory = t.memory; /* names live there */
    if (st == GR_OK)
        *out = s;
    else
        gr__set_free(blob->ctx, &s);
    return st;
}
