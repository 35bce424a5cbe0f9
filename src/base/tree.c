/* Trees of settings: making, comparing, finding, and naming places. Writing is in tree_write.c. */
#include "base/tree.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* ---- scalars ---- */

static bool one_of(const char *s, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(s, *words) == 0) return true;
    }
    return false;
}

/* [-+]?[0-9]+ | 0o[0-7]+ | 0x[0-9a-fA-F]+, as a double. */
static bool whole(const char *s, double *out)
{
    int base = 10;
    double sign = 1, x = 0;
    if (s[0] == '0' && (s[1] == 'o' || s[1] == 'x')) {
        base = s[1] == 'o' ? 8 : 16;
        s += 2;
    } else if (*s == '-' || *s == '+') {
        sign = *s++ == '-' ? -1 : 1;
    }
    if (!*s) return false;
    for (; *s; s++) {
        int digit = *s >= '0' && *s <= '9'   ? *s - '0'
                    : *s >= 'a' && *s <= 'f' ? *s - 'a' + 10
                    : *s >= 'A' && *s <= 'F' ? *s - 'A' + 10
                                             : base;
        if (digit >= base) return false;
        x = x * base + digit;
    }
    *out = sign * x;
    return true;
}

static void resolve(gr_tree *t)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const infs[] = {".inf", ".Inf", ".INF", "inf", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    const char *s = t->text;
    const char *unsigned_part = s[0] == '-' || s[0] == '+' ? s + 1 : s;
    t->kind = GR_TREE_TEXT;
    if (one_of(s, nulls)) {
        t->kind = GR_TREE_NULL;
    } else if (one_of(s, trues) || one_of(s, falses)) {
        t->kind = GR_TREE_BOOL;
        t->truth = one_of(s, trues);
    } else if (one_of(unsigned_part, infs)) {
        t->kind = GR_TREE_REAL;
        t->number = *s == '-' ? -(double)INFINITY : (double)INFINITY;
    } else if (one_of(s, nans)) {
        t->kind = GR_TREE_REAL;
        t->number = (double)NAN;
    } else if (whole(s, &t->number)) {
        /* Decimal digits go through the correctly rounded reader; too many of them are no number. */
        double decimal;
        bool plain = s[0] != '0' || (s[1] != 'o' && s[1] != 'x');
        if (plain && gr__parse_number(s, &decimal)) t->number = decimal;
        t->kind = isfinite(t->number) ? GR_TREE_INT : GR_TREE_TEXT;
    } else if (gr__parse_number(s, &t->number)) {
        t->kind = GR_TREE_REAL;
    }
}

static gr_tree *make(gr__bump *b, gr_tree_kind kind)
{
    gr_tree *t = gr__bump_alloc(b, sizeof *t);
    if (!t) return NULL;
    t->kind = kind;
    t->file = "";
    return t;
}

gr_tree *gr__tree_text(gr__bump *b, const char *text)
{
    gr_tree *t = make(b, GR_TREE_TEXT);
    if (t) t->text = gr__bump_strdup(b, text);
    return t && t->text ? t : NULL;
}

gr_tree *gr__tree_scalar(gr__bump *b, const char *text)
{
    gr_tree *t = gr__tree_text(b, text);
    if (t) resolve(t);
    return t;
}

/* t where it can be changed: in its container. */
static gr_tree *own(const gr_tree *t)
{
    for (int i = 0; t->parent && i < t->parent->n; i++)
        if (t->parent->child[i] == t) return t->parent->child[i];
    return NULL;
}

static void unquote(const gr_tree *t, bool truths)
{
    gr_tree plain = *t, *place = t->kind == GR_TREE_TEXT ? own(t) : NULL;
    if (!place) return;
    resolve(&plain);
    if (plain.kind == GR_TREE_INT || plain.kind == GR_TREE_REAL || (truths && plain.kind == GR_TREE_BOOL))
        *place = plain;
}

void gr__tree_unquote(const gr_tree *t, bool truths)
{
    unquote(t, truths);
    for (int i = 0; t->kind == GR_TREE_LIST && i < t->n; i++) unquote(t->child[i], truths);
}

/* Decimal digits exactly, where a double would round; false if s is written another way or does not fit. */
static bool exact_int(const char *s, int64_t *out)
{
    bool negative = *s == '-';
    if (*s == '-' || *s == '+') s++;
    if (!*s) return false;
    uint64_t limit = (uint64_t)INT64_MAX + negative, x = 0;
    for (; *s; s++) {
        if (*s < '0' || *s > '9') return false;
        uint64_t digit = (uint64_t)(*s - '0');
        if (x > (limit - digit) / 10) return false;
        x = x * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - x) : (int64_t)x;
    return true;
}

bool gr__tree_int(const gr_tree *t, int64_t *out)
{
    if (!t || (t->kind != GR_TREE_INT && t->kind != GR_TREE_REAL)) return false;
    if (t->kind == GR_TREE_INT && exact_int(t->text, out)) return true;
    if (!(t->number >= -9223372036854775808.0 && t->number < 9223372036854775808.0) || t->number != floor(t->number))
        return false;
    *out = (int64_t)t->number;
    return true;
}

