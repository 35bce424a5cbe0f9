/* CSV advice: what to do about a field that is not a number, or a line of names that is none. It goes by what the field
 * looks like, by whether its column holds numbers at all, and by what whoever reads it can change. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/table/csv_table.h"

enum { LOOK_AT = 1000 };

static bool lower_is(const gr__cell *f, const char *word)
{
    size_t n = strlen(word);
    if (n != f->n) return false;
    for (size_t i = 0; i < n; i++) {
        char c = f->s[i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != word[i]) return false;
    }
    return true;
}

static bool one_of(const gr__cell *f, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower_is(f, words[i])) return true;
    return false;
}

bool gr__is_missing_mark(const gr__cell *f)
{
    static const char *const marks[] = {"na", "n/a", "#n/a", "#na", "nan",     "<na>",    "null",   "none",  "nil",
                                        "?",  "-",   "--",   ".",   "missing", "unknown", "#null!", "(null)"};
    return one_of(f, marks, GR_COUNT(marks));
}

static bool is_truth(const gr__cell *f)
{
    static const char *const words[] = {"true", "false", "yes", "no", "t", "f", "y", "n", "on", "off"};
    return one_of(f, words, GR_COUNT(words));
}

/* Digits and signs of this set alone, at least one of `needed` and one digit. */
static bool made_of(const gr__cell *f, const char *set, const char *needed)
{
    bool digit = false, found = false;
    for (size_t i = 0; i < f->n; i++) {
        bool is = f->s[i] >= '0' && f->s[i] <= '9';
        if (!is && !strchr(set, f->s[i])) return false;
        digit = digit || is;
        found = found || strchr(needed, f->s[i]);
    }
    return digit && found;
}

/* A number with something before or behind it: 3 kg, $3, 20C. */
static bool has_unit(const gr__cell *f)
{
    double x;
    size_t from = 0, to = f->n;
    const char *digits = "0123456789.";
    while (from < to && !strchr(digits, f->s[from])) from++;
    while (to > from && !strchr(digits, f->s[to - 1])) to--;
    gr__cell number = {.s = f->s + from, .n = to - from};
    return from <= 4 && f->n - to <= 8 && gr__cell_number(&number, &x);
}

/* What a field that is meant as a number should have been; NULL: it does not look like one. */
static const char *meant(const gr__cell *f)
{
    double x;
    gr__cell but_last = {.s = f->s, .n = f->n ? f->n - 1 : 0};
    while (but_last.n > 0 && but_last.s[but_last.n - 1] == ' ') but_last.n--;
    if (is_truth(f)) return "write truth as 1 and 0";
    if (f->n > 1 && f->s[f->n - 1] == '%' && (gr__cell_number(&but_last, &x) || made_of(&but_last, "+-.,", ",")))
        return "write shares without the sign: 0.03, or 3 in all of the column";
    if (made_of(f, "+-.,' _eE", ",'_ "))
        return "a number has a decimal point, and nothing between thousands: 1.5 for 1,5 and 1234.5 for 1.234,5";
    if (made_of(f, "-/:. TZ+", "-/:")) return "if it is a date or a time, write a number, such as days since the first";
    if (has_unit(f)) return "write the number alone: its unit belongs to the column's name";
    return NULL;
}

/* Which columns have a number in one of the first records. */
static gr_status find_numbers(const gr__table *t, bool *number)
{
    gr__csv_reader r;
    bool more = true;
    gr__table_start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    for (int row = 0; row < LOOK_AT && st == GR_OK && more; row++) {
        st = gr__csv_next(&r, &more);
        for (size_t i = 0; st == GR_OK && i < r.n && i < (size_t)t->n_columns; i++) {
            double x;
            number[i] = number[i] || gr__cell_number(&r.cell[i], &x);
        }
    }
    gr__csv_stop(&r);
    return st;
}

/* The input that a column is of. */
static const gr__columns *input_of(const gr__table *t, int column)
{
    for (int i = 0; i < t->n_of_inputs; i++)
        for (int k = 0; k < t->of_input[i].n; k++)
            if (t->input[t->of_input[i].first + k] == column) return &t->of_input[i];
    return &t->of_input[0];
}

bool gr__columns_mapped(const gr__columns *c)
{
    return c->at && c->at->parent && c->at->parent->kind == GR_TREE_MAP &&
           gr__tree_get(c->at->parent, c->name) == c->at;
}

/* The key of a recipe that says which columns an input is. */
static const char *said_as(const gr__table *t, const gr__columns *c, const char *list, char *text, size_t room)
{
    if (t->n_of_inputs > 1 || gr__columns_mapped(c))
        snprintf(text, room, "inputs: {%s: %s}", c->name, list);
    else
        snprintf(text, room, "columns: %s", list);
    return text;
}

/* Predicting, nobody has a recipe at hand: what can be changed is the table. */
static bool predicting(const gr__table *t)
{
    return t->o->inputs_only;
}

static void list_marks(const gr_schema *like, char *text, size_t room)
{
    size_t used = 0;
    char one[40];
    for (int i = 0; i < like->n_missing && used + sizeof one + 8 < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s\"%s\"", i ? " or " : "",
                                 gr__shown(one, sizeof one, like->missing[i], strlen(like->missing[i])));
}

