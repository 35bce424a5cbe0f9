/* CSV tables: which columns, which rows, what the target is; then numbers and classes into a set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/array.h"
#include "data/csv.h"

#define MOST_COLUMNS (1 << 20)
#define SAMPLE_BYTES ((size_t)64 << 10) /* looked at for guessing */

typedef struct table {
    gr_context *ctx;
    gr__blob *blob;
    const gr__csv_options *o;
    gr__bump *memory;
    char delimiter;
    bool header;
    const char **name; /* n_columns names; NULL without a header */
    int n_columns;
    int target; /* -1: none */
    int *input; /* columns of the inputs, in their order */
    int n_inputs;
    int64_t n; /* rows */
} table;

static void start(const table *t, gr__csv_reader *r)
{
    gr__csv_open(r, t->blob, t->delimiter);
}

static bool is_missing(const table *t, const gr__field *f)
{
    const gr_tree *m = t->o->missing;
    if (!m) return false;
    if (m->kind != GR_TREE_LIST) return gr__field_is(f, m->text ? m->text : "");
    for (int i = 0; i < m->n; i++) {
        if (gr__field_is(f, m->child[i]->text ? m->child[i]->text : "")) return true;
    }
    return false;
}

/* ---- layout ---- */

/* A header is a first record with text where numbers follow below, or with nothing but text. */
static gr_status guess_header(table *t, bool *out)
{
    gr__csv_reader r;
    bool more, any_number = false, evidence = false;
    bool *text = NULL;
    int n = t->n_columns;
    start(t, &r);
    gr_status st = gr__csv_next(&r, &more);
    if (st == GR_OK && !(text = gr__alloc(t->ctx, (size_t)n))) st = GR_E_MEMORY;
    for (int i = 0; i < n && st == GR_OK; i++) {
        double x;
        bool number = gr__field_number(&r.field[i], &x);
        text[i] = !number && !is_missing(t, &r.field[i]);
        any_number = any_number || number;
    }
    for (int row = 0; row < 20 && st == GR_OK && more && !evidence; row++) {
        st = gr__csv_next(&r, &more);
        if (st != GR_OK || !more || r.n != (size_t)n) break;
        for (int i = 0; i < n && !evidence; i++) {
            double x;
            evidence = text[i] && gr__field_number(&r.field[i], &x);
        }
    }
    *out = evidence || !any_number;
    gr__free(t->ctx, text, (size_t)n);
    gr__csv_stop(&r);
    return st;
}

static gr_status read_names(table *t, const gr__csv_reader *r)
{
    t->name = gr__bump_alloc(t->memory, (size_t)t->n_columns * sizeof *t->name);
    if (!t->name) return gr__error_code(t->ctx);
    for (int i = 0; i < t->n_columns; i++) {
        t->name[i] = gr__field_text(t->memory, &r->field[i]);
        if (!t->name[i]) return gr__error_code(t->ctx);
    }
    return GR_OK;
}

/* The first record: how many columns there are and what they are called. */
static gr_status first_record(table *t)
{
    gr__csv_reader r;
    bool more;
    start(t, &r);
    gr_status st = gr__csv_next(&r, &more);
    if (st == GR_OK && !more) st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" holds no records", t->blob->name);
    if (st == GR_OK && r.n > MOST_COLUMNS)
        st = gr__fail(t->ctx, GR_E_FORMAT, "\"%s\" has %zu columns; at most %d can be read", t->blob->name, r.n,
                      MOST_COLUMNS);
    t->n_columns = st == GR_OK ? (int)r.n : 0;
    t->header = t->o->header == GR__HEADER_YES;
    if (st == GR_OK && t->o->header == GR__HEADER_AUTO) st = guess_header(t, &t->header);
    if (st == GR_OK && t->header) st = read_names(t, &r);
    gr__csv_stop(&r);
    return st;
}

/* A column by name, or else by 0-based index; -1 if there is none. */
static int find_column(const table *t, const char *name)
{
    for (int i = 0; t->name && i < t->n_columns; i++) {
        if (strcmp(t->name[i], name) == 0) return i;
    }
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > 8 || name[digits]) return -1;
    long i = strtol(name, NULL, 10);
    return i < t->n_columns ? (int)i : -1;
}

