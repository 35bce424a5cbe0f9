/* CSV headers: by which delimiter a table is split, and whether its first record holds names or the first sample. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/table/csv_table.h"

#define MOST_COLUMNS (1 << 20)
#define SAMPLE_BYTES ((size_t)64 << 10) /* looked at for guessing */
enum { LOOK_AT = 20 };                  /* records below the first */

/* ---- names ---- */

static bool white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char *trimmed(char *s)
{
    size_t n = strlen(s);
    while (n > 0 && white(s[n - 1])) n--;
    s[n] = '\0';
    while (white(*s)) s++;
    return s;
}

static int by_name(const void *a, const void *b)
{
    const gr__named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->column > y->column) - (x->column < y->column);
}

/* Blanks around a name never count, in quotes neither: nobody sees them, and other files have them elsewhere. */
static gr_status read_names(gr__table *t, const gr__csv_reader *r)
{
    size_t n = (size_t)t->n_columns;
    t->name = gr__bump_alloc(t->memory, n * sizeof *t->name);
    t->by_name = gr__bump_alloc(t->memory, n * sizeof *t->by_name);
    if (!t->name || !t->by_name) return gr__error_code(t->ctx);
    for (size_t i = 0; i < n; i++) {
        char *text = (char *)gr__cell_text(t->memory, &r->cell[i]);
        if (!text) return gr__error_code(t->ctx);
        t->name[i] = trimmed(text);
        t->by_name[i] = (gr__named){t->name[i], (int)i};
    }
    qsort(t->by_name, n, sizeof *t->by_name, by_name);
    return GR_OK;
}

int gr__table_named(const gr__table *t, const char *name)
{
    if (!t->name) return -1;
    while (white(*name)) name++;
    size_t n = strlen(name);
    while (n > 0 && white(name[n - 1])) n--;
    int low = 0, high = t->n_columns;
    while (low < high) { /* the first name that is not below */
        int middle = low + (high - low) / 2;
        const char *is = t->by_name[middle].name;
        int order = strncmp(is, name, n);
        if (order < 0 || (order == 0 && strlen(is) < n))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == t->n_columns) return -1;
    const char *is = t->by_name[low].name;
    return strncmp(is, name, n) == 0 && is[n] == '\0' ? t->by_name[low].column : -1;
}

/* ---- the delimiter ---- */

static gr_status first_of(const gr__table *t, gr__csv_reader *r, bool *more)
{
    gr__table_start(t, r);
    gr_status st = gr__csv_next(r, more);
    if (st == GR_OK && *more && r->n > MOST_COLUMNS)
        st = gr__fail(t->ctx, GR_E_FORMAT, "\"%s\" has %zu columns; at most %d can be read", t->blob->name, r->n,
                      MOST_COLUMNS);
    return st;
}

/* Whether the first record has as many fields as the training's table, with or without its targets. */
static bool splits_alike(gr__table *t, const gr_schema *like)
{
    gr__csv_reader r;
    bool more = false;
    t->delimiter = like->delimiter;
    gr_status st = first_of(t, &r, &more);
    size_t n = st == GR_OK && more ? r.n : 0, all = (size_t)like->n_columns, fewer = 0;
    gr__csv_stop(&r);
    if (st == GR_E_FORMAT) gr_context_clear_error(t->ctx); /* broken quotes only count against this delimiter */
    for (int i = 0; i < like->n_columns && like->n_targets; i++) fewer += gr__schema_is_target(like, i);
    fewer = GR_MAX(fewer, 1);
    return n > 1 && (n == all || n == (size_t)like->n_inputs || n + fewer == all ||
                     (like->weighted && (n + 1 == all || n + 1 + fewer == all)));
}

static gr_status guess_delimiter(gr__table *t, char otherwise)
{
    size_t n;
    char *front = gr__alloc(t->ctx, SAMPLE_BYTES);
    if (!front) return GR_E_MEMORY;
    gr_status st = gr__blob_peek(t->blob, front, SAMPLE_BYTES, &n);
    if (st == GR_OK) t->delimiter = gr__csv_guess(t->ctx, t->blob->name, front, n, otherwise);
    gr__free(t->ctx, front, SAMPLE_BYTES);
    return gr__error_code(t->ctx);
}

static gr_status choose_delimiter(gr__table *t)
{
    const gr_schema *like = gr__table_like(t);
    char first;
    size_t n;
    gr_status st = gr__blob_peek(t->blob, &first, 1, &n);
    if (st != GR_OK) return st;
    if (n == 0) return gr__fail(t->ctx, GR_E_DATA, "\"%s\" is empty", t->blob->name);
    if (t->o->delimiter)
        t->delimiter = t->o->delimiter;
    else if (like && (like->delimiter_given || splits_alike(t, like)))
        t->delimiter = like->delimiter;
    else
        return guess_delimiter(t, like ? like->delimiter : ',');
    return gr__error_code(t->ctx);
}

/* ---- names, or the first sample? ---- */

typedef struct first { /* what the fields of the first record are; those that may miss are neither text nor number */
    int texts, numbers, neither;
    int text, number; /* the first of each */
    bool marks;       /* all texts are such as stand for missing values */
    bool below;       /* numbers stand below a text */
} first;