/* ---- containers ---- */

gr_tree *gr__tree_list(gr__bump *b)
{
    return make(b, GR_TREE_LIST);
}

gr_tree *gr__tree_map(gr__bump *b)
{
    return make(b, GR_TREE_MAP);
}

/* Room for one more child. Outgrown arrays stay in the bump allocator: at most as much again. */
static bool room(gr__bump *b, gr_tree *t)
{
    if (t->n < t->capacity) return true;
    int capacity = t->capacity ? 2 * t->capacity : 4;
    gr_tree **child = gr__bump_alloc(b, (size_t)capacity * sizeof *child);
    const char **key = t->kind == GR_TREE_MAP && child ? gr__bump_alloc(b, (size_t)capacity * sizeof *key) : NULL;
    if (!child || (t->kind == GR_TREE_MAP && !key)) return false;
    if (t->n) {
        memcpy(child, t->child, (size_t)t->n * sizeof *child);
        if (key) memcpy(key, t->key, (size_t)t->n * sizeof *key);
    }
    t->child = child;
    t->key = key;
    t->capacity = capacity;
    return true;
}

bool gr__tree_push(gr__bump *b, gr_tree *list, gr_tree *child)
{
    if (!list || !child) return false;
    assert(list->kind == GR_TREE_LIST);
    if (!room(b, list)) return false;
    child->parent = list;
    list->child[list->n++] = child;
    return true;
}

bool gr__tree_put(gr__bump *b, gr_tree *map, const char *key, gr_tree *child)
{
    if (!map || !child) return false;
    assert(map->kind == GR_TREE_MAP);
    for (int i = 0; i < map->n; i++) {
        if (strcmp(map->key[i], key) != 0) continue;
        child->parent = map;
        map->child[i] = child;
        return true;
    }
    const char *copy = gr__bump_strdup(b, key);
    if (!copy || !room(b, map)) return false;
    child->parent = map;
    map->key[map->n] = copy;
    map->child[map->n++] = child;
    return true;
}

bool gr__tree_put_number(gr__bump *b, gr_tree *map, const char *key, double x)
{
    char text[32];
    return gr__tree_put(b, map, key, gr__tree_scalar(b, gr__double_text(x, text)));
}

bool gr__tree_put_text(gr__bump *b, gr_tree *map, const char *key, const char *text)
{
    return gr__tree_put(b, map, key, gr__tree_text(b, text));
}

gr_tree *gr__tree_get(const gr_tree *map, const char *key)
{
    if (!map || map->kind != GR_TREE_MAP) return NULL;
    for (int i = 0; i < map->n; i++) {
        if (strcmp(map->key[i], key) == 0) return map->child[i];
    }
    return NULL;
}

/* from and to: the file name last copied and its copy; a whole tree mostly shares one. */
static gr_tree *copy(gr__bump *b, const gr_tree *t, const char **from, const char **to)
{
    gr_tree *c = make(b, t->kind);
    if (!c) return NULL;
    if (t->file != *from) {
        *to = gr__bump_strdup(b, t->file);
        if (!*to) return NULL;
        *from = t->file;
    }
    c->file = *to;
    c->line = t->line;
    c->column = t->column;
    c->number = t->number;
    c->truth = t->truth;
    if (t->text && !(c->text = gr__bump_strdup(b, t->text))) return NULL;
    for (int i = 0; i < t->n; i++) {
        gr_tree *child = copy(b, t->child[i], from, to);
        if (!(t->kind == GR_TREE_MAP ? gr__tree_put(b, c, t->key[i], child) : gr__tree_push(b, c, child))) return NULL;
    }
    return c;
}

gr_tree *gr__tree_copy(gr__bump *b, const gr_tree *t)
{
    const char *from = NULL, *to = NULL;
    return copy(b, t, &from, &to);
}

gr_tree *gr__tree_without(gr__bump *b, const gr_tree *map, const char *key)
{
    gr_tree *made = gr__tree_copy(b, map);
    for (int i = 0; made && i < made->n; i++) {
        if (strcmp(made->key[i], key) != 0) continue;
        made->n--;
        for (int j = i; j < made->n; j++) made->key[j] = made->key[j + 1], made->child[j] = made->child[j + 1];
    }
    return made;
}