static gr_status no_column(const table *t, const char *name)
{
    gr_status st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" has no column \"%s\"", t->blob->name, name);
    const char *near = t->name ? gr__nearest(name, t->name, (size_t)t->n_columns) : NULL;
    if (near)
        gr__error_hint(t->ctx, "did you mean \"%s\"?", near);
    else if (t->name)
        gr__error_hint(t->ctx, "it has %d columns: %s%s%s", t->n_columns, t->name[0], t->n_columns > 1 ? ", " : "",
                       t->n_columns > 2   ? "..."
                       : t->n_columns > 1 ? t->name[1]
                                          : "");
    else
        gr__error_hint(t->ctx, "it has %d columns without names: count from 0, or say `header: true`", t->n_columns);
    return st;
}

static gr_status add_input(table *t, const char *name)
{
    int column = find_column(t, name);
    if (column < 0) return no_column(t, name);
    for (int i = 0; i < t->n_inputs; i++) {
        if (t->input[i] == column)
            return gr__fail(t->ctx, GR_E_DATA, "column \"%s\" of \"%s\" is named twice", name, t->blob->name);
    }
    if (column == t->target)
        return gr__fail(t->ctx, GR_E_DATA, "column \"%s\" of \"%s\" is the target and cannot be an input", name,
                        t->blob->name);
    t->input[t->n_inputs++] = column;
    return GR_OK;
}

static gr_status choose_columns(table *t)
{
    const gr__csv_options *o = t->o;
    gr_status st = GR_OK;
    t->target = -1;
    if (o->target) {
        /* Without names, a file that already has only the inputs has no target. */
        bool absent = o->target_may_lack && !t->name && t->n_columns == o->n_wanted;
        t->target = absent ? -1 : find_column(t, o->target);
        if (t->target < 0 && !o->target_may_lack) return no_column(t, o->target);
    }
    const gr_tree *columns = o->columns;
    int most = columns && columns->kind == GR_TREE_LIST ? GR_MAX(columns->n, 1) : t->n_columns;
    t->input = gr__bump_alloc(t->memory, (size_t)GR_MAX((int64_t)most, o->n_wanted) * sizeof *t->input);
    if (!t->input) return gr__error_code(t->ctx);
    bool by_name = o->names && t->name;
    if (by_name) {
        for (int64_t i = 0; i < o->n_wanted && st == GR_OK; i++) st = add_input(t, o->names[i]);
    } else if (columns && columns->kind == GR_TREE_LIST && !o->n_wanted) {
        for (int i = 0; i < columns->n && st == GR_OK; i++) st = add_input(t, columns->child[i]->text);
    } else {
        for (int i = 0; i < t->n_columns; i++) {
            if (i != t->target) t->input[t->n_inputs++] = i;
        }
    }
    if (st == GR_OK && t->n_inputs == 0)
        st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" has no column left for inputs", t->blob->name);
    if (st == GR_OK && o->n_wanted && t->n_inputs != o->n_wanted)
        st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" has %d columns of inputs, but the model takes %lld", t->blob->name,
                      t->n_inputs, (long long)o->n_wanted);
    return st;
}

