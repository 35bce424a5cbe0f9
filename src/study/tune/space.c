/* Spaces read from their texts, and their coordinates. */
#include "study/tune/space.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    USUAL_POINTS = 5,
    FEW_WHOLE = 10
}; /* of a grid over a range that says no number; whole numbers that are all taken */

/* ---- reading ---- */

typedef struct reader {
    gr_context *ctx;
    gr__bump *b;
    const char *whole; /* KEY=SPACE, for messages */
} reader;

static gr_status wrong(const reader *r, const char *format, ...) GR_PRINTF(2, 3);
static gr_status wrong(const reader *r, const char *format, ...)
{
    char why[400];
    va_list args;
    va_start(args, format);
    gr__print_cut(why, sizeof why, format, args);
    va_end(args);
    gr__fail(r->ctx, GR_E_USAGE, "--try %s: %s", r->whole, why);
    gr__error_hint(r->ctx, "KEY=SPACE, where SPACE is {a,b,c}, uniform(a,b), log(a,b), int(a,b) or int_log(a,b); "
                           "behind it may stand: if KEY={a,b}");
    return GR_E_USAGE;
}

/* A piece without the blanks around it. */
static char *piece(gr__bump *b, const char *from, const char *to)
{
    while (from < to && isspace((unsigned char)*from)) from++;
    while (from < to && isspace((unsigned char)to[-1])) to--;
    return gr__bump_format(b, "%.*s", (int)(to - from), from);
}

/* Where what opens at *s closes; NULL: nowhere. Quotes and brackets within are passed over. */
static const char *closing(const char *s)
{
    int depth = 0;
    char quote = 0;
    for (; *s; s++) {
        if (quote) {
            if (*s == quote) quote = 0;
        } else if (*s == '"' || *s == '\'') {
            quote = *s;
        } else if (strchr("([{", *s)) {
            depth++;
        } else if (strchr(")]}", *s) && --depth == 0) {
            return s;
        }
    }
    return NULL;
}

/* The end of a part that a comma, or `end`, ends. */
static const char *part_end(const char *s, const char *end)
{
    while (s < end && *s != ',') {
        const char *after = strchr("([{", *s) ? closing(s) : NULL;
        if (*s == '"' || *s == '\'') after = strchr(s + 1, *s);
        s = (after && after < end ? after : s) + 1;
    }
    return s;
}

static gr_status read_choices(const reader *r, const char *from, const char *end, const char **out, int *n)
{
    for (const char *s = from; s <= end;) {
        const char *e = part_end(s, end);
        if (*n == GR_MOST_CHOICES) return wrong(r, "%d choices are the most", GR_MOST_CHOICES);
        char *word = piece(r->b, s, e);
        if (!word) return GR_E_MEMORY;
        if (!*word) return wrong(r, "a choice is empty");
        if (strlen(word) >= GR_SPACE_TEXT) return wrong(r, "a choice is longer than %d characters", GR_SPACE_TEXT - 1);
        for (int i = 0; i < *n; i++)
            if (strcmp(out[i], word) == 0) return wrong(r, "%s stands there twice", word);
        out[(*n)++] = word;
        s = e + 1;
    }
    return GR_OK;
}

static const struct range_kind {
    const char *name;
    gr_space_kind kind;
    bool whole, log;
} ranges[] = {
    {"uniform", GR_SPACE_UNIFORM, false, false},
    {"log", GR_SPACE_LOG, false, true},
    {"int", GR_SPACE_INT, true, false},
    {"int_log", GR_SPACE_INT_LOG, true, true},
};

static bool is_log(const gr_space *s)
{
    return s->kind == GR_SPACE_LOG || s->kind == GR_SPACE_INT_LOG;
}

static bool is_whole(const gr_space *s)
{
    return s->kind == GR_SPACE_INT || s->kind == GR_SPACE_INT_LOG;
}

static gr_status check_range(const reader *r, const gr_space *s)
{
    static const double most_whole = 1e15;
    if (!isfinite(s->low) || !isfinite(s->high)) return wrong(r, "its ends are finite numbers");
    if (is_whole(s) && (floor(s->low) != s->low || floor(s->high) != s->high))
        return wrong(r, "its ends are whole numbers");
    if (is_whole(s) && fmax(fabs(s->low), fabs(s->high)) > most_whole) return wrong(r, "its ends are at most 1e15");
    if (is_log(s) && s->low <= 0) return wrong(r, "a logarithmic space begins above 0");
    if (s->low > s->high) return wrong(r, "it ends before it begins");
    if (s->low == s->high) return wrong(r, "both ends are the same: there is nothing to search");
    return GR_OK;
}

