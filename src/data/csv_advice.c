/* CSV advice: what to do about a field that is not a number. It goes by what the field looks like, and by whether its
 * column holds numbers at all. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/csv_table.h"

enum { LOOK_AT = 1000, HINT = 480 };

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

static void list_numbers(const gr__table *t, const bool *number, char *text, size_t room)
{
    size_t used = (size_t)snprintf(text, room, "["), n = 0;
    char one[64];
    for (int i = 0; i < t->n_inputs; i++) {
        if (!number[t->input[i]]) continue;
        const char *name = t->name ? t->name[t->input[i]] : NULL;
        if (name)
            used += (size_t)snprintf(text + used, room - used, "%s%s", n++ ? ", " : "",
                                     gr__shown(one, sizeof one, name, strlen(name)));
        else
            used += (size_t)snprintf(text + used, room - used, "%s%d", n++ ? ", " : "", t->input[i]);
        if (used + sizeof one + 8 > room) break;
    }
    bool all = n > 0 && used + sizeof one + 8 <= room;
    if (all)
        snprintf(text + used, room - used, "]");
    else
        snprintf(text, room, "[...]");
}

static void advise_input(const gr__table *t, int column, const gr__cell *f)
{
    bool *number = gr__alloc(t->ctx, (size_t)t->n_columns);
    char list[300], value[80];
    if (!number) return;
    if (find_numbers(t, number) != GR_OK || number[column] || gr__is_missing_mark(f)) {
        gr__shown(value, sizeof value, f->s, GR_MIN(f->n, 60));
        gr__error_hint(t->ctx, "declare it if it stands for a missing value: missing: [\"%s\"]", value);
    } else {
        list_numbers(t, number, list, sizeof list);
        gr__error_hint(t->ctx,
                       "the column holds text: leave it out with columns: %s; reading it as a `category` is not "
                       "there yet",
                       list);
    }
    gr__free(t->ctx, number, (size_t)t->n_columns);
}

void gr__table_advise(const gr__table *t, int column, const gr__cell *f, bool is_input)
{
    const char *cure = meant(f);
    if (cure)
        gr__error_hint(t->ctx, "%s%s", cure, is_input ? ", or leave the column out: columns: [...]" : "");
    else if (is_input)
        advise_input(t, column, f);
    else
        gr__error_hint(t->ctx, "the cost wants a number a sample; cross_entropy takes texts as classes");
}