static gr_status count_rows(table *t)
{
    gr__csv_reader r;
    bool more = true;
    start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    while (st == GR_OK && more) {
        st = gr__csv_next(&r, &more);
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

/* By a look at the front. */
static gr_status choose_delimiter(table *t)
{
    size_t n;
    char *front = gr__alloc(t->ctx, SAMPLE_BYTES);
    if (!front) return GR_E_MEMORY;
    gr_status st = gr__blob_peek(t->blob, front, SAMPLE_BYTES, &n);
    if (st == GR_OK && n == 0) st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" is empty", t->blob->name);
    t->delimiter = t->o->delimiter;
    if (st == GR_OK && !t->delimiter) {
        t->delimiter = gr__csv_guess(t->ctx, t->blob->name, front, n);
        st = gr__error_code(t->ctx);
    }
    gr__free(t->ctx, front, SAMPLE_BYTES);
    return st;
}

static gr_status table_open(table *t, gr__blob *blob, const gr__csv_options *o)
{
    *t = (table){.ctx = blob->ctx, .blob = blob, .o = o, .target = -1};
    t->memory = gr__bump_create(blob->ctx);
    if (!t->memory) return GR_E_MEMORY;
    gr_status st = choose_delimiter(t);
    if (st == GR_OK) st = first_record(t);
    if (st == GR_OK) st = choose_columns(t);
    return st == GR_OK ? count_rows(t) : st;
}

/* ---- values ---- */

static gr_status fail_field(const table *t, const gr__csv_reader *r, int column, const char *what)
{
    const gr__field *f = &r->field[column];
    return gr__fail(t->ctx, GR_E_DATA, "\"%s\": line %llu, column %d%s%s%s: %s%.*s%s %s", t->blob->name,
                    (unsigned long long)r->record_line, column + 1, t->name ? " (" : "", t->name ? t->name[column] : "",
                    t->name ? ")" : "", f->n ? "\"" : "", f->n ? (int)GR_MIN(f->n, 60) : 9, f->n ? f->s : "the field",
                    f->n ? "\"" : "", what);
}

static gr_status read_value(const table *t, const gr__csv_reader *r, int column, bool may_miss, double *out)
{
    const gr__field *f = &r->field[column];
    if (is_missing(t, f)) {
        *out = (double)NAN;
        return may_miss ? GR_OK : fail_field(t, r, column, "is missing, which a target cannot be");
    }
    if (f->n == 0) {
        gr_status st = fail_field(t, r, column, "is empty");
        if (may_miss) gr__error_hint(t->ctx, "declare what stands for a missing value: missing: [\"\"]");
        return st;
    }
    if (!gr__field_number(f, out)) {
        gr_status st = fail_field(t, r, column, "is not a number");
        if (may_miss)
            gr__error_hint(t->ctx, "declare it if it stands for a missing value: missing: [\"%.*s\"]",
                           (int)GR_MIN(f->n, 60), f->s);
        return st;
    }
    if (!isfinite(*out)) return fail_field(t, r, column, "is not finite");
    if (!t->o->keep_float64 && !isfinite((float)*out))
        return fail_field(t, r, column, "is beyond float32 (precision: float64 can hold it)");
    return GR_OK;
}

static gr_element real_element(const table *t)
{
    return t->o->keep_float64 ? GR_EL_F64 : GR_EL_F32;
}

static void put(gr_element e, void *to, int64_t at, double x)
{
    if (e == GR_EL_F64)
        ((double *)to)[at] = x;
    else
        ((float *)to)[at] = (float)x;
}

/* ---- classes ---- */

typedef struct label { /* of a text label: where it first stands */
    const char *text;
    int32_t seen, class_;
} label;

typedef struct labels { /* a hash table of the different texts */
    label *slot;
    size_t slots, n;
} labels;

static label *find_label(const labels *all, const gr__field *f)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < f->n; i++) hash = (hash ^ (unsigned char)f->s[i]) * UINT64_C(1099511628211);
    for (size_t i = (size_t)(hash ^ hash >> 32) & (all->slots - 1);; i = (i + 1) & (all->slots - 1)) {
        label *l = &all->slot[i];
        if (!l->text || gr__field_is(f, l->text)) return l;
    }
}

static gr_status grow_labels(const table *t, labels *all)
{
    labels more = {.slots = GR_MAX(all->slots * 2, 64), .n = all->n};
    more.slot = gr__alloc(t->ctx, more.slots * sizeof *more.slot);
    if (!more.slot) return GR_E_MEMORY;
    for (size_t i = 0; i < all->slots; i++) {
        if (!all->slot[i].text) continue;
        gr__field f = {.s = all->slot[i].text, .n = strlen(all->slot[i].text)};
        *find_label(&more, &f) = all->slot[i];
    }
    gr__free(t->ctx, all->slot, all->slots * sizeof *all->slot);
    *all = more;
    return GR_OK;
}

