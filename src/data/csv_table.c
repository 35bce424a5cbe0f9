/* CSV tables to sets: rows are counted, what the target column holds is found out, then numbers and classes are read.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/csv_table.h"

void gr__table_start(const gr__table *t, gr__csv_reader *r)
{
    gr__csv_open(r, t->blob, t->delimiter);
}

/* ---- missing values ---- */

bool gr__table_missing(const gr__table *t, const gr__field *f)
{
    double x = 0;
    bool known = false, number = false;
    for (int i = 0; i < t->n_missing; i++) {
        const gr__sentinel *m = &t->missing[i];
        if (gr__field_is(f, m->text)) return true;
        if (!m->is_number) continue;
        if (!known) number = gr__field_number(f, &x);
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
        gr__field f = {.s = m->text, .n = strlen(m->text)};
        m->is_number = gr__field_number(&f, &m->number);
    }
    t->n_missing = n;
    return GR_OK;
}

/* ---- layout ---- */

static gr_status count_rows(gr__table *t)
{
    gr__csv_reader r;
    bool more = true;
    gr__table_start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    while (st == GR_OK && more) {
        st = gr__table_next(t, &r, &more);
        if (st != GR_OK || !more) break;
        if (r.n != (size_t)t->n_columns)
            st = gr__fail(t->ctx, GR_E_FORMAT, "\"%s\": line %llu has %zu fields, but the first record has %d",
                          t->blob->name, (unsigned long long)r.record_line, r.n, t->n_columns);
        t->n++;
    }
    gr__csv_stop(&r);
    if (st == GR_OK && t->n == 0)
        st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" holds no samples, only a header", t->blob->name);
    if (st == GR_OK && t->n > UINT32_MAX)
        st = gr__fail(t->ctx, GR_E_FORMAT, "\"%s\" holds more than %u samples, the most there can be", t->blob->name,
                      UINT32_MAX);
    return st;
}

static gr_status table_open(gr__table *t, gr__blob *blob, const gr__csv_options *o)
{
    *t = (gr__table){.ctx = blob->ctx, .blob = blob, .o = o, .target = -1};
    t->memory = gr__bump_create(blob->ctx);
    if (!t->memory) return GR_E_MEMORY;
    gr_status st = take_missing(t);
    if (st == GR_OK) st = gr__table_header(t);
    if (st == GR_OK) st = gr__table_columns(t);
    return st == GR_OK ? count_rows(t) : st;
}

/* What this table was, for those that come after it. */
static gr_status describe_table(const gr__table *t, const gr_set *s, gr__bump *b, const gr_schema **out)
{
    const char **missing = gr__bump_alloc(t->memory, (size_t)GR_MAX(t->n_missing, 1) * sizeof *missing);
    const char **names = gr__bump_alloc(t->memory, (size_t)t->n_inputs * sizeof *names);
    if (!missing || !names) return gr__error_code(t->ctx);
    for (int i = 0; i < t->n_missing; i++) missing[i] = t->missing[i].text;
    for (int i = 0; t->name && i < t->n_inputs; i++) names[i] = t->name[t->input[i]];
    const gr_schema schema = {.table = true,
                              .delimiter = t->delimiter,
                              .delimiter_given = t->o->delimiter != 0,
                              .header = t->header,
                              .header_given = t->o->header != GR__HEADER_AUTO,
                              .n_columns = t->n_columns,
                              .n_inputs = t->n_inputs,
                              .input = t->input,
                              .name = t->name ? names : NULL,
                              .target = t->target,
                              .target_name = t->name && t->target >= 0 ? t->name[t->target] : NULL,
                              .missing = missing,
                              .n_missing = t->n_missing,
                              .class_names = s ? s->class_names : NULL,
                              .n_class_names = s && s->class_names ? s->classes : 0};
    *out = gr__schema_copy(b, &schema);
    return *out ? GR_OK : gr__error_code(t->ctx);
}

/* ---- values ---- */

gr_status gr__table_fail(const gr__table *t, const gr__csv_reader *r, int column, const char *what)
{
    char value[80], name[80];
    const gr__field *f = &r->field[column];
    const char *called = t->header && t->name ? t->name[column] : NULL;
    gr__shown(value, sizeof value, f->s, f->n);
    if (called) gr__shown(name, sizeof name, called, strlen(called));
    return gr__fail(t->ctx, GR_E_DATA, "\"%s\": line %llu, column %d%s%s%s: %s%s%s %s", t->blob->name,
                    (unsigned long long)r->record_line, column + 1, called ? " (" : "", called ? name : "",
                    called ? ")" : "", f->n ? "\"" : "", f->n ? value : "the field", f->n ? "\"" : "", what);
}