/* name(low,high) or name(low,high,points). */
static gr_status read_range(const reader *r, const char *name, const char *from, const char *end, gr_space *s)
{
    const char *words[GR_COUNT(ranges)];
    const struct range_kind *k = NULL;
    double number[3];
    int n = 0;
    for (size_t i = 0; i < GR_COUNT(ranges); i++) {
        words[i] = ranges[i].name;
        if (strcmp(name, ranges[i].name) == 0) k = &ranges[i];
    }
    if (!k) {
        const char *near = gr__nearest(name, words, GR_COUNT(words));
        return wrong(r, "there is no space %s%s%s", name, near ? ": is it " : "", near ? near : "");
    }
    for (const char *p = from; p <= end; n++) {
        const char *e = part_end(p, end), *word = piece(r->b, p, e);
        if (!word) return GR_E_MEMORY;
        if (n == 3 || !gr__parse_number(word, &number[n])) return wrong(r, "%s(LOW,HIGH), two numbers", name);
        p = e + 1;
    }
    if (n < 2) return wrong(r, "%s(LOW,HIGH), two numbers", name);
    s->kind = k->kind;
    s->low = number[0], s->high = number[1];
    if (n == 3 && !(number[2] >= 2 && number[2] <= 1000 && floor(number[2]) == number[2]))
        return wrong(r, "a third number says how many values a grid takes, 2 to 1000");
    if (n == 3) s->points = (int)number[2];
    return check_range(r, s);
}

/* KEY=VALUE or KEY={a,b}, of a condition; which choices these are is known once all spaces are read. */
typedef struct condition {
    const char *key;
    const char *choice[GR_MOST_CHOICES];
    int n;
} condition;

static gr_status read_condition(const reader *r, const char *text, condition *out)
{
    const char *equals = strchr(text, '='), *end = text + strlen(text);
    *out = (condition){0};
    if (!equals) return wrong(r, "a condition is KEY=VALUE or KEY={a,b}");
    out->key = piece(r->b, text, equals);
    const char *value = piece(r->b, equals + 1, end);
    if (!out->key || !value) return GR_E_MEMORY;
    if (!*out->key || !*value) return wrong(r, "a condition is KEY=VALUE or KEY={a,b}");
    size_t n = strlen(value);
    bool set = value[0] == '{' && closing(value) == value + n - 1;
    return read_choices(r, value + set, value + n - set, out->choice, &out->n);
}

typedef struct written { /* a space whose conditions are not yet tied to others */
    gr_space space;
    condition when[GR_MOST_CONDITIONS];
    int n_when;
} written;

static gr_status read_conditions(const reader *r, const char *text, written *w)
{
    gr_status st = GR_OK;
    while (*text && st == GR_OK) {
        const char *next = strstr(text, " and "), *end = next ? next : text + strlen(text);
        char *one = piece(r->b, text, end);
        if (!one) return GR_E_MEMORY;
        if (w->n_when == GR_MOST_CONDITIONS) return wrong(r, "%d conditions are the most", GR_MOST_CONDITIONS);
        st = read_condition(r, one, &w->when[w->n_when++]);
        text = next ? next + strlen(" and ") : end;
    }
    return st;
}

static gr_status read_one(const reader *r, written *w)
{
    const char *equals = strchr(r->whole, '=');
    gr_space *s = &w->space;
    if (!equals || equals == r->whole) return wrong(r, "it wants KEY=SPACE");
    s->key = piece(r->b, r->whole, equals);
    s->text = piece(r->b, equals + 1, r->whole + strlen(r->whole));
    if (!s->key || !s->text) return GR_E_MEMORY;
    const char *open = s->text + strcspn(s->text, "{("), *close = *open ? closing(open) : NULL;
    if (!close) return wrong(r, "%s is no space", *s->text ? s->text : "nothing");
    const char *name = piece(r->b, s->text, open), *rest = piece(r->b, close + 1, s->text + strlen(s->text));
    if (!name || !rest) return GR_E_MEMORY;
    if (*open == '{' && *name) return wrong(r, "%s is no space", s->text);
    gr_status st = *open == '{' ? read_choices(r, open + 1, close, s->choice, &s->n_choices)
                                : read_range(r, name, open + 1, close, s);
    s->text = piece(r->b, s->text, close + 1);
    if (st != GR_OK || !*rest) return s->text ? st : GR_E_MEMORY;
    if (strncmp(rest, "if ", 3) != 0) return wrong(r, "behind the space stands %s", rest);
    return read_conditions(r, rest + 3, w);
}