static gr_status add_label(const table *t, labels *all, const gr__field *f, int32_t *seen)
{
    if (2 * all->n >= all->slots) {
        gr_status st = grow_labels(t, all);
        if (st != GR_OK) return st;
    }
    /* Hashed and kept without doubled quotes, so that growing hashes the same. */
    gr__field plain = *f;
    const char *text = NULL;
    if (f->doubled) {
        text = gr__field_text(t->memory, f);
        if (!text) return gr__error_code(t->ctx);
        plain = (gr__field){.s = text, .n = strlen(text)};
    }
    label *l = find_label(all, &plain);
    if (!l->text) {
        if (!text) text = gr__field_text(t->memory, f);
        if (!text) return gr__error_code(t->ctx);
        if (all->n + 1 >= GR__MOST_CLASSES)
            return gr__fail(t->ctx, GR_E_DATA, "\"%s\" has more than %d different labels", t->blob->name,
                            GR__MOST_CLASSES);
        *l = (label){.text = text, .seen = (int32_t)all->n++};
    }
    *seen = l->seen;
    return GR_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp((*(label *const *)a)->text, (*(label *const *)b)->text);
}

/* Gives the classes their numbers in sorted order and maps the targets, which hold the order of first sight. */
static gr_status number_labels(const table *t, const labels *all, gr_set *s)
{
    label **sorted = gr__bump_alloc(t->memory, all->n * sizeof(label *));
    int32_t *class_of = gr__bump_alloc(t->memory, all->n * sizeof *class_of);
    const char **names = gr__bump_alloc(t->memory, all->n * sizeof *names);
    if (!sorted || !class_of || !names) return gr__error_code(t->ctx);
    size_t n = 0;
    for (size_t i = 0; i < all->slots; i++) {
        if (all->slot[i].text) sorted[n++] = &all->slot[i];
    }
    if (n) qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 0; i < n; i++) {
        class_of[sorted[i]->seen] = (int32_t)i;
        names[i] = sorted[i]->text;
    }
    int32_t *target = s->targets;
    for (int64_t i = 0; i < s->n; i++) target[i] = class_of[target[i]];
    s->classes = (int)n;
    s->class_names = names;
    return GR_OK;
}

static gr_status known_class(const table *t, const gr__csv_reader *r, int32_t *out)
{
    for (int i = 0; i < t->o->n_class_names; i++) {
        if (!gr__field_is(&r->field[t->target], t->o->class_names[i])) continue;
        *out = i;
        return GR_OK;
    }
    gr_status st = fail_field(t, r, t->target, "is none of the classes of training");
    gr__error_hint(t->ctx, "there are %d, from \"%s\" to \"%s\"", t->o->n_class_names, t->o->class_names[0],
                   t->o->class_names[t->o->n_class_names - 1]);
    return st;
}

static gr_status whole_class(const table *t, const gr__csv_reader *r, int32_t *out)
{
    double x;
    gr_status st = read_value(t, r, t->target, false, &x);
    if (st != GR_OK) return st;
    if (!(x >= 0 && x < GR__MOST_CLASSES) || x != floor(x))
        return fail_field(t, r, t->target, "is not a class: whole numbers from 0 on, or texts");
    *out = (int32_t)x;
    return GR_OK;
}

/* ---- reading ---- */

typedef enum target_form { FORM_NONE, FORM_VALUE, FORM_WHOLE, FORM_TEXT, FORM_KNOWN } target_form;

/* What the target column holds: needs a look at all of it. */
static gr_status look_at_target(const table *t, target_form *form)
{
    *form = t->target < 0 || t->o->inputs_only ? FORM_NONE
            : t->o->want == GR_TARGET_VALUE    ? FORM_VALUE
            : t->o->n_class_names              ? FORM_KNOWN
                                               : FORM_WHOLE;
    if (*form != FORM_WHOLE) return GR_OK;
    gr__csv_reader r;
    bool more = true, classes = true;
    start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    while (st == GR_OK && more && *form == FORM_WHOLE) {
        st = gr__csv_next(&r, &more);
        if (st != GR_OK || !more) break;
        double x;
        const gr__field *f = &r.field[t->target];
        if (is_missing(t, f) || f->n == 0) continue; /* refused below, with its place */
        if (!gr__field_number(f, &x))
            *form = FORM_TEXT;
        else
            classes = classes && x >= 0 && x == floor(x) && x < GR__MOST_CLASSES;
    }
    gr__csv_stop(&r);
    /* Nothing said what the target is for: numbers that cannot be classes are values. */
    if (t->o->want == GR_TARGET_NONE && *form == FORM_WHOLE && !classes) *form = FORM_VALUE;
    return st;
}