bool gr__tree_equal(const gr_tree *a, const gr_tree *b)
{
    if (a->kind != b->kind) return false;
    int64_t x, y;
    switch (a->kind) {
    case GR_TREE_NULL:
        return true;
    case GR_TREE_BOOL:
        return a->truth == b->truth;
    case GR_TREE_INT:
        if (gr__tree_int(a, &x) && gr__tree_int(b, &y)) return x == y;
        return a->number == b->number;
    case GR_TREE_REAL:
        return a->number == b->number || (isnan(a->number) && isnan(b->number));
    case GR_TREE_TEXT:
        return strcmp(a->text, b->text) == 0;
    case GR_TREE_LIST:
    case GR_TREE_MAP:
        break;
    }
    if (a->n != b->n) return false;
    for (int i = 0; i < a->n; i++) {
        const gr_tree *other = a->kind == GR_TREE_MAP ? gr__tree_get(b, a->key[i]) : b->child[i];
        if (!other || !gr__tree_equal(a->child[i], other)) return false;
    }
    return true;
}

/* ---- messages ---- */

/* Appends the path of t behind `used` characters; the root adds nothing. A node that its parent no longer holds has its
 * parent's path. */
static size_t path(const gr_tree *t, char *buffer, size_t n)
{
    const gr_tree *p = t->parent;
    if (!p) return 0;
    size_t used = path(p, buffer, n);
    for (int i = 0; i < p->n && used < n; i++) {
        if (p->child[i] != t) continue;
        int more = p->kind == GR_TREE_MAP ? snprintf(buffer + used, n - used, "%s%s", used ? "." : "", p->key[i])
                                          : snprintf(buffer + used, n - used, "[%d]", i);
        used += more > 0 ? (size_t)more : 0;
        break;
    }
    return GR_MIN(used, n - 1);
}

const char *gr__tree_path(const gr_tree *t, char *buffer, size_t n)
{
    buffer[0] = '\0';
    if (t) path(t, buffer, n);
    return buffer;
}

gr_status gr__tree_fail(gr_context *ctx, const gr_tree *t, gr_status code, const char *hint, const char *format, ...)
{
    if (gr__error_code(ctx) != GR_OK) return code; /* the first error stays, and gets no place that is not its own */
    char text[1024], key[256];
    va_list args;
    va_start(args, format);
    gr__print_cut(text, sizeof text, format, args);
    va_end(args);
    gr__fail(ctx, code, "%s", text);
    if (t) gr__error_place(ctx, t->file, t->line, t->column, gr__tree_path(t, key, sizeof key));
    if (hint) gr__error_hint(ctx, "%s", hint);
    return code;
}

const char *gr__tree_kind_name(const gr_tree *t)
{
    static const char *const names[] = {"nothing", "true or false", "a whole number", "a number",
                                        "text",    "a list",        "a map"};
    return t ? names[t->kind] : "nothing";
}

static void print(char *buffer, size_t n, const char *format, ...) GR_PRINTF(3, 4);
static void print(char *buffer, size_t n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gr__print_cut(buffer, n, format, args);
    va_end(args);
}

const char *gr__tree_show(const gr_tree *t, char *buffer, size_t n)
{
    if (!t || t->kind == GR_TREE_NULL || t->kind == GR_TREE_LIST || t->kind == GR_TREE_MAP)
        print(buffer, n, "%s", gr__tree_kind_name(t));
    else
        print(buffer, n, t->kind == GR_TREE_TEXT ? "\"%s\"" : "%s", t->text);
    return buffer;
}

/* ---- flow style of our own defaults ---- */

static const char *skip_space(const char *s)
{
    while (*s == ' ' || *s == '\n') s++;
    return s;
}

/* A plain scalar up to one of `ends`, without the spaces around it. */
static char *word(gr__bump *b, const char **at, const char *ends)
{
    const char *s = skip_space(*at);
    size_t n = strcspn(s, ends);
    *at = s + n;
    while (n && s[n - 1] == ' ') n--;
    char *text = gr__bump_alloc(b, n + 1);
    return text ? memcpy(text, s, n) : NULL;
}

static gr_tree *flow(gr__bump *b, const char **at, const char *ends)
{
    const char *s = skip_space(*at);
    bool list = *s == '[';
    if (!list && *s != '{') {
        *at = s;
        const char *text = word(b, at, ends);
        return text ? gr__tree_scalar(b, text) : NULL;
    }
    gr_tree *t = list ? gr__tree_list(b) : gr__tree_map(b);
    char end = list ? ']' : '}';
    s = skip_space(s + 1);
    while (t && *s != end) {
        const char *key = list ? NULL : word(b, &s, ":");
        if (!list && !key) return NULL;
        assert(list || *s == ':');
        if (!list) s++;
        gr_tree *child = flow(b, &s, list ? ",]" : ",}");
        if (!(list ? gr__tree_push(b, t, child) : gr__tree_put(b, t, key, child))) return NULL;
        s = skip_space(s);
        assert(*s == ',' || *s == end);
        if (*s == ',') s = skip_space(s + 1);
    }
    *at = s + 1;
    return t;
}

gr_tree *gr__tree_flow(gr__bump *b, const char *text)
{
    return flow(b, &text, "");
}

bool gr__tree_none(const gr_tree *t)
{
    return !t || t->kind == GR_TREE_NULL || (t->kind == GR_TREE_TEXT && strcmp(t->text, "none") == 0);
}