/* A field that is empty, or says that its value is missing. */
static void advise_missing(const gr__table *t, const gr__cell *f)
{
    const gr_schema *like = gr__table_like(t);
    char list[300], value[80];
    if (!predicting(t)) {
        gr__error_hint(t->ctx,
                       f->n ? "declare it if it stands for a missing value: missing: [\"%s\"]"
                            : "declare what stands for a missing value: missing: [\"%s\"]",
                       gr__shown(value, sizeof value, f->s, GR_MIN(f->n, 60)));
    } else if (like && like->n_missing) {
        list_marks(like, list, sizeof list);
        gr__error_hint(t->ctx, "in the training's table %s stood for a missing value: write that here too", list);
    } else {
        gr__error_hint(
            t->ctx, "the model knows no missing values, since its training had none: fill it in, or leave the row out");
    }
}

static void advise_text(const gr__table *t, int column, const gr__cell *f)
{
    bool *number = gr__alloc(t->ctx, (size_t)t->n_columns);
    const gr__columns *c = input_of(t, column);
    char list[300], key[400], one[64], place[24];
    snprintf(place, sizeof place, "%d", column);
    if (!number) return;
    if (find_numbers(t, number) != GR_OK || number[column]) {
        advise_missing(t, f);
    } else if (predicting(t)) {
        gr__error_hint(t->ctx, "the column holds text, but the training's column held numbers");
    } else {
        const char *name = t->name ? t->name[column] : NULL;
        snprintf(list, sizeof list, "[\"*\", {name: %s, as: category}]",
                 name ? gr__shown(one, sizeof one, name, strlen(name)) : place);
        gr__error_hint(t->ctx,
                       "the column holds text: with %s it is one of some categories, with `as: ignore` left out",
                       said_as(t, c, list, key, sizeof key));
    }
    gr__free(t->ctx, number, (size_t)t->n_columns);
}

/* The first sample of a table without names, and no number is in it: it may be the names. */
static bool looks_like_names(const gr__table *t, const gr__csv_reader *r)
{
    double x;
    if (t->header || r->record_line != t->first_line) return false;
    for (size_t i = 0; i < r->n; i++)
        if (r->cell[i].n == 0 || gr__cell_number(&r->cell[i], &x) || gr__table_missing(t, &r->cell[i])) return false;
    return true;
}

void gr__table_advise_names(const gr__table *t)
{
    const char *number = NULL;
    double x;
    unsigned long long line = t->first_line;
    for (int i = 0; i < t->n_columns && !number; i++) {
        gr__cell f = {.s = t->name[i], .n = strlen(t->name[i])};
        if (gr__cell_number(&f, &x) && isfinite(x)) number = t->name[i];
    }
    if (number && predicting(t))
        gr__error_hint(
            t->ctx,
            "line %llu is read as names, as in the training's table, but \"%s\" seems to be of a sample: put "
            "a line with the training's names above it",
            line, number);
    else if (number)
        gr__error_hint(t->ctx, "line %llu is read as names; if it is a sample, say `header: false`", line);
    else
        gr__error_hint(t->ctx, "line %llu names %d column%s: %s%s%s", line, t->n_columns, t->n_columns > 1 ? "s" : "",
                       t->name[0], t->n_columns > 1 ? ", " : "",
                       t->n_columns > 2   ? "..."
                       : t->n_columns > 1 ? t->name[1]
                                          : "");
}

static void advise_first_line(const gr__table *t)
{
    if (predicting(t))
        gr__error_hint(t->ctx,
                       "if line %llu holds names, take it away: the training's table had none, and columns go by their "
                       "places",
                       (unsigned long long)t->first_line);
    else
        gr__error_hint(t->ctx, "if line %llu holds names, say `header: true`", (unsigned long long)t->first_line);
}

/* Nothing stands for a target or a weight that is missing. */
static void advise_lacking(const gr__table *t, const gr__cell *f, gr_field_role role)
{
    if (role == GR_FIELD_INPUT)
        advise_missing(t, f);
    else
        gr__error_hint(t->ctx, "a %s cannot be missing: leave the row out",
                       role == GR_FIELD_TARGET ? "target" : "weight");
}

/* A number that is not finite: NaN says that there is none; nothing infinite can be computed with. */
static void advise_special(const gr__table *t, const gr__cell *f, double x, gr_field_role role)
{
    bool digits = f->s[f->n - 1] >= '0' && f->s[f->n - 1] <= '9';
    if (isnan(x))
        advise_lacking(t, f, role);
    else
        gr__error_hint(t->ctx, "%s: correct it, or leave the row out",
                       digits ? "it is beyond what float64 can hold"
                              : "nothing can be computed with an infinite number");
}

static void advise_cure(const gr__table *t, int column, const char *cure, bool may_leave)
{
    char key[120];
    if (may_leave)
        gr__error_hint(t->ctx, "%s, or leave the column out: %s", cure,
                       said_as(t, input_of(t, column), "[...]", key, sizeof key));
    else
        gr__error_hint(t->ctx, "%s", cure);
}

void gr__table_advise(const gr__table *t, const gr__csv_reader *r, int column, gr_field_role role)
{
    double x = 0;
    const gr__cell *f = &r->cell[column];
    const char *cure = meant(f);
    if (t->quiet) return;
    if (gr__cell_number(f, &x))
        advise_special(t, f, x, role);
    else if (looks_like_names(t, r))
        advise_first_line(t);
    else if (cure)
        advise_cure(t, column, cure, role == GR_FIELD_INPUT && !predicting(t));
    else if (f->n == 0 || gr__is_missing_mark(f))
        advise_lacking(t, f, role);
    else if (role == GR_FIELD_INPUT)
        advise_text(t, column, f);
    else if (role == GR_FIELD_WEIGHT)
        gr__error_hint(t->ctx, "a weight is a number from 0 on");
    else
        gr__error_hint(t->ctx, "the cost wants a number a sample; cross_entropy takes texts as classes");
}