static gr_status look_below(const gr__table *t, gr__csv_reader *r, const bool *text, first *f)
{
    gr_status st = GR_OK;
    bool more = true;
    for (int row = 0; row < LOOK_AT && !f->below; row++) {
        st = gr__table_next(t, r, &more);
        if (st == GR_E_FORMAT) { /* told when rows are read, unless that row is left out */
            gr_context_clear_error(t->ctx);
            return GR_OK;
        }
        if (st != GR_OK || !more || r->n != (size_t)t->n_columns) break;
        for (int i = 0; i < t->n_columns && !f->below; i++) {
            double x;
            f->below = text[i] && gr__cell_number(&r->cell[i], &x);
        }
    }
    return st;
}

/* Reads on with r, which stands behind the first record. */
static gr_status look(const gr__table *t, gr__csv_reader *r, first *f)
{
    size_t n = (size_t)t->n_columns;
    bool *text = gr__alloc(t->ctx, n);
    if (!text) return GR_E_MEMORY;
    *f = (first){.marks = true};
    for (int i = 0; i < t->n_columns; i++) {
        double x;
        const gr__cell *field = &r->cell[i];
        bool number = gr__cell_number(field, &x);
        text[i] = !number && field->n > 0 && !gr__table_missing(t, field);
        if (number && f->numbers++ == 0) f->number = i;
        if (text[i] && f->texts++ == 0) f->text = i;
        if (text[i]) f->marks = f->marks && gr__is_missing_mark(field);
        f->neither += !number && !text[i];
    }
    gr_status st = look_below(t, r, text, f);
    gr__free(t->ctx, text, n);
    return st;
}

static gr_status cannot_tell(const gr__table *t, const first *f, const char *why)
{
    gr__csv_reader r;
    bool more;
    gr_status st = first_of(t, &r, &more);
    if (st == GR_OK) {
        st = gr__table_fail(t, &r, f->text, why);
        if (t->o->inputs_only)
            gr__error_hint(t->ctx,
                           "if line %llu is a sample, put a line of names above it; if it holds names, write all of "
                           "them as texts",
                           (unsigned long long)t->first_line);
        else if (f->marks)
            gr__error_hint(t->ctx,
                           "say `header: false` if the line is a sample, and missing: [\"%.*s\"] if that stands for "
                           "a missing value; `header: true` if it holds names",
                           (int)GR_MIN(r.cell[f->text].n, 20), r.cell[f->text].s);
        else
            gr__error_hint(t->ctx,
                           "say `header: false` if the line is the first sample, `header: true` if it holds the names");
    }
    gr__csv_stop(&r);
    return st;
}

/* Text alone above numbers is a line of names, and so is text alone where no number tells otherwise. What mixes both is
 * either: a label beside numbers, years as names. In the training such a table is refused; other data is a sample then,
 * since names would be the training's. */
static gr_status guess(gr__table *t, gr__csv_reader *r)
{
    first f = {0};
    bool known = gr__table_like(t) != NULL;
    gr_status st = look(t, r, &f);
    t->header_guessed = true;
    t->header = f.texts > 0 && f.numbers == 0;
    if (st != GR_OK || f.texts == 0) return st;
    const char *why = f.numbers > 0               ? "is text beside numbers: are these names, or is it a sample?"
                      : f.marks                   ? "may be a name or stand for a missing value"
                      : f.neither > 0 && !f.below ? "is text beside missing values: are these names, or is it a sample?"
                                                  : NULL;
    if (why) t->header = false;
    return why && !known ? cannot_tell(t, &f, why) : GR_OK;
}

/* The training's names stand in the first record: all of them, or one that no sample could hold. */
static bool holds_names(const gr__table *t, const gr_schema *like)
{
    int found = 0;
    double x;
    for (int i = 0; i < like->n_inputs; i++) {
        if (gr__table_named(t, like->name[i]) < 0) continue;
        found++;
        gr__cell f = {.s = like->name[i], .n = strlen(like->name[i])};
        if (f.n > 0 && !gr__cell_number(&f, &x) && !gr__table_missing(t, &f)) return true;
    }
    return found == like->n_inputs;
}

static gr_status settle(gr__table *t, gr__csv_reader *r)
{
    const gr_schema *like = gr__table_like(t);
    if (t->o->header != GR__HEADER_AUTO)
        t->header = t->o->header == GR__HEADER_YES;
    else if (like && like->header_given)
        t->header = like->header;
    else if (like && like->name && holds_names(t, like))
        t->header = true;
    else
        return guess(t, r);
    return GR_OK;
}

gr_status gr__table_header(gr__table *t)
{
    gr__csv_reader r;
    bool more;
    gr_status st = choose_delimiter(t);
    if (st != GR_OK) return st;
    st = first_of(t, &r, &more);
    if (st == GR_OK && !more) st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" holds no records", t->blob->name);
    if (st == GR_OK) st = gr__table_text(t, &r);
    if (st == GR_OK) {
        t->n_columns = (int)r.n;
        t->first_line = r.record_line;
        st = read_names(t, &r);
    }
    if (st == GR_OK) st = settle(t, &r);
    if (!t->header) t->name = NULL, t->by_name = NULL;
    gr__csv_stop(&r);
    return st;
}