static gr_status read_value(const gr__table *t, const gr__csv_reader *r, int column, bool may_miss, double *out)
{
    const gr__field *f = &r->field[column];
    if (gr__table_missing(t, f)) {
        *out = (double)NAN;
        return may_miss ? GR_OK : gr__table_fail(t, r, column, "is missing, which a target cannot be");
    }
    bool number = gr__field_number(f, out);
    if (!number || !isfinite(*out)) {
        gr_status st = gr__table_fail(t, r, column,
                                      f->n == 0 ? "is empty"
                                      : number  ? "is not finite"
                                                : "is not a number");
        gr__table_advise(t, r, column, may_miss);
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

/* Inputs keep the digits that preparing them takes; a declared missing value is prepared. */
static gr_element input_element(const gr__table *t)
{
    return t->o->exact || t->n_missing > 0 ? GR_EL_F64 : real_element(t);
}

static void put(gr_element e, void *to, int64_t at, double x)
{
    if (e == GR_EL_F64)
        ((double *)to)[at] = x;
    else
        ((float *)to)[at] = (float)x;
}

/* ---- classes ---- */

typedef enum target_form {
    FORM_NONE,
    FORM_VALUE,
    FORM_WHOLE, /* the label is the class's number */
    FORM_TEXT,  /* labels are numbered when all are known */
    FORM_KNOWN  /* labels are the training's names */
} target_form;

static gr_status preload(const gr__table *t, gr__labels *all)
{
    gr_status st = GR_OK;
    for (int i = 0; i < t->o->like->n_class_names && st == GR_OK; i++) {
        int32_t seen;
        gr__field f = {.s = t->o->like->class_names[i], .n = strlen(t->o->like->class_names[i])};
        st = gr__labels_add(t, all, &f, &seen);
    }
    return st;
}

static gr_status known_class(const gr__table *t, const gr__labels *all, const gr__csv_reader *r, int32_t *out)
{
    const gr_schema *like = t->o->like;
    gr_status st = gr__labels_find(t, all, &r->field[t->target], out);
    if (st != GR_OK || *out >= 0) return st;
    char first[80], last[80];
    const char *a = like->class_names[0], *b = like->class_names[like->n_class_names - 1];
    st = gr__table_fail(t, r, t->target, "is none of the classes of training");
    gr__error_hint(t->ctx, "there are %d, from \"%s\" to \"%s\"", like->n_class_names,
                   gr__shown(first, sizeof first, a, strlen(a)), gr__shown(last, sizeof last, b, strlen(b)));
    return st;
}

static gr_status whole_class(const gr__table *t, const gr__csv_reader *r, int32_t *out)
{
    int64_t x;
    const gr__field *f = &r->field[t->target];
    if (gr__table_missing(t, f)) return gr__table_fail(t, r, t->target, "is missing, which a target cannot be");
    if (f->n == 0) return gr__table_fail(t, r, t->target, "is empty");
    if (gr__field_whole(f, &x) && x < GR__MOST_CLASSES) return *out = (int32_t)x, GR_OK;
    char what[80];
    snprintf(what, sizeof what, "is not a class: whole numbers from 0 to %d, or texts", GR__MOST_CLASSES - 1);
    gr_status st = gr__table_fail(t, r, t->target, what);
    if (t->o->like && !t->o->own_classes)
        gr__error_hint(t->ctx, "the training's classes are whole numbers, written 0, 1, 2, ...");
    else
        gr__error_hint(
            t->ctx,
            "labels that are whole numbers number the classes: 0, 1, 2, ...; names made of digits need a letter "
            "in front: n123");
    return st;
}

/* ---- what the target column holds ---- */

typedef struct labels_look {
    bool plain, numbers; /* some are plain whole numbers; all are numbers, NaN and inf among them */
    bool texts;          /* some are neither numbers nor what often stands for a missing value */
    uint64_t line;       /* of the first label that is not plain */
    bool odd_number;     /* it is a number all the same */
    char odd[40];
} labels_look;

static void look_at_label(const gr__table *t, const gr__csv_reader *r, labels_look *l)
{
    double x = 0;
    int64_t whole;
    const gr__field *f = &r->field[t->target];
    if (gr__table_missing(t, f) || f->n == 0) return; /* refused, if at all, later */
    if (gr__field_whole(f, &whole)) {
        l->plain = true;
        return;
    }
    bool number = gr__field_number(f, &x);
    l->numbers = l->numbers && number;
    l->texts = l->texts || (!number && !gr__is_missing_mark(f));
    if (l->line > 0) return;
    gr__shown(l->odd, sizeof l->odd, f->s, f->n);
    l->line = r->record_line;
    l->odd_number = number && isfinite(x);
}

/* One that is not plain makes texts of labels that are numbers for everybody else: it may be a mistake. */
static void tell_odd_label(const gr__table *t, const labels_look *l)
{
    if (l->texts) return;
    if (l->odd_number)
        gr__log(t->ctx, GR_LOG_INFO,
                "%s: labels are taken as texts: \"%s\" in line %llu is a number, but not written as a class's",
                t->blob->name, l->odd, (unsigned long long)l->line);
    else if (l->plain)
        gr__log(t->ctx, GR_LOG_WARNING,
                "%s: labels are taken as texts: \"%s\" in line %llu stands among whole numbers; if it is no class, "
                "leave its rows out",
                t->blob->name, l->odd, (unsigned long long)l->line);
}

/* Texts, unless every label is the plain spelling of a whole number: 01, 1.0 and +1 are not, and all may be different
 * classes. Where nothing said what the target is for, numbers that are not plain are values. */
static gr_status look_at_labels(const gr__table *t, target_form *form, bool tell)
{
    gr__csv_reader r;
    bool more = true;
    labels_look l = {.numbers = true};
    gr__table_start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    while (st == GR_OK && more && !l.texts) {
        st = gr__csv_next(&r, &more);
        if (st == GR_OK && more) look_at_label(t, &r, &l);
    }
    gr__csv_stop(&r);
    *form = l.line == 0 ? FORM_WHOLE : l.numbers && t->o->want == GR_TARGET_NONE ? FORM_VALUE : FORM_TEXT;
    if (tell && st == GR_OK && *form == FORM_TEXT) tell_odd_label(t, &l);
    return st;
}

static gr_status look_at_target(const gr__table *t, target_form *form, bool tell)
{
    const gr_schema *like = t->o->own_classes ? NULL : t->o->like;
    *form = t->target < 0 || t->o->inputs_only ? FORM_NONE
            : t->o->want == GR_TARGET_VALUE    ? FORM_VALUE
            : like && like->class_names        ? FORM_KNOWN
                                               : FORM_WHOLE;
    return *form == FORM_WHOLE && !like ? look_at_labels(t, form, tell) : GR_OK;
}

/* ---- reading ---- */

static gr_status read_target(const gr__table *t, const gr__csv_reader *r, target_form form, gr__labels *all, gr_set *s,
                             int64_t row)
{
    double x;
    gr_status st = GR_OK;
    int32_t *class_ = s->targets ? (int32_t *)s->targets + row : NULL;
    switch (form) {
    case FORM_NONE:
        break;
    case FORM_VALUE:
        st = read_value(t, r, t->target, false, &x);
        if (st == GR_OK) put(real_element(t), s->targets, row, x);
        break;
    case FORM_KNOWN:
        st = known_class(t, all, r, class_);
        break;
    case FORM_WHOLE:
        st = whole_class(t, r, class_);
        if (st == GR_OK) s->classes = GR_MAX(s->classes, *class_ + 1);
        break;
    case FORM_TEXT:
        if (gr__table_missing(t, &r->field[t->target]) || r->field[t->target].n == 0)
            st = gr__table_fail(t, r, t->target, "is missing, which a target cannot be");
        else
            st = gr__labels_add(t, all, &r->field[t->target], class_);
        break;
    }
    return st;
}

static gr_status read_rows(const gr__table *t, target_form form, gr__labels *all, gr_set *s)
{
    gr__csv_reader r;
    bool more = true;
    gr_element e = s->element;
    gr__table_start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    for (int64_t row = 0; row < t->n && st == GR_OK; row++) {
        st = gr__csv_next(&r, &more);
        for (int i = 0; i < t->n_inputs && st == GR_OK; i++) {
            double x;
            st = read_value(t, &r, t->input[i], true, &x);
            if (st == GR_OK) put(e, s->inputs, row * t->n_inputs + i, x);
        }
        if (st == GR_OK) st = read_target(t, &r, form, all, s, row);
    }
    gr__csv_stop(&r);
    return st;
}

static gr_target_kind kind_of(target_form form)
{
    return form == FORM_NONE ? GR_TARGET_NONE : form == FORM_VALUE ? GR_TARGET_VALUE : GR_TARGET_CLASS;
}

static void describe(const gr__table *t, target_form form, gr_set_info *out)
{
    *out = (gr_set_info){.n = t->n,
                         .sample = GR_SHAPE(t->n_inputs),
                         .element = input_element(t),
                         .target = kind_of(form),
                         .missing = t->n_missing > 0};
    out->inputs_bytes = (uint64_t)t->n * (uint64_t)t->n_inputs * gr__element_bytes(out->element);
    if (form != FORM_NONE)
        out->targets_bytes = (uint64_t)t->n * gr__element_bytes(form == FORM_VALUE ? real_element(t) : GR_EL_I32);
}

gr_status gr__csv_info(gr__blob *blob, const gr__csv_options *o, gr__bump *memory, gr_set_info *out)
{
    gr__table t;
    target_form form;
    gr_set_info info;
    gr_status st = table_open(&t, blob, o);
    if (st == GR_OK) st = look_at_target(&t, &form, false);
    if (st == GR_OK) {
        describe(&t, form, &info);
        if (memory) st = describe_table(&t, NULL, memory, &info.schema);
    }
    if (st == GR_OK) *out = info;
    gr__bump_destroy(t.memory);
    return st;
}

/* Room for what the table holds, in tensor memory. */
static gr_status make_room(const gr__table *t, target_form form, gr_set *s)
{
    gr_set_info info;
    describe(t, form, &info);
    *s = (gr_set){
        .n = t->n, .sample = info.sample, .element = info.element, .target = info.target, .missing = info.missing};
    s->inputs = gr__tensor_alloc(t->ctx, (size_t)info.inputs_bytes);
    s->inputs_bytes = s->inputs ? (size_t)info.inputs_bytes : 0;
    if (s->inputs && form != FORM_NONE) s->targets = gr__tensor_alloc(t->ctx, (size_t)info.targets_bytes);
    s->targets_bytes = s->targets ? (size_t)info.targets_bytes : 0;
    return s->inputs && (form == FORM_NONE || s->targets) ? GR_OK : gr__error_code(t->ctx);
}

/* The training's names, in memory of this set's own. */
static gr_status take_class_names(const gr__table *t, gr_set *s)
{
    const gr_schema *own = gr__schema_copy(
        t->memory, &(gr_schema){.class_names = t->o->like->class_names, .n_class_names = t->o->like->n_class_names});
    if (!own) return gr__error_code(t->ctx);
    s->class_names = own->class_names;
    s->classes = own->n_class_names;
    return GR_OK;
}

gr_status gr__csv_load(gr__blob *blob, const gr__csv_options *o, gr_set *out)
{
    gr__table t;
    gr_set s = {0};
    gr__labels all = {0};
    target_form form = FORM_NONE;
    gr_status st = GR_OK;
    GR_TRY(table_open(&t, blob, o));
    gr__table_tell(&t);
    GR_TRY(look_at_target(&t, &form, true));
    GR_TRY(make_room(&t, form, &s));
    if (form == FORM_KNOWN) GR_TRY(preload(&t, &all));
    GR_TRY(read_rows(&t, form, &all, &s));
    if (form == FORM_TEXT) GR_TRY(gr__labels_number(&t, &all, &s));
    if (form == FORM_KNOWN) GR_TRY(take_class_names(&t, &s));
    GR_TRY(describe_table(&t, &s, t.memory, &s.schema));
    s.file = gr__bump_strdup(t.memory, blob->name);
    st = s.file ? GR_OK : gr__error_code(t.ctx);
done:
    gr__labels_free(blob->ctx, &all);
    s.memory = t.memory; /* names live there */
    if (st == GR_OK)
        *out = s;
    else
        gr__set_free(blob->ctx, &s);
    return st;
}