/* ---- all of them ---- */

int gr__spaces_find(const gr_spaces *all, const char *key)
{
    for (int i = 0; i < all->n; i++)
        if (strcmp(all->at[i].key, key) == 0) return i;
    return -1;
}

/* Whether the key `of` lies within the key: optimizer.lr in optimizer. */
static bool within(const char *of, const char *key)
{
    size_t n = strlen(key);
    return strncmp(of, key, n) == 0 && (of[n] == '.' || of[n] == '[');
}

int gr__spaces_above(const gr_spaces *all, int s)
{
    int found = -1;
    for (int i = 0; i < all->n; i++)
        if (all->at[i].kind == GR_SPACE_CHOICES && within(all->at[s].key, all->at[i].key) &&
            (found < 0 || strlen(all->at[i].key) > strlen(all->at[found].key)))
            found = i;
    return found;
}

gr_status gr__space_limit(gr_context *ctx, gr_spaces *all, int s, int other, uint64_t choices)
{
    gr_space *a = &all->at[s];
    if (a->n_when == GR_MOST_CONDITIONS)
        return gr__fail(ctx, GR_E_USAGE, "--try %s: %d conditions are the most", a->key, GR_MOST_CONDITIONS);
    a->when[a->n_when].key = all->at[other].key;
    a->when[a->n_when].space = other;
    a->when[a->n_when++].choices = choices;
    return GR_OK;
}

/* Whether all that w depends on stands among the spaces that are placed. */
static bool may_stand(const written *w, const written *all, int n, const bool *placed)
{
    for (int i = 0; i < n; i++) {
        if (placed[i] || &all[i] == w) continue;
        if (within(w->space.key, all[i].space.key)) return false;
        for (int k = 0; k < w->n_when; k++)
            if (strcmp(w->when[k].key, all[i].space.key) == 0) return false;
    }
    return true;
}

static gr_status tie(const reader *r, const written *w, gr_spaces *all)
{
    int s = all->n - 1;
    gr_status st = GR_OK;
    for (int k = 0; k < w->n_when && st == GR_OK; k++) {
        const condition *c = &w->when[k];
        int other = gr__spaces_find(all, c->key);
        uint64_t choices = 0;
        if (other < 0 || other == s || all->at[other].kind != GR_SPACE_CHOICES)
            return wrong(r, "its condition wants a space {a,b} of %s", c->key);
        for (int i = 0; i < c->n; i++) {
            int at = 0;
            while (at < all->at[other].n_choices && strcmp(all->at[other].choice[at], c->choice[i]) != 0) at++;
            if (at == all->at[other].n_choices) return wrong(r, "%s is no choice of %s", c->choice[i], c->key);
            choices |= UINT64_C(1) << at;
        }
        st = gr__space_limit(r->ctx, all, s, other, choices);
    }
    return st;
}

static gr_status place_all(const reader *r, const written *w, int n, gr_spaces *out)
{
    bool placed[GR_MOST_SPACES] = {false};
    gr_status st = GR_OK;
    while (out->n < n && st == GR_OK) {
        int i = 0;
        while (i < n && (placed[i] || !may_stand(&w[i], w, n, placed))) i++;
        if (i == n) return gr__fail(r->ctx, GR_E_USAGE, "--try: spaces depend on each other in a circle");
        reader one = {r->ctx, r->b, gr__bump_format(r->b, "%s=%s", w[i].space.key, w[i].space.text)};
        if (!one.whole) return GR_E_MEMORY;
        placed[i] = true;
        out->at[out->n++] = w[i].space;
        st = tie(&one, &w[i], out);
    }
    return st;
}