static gr_status read_target(const table *t, const gr__csv_reader *r, target_form form, labels *all, gr_set *s,
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
        st = known_class(t, r, class_);
        break;
    case FORM_WHOLE:
        st = whole_class(t, r, class_);
        if (st == GR_OK) s->classes = GR_MAX(s->classes, *class_ + 1);
        break;
    case FORM_TEXT:
        if (is_missing(t, &r->field[t->target]) || r->field[t->target].n == 0)
            st = fail_field(t, r, t->target, "is missing, which a target cannot be");
        else
            st = add_label(t, all, &r->field[t->target], class_);
        break;
    }
    return st;
}

static gr_status read_rows(const table *t, target_form form, labels *all, gr_set *s)
{
    gr__csv_reader r;
    bool more = true;
    gr_element e = s->element;
    start(t, &r);
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

static void describe(const table *t, target_form form, gr_set_info *out)
{
    *out = (gr_set_info){.n = t->n,
                         .sample = GR_SHAPE(t->n_inputs),
                         .element = real_element(t),
                         .target = kind_of(form),
                         .missing = t->o->missing != NULL};
    out->inputs_bytes = (uint64_t)t->n * (uint64_t)t->n_inputs * gr__element_bytes(out->element);
    if (form != FORM_NONE)
        out->targets_bytes = (uint64_t)t->n * gr__element_bytes(form == FORM_VALUE ? out->element : GR_EL_I32);
}

gr_status gr__csv_info(gr__blob *blob, const gr__csv_options *o, gr_set_info *out)
{
    table t;
    target_form form;
    gr_status st = table_open(&t, blob, o);
    if (st == GR_OK) st = look_at_target(&t, &form);
    if (st == GR_OK) describe(&t, form, out);
    gr__bump_destroy(t.memory);
    return st;
}

static gr_status name_inputs(const table *t, gr_set *s)
{
    if (!t->name) return GR_OK;
    const char **names = gr__bump_alloc(t->memory, (size_t)t->n_inputs * sizeof *names);
    for (int i = 0; names && i < t->n_inputs; i++) names[i] = t->name[t->input[i]];
    s->input_names = names;
    return names ? GR_OK : gr__error_code(t->ctx);
}

gr_status gr__csv_load(gr__blob *blob, const gr__csv_options *o, gr_set *out)
{
    table t;
    gr_set s = {0};
    labels all = {0};
    target_form form = FORM_NONE;
    gr_set_info info;
    gr_status st = table_open(&t, blob, o);
    if (st == GR_OK) st = look_at_target(&t, &form);
    if (st != GR_OK) goto done;
    describe(&t, form, &info);
    s = (gr_set){
        .n = t.n, .sample = info.sample, .element = info.element, .target = info.target, .missing = info.missing};
    s.inputs = gr__tensor_alloc(t.ctx, (size_t)info.inputs_bytes);
    s.inputs_bytes = s.inputs ? (size_t)info.inputs_bytes : 0;
    if (s.inputs && form != FORM_NONE) s.targets = gr__tensor_alloc(t.ctx, (size_t)info.targets_bytes);
    s.targets_bytes = s.targets ? (size_t)info.targets_bytes : 0;
    if (!s.inputs || (form != FORM_NONE && !s.targets)) GR_TRY(gr__error_code(t.ctx));
    GR_TRY(read_rows(&t, form, &all, &s));
    if (form == FORM_TEXT) GR_TRY(number_labels(&t, &all, &s));
    if (form == FORM_KNOWN) {
        const char **names = gr__bump_alloc(t.memory, (size_t)o->n_class_names * sizeof *names);
        for (int i = 0; names && i < o->n_class_names; i++) {
            names[i] = gr__bump_strdup(t.memory, o->class_names[i]);
            if (!names[i]) names = NULL;
        }
        if (!names) GR_TRY(gr__error_code(t.ctx));
        s.class_names = names;
        s.classes = o->n_class_names;
    }
    GR_TRY(name_inputs(&t, &s));
    s.file = gr__bump_strdup(t.memory, blob->name);
    st = s.file ? GR_OK : gr__error_code(t.ctx);
done:
    gr__free(blob->ctx, all.slot, all.slots * sizeof *all.slot);
    s.memory = t.memory; /* class names live there */
    if (st == GR_OK)
        *out = s;
    else
        gr__set_free(blob->ctx, &s);
    return st;
}