gr_status gr__spaces_read(gr_context *ctx, gr__bump *b, const char *const *text, int n, gr_spaces *out)
{
    reader r = {ctx, b, ""};
    gr_status st = GR_OK;
    *out = (gr_spaces){0};
    if (n > GR_MOST_SPACES) return gr__fail(ctx, GR_E_USAGE, "--try: %d spaces are the most", GR_MOST_SPACES);
    written *w = gr__bump_alloc(b, sizeof *w * (size_t)GR_MAX(n, 1));
    if (!w) return GR_E_MEMORY;
    for (int i = 0; i < n && st == GR_OK; i++) {
        r.whole = text[i];
        st = read_one(&r, &w[i]);
        for (int k = 0; k < i && st == GR_OK; k++)
            if (strcmp(w[k].space.key, w[i].space.key) == 0) st = wrong(&r, "%s has a space already", w[i].space.key);
    }
    return st == GR_OK ? place_all(&r, w, n, out) : st;
}

/* ---- values ---- */

bool gr__space_applies(const gr_spaces *all, int s, const gr_point *p)
{
    const gr_space *a = &all->at[s];
    for (int k = 0; k < a->n_when; k++) {
        double x = p->at[a->when[k].space];
        if (isnan(x) || !(a->when[k].choices >> (int)x & 1)) return false;
    }
    return true;
}

void gr__space_ends(const gr_space *s, double *low, double *high)
{
    double half = is_whole(s) ? 0.5 : 0;
    *low = 0, *high = s->n_choices;
    if (s->kind == GR_SPACE_CHOICES) return;
    *low = is_log(s) ? log(s->low - half) : s->low - half;
    *high = is_log(s) ? log(s->high + half) : s->high + half;
}

double gr__space_coordinate(const gr_space *s, double value)
{
    return is_log(s) ? log(value) : value;
}

/* Six digits: what is shown is what is trained. */
static double shortened(double x)
{
    char text[40];
    double out = x;
    snprintf(text, sizeof text, "%.6g", x);
    for (char *c = text; *c; c++)
        if (*c == ',') *c = '.';
    return gr__parse_number(text, &out) ? out : x;
}

double gr__space_value(const gr_space *s, double coordinate)
{
    if (s->kind == GR_SPACE_CHOICES) return fmin(fmax(floor(coordinate), 0), s->n_choices - 1);
    double x = is_log(s) ? exp(coordinate) : coordinate;
    x = is_whole(s) ? floor(x + 0.5) : shortened(x);
    return fmin(fmax(x, s->low), s->high);
}

int gr__space_count(const gr_space *s)
{
    if (s->kind == GR_SPACE_CHOICES) return s->n_choices;
    double whole = is_whole(s) ? s->high - s->low + 1 : INFINITY;
    if (s->points) return (int)fmin(s->points, whole);
    return whole <= FEW_WHOLE ? (int)whole : USUAL_POINTS;
}

double gr__space_grid(const gr_space *s, int i)
{
    int n = gr__space_count(s);
    if (s->kind == GR_SPACE_CHOICES) return i;
    if (is_whole(s) && n == s->high - s->low + 1) return s->low + i; /* all of them */
    double low = gr__space_coordinate(s, s->low), high = gr__space_coordinate(s, s->high);
    return gr__space_value(s, n == 1 ? low : low + (high - low) * i / (n - 1));
}

const char *gr__space_text(const gr_space *s, double value, char buffer[GR_SPACE_TEXT])
{
    if (s->kind == GR_SPACE_CHOICES)
        snprintf(buffer, GR_SPACE_TEXT, "%s", s->choice[(int)value]);
    else if (is_whole(s))
        snprintf(buffer, GR_SPACE_TEXT, "%.0f", value);
    else
        gr__double_text(value, buffer);
    return buffer;
}

const char *gr__space_written(const gr_spaces *all, int s, gr__bump *b)
{
    const gr_space *a = &all->at[s];
    const char *out = gr__bump_format(b, "%s=%s", a->key, a->text);
    for (int k = 0; k < a->n_when && out; k++) {
        const gr_space *other = &all->at[a->when[k].space];
        const char *list = "";
        for (int i = 0; i < other->n_choices && list; i++)
            if (a->when[k].choices >> i & 1)
                list = gr__bump_format(b, "%s%s%s", list, *list ? "," : "", other->choice[i]);
        out = list ? gr__bump_format(b, "%s %s %s={%s}", out, k ? "and" : "if", other->key, list) : NULL;
    }
    return out;
}
